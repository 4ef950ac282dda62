/** Every recorded command of the real xl, from the project's own copy and, where it is there, from the shared folder. */
import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { Task } from '../../src/toolstack/task.ts';
import { type KnownDifferences, readStored, runCommandSet } from './command-set.ts';

const OWN = 'test/golden/data';
const SHARED = '../shared/golden/xl/commands';

const known = JSON.parse(readFileSync('test/golden/known-differences.json', 'utf8')) as {
  readonly commands: KnownDifferences;
};

const run = (dir: string) =>
  runCommandSet(dir, { stored: readStored(`${OWN}/stored`), known: known.commands });

describe('xl main', () => {
  it('prints, exits and asks as the real xl did in every recorded command', () => {
    const { failed, failures, skipped } = run(`${OWN}/commands`);
    expect(failures).toEqual([]);
    expect(failed).toBe(0);
    // Recorded on a machine without any Xen: nothing here to compare with.
    expect(skipped).toBe(5);
  });

  const shared = existsSync(SHARED);
  if (!shared) console.warn(`skipped: ${SHARED} is not here`);
  it.skipIf(!shared)('does so for the recordings next to the project as well', () => {
    expect(run(SHARED).failures).toEqual([]);
  });

  it('does the same when its task goes through JSON before every request: it is plain data', () => {
    const { failures } = runCommandSet(`${OWN}/commands`, {
      stored: readStored(`${OWN}/stored`),
      known: known.commands,
      between: (task) => JSON.parse(JSON.stringify(task)) as Task,
    });
    expect(failures).toEqual([]);
  });

  it('gives a reason for every difference it does not compare, and names cases that exist', () => {
    const ids = new Set(
      (JSON.parse(readFileSync(`${OWN}/commands/manifest.json`, 'utf8')) as { id: string }[]).map(
        (c) => c.id,
      ),
    );
    for (const [id, { reason }] of Object.entries(known.commands)) {
      expect(ids.has(id)).toBe(true);
      expect(reason.length).toBeGreaterThan(20);
    }
  });
});
