/**
 * Sets of small numbers as bits, and the equal distances in them: what costs per word costs a 32nd of per number.
 *
 * Xen has no such thing: it looks at every page.
 */

/** Numbers `start + i * step`, i below `count`; step is positive. */
export interface Comb {
  start: number;
  count: number;
  step: number;
}

/** From so many equal distances on it pays to compare words. */
const WORTH_WORDS = 64;

/**
 * Makes the words from that of `bit` to that of the last bit those of `count` ranges of `width` bits every `step` bits.
 * Such words repeat after `step` of them.
 */
export function fillComb(words: Int32Array, bit: number, count: number, step: number, width: number): void {
  const last = bit + (count - 1) * step + width - 1;
  const from = bit >>> 5;
  const to = last >>> 5;
  words.fill(0, from, to + 1);
  // Enough to complete the words from + 1 … from + step.
  const direct = Math.min(count, Math.ceil(((from + step + 1) * 32 - bit) / step));
  for (let i = 0; i < direct; i++)
    for (let k = 0; k < width; k++) {
      const at = bit + i * step + k;
      words[at >>> 5] = words[at >>> 5]! | (1 << (at & 31));
    }
  if (direct === count) return;
  for (let j = from + step + 1; j <= to; j++) words[j] = words[j - step]!;
  const end = (last & 31) + 1;
  if (end < 32) words[to] = words[to]! & ((1 << end) - 1);
}

/** The first set bit in [from, to), or -1. */
function nextBit(words: Int32Array, from: number, to: number): number {
  if (from >= to) return -1;
  const end = (to + 31) >>> 5;
  let left = words[from >>> 5]! & (-1 << (from & 31));
  for (let j = from >>> 5; ; ) {
    if (left !== 0) {
      const bit = j * 32 + 31 - Math.clz32(left & -left);
      return bit < to ? bit : -1;
    }
    j++;
    if (j >= end) return -1;
    left = words[j]!;
  }
}

/** The first set bit in [from, to) and those that follow at the distance of the second; false if there is none. `spare` is scratch. */
export function nextComb(words: Int32Array, from: number, to: number, spare: Int32Array, out: Comb): boolean {
  const start = nextBit(words, from, to);
  if (start < 0) return false;
  out.start = start;
  out.count = 1;
  out.step = 1;
  let next = nextBit(words, start + 1, to);
  if (next < 0) return true;
  const step = next - start;
  let n = 1;
  let wordwise = true;
  while (next === start + n * step) {
    n++;
    if (wordwise && n >= WORTH_WORDS) {
      const sure = sameWords(words, start, n, step, to, spare);
      wordwise = sure >= 2 * n;
      n = Math.max(n, sure);
    }
    next = nextBit(words, start + (n - 1) * step + 1, to);
  }
  out.count = n;
  out.step = step;
  return true;
}

/** Of a comb known to have `n` bits, and tried for three times as many: how many it certainly has. */
function sameWords(
  words: Int32Array,
  start: number,
  n: number,
  step: number,
  to: number,
  spare: Int32Array,
): number {
  const first = start + (n - 1) * step;
  const tried = Math.min(2 * n, Math.floor((to - 1 - first) / step) + 1);
  fillComb(spare, first, tried, step, 1);
  const end = (first + (tried - 1) * step) >>> 5;
  let j = first >>> 5;
  if (((words[j]! ^ spare[j]!) & (-1 << (first & 31))) !== 0) return n;
  j++;
  while (j < end && words[j] === spare[j]) j++;
  return Math.min(n + tried - 1, Math.floor((j * 32 - 1 - start) / step) + 1);
}

/** Number of set bits among the words from `from` to `to`. */
export function countBits(words: Int32Array, from: number, to: number): number {
  let n = 0;
  for (let j = from; j <= to; j++) {
    let v = words[j]!;
    v -= (v >>> 1) & 0x55555555;
    v = (v & 0x33333333) + ((v >>> 2) & 0x33333333);
    n += Math.imul((v + (v >>> 4)) & 0x0f0f0f0f, 0x01010101) >>> 24;
  }
  return n;
}
