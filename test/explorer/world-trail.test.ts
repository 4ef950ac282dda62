/** The way to a state keeps what was written to it, however wide states become. */
import { describe, expect, it } from 'vitest';
import { newWorldSpace } from '../../src/explorer/world-space.ts';
import {
  copyPlace,
  keepPlace,
  makeRoom,
  newTrail,
  putWord,
  stateAt,
  takeXenTo,
} from '../../src/explorer/world-trail.ts';
import { hypercall } from '../../src/hypervisor/hypercall.ts';
import { domId, gfn, order } from '../../src/hypervisor/units.ts';
import { heapDomainOf } from '../../src/hypervisor/xen.ts';
import { bootRandom, twoGuests } from '../hypervisor/random-calls.ts';
import { blockOf, twoBuilders } from './space-fixture.ts';

describe('a place on the trail', () => {
  it('that is being written keeps its words when states become wider than there was room for', () => {
    const { xen } = blockOf(twoBuilders(1)).play.world;
    const trail = newTrail(xen, Int32Array.of(7, 8, 9), 3, true);
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

describe('populates on the way', () => {
  const PAIR = { domid: domId(1), extentOrder: order(0), nrExtents: 2, memFlags: {} };

  /** How many stops Xen makes on the way over four populates that go on from one another. */
  function stops(joins: boolean): number {
    const xen = bootRandom({ nodes: 1, bootscrub: 'off', xen: '4.22' });
    hypercall(xen, { caller: 0 }, twoGuests[0]!.call);
    hypercall(xen, { caller: 0 }, twoGuests[1]!.call);
    const trail = newTrail(xen, Int32Array.of(0), 1, joins);
    for (let place = 1; place <= 4; place++) {
      const extentStart = [{ first: gfn(2 * place), count: 2, stride: 1 }];
      const call = { name: 'XENMEM_populate_physmap' as const, args: { ...PAIR, extentStart } };
      makeRoom(trail, place, 1);
      copyPlace(trail, place - 1);
      putWord(trail, place, 0, place);
      keepPlace(trail, place, place - 1, 0, [{ by: { caller: 0 }, call }]);
    }
    const had = heapDomainOf(xen, domId(1)).totPages;
    takeXenTo(trail, xen, 4, () => expect.unreachable());
    expect(heapDomainOf(xen, domId(1)).totPages).toBe(had + 8);
    return trail.marks.filter((mark) => mark !== null).length - 1;
  }

  it("are made one by one for those who see how a guest's map is cut, else as one", () => {
    expect(stops(false)).toBe(4);
    expect(stops(true)).toBe(1);
  });

  it('are not made as one where a walk tells frames', () => {
    const walk = (ownership: 'class' | 'exact') =>
      newWorldSpace(blockOf(twoBuilders(1)), { grain: 'hypercall', ownership }).walk;
    expect(walk('exact').trail.joins).toBe(false);
    expect(walk('class').trail.joins).toBe(true);
  });
});
