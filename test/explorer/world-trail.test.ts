/** The way to a state keeps what was written to it, however wide states become. */
import { describe, expect, it } from 'vitest';
import { copyPlace, makeRoom, newTrail, putWord, stateAt } from '../../src/explorer/world-trail.ts';
import { blockOf, twoBuilders } from './space-fixture.ts';

describe('a place on the trail', () => {
  it('that is being written keeps its words when states become wider than there was room for', () => {
    const { xen } = blockOf(twoBuilders(1)).play.world;
    const trail = newTrail(xen, Int32Array.of(7, 8, 9), 3);
    makeRoom(trail, 1, 3);
    copyPlace(trail, 0);
    putWord(trail, 1, 2, 5);
    const wide = trail.stride + 1;
    makeRoom(trail, 1, wide);
    putWord(trail, 1, wide - 1, 4);
    const rows = [0, 1].map((place) => stateAt(trail, place));
    expect(rows.map((at) => [...trail.states.subarray(at, at + 3)])).toEqual([
      [7, 8, 9],
      [7, 8, 5],
    ]);
    expect(trail.states[rows[1]! + wide - 1]).toBe(4);
  });
});
