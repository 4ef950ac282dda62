/**
 * Taking blocks from the heap, as many at once as are certain to go the same way.
 *
 * Models alloc_heap_pages() and the zone choice of alloc_domheap_pages() and alloc_xenheap_pages(),
 * xen/common/page_alloc.c.
 */
import { ASSERT } from './bug.ts';
import { claimGate, consumeClaim, type Gate } from './claims.ts';
import { headBuddy, newBuddy, popHead, queueRemainder } from './free-list.ts';
import {
  type BuddyRequest,
  getFreeBuddy,
  MUST_ROTATE,
  NOT_FOUND,
  nodesPassed,
  searchNode,
} from './get-free-buddy.ts';
import {
  type Buddy,
  FULL,
  type Heap,
  type HeapDomain,
  NIL,
  NR_ORDERS,
  NR_ZONES,
  RUN_BASE,
} from './heap-state.ts';
import { noteDomain, noteNode, noteZone } from './heap-undo.ts';
import { dirtyPages } from './page-dirty.ts';
import { nextOf } from './page-list.ts';
import { relieve } from './page-region.ts';
import { takeFromRun } from './page-run.ts';
import { rotateAbove, rotateAll } from './rotate-lists.ts';
import { MAX_ORDER, sizeOfOrder } from './units.ts';
import { checkLowMemVirq } from './virq.ts';

/** A heap request: get_free_buddy()'s, and how the claim gate looks at it. */
export interface HeapRequest extends BuddyRequest {
  readonly noRefcount: boolean;
  /** Zones as asked; zoneLo and zoneHi move while the DMA rule tries one part first. */
  readonly askedHi: number;
  readonly askedNoScrub: boolean;
}

/** Receives what was allocated: `count` blocks at a stride, number `index`, `index + step`, … of the request. */
export type Sink = (first: number, count: number, stride: number, index: number, step: number) => void;

/** Scratch for one batched request, made once a request. */
export interface AllocScratch {
  readonly gate: Gate;
  readonly buddy: Buddy;
  readonly lanes: number[];
  readonly lists: number[];
  /** Kind of the last block's dirty flags before it was taken, for the caller's own scrubbing. */
  lastDirty: number;
}
export const newScratch = (): AllocScratch => ({
  gate: { extents: 0, consume: 0 },
  buddy: newBuddy(),
  lanes: [],
  lists: [],
  lastDirty: 0,
});

/**
 * Takes between 1 and `want` blocks, in one go where that equals single steps; returns how many, 0 if refused.
 * Models alloc_heap_pages(), xen/common/page_alloc.c.
 * Extents already done in this request are `done`; assigned claims are consumed here only if the rules say so.
 */
export function allocHeapPages(
  h: Heap,
  r: HeapRequest,
  want: number,
  done: number,
  s: AllocScratch,
  sink: Sink,
): number {
  if (r.order > MAX_ORDER) return 0;
  const size = sizeOfOrder(r.order);
  claimGate(h, r.d, size, r.noRefcount, want, s.gate);
  if (s.gate.extents === 0) return 0;
  const limit = s.gate.extents;
  const last = r.d === null ? 0 : r.d.lastAllocNode;
  h.rotated = false;
  const found = find(h, r, last);
  if (found === NOT_FOUND) return 0;
  const list = h.foundList;
  const before = h.totalAvailPages - h.outstandingClaims;
  const atAlloc = h.rules.consumeAt === 'alloc';
  const fallback = r.noScrub !== r.askedNoScrub;
  let n = 1;
  let node = found;
  const lanes = limit > 1 ? lanesOf(h, r, found, s) : 0;
  if (lanes > 0 && (fallback || h.rotated)) {
    n = takeTurning(h, r, lanes, limit, done, s, sink);
    if (n > 1) node = s.lanes[lanes - 1]!;
  } else if (lanes > 1 && limit >= lanes) {
    n = takeLanes(h, r, Math.floor(limit / lanes), done, s, sink) * lanes;
    node = s.lanes[lanes - 1]!;
  } else {
    n = takeFromList(h, list, r.order, lanes === 1 ? limit : 1, done, 1, s, sink);
  }
  h.rotated = false;
  const consumed = atAlloc ? s.gate.consume * n : 0;
  if (consumed > 0 && r.d !== null) consumeClaim(h, r.d, consumed);
  const perStep = size - (atAlloc ? s.gate.consume : 0);
  virqTests(h, before, size, perStep, atAlloc ? 0 : s.gate.consume, n);
  if (r.d !== null) {
    noteDomain(h, r.d);
    r.d.lastAllocNode = h.nodeIds[node]!;
  }
  relieve(h);
  return n;
}

