/**
 * Giving one block back to the free lists, merging it with its free buddies.
 *
 * Models free_heap_pages(), xen/common/page_alloc.c.
 */
import { ASSERT } from './bug.ts';
import { queueBuddy } from './free-list.ts';
import {
  type Buddy,
  buddyOf,
  CLEAN,
  FULL,
  freeListId,
  type Heap,
  KIND_FREE,
  NR_ZONES,
  OFFLINED,
  OFFLINING,
  REGION,
  REGION_ORDER,
  spanOf,
  zoneOf,
} from './heap-state.ts';
import { noteNode, noteSpecial, noteZone } from './heap-undo.ts';
import { mergeDirty } from './page-dirty.ts';
import { linkHead, linkTail, unlinkNode } from './page-list.ts';
import {
  freeMeta,
  metaDirty,
  metaFd,
  metaKind,
  metaOrder,
  releaseRegions,
  setMeta,
  slotOf,
} from './page-region.ts';
import { blockIndex, freeRunOn, takeFromRun } from './page-run.ts';
import { breakUp } from './reserve-offlined.ts';
import { MAX_ORDER, sizeOfOrder } from './units.ts';

/** Adds `pages` free pages of the node and zone of `mfn` to the counters. */
export function countFreed(h: Heap, mfn: number, pages: number, dirty: boolean): void {
  const node = h.spanNode[spanOf(h, mfn)]!;
  const zone = node * NR_ZONES + zoneOf(mfn);
  noteNode(h, node);
  noteZone(h, zone);
  h.totalAvailPages += pages;
  h.nodeAvail[node] = h.nodeAvail[node]! + pages;
  h.zoneAvail[zone] = h.zoneAvail[zone]! + pages;
  if (dirty) h.needScrub[node] = h.needScrub[node]! + pages;
}

/**
 * Frees one block: counters, merging, queueing, and taking out pages that were being offlined.
 * Models free_heap_pages(), xen/common/page_alloc.c.
 */
export function freeHeapPages(h: Heap, mfn: number, order: number, dirty: boolean): void {
  countFreed(h, mfn, sizeOfOrder(order), dirty);
  const tainted = h.offliningPages > 0 && finishOfflining(h, mfn, sizeOfOrder(order));
  mergeAndQueue(h, mfn, order, dirty ? 0 : -1, dirty ? FULL : CLEAN, h.merged);
  if (tainted) breakUp(h, mfn);
}

/** Turns the block's offlining pages into offlined ones; true if there were any. */
function finishOfflining(h: Heap, mfn: number, pages: number): boolean {
  if (pages === 1 && !((h.special.get(mfn) ?? 0) & OFFLINING)) return false;
  let any = false;
  for (const [page, flags] of h.special) {
    if (page < mfn || page >= mfn + pages || !(flags & OFFLINING)) continue;
    if (!any) noteSpecial(h);
    h.special.set(page, (flags & ~OFFLINING) | OFFLINED);
    h.offliningPages--;
    any = true;
  }
  return any;
}

/** Merges a block with its free buddies and queues the result. Counters are the caller's. */
export function mergeAndQueue(
  h: Heap,
  start: number,
  startOrder: number,
  startFd: number,
  startDirty: number,
  partner: Buddy,
): void {
  const span = spanOf(h, start);
  ASSERT(span >= 0 && start % sizeOfOrder(startOrder) === 0, 'a freed block is aligned RAM');
  const lo = h.spanStart[span]!;
  const hi = h.spanEnd[span]!;
  const merged = partner;
  merged.mfn = start;
  merged.order = startOrder;
  merged.fd = startFd;
  merged.dirty = startDirty;
  if (startOrder >= REGION_ORDER) releaseRegions(h, start, sizeOfOrder(startOrder));
  else {
    const slot = slotOf(h, start);
    if (slot >= 0 && !mergeInRegion(h, slot, span, merged)) return;
  }
  const lists = freeListId(h.spanNode[span]!, zoneOf(start), 0);
  while (merged.order < MAX_ORDER) {
    const other = buddyOf(merged.mfn, merged.order);
    const size = sizeOfOrder(merged.order);
    if (other < lo || other >= hi) break;
    const id = freeRunOn(h, lists + merged.order, other, size);
    if (id < 0) break;
    const fd = h.runVal[id]!;
    const dirty = h.runKind[id]! >>> 3;
    takeFromRun(h, id, blockIndex(h, id, other), 1);
    join(h, merged, other, fd, dirty);
  }
  queueBuddy(h, merged.mfn, merged.order, merged.fd, merged.dirty);
}

