/** The heap's entry: pages for domains and for Xen itself, and back. Models xen/common/page_alloc.c. */
import {
  type AllocScratch,
  allocHeapPage,
  allocHeapPages,
  type HeapRequest,
  newScratch,
} from './alloc-heap-pages.ts';
import { ASSERT } from './bug.ts';
import { consumeClaim, domainTotPages, lowerTotPages } from './claims.ts';
import { addExtents, extentsOf, newExtentList } from './extent-runs.ts';
import { freeBlocks, sameChunkCount } from './free-blocks.ts';
import { freeHeapPage, freeHeapPages } from './free-heap-pages.ts';
import {
  type DomheapRequest,
  type Extents,
  type Heap,
  type HeapDomain,
  KIND_EXTRA,
  KIND_OWNED,
  KIND_XEN,
  NR_ZONES,
  OFFLINING,
  type PageBlocks,
  spanOf,
} from './heap-state.ts';
import { noteDomain } from './heap-undo.ts';
import {
  appendOwned,
  appendPage,
  blocksWithin,
  carveBlocks,
  carveRange,
  dropOwnedPage,
  kindAt,
} from './owned-pages.ts';
import { blocksAlike, relieve } from './page-region.ts';
import { sizeOfOrder } from './units.ts';

/**
 * Blocks of `size` pages the domain may still be given: max_pages less what it has; none once it is dying. Models
 * assign_pages(), xen/common/page_alloc.c.
 */
export function assignable(d: HeapDomain, size: number): number {
  if (d.isDying) return 0;
  const room = d.maxPages - domainTotPages(d);
  return room < size ? 0 : Math.floor(room / size);
}

/** Highest zone of an address width. Models the zone_hi computation of alloc_domheap_pages(). */
const zoneOfBits = (bits: number | undefined): number =>
  bits === undefined ? NR_ZONES - 1 : bits < 13 ? 1 : Math.min(NR_ZONES - 1, bits - 12);

/** Prepares what allocHeapPages() needs. */
export function heapRequest(h: Heap, d: HeapDomain | null, q: DomheapRequest): HeapRequest {
  const node = q.node === null ? -1 : (h.nodeIndex[q.node] ?? -1) < 0 ? -2 : h.nodeIndex[q.node]!;
  const noScrub = q.noScrub === true;
  const zoneHi = zoneOfBits(q.bits);
  return {
    order: q.order,
    zoneLo: 1,
    zoneHi,
    noScrub,
    node,
    exact: q.exact,
    d,
    noRefcount: q.noRefcount === true || q.noOwner === true,
    askedHi: zoneHi,
    askedNoScrub: noScrub,
  };
}

/** Counts `n` newly assigned pages. Models assign_pages(), xen/common/page_alloc.c. */
export function countAssigned(h: Heap, d: HeapDomain, n: number, extra: boolean): void {
  noteDomain(h, d);
  d.totPages += n;
  d.savedPages = null;
  if (extra) d.extraPages += n;
  // Since extra pages are counted in tot_pages (4.14), they used a claim up as well, until consumption moved (4.22).
  if (h.rules.consumeAt === 'assign' && (!extra || h.rules.totMinusExtra)) consumeClaim(h, d, n);
}

/**
 * Up to `count` blocks for a domain: `done` is how many there were. Stops at the first refusal.
 * A refused assignment gives its block back; the claim it used up is lost. Models alloc_domheap_pages(), xen/common/page_alloc.c, in a loop.
 */
export function allocDomheapPages(h: Heap, d: HeapDomain | null, q: DomheapRequest): Extents {
  if (q.count === 1 && q.order === 0 && isPlain(h, d, q)) return allocDomheapPage(h, d);
  const r = heapRequest(h, d, q);
  const s = newScratch();
  const list = newExtentList();
  const size = sizeOfOrder(q.order);
  const extra = r.noRefcount;
  const keep = q.noOwner !== true && d !== null;
  const kind = extra ? KIND_EXTRA : KIND_OWNED;
  let done = 0;
  const sink = (first: number, count: number, stride: number, index: number, step: number): void => {
    addExtents(list, first, count, stride, index, step);
    if (keep) appendOwned(h, d, kind, first, count, stride, size);
  };
  while (done < q.count) {
    const room = !keep || (extra && !d.isDying) ? q.count : assignable(d, size);
    if (room === 0) {
      refuseAssignment(h, r, s, r.askedNoScrub);
      break;
    }
    // Where extra pages use up a claim after the virq's test, each test sees what the pages before left of it.
    const stepwise = keep && extra && h.rules.consumeAt === 'assign' && d.outstandingPages > 0;
    const n = allocHeapPages(h, r, stepwise ? 1 : Math.min(q.count - done, room), done, s, sink);
    if (n === 0) break;
    if (keep) countAssigned(h, d, n * size, extra);
    done += n;
  }
  return { done, runs: extentsOf(list) };
}

