import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { countsSpace } from '../../src/explorer/counts-space.ts';
import { continueSearch, type SearchOrder, startSearch } from '../../src/explorer/exhaustive.ts';
import {
  continueShortest,
  shortestBytes,
  smallestSchedule,
  startShortest,
} from '../../src/explorer/shortest-schedule.ts';
import type { Space } from '../../src/explorer/space.ts';
import { walkAllOrders } from './slow-walk.ts';
import { programSpace, programs, smallRaces } from './small-spaces.ts';

/** The smallest schedule to `outcome`, on a search that had `head` steps before; `slice` nodes at a time. */
function smallest(space: Space, order: SearchOrder, head: number, slice: number, outcome: number) {
  const search = startSearch(space, order);
  continueSearch(search, head);
  const quest = startShortest(search, (o) => o === outcome);
  while (!continueShortest(quest, slice));
  return smallestSchedule(quest);
}

function expectSmallest(space: Space): void {
  const slow = walkAllOrders(space);
  for (const [outcome, schedule] of slow.smallest) {
    expect(smallest(space, 'bfs', 0, 1000, outcome)).toEqual(schedule);
    expect(smallest(space, 'dfs', 1e6, 3, outcome)).toEqual(schedule);
    expect(smallest(space, 'dfs', 5, 1, outcome)).toEqual(schedule);
  }
  expect(smallest(space, 'bfs', 0, 1000, -12345)).toBeNull();
}

describe('the smallest schedule', () => {
  it('is the least of all orders that end so, for all small races', () => {
    for (const [, space] of smallRaces()) expectSmallest(space);
  });

  it('is the least of all orders that end so, for made-up programs', () => {
    fc.assert(fc.property(programs(4), (tasks) => expectSmallest(programSpace(tasks))));
  });

  it('is found without walking the space, if few switches lead there', () => {
    // Three tasks count; all is over when the third has counted to 30.
    const counters: Space = {
      width: 3,
      tasks: 3,
      start: (into, at) => into.fill(0, at, at + 3),
      enabled: (state, at, tasks) => {
        let n = 0;
        for (let i = 0; i < 3; i++) if (state[at + i]! < 30 && state[at + 2]! < 30) tasks[n++] = i;
        return n;
      },
      step: (state, at, task, into, intoAt) => {
        for (let i = 0; i < 3; i++) into[intoAt + i] = state[at + i]! + (i === task ? 1 : 0);
      },
      outcome: (state, at) => state[at]!,
    };
    const search = startSearch(counters, 'bfs');
    const quest = startShortest(search, (outcome) => outcome === 0);
    while (!continueShortest(quest, 10));
    expect(smallestSchedule(quest)).toEqual(Array(30).fill(2));
    expect(search.table.count).toBeLessThan(300);
    expect(shortestBytes(quest)).toBeGreaterThan(200);
    expect(shortestBytes(quest)).toBeLessThan(20_000);
  });

  it('is what is asked for, on a large space that has only been begun', () => {
    const search = startSearch(countsSpace({ free: 90, units: 60, claims: [false, false] }), 'bfs');
    const quest = startShortest(search, (outcome) => outcome === 1);
    while (!continueShortest(quest, 1000));
    // The other starts alone, then this one takes 30 units, is refused the next and gives back.
    expect(smallestSchedule(quest)).toEqual([...Array(120).fill(1), ...Array(62).fill(0)]);
  });

  it('leaves a search that goes on with the states it would have had', () => {
    const space = countsSpace({ free: 9, units: 6, claims: [false, false] });
    for (const order of ['bfs', 'dfs'] as const) {
      const search = startSearch(space, order);
      const quest = startShortest(search, (outcome) => outcome === 4);
      while (!continueShortest(quest, 1)) continueSearch(search, 1);
      while (!continueSearch(search, 1));
      const whole = startSearch(space, order);
      while (!continueSearch(whole, 1000));
      expect(search.table.count).toBe(whole.table.count);
      expect(search.transitions).toBe(whole.transitions);
    }
  });
});
