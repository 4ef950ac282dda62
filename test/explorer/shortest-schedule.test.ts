import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { countsSpace } from '../../src/explorer/counts-space.ts';
import { continueSearch, type SearchOrder, startSearch } from '../../src/explorer/exhaustive.ts';
import { continueShortest, smallestSchedule, startShortest } from '../../src/explorer/shortest-schedule.ts';
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
    const space = countsSpace({ free: 900, units: 600, claims: [false, false] });
    const search = startSearch(space, 'bfs');
    const quest = startShortest(search, (outcome) => outcome === 1);
    while (!continueShortest(quest, 1000));
    const schedule = smallestSchedule(quest)!;
    // The other starts alone, then this one takes 300 units, is refused the next and gives back.
    expect(schedule).toEqual([...Array(1200).fill(1), ...Array(602).fill(0)]);
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
