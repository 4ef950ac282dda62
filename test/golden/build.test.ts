/** `xl create` against the recorded builds: every trace line, every word on stderr, the exit code, the stored config. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { type BuildCase, compareBuildCase, runBuildSet } from './build-set.ts';

const dir = new URL('./data/build', import.meta.url).pathname;
const cases = JSON.parse(readFileSync(`${dir}/manifest.json`, 'latin1')) as BuildCase[];

describe('xl create', () => {
  it.each(cases.map((c) => [c.id, c] as const))('builds %s as the real xl did', (_id, c) => {
    expect(compareBuildCase(dir, c)).toBe('');
  });

  it('counts a build that differs as failed', () => {
    expect(runBuildSet(dir)).toMatchObject({ passed: cases.length, failed: 0, skipped: 0 });
  });
});
