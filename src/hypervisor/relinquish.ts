/**
 * Tearing a domain's memory down, at once or bit by bit.
 *
 * Models domain_kill() (xen/common/domain.c) and relinquish_memory() (xen/arch/x86/domain.c): the claim goes first,
 * then the extent that waits for scrubbing, then page_list in its order, page by page, dirty. Extra pages follow.
 */
import { domainSetOutstandingPages, lowerTotPages } from './claims.ts';
import { freeBlocks, freeSpan, freeSpans } from './free-blocks.ts';
import { freeHeapPages } from './free-heap-pages.ts';
import { removeHeapDomain } from './heap-domain.ts';
import { type Heap, type HeapDomain, NIL, OFFLINING, RUN_BASE } from './heap-state.ts';
import { noteDomain } from './heap-undo.ts';
import { dropHeadSlots, dropSlot, headSlots, relieve, slotMfn } from './page-region.ts';
import {
  blockBase,
  blockIndex,
  dropRun,
  isFlat,
  runAt,
  runHigh,
  runLow,
  splitAtAddress,
  splitRun,
} from './page-run.ts';

/** Marks the domain dying, drops its claim and frees its stash: what precedes the first page. */
export function beginDestroy(h: Heap, d: HeapDomain): void {
  domainSetOutstandingPages(h, d, 0);
  noteDomain(h, d);
  d.isDying = true;
  const stash = d.pendingScrub;
  if (stash === null) return;
  d.pendingScrub = null;
  freeHeapPages(h, stash.mfn, stash.order, true);
  relieve(h);
}

/** Frees up to `limit` pages in list order; returns how many there were. Models relinquish_memory(), xen/arch/x86/domain.c. */
export function relinquishPages(h: Heap, d: HeapDomain, limit: number): number {
  let done = 0;
  for (const list of d.pageList) done += drain(h, d, list, limit - done, false);
  for (const list of d.extraList) done += drain(h, d, list, limit - done, true);
  return done;
}

/** The whole of it: the domain is gone afterwards. */
export function destroyHeapDomain(h: Heap, d: HeapDomain): void {
  beginDestroy(h, d);
  relinquishPages(h, d, Number.POSITIVE_INFINITY);
  removeHeapDomain(h, d);
}

function drain(h: Heap, d: HeapDomain, list: number, limit: number, extra: boolean): number {
  let done = 0;
  while (done < limit) {
    const node = h.listHead[list]!;
    if (node === NIL) break;
    let n = 1;
    if (node < 0) n = drainRun(h, RUN_BASE - node, limit - done);
    else if (h.offliningPages > 0) {
      const mfn = slotMfn(h, node);
      dropSlot(h, node, list);
      freeHeapPages(h, mfn, 0, true);
    } else n = drainSlots(h, list, limit - done);
    relieve(h);
    lowerTotPages(h, d, n);
    if (extra) d.extraPages -= n;
    done += n;
  }
  return done;
}

/** Frees the list's first pages that have entries of their own and are neighbours; returns how many there were. */
function drainSlots(h: Heap, list: number, limit: number): number {
  const n = headSlots(h, list, limit);
  const first = slotMfn(h, h.listHead[list]!);
  dropHeadSlots(h, list, n);
  if (n < 0) freeSpan(h, first + n + 1, -n, true, true);
  else freeSpan(h, first, n, false, true);
  return Math.abs(n);
}

/** Frees the run's pages, or as many of the first as the limit allows. */
function drainRun(h: Heap, id: number, limit: number): number {
  if (h.offliningPages > 0) isolateOfflining(h, id);
  shorten(h, id, limit);
  const first = h.runFirst[id]!;
  const count = h.runCount[id]!;
  const stride = h.runStride[id]!;
  const size = h.runSize[id]!;
  const flat = isFlat(h, id);
  const low = runLow(h, id);
  const pages = count * Math.abs(size);
  dropRun(h, id);
  if (pages === 1) freeHeapPages(h, first, 0, true);
  else if (flat) freeSpan(h, low, pages, stride < 0, true);
  else if (isBuddySized(first, stride, size))
    freeBlocks(h, first, count, stride, Math.log2(Math.abs(size)), true);
  else if (stride < 0 === size < 0 && freeSpans(h, low, count, Math.abs(stride), Math.abs(size), stride < 0))
    return pages;
  else
    for (let i = 0; i < count; i++) {
      const base = first + i * stride + (size < 0 ? size + 1 : 0);
      freeSpan(h, base, Math.abs(size), size < 0, true);
      if ((i & 63) === 63) relieve(h);
    }
  return pages;
}

/** Cuts the run so that it has no more than `limit` pages. */
function shorten(h: Heap, id: number, limit: number): void {
  const width = Math.abs(h.runSize[id]!);
  const count = h.runCount[id]!;
  if (count * width <= limit) return;
  const blocks = Math.floor(limit / width);
  if (blocks > 0) {
    splitRun(h, id, blocks);
    return;
  }
  if (count > 1) splitRun(h, id, 1);
  const base = blockBase(h, id, 0);
  splitAtAddress(h, id, h.runSize[id]! < 0 ? base + width - limit : base + limit);
}

const isBuddySized = (first: number, stride: number, size: number): boolean =>
  (size > 0 || size === -1) &&
  Number.isInteger(Math.log2(Math.abs(size))) &&
  first % size === 0 &&
  stride % size === 0;

/** Gives each of the run's pages that are being offlined a run of its own: they must be looked at when freed. */
function isolateOfflining(h: Heap, id: number): void {
  const marked: number[] = [];
  for (const [mfn, flags] of h.special)
    if (flags & OFFLINING && blockIndex(h, id, mfn) >= 0) marked.push(mfn);
  for (const mfn of marked) {
    const at = runAt(h, mfn);
    if (runLow(h, at) < mfn) splitAtAddress(h, at, mfn);
    const rest = runAt(h, mfn);
    if (runHigh(h, rest) > mfn + 1) splitAtAddress(h, rest, mfn + 1);
  }
}
