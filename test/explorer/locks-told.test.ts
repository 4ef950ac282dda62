/** Locks under a failed expectation, and in what is expected of them. */
import { describe, expect, it } from 'vitest';
import { playOnce } from '../../src/explorer/replay.ts';
import type { Failure } from '../../src/explorer/result-record.ts';
import { parseScenario } from '../../src/explorer/scenario-file.ts';
import { subjectOf } from './explore-fixture.ts';

const MEM_SETS = 'parallel: [xl mem-set a 40, xl mem-set a 50]';

function failuresOf(autoballoon: string, expected: string, then = MEM_SETS): readonly Failure[] {
  const text = `
host: { memory: 4G, dom0: 1G }
guests: { a: { type: pvh, memory: 64 } }
xlconf: { autoballoon: "${autoballoon}" }
steps:
  - xl create a
  - ${then}
  - expect: { events: { ${expected} }, host: { domains: 9 } }
`;
  const read = parseScenario(text, 'test.xlsim.yaml');
  if (!read.ok) throw new Error(JSON.stringify(read.problems));
  return playOnce(read.value, subjectOf(text).around).failures;
}

describe("libxl's locks on userdata", () => {
  const none = 'longest_xl_lock: 0s, lock_wait: 0s';

  it('are not the xl lock, whether somebody waits for one or not', () => {
    expect(failuresOf('off', none).map(({ what }) => what)).toEqual(['host.domains']);
    expect(failuresOf('on', none).map(({ what }) => what)).toEqual([
      'host.domains',
      'events.longest_xl_lock',
    ]);
  });

  it('are among the last events only where somebody waited for one', () => {
    const told = failuresOf('off', none)[0]!.events.filter((event) => event.includes('userdata'));
    expect(told).toEqual([expect.stringMatching(/xl mem-set a \d+: waited for .*userdata-lock \(.*µs\)/)]);
  });
});

describe('who lets a lock go', () => {
  it('is called what it was called when it took it', () => {
    const told = failuresOf('on', '', 'xl list')[0]!.events.filter((event) => event.includes('/var/lock/xl'));
    expect(told).toEqual([expect.stringContaining('  xl create a: lets go of /var/lock/xl;')]);
  });
});
