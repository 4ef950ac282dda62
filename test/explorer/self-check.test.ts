/** Orders taken twice: the search held against a fresh host, and samples that do not depend on what was drawn before. */
import { describe, expect, it } from 'vitest';
import {
  checkedSpaceOf,
  type ExploreHow,
  forwardSpaceOf,
  type Subject,
} from '../../src/explorer/explore-how.ts';
import { inPathOrder } from '../../src/explorer/path-order.ts';
import { parseScenario } from '../../src/explorer/scenario-file.ts';
import { type OpenSpace, selfCheck } from '../../src/explorer/self-check.ts';
import { atOnce } from '../../src/explorer/sliced.ts';
import type { Effect, StepNode } from '../../src/explorer/step-memo.ts';
import { sampleRange, sampleSchedule } from '../../src/explorer/walks.ts';
import { HEAP } from '../../src/explorer/world-cells.ts';
import type { WalkedSpace } from '../../src/explorer/world-space.ts';
import { around, twoBuilders } from './space-fixture.ts';

const CREATES = `
host: { memory: 256M, dom0: 64M }
guests:
  a: { type: pv, memory: 110 }
  b: { type: pv, memory: 110 }
steps:
  - parallel: [xl create a, xl create b]
`;

const how: ExploreHow = {
  strategy: 'random',
  order: 'bfs',
  grain: 'hypercall',
  ownership: 'auto',
  reduction: false,
  forbidRefusal: false,
  maxStates: 1e6,
  samples: { from: 0, to: 10 },
  seed: 1,
  depth: 3,
};

function subjectOf(text: string): Subject {
  const scenario = parseScenario(text, 'test');
  if (!scenario.ok) throw new Error(JSON.stringify(scenario.problems));
  return { stage: scenario.value.stage, limits: scenario.value.limits, around, block: 0, remedy: null };
}

