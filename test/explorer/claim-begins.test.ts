/** A claim by name beside those who make the domain: whether there is one of that name depends on when it begins. */
import { describe, expect, it } from 'vitest';
import { explored, subjectOf } from './explore-fixture.ts';

describe('xlsim claim in a block', () => {
  it.each(['dfs', 'bfs'] as const)('finds its domain or does not, by when it begins: %s', (order) => {
    const subject = subjectOf(`
host: { memory: 256M, dom0: 64M }
xlconf: { claim_mode: 0, autoballoon: "off" }
guests: { a: { type: pv, memory: 4, vcpus: 1 } }
steps:
  - parallel: [xlsim claim a 0, xl create a]
`);
    for (const ownership of ['class', 'exact'] as const) {
      const { verdict, outcomes, walk } = explored(subject, { ownership, order });
      expect([verdict, walk.states]).toEqual(['early refusal', 110]);
      const kinds = outcomes.map(({ lanes }) => lanes.map(({ ends }) => ends[0]!.kind));
      expect(kinds).toEqual([
        ['failed', 'started'],
        ['done', 'started'],
      ]);
    }
  });
});