/**
 * One page for a domain on a host of one node without a DMA width, or -1: allocHeapPages() of order 0 with all that
 * cannot matter there left out.
 */
export function allocHeapPage(h: Heap, d: HeapDomain): number {
  const unclaimed = h.totalAvailPages - h.outstandingClaims;
  if (unclaimed < 1 && d.outstandingPages < 1) return -1;
  let zone = h.topZone[0]!;
  while (zone > 0 && h.orderMask[zone] === 0) zone--;
  if (zone === 0) return -1;
  const orders = h.orderMask[zone]!;
  const list = zone * NR_ORDERS + 31 - Math.clz32(orders & -orders);
  const b = h.merged;
  headBuddy(h, list, b);
  popHead(h, list);
  const kept = (1 << b.order) - 1;
  const mfn = b.mfn + kept;
  noteNode(h, 0);
  noteZone(h, zone);
  noteDomain(h, d);
  if (b.fd !== -1) h.needScrub[0] = h.needScrub[0]! - dirtyPages(h, mfn, 1, b.dirty);
  if (kept > 0) queueRemainder(h, b, kept);
  h.totalAvailPages--;
  h.nodeAvail[0] = h.nodeAvail[0]! - 1;
  h.zoneAvail[zone] = h.zoneAvail[zone]! - 1;
  const claimed = d.outstandingPages > 0;
  if (claimed) consumeClaim(h, d, 1);
  checkLowMemVirq(h, claimed ? unclaimed : unclaimed - 1, 0, 1);
  d.lastAllocNode = h.nodeIds[0]!;
  if (h.crowded.length > 0) relieve(h);
  return mfn;
}

/** Before 4.22 the claim falls only after the test, so that the i-th test still sees it. */
function virqTests(h: Heap, before: number, size: number, perStep: number, late: number, n: number): void {
  if (late === 0) checkLowMemVirq(h, before - perStep, perStep, n);
  else checkLowMemVirq(h, before - size, size - late, n);
}

/** Searches in Xen's order: above the DMA width first, each time clean-only before dirty. Leaves the pass in `r`. */
function find(h: Heap, r: HeapRequest, lastNode: number): number {
  const dmaZone = h.dmaBits - 12;
  if (h.dmaBits !== 0 && dmaZone < r.askedHi) {
    r.zoneLo = dmaZone + 1;
    const high = findInZones(h, r, lastNode);
    if (high !== NOT_FOUND) return high;
  }
  r.zoneLo = 1;
  return findInZones(h, r, lastNode);
}

function findInZones(h: Heap, r: HeapRequest, lastNode: number): number {
  r.noScrub = r.askedNoScrub;
  const first = findOnce(h, r, lastNode);
  if (first !== NOT_FOUND || r.askedNoScrub) return first;
  r.noScrub = true;
  return findOnce(h, r, lastNode);
}

function findOnce(h: Heap, r: HeapRequest, lastNode: number): number {
  const look = getFreeBuddy(h, r, lastNode, 'look');
  if (look !== MUST_ROTATE) return look;
  h.rotated = true;
  return getFreeBuddy(h, r, lastNode, 'rotate');
}

/**
 * The nodes that serve in turn, and their lists, from the one found on: s.lanes. Returns their number; 0 if the order
 * of nodes does not repeat from here or cannot be told without rotating lists.
 */
function lanesOf(h: Heap, r: HeapRequest, found: number, s: AllocScratch): number {
  if (s.lanes.length > 1) {
    s.lanes.length = 1;
    s.lists.length = 1;
  }
  s.lanes[0] = found;
  s.lists[0] = h.foundList;
  if (r.d === null || r.node !== -1 || h.nodeIds.length === 1) return 1;
  let last = h.nodeIds[found]!;
  for (let i = 0; i < h.nodeIds.length; i++) {
    const next = getFreeBuddy(h, r, last, h.rotated ? 'pass' : 'look');
    if (next === MUST_ROTATE) return 0;
    ASSERT(next >= 0, 'a search that found a buddy finds it from any node');
    if (next === found) return s.lanes.length;
    if (s.lanes.includes(next)) return 0;
    s.lanes.push(next);
    s.lists.push(h.foundList);
    last = h.nodeIds[next]!;
  }
  return 0;
}