/** An ordinary request on a host of one node, where nothing is to be chosen but the page. */
const isPlain = (h: Heap, d: HeapDomain | null, q: DomheapRequest): d is HeapDomain =>
  d !== null &&
  h.nodeIds.length === 1 &&
  h.dmaBits === 0 &&
  h.rules.consumeAt === 'alloc' &&
  q.node === null &&
  q.noRefcount !== true &&
  q.noOwner !== true &&
  q.bits === undefined &&
  assignable(d, 1) > 0;

/** One page, the short way. */
function allocDomheapPage(h: Heap, d: HeapDomain): Extents {
  const mfn = allocHeapPage(h, d);
  if (mfn < 0) return { done: 0, runs: [] };
  appendPage(h, d, mfn);
  noteDomain(h, d);
  d.totPages++;
  d.savedPages = null;
  return { done: 1, runs: [{ first: mfn, count: 1, stride: 0, index: 0, step: 1 }] };
}

/** A block is taken for a domain that may not have it, and freed again. False if there was none to take. */
export function refuseAssignment(h: Heap, r: HeapRequest, s: AllocScratch, dirty: boolean): boolean {
  let mfn = -1;
  const n = allocHeapPages(h, r, 1, 0, s, (first) => {
    mfn = first;
  });
  if (n === 0) return false;
  freeHeapPages(h, mfn, r.order, dirty);
  relieve(h);
  return true;
}

/** Up to `count` blocks for Xen itself, not scrubbed. Models alloc_xenheap_pages(), xen/common/page_alloc.c, in a loop. */
export function allocXenheapPages(
  h: Heap,
  q: {
    readonly order: number;
    readonly count: number;
    readonly node: number | null;
    readonly exact: boolean;
  },
): Extents {
  const { order, count, node, exact } = q;
  const r = heapRequest(h, null, { order, count, node, exact, noScrub: true });
  const s = newScratch();
  const list = newExtentList();
  const size = sizeOfOrder(q.order);
  let done = 0;
  while (done < q.count) {
    const n = allocHeapPages(h, r, q.count - done, done, s, (first, count, stride, index, step) => {
      addExtents(list, first, count, stride, index, step);
      appendOwned(h, null, KIND_XEN, first, count, stride, size);
    });
    if (n === 0) break;
    done += n;
  }
  return { done, runs: extentsOf(list) };
}

/** Gives Xen heap blocks back, dirty. Models free_xenheap_pages(), xen/common/page_alloc.c, in a loop. */
export function freeXenheapPages(h: Heap, b: PageBlocks): void {
  const size = sizeOfOrder(b.order);
  let i = 0;
  while (i < b.count) {
    const first = b.mfn + i * b.stride;
    const n = sameChunkCount(first, b.count - i, b.stride);
    if (!carveBlocks(h, null, KIND_XEN, first, n, b.stride, b.order))
      for (let k = 0; k < n; k++) {
        const stop = carveRange(h, null, KIND_XEN, first + k * b.stride, size);
        ASSERT(stop === first + k * b.stride + size, 'freed pages belong to the Xen heap');
      }
    freeWhole(h, first, n, b.stride, b.order, true);
    i += n;
  }
}

/**
 * Gives blocks back. For a domain: page by page as a guest does, or with `whole` block by block; clean, or dirty if the
 * host scrubs what live domains free. Without a domain: ownerless blocks, whole and dirty.
 * Models free_domheap_pages(), xen/common/page_alloc.c.
 */
