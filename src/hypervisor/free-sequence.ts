/**
 * Freeing a sequence of blocks, one by one in the order of their addresses, by its result.
 *
 * Models a loop around free_heap_pages(), xen/common/page_alloc.c. What such a loop leaves behind are the blocks that
 * merging makes of the freed ones and the buddies there were; each is queued when its last page is freed, so in the
 * order of addresses. Order by order, two bits a block tell them: freed now, and a free buddy before. Whether two halves
 * are free does not depend on the time; so a word of bits is merged at once.
 */
import { type Comb, countBits, fillComb, nextComb } from './bit-comb.ts';
import { queueRun } from './free-list.ts';
import {
  BULK_WORDS,
  type BulkScratch,
  CLEAN,
  chunkOf,
  FULL,
  freeListId,
  type Heap,
  KIND_FREE,
  MIXED,
  RUN_BASE,
  spanOf,
  zoneOf,
} from './heap-state.ts';
import { fillDirty } from './page-dirty.ts';
import { linkAfter } from './page-list.ts';
import { dropRun, newRun } from './page-run.ts';
import { MAX_ORDER } from './units.ts';

/** Ranges of `width` pages, the lowest at `low`, `apart` pages between their first ones; of one chunk and one span. */
export interface FreedSequence {
  readonly low: number;
  readonly count: number;
  readonly apart: number;
  readonly width: number;
  /** They are freed as blocks of this order, to which everything is aligned. */
  readonly order: number;
  /** Freed from the highest address to the lowest. */
  readonly down: boolean;
  /** first_dirty of each block, and how its flags are kept. */
  readonly fd: number;
  readonly dirty: number;
}

/** The sequence within the smallest aligned block around it. */
interface Window extends FreedSequence {
  readonly base: number;
  /** The window's own order. */
  readonly top: number;
  /** Frames within the sequence's span: a buddy elsewhere is no partner. */
  readonly from: number;
  readonly to: number;
}

/** One block left over that may still merge outside the window. */
export interface Leftover {
  readonly mfn: number;
  readonly order: number;
  readonly fd: number;
  readonly dirty: number;
}

/**
 * Frees the sequence; counters are the caller's, and no page of it is kept page by page. If the whole window has
 * become one block, it is not queued but returned: it may have a partner beyond.
 */
export function freeSequence(h: Heap, q: FreedSequence): Leftover | null {
  h.bulk ??= newBulk();
  const s = h.bulk;
  const w = windowOf(h, q);
  layOut(s, w);
  markFreed(s, w);
  const ids = markBuddies(h, s, w);
  mergeUpwards(s, w);
  const uniform = ids.every((id) => isAlike(h, w, id) || countSwallowed(h, s, w, id) === 0);
  if (!uniform) markDirty(h, s, w, ids);
  for (const id of ids) dropSwallowed(h, s, w, id);
  for (let order = w.order; order < w.top; order++) queueLevel(h, s, w, order, uniform);
  if (s.freed[s.at[w.top]!] === 0) return null;
  if (uniform) return { mfn: w.base, order: w.top, fd: w.fd, dirty: w.dirty };
  const fd = firstBit(s.firstDirty, 0, 2 ** w.top);
  return { mfn: w.base, order: w.top, fd, dirty: kindIn(s, 0, 2 ** w.top, fd) };
}

const newBulk = (): BulkScratch => ({
  freed: new Int32Array(2 * BULK_WORDS + 32),
  before: new Int32Array(2 * BULK_WORDS + 32),
  firstDirty: new Int32Array(BULK_WORDS),
  notFull: new Int32Array(BULK_WORDS),
  comb: new Int32Array(BULK_WORDS),
  spare: new Int32Array(BULK_WORDS),
  at: new Int32Array(MAX_ORDER + 2),
  swallowed: 0,
});

function windowOf(h: Heap, q: FreedSequence): Window {
  const end = q.low + (q.count - 1) * q.apart + q.width;
  let top = q.order;
  while (Math.floor(q.low / 2 ** top) !== Math.floor((end - 1) / 2 ** top)) top++;
  const base = q.low - (q.low % 2 ** top);
  const span = spanOf(h, q.low);
  const from = Math.max(base, h.spanStart[span]!);
  return { ...q, base, top, from, to: Math.min(base + 2 ** top, h.spanEnd[span]!) };
}

