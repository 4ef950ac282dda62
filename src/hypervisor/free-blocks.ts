/**
 * Giving many blocks back at once.
 *
 * Models loops around free_heap_pages(), xen/common/page_alloc.c. Freeing a sequence of equal blocks in bulk gives the
 * same lists in the same order as freeing them one after the other, because a merge only ever looks for a buddy of
 * exactly its own order: so a whole sequence can be taken through one order before the next.
 */
import { ASSERT } from './bug.ts';
import { countFreed, mergeAndQueue } from './free-heap-pages.ts';
import { queueBuddy, queueRun } from './free-list.ts';
import { type FreedSequence, freeSequence } from './free-sequence.ts';
import {
  buddyOf,
  CHUNK,
  CLEAN,
  chunkOf,
  FULL,
  freeListId,
  type Heap,
  KIND_FREE,
  MIXED,
  REGION_ORDER,
  spanOf,
  zoneOf,
} from './heap-state.ts';
import { fillAlternating, mergeDirty } from './page-dirty.ts';
import { blocksAlike, hasRegion, relieve } from './page-region.ts';
import { blockIndex, freeRunAt, runHigh, runLow, takeFromRun } from './page-run.ts';
import { MAX_ORDER, sizeOfOrder } from './units.ts';

/** From so many blocks on a sequence is freed by its result. */
const WORTH_BULK = 8;

/**
 * Frees `n` pages from `lo` on one by one, upwards or downwards, and counts them: equal to freeing the largest aligned
 * blocks whole, because all that happens inside such a block is undone by its last page. They belong to one node.
 */
export function freeSpan(h: Heap, lo: number, n: number, down: boolean, dirty: boolean): void {
  let at = lo;
  let left = n;
  while (left > 0) {
    const near = down ? at + left - 1 : at;
    const span = spanOf(h, near);
    ASSERT(span >= 0, 'freed pages are RAM');
    const part = Math.min(left, down ? near + 1 - h.spanStart[span]! : h.spanEnd[span]! - near);
    const from = down ? near + 1 - part : near;
    countFreed(h, from, part, dirty);
    freeRangeOf(h, from, part, down, dirty ? 0 : -1, dirty ? FULL : CLEAN);
    if (!down) at += part;
    left -= part;
  }
}

function freeRangeOf(h: Heap, lo: number, n: number, down: boolean, fd: number, dirty: number): void {
  let from = lo;
  let to = lo + n;
  while (from < to) {
    // The largest block that ends at the near end and does not reach beyond the far one. Frames are 32 bits wide.
    const near = down ? to : from;
    const aligned = near === 0 ? MAX_ORDER : 31 - Math.clz32(near & -near);
    const order = Math.min(MAX_ORDER, aligned, 31 - Math.clz32(to - from));
    const size = sizeOfOrder(order);
    mergeAndQueue(h, down ? to - size : from, order, fd, dirty, h.merged);
    if (down) to -= size;
    else from += size;
  }
}

/**
 * Frees `count` blocks of 2^order pages, the i-th at `first + i * stride`, one after the other, all dirty or all clean.
 * Counts them too. No page of them is offlining. They lie in one chunk.
 */
export function freeBlocks(
  h: Heap,
  first: number,
  count: number,
  stride: number,
  order: number,
  dirty: boolean,
): void {
  let i = 0;
  while (i < count) {
    const n = sameSpan(h, first + i * stride, count - i, stride);
    countFreed(h, first + i * stride, n * sizeOfOrder(order), dirty);
    freeComb(h, first + i * stride, n, stride, order, dirty ? 0 : -1, dirty ? FULL : CLEAN);
    i += n;
  }
  relieve(h);
}

/** How many blocks, from the first on, lie in the same span (one node, zone and chunk). */
function sameSpan(h: Heap, first: number, count: number, stride: number): number {
  const span = spanOf(h, first);
  ASSERT(span >= 0, 'freed pages are RAM');
  if (count === 1 || stride === 0) return 1;
  const room = stride > 0 ? h.spanEnd[span]! - 1 - first : first - h.spanStart[span]!;
  return Math.min(count, Math.floor(room / Math.abs(stride)) + 1);
}

