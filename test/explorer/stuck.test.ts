/** Orders that come to nothing: deadlocks, and circles that nobody leaves, the clock and all. */
import { describe, expect, it } from 'vitest';
import { circlesOf } from '../../src/explorer/circles.ts';
import { continueSearch, type Search, startSearch } from '../../src/explorer/exhaustive.ts';
import { continueReduced, hasCircle, startReduced } from '../../src/explorer/reduced.ts';
import type { Space } from '../../src/explorer/space.ts';
import { censusOf, closeCircles, hasCircles } from '../../src/explorer/state-graph.ts';
import { circle, explored, subjectOf } from './explore-fixture.ts';
import { newSlowSpace } from './slow-space.ts';
import { blockOf, spaceOf } from './space-fixture.ts';
import { walkAll } from './walk-all.ts';

/** A space of one word: from each number the tasks lead to those listed; none: an end, called by its number. */
const graph = (...next: readonly (readonly number[])[]): Space => ({
  width: 1,
  tasks: 3,
  start: (into, at) => {
    into[at] = 0;
  },
  enabled: (state, at, tasks) => {
    const n = next[state[at]!]!.length;
    for (let i = 0; i < n; i++) tasks[i] = i;
    return n;
  },
  step: (state, at, task, into, intoAt) => {
    into[intoAt] = next[state[at]!]![task]!;
  },
  outcome: (state, at) => state[at]!,
});

function searched(space: Space, order: 'dfs' | 'bfs'): Search {
  const search = startSearch(space, order);
  while (!continueSearch(search, 10));
  closeCircles(search);
  return search;
}

describe('a circle', () => {
  //  0 -> 1, 2;  1 -> 3 (end);  2 -> 4;  4 -> 5;  5 -> 4: nobody comes out of 4 and 5
  const trap = graph([1, 2], [3], [4], [], [5], [4]);
  //  the same, but 5 may go on to the end, too
  const open = graph([1, 2], [3], [4], [], [5], [4, 3]);

  it('that nobody leaves is an end of its own, called after the state that is met first', () => {
    for (const order of ['dfs', 'bfs'] as const) {
      expect(censusOf(searched(trap, order))).toStrictEqual({
        states: 6,
        transitions: 6,
        shortest: 2,
        longest: null,
        endings: [
          { outcome: 3, states: 1, share: 0.5 },
          { outcome: 4, states: 1, share: 0.5 },
        ],
      });
    }
  });

  it('that some order leaves is none', () => {
    const search = searched(open, 'dfs');
    expect(censusOf(search).endings).toStrictEqual([{ outcome: 3, states: 1, share: null }]);
    expect(search.circles).toEqual([]);
  });

  it('is found once, also when it is asked for again', () => {
    const search = searched(trap, 'bfs');
    closeCircles(search);
    expect(hasCircles(search)).toBe(false);
    expect(search.circles.map((circle) => circle.length)).toEqual([2]);
  });

  it('of one state, two circles side by side, and one that leads to another', () => {
    const order = (search: Search): Int32Array =>
      Int32Array.from({ length: search.table.count }, (_, i) => i);
    const circles = (space: Space): number[] => {
      const search = startSearch(space, 'bfs');
      while (!continueSearch(search, 10));
      return circlesOf(search, order(search)).map((circle) => circle.length);
    };
    expect(circles(graph([0]))).toEqual([1]);
    expect(circles(graph([1, 2], [1], [2]))).toEqual([1, 1]);
    // 1 and 2 lead to each other and on to 3, which leads to itself.
    expect(circles(graph([1], [2], [1, 3], [3]))).toEqual([1]);
  });

  it('is noticed where orders are left out', () => {
    const looks = (space: Space): boolean => {
      const search = startReduced(space, { sleep: true, symmetry: true });
      while (!continueReduced(search, 100));
      return hasCircle(search);
    };
    expect([looks(trap), looks(open), looks(graph([0])), looks(graph([1, 2], [3], [3], []))]).toEqual([
      true,
      true,
      true,
      false,
    ]);
  });
});

describe('a wait beside a balloon that tries again for ever', () => {
  // b stops, but is preserved: who waits until it is gone waits for ever.
  const gone = 'xl shutdown -w -w b';
  const down = 'xl shutdown -w b';

  it('is stuck, though the clock goes on and on', () => {
    for (const how of [{}, { order: 'bfs' }, { ownership: 'exact' }, { reduction: true }] as const) {
      const found = explored(subjectOf(circle(gone)), how);
      expect([found.verdict, found.exit]).toEqual(['stuck', 1]);
      expect(found.walk.finished).toBe(true);
      expect(found.outcomes.map(({ share, states }) => [share, states])).toEqual([[1, 1]]);
      const { replays_as, story } = found.counterexample!;
      expect(replays_as).toBe('stuck');
      expect(story.filter((line) => line.startsWith('for ever: '))).toEqual([
        expect.stringMatching(/^for ever: "stop" .* in main_shutdown at look, waits for @releaseDomain$/),
      ]);
    }
  });

  it('is found by samples, too', () => {
    const found = explored(subjectOf(circle(gone)), {
      strategy: 'random',
      samples: { from: 0, to: 3 },
    });
    expect([found.verdict, found.counterexample!.replays_as]).toEqual(['stuck', 'stuck']);
  });

  it('ends where it is only until b is down', () => {
    expect(explored(subjectOf(circle(down))).verdict).toBe('safe');
  });

  it('is over when its deadline is, which comes nearer while everything else is as it was', () => {
    const found = explored(subjectOf(circle(down).replace('- set:', '- run: xl pause b\n  - set:')));
    expect([found.verdict, found.outcomes.length]).toEqual(['early refusal', 1]);
  });

  it('never ends for whoever tells states by the time', () => {
    const host = blockOf(circle(gone));
    const slow = newSlowSpace(host, { grain: 'hypercall', ownership: 'class' });
    expect(walkAll(slow, 1000).states).toBe(1000);
    expect(walkAll(spaceOf(circle(gone)), 1000).states).toBeLessThan(500);
  });
});