const wordsOf = (w: Window, order: number): number => Math.max(1, 2 ** (w.top - order - 5));

/** Gives each order its words, empty. */
function layOut(s: BulkScratch, w: Window): void {
  let at = 0;
  for (let order = w.order; order <= w.top; order++) {
    s.at[order] = at;
    at += wordsOf(w, order);
  }
  s.freed.fill(0, 0, at);
  s.before.fill(0, 0, at);
  s.swallowed = 0;
}

const setBit = (words: Int32Array, at: number, bit: number): void => {
  const i = at + (bit >>> 5);
  words[i] = words[i]! | (1 << (bit & 31));
};
const hasBit = (words: Int32Array, at: number, bit: number): boolean =>
  ((words[at + (bit >>> 5)]! >>> (bit & 31)) & 1) === 1;

function markFreed(s: BulkScratch, w: Window): void {
  const size = 2 ** w.order;
  // The lowest order's words are the first ones.
  fillComb(s.freed, (w.low - w.base) / size, w.count, Math.max(1, w.apart / size), w.width / size);
}

/** Index of the run's first block at or behind the window's near end in list order. */
function enters(h: Heap, w: Window, id: number): number {
  const first = h.runFirst[id]!;
  const stride = h.runStride[id]!;
  const i = stride > 0 ? Math.ceil((w.from - first) / stride) : Math.ceil((first - w.to + 1) / -stride);
  return Math.max(0, i);
}
/** One past the index of the run's last block in the window. */
function leaves(h: Heap, w: Window, id: number): number {
  const first = h.runFirst[id]!;
  const stride = h.runStride[id]!;
  const i = stride > 0 ? Math.ceil((w.to - first) / stride) : Math.ceil((first - w.from + 1) / -stride);
  return Math.min(h.runCount[id]!, i);
}

/** Bit of the run's block `i` among those of its order. */
const bitOf = (h: Heap, w: Window, id: number, i: number): number =>
  (h.runFirst[id]! + i * h.runStride[id]! - w.base) / h.runSize[id]!;
const orderOf = (h: Heap, id: number): number => 31 - Math.clz32(h.runSize[id]!);

/** Lowest bit of the run's blocks in the window, their number, and how many bits lie between two. */
function runComb(h: Heap, w: Window, id: number): Comb {
  const i = enters(h, w, id);
  const end = leaves(h, w, id);
  const start = Math.min(bitOf(h, w, id, i), bitOf(h, w, id, end - 1));
  return { start, count: end - i, step: Math.abs(h.runStride[id]!) / h.runSize[id]! };
}

const lastBit = (comb: Comb): number => comb.start + (comb.count - 1) * comb.step;

/** Marks the free buddies in the window; returns the runs that have some. */
function markBuddies(h: Heap, s: BulkScratch, w: Window): number[] {
  const ids: number[] = [];
  const least = 2 ** w.order;
  const most = 2 ** w.top;
  for (let id = h.chunkHead[chunkOf(w.low)]!; id >= 0; id = h.runChunkNext[id]!) {
    const size = h.runSize[id]!;
    if ((h.runKind[id]! & 7) !== KIND_FREE || size < least || size >= most) continue;
    if (enters(h, w, id) >= leaves(h, w, id)) continue;
    ids.push(id);
    const at = s.at[orderOf(h, id)]!;
    const c = runComb(h, w, id);
    fillComb(s.comb, c.start, c.count, c.step, 1);
    const to = lastBit(c) >>> 5;
    for (let j = c.start >>> 5; j <= to; j++) s.before[at + j] = s.before[at + j]! | s.comb[j]!;
  }
  return ids;
}

/** Every second bit, those at even places, moved together into the lower half. */
function packEven(even: number): number {
  let x = even;
  x = (x | (x >>> 1)) & 0x33333333;
  x = (x | (x >>> 2)) & 0x0f0f0f0f;
  x = (x | (x >>> 4)) & 0x00ff00ff;
  return (x | (x >>> 8)) & 0xffff;
}

