/**
 * Which free pages still need scrubbing.
 *
 * Models PGC_need_scrub (one flag a page in Xen). A buddy whose flags are all equal carries them in its kind (CLEAN or
 * FULL); bitmaps exist only for chunks that hold MIXED buddies, and hold nothing of value outside those.
 */
import { ASSERT } from './bug.ts';
import { CHUNK, CLEAN, chunkOf, FULL, type Heap, MIXED } from './heap-state.ts';
import { noteBits } from './heap-undo.ts';

const WORDS = CHUNK / 32;

function bitsOf(h: Heap, mfn: number): Uint32Array {
  const chunk = chunkOf(mfn);
  let bits = h.dirtyBits[chunk];
  if (!bits) {
    bits = new Uint32Array(WORDS);
    h.dirtyBits[chunk] = bits;
  }
  return bits;
}

/** The bits of the chunk, of which those of `n` pages from `mfn` on are about to be written. */
function changingBits(h: Heap, mfn: number, n: number): Uint32Array {
  const bits = bitsOf(h, mfn);
  const at = mfn % CHUNK;
  if (h.undo !== null) noteBits(h, chunkOf(mfn), at >>> 5, (at + n + 31) >>> 5);
  return bits;
}

/** Sets the flags of `n` pages from `mfn` on to `dirty`. All lie in one chunk. */
export function fillDirty(h: Heap, mfn: number, n: number, dirty: boolean): void {
  const bits = changingBits(h, mfn, n);
  let at = mfn % CHUNK;
  const end = at + n;
  while (at < end) {
    const word = at >>> 5;
    const from = at & 31;
    if (from === 0 && end - at >= 32) {
      const words = (end - at) >>> 5;
      bits.fill(dirty ? 0xffffffff : 0, word, word + words);
      at += words * 32;
      continue;
    }
    const upto = Math.min(32, from + end - at);
    const mask = ((upto === 32 ? 0xffffffff : (1 << upto) - 1) & ~((1 << from) - 1)) >>> 0;
    bits[word] = dirty ? bits[word]! | mask : bits[word]! & ~mask;
    at += upto - from;
  }
}

/**
 * Sets the flags of `n` pages, alternately `half` pages to `lower` and `half` to `upper`: a comb that meets another.
 * `half` is at most 16, and `mfn` and `n` are multiples of two halves.
 */
export function fillAlternating(
  h: Heap,
  mfn: number,
  n: number,
  half: number,
  lower: boolean,
  upper: boolean,
): void {
  const bits = changingBits(h, mfn, n);
  let pattern = 0;
  for (let i = 0; i < 32; i++) if ((i & half) === 0 ? lower : upper) pattern |= 1 << i;
  let at = mfn % CHUNK;
  const end = at + n;
  while (at < end) {
    const word = at >>> 5;
    const from = at & 31;
    if (from === 0 && end - at >= 32) {
      const words = (end - at) >>> 5;
      bits.fill(pattern >>> 0, word, word + words);
      at += words * 32;
      continue;
    }
    const upto = Math.min(32, from + end - at);
    const mask = (upto === 32 ? -1 : (1 << upto) - 1) & ~((1 << from) - 1);
    bits[word] = (bits[word]! & ~mask) | (pattern & mask);
    at += upto - from;
  }
}

const popcount = (x: number): number => {
  let v = x - ((x >>> 1) & 0x55555555);
  v = (v & 0x33333333) + ((v >>> 2) & 0x33333333);
  return (((v + (v >>> 4)) & 0x0f0f0f0f) * 0x01010101) >>> 24;
};

/** Bits `from … upto - 1` of a word. */
const maskOf = (from: number, upto: number): number =>
  (upto === 32 ? -1 : (1 << upto) - 1) & ~((1 << from) - 1);

/** Number of set flags among `n` pages of MIXED blocks; where there are more than `enough`, at least as many as that. */
export function countDirty(h: Heap, mfn: number, n: number, enough: number = n): number {
  const bits = bitsOf(h, mfn);
  let at = mfn % CHUNK;
  const end = at + n;
  let sum = 0;
  while (at < end && sum <= enough) {
    const from = at & 31;
    const upto = Math.min(32, from + end - at);
    sum += popcount(bits[at >>> 5]! & maskOf(from, upto));
    at += upto - from;
  }
  return sum;
}

/** How many pages from `mfn` on end with the `k`-th dirty one of a MIXED block, which has as many. */
export function pagesUpToDirty(h: Heap, mfn: number, k: number): number {
  const bits = bitsOf(h, mfn);
  const base = mfn % CHUNK;
  let at = base - (base & 31);
  let word = bits[at >>> 5]! & maskOf(base & 31, 32);
  let left = k;
  for (let here = popcount(word); here < left; here = popcount(word)) {
    left -= here;
    at += 32;
    ASSERT(at < CHUNK, 'a block has the dirty pages that were counted in it');
    word = bits[at >>> 5]!;
  }
  for (; left > 1; left--) word &= word - 1;
  return at + 32 - Math.clz32(word & -word) - base;
}

/** Flag of one page of a MIXED block. */
export const isDirty = (h: Heap, mfn: number): boolean => {
  const at = mfn % CHUNK;
  return ((bitsOf(h, mfn)[at >>> 5]! >>> (at & 31)) & 1) === 1;
};

/**
 * Number of dirty pages among `n` from `mfn` on, in a block of the given kind; where there are more than `enough`, at
 * least as many as that.
 */
export const dirtyPages = (h: Heap, mfn: number, n: number, kind: number, enough: number = n): number =>
  kind === CLEAN ? 0 : kind === FULL ? n : countDirty(h, mfn, n, enough);

/** The first page in [at, end) whose flag is not the one all bits of `same` have; equal words are skipped whole. */
function nextChange(bits: Uint32Array, at: number, end: number, same: number): number {
  while (at < end) {
    const from = at & 31;
    const differing = (bits[at >>> 5]! ^ same) >>> from;
    if (differing !== 0) return Math.min(end, at + 31 - Math.clz32(differing & -differing));
    at += 32 - from;
  }
  return end;
}

/** Dirty pages of a block as `[start, end)` offsets, ascending. */
export function dirtyRanges(h: Heap, mfn: number, n: number, kind: number): [number, number][] {
  if (kind === CLEAN) return [];
  if (kind === FULL) return [[0, n]];
  const ranges: [number, number][] = [];
  const bits = bitsOf(h, mfn);
  const base = mfn % CHUNK;
  const end = base + n;
  let at = nextChange(bits, base, end, 0);
  while (at < end) {
    const stop = nextChange(bits, at, end, 0xffffffff);
    ranges.push([at - base, stop - base]);
    at = nextChange(bits, stop, end, 0);
  }
  return ranges;
}

/** Kind of the block made of two halves of `n` pages each, the lower at `mfn`; writes the bitmap where they differ. */
export function mergeDirty(h: Heap, mfn: number, n: number, lower: number, upper: number): number {
  if (lower === upper) return lower;
  if (lower !== MIXED) fillDirty(h, mfn, n, lower === FULL);
  if (upper !== MIXED) fillDirty(h, mfn + n, n, upper === FULL);
  return MIXED;
}