/** Blocks of one span through all orders. */
function freeComb(
  h: Heap,
  first: number,
  count: number,
  stride: number,
  order: number,
  fd: number,
  dirty: number,
): void {
  const size = sizeOfOrder(order);
  const apart = Math.abs(stride);
  if (count > 1 && apart === size) {
    const lo = stride > 0 ? first : first + (count - 1) * stride;
    freeRangeOf(h, lo, count * size, stride < 0, fd, dirty);
    return;
  }
  const last = first + (count - 1) * stride;
  const lo = Math.min(first, last);
  const segments =
    count > 1 &&
    order < MAX_ORDER &&
    apart % (2 * size) === 0 &&
    !hasRegion(h, lo, Math.max(first, last) + size)
      ? partnersOf(h, buddyOf(first, order), count, stride, size)
      : null;
  if (segments === null) {
    freeIrregular(h, first, count, stride, order, fd, dirty);
    return;
  }
  let i = 0;
  for (const [from, to] of segments) {
    if (from > i) queuePart(h, first + i * stride, from - i, stride, order, fd, dirty);
    mergeComb(h, first + from * stride, to - from + 1, stride, order, fd, dirty);
    i = to + 1;
  }
  if (i < count) queuePart(h, first + i * stride, count - i, stride, order, fd, dirty);
}

/** Blocks of one span whose partners follow no pattern, or of which some are kept page by page. */
function freeIrregular(
  h: Heap,
  first: number,
  count: number,
  stride: number,
  order: number,
  fd: number,
  dirty: number,
): void {
  const size = sizeOfOrder(order);
  let i = 0;
  while (i < count) {
    const at = first + i * stride;
    const alike = blocksAlike(h, at, count - i, stride, size);
    const n = Math.abs(alike);
    if (alike > 0 || n < WORTH_BULK) freeSingly(h, at, n, stride, order, fd, dirty);
    else if (hasPartner(h, at, n, stride, size)) freeAlong(h, at, n, stride, order, fd, dirty);
    else queuePart(h, at, n, stride, order, fd, dirty);
    i += n;
    relieve(h);
  }
}

function freeSingly(
  h: Heap,
  first: number,
  count: number,
  stride: number,
  order: number,
  fd: number,
  dirty: number,
): void {
  for (let i = 0; i < count; i++) {
    mergeAndQueue(h, first + i * stride, order, fd, dirty, h.merged);
    if ((i & 63) === 63) relieve(h);
  }
}

function freeAlong(
  h: Heap,
  first: number,
  count: number,
  stride: number,
  order: number,
  fd: number,
  dirty: number,
): void {
  const low = Math.min(first, first + (count - 1) * stride);
  const apart = Math.abs(stride);
  freeRanges(h, { low, count, apart, width: sizeOfOrder(order), order, down: stride < 0, fd, dirty });
}

/** Frees equal ranges in the order of their addresses. They lie in one span, and none is kept page by page. */
function freeRanges(h: Heap, q: FreedSequence): void {
  const rest = freeSequence(h, q);
  if (rest !== null) mergeAndQueue(h, rest.mfn, rest.order, rest.fd, rest.dirty, h.merged);
}

/**
 * Frees `count` ranges of `width` pages, the lowest at `low`, page by page upwards or downwards, all dirty, and counts
 * them. They lie in one chunk. Returns false, with nothing done, where this is not possible in one go.
 */
export function freeSpans(
  h: Heap,
  low: number,
  count: number,
  apart: number,
  width: number,
  down: boolean,
): boolean {
  const end = low + (count - 1) * apart + width;
  if (spanOf(h, low) !== spanOf(h, end - 1) || hasRegion(h, low, end)) return false;
  countFreed(h, low, count * width, true);
  freeRanges(h, { low, count, apart, width, order: 0, down, fd: 0, dirty: FULL });
  return true;
}

/** true if a free buddy of this size lies next to a block. Blocks of the sequence itself are no partners of each other. */
function hasPartner(h: Heap, first: number, count: number, stride: number, size: number): boolean {
  const last = first + (count - 1) * stride;
  const lo = Math.min(first, last) - size;
  const hi = Math.max(first, last) + size;
  for (let id = h.chunkHead[chunkOf(first)]!; id >= 0; id = h.runChunkNext[id]!) {
    if (h.runSize[id] !== size || (h.runKind[id]! & 7) !== KIND_FREE) continue;
    if (runLow(h, id) <= hi && runHigh(h, id) > lo) return true;
  }
  return false;
}

function queuePart(
  h: Heap,
  first: number,
  count: number,
  stride: number,
  order: number,
  fd: number,
  dirty: number,
): void {
  const last = first + (count - 1) * stride;
  if (order < REGION_ORDER && hasRegion(h, Math.min(first, last), Math.max(first, last) + 1)) {
    for (let i = 0; i < count; i++) queueBuddy(h, first + i * stride, order, fd, dirty);
    return;
  }
  const list = freeListId(h.spanNode[spanOf(h, first)]!, zoneOf(first), order);
  queueRun(h, list, first, count, count === 1 ? sizeOfOrder(order) : stride, sizeOfOrder(order), fd, dirty);
}

