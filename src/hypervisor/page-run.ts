/**
 * Runs: `count` equal blocks at a constant stride, in list order, within one chunk.
 *
 * A block is |size| pages; a negative size means that the block's pages are in descending order and `first` is its
 * highest page. Free blocks are buddies (positive power of two). A run of one has stride = size.
 */
import { ASSERT } from './bug.ts';
import { chunkOf, type Heap, KIND_FREE, KIND_POD, NIL, RUN_BASE } from './heap-state.ts';
import { noteBlocks, noteChunk, noteFreshRun, noteLoose, noteRun } from './heap-undo.ts';
import { linkAfter, unlinkNode } from './page-list.ts';

/** Two single blocks so many of their sizes apart may be the start of a comb: as many builders take turns. */
const NEAR = 64;

const grown = (old: Int32Array, size: number): Int32Array => {
  const wide = new Int32Array(size);
  wide.set(old);
  return wide;
};

function growRuns(h: Heap): void {
  const size = Math.ceil(h.runFirst.length * 1.5) + 64;
  const first = new Uint32Array(size);
  first.set(h.runFirst);
  h.runFirst = first;
  h.runCount = grown(h.runCount, size);
  h.runStride = grown(h.runStride, size);
  h.runSize = grown(h.runSize, size);
  h.runVal = grown(h.runVal, size);
  h.runKind = grown(h.runKind, size);
  h.runList = grown(h.runList, size);
  h.runNext = grown(h.runNext, size);
  h.runPrev = grown(h.runPrev, size);
  h.runChunkNext = grown(h.runChunkNext, size);
  h.runChunkPrev = grown(h.runChunkPrev, size);
}

/**
 * Makes a run and enters it into its chunk; it is on no list yet.
 * `val` is firstDirty of free blocks and the domid of owned ones; `kind` is KIND_* + 8 * (CLEAN | FULL | MIXED).
 */
export function newRun(
  h: Heap,
  first: number,
  count: number,
  stride: number,
  size: number,
  kind: number,
  val: number,
): number {
  let id = h.runSpare;
  if (id >= 0) {
    h.runSpare = h.runNext[id]!;
    noteRun(h, id);
  } else {
    if (h.runLimit === h.runFirst.length) growRuns(h);
    id = h.runLimit++;
    noteFreshRun(h, id);
  }
  if ((kind & 7) >= KIND_POD) noteLoose(h, first);
  h.runFirst[id] = first;
  h.runCount[id] = count;
  h.runStride[id] = count === 1 ? size : stride;
  h.runSize[id] = size;
  h.runKind[id] = kind;
  h.runVal[id] = val;
  h.runList[id] = NIL;
  const chunk = chunkOf(first);
  const head = h.chunkHead[chunk]!;
  noteChunk(h, chunk);
  h.runChunkNext[id] = head;
  h.runChunkPrev[id] = NIL;
  if (head >= 0) {
    noteRun(h, head);
    h.runChunkPrev[head] = id;
  }
  h.chunkHead[chunk] = id;
  const n = h.chunkCount[chunk]! + 1;
  h.chunkCount[chunk] = n;
  if (n === h.chunkCrowd[chunk]!) h.crowded.push(chunk);
  return id;
}

/** Takes a run out of its list and its chunk. */
export function dropRun(h: Heap, id: number): void {
  const list = h.runList[id]!;
  if (list >= 0) unlinkNode(h, list, RUN_BASE - id);
  else noteLoose(h, h.runFirst[id]!);
  const chunk = chunkOf(h.runFirst[id]!);
  const next = h.runChunkNext[id]!;
  const prev = h.runChunkPrev[id]!;
  noteRun(h, id);
  noteChunk(h, chunk);
  if (prev >= 0) {
    noteRun(h, prev);
    h.runChunkNext[prev] = next;
  } else h.chunkHead[chunk] = next;
  if (next >= 0) {
    noteRun(h, next);
    h.runChunkPrev[next] = prev;
  }
  h.chunkCount[chunk] = h.chunkCount[chunk]! - 1;
  h.runKind[id] = 0;
  h.runNext[id] = h.runSpare;
  h.runSpare = id;
}

/** Lowest page of the run's block `i`. */
export const blockBase = (h: Heap, id: number, i: number): number => {
  const size = h.runSize[id]!;
  return h.runFirst[id]! + i * h.runStride[id]! + (size < 0 ? size + 1 : 0);
};

