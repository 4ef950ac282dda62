/** In a walk nothing costs time: what only the clock of a play does is not done there, and no date tells states apart. */
import { describe, expect, it } from 'vitest';
import { explored, subjectOf } from './explore-fixture.ts';

const small = `
host: { memory: 256M, dom0: 64M }
xlconf: { claim_mode: 0, autoballoon: "off" }
guests: { a: { type: pv, memory: 4, vcpus: 1 }, b: { type: pv, memory: 4, vcpus: 1 } }
`;

/** What is known of all orders, frame by frame, in both orders of the search. */
const bothWays = (text: string) =>
  (['dfs', 'bfs'] as const).map((order) => {
    const { verdict, outcomes, walk } = explored(subjectOf(text), { ownership: 'exact', order });
    return { verdict, outcomes, ...walk, order: null };
  });

describe('a walk', () => {
  it('has nobody scrub what a step sets free, however long the clock says that it has been there', () => {
    const [depth, breadth] = bothWays(`${small}
steps:
  - xl create a
  - xl destroy a
  - set: { hold: { leave: 26M, as: others } }
  - parallel:
      - set: { release: others }
      - { at: 1ms, run: xl create b }
      - set: { release: others }
`);
    expect(depth).toEqual(breadth);
  });

  it('does not tell states apart by the moment at which a guest was started', () => {
    const [depth, breadth] = bothWays(`${small}
steps:
  - xl create b
  - parallel:
      - { repeat: 1, steps: [xl save b file, xl create a] }
      - { at: 15ms, hypercall: XENMEM_maximum_ram_page }
`);
    expect(depth).toEqual(breadth);
    expect(depth!.states).toBe(659);
  });
});
