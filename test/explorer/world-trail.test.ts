/** States keep what was written to them and how they were reached, and Xen is taken to any of them. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { NOTHING, WHOLE } from '../../src/explorer/call-memo.ts';
import { newWorldSpace } from '../../src/explorer/world-space.ts';
import {
  copyPlace,
  keepNext,
  makeRoom,
  newTrail,
  nextTo,
  parentOf,
  placeOf,
  putWord,
  reachedBy,
  START,
  stateAt,
  type Trail,
} from '../../src/explorer/world-trail.ts';
import { newXenWay, numberAsked, takeXenTo, xenArrived } from '../../src/explorer/xen-way.ts';
import { hypercall } from '../../src/hypervisor/hypercall.ts';
import { domId, gfn, order } from '../../src/hypervisor/units.ts';
import { heapDomainOf, type Xen } from '../../src/hypervisor/xen.ts';
import { bootRandom, twoGuests } from '../hypervisor/random-calls.ts';
import { blockOf, twoBuilders } from './space-fixture.ts';

describe('a place on the trail', () => {
  it('that is being written keeps its words when states become wider than there was room for', () => {
    const trail = newTrail(Int32Array.of(7, 8, 9), 3);
    copyPlace(trail, 0);
    putWord(trail, 1, 2, 5);
    const wide = trail.stride + 1;
    makeRoom(trail, wide);
    putWord(trail, 1, wide - 1, 4);
    const rows = [0, 1].map((place) => stateAt(trail, place));
    expect(rows.map((at) => [...trail.states.subarray(at, at + 3)])).toEqual([
      [7, 8, 9],
      [7, 8, 5],
    ]);
    expect(trail.states[rows[1]! + wide - 1]).toBe(4);
  });
});

/** Makes a step that puts a value in a word; the number of the state to which it leads. */
function go(trail: Trail, from: number, actor: number, word: number, value: number, asked = 0): number {
  const place = placeOf(trail, from);
  copyPlace(trail, place);
  putWord(trail, nextTo(place), word, value);
  keepNext(trail, place, actor, asked);
  return trail.ids[nextTo(place)]!;
}

/** The words of a state, brought to a place. */
function wordsAt(trail: Trail, id: number): number[] {
  const at = stateAt(trail, placeOf(trail, id));
  return [...trail.states.subarray(at, at + trail.table.width)];
}

describe('a state that was met', () => {
  it('is brought to a place with all its words, and gone on from there as if it had never been left', () => {
    const steps = fc.array(fc.record({ from: fc.nat(), word: fc.boolean(), value: fc.nat(9) }), {
      maxLength: 300,
    });
    fc.assert(
      fc.property(steps, fc.nat(300), (made, widened) => {
        const trail = newTrail(Int32Array.of(0, 0), 2);
        const words = [[0, 0]];
        for (const [i, { from, word, value }] of made.entries()) {
          // Wider than a place was.
          if (i === widened) {
            makeRoom(trail, 90);
            for (const [id, state] of words.entries()) words[id] = [...state, ...Array(88).fill(0)];
          }
          const at = from % words.length;
          const which = word ? 0 : trail.table.width - 1;
          const state = words[at]!.with(which, value);
          const known = words.findIndex((other) => other.join() === state.join());
          const id = known < 0 ? words.push(state) - 1 : known;
          expect(go(trail, at, which % 3, which, value)).toBe(id);
          expect(wordsAt(trail, at)).toEqual(words[at]);
          expect(wordsAt(trail, id)).toEqual(state);
        }
      }),
      { seed: 5 },
    );
  });

  it('has the way on which it was met first, or the last one that is as long', () => {
    for (const goesLast of [false, true]) {
      const trail = newTrail(Int32Array.of(0, 0), 2);
      trail.goesLast = goesLast;
      const right = go(trail, START, 0, 0, 1);
      const both = go(trail, right, 1, 1, 1);
      const up = go(trail, START, 1, 1, 1);
      expect(go(trail, up, 0, 0, 1)).toBe(both);
      const wayOf = (id: number) => [parentOf(trail, id), reachedBy(trail, id)];
      expect(wayOf(both)).toEqual(goesLast ? [up, 0] : [right, 1]);
      // A way back, and one that is longer, lead to nothing new.
      expect(go(trail, both, 1, 1, 0)).toBe(right);
      expect(go(trail, both, 2, 0, 0)).toBe(up);
      expect([right, up].map((id) => wayOf(id)[0])).toEqual([START, START]);
    }
  });
});