describe('the self-check', () => {
  it('finds nothing between the search and a fresh host', () => {
    atOnce(selfCheck(subjectOf(CREATES), how, 'class', null));
    atOnce(selfCheck(subjectOf(twoBuilders(5)), { ...how, grain: 'extents:1' }, 'class', null));
  });

  it('finds a search that forgets somebody, and tells the order', () => {
    const forgets: OpenSpace = (subject, h, told) => {
      const space = checkedSpaceOf(subject, h, told);
      const enabled: typeof space.enabled = (state, at, tasks) =>
        Math.min(1, space.enabled(state, at, tasks));
      return Object.create(space, { enabled: { value: enabled } });
    };
    expect(() => atOnce(selfCheck(subjectOf(CREATES), how, 'class', null, forgets))).toThrow(
      /before step 1 the host lets go on: 0 1; the search: 0\nthe order, as in a schedule: \[\{"task"/,
    );
  });

  it('finds a search that tells another end', () => {
    const lies: OpenSpace = (subject, h, told) => {
      const space = checkedSpaceOf(subject, h, told);
      const endOf: typeof space.endOf = (outcome) => ({ ...space.endOf(outcome), broken: 'a lie' });
      return Object.create(space, { endOf: { value: endOf } });
    };
    expect(() => atOnce(selfCheck(subjectOf(twoBuilders(5)), how, 'class', null, lies))).toThrow(
      /the search: .*a lie/,
    );
  });

  it('finds steps made out of their order', () => {
    const swaps: OpenSpace = (subject, h, told) => {
      const space = checkedSpaceOf(subject, h, told);
      const step: typeof space.step = (state, at, task, into, to) =>
        space.step(
          state,
          at,
          task < 2 && space.enabled(state, at, new Int32Array(64)) > 1 ? 1 - task : task,
          into,
          to,
        );
      return Object.create(space, { step: { value: step } });
    };
    expect(() => atOnce(selfCheck(subjectOf(CREATES), how, 'class', null, swaps))).toThrow(
      /step|cannot go on/,
    );
  });
});

describe('a space that remembers too much', () => {
  it('is opened anew, and the next one is checked as strictly', () => {
    let opened = 0;
    const full =
      (isWrong: (n: number) => boolean): OpenSpace =>
      (subject, h, told) => {
        const space = checkedSpaceOf(subject, h, told);
        const n = opened++;
        const endOf: typeof space.endOf = (outcome) => ({
          ...space.endOf(outcome),
          ...(isWrong(n) ? { broken: 'a lie' } : {}),
        });
        return Object.create(space, { made: { value: 1e6 }, endOf: { value: endOf } });
      };
    const check = (isWrong: (n: number) => boolean): void =>
      atOnce(selfCheck(subjectOf(twoBuilders(5)), how, 'exact', null, full(isWrong)));
    check(() => false);
    expect(opened).toBe(21);
    opened = 0;
    expect(() => check((n) => n === 20)).toThrow(/a lie/);
  });
});

/** One builder gives pages back while the other takes some, and then asks for two that lie together; so many are free. */
const sharing = (left: number): string => `
host: { memory: 64M, dom0: 0, bootscrub: "off" }
steps:
  - { hypercall: XEN_DOMCTL_createdomain, args: { name: a, type: pv } }
  - { hypercall: XEN_DOMCTL_createdomain, args: { name: b, type: pv } }
  - { hypercall: XEN_DOMCTL_max_mem, args: { domid: a, max_memkb: 1048576 } }
  - { hypercall: XEN_DOMCTL_max_mem, args: { domid: b, max_memkb: 1048576 } }
  - set: { hold: { leave: ${left} pages, as: others } }
  - parallel:
      - repeat: 1
        steps:
          - { hypercall: XENMEM_populate_physmap, args: { domid: a, nr_extents: 2 } }
          - { hypercall: XENMEM_decrease_reservation, args: { domid: a, nr_extents: 2 } }
          - { hypercall: XENMEM_populate_physmap, args: { domid: a, extent_order: 1, extent_start: 8, nr_extents: 1 } }
          - { hypercall: XENMEM_populate_physmap, args: { domid: a, extent_start: 16, nr_extents: 1 } }
      - repeat: 1
        steps:
          - { hypercall: XENMEM_populate_physmap, args: { domid: b, nr_extents: 1 } }
          - { hypercall: XENMEM_populate_physmap, args: { domid: b, extent_start: 1, nr_extents: 1 } }
          - { hypercall: XENMEM_populate_physmap, args: { domid: b, extent_start: 2, nr_extents: 1 } }
`;

const effectsOf = ({ effects, whole }: StepNode): Effect[] => [
  ...effects.values(),
  ...(whole === null ? [] : effectsOf(whole)),
];

describe('the self-check of a walk by sums', () => {
  const check = (text: string, open?: OpenSpace): void =>
    atOnce(selfCheck(subjectOf(text), how, 'sums', null, open));

  it('finds nothing where sums are enough', () => {
    check(sharing(40));
  });

  it('finds one that says so where they are not', () => {
    expect(() => check(sharing(5))).toThrow(/sums are not enough/);
  });

  it('finds a search that takes another sum for what is free, though nobody is answered otherwise', () => {
    const forgets: OpenSpace = (subject, h, told) => {
      const space = checkedSpaceOf(subject, h, told) as WalkedSpace;
      const { nodes, calls, owners } = space.walk;
      const step: typeof space.step = (state, at, task, into, to) => {
        space.step(state, at, task, into, to);
        // Whatever is remembered of what becomes of the heap: it is told by the same sums as once before.
        const known = [
          ...nodes.flat().flatMap(effectsOf),
          ...[...calls.values()].flatMap(({ gave }) => [...gave.values()]),
        ];
        for (const { cells, values } of known) {
          const i = cells.indexOf(HEAP);
          if (owners.unsure.has(values[i] ?? 0)) Object.assign(values, { [i]: Math.min(...owners.unsure) });
        }
      };
      return Object.create(space, { step: { value: step } });
    };
    expect(() => check(sharing(40), forgets)).toThrow(
      /cell 1 is what was looked up|those that were looked up/,
    );
  });
});

describe('samples', () => {
  const options = { strategy: { kind: 'random' }, seed: 3, maxSteps: 10_000 } as const;

  it('are the same after any others, which task was met first or not', () => {
    const subject = subjectOf(CREATES);
    const paths = (before: readonly number[], index: number): string[] => {
      const space = forwardSpaceOf(subject, how);
      const ordered = inPathOrder(space);
      for (const i of before) sampleRange(ordered, options, i, i + 1);
      return atOnce(sampleSchedule(ordered, options, index))!.map(space.taskPath);
    };
    for (const index of [0, 4]) expect(paths([7, 2, 9, 1], index)).toEqual(paths([], index));
  });
});
