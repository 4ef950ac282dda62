/** Small models for the searches: the counts of builders, and programs over shared cells made up by fast-check. */
import fc from 'fast-check';
import { countsSpace } from '../../src/explorer/counts-space.ts';
import type { Space } from '../../src/explorer/space.ts';
import { enabledTasks, stepWords } from './slow-walk.ts';

/** All races of up to three builders of up to three units (8 steps), with claims and without, on hosts of any size that matters. */
export function smallRaces(): readonly (readonly [name: string, space: Space])[] {
  const races: [string, Space][] = [];
  for (const builders of [1, 2, 3]) {
    for (const units of [1, 2, 3]) {
      for (let claimers = 0; claimers <= builders; claimers++) {
        for (let free = 0; free <= builders * units + 1; free++) {
          const claims = Array.from({ length: builders }, (_, i) => i < claimers);
          const name = `${builders} builders of ${units}, ${claimers} of them claim, ${free} free`;
          races.push([name, countsSpace({ free, units, claims })]);
        }
      }
    }
  }
  return races;
}

/** What a made-up program does to the shared cells: all of them read and write in one step. */
type Op =
  | { readonly do: 'add'; readonly cell: number; readonly by: number }
  | { readonly do: 'set'; readonly cell: number; readonly to: number }
  | { readonly do: 'copy'; readonly cell: number; readonly from: number }
  | { readonly do: 'wait'; readonly cell: number; readonly over: number }
  | { readonly do: 'skip'; readonly cell: number; readonly over: number };

export type Program = readonly Op[];

const CELLS = 2;
const cell = fc.nat(CELLS - 1);
const op: fc.Arbitrary<Op> = fc.oneof(
  fc.record({ do: fc.constant('add' as const), cell, by: fc.integer({ min: -1, max: 2 }) }),
  fc.record({ do: fc.constant('set' as const), cell, to: fc.nat(2) }),
  fc.record({ do: fc.constant('copy' as const), cell, from: cell }),
  fc.record({ do: fc.constant('wait' as const), cell, over: fc.nat(2) }),
  fc.record({ do: fc.constant('skip' as const), cell, over: fc.nat(2) }),
);

/** Programs for up to three tasks; some of them alike. */
export const programs = (steps: number): fc.Arbitrary<readonly Program[]> =>
  fc.oneof(
    fc.array(fc.array(op, { minLength: 1, maxLength: steps }), { minLength: 1, maxLength: 3 }),
    fc
      .tuple(
        fc.array(op, { minLength: 1, maxLength: steps }),
        fc.array(op, { maxLength: steps }),
        fc.boolean(),
      )
      .map(([a, b, three]) => (three ? [a, b, a] : [a, a])),
  );

/** Cells, then each task's place in its program. A task waits while the cell is not over the bound; `skip` jumps. */
export function programSpace(tasks: readonly Program[]): Space {
  const width = CELLS + tasks.length;
  const opOf = (state: Int32Array, at: number, task: number): Op | undefined =>
    tasks[task]![state[at + CELLS + task]!];
  const canStep = (state: Int32Array, at: number, task: number): boolean => {
    const next = opOf(state, at, task);
    return next !== undefined && (next.do !== 'wait' || state[at + next.cell]! > next.over);
  };
  const step = (state: Int32Array, at: number, task: number, into: Int32Array, intoAt: number): void => {
    const next = opOf(state, at, task)!;
    for (let i = 0; i < width; i++) into[intoAt + i] = state[at + i]!;
    into[intoAt + CELLS + task]!++;
    if (next.do === 'add') into[intoAt + next.cell]! += next.by;
    else if (next.do === 'set') into[intoAt + next.cell] = next.to;
    else if (next.do === 'copy') into[intoAt + next.cell] = state[at + next.from]!;
    else if (next.do === 'skip' && state[at + next.cell]! > next.over) into[intoAt + CELLS + task]!++;
  };
  const space: Space = {
    width,
    tasks: tasks.length,
    start: (into, intoAt) => into.fill(0, intoAt, intoAt + width),
    enabled: (state, at, into) => {
      let n = 0;
      for (let task = 0; task < tasks.length; task++) if (canStep(state, at, task)) into[n++] = task;
      return n;
    },
    step,
    // Cells, and which tasks came to their ends.
    outcome: (state, at) => {
      let outcome = 0;
      for (let i = 0; i < CELLS; i++) outcome = outcome * 64 + state[at + i]! + 32;
      for (let task = 0; task < tasks.length; task++)
        outcome = outcome * 2 + (opOf(state, at, task) === undefined ? 0 : 1);
      return outcome;
    },
    // Tasks with one program: the one further on comes first.
    representative: (state, at, renamed) => {
      const words = [...state.subarray(at + CELLS, at + width)];
      for (const [task, program] of tasks.entries()) {
        const equal = tasks.flatMap((other, i) => (other === program ? [i] : []));
        const sorted = [...equal].sort((a, b) => words[b]! - words[a]! || a - b);
        const place = equal[sorted.indexOf(task)]!;
        renamed[task] = place;
        state[at + CELLS + place] = words[task]!;
      }
    },
  };
  return withTriedCommute(space);
}

/** One task counts to 3, the other goes round in circles of 5; it ends when the first is there. */
export const circles: Space = {
  width: 2,
  tasks: 2,
  start: (into, at) => into.fill(0, at, at + 2),
  enabled: (state, at, tasks) => {
    if (state[at] === 3) return 0;
    tasks[0] = 0;
    tasks[1] = 1;
    return 2;
  },
  step: (state, at, task, into, intoAt) => {
    into[intoAt] = state[at]!;
    into[intoAt + 1] = state[at + 1]!;
    if (task === 0) into[intoAt]!++;
    else into[intoAt + 1] = (state[at + 1]! + 1) % 5;
  },
  outcome: (state, at) => state[at + 1]!,
};

/** Five counts up to `steps`, a count going up only when the one before it has; of `width` words at first. */
export function growingSpace(steps: number, width: number): Space {
  const space = {
    width,
    tasks: width,
    start: (into: Int32Array, at: number) => into.fill(0, at, at + space.width),
    enabled: (state: Int32Array, at: number, tasks: Int32Array) => {
      let n = 0;
      for (let i = 0; i < space.width; i++)
        if (state[at + i]! < steps && (i === 0 || state[at + i - 1]! > 0)) tasks[n++] = i;
      return n;
    },
    step: (state: Int32Array, at: number, task: number, into: Int32Array, intoAt: number) => {
      for (let i = 0; i < space.width; i++) into[intoAt + i] = state[at + i]!;
      into[intoAt + task]!++;
      if (task + 2 > space.width && space.width < 5) {
        space.width++;
        space.tasks++;
      }
    },
    outcome: () => 0,
  };
  return space;
}

/** A space in which both orders are tried: all that commutes is known to. */
export function withTriedCommute(space: Space): Space {
  const after = (state: Int32Array, at: number, order: readonly number[]): string | null => {
    let words: Int32Array = state.slice(at, at + space.width);
    for (const task of order) {
      if (!enabledTasks(space, words).includes(task)) return null;
      words = stepWords(space, words, task);
    }
    return words.join(' ');
  };
  return {
    ...space,
    commute: (state, at, a, b) => {
      const ab = after(state, at, [a, b]);
      return ab !== null && ab === after(state, at, [b, a]);
    },
  };
}
