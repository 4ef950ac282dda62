/**
 * Pages that belong to somebody: appending to a domain's page_list and taking pages off it.
 *
 * Models the list side of assign_pages() and of put_page()'s way to free_domheap_pages(), xen/common/page_alloc.c.
 */
import { ASSERT } from './bug.ts';
import {
  chunkOf,
  type Heap,
  type HeapDomain,
  KIND_EXTRA,
  KIND_OWNED,
  REGION,
  RUN_BASE,
  spanOf,
} from './heap-state.ts';
import { noteBlocks } from './heap-undo.ts';
import { linkAfter, linkTail } from './page-list.ts';
import {
  appendSlots,
  blocksAlike,
  dropSlot,
  hasRegion,
  metaKind,
  metaOwner,
  ownedMeta,
  setMeta,
  slotOf,
} from './page-region.ts';
import {
  blockBase,
  blockIndex,
  dropRun,
  isFlat,
  joinTail,
  newRun,
  runAt,
  runHigh,
  runLow,
  splitAtAddress,
  splitRun,
  takeFromRun,
} from './page-run.ts';

/** List of a domain's pages of this kind on the node of `mfn`; -1: that kind is on no list. */
function ownerList(h: Heap, d: HeapDomain | null, kind: number, mfn: number): number {
  if (d === null || kind > KIND_EXTRA) return -1;
  const node = h.nodeIds.length === 1 ? 0 : h.spanNode[spanOf(h, mfn)]!;
  return kind === KIND_OWNED ? d.pageList[node]! : d.extraList[node]!;
}

/**
 * Appends `count` blocks of `size` pages to the owner's list, in order. All lie on one node and in one chunk.
 * d null: the Xen heap, which keeps no list.
 */
export function appendOwned(
  h: Heap,
  d: HeapDomain | null,
  kind: number,
  first: number,
  count: number,
  stride: number,
  size: number,
): void {
  const list = ownerList(h, d, kind, first);
  const val = d === null ? 0 : d.domid;
  if (h.chunkRegions[chunkOf(first)] === null) {
    appendRun(h, list, kind, val, first, count, stride, size);
    return;
  }
  const back = size < 0 ? -size - 1 : 0;
  for (let i = 0; i < count; ) {
    const from = first + i * stride;
    const alike = blocksAlike(h, from - back, count - i, stride, Math.abs(size));
    const end = i + Math.abs(alike);
    if (alike < 0) appendRun(h, list, kind, val, from, -alike, stride, size);
    else for (let k = i; k < end; k++) appendPages(h, list, kind, val, first + k * stride, size);
    i = end;
  }
}

function appendRun(
  h: Heap,
  list: number,
  kind: number,
  val: number,
  first: number,
  count: number,
  stride: number,
  size: number,
): void {
  if (list >= 0 && joinTail(h, list, first, count, stride, size, kind, val)) return;
  const id = newRun(h, first, count, stride, size, kind, val);
  if (list < 0) return;
  h.runList[id] = list;
  linkTail(h, list, RUN_BASE - id);
}

/** Appends a block that may touch regions kept page by page, region by region. */
function appendPages(h: Heap, list: number, kind: number, val: number, first: number, size: number): void {
  const down = size < 0;
  let at = first;
  for (let left = Math.abs(size); left > 0; ) {
    const within = at % REGION;
    const n = Math.min(left, down ? within + 1 : REGION - within);
    const slot = slotOf(h, at);
    if (slot >= 0) appendSlots(h, list, slot, n, down, ownedMeta(kind, val));
    else appendRun(h, list, kind, val, at, n, down ? -1 : 1, 1);
    at += down ? -n : n;
    left -= n;
  }
}

/** Appends one page to page_list. */
export function appendPage(h: Heap, d: HeapDomain, mfn: number): void {
  const list = ownerList(h, d, KIND_OWNED, mfn);
  const slot = slotOf(h, mfn);
  if (slot >= 0) {
    setMeta(h, slot, ownedMeta(KIND_OWNED, d.domid));
    linkTail(h, list, slot);
  } else appendRun(h, list, KIND_OWNED, d.domid, mfn, 1, 1, 1);
}

/** Takes one page with an entry of its own off page_list and returns its slot; -1, with nothing done, if it has none there. */
export function dropOwnedPage(h: Heap, d: HeapDomain, mfn: number): number {
  const slot = slotOf(h, mfn);
  if (slot < 0 || h.pgMeta[slot] !== ownedMeta(KIND_OWNED, d.domid)) return -1;
  dropSlot(h, slot, ownerList(h, d, KIND_OWNED, mfn));
  return slot;
}

/** Kind of the run or page entry that holds `mfn`; 0: none. */
export function kindAt(h: Heap, mfn: number): number {
  const slot = slotOf(h, mfn);
  if (slot >= 0) return metaKind(h.pgMeta[slot]!);
  const id = runAt(h, mfn);
  return id < 0 ? 0 : h.runKind[id]! & 7;
}

/** Takes pages from `mfn` on off their list while they are of this kind and owner, at most `n`; returns where it stopped. */
export function carveRange(h: Heap, d: HeapDomain | null, kind: number, mfn: number, n: number): number {
  const owner = d === null ? 0 : d.domid;
  let at = mfn;
  const end = mfn + n;
  while (at < end) {
    const slot = slotOf(h, at);
    if (slot >= 0) {
      const meta = h.pgMeta[slot]!;
      if (metaKind(meta) !== kind || metaOwner(meta) !== owner) return at;
      dropSlot(h, slot, ownerList(h, d, kind, at));
      at++;
      continue;
    }
    const id = runAt(h, at);
    if (id < 0 || h.runKind[id] !== kind || h.runVal[id] !== owner) return at;
    at = carveFromRun(h, id, at, end);
  }
  return at;
}

