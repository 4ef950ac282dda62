import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type BuiltCli, buildCli } from '../cli/built-cli.ts';

const README = 'README.md';
const SESSION = /```console\n([\s\S]*?)```\n/;

let cli: BuiltCli;
let bin: string;
beforeAll(async () => {
  cli = await buildCli();
  bin = mkdtempSync(join(tmpdir(), 'xlsim-bin-'));
  writeFileSync(join(bin, 'xlsim'), `#!/bin/sh\nexec "${process.execPath}" "${cli.entry}" "$@"\n`, {
    mode: 0o755,
  });
});
afterAll(() => {
  cli.remove();
  rmSync(bin, { recursive: true, force: true });
});

/** Runs a line as a user's shell would, both streams into one pipe. */
const typed = (line: string): string =>
  execFileSync('sh', ['-c', `{ ${line}\n} 2>&1 || true`], {
    encoding: 'utf8',
    env: { ...process.env, PATH: `${bin}:${process.env.PATH ?? ''}`, XLSIM_STATE: cli.state },
  });

describe('README.md', () => {
  it('shows a session that goes just so', () => {
    const text = readFileSync(README, 'utf8');
    const block = SESSION.exec(text)?.[1] ?? '';
    const lines = block.split('\n').filter((line) => line.startsWith('$ xlsim '));
    expect(lines.length).toBeGreaterThan(3);
    const now = lines.map((line) => `${line}\n${typed(line.slice(2))}`).join('');
    // UPDATE_README=1 (npm run docs:readme) writes the session down anew.
    if (process.env.UPDATE_README === '1') {
      writeFileSync(
        README,
        text.replace(SESSION, () => `\`\`\`console\n${now}\`\`\`\n`),
      );
    } else {
      expect(now).toBe(block);
    }
  });
});