/** Lowest page of the run. */
export const runLow = (h: Heap, id: number): number =>
  blockBase(h, id, h.runStride[id]! < 0 ? h.runCount[id]! - 1 : 0);
/** One past the highest page of the run. */
export const runHigh = (h: Heap, id: number): number =>
  blockBase(h, id, h.runStride[id]! < 0 ? 0 : h.runCount[id]! - 1) + Math.abs(h.runSize[id]!);

/** Index of the run's block that holds `mfn`, or -1. */
export function blockIndex(h: Heap, id: number, mfn: number): number {
  const size = h.runSize[id]!;
  const width = size < 0 ? -size : size;
  const offset = mfn - h.runFirst[id]! - (size < 0 ? size + 1 : 0);
  const stride = h.runStride[id]!;
  const count = h.runCount[id]!;
  if (stride > 0) {
    if (offset < 0 || offset >= (count - 1) * stride + width) return -1;
    return offset % stride < width ? Math.floor(offset / stride) : -1;
  }
  if (offset >= width || offset < (count - 1) * stride) return -1;
  const i = -Math.floor(offset / -stride);
  return offset - i * stride < width ? i : -1;
}

/** The run that holds `mfn`, or -1. Knows nothing of regions kept page by page. */
export function runAt(h: Heap, mfn: number): number {
  for (let id = h.chunkHead[chunkOf(mfn)]!; id >= 0; id = h.runChunkNext[id]!)
    if (blockIndex(h, id, mfn) >= 0) return id;
  return -1;
}

/** The run of free buddies of exactly this size of which one starts at `mfn`, or -1. */
export function freeRunAt(h: Heap, mfn: number, size: number): number {
  for (let id = h.chunkHead[chunkOf(mfn)]!; id >= 0; id = h.runChunkNext[id]!) {
    if (h.runSize[id] === size && (h.runKind[id]! & 7) === KIND_FREE && beginsAt(h, id, mfn)) return id;
  }
  return -1;
}

/**
 * The same where the free list is known that it would be on. That list and the chunk's runs are gone through side by side:
 * it takes as long as the shorter of them.
 */
export function freeRunOn(h: Heap, list: number, mfn: number, size: number): number {
  let node = h.listHead[list]!;
  for (let id = h.chunkHead[chunkOf(mfn)]!; id >= 0 && node !== NIL; id = h.runChunkNext[id]!) {
    if (h.runSize[id] === size && (h.runKind[id]! & 7) === KIND_FREE && beginsAt(h, id, mfn)) return id;
    if (node >= 0) node = h.pgNext[node]!;
    else {
      const run = RUN_BASE - node;
      if (beginsAt(h, run, mfn)) return run;
      node = h.runNext[run]!;
    }
  }
  return -1;
}

/** Whether one of the run's blocks, which are free buddies, is the one at `mfn`. */
function beginsAt(h: Heap, id: number, mfn: number): boolean {
  const offset = mfn - h.runFirst[id]!;
  if (offset === 0) return true;
  const i = offset / h.runStride[id]!;
  return i > 0 && i < h.runCount[id]! && Number.isInteger(i);
}

/** Cuts the run before block `k`; the rest becomes a run right behind it in the list. */
export function splitRun(h: Heap, id: number, k: number): number {
  const count = h.runCount[id]!;
  ASSERT(k > 0 && k < count, 'a run is cut inside');
  const stride = h.runStride[id]!;
  const size = h.runSize[id]!;
  const first = h.runFirst[id]! + k * stride;
  const rest = newRun(h, first, count - k, stride, size, h.runKind[id]!, h.runVal[id]!);
  noteRun(h, id);
  h.runCount[id] = k;
  if (k === 1) h.runStride[id] = size;
  const list = h.runList[id]!;
  if (list >= 0) {
    h.runList[rest] = list;
    linkAfter(h, list, RUN_BASE - id, RUN_BASE - rest);
  }
  return rest;
}

/** Removes blocks `i … i + n - 1` from the run. */
export function takeFromRun(h: Heap, id: number, i: number, n: number): void {
  const count = h.runCount[id]!;
  ASSERT(i >= 0 && n > 0 && i + n <= count, 'blocks are taken from inside the run');
  if (n === count) {
    dropRun(h, id);
    return;
  }
  if (i > 0 && i + n < count) splitRun(h, id, i + n);
  const left = h.runCount[id]! - n;
  noteBlocks(h, id);
  if (i === 0) h.runFirst[id] = h.runFirst[id]! + n * h.runStride[id]!;
  h.runCount[id] = left;
  if (left === 1) h.runStride[id] = h.runSize[id]!;
}

