/** A walk that others join: what becomes of it where nothing comes of that. */
import { describe, expect, it } from 'vitest';
import {
  canShare,
  continueWalking,
  finishWalking,
  joinWalking,
  mateGraph,
  newWalking,
  newWalkingAlone,
  seenEnds,
  shareWalking,
  type Walking,
} from '../../src/explorer/explore-walking.ts';
import { continueMate } from '../../src/explorer/row-mate.ts';
import { HOW, smallRace, subjectOf } from './explore-fixture.ts';

const subject = subjectOf(smallRace('claim_mode: 1, autoballoon: "off"'));
const how = { ...HOW, maxStates: 2000 };

/** The very numbers that states have, and every step between them. */
const metBy = ({ search: { table, transitions, isFull, first, edges } }: Walking): object => ({
  states: table.count,
  transitions,
  isFull,
  first: first.pages,
  edges: edges.pages,
});

function toTheEnd(walking: Walking): Walking {
  while (!continueWalking(walking, 500) && !walking.search.isFull);
  return walking;
}

describe('a walk that others have joined', () => {
  it('goes on from what one had met, whatever that was, to the graph that one finds', () => {
    const whole = { ...HOW, order: 'dfs' as const };
    const alone = toTheEnd(newWalking(subject, whole, 'exact'));
    finishWalking(alone);
    for (const met of [5, 1500]) {
      const walking = newWalking(subject, whole, 'exact');
      continueWalking(walking, met);
      const steps = walking.search.transitions;
      shareWalking(walking);
      expect(walking.search.transitions).toBe(steps);
      while (continueMate(walking.mate!, 1000) === 'busy');
      joinWalking(walking, [mateGraph(walking.mate!)]);
      expect(finishWalking(walking)).toBe(true);
      expect(seenEnds(walking)).toEqual(seenEnds(alone));
      expect(walking.census).toEqual(alone.census);
    }
  });

  it('begins anew if one has to walk alone, to the very state at which the limit ends it', () => {
    const alone = toTheEnd(newWalking(subject, how, 'class'));
    expect(alone.search.isFull).toBe(true);
    expect(metBy(toTheEnd(newWalkingAlone(subject, how, 'class')))).toEqual(metBy(alone));
  });

  it('may not be joined again, nor where the limit is near', () => {
    const walking = newWalking(subject, how, 'class');
    expect(canShare(walking)).toBe(true);
    shareWalking(walking);
    expect(canShare(walking)).toBe(false);
    expect(canShare(newWalkingAlone(subject, how, 'class'))).toBe(false);
    const far = newWalking(subject, how, 'class');
    continueWalking(far, 600);
    expect(far.search.table.count).toBeGreaterThan(how.maxStates / 8);
    expect(canShare(far)).toBe(false);
  });
});
