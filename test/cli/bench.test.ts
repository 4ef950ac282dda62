/** Which sections of the bench are run. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { build } from 'esbuild';
import { execa } from 'execa';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const dir = mkdtempSync(join(tmpdir(), 'xlsim-bench-'));
const program = join(dir, 'bench.mjs');

beforeAll(async () => {
  // Of the sections themselves nothing is needed: each says its name.
  const stub = (path: string): string => {
    const name = basename(path, '.ts').replace(/-(.)/g, (_, letter: string) => letter.toUpperCase());
    return `export const ${name} = (print) => print('ran ${name}');`;
  };
  await build({
    entryPoints: ['src/cli/bench.ts'],
    outfile: program,
    bundle: true,
    format: 'esm',
    logLevel: 'error',
    plugins: [
      {
        name: 'sections that say their names',
        setup: (bundle) => {
          bundle.onLoad({ filter: /bench-[a-z-]+\.ts$/ }, ({ path }) => ({
            contents: stub(path),
            loader: 'js',
          }));
        },
      },
    ],
  });
});

afterAll(() => rmSync(dir, { recursive: true, force: true }));

const bench = (...words: string[]) => execa(process.execPath, [program, ...words], { reject: false });

describe('npm run bench', () => {
  it('runs all sections without a word, and with words those whose titles have one of them', async () => {
    expect((await bench()).stdout.match(/^ran/gm)).toHaveLength(9);
    const { stdout, exitCode } = await bench('orders of real', 'Scenarios');
    expect(stdout).toBe(
      '\nscenarios replayed\nran benchReplay\n\norders of real creates\nran benchExploreWorld',
    );
    expect(exitCode).toBe(0);
  });

  it('leaves options to the sections: one runs processes of its own with them', async () => {
    const { stdout, exitCode } = await bench('orders of builders', '--race={}');
    expect(stdout).toBe('\norders of builders that are counts\nran benchExplore');
    expect(exitCode).toBe(0);
  });

  it('names the sections where no title has the word, and runs none', async () => {
    const { stdout, stderr, exitCode } = await bench('orders', 'expolre');
    expect(stdout).toBe('');
    expect(stderr).toMatch(
      /^bench: no section's title has "expolre" in it; there are\n(?: {2}\S.*\n){8} {2}\S.*$/,
    );
    expect(exitCode).toBe(2);
  });
});
