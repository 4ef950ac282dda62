/** A failed expectation says where it stands in the file: it, and not only its step. */
import { describe, expect, it } from 'vitest';
import { playOnce } from '../../src/explorer/replay.ts';
import type { Failure } from '../../src/explorer/result-record.ts';
import { parseScenario } from '../../src/explorer/scenario-file.ts';
import { subjectOf } from './explore-fixture.ts';

const STAGE = `host: { memory: 4G, dom0: 1G }
guests: { a: { type: pvh, memory: 64 }, "b.[1]": { type: pvh, memory: 64 } }
xlconf: { autoballoon: "off" }
steps:
`;

function failuresOf(steps: string): readonly Failure[] {
  const text = `${STAGE}${steps}`;
  const read = parseScenario(text, 'test.xlsim.yaml');
  if (!read.ok) throw new Error(JSON.stringify(read.problems));
  return playOnce(read.value, subjectOf(text).around).failures;
}

const placesOf = (steps: string): string[] =>
  failuresOf(steps).map(({ line, column, what }) => `${line}:${column} ${what}`);

describe('a failed expectation', () => {
  it('is told where it stands, in blocks and in one line', () => {
    expect(
      placesOf(`  - run: xl create a
    expect:
      exit: 3
      domains:
        a: { mem: 1, extents: { 4K: 7 } }
        "b.[1]": { tot_pages: 3 }
      host: { nodes: [{ free: 1 }, { free_pages: 2 }] }
      stdout:
        contains:
          - web
          - other
        lacks: Parsing
        matches: [^a, ^b]
`),
    ).toEqual([
      '7:13 exit',
      '14:13 stdout',
      '15:13 stdout',
      '17:19 stdout',
      '17:23 stdout',
      '9:19 domains.a.mem',
      '9:37 domains.a.extents.4K',
      '10:18 domains.b.[1]',
      '11:31 host.nodes[0].free',
      '11:50 host.nodes[1].free_pages',
    ]);
  });

  it('is told where its step stands if the file does not say it', () => {
    expect(placesOf('  - xl create nobody\n')).toEqual(['5:5 exit']);
    expect(placesOf('  - run: xl create nobody\n    expect: { host: { domains: 1 } }\n')).toEqual([
      '5:5 exit',
    ]);
    expect(placesOf('  - guest: a shutdown\n')).toEqual(['5:5 guest']);
  });

  it('is told where the state of a domain stands that is no mapping', () => {
    expect(placesOf('  - expect:\n      domains: { a: running }\n')).toEqual(['6:21 domains.a.state']);
  });
});
