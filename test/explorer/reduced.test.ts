import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { countsSpace } from '../../src/explorer/counts-space.ts';
import { continueSearch, startSearch } from '../../src/explorer/exhaustive.ts';
import {
  continueReduced,
  type ReducedSearch,
  type Reduction,
  reducedBytes,
  reducedEndings,
  startReduced,
  witnessOf,
} from '../../src/explorer/reduced.ts';
import { replayChoices } from '../../src/explorer/schedule-replay.ts';
import type { Space } from '../../src/explorer/space.ts';
import { endingsSoFar } from '../../src/explorer/state-graph.ts';
import { viewState } from '../../src/explorer/state-table.ts';
import { wordAt } from '../../src/explorer/word-list.ts';
import { enabledTasks, startWords, stepWords, walkAllOrders } from './slow-walk.ts';
import {
  circles,
  growingSpace,
  programSpace,
  programs,
  smallRaces,
  withTriedCommute,
} from './small-spaces.ts';

const SLEEP: Reduction = { sleep: true, symmetry: false };
const SYMMETRY: Reduction = { sleep: false, symmetry: true };
const BOTH: Reduction = { sleep: true, symmetry: true };
const NONE: Reduction = { sleep: false, symmetry: false };

function reduced(space: Space, reduction: Reduction, slice = 1e6): ReducedSearch {
  const search = startReduced(space, reduction);
  while (!continueReduced(search, slice));
  return search;
}

/** Words of the ends that a search met, sorted. */
function endsOf({ table, ends }: ReducedSearch): string[] {
  const words: string[] = [];
  for (let i = 0; i < ends.length; i += 2) {
    const page = viewState(table, wordAt(ends, i), new Int32Array(table.width));
    words.push(page.subarray(table.at, table.at + table.width).join(' '));
  }
  return words.sort();
}

/** Words of the ends there are; of those that differ in names only, one. */
function trueEnds(space: Space, { symmetry }: Reduction): string[] {
  const { ends } = walkAllOrders(space);
  const words = [...ends.values()].flatMap((texts) => [...texts]);
  if (!symmetry) return words.sort();
  const called = words.map((text) => {
    const state = Int32Array.from(text.split(' ').map(Number));
    space.representative?.(state, 0, new Int32Array(space.tasks));
    return state.join(' ');
  });
  return [...new Set(called)].sort();
}

/** Holds all reductions against brute force, and the schedules they give against what these lead to. */
function expectAllEnds(space: Space, name: string): void {
  for (const reduction of [NONE, SLEEP, SYMMETRY, BOTH]) {
    const search = reduced(space, reduction);
    expect(endsOf(search), name).toEqual(trueEnds(space, reduction));
    for (const { outcome } of reducedEndings(search)) {
      const replayed = replayChoices(space, witnessOf(search, (o) => o === outcome)!);
      expect(replayed.misfit, name).toBeNull();
      if (reduction.symmetry) space.representative!(replayed.state, 0, new Int32Array(space.tasks));
      expect(space.outcome(replayed.state, 0), name).toBe(outcome);
    }
    expect(witnessOf(search, () => false)).toBeNull();
  }
}

