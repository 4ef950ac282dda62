import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type BuiltCli, buildCli } from '../cli/built-cli.ts';

const README = 'README.md';
const SESSIONS = /```console\n([\s\S]*?)```\n/g;
/** Every order of a race is walked in one of them. */
const PATIENCE_MS = 600_000;

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
  it(
    'shows sessions that go just so',
    () => {
      const text = readFileSync(README, 'utf8');
      const now = text.replace(SESSIONS, (_, block: string) => {
        const lines = block.split('\n').filter((line) => line.startsWith('$ xlsim '));
        return `\`\`\`console\n${lines.map((line) => `${line}\n${typed(line.slice(2))}`).join('')}\`\`\`\n`;
      });
      expect(text.match(SESSIONS)?.length).toBe(2);
      // UPDATE_README=1 (npm run docs:readme) writes the sessions down anew.
      if (process.env.UPDATE_README === '1') writeFileSync(README, now);
      else expect(text).toBe(now);
    },
    PATIENCE_MS,
  );
});
