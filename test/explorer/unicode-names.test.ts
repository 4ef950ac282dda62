/** Guests whose names are not ASCII: a scenario writes them in Unicode, xenstore keeps their bytes. */
import { describe, expect, it } from 'vitest';
import { playOnce } from '../../src/explorer/replay.ts';
import { parseScenario } from '../../src/explorer/scenario-file.ts';
import { subjectOf } from './explore-fixture.ts';

function playOf(expected: string) {
  const text = `
guests: { 日本: { type: pvh, memory: 64 }, "ünï": { type: pvh, memory: 64 } }
steps:
  - xl create 日本
  - xl create 'ünï'
  - expect: ${expected}
`;
  const read = parseScenario(text, 'test.xlsim.yaml');
  if (!read.ok) throw new Error(JSON.stringify(read.problems));
  return playOnce(read.value, subjectOf(text).around);
}

describe('a name that is not ASCII', () => {
  it('is found among those that run, and by what is expected of it', () => {
    expect(playOf('{ running: [日本, "ünï"], domains: { 日本: { mem: 64 } } }').failures).toEqual([]);
  });

  it('is told as it was written, also of what watches over it', () => {
    const [failure] = playOf('{ running: [日本] }').failures;
    expect([failure!.expected, failure!.got]).toEqual(['日本', '日本, ünï']);
    expect(failure!.events.join('\n')).toContain('xl-ünï: starts');
  });
});
