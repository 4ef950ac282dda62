/** A walk that others join: what becomes of it where nothing comes of that. */
import { describe, expect, it } from 'vitest';
import {
  canShare,
  continueWalking,
  newWalking,
  shareWalking,
  type Walking,
  walkingBefore,
} from '../../src/explorer/explore-walking.ts';
import { continueMate } from '../../src/explorer/row-mate.ts';
import { beginAlone } from '../../src/explorer/row-walk.ts';
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
  it('goes on alone as if nobody had, to the very state at which the limit ends it', () => {
    const alone = toTheEnd(newWalking(subject, how, 'class'));
    expect(alone.search.isFull).toBe(true);
    const walking = newWalking(subject, how, 'class');
    continueWalking(walking, 5);
    shareWalking(walking, subject, how);
    // Tasks are met in another order here, and get other numbers.
    beginAlone(walking.mate!.walk);
    continueMate(walking.mate!, 3000);
    expect(metBy(toTheEnd(walkingBefore(walking)!))).toEqual(metBy(alone));
  });

  it('may not be joined again, nor where the limit is near', () => {
    const walking = newWalking(subject, how, 'class');
    expect(canShare(walking)).toBe(true);
    shareWalking(walking, subject, how);
    expect(canShare(walking)).toBe(false);
    expect(canShare(walkingBefore(walking)!)).toBe(false);
    const far = newWalking(subject, how, 'class');
    continueWalking(far, 600);
    expect(far.search.table.count).toBeGreaterThan(how.maxStates / 8);
    expect(canShare(far)).toBe(false);
  });
});
