/**
 * The idle scrubber as far as it comes in a given time: so many pages, in Xen's order, and on from there.
 *
 * scrub_free_pages() of xen/common/page_alloc.c takes zone by zone, in each the orders from the highest down, of each
 * list the last buddy for as long as that is dirty. It scrubs a buddy outside of heap_lock, and puts it first when all of
 * it is clean. Who takes a buddy that is being scrubbed finds its first pages clean; that call is over then.
 */
import { newBuddy, queueBuddy, queueRun, tailBuddy, unlinkBuddy } from './free-list.ts';
import {
  type Buddy,
  CLEAN,
  FULL,
  freeListId,
  type Heap,
  KIND_FREE,
  MIXED,
  NIL,
  NR_ORDERS,
  NR_ZONES,
  REGION_ORDER,
  RUN_BASE,
  spanOf,
  zoneOf,
} from './heap-state.ts';
import { noteBlocks, noteList, noteNode } from './heap-undo.ts';
import { dirtyPages, fillDirty, pagesUpToDirty } from './page-dirty.ts';
import { freeMeta, metaDirty, metaFd, metaKind, metaOrder, relieve, setMeta, slotOf } from './page-region.ts';
import { blockIndex, freeRunAt, splitRun, takeFromRun } from './page-run.ts';
import { MAX_ORDER, sizeOfOrder } from './units.ts';

/** Where the scrubbing of a node stands: in the middle of a buddy, whose pages below `fd` are clean. */
export interface ScrubPlace {
  readonly mfn: number;
  readonly order: number;
  readonly fd: number;
}

/** How far it came: dirty pages that are clean now, and where to go on; null: at the beginning. */
export interface Scrubbed {
  readonly pages: number;
  readonly place: ScrubPlace | null;
}

/** Work on a node. */
interface Work {
  /** The node's place among the nodes. */
  readonly idx: number;
  /** Pages there is time for. */
  left: number;
  place: ScrubPlace | null;
}

/** Scrubs up to `pages` pages of a node, by its place among the nodes, from where it stood before. */
export function scrubPages(h: Heap, idx: number, from: ScrubPlace | null, pages: number): Scrubbed {
  const work: Work = { idx, left: pages, place: null };
  const buddy = newBuddy();
  const goesOn = from !== null && isStill(h, from, buddy);
  if (goesOn && scrubOne(h, work, buddy) && h.needScrub[idx]! > 0) {
    scrubFrom(h, work, freeListId(idx, zoneOf(from.mfn), from.order));
  }
  // A call that comes to its end is followed by another, until one finds nothing to do.
  for (let before = -1; work.place === null && h.needScrub[idx]! > 0 && before !== work.left; ) {
    before = work.left;
    scrubFrom(h, work, freeListId(idx, 0, MAX_ORDER));
  }
  relieve(h);
  return { pages: pages - work.left, place: work.place };
}

/** Goes through the lists of a node from `first` on, until time is up or the last is done. */
function scrubFrom(h: Heap, work: Work, first: number): void {
  const buddy = newBuddy();
  const base = work.idx * NR_ZONES;
  let order = first % NR_ORDERS;
  for (let zone = (first - order) / NR_ORDERS - base; zone < NR_ZONES; zone++) {
    for (; order >= 0; order--) {
      const list = freeListId(work.idx, zone, order);
      while (h.listTail[list] !== NIL) {
        if (scrubWhole(h, work, list)) continue;
        tailBuddy(h, list, buddy);
        if (buddy.fd === -1) break;
        if (!scrubOne(h, work, buddy) || h.needScrub[work.idx]! <= 0) return;
      }
    }
    order = MAX_ORDER;
  }
}

