/**
 * Regions kept page by page: where memory is too irregular for runs, 4096 frames get Xen's own form, one entry with
 * two links a page (struct page_info), 12 bytes each. A region goes back to runs when it is one free buddy again.
 */
import { ASSERT } from './bug.ts';
import {
  CHUNK,
  chunkOf,
  type Heap,
  KIND_FREE,
  KIND_POD,
  NIL,
  REGION,
  REGION_ORDER,
  RUN_BASE,
} from './heap-state.ts';
import {
  noteChunk,
  noteChunkRegion,
  noteFreshRegion,
  noteList,
  noteLoose,
  notePage,
  notePages,
  noteRegionMfn,
  noteSpareRegion,
} from './heap-undo.ts';
import { linkAfter, linkHead, linkTail, prevOf, setPrev, unlinkNode } from './page-list.ts';
import { dropRun, runHigh, runLow, splitAtAddress } from './page-run.ts';

const PER_CHUNK = CHUNK / REGION;
/** So many runs make a chunk crowded. */
export const CROWD = 40;
/** So many runs make a region worth it, those aside that hold so many pages that entries of them would cost more. */
const WORTH = 8;
const WIDE = REGION / WORTH;

/** Slot of a frame whose region is kept page by page, or -1. */
export function slotOf(h: Heap, mfn: number): number {
  const regions = h.chunkRegions[chunkOf(mfn)];
  if (!regions) return -1;
  const offset = mfn % CHUNK;
  const region = regions[offset >>> REGION_ORDER]!;
  return region < 0 ? -1 : region * REGION + (offset & (REGION - 1));
}

/** The frame of a page slot. */
export const slotMfn = (h: Heap, slot: number): number =>
  h.regionMfn[slot >>> REGION_ORDER]! + (slot & (REGION - 1));

export const metaKind = (meta: number): number => meta & 7;
export const metaOrder = (meta: number): number => (meta >>> 3) & 15;
export const metaFd = (meta: number): number => ((meta >>> 8) & 0x1fff) - 1;
export const metaDirty = (meta: number): number => (meta >>> 21) & 3;
export const metaOwner = (meta: number): number => (meta >>> 8) & 0xffff;
export const freeMeta = (order: number, fd: number, dirty: number): number =>
  KIND_FREE | (order << 3) | ((fd + 1) << 8) | (dirty << 21);
export const ownedMeta = (kind: number, domid: number): number => kind | (domid << 8);

/** Changes a page's entry. */
export const setMeta = (h: Heap, slot: number, meta: number): void => {
  notePage(h, slot);
  if (metaKind(meta) >= KIND_POD || metaKind(h.pgMeta[slot]!) >= KIND_POD) noteLoose(h, slotMfn(h, slot));
  h.pgMeta[slot] = meta;
};

/** Meta of one page of a run with these columns. */
const metaOfRun = (size: number, kind: number, val: number): number =>
  (kind & 7) === KIND_FREE ? freeMeta(31 - Math.clz32(size), val, kind >>> 3) : ownedMeta(kind, val);

/** true if a region within the frames `lo … hi - 1` (of one chunk) is kept page by page. */
export function hasRegion(h: Heap, lo: number, hi: number): boolean {
  const regions = h.chunkRegions[chunkOf(lo)];
  if (!regions) return false;
  const last = Math.floor(((hi - 1) % CHUNK) / REGION);
  for (let i = Math.floor((lo % CHUNK) / REGION); i <= last; i++) if (regions[i]! >= 0) return true;
  return false;
}

/**
 * How many of the blocks `first + i * stride` of `size` pages (of one chunk, the first ones their lowest pages) touch a
 * region kept page by page, from the first on; negative: so many do not.
 */
export function blocksAlike(h: Heap, first: number, count: number, stride: number, size: number): number {
  const regions = h.chunkRegions[chunkOf(first)];
  if (!regions) return -count;
  let n = 0;
  while (n < count && hasRegion(h, first + n * stride, first + n * stride + size)) n++;
  if (n > 0 || count === 1) return n > 0 ? n : -1;
  // The next such region on the way bounds the blocks that touch none.
  const step = stride > 0 ? 1 : -1;
  const start = first - (first % CHUNK);
  let at = Math.floor(((stride > 0 ? first + size - 1 : first) - start) / REGION);
  while (at >= 0 && at < PER_CHUNK && regions[at]! < 0) at += step;
  const room = stride > 0 ? start + at * REGION - (first + size) : first - (start + (at + 1) * REGION);
  return -Math.min(count, Math.floor(room / Math.abs(stride)) + 1);
}