export function freeDomheapPages(
  h: Heap,
  d: HeapDomain | null,
  b: PageBlocks & { readonly whole?: boolean },
): void {
  const size = sizeOfOrder(b.order);
  const dirty = d === null || h.boot.scrubDomheap === true || d.isDying;
  const slot = d !== null && b.count === 1 && size === 1 ? dropOwnedPage(h, d, b.mfn) : -1;
  if (slot >= 0 && d !== null) {
    lowerTotPages(h, d, 1);
    freeHeapPage(h, b.mfn, slot, dirty);
    if (h.crowded.length > 0) relieve(h);
    return;
  }
  let i = 0;
  while (i < b.count) {
    const first = b.mfn + i * b.stride;
    const n = sameChunkCount(first, b.count - i, b.stride);
    if (d !== null) leaveDomain(h, d, first, n, b.stride, b.order);
    if (d === null || b.whole === true) freeWhole(h, first, n, b.stride, b.order, dirty);
    else freeByPage(h, first, n, b.stride, size, dirty);
    i += n;
  }
}

/** Takes blocks off the domain's lists and accounts. They lie in one chunk. */
function leaveDomain(h: Heap, d: HeapDomain, first: number, n: number, stride: number, order: number): void {
  const size = sizeOfOrder(order);
  for (let i = 0; i < n; ) {
    const from = first + i * stride;
    const alike = blocksAlike(h, from, n - i, stride, size);
    const part = alike > 0 ? alike : blocksWithin(h, from, -alike, stride, size);
    leaveAlike(h, d, from, part, stride, order);
    i += part;
  }
  relieve(h);
}

/** The same for blocks that all touch regions kept page by page, or that lie within the bounds of one run. */
function leaveAlike(h: Heap, d: HeapDomain, first: number, n: number, stride: number, order: number): void {
  const kind = kindAt(h, first);
  const size = sizeOfOrder(order);
  if (n > 1 && kind !== 0 && carveBlocks(h, d, kind, first, n, stride, order)) {
    countLeft(h, d, n * size, kind);
    return;
  }
  for (let i = 0; i < n; i++) {
    let at = first + i * stride;
    const end = at + size;
    while (at < end) {
      const each = kindAt(h, at);
      const stop = carveRange(h, d, each, at, end - at);
      ASSERT(stop > at, 'freed pages belong to the domain');
      countLeft(h, d, stop - at, each);
      at = stop;
    }
  }
}

function countLeft(h: Heap, d: HeapDomain, pages: number, kind: number): void {
  lowerTotPages(h, d, pages);
  if (kind === KIND_EXTRA) d.extraPages -= pages;
}

/** true if a page of the blocks is being offlined, so that each must be looked at. */
function anyOfflining(h: Heap, first: number, n: number, stride: number, size: number): boolean {
  if (h.offliningPages === 0) return false;
  const lo = Math.min(first, first + (n - 1) * stride);
  const hi = Math.max(first, first + (n - 1) * stride) + size;
  for (const [mfn, flags] of h.special) if (flags & OFFLINING && mfn >= lo && mfn < hi) return true;
  return false;
}

function freeWhole(h: Heap, first: number, n: number, stride: number, order: number, dirty: boolean): void {
  if (!anyOfflining(h, first, n, stride, sizeOfOrder(order))) freeBlocks(h, first, n, stride, order, dirty);
  else for (let i = 0; i < n; i++) freeHeapPages(h, first + i * stride, order, dirty);
  relieve(h);
}

/** Frees each block's pages one by one, ascending. */
function freeByPage(h: Heap, first: number, n: number, stride: number, size: number, dirty: boolean): void {
  const fits = first % size === 0 && stride % size === 0 && insideSpans(h, first, n, stride, size);
  if (fits && !anyOfflining(h, first, n, stride, size)) {
    freeBlocks(h, first, n, stride, Math.log2(size), dirty);
    return;
  }
  if (n > 1) {
    for (let i = 0; i < n; i++) freeByPage(h, first + i * stride, 1, size, size, dirty);
    return;
  }
  for (let k = 0; k < size; k++) {
    freeHeapPages(h, first + k, 0, dirty);
    if ((k & 63) === 63) relieve(h);
  }
  relieve(h);
}

/** No block crosses from one node to another. */
function insideSpans(h: Heap, first: number, n: number, stride: number, size: number): boolean {
  if (size === 1) return true;
  const last = first + (n - 1) * stride;
  const lo = Math.min(first, last);
  if (spanOf(h, lo) === spanOf(h, Math.max(first, last) + size - 1)) return true;
  for (let i = 0; i < n; i++) {
    const at = first + i * stride;
    if (spanOf(h, at) !== spanOf(h, at + size - 1)) return false;
  }
  return true;
}