/** The last buddies of a list that are dirty as a whole and alike, as many as there is time for, in one go. */
function scrubWhole(h: Heap, work: Work, list: number): boolean {
  const node = h.listTail[list]!;
  if (node >= NIL) return false;
  const id = RUN_BASE - node;
  const size = h.runSize[id]!;
  if (h.runVal[id] === -1 || h.runKind[id]! >>> 3 !== FULL) return false;
  const time = Math.min(work.left, h.needScrub[work.idx]! - 1);
  const count = Math.min(h.runCount[id]!, Math.floor(time / size));
  if (count < 1) return false;
  const at = h.runCount[id]! - count;
  const stride = h.runStride[id]!;
  const first = h.runFirst[id]! + (h.runCount[id]! - 1) * stride;
  takeFromRun(h, id, at, count);
  queueRun(h, list, first, count, -stride, size, -1, CLEAN);
  cleaned(h, work, count * size);
  return true;
}

/**
 * Scrubs a dirty buddy as far as there is time. True: all of it is clean.
 * It looks at what it scrubs and on to the next dirty page: a buddy scrubbed bit by bit costs what it costs at once.
 */
function scrubOne(h: Heap, work: Work, b: Buddy): boolean {
  const size = sizeOfOrder(b.order);
  const dirty = dirtyPages(h, b.mfn + b.fd, size - b.fd, b.dirty, work.left);
  if (dirty <= work.left) {
    unlinkBuddy(h, b.mfn, b.order, b);
    queueBuddy(h, b.mfn, b.order, -1, CLEAN);
    cleaned(h, work, dirty);
    return true;
  }
  const fd = work.left === 0 ? b.fd : pageAfter(h, b, work.left);
  work.place = { mfn: b.mfn, order: b.order, fd };
  if (work.left > 0) cleanFront(h, b, fd);
  cleaned(h, work, work.left);
  return false;
}

function cleaned(h: Heap, work: Work, pages: number): void {
  noteNode(h, work.idx);
  h.needScrub[work.idx] = h.needScrub[work.idx]! - pages;
  work.left -= pages;
}

/** The page behind the first `n` dirty ones of a buddy that has more. */
const pageAfter = (h: Heap, { mfn, fd, dirty }: Buddy, n: number): number =>
  fd + (dirty === FULL ? n : pagesUpToDirty(h, mfn + fd, n));

/** Whether nobody took the buddy in the middle of which scrubbing stood; describes it. */
function isStill(h: Heap, { mfn, order, fd }: ScrubPlace, out: Buddy): boolean {
  out.mfn = mfn;
  out.order = order;
  const slot = order < REGION_ORDER ? slotOf(h, mfn) : -1;
  if (slot >= 0) {
    const meta = h.pgMeta[slot]!;
    if (metaKind(meta) !== KIND_FREE || metaOrder(meta) !== order) return false;
    out.fd = metaFd(meta);
    out.dirty = metaDirty(meta);
  } else {
    const id = freeRunAt(h, mfn, sizeOfOrder(order));
    if (id < 0) return false;
    out.fd = h.runVal[id]!;
    out.dirty = h.runKind[id]! >>> 3;
  }
  return out.fd === fd;
}

/** A free buddy's first `fd` pages become clean; it stays where it is in its list. */
function cleanFront(h: Heap, { mfn, order, dirty, fd: before }: Buddy, fd: number): void {
  const size = sizeOfOrder(order);
  if (dirty === FULL) fillDirty(h, mfn, size, true);
  // Those below its first dirty page are clean.
  fillDirty(h, mfn + before, fd - before, false);
  const slot = order < REGION_ORDER ? slotOf(h, mfn) : -1;
  if (slot >= 0) {
    noteList(h, freeListId(h.spanNode[spanOf(h, mfn)]!, zoneOf(mfn), order));
    setMeta(h, slot, freeMeta(order, fd, MIXED));
    return;
  }
  const id = freeRunAt(h, mfn, size);
  const i = blockIndex(h, id, mfn);
  const one = i > 0 ? splitRun(h, id, i) : id;
  if (h.runCount[one]! > 1) splitRun(h, one, 1);
  noteBlocks(h, one);
  h.runVal[one] = fd;
  h.runKind[one] = KIND_FREE | (MIXED << 3);
}