/** Turns crowded chunks' densest regions into pages. Call it where no run id is held. */
export function relieve(h: Heap): void {
  while (h.crowded.length > 0) {
    const chunk = h.crowded.pop()!;
    if (h.chunkCount[chunk]! < h.chunkCrowd[chunk]!) continue;
    const region = densest(h, chunk);
    if (region < 0) {
      noteChunk(h, chunk);
      h.chunkCrowd[chunk] = h.chunkCrowd[chunk]! * 2;
      continue;
    }
    toPages(h, chunk, region);
    if (h.chunkCount[chunk]! >= h.chunkCrowd[chunk]!) h.crowded.push(chunk);
  }
}

function densest(h: Heap, chunk: number): number {
  const tally = new Uint16Array(PER_CHUNK);
  for (let id = h.chunkHead[chunk]!; id >= 0; id = h.runChunkNext[id]!) {
    if (h.runCount[id]! * Math.abs(h.runSize[id]!) >= WIDE) continue;
    const region = Math.floor((runLow(h, id) % CHUNK) / REGION);
    tally[region] = tally[region]! + 1;
  }
  let best = -1;
  for (let i = 0; i < PER_CHUNK; i++)
    if (tally[i]! >= WORTH && (best < 0 || tally[i]! > tally[best]!)) best = i;
  return best;
}

function newRegion(h: Heap, mfn: number): number {
  const spare = h.regionSpare.pop();
  const region = spare ?? h.regionMfn.length;
  if (spare !== undefined) {
    noteSpareRegion(h, spare, true);
    noteRegionMfn(h, spare);
  }
  h.regionMfn[region] = mfn;
  const need = h.regionMfn.length * REGION;
  if (need > h.pgMeta.length) {
    // Exact while small, by a quarter when large: 15 bytes a page at most, 12 on a small host.
    const size = Math.max(need, Math.floor((h.pgMeta.length * 1.25) / REGION) * REGION);
    h.pgNext = widened(h.pgNext, size);
    h.pgPrev = widened(h.pgPrev, size);
    h.pgMeta = widened(h.pgMeta, size);
  }
  // A region given up has nothing in it.
  if (spare !== undefined) return region;
  noteFreshRegion(h, region);
  h.pgMeta.fill(0, region * REGION, (region + 1) * REGION);
  return region;
}
const widened = (old: Int32Array, size: number): Int32Array => {
  const wide = new Int32Array(size);
  wide.set(old);
  return wide;
};

/** Gives every run's part inside the region a page entry, at the same place of its list. */
function toPages(h: Heap, chunk: number, index: number): void {
  const lo = chunk * CHUNK + index * REGION;
  const hi = lo + REGION;
  const ids: number[] = [];
  for (const edge of [lo, hi]) {
    ids.length = 0;
    for (let id = h.chunkHead[chunk]!; id >= 0; id = h.runChunkNext[id]!)
      if (runLow(h, id) < edge && runHigh(h, id) > edge) ids.push(id);
    for (const id of ids) splitAtAddress(h, id, edge);
  }
  ids.length = 0;
  for (let id = h.chunkHead[chunk]!; id >= 0; id = h.runChunkNext[id]!)
    if (runLow(h, id) >= lo && runHigh(h, id) <= hi) ids.push(id);
  const region = newRegion(h, lo);
  let regions = h.chunkRegions[chunk];
  if (!regions) {
    noteChunkRegion(h, chunk, -1);
    regions = new Int32Array(PER_CHUNK).fill(-1);
    h.chunkRegions[chunk] = regions;
  }
  noteChunkRegion(h, chunk, index);
  regions[index] = region;
  for (const id of ids) runToPages(h, id, region * REGION - lo);
}

