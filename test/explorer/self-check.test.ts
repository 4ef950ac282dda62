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
import { sampleRange, sampleSchedule } from '../../src/explorer/walks.ts';
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
    selfCheck(subjectOf(CREATES), how, null);
    selfCheck(subjectOf(twoBuilders(5)), { ...how, grain: 'extents:1' }, null);
  });

  it('finds a search that forgets somebody, and tells the order', () => {
    const forgets: OpenSpace = (subject, h, ownership) => {
      const space = checkedSpaceOf(subject, h, ownership);
      const enabled: typeof space.enabled = (state, at, tasks) =>
        Math.min(1, space.enabled(state, at, tasks));
      return Object.create(space, { enabled: { value: enabled } });
    };
    expect(() => selfCheck(subjectOf(CREATES), how, null, forgets)).toThrow(
      /before step 1 the host lets go on: 0 1; the search: 0\nthe order, as in a schedule: \[\{"task"/,
    );
  });

  it('finds a search that tells another end', () => {
    const lies: OpenSpace = (subject, h, ownership) => {
      const space = checkedSpaceOf(subject, h, ownership);
      const endOf: typeof space.endOf = (outcome) => ({ ...space.endOf(outcome), broken: 'a lie' });
      return Object.create(space, { endOf: { value: endOf } });
    };
    expect(() => selfCheck(subjectOf(twoBuilders(5)), how, null, lies)).toThrow(/the search: .*a lie/);
  });

  it('finds steps made out of their order', () => {
    const swaps: OpenSpace = (subject, h, ownership) => {
      const space = checkedSpaceOf(subject, h, ownership);
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
    expect(() => selfCheck(subjectOf(CREATES), how, null, swaps)).toThrow(/step|cannot go on/);
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
      return sampleSchedule(ordered, options, index).map(space.taskPath);
    };
    for (const index of [0, 4]) expect(paths([7, 2, 9, 1], index)).toEqual(paths([], index));
  });
});
