/**
 * The heap's part of populating a guest: scrubbing before the domain has run, yielding, and keeping a half-scrubbed
 * extent for the next call.
 *
 * Models populate_physmap(), get_stashed_allocation() and stash_allocation(), xen/common/memory.c.
 */
import { type AllocScratch, allocHeapPages, type HeapRequest, newScratch } from './alloc-heap-pages.ts';
import { addExtents, type ExtentList, extentsOf, newExtentList } from './extent-runs.ts';
import { freeHeapPages } from './free-heap-pages.ts';
import {
  type Extents,
  type Heap,
  type HeapDomain,
  KIND_OWNED,
  type PendingScrub,
  spanOf,
} from './heap-state.ts';
import { noteDomain } from './heap-undo.ts';
import { appendOwned } from './owned-pages.ts';
import { assignable, countAssigned, heapRequest, refuseAssignment } from './page-alloc.ts';
import { dirtyRanges } from './page-dirty.ts';
import { relieve } from './page-region.ts';
import { sizeOfOrder } from './units.ts';

/** Dirty pages scrubbed between two looks at pending work. */
const SCRUB_CHECK = 256;

export interface PopulateRequest {
  readonly order: number;
  readonly count: number;
  readonly node: number | null;
  /** Counts only with a node. */
  readonly exact: boolean;
  readonly bits?: number | undefined;
  /** The how-manieth question "should I yield?" of this call is answered yes; absent: none. */
  readonly preempt?: number | undefined;
}

/** One call's progress. */
interface Populate {
  readonly h: Heap;
  readonly d: HeapDomain;
  readonly r: HeapRequest;
  readonly s: AllocScratch;
  readonly list: ExtentList;
  readonly size: number;
  readonly preempt: number;
  asked: number;
  scrubbed: number;
  done: number;
}

/** Models populate_physmap(), xen/common/memory.c: up to `count` extents for a domain, assigned. `preempted`: the call yielded and is to be continued by the caller. */
export function populateExtents(
  h: Heap,
  d: HeapDomain,
  q: PopulateRequest,
): Extents & { readonly preempted: boolean } {
  const bits = q.bits !== undefined && q.bits < 12 + Math.ceil(Math.log2(h.maxPage)) ? q.bits : undefined;
  const p: Populate = {
    h,
    d,
    r: heapRequest(h, d, {
      order: q.order,
      count: q.count,
      node: q.node,
      exact: q.exact && q.node !== null,
      noScrub: !d.creationFinished,
      bits,
    }),
    s: newScratch(),
    list: newExtentList(),
    size: sizeOfOrder(q.order),
    preempt: q.preempt ?? Number.POSITIVE_INFINITY,
    asked: 0,
    scrubbed: 0,
    done: 0,
  };
  const preempted = q.count > 0 && run(p, q.count);
  return { done: p.done, runs: extentsOf(p.list), preempted };
}

/** true if the call yielded. */
function run(p: Populate, count: number): boolean {
  const { h, d, r, s } = p;
  // A question is asked before each extent; inside one only where its own scrubbing can yield.
  const stepwise = p.preempt !== Number.POSITIVE_INFINITY && p.size > 1 && !d.creationFinished;
  const sink = (first: number, n: number, stride: number, index: number, step: number): void => {
    addExtents(p.list, first, n, stride, index, step);
    appendOwned(h, d, KIND_OWNED, first, n, stride, p.size);
  };
  while (p.done < count) {
    if (p.done > 0 && yields(p)) return true;
    if (stepwise || d.pendingScrub !== null) {
      const outcome = oneExtent(p);
      if (outcome !== 'assigned') return outcome === 'stashed';
      continue;
    }
    const room = assignable(d, p.size);
    if (room === 0) {
      refuseAssignment(h, r, s, r.askedNoScrub);
      return false;
    }
    const unasked = p.preempt - p.asked;
    const want = unasked > 0 ? Math.min(count - p.done, room, unasked) : Math.min(count - p.done, room);
    const n = allocHeapPages(h, r, want, p.done, s, sink);
    if (n === 0) return false;
    p.asked += n - 1;
    countAssigned(h, d, n * p.size, false);
    p.done += n;
  }
  return false;
}

/** Asks whether to yield, counting the question. */
const yields = (p: Populate): boolean => {
  p.asked++;
  return p.asked === p.preempt;
};

/** One extent, with the stash looked at first and its scrubbing able to yield. */
function oneExtent(p: Populate): 'assigned' | 'stashed' | 'refused' {
  const { h, d, r } = p;
  const extent = stashedExtent(p) ?? newExtent(p);
  if (extent === null) return 'refused';
  if (r.askedNoScrub) {
    const at = scrubExtent(p, extent);
    if (at >= 0) {
      noteDomain(h, d);
      if (d.pendingScrub !== null) freeHeapPages(h, extent.mfn, r.order, true);
      else d.pendingScrub = { ...extent, index: at };
      relieve(h);
      return 'stashed';
    }
  }
  if (assignable(d, p.size) === 0) {
    freeHeapPages(h, extent.mfn, r.order, r.askedNoScrub);
    relieve(h);
    return 'refused';
  }
  addExtents(p.list, extent.mfn, 1, 0, p.done, 1);
  appendOwned(h, d, KIND_OWNED, extent.mfn, 1, p.size, p.size);
  relieve(h);
  countAssigned(h, d, p.size, false);
  p.done++;
  return 'assigned';
}

/** The extent an earlier call left half scrubbed, if it fits this request; freed if not. */
function stashedExtent(p: Populate): PendingScrub | null {
  const { h, d, r } = p;
  const stash = d.pendingScrub;
  if (stash === null || d.creationFinished) return null;
  noteDomain(h, d);
  d.pendingScrub = null;
  const onNode = !r.exact || h.spanNode[spanOf(h, stash.mfn)] === r.node;
  if (stash.order === r.order && onNode) return stash;
  freeHeapPages(h, stash.mfn, stash.order, true);
  relieve(h);
  return null;
}

function newExtent(p: Populate): PendingScrub | null {
  let mfn = -1;
  const n = allocHeapPages(p.h, p.r, 1, p.done, p.s, (first) => {
    mfn = first;
  });
  if (n === 0) return null;
  // The flags are still as they were: taking a block clears only what is counted.
  return { mfn, order: p.r.order, index: 0, dirty: dirtyRanges(p.h, mfn, p.size, p.s.lastDirty) };
}

/** Scrubs from the extent's index on. Returns the next page's index if the call is to yield, else -1. */
function scrubExtent(p: Populate, extent: PendingScrub): number {
  for (const [from, to] of extent.dirty) {
    let at = Math.max(from, extent.index);
    while (at < to) {
      const upto = Math.min(to - at, SCRUB_CHECK - (p.scrubbed % SCRUB_CHECK));
      at += upto;
      p.scrubbed += upto;
      if (p.scrubbed % SCRUB_CHECK === 0 && at !== p.size && yields(p)) return at;
    }
  }
  return -1;
}