/** Cuts so that no run of the list straddles `addr` where this one did. `addr` lies inside the run's bounds. */
export function splitAtAddress(h: Heap, id: number, addr: number): void {
  const stride = h.runStride[id]!;
  const width = Math.abs(h.runSize[id]!);
  const count = h.runCount[id]!;
  const base = blockBase(h, id, 0);
  let cut: number;
  let inner: number;
  if (stride > 0) {
    inner = Math.floor((addr - base - 1) / stride);
    cut = inner + 1;
  } else {
    cut = base >= addr ? Math.floor((base - addr) / -stride) + 1 : 0;
    inner = cut;
  }
  if (inner < 0 || inner >= count || addr >= base + inner * stride + width) {
    if (cut > 0 && cut < count) splitRun(h, id, cut);
    return;
  }
  const one = inner > 0 ? splitRun(h, id, inner) : id;
  if (h.runCount[one]! > 1) splitRun(h, one, 1);
  splitBlock(h, one, addr);
}

/** Cuts a run of one block in two at page `addr`. */
function splitBlock(h: Heap, id: number, addr: number): void {
  const size = h.runSize[id]!;
  const below = addr - blockBase(h, id, 0);
  const above = Math.abs(size) - below;
  const keep = size > 0 ? below : -above;
  const give = size > 0 ? above : -below;
  noteBlocks(h, id);
  h.runSize[id] = keep;
  h.runStride[id] = keep;
  const first = size > 0 ? addr : addr - 1;
  const rest = newRun(h, first, 1, give, give, h.runKind[id]!, h.runVal[id]!);
  const list = h.runList[id]!;
  if (list < 0) return;
  h.runList[rest] = list;
  linkAfter(h, list, RUN_BASE - id, RUN_BASE - rest);
}

/** Joins a run of equal blocks to the front of `list`'s first run if together they are one run. */
export function joinHead(
  h: Heap,
  list: number,
  first: number,
  count: number,
  stride: number,
  size: number,
  kind: number,
  val: number,
): boolean {
  const node = h.listHead[list]!;
  if (node >= NIL) return false;
  const id = RUN_BASE - node;
  if (h.runSize[id] !== size || h.runKind[id] !== kind || h.runVal[id] !== val) return false;
  const head = h.runFirst[id]!;
  if (chunkOf(head) !== chunkOf(first)) return false;
  const step = head - (first + (count - 1) * stride);
  if (!joins(step, size, count, stride, h.runCount[id]!, h.runStride[id]!)) return false;
  noteBlocks(h, id);
  h.runFirst[id] = first;
  h.runCount[id] = h.runCount[id]! + count;
  h.runStride[id] = step;
  return true;
}

/** Joins a run of equal blocks to the end of `list`'s last run if together they are one run. */
export function joinTail(
  h: Heap,
  list: number,
  first: number,
  count: number,
  stride: number,
  size: number,
  kind: number,
  val: number,
): boolean {
  const node = h.listTail[list]!;
  if (node >= NIL) return false;
  const id = RUN_BASE - node;
  if (h.runSize[id] !== size || h.runKind[id] !== kind || h.runVal[id] !== val) return false;
  const start = h.runFirst[id]!;
  if (chunkOf(start) !== chunkOf(first)) return false;
  const have = h.runCount[id]!;
  const step = first - (start + (have - 1) * h.runStride[id]!);
  if (!joins(step, size, count, stride, have, h.runStride[id]!)) return false;
  noteBlocks(h, id);
  h.runCount[id] = have + count;
  h.runStride[id] = step;
  return true;
}

function joins(step: number, size: number, n: number, s: number, m: number, t: number): boolean {
  if (n > 1 && s !== step) return false;
  if (m > 1 && t !== step) return false;
  const width = size < 0 ? -size : size;
  const apart = step < 0 ? -step : step;
  if (apart < width) return false;
  // Two single blocks join only at a short distance: a chance pair would spoil a later, longer run.
  return n > 1 || m > 1 || (apart <= NEAR * width && apart % width === 0);
}

/** true if the run's pages are one range of frames in one direction. */
export function isFlat(h: Heap, id: number): boolean {
  const stride = h.runStride[id]!;
  const size = h.runSize[id]!;
  return stride === size || ((stride === 1 || stride === -1) && (size === 1 || size === -1));
}
