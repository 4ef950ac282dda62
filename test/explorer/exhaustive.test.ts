import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { AT, countsEnds, countsSpace } from '../../src/explorer/counts-space.ts';
import {
  continueSearch,
  expandState,
  frontierStates,
  isExpanded,
  isFinished,
  type Search,
  type SearchOrder,
  searchBytes,
  startSearch,
} from '../../src/explorer/exhaustive.ts';
import type { Space } from '../../src/explorer/space.ts';
import { censusOf, endingsSoFar } from '../../src/explorer/state-graph.ts';
import { walkAllOrders } from './slow-walk.ts';
import { circles, growingSpace, programSpace, programs, smallRaces } from './small-spaces.ts';

const ORDERS: readonly SearchOrder[] = ['bfs', 'dfs'];

function searched(space: Space, order: SearchOrder, slice = 1e6): Search {
  const search = startSearch(space, order);
  while (!continueSearch(search, slice));
  return search;
}

function expectSame(space: Space): void {
  const slow = walkAllOrders(space);
  for (const order of ORDERS) {
    const census = censusOf(searched(space, order));
    expect(census.states).toBe(slow.states.size);
    expect(census.transitions).toBe(slow.transitions);
    expect(census.shortest).toBe(slow.shortest);
    expect(census.longest).toBe(slow.longest);
    expect(census.endings.map(({ outcome, states }) => [outcome, states])).toEqual(
      [...slow.ends].map(([outcome, ends]) => [outcome, ends.size]).sort(([a], [b]) => a! - b!),
    );
    for (const { outcome, share } of census.endings) expect(share).toBeCloseTo(slow.shares.get(outcome)!, 9);
  }
}

describe('an exhaustive search', () => {
  it('finds what walking every order finds, for all small races', () => {
    for (const [, space] of smallRaces()) expectSame(space);
  });

  it('finds what walking every order finds, for made-up programs', () => {
    fc.assert(fc.property(programs(4), (tasks) => expectSame(programSpace(tasks))));
  });

  it('gives the same census to the last bit, depth first or breadth first, in slices or in one go', () => {
    const space = countsSpace({ free: 9, units: 6, claims: [false, false, true] });
    const census = censusOf(searched(space, 'bfs'));
    expect(census.states).toBeGreaterThan(500);
    expect(censusOf(searched(space, 'dfs'))).toStrictEqual(census);
    for (const slice of [1, 7, 100]) {
      expect(censusOf(searched(space, 'dfs', slice))).toStrictEqual(census);
      expect(censusOf(searched(space, 'bfs', slice))).toStrictEqual(census);
    }
  });

  it('does no more than its budget, and says what is left', () => {
    const search = startSearch(countsSpace({ free: 9, units: 6, claims: [false, false] }), 'bfs');
    expect(continueSearch(search, 0)).toBe(false);
    expect(search.transitions).toBe(0);
    expect(continueSearch(search, 10)).toBe(false);
    expect(search.transitions).toBeLessThan(12);
    expect(frontierStates(search)).toBeGreaterThan(0);
    expect(isFinished(search)).toBe(false);
    expect(endingsSoFar(search)).toEqual([]);
    while (!continueSearch(search, 10));
    expect(frontierStates(search)).toBe(0);
    expect(endingsSoFar(search).length).toBe(3);
  });

  it('meets no more states than it may, and is finished if there are no more', () => {
    const space = countsSpace({ free: 9, units: 6, claims: [false, false] });
    const all = searched(space, 'bfs').table.count;
    for (const order of ORDERS) {
      for (let most = 1; most <= all; most++) {
        const search = startSearch(space, order);
        search.most = most;
        while (!continueSearch(search, 3) && !search.isFull);
        expect([search.table.count, search.isFull, isFinished(search)]).toEqual([
          most,
          most < all,
          most === all,
        ]);
        // What it has made of a state is whole: the rest can be made as if there had been no limit.
        for (let id = 0; id < search.table.count; id++) if (!isExpanded(search, id)) expandState(search, id);
        expect(censusOf(search)).toStrictEqual(censusOf(searched(space, order)));
      }
    }
  });

  it('meets an end sooner depth first', () => {
    const space = countsSpace({ free: 90, units: 60, claims: [false, false] });
    const steps = (order: SearchOrder): number => {
      const search = startSearch(space, order);
      while (search.ends.length === 0) continueSearch(search, 1);
      return search.transitions;
    };
    expect(steps('dfs')).toBeLessThan(steps('bfs') / 10);
  });

  it('knows what its memory is', () => {
    const search = searched(countsSpace({ free: 90, units: 60, claims: [false, false] }), 'dfs');
    expect(searchBytes(search)).toBeGreaterThan(search.table.count * 4 * 6);
    expect(searchBytes(search)).toBeLessThan(4e6);
  });
});

describe('a search of a space with cycles', () => {
  it('finishes, and says that there is no longest order and no share', () => {
    for (const order of ORDERS) {
      const census = censusOf(searched(circles, order));
      expect(census).toMatchObject({ states: 20, transitions: 30, shortest: 3, longest: null });
      expect(census.endings).toHaveLength(5);
      for (const ending of census.endings) expect(ending).toMatchObject({ states: 1, share: null });
    }
  });
});

describe('a space that grows while it is searched', () => {
  it('has the states that it has when it was as wide from the start', () => {
    for (const order of ORDERS) {
      const search = searched(growingSpace(6, 1), order);
      // Five counts up to 6; one of them moves only when the one before it has.
      expect(censusOf(search)).toMatchObject({ longest: 30, endings: [{ states: 1 }] });
      expect(censusOf(search)).toStrictEqual(censusOf(searched(growingSpace(6, 5), order)));
    }
  });
});

describe('the counts of builders', () => {
  it('end as the race of 2012: one of them starts or none does, and with room for both all do', () => {
    const ends = (free: number, claim: boolean): number[][] => {
      const counts = { free, units: 6, claims: [claim, claim] };
      return censusOf(searched(countsSpace(counts), 'bfs')).endings.map(({ outcome }) =>
        countsEnds(counts, outcome),
      );
    };
    const { started, late, refused } = AT;
    expect(ends(9, false)).toEqual([
      [late, started],
      [started, late],
      [late, late],
    ]);
    expect(ends(9, true)).toEqual([
      [refused, started],
      [started, refused],
    ]);
    expect(ends(12, false)).toEqual([[started, started]]);
    expect(ends(12, true)).toEqual([[started, started]]);
    expect(ends(5, true)).toEqual([[refused, refused]]);
  });
});