/** Serves up to `rounds` rounds of one block from each lane; returns how many rounds. */
function takeLanes(
  h: Heap,
  r: HeapRequest,
  rounds: number,
  done: number,
  s: AllocScratch,
  sink: Sink,
): number {
  const p = s.lanes.length;
  let n = rounds;
  for (let i = 0; i < p; i++) n = Math.min(n, laneCapacity(h, r, s.lists[i]!, n));
  for (let i = 0; i < p; i++) {
    let list = s.lists[i]!;
    let served = 0;
    while (served < n) {
      if (served > 0) {
        ASSERT(searchNode(h, r, s.lanes[i]!, 'look') >= 0, 'a lane serves as much as it has');
        list = h.foundList;
      }
      served += takeFromList(h, list, r.order, n - served, done + i + served * p, p, s, sink);
    }
  }
  return n;
}

/**
 * Takes blocks where each search for a clean buddy turns the dirty lists in its way. It is sure to go the same way while
 * the clean buddies of each lane's head last or, where there is no clean one at all, the pieces of one wholly dirty
 * buddy. Returns the blocks taken: whole rounds, or one.
 */
function takeTurning(
  h: Heap,
  r: HeapRequest,
  p: number,
  limit: number,
  done: number,
  s: AllocScratch,
  sink: Sink,
): number {
  const fallback = r.noScrub !== r.askedNoScrub;
  let rounds = Math.floor(limit / p);
  for (let i = 0; i < p; i++) {
    const sure = fallback
      ? dirtyPieces(h, s.lists[i]!, r.order, p > 1, s)
      : passedBefore(h, r, i, s) === null
        ? 0
        : cleanBlocks(h, s.lists[i]!, r.order, s);
    rounds = Math.min(rounds, sure);
  }
  if (rounds === 0) return takeFromList(h, s.lists[0]!, r.order, 1, done, 1, s, sink);
  for (let i = 0; i < p; i++) takeFromList(h, s.lists[i]!, r.order, rounds, done + i, p, s, sink);
  // The very first search has turned its lists already.
  if (fallback) rotateAll(h, r, rounds * p - 1);
  else
    for (let i = 0; i < p; i++) {
      const zone = Math.floor(s.lists[i]! / NR_ORDERS) % NR_ZONES;
      const times = i === 0 ? rounds - 1 : rounds;
      for (const node of passedBefore(h, r, i, s) ?? []) rotateAbove(h, r, node, r.zoneLo - 1, times);
      rotateAbove(h, r, s.lanes[i]!, zone, times);
    }
  return rounds * p;
}

/** The nodes that a search passes on its way from the lane before to lane `i`; from the last one to the first. */
function passedBefore(h: Heap, r: HeapRequest, i: number, s: AllocScratch): number[] | null {
  const before = s.lanes[i === 0 ? s.lanes.length - 1 : i - 1]!;
  return nodesPassed(h, r, h.nodeIds[before]!, s.lanes[i]!);
}

/** Blocks of `order` in the head buddy of a list; 0 if its pieces may be clean, or if it should be `alone` and is not. */
function dirtyPieces(h: Heap, list: number, order: number, alone: boolean, s: AllocScratch): number {
  headBuddy(h, list, s.buddy);
  if (s.buddy.fd !== 0 || s.buddy.dirty !== FULL) return 0;
  const node = h.listHead[list]!;
  if (alone && (node !== h.listTail[list] || (node < NIL && h.runCount[RUN_BASE - node]! > 1))) return 0;
  return sizeOfOrder((list % NR_ORDERS) - order);
}

/** Blocks of `order` in the clean head of a list; 0 if it is not clean, or smaller buddies are in the way. */
function cleanBlocks(h: Heap, list: number, order: number, s: AllocScratch): number {
  headBuddy(h, list, s.buddy);
  const own = list % NR_ORDERS;
  const smaller = h.orderMask[Math.floor(list / NR_ORDERS)]! & ((1 << own) - (1 << order));
  return s.buddy.fd !== -1 || smaller !== 0 ? 0 : capacity(h, list, order);
}

