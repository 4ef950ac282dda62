/**
 * Whether some page is in two places.
 *
 * No run and no region crosses a chunk's bounds, so a chunk is looked at by itself. Where few blocks are in it they are
 * sorted; where there are many, or pages that are kept one by one, each page has a bit, set by whatever holds it.
 */
import { BULK_WORDS, CHUNK, chunkOf, type Heap, KIND_FREE, OFFLINED, REGION } from './heap-state.ts';
import { metaKind, metaOrder, regionsByChunk } from './page-region.ts';
import { runHigh, runLow } from './page-run.ts';

/** More blocks than these cost more to sort than a bit for each page of a chunk. */
const MOST_SORTED = 512;

/** The pages of one chunk. */
interface Marks {
  readonly start: number;
  readonly bits: Int32Array;
  readonly wrong: string[];
}

/** Says of which page it is not so that it is in one place at most, and in none if it is offlined. */
export function checkOverlap(h: Heap, wrong: string[]): void {
  const bits = new Int32Array(BULK_WORDS);
  const regions = regionsByChunk(h);
  for (let chunk = 0; chunk < h.chunkHead.length; chunk++) {
    if (regions[chunk] === undefined && h.inFlight.length === 0 && h.special.size === 0) {
      const blocks = blocksOf(h, chunk);
      if (blocks <= 1) continue;
      if (blocks <= MOST_SORTED) {
        checkSorted(h, chunk, blocks, wrong);
        continue;
      }
    }
    const marks = { start: chunk * CHUNK, bits, wrong };
    bits.fill(0);
    for (let id = h.chunkHead[chunk]!; id >= 0; id = h.runChunkNext[id]!) markRun(h, marks, id);
    for (const region of regions[chunk] ?? []) markRegion(h, marks, region);
    for (const { mfn, order, isAssigned } of h.inFlight)
      if (!isAssigned && chunkOf(mfn) === chunk) markPages(marks, mfn, 2 ** order);
    for (const [mfn, flags] of h.special)
      if (flags & OFFLINED && chunkOf(mfn) === chunk && isMarked(marks, mfn))
        wrong.push(`page ${mfn} is offlined and in use`);
  }
}

/** Whether the blocks of a run touch each other, in whichever order they come. */
const hasNoGaps = (h: Heap, id: number): boolean =>
  h.runCount[id] === 1 || Math.abs(h.runStride[id]!) === Math.abs(h.runSize[id]!);

/** The blocks in a chunk; what has no gaps is one. */
function blocksOf(h: Heap, chunk: number): number {
  let blocks = 0;
  for (let id = h.chunkHead[chunk]!; id >= 0; id = h.runChunkNext[id]!)
    blocks += hasNoGaps(h, id) ? 1 : h.runCount[id]!;
  return blocks;
}

function checkSorted(h: Heap, chunk: number, blocks: number, wrong: string[]): void {
  const from = new Float64Array(blocks);
  const to = new Float64Array(blocks);
  let n = 0;
  for (let id = h.chunkHead[chunk]!; id >= 0; id = h.runChunkNext[id]!) {
    const low = runLow(h, id);
    const count = hasNoGaps(h, id) ? 1 : h.runCount[id]!;
    const stride = Math.abs(h.runStride[id]!);
    const pages = count === 1 ? runHigh(h, id) - low : Math.abs(h.runSize[id]!);
    for (let i = 0; i < count; i++) {
      from[n] = low + i * stride;
      to[n++] = low + i * stride + pages;
    }
  }
  from.sort();
  to.sort();
  // Blocks that do not overlap begin as often as others have ended: the n-th to begin does so where n - 1 are over.
  for (let i = 1; i < blocks; i++) if (from[i]! < to[i - 1]!) wrong.push(`page ${from[i]} is in two places`);
}

function markRun(h: Heap, marks: Marks, id: number): void {
  if (hasNoGaps(h, id)) {
    markPages(marks, runLow(h, id), runHigh(h, id) - runLow(h, id));
    return;
  }
  const size = h.runSize[id]!;
  const first = h.runFirst[id]! + (size < 0 ? size + 1 : 0);
  const count = h.runCount[id]!;
  const stride = h.runStride[id]!;
  if (size === 1 || size === -1) for (let i = 0; i < count; i++) markPage(marks, first + i * stride);
  else for (let i = 0; i < count; i++) markPages(marks, first + i * stride, size < 0 ? -size : size);
}

function markRegion(h: Heap, marks: Marks, region: number): void {
  const first = h.regionMfn[region]!;
  for (let i = 0; i < REGION; i++) {
    const meta = h.pgMeta[region * REGION + i]!;
    if (meta === 0) continue;
    if (metaKind(meta) === KIND_FREE) markPages(marks, first + i, 2 ** metaOrder(meta));
    else markPage(marks, first + i);
  }
}

/** As markPages(), of one page. */
function markPage({ start, bits, wrong }: Marks, mfn: number): void {
  const at = mfn - start;
  const word = bits[at >>> 5]!;
  const bit = 1 << (at & 31);
  if ((word & bit) !== 0) wrong.push(`page ${mfn} is in two places`);
  bits[at >>> 5] = word | bit;
}

/** Sets the bits of pages, and says which of them was set already: the first one. */
function markPages(marks: Marks, mfn: number, pages: number): void {
  const { start, bits, wrong } = marks;
  const at = mfn - start;
  const end = at + pages;
  // Most pages fill words of their own.
  const firstWhole = Math.ceil(at / 32);
  const lastWhole = Math.floor(end / 32);
  const upto = firstWhole < lastWhole ? firstWhole * 32 : end;
  let twice = markSome(bits, at, upto);
  if (firstWhole < lastWhole) {
    let seen = 0;
    for (let word = firstWhole; word < lastWhole; word++) seen |= bits[word]!;
    if (twice < 0 && seen !== 0) twice = firstMarked(bits, firstWhole);
    bits.fill(-1, firstWhole, lastWhole);
    const after = markSome(bits, lastWhole * 32, end);
    if (twice < 0) twice = after;
  }
  if (twice >= 0) wrong.push(`page ${start + twice} is in two places`);
}

/** Sets bits [from, end), less than two words of them. Returns the first that was set already, or -1. */
function markSome(bits: Int32Array, from: number, end: number): number {
  let twice = -1;
  for (let at = from; at < end; ) {
    const low = at & 31;
    const upto = Math.min(32, low + end - at);
    const mask = (upto === 32 ? -1 : (1 << upto) - 1) & ~((1 << low) - 1);
    const both = bits[at >>> 5]! & mask;
    if (both !== 0 && twice < 0) twice = at - low + 31 - Math.clz32(both & -both);
    bits[at >>> 5] = bits[at >>> 5]! | mask;
    at += upto - low;
  }
  return twice;
}

/** The first bit that is set, from a word on. */
function firstMarked(bits: Int32Array, from: number): number {
  let word = from;
  while (bits[word] === 0) word++;
  const set = bits[word]!;
  return word * 32 + 31 - Math.clz32(set & -set);
}

const isMarked = ({ start, bits }: Marks, mfn: number): boolean =>
  ((bits[(mfn - start) >>> 5]! >>> ((mfn - start) & 31)) & 1) === 1;
