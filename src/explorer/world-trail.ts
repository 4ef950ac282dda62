/**
 * The way from a block's start to a state, and Xen taken along it as far as anybody needs it.
 *
 * States on the way are kept as vectors. Xen stands at one of them: going back costs what was changed since, going on
 * means making the hypercalls of the steps between again.
 */
import { ASSERT } from '../hypervisor/bug.ts';
import { hypercall } from '../hypervisor/hypercall.ts';
import type { Xen } from '../hypervisor/xen.ts';
import { markXen, rollbackXen, type XenMark } from '../hypervisor/xen-mark.ts';
import type { XenOp } from './call-memo.ts';
import { askingFor, extentsIn, extentsOfBoth } from './joined-populates.ts';
import {
  keepSummed,
  makeStateTable,
  type StateTable,
  sumAfter,
  sumOfState,
  widenStates,
} from './state-table.ts';

/** See the file's header. Places are numbered from 0, the start. */
export interface Trail {
  /** Populates on the way may be made as one. Who looks at frames would see that: a guest's map is cut otherwise then. */
  readonly joins: boolean;
  /** Words between two places; more than a state has, so that states may grow. */
  stride: number;
  states: Int32Array;
  /** By place: the state's number, by whom it was reached, and what was asked of Xen (null: see takeXenTo()). */
  ids: Int32Array;
  actors: Int32Array;
  /** By place: see sumOfState(). */
  sums: Int32Array;
  /** Places on the trail. */
  count: number;
  readonly ops: (readonly XenOp[] | null)[];
  /** Marks of Xen at the first places, as many as Xen has been taken to; null where it went by without a stop. */
  readonly marks: (XenMark | null)[];
  /** Where Xen stands; -1: somewhere behind the last mark. */
  xenAt: number;
  /** By mark: the number of the heap's form as it is there; 0: nobody looked yet. */
  readonly heapIs: number[];
  /** All states ever reached. */
  readonly table: StateTable;
  /** By state: from which state and by whom it was reached first. */
  ways: Int32Array;
  /** By the low bits of a state's number: the place that such a state had last. So few that they are always at hand. */
  readonly placed: Int32Array;
}

/** Words of a state in `ways`. */
const WAY = 2;
const WAY_FROM = 0;
const WAY_BY = 1;
/** A power of two, many times the length of a way. */
const PLACED = 2 ** 12;

/** The state from which a state was reached first; -1: it is the start. */
export const parentOf = ({ ways }: Trail, id: number): number => ways[id * WAY + WAY_FROM]!;

/** Whose step that was. */
export const reachedBy = ({ ways }: Trail, id: number): number => ways[id * WAY + WAY_BY]!;

const FIRST_PLACES = 64;

/** The number of the first state. */
export const START = 0;

/** A trail whose only place is `start`, where Xen stands. */
export function newTrail(xen: Xen, start: Int32Array, width: number, joins: boolean): Trail {
  const trail: Trail = {
    joins,
    stride: width + 32,
    states: new Int32Array((width + 32) * FIRST_PLACES),
    ids: new Int32Array(FIRST_PLACES),
    actors: new Int32Array(FIRST_PLACES),
    sums: new Int32Array(FIRST_PLACES),
    count: 0,
    ops: [],
    marks: [markXen(xen)],
    xenAt: 0,
    heapIs: [0],
    table: makeStateTable(width),
    ways: new Int32Array(FIRST_PLACES * WAY),
    placed: new Int32Array(PLACED),
  };
  trail.states.set(start.subarray(0, width));
  trail.sums[0] = sumOfState(trail.table, trail.states, 0);
  keepPlace(trail, 0, -1, -1, null);
  return trail;
}

/** Where a place's state begins in `states`. */
export const stateAt = (trail: Trail, place: number): number => place * trail.stride;

/** Makes room for a place and for states of `width` words. */
export function makeRoom(trail: Trail, place: number, width: number): void {
  if (width > trail.table.width) widenStates(trail.table, width);
  if (width > trail.stride) {
    const stride = width + 32;
    // All places: the one behind the last may be half written.
    const places = trail.states.length / trail.stride;
    const states = new Int32Array(places * stride);
    for (let p = 0; p < places; p++) {
      states.set(trail.states.subarray(p * trail.stride, (p + 1) * trail.stride), p * stride);
    }
    trail.states = states;
    trail.stride = stride;
  }
  if ((place + 1) * trail.stride > trail.states.length) {
    trail.states = doubled(trail.states);
    trail.ids = doubled(trail.ids);
    trail.actors = doubled(trail.actors);
    trail.sums = doubled(trail.sums);
  }
}

function doubled(words: Int32Array): Int32Array {
  const larger = new Int32Array(words.length * 2);
  larger.set(words);
  return larger;
}

/** Writes the state of a place to the next one as well. */
export function copyPlace(trail: Trail, place: number): void {
  const from = stateAt(trail, place);
  trail.states.copyWithin(stateAt(trail, place + 1), from, from + trail.stride);
  trail.sums[place + 1] = trail.sums[place]!;
}