function runToPages(h: Heap, id: number, shift: number): void {
  const list = h.runList[id]!;
  const first = h.runFirst[id]!;
  const count = h.runCount[id]!;
  const stride = h.runStride[id]!;
  const size = h.runSize[id]!;
  const kind = h.runKind[id]!;
  const free = (kind & 7) === KIND_FREE;
  const meta = metaOfRun(size, kind, h.runVal[id]!);
  const inner = free ? 1 : Math.abs(size);
  const step = size < 0 ? -1 : 1;
  let after = list >= 0 ? prevOf(h, RUN_BASE - id) : NIL;
  dropRun(h, id);
  for (let i = 0; i < count; i++)
    for (let j = 0; j < inner; j++) {
      const slot = first + i * stride + j * step + shift;
      setMeta(h, slot, meta);
      if (list < 0) continue;
      if (after === NIL) linkHead(h, list, slot);
      else linkAfter(h, list, after, slot);
      after = slot;
    }
}

/** Forgets regions inside the block: it is one free buddy, or about to be freed whole with nothing listed in it. */
export function releaseRegions(h: Heap, mfn: number, pages: number): void {
  const chunk = chunkOf(mfn);
  const regions = h.chunkRegions[chunk];
  if (!regions) return;
  const from = Math.floor((mfn % CHUNK) / REGION);
  for (let i = from; i < from + pages / REGION; i++) {
    const region = regions[i]!;
    if (region < 0) continue;
    noteChunkRegion(h, chunk, i);
    regions[i] = -1;
    noteRegionMfn(h, region);
    h.regionMfn[region] = -1;
    h.regionSpare.push(region);
    noteSpareRegion(h, region, false);
  }
}

/** Takes a page entry out of its list and forgets it. */
export function dropSlot(h: Heap, slot: number, list: number): void {
  ASSERT(h.pgMeta[slot] !== 0, 'a page entry in use is dropped');
  if (list >= 0) unlinkNode(h, list, slot);
  setMeta(h, slot, 0);
}

/**
 * Appends `n` neighbouring page entries of one region to a domain's list (NIL: to none), from `slot` on upwards, or
 * downwards: equal to setMeta() and linkTail() of one after the other.
 */
export function appendSlots(
  h: Heap,
  list: number,
  slot: number,
  n: number,
  down: boolean,
  meta: number,
): void {
  const step = down ? -1 : 1;
  const last = slot + (n - 1) * step;
  notePages(h, Math.min(slot, last), Math.max(slot, last) + 1);
  h.pgMeta.fill(meta, Math.min(slot, last), Math.max(slot, last) + 1);
  if (list < 0) {
    noteLoose(h, slotMfn(h, slot));
    return;
  }
  linkTail(h, list, slot);
  if (n === 1) return;
  const { pgNext, pgPrev } = h;
  for (let at = slot; at !== last; at += step) {
    pgNext[at] = at + step;
    pgPrev[at + step] = at;
  }
  pgNext[last] = NIL;
  h.listTail[list] = last;
}

/**
 * How many page entries, from the list's first on and at most `limit`, are neighbours in one region, upwards or
 * downwards: negative if downwards.
 */
export function headSlots(h: Heap, list: number, limit: number): number {
  const first = h.listHead[list]!;
  const { pgNext } = h;
  const step = pgNext[first] === first - 1 ? -1 : 1;
  const region = first >>> REGION_ORDER;
  let n = 1;
  for (let at = first; n < limit && pgNext[at] === at + step && (at + step) >>> REGION_ORDER === region; n++)
    at += step;
  return n * step;
}

/** Takes the `n` entries that headSlots() told off a domain's list, and forgets them. */
export function dropHeadSlots(h: Heap, list: number, n: number): void {
  const first = h.listHead[list]!;
  const last = n < 0 ? first + n + 1 : first + n - 1;
  const next = h.pgNext[last]!;
  notePages(h, Math.min(first, last), Math.max(first, last) + 1);
  noteList(h, list);
  h.listHead[list] = next;
  if (next === NIL) h.listTail[list] = NIL;
  else setPrev(h, next, NIL);
  h.pgMeta.fill(0, Math.min(first, last), Math.max(first, last) + 1);
}

/** By chunk: the regions in it, as indices of `regionMfn`; undefined: none. */
export function regionsByChunk(h: Heap): (number[] | undefined)[] {
  const regions: number[][] = [];
  h.regionMfn.forEach((first, region) => {
    if (first < 0) return;
    regions[chunkOf(first)] ??= [];
    regions[chunkOf(first)]!.push(region);
  });
  return regions;
}