/** Makes `merged` the buddy one order up, of itself and its partner at `other`. */
function join(h: Heap, merged: Buddy, other: number, fd: number, dirty: number): void {
  const size = sizeOfOrder(merged.order);
  const lower = other < merged.mfn;
  const fdLow = lower ? fd : merged.fd;
  const fdHigh = lower ? merged.fd : fd;
  const base = lower ? other : merged.mfn;
  if (dirty !== merged.dirty)
    merged.dirty = mergeDirty(h, base, size, lower ? dirty : merged.dirty, lower ? merged.dirty : dirty);
  merged.fd = fdLow !== -1 ? fdLow : fdHigh === -1 ? -1 : fdHigh + size;
  merged.mfn = base;
  merged.order++;
}

/**
 * The same inside a region kept page by page; queues the result unless the whole region has become one buddy, which
 * then is no region any more: true.
 */
function mergeInRegion(h: Heap, start: number, span: number, merged: Buddy): boolean {
  const lo = h.spanStart[span]!;
  const hi = h.spanEnd[span]!;
  const zone = zoneOf(merged.mfn);
  const lists = freeListId(h.spanNode[span]!, zone, 0);
  let slot = start;
  while (merged.order < REGION_ORDER) {
    const size = 1 << merged.order;
    const otherSlot = slot ^ size;
    const meta = h.pgMeta[otherSlot]!;
    if (metaKind(meta) !== KIND_FREE || metaOrder(meta) !== merged.order) break;
    const other = merged.mfn + otherSlot - slot;
    if (other < lo || other >= hi) break;
    unlinkNode(h, lists + merged.order, otherSlot);
    setMeta(h, otherSlot, 0);
    join(h, merged, other, metaFd(meta), metaDirty(meta));
    slot &= ~size;
  }
  if (merged.order === REGION_ORDER) {
    releaseRegions(h, merged.mfn, REGION);
    return true;
  }
  setMeta(h, slot, freeMeta(merged.order, merged.fd, merged.dirty));
  if (merged.fd === -1) linkHead(h, lists + merged.order, slot);
  else linkTail(h, lists + merged.order, slot);
  return false;
}

/**
 * Frees one page that has an entry of its own, `slot`. Equal to freeHeapPages() of order 0, without its detours.
 */
export function freeHeapPage(h: Heap, mfn: number, slot: number, dirty: boolean): void {
  if (h.offliningPages > 0) {
    freeHeapPages(h, mfn, 0, dirty);
    return;
  }
  const span = spanOf(h, mfn);
  const node = h.spanNode[span]!;
  const zone = node * NR_ZONES + zoneOf(mfn);
  noteNode(h, node);
  noteZone(h, zone);
  h.totalAvailPages++;
  h.nodeAvail[node] = h.nodeAvail[node]! + 1;
  h.zoneAvail[zone] = h.zoneAvail[zone]! + 1;
  if (dirty) h.needScrub[node] = h.needScrub[node]! + 1;
  const merged = h.merged;
  merged.mfn = mfn;
  merged.order = 0;
  merged.fd = dirty ? 0 : -1;
  merged.dirty = dirty ? FULL : CLEAN;
  // A region that has become one buddy goes on merging as a block.
  if (mergeInRegion(h, slot, span, merged))
    mergeAndQueue(h, merged.mfn, merged.order, merged.fd, merged.dirty, merged);
}