describe('populates on the way', () => {
  const PAIR = { domid: domId(1), extentOrder: order(0), nrExtents: 2, memFlags: {} };

  const populate = (first: number) => ({
    by: { caller: 0 },
    call: {
      name: 'XENMEM_populate_physmap' as const,
      args: { ...PAIR, extentStart: [{ first: gfn(first), count: 2, stride: 1 }] },
    },
  });

  function booted(): Xen {
    const xen = bootRandom({ nodes: 1, bootscrub: 'off', xen: '4.22' });
    hypercall(xen, { caller: 0 }, twoGuests[0]!.call);
    hypercall(xen, { caller: 0 }, twoGuests[1]!.call);
    return xen;
  }

  /** How many stops Xen makes on the way over four populates that go on from one another. */
  function stops(joins: boolean): number {
    const xen = booted();
    const trail = newTrail(Int32Array.of(0), 1);
    const way = newXenWay(xen, joins);
    let state = START;
    for (let i = 1; i <= 4; i++) state = go(trail, state, 0, 0, i, numberAsked(way, [populate(2 * i)]));
    const had = heapDomainOf(xen, domId(1)).totPages;
    takeXenTo(way, trail, xen, state, () => expect.unreachable());
    expect(heapDomainOf(xen, domId(1)).totPages).toBe(had + 8);
    return way.marks.filter((mark) => mark !== null).length - 1;
  }

  it("are made one by one for those who see how a guest's map is cut, else as one", () => {
    expect(stops(false)).toBe(4);
    expect(stops(true)).toBe(1);
  });

  it('are not made as one where a walk tells frames', () => {
    const walk = (ownership: 'class' | 'exact') =>
      newWorldSpace(blockOf(twoBuilders(1)), { grain: 'hypercall', ownership }).walk;
    expect(walk('exact').way.joins).toBe(false);
    expect(walk('class').way.joins).toBe(true);
  });

  it('leave Xen with what was populated on the way to the state, wherever it was taken before', () => {
    const step = fc.record({ back: fc.nat(3), kind: fc.constantFrom('populate', 'look', 'whole') });
    const visit = fc.record({ to: fc.nat(), goesOn: fc.boolean() });
    fc.assert(
      fc.property(
        fc.boolean(),
        fc.array(step, { minLength: 1, maxLength: 30 }),
        fc.array(visit, { maxLength: 30 }),
        (joins, steps, visits) => {
          const xen = booted();
          const trail = newTrail(Int32Array.of(0), 1);
          const way = newXenWay(xen, joins);
          const had = heapDomainOf(xen, domId(1)).totPages;
          // A tree: each state is a number of its own, and has what was populated on the way.
          const has = [had];
          for (const [i, { back, kind }] of steps.entries()) {
            const from = Math.max(0, i - back);
            const op = populate(2 + has[from]! - had);
            const asked = kind === 'populate' ? numberAsked(way, [op]) : kind === 'whole' ? WHOLE : NOTHING;
            expect(go(trail, from, i, 0, i + 1, asked)).toBe(i + 1);
            has.push(has[from]! + (kind === 'look' ? 0 : 2));
          }
          const again = (from: number): void =>
            void hypercall(xen, { caller: 0 }, populate(2 + has[from]! - had).call);
          for (const { to, goesOn } of visits) {
            const state = to % has.length;
            takeXenTo(way, trail, xen, state, again);
            expect(heapDomainOf(xen, domId(1)).totPages).toBe(has[state]);
            if (!goesOn) continue;
            // By a step that leads where it was met on another way, or nowhere.
            again(state);
            xenArrived(way, xen, state, 99, 0);
          }
        },
      ),
      { seed: 11 },
    );
  });
});