/** Changes words of a place's state, which no one has been told of yet. */
export function putWords(
  trail: Trail,
  place: number,
  at: readonly number[],
  values: readonly number[],
): void {
  for (let i = 0; i < at.length; i++) putWord(trail, place, at[i]!, values[i]!);
}

export function putWord(trail: Trail, place: number, word: number, value: number): void {
  const at = stateAt(trail, place) + word;
  trail.sums[place] = sumAfter(trail.table, trail.sums[place]!, word, trail.states[at]!, value);
  trail.states[at] = value;
}

/** Ends the trail at `place`, whose state has been written there. */
export function keepPlace(
  trail: Trail,
  place: number,
  from: number,
  actor: number,
  ops: readonly XenOp[] | null,
): void {
  const known = trail.table.count;
  const id = keepSummed(trail.table, trail.states, stateAt(trail, place), trail.sums[place]!);
  trail.count = place + 1;
  trail.ids[place] = id;
  trail.actors[place] = actor;
  trail.ops[place] = ops;
  trail.placed[id & (PLACED - 1)] = place;
  if (id < known) return;
  const way = id * WAY;
  if (way === trail.ways.length) trail.ways = doubled(trail.ways);
  trail.ways[way + WAY_FROM] = from;
  trail.ways[way + WAY_BY] = actor;
}

/** The place at which a state stands on the trail; -1: it does not, or another has been placed that is taken for it. */
export function placeOnTrail({ ids, count, placed }: Trail, id: number): number {
  if (id === START) return 0;
  const place = placed[id & (PLACED - 1)]!;
  return place < count && ids[place] === id ? place : -1;
}

/** The last state on the trail from which a state was reached, and the actors whose steps lead on, the last one first. */
export function wayTo(
  trail: Trail,
  id: number,
): { readonly place: number; readonly actors: readonly number[] } {
  const actors: number[] = [];
  for (let state = id; ; ) {
    const place = placeOnTrail(trail, state);
    if (place >= 0) return { place, actors };
    actors.push(reachedBy(trail, state));
    state = parentOf(trail, state);
    ASSERT(state >= 0, 'the start is always on the trail');
  }
}

/** Takes Xen to a place. `again` makes the step that led to a place as a whole. */
export function takeXenTo(trail: Trail, xen: Xen, place: number, again: (place: number) => void): void {
  const { marks } = trail;
  let last = Math.min(place, marks.length - 1);
  while (marks[last] === null) last--;
  if (trail.xenAt !== last) rollbackXen(xen, marks[last]!);
  marks.length = last + 1;
  trail.heapIs.length = last + 1;
  trail.xenAt = last;
  // A populate that may be part of a larger one: it is made once it is clear what follows.
  let left: XenOp | null = null;
  let extents = 0;
  for (let p = last + 1; p <= place; p++) {
    const ops = trail.ops[p] ?? null;
    if (trail.joins && ops !== null && (left !== null || ops.length === 1) && ops.length <= 1) {
      const [op] = ops;
      if (op !== undefined) {
        const all: number = left === null ? 0 : extentsOfBoth(xen, left, extents, op);
        if (all === 0 && left !== null) makeLeft(trail, xen, askingFor(left, extents));
        if (all === 0) left = op;
        extents = all === 0 ? extentsIn(op) : all;
      }
      marks.push(null);
      trail.heapIs.push(0);
      continue;
    }
    if (left !== null) makeLeft(trail, xen, askingFor(left, extents));
    left = null;
    if (ops === null) again(p);
    else for (const op of ops) make(xen, op);
    marks.push(markXen(xen));
    trail.heapIs.push(0);
    trail.xenAt = p;
  }
  if (left !== null) makeLeft(trail, xen, askingFor(left, extents));
}

/** Makes what is left to be made of the last step on the way. */
function makeLeft(trail: Trail, xen: Xen, op: XenOp): void {
  make(xen, op);
  const last = trail.marks.length - 1;
  trail.marks[last] = markXen(xen);
  trail.xenAt = last;
}

function make(xen: Xen, { by, call }: XenOp): void {
  hypercall(xen, by, call as never);
}

/** Xen has made the step to `place` itself, from the place before, which left the heap in the form `heap`. */
export function xenArrived(trail: Trail, xen: Xen, place: number, heap: number): void {
  trail.marks.length = place;
  trail.marks.push(markXen(xen));
  trail.heapIs.length = place;
  trail.heapIs.push(heap);
  trail.xenAt = place;
}

/** The trail is about to go on from `place`: what Xen was marked at beyond is of no use. */
export function forgetBeyond(trail: Trail, place: number): void {
  if (trail.marks.length <= place + 1) return;
  trail.marks.length = place + 1;
  trail.heapIs.length = place + 1;
  if (trail.xenAt > place) trail.xenAt = -1;
}