/**
 * Merges order by order. Afterwards `freed` has the blocks that stay, and `before` the buddies that were merged away.
 */
function mergeUpwards(s: BulkScratch, w: Window): void {
  for (let order = w.order; order < w.top; order++) {
    const at = s.at[order]!;
    const above = s.at[order + 1]!;
    const n = wordsOf(w, order);
    for (let j = 0; j < n; j++) {
      const freed = s.freed[at + j]!;
      const before = s.before[at + j]!;
      if (freed === 0) {
        s.before[at + j] = 0;
        continue;
      }
      const free = freed | before;
      // Both halves are free, and one of them is so only now.
      const pairs = free & (free >>> 1) & (freed | (freed >>> 1)) & 0x55555555;
      const both = pairs | (pairs << 1);
      const gone = before & both;
      s.freed[at + j] = freed & ~both;
      s.before[at + j] = gone;
      if (gone !== 0) s.swallowed |= 1 << order;
      if (pairs === 0) continue;
      const up = above + (j >>> 1);
      s.freed[up] = s.freed[up]! | (packEven(pairs) << ((j & 1) * 16));
    }
  }
}

/** The run's buddies are dirty as the freed blocks are. */
const isAlike = (h: Heap, w: Window, id: number): boolean =>
  h.runVal[id] === w.fd && h.runKind[id]! >>> 3 === w.dirty && w.dirty !== MIXED;

/** How many of the run's buddies were merged away; they are left in `comb`. */
function countSwallowed(h: Heap, s: BulkScratch, w: Window, id: number): number {
  const order = orderOf(h, id);
  if (((s.swallowed >>> order) & 1) === 0) return 0;
  const at = s.at[order]!;
  const c = runComb(h, w, id);
  const from = c.start >>> 5;
  const to = lastBit(c) >>> 5;
  fillComb(s.comb, c.start, c.count, c.step, 1);
  for (let j = from; j <= to; j++) s.comb[j] = s.comb[j]! & s.before[at + j]!;
  return countBits(s.comb, from, to);
}

/** Takes the merged buddies out of a run; what is left of it stays where it is in the list. */
function dropSwallowed(h: Heap, s: BulkScratch, w: Window, id: number): void {
  const gone = countSwallowed(h, s, w, id);
  if (gone === 0) return;
  const count = h.runCount[id]!;
  if (gone < count) {
    const i = enters(h, w, id);
    const end = leaves(h, w, id);
    let after = RUN_BASE - id;
    if (i > 0) after = keepPart(h, id, after, 0, i, 1);
    if (gone < end - i) {
      const at = s.at[orderOf(h, id)]!;
      const c = runComb(h, w, id);
      const to = lastBit(c) >>> 5;
      fillComb(s.comb, c.start, c.count, c.step, 1);
      for (let j = c.start >>> 5; j <= to; j++) s.comb[j] = s.comb[j]! & ~s.before[at + j]!;
      const kept = combsOf(s.comb, c.start, lastBit(c) + 1, s.spare, h.runStride[id]! < 0);
      const near = bitOf(h, w, id, i);
      for (const k of kept) {
        const first = Math.abs((h.runStride[id]! < 0 ? lastBit(k) : k.start) - near) / c.step;
        after = keepPart(h, id, after, i + first, k.count, k.step / c.step);
      }
    }
    if (end < count) keepPart(h, id, after, end, count - end, 1);
  }
  dropRun(h, id);
}

/** The set bits in [from, to) as combs one after the other, upwards or downwards. */
function combsOf(words: Int32Array, from: number, to: number, spare: Int32Array, down: boolean): Comb[] {
  const all: Comb[] = [];
  for (let at = from; ; ) {
    const c: Comb = { start: 0, count: 0, step: 1 };
    if (!nextComb(words, at, to, spare, c)) break;
    all.push(c);
    at = lastBit(c) + 1;
  }
  return down ? all.reverse() : all;
}