/** Takes pages from `at` on out of one run, up to `end` or where the run's frames have a gap; returns where it stopped. */
function carveFromRun(h: Heap, id: number, at: number, end: number): number {
  const high = isFlat(h, id)
    ? runHigh(h, id)
    : blockBase(h, id, blockIndex(h, id, at)) + Math.abs(h.runSize[id]!);
  const stop = Math.min(end, high);
  if (h.runCount[id] !== 1 && Math.abs(h.runSize[id]!) === stop - at && !isFlat(h, id)) {
    takeFromRun(h, id, blockIndex(h, id, at), 1);
    return stop;
  }
  if (runLow(h, id) < at) splitAtAddress(h, id, at);
  const upper = runAt(h, at);
  if (runHigh(h, upper) > stop) splitAtAddress(h, upper, stop);
  const one = runAt(h, at);
  ASSERT(runLow(h, one) === at && runHigh(h, one) === stop, 'pages are carved exactly');
  dropRun(h, one);
  return stop;
}

/** How many of the blocks, from the first on, lie within the bounds of the run that the first one is in. */
export function blocksWithin(h: Heap, first: number, count: number, stride: number, size: number): number {
  const id = count === 1 ? -1 : runAt(h, first);
  if (id < 0) return 1;
  const room = stride > 0 ? runHigh(h, id) - size - first : first - runLow(h, id);
  return Math.max(1, Math.min(count, Math.floor(room / Math.abs(stride)) + 1));
}

/**
 * Takes `count` blocks of 2^order pages at `first + i * stride` off the owner's list in one go; they lie in one chunk.
 * A comb out of a range leaves a comb, so that its cost does not depend on `count`.
 * Returns false, with nothing done, if they are not part of one run in such a way.
 */
export function carveBlocks(
  h: Heap,
  d: HeapDomain | null,
  kind: number,
  first: number,
  count: number,
  stride: number,
  order: number,
): boolean {
  const size = 2 ** order;
  const low = Math.min(first, first + (count - 1) * stride);
  const high = Math.max(first, first + (count - 1) * stride) + size;
  if (hasRegion(h, low, high)) return false;
  const id = runAt(h, first);
  if (id < 0 || h.runKind[id] !== kind || h.runVal[id] !== (d === null ? 0 : d.domid)) return false;
  if (carveEqualBlocks(h, id, first, count, stride, size)) return true;
  if (trimBlocks(h, id, first, count, stride, size)) return true;
  const apart = Math.abs(stride);
  if (!isFlat(h, id) || runLow(h, id) > low || runHigh(h, id) < high) return false;
  if (count === 1 || apart === size) return carveRange(h, d, kind, low, high - low) === high;
  if (apart < size) return false;
  carveComb(h, id, low, count, apart, size);
  return true;
}

/** The blocks are blocks of the run, in or against its direction. */
function carveEqualBlocks(
  h: Heap,
  id: number,
  first: number,
  count: number,
  stride: number,
  size: number,
): boolean {
  if (Math.abs(h.runSize[id]!) !== size || Math.abs(h.runStride[id]!) !== Math.abs(stride)) return false;
  const at = blockIndex(h, id, first);
  if (blockBase(h, id, at) !== first) return false;
  const from = h.runStride[id] === stride ? at : at - count + 1;
  if (from < 0 || from + count > h.runCount[id]!) return false;
  takeFromRun(h, id, from, count);
  return true;
}

/** The blocks are one end of each of some neighbouring blocks of the run, which become shorter. */
function trimBlocks(
  h: Heap,
  id: number,
  first: number,
  count: number,
  stride: number,
  size: number,
): boolean {
  const width = h.runSize[id]!;
  if (width <= size || Math.abs(h.runStride[id]!) !== Math.abs(stride)) return false;
  const at = blockIndex(h, id, first);
  const offset = first - blockBase(h, id, at);
  if (offset !== 0 && offset + size !== width) return false;
  const from = h.runStride[id] === stride ? at : at - count + 1;
  if (from < 0 || from + count > h.runCount[id]!) return false;
  const part = from > 0 ? splitRun(h, id, from) : id;
  if (count < h.runCount[part]!) splitRun(h, part, count);
  noteBlocks(h, part);
  h.runSize[part] = width - size;
  if (offset === 0) h.runFirst[part] = h.runFirst[part]! + size;
  if (count === 1) h.runStride[part] = width - size;
  return true;
}

/** Takes blocks of `size` pages every `apart` pages out of a range; what lies between them stays in list order. */
function carveComb(h: Heap, id: number, low: number, count: number, apart: number, size: number): void {
  const list = h.runList[id]!;
  const kind = h.runKind[id]!;
  const val = h.runVal[id]!;
  const down = h.runStride[id]! < 0;
  const from = runLow(h, id);
  const to = runHigh(h, id);
  const end = low + (count - 1) * apart + size;
  const gap = apart - size;
  let after = RUN_BASE - id;
  const put = (lo: number, n: number, blocks: number): void => {
    if (n === 0) return;
    const first = down ? lo + n - 1 + (blocks - 1) * apart : lo;
    const run = newRun(h, first, blocks, down ? -apart : apart, down ? -n : n, kind, val);
    if (list < 0) return;
    h.runList[run] = list;
    linkAfter(h, list, after, RUN_BASE - run);
    after = RUN_BASE - run;
  };
  if (down) {
    put(end, to - end, 1);
    put(low + size, gap, count - 1);
    put(from, low - from, 1);
  } else {
    put(from, low - from, 1);
    put(low + size, gap, count - 1);
    put(end, to - end, 1);
  }
  dropRun(h, id);
}