/** Index ranges of the partners `at + i * stride` that are free buddies of `size` pages; null: no such regularity. */
function partnersOf(
  h: Heap,
  at: number,
  count: number,
  stride: number,
  size: number,
): [number, number][] | null {
  const found: [number, number][] = [];
  const apart = Math.abs(stride);
  const lo = Math.min(at, at + (count - 1) * stride);
  const hi = Math.max(at, at + (count - 1) * stride);
  for (let id = h.chunkHead[chunkOf(at)]!; id >= 0; id = h.runChunkNext[id]!) {
    if (h.runSize[id] !== size || (h.runKind[id]! & 7) !== KIND_FREE) continue;
    const first = h.runFirst[id]!;
    const n = h.runCount[id]!;
    const step = h.runStride[id]!;
    const end = first + (n - 1) * step;
    if (Math.max(first, end) < lo || Math.min(first, end) > hi) continue;
    const shift = first - at;
    if (n === 1) {
      if (shift % apart === 0) found.push([shift / stride, shift / stride]);
      continue;
    }
    if (Math.abs(step) !== apart) {
      // Progressions meet only if their distance is a multiple of what both strides share.
      if (shift % commonDivisor(Math.abs(step), apart) === 0) return null;
      continue;
    }
    if (shift % apart !== 0) continue;
    const a = shift / stride;
    const b = (end - at) / stride;
    found.push([Math.max(0, Math.min(a, b)), Math.min(count - 1, Math.max(a, b))]);
  }
  return found.sort((x, y) => x[0] - y[0]);
}

/** Kind of the dirty flags of each merged block of a comb, writing the bitmap where the halves differ. */
function mergeCombDirty(
  h: Heap,
  base: number,
  count: number,
  stride: number,
  size: number,
  lower: number,
  upper: number,
): number {
  if (lower === upper) return lower;
  if (lower !== MIXED && upper !== MIXED && Math.abs(stride) === 2 * size && size <= 16) {
    const lo = stride > 0 ? base : base + (count - 1) * stride;
    fillAlternating(h, lo, count * 2 * size, size, lower === FULL, upper === FULL);
    return MIXED;
  }
  for (let i = 0; i < count; i++) mergeDirty(h, base + i * stride, size, lower, upper);
  return MIXED;
}

function commonDivisor(a: number, b: number): number {
  let x = a;
  let y = b;
  while (y !== 0) {
    const rest = x % y;
    x = y;
    y = rest;
  }
  return x;
}

/** Merges each block of a comb with its free partner and takes the results one order up. */
function mergeComb(
  h: Heap,
  first: number,
  count: number,
  stride: number,
  order: number,
  fd: number,
  dirty: number,
): void {
  const size = sizeOfOrder(order);
  const other = buddyOf(first, order);
  const id = hasRegion(h, other, other + 1) ? -1 : freeRunAt(h, other, size);
  const at = id < 0 ? -1 : blockIndex(h, id, other);
  const along = id >= 0 && (count === 1 || h.runStride[id] === stride);
  const from = along ? at : at - count + 1;
  const regular = id >= 0 && (along || h.runStride[id] === -stride);
  if (!regular || from < 0 || from + count > h.runCount[id]!) {
    freeIrregular(h, first, count, stride, order, fd, dirty);
    return;
  }
  const theirFd = h.runVal[id]!;
  const theirs = h.runKind[id]! >>> 3;
  takeFromRun(h, id, from, count);
  const lower = other < first;
  const base = lower ? other : first;
  const kind = mergeCombDirty(h, base, count, stride, size, lower ? theirs : dirty, lower ? dirty : theirs);
  const fdLow = lower ? theirFd : fd;
  const fdHigh = lower ? fd : theirFd;
  const merged = fdLow !== -1 ? fdLow : fdHigh === -1 ? -1 : fdHigh + size;
  freeComb(h, base, count, count === 1 ? 2 * size : stride, order + 1, merged, kind);
}

/** Splits a sequence of blocks at chunk borders: how many, from the first on, lie in its chunk. */
export function sameChunkCount(first: number, count: number, stride: number): number {
  if (count === 1 || stride === 0) return 1;
  const offset = first % CHUNK;
  const room = stride > 0 ? CHUNK - 1 - offset : offset;
  return Math.min(count, Math.floor(room / Math.abs(stride)) + 1);
}