/** Makes every `gap`-th block of the run, from number `start` on, a run behind node `after`; returns its node. */
function keepPart(h: Heap, id: number, after: number, start: number, n: number, gap: number): number {
  const first = h.runFirst[id]! + start * h.runStride[id]!;
  const part = newRun(h, first, n, gap * h.runStride[id]!, h.runSize[id]!, h.runKind[id]!, h.runVal[id]!);
  const list = h.runList[id]!;
  h.runList[part] = list;
  linkAfter(h, list, after, RUN_BASE - part);
  return RUN_BASE - part;
}

/** Queues the blocks of one order in the order of time, equal ones at equal distances as one run. */
function queueLevel(h: Heap, s: BulkScratch, w: Window, order: number, uniform: boolean): void {
  const size = 2 ** order;
  const at = s.at[order]!;
  const words = s.freed.subarray(at, at + wordsOf(w, order));
  const list = freeListId(h.spanNode[spanOf(h, w.low)]!, zoneOf(w.low), order);
  const sign = w.down ? -1 : 1;
  for (const c of combsOf(words, 0, words.length * 32, s.spare, w.down)) {
    const first = (w.down ? lastBit(c) : c.start) * size;
    const stride = sign * c.step * size;
    if (uniform) {
      queueRun(h, list, w.base + first, c.count, c.count === 1 ? size : stride, size, w.fd, w.dirty);
      continue;
    }
    for (let i = 0; i < c.count; ) {
      const fd = firstBit(s.firstDirty, first + i * stride, size);
      const dirty = kindIn(s, first + i * stride, size, fd);
      let n = 1;
      while (i + n < c.count && isSoDirty(s, first + (i + n) * stride, size, fd, dirty)) n++;
      queueRun(h, list, w.base + first + i * stride, n, n === 1 ? size : stride, size, fd, dirty);
      i += n;
    }
  }
}

const isSoDirty = (s: BulkScratch, offset: number, size: number, fd: number, dirty: number): boolean =>
  firstBit(s.firstDirty, offset, size) === fd && kindIn(s, offset, size, fd) === dirty;

/** Where dirt differs: notes first_dirty and the flags of all that merges, by page. */
function markDirty(h: Heap, s: BulkScratch, w: Window, ids: readonly number[]): void {
  const words = Math.ceil(2 ** w.top / 32);
  s.firstDirty.fill(0, 0, words);
  s.notFull.fill(0, 0, words);
  const size = 2 ** w.order;
  for (let i = 0; i < w.count; i++)
    for (let k = 0; k < w.width; k += size) noteDirt(h, s, w, w.low + i * w.apart + k, size, w.fd, w.dirty);
  for (const id of ids) {
    const at = s.at[orderOf(h, id)]!;
    const end = leaves(h, w, id);
    for (let i = enters(h, w, id); i < end; i++) {
      if (!hasBit(s.before, at, bitOf(h, w, id, i))) continue;
      const mfn = h.runFirst[id]! + i * h.runStride[id]!;
      noteDirt(h, s, w, mfn, h.runSize[id]!, h.runVal[id]!, h.runKind[id]! >>> 3);
    }
  }
}

function noteDirt(
  h: Heap,
  s: BulkScratch,
  w: Window,
  mfn: number,
  size: number,
  fd: number,
  dirty: number,
): void {
  const offset = mfn - w.base;
  if (fd !== -1) setBit(s.firstDirty, 0, offset + fd);
  if (dirty !== FULL) setBit(s.notFull, 0, offset);
  if (dirty !== MIXED) fillDirty(h, mfn, size, dirty === FULL);
}

/** The first set bit of `n` from `offset` on, as a distance; -1: none. `n` is a power of two, `offset` a multiple of it. */
function firstBit(words: Int32Array, offset: number, n: number): number {
  if (n < 32) {
    const bits = (words[offset >>> 5]! >>> (offset & 31)) & ((1 << n) - 1);
    return bits === 0 ? -1 : 31 - Math.clz32(bits & -bits);
  }
  for (let i = 0; i < n / 32; i++) {
    const bits = words[offset / 32 + i]!;
    if (bits !== 0) return i * 32 + 31 - Math.clz32(bits & -bits);
  }
  return -1;
}

const kindIn = (s: BulkScratch, offset: number, size: number, fd: number): number =>
  fd === -1 ? CLEAN : firstBit(s.notFull, offset, size) === -1 ? FULL : MIXED;