/**
 * Blocks that a node is sure to serve from this list on, as far as `want`. Where any head will do, all buddies of this
 * and the larger orders count: lanes at different places of theirs would otherwise hold each other up at every piece.
 */
function laneCapacity(h: Heap, r: HeapRequest, list: number, want: number): number {
  if (r.order > 0 && !r.noScrub) return capacity(h, list, r.order);
  let sum = 0;
  for (let at = list; sum < want; at++) {
    const per = sizeOfOrder((at % NR_ORDERS) - r.order);
    for (let node = h.listHead[at]!; node !== NIL && sum < want; node = nextOf(h, node))
      sum += per * (node >= 0 ? 1 : h.runCount[RUN_BASE - node]!);
    if ((at + 1) % NR_ORDERS === 0) break;
  }
  return sum;
}

/** Blocks of `order` the head of a list yields. */
function capacity(h: Heap, list: number, order: number): number {
  const node = h.listHead[list]!;
  const buddies = node >= 0 ? 1 : h.runCount[RUN_BASE - node]!;
  return buddies * sizeOfOrder((list % NR_ORDERS) - order);
}

/**
 * Takes up to `want` blocks from the list's head. The head's buddies are used up one after the other: a block comes
 * from the top of what is left, and the lower pieces, queued meanwhile, are the next to be found.
 */
function takeFromList(
  h: Heap,
  list: number,
  order: number,
  want: number,
  index: number,
  step: number,
  s: AllocScratch,
  sink: Sink,
): number {
  const n = Math.min(want, capacity(h, list, order));
  const per = sizeOfOrder((list % NR_ORDERS) - order);
  const size = sizeOfOrder(order);
  const b = s.buddy;
  headBuddy(h, list, b);
  s.lastDirty = b.dirty;
  const nodeZone = Math.floor(list / NR_ORDERS);
  const nodeIdx = Math.floor(nodeZone / NR_ZONES);
  noteNode(h, nodeIdx);
  noteZone(h, nodeZone);
  const whole = Math.floor(n / per);
  if (whole > 0) takeWhole(h, list, whole, order, index, step, s, sink, nodeIdx);
  const rest = n - whole * per;
  if (rest > 0) {
    if (whole > 0) headBuddy(h, list, b);
    popHead(h, list);
    const total = sizeOfOrder(b.order);
    const kept = total - rest * size;
    if (b.fd !== -1)
      h.needScrub[nodeIdx] = h.needScrub[nodeIdx]! - dirtyPages(h, b.mfn + kept, rest * size, b.dirty);
    sink(b.mfn + total - size, rest, rest === 1 ? 0 : -size, index + whole * per * step, step);
    queueRemainder(h, b, kept);
  }
  const taken = n * size;
  h.totalAvailPages -= taken;
  h.nodeAvail[nodeIdx] = h.nodeAvail[nodeIdx]! - taken;
  h.zoneAvail[nodeZone] = h.zoneAvail[nodeZone]! - taken;
  return n;
}

/** Uses up the first `whole` buddies of the list's head. */
function takeWhole(
  h: Heap,
  list: number,
  whole: number,
  order: number,
  index: number,
  step: number,
  s: AllocScratch,
  sink: Sink,
  nodeIdx: number,
): void {
  const b = s.buddy;
  const node = h.listHead[list]!;
  const total = sizeOfOrder(b.order);
  const size = sizeOfOrder(order);
  const per = total / size;
  const stride = node >= 0 || whole === 1 ? 0 : h.runStride[RUN_BASE - node]!;
  if (b.fd !== -1)
    for (let i = 0; i < whole; i++) {
      if (b.dirty === 1) {
        h.needScrub[nodeIdx] = h.needScrub[nodeIdx]! - whole * total;
        break;
      }
      h.needScrub[nodeIdx] = h.needScrub[nodeIdx]! - dirtyPages(h, b.mfn + i * stride, total, b.dirty);
    }
  const top = b.mfn + total - size;
  if (node >= 0) popHead(h, list);
  else takeFromRun(h, RUN_BASE - node, 0, whole);
  if (per === 1) sink(b.mfn, whole, stride, index, step);
  else if (whole === 1 || stride === -total) sink(top, whole * per, -size, index, step);
  else for (let i = 0; i < whole; i++) sink(top + i * stride, per, -size, index + i * per * step, step);
}