describe('a reduced search', () => {
  it('meets every end that brute force meets, for all small races', () => {
    for (const [name, space] of smallRaces()) expectAllEnds(space, name);
  });

  it('keeps no more states than it may, and is finished if there are no more', () => {
    for (const [name, space] of [...smallRaces()].slice(-8)) {
      const all = reduced(space, BOTH).table.count;
      for (let most = 1; most <= all; most++) {
        const search = startReduced(space, BOTH);
        search.most = most;
        while (!continueReduced(search, 3) && !search.isFull);
        expect([search.table.count, search.isFull], name).toEqual([most, most < all]);
      }
    }
  });

  it('meets every end that brute force meets, for made-up programs of up to three tasks and eight steps', () => {
    fc.assert(
      fc.property(programs(8), (tasks) => expectAllEnds(programSpace(tasks), '')),
      { numRuns: 300 },
    );
  });

  it('meets them also where the space cannot tell who got whose name', () => {
    fc.assert(
      fc.property(programs(5), (tasks) => {
        const space = programSpace(tasks);
        const silent: Space = {
          ...space,
          representative: (state, at) => space.representative!(state, at, new Int32Array(space.tasks)),
        };
        expect(endsOf(reduced(silent, BOTH))).toEqual(trueEnds(space, BOTH));
      }),
    );
  });

  it('ends in a space with circles, and meets the ends', () => {
    for (const reduction of [NONE, SLEEP])
      expect(reducedEndings(reduced(withTriedCommute(circles), reduction))).toHaveLength(5);
    const forever: Space = {
      ...circles,
      enabled: (_state, _at, tasks) => {
        tasks[0] = 1;
        return 1;
      },
    };
    expect(reducedEndings(reduced(forever, SLEEP))).toEqual([]);
  });

  it('follows a space that grows', () => {
    for (const width of [1, 5]) {
      const space = growingSpace(6, width);
      // The counts do not look at each other once they have all begun; before that, both orders are tried.
      const search = reduced(
        {
          ...space,
          get width() {
            return space.width;
          },
          get tasks() {
            return space.tasks;
          },
          commute: (state, at, a, b) => {
            const [low, high] = [Math.min(a, b), Math.max(a, b)];
            return high > low + 1 || state[at + low]! > 0;
          },
        },
        SLEEP,
      );
      expect(endsOf(search)).toEqual(['6 6 6 6 6']);
    }
  });

  it('is the same in slices, and knows its memory', () => {
    const space = countsSpace({ free: 9, units: 6, claims: [false, false, false] });
    const whole = reduced(space, BOTH);
    const sliced = reduced(space, BOTH, 1);
    expect(sliced.table.count).toBe(whole.table.count);
    expect(sliced.transitions).toBe(whole.transitions);
    expect(reducedBytes(whole)).toBeGreaterThan(whole.table.count * 8 * 4);
  });

  it('keeps at least ten times fewer states, with the same ends', () => {
    for (const counts of [
      { free: 80, units: 40, claims: [true, true] },
      { free: 60, units: 40, claims: [false, false] },
      { free: 40, units: 20, claims: [false, false, false] },
    ]) {
      const space = countsSpace(counts);
      const search = startSearch(space, 'dfs');
      while (!continueSearch(search, 1e6));
      const sleep = reduced(space, SLEEP);
      expect(reducedEndings(sleep)).toEqual(endingsSoFar(search));
      const both = reduced(space, BOTH);
      expect(Math.min(sleep.table.count, both.table.count)).toBeLessThan(search.table.count / 10);
    }
  });
});

describe('what a reduction rests on', () => {
  it('commute of the counts: exactly where both orders lead to one state', () => {
    for (const [name, space] of smallRaces()) {
      const tried = withTriedCommute(space);
      for (const text of walkAllOrders(space).states) {
        const state = Int32Array.from(text.split(' ').map(Number));
        const tasks = enabledTasks(space, state);
        for (const a of tasks)
          for (const b of tasks)
            if (a !== b)
              expect(space.commute!(state, 0, a, b), `${name}: ${text}`).toBe(tried.commute!(state, 0, a, b));
      }
    }
  });

  it('representative of the counts: renaming and stepping may change places', () => {
    for (const [name, space] of smallRaces()) {
      const called = (state: Int32Array): string => {
        const copy = state.slice();
        space.representative!(copy, 0, new Int32Array(space.tasks));
        return copy.join(' ');
      };
      for (const text of walkAllOrders(space).states) {
        const state = Int32Array.from(text.split(' ').map(Number));
        const renamed = new Int32Array(space.tasks);
        const stands = state.slice();
        space.representative!(stands, 0, renamed);
        expect(called(stands), name).toBe(stands.join(' '));
        for (const task of enabledTasks(space, state))
          expect(called(stepWords(space, stands, renamed[task]!)), name).toBe(
            called(stepWords(space, state, task)),
          );
      }
      expect(enabledTasks(space, startWords(space)).length).toBe(space.tasks);
    }
  });

  it('a commute that is wrong loses an outcome', () => {
    const space = countsSpace({ free: 3, units: 2, claims: [false, false] });
    const all = [...walkAllOrders(space).ends.keys()].sort();
    expect(reducedEndings(reduced(space, SLEEP)).map(({ outcome }) => outcome)).toEqual(all);
    const wrong = reduced({ ...space, commute: () => true }, SLEEP);
    expect(reducedEndings(wrong).length).toBeLessThan(all.length);
  });

  it('a representative that takes unequal guests for equal loses an outcome', () => {
    const counts = { free: 3, units: 2, claims: [true, false] };
    const space = countsSpace(counts);
    const equal = countsSpace({ ...counts, claims: [false, false] });
    const wrong: Space = { ...space, representative: equal.representative! };
    const right = reducedEndings(reduced(space, SYMMETRY));
    expect(reducedEndings(reduced(wrong, SYMMETRY))).not.toEqual(right);
  });
});
