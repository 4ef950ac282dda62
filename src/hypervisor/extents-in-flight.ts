/**
 * Extents that a hypercall has in hand between alloc_heap_pages() and the guest's map.
 *
 * Real Xen keeps them in a local variable of the CPU that serves the hypercall. Here they belong to the heap's state, for
 * the sake of those who count its pages, and because which frame it is depends on the heap, not on the hypercall.
 */
import { ASSERT } from './bug.ts';
import { freeHeapPages } from './free-heap-pages.ts';
import { findHeapDomain } from './heap-domain.ts';
import { type ExtentInFlight, type Heap, type HeapDomain, KIND_OWNED } from './heap-state.ts';
import { appendOwned } from './owned-pages.ts';
import { assignable, countAssigned } from './page-alloc.ts';
import { relieve } from './page-region.ts';
import { sizeOfOrder } from './units.ts';

/** The extent that a hypercall has in hand, or null. */
export const extentInFlight = (h: Heap, by: number): ExtentInFlight | null =>
  h.inFlight.find((extent) => extent.by === by) ?? null;

/** Pages that are nobody's: taken from the heap, and not yet assigned. */
export const pagesInFlight = (h: Heap): number =>
  h.inFlight.reduce((sum, { order, isAssigned }) => sum + (isAssigned ? 0 : sizeOfOrder(order)), 0);

/** A hypercall has taken an extent. */
export function takeInFlight(h: Heap, extent: ExtentInFlight): void {
  ASSERT(extentInFlight(h, extent.by) === null, 'a hypercall has one extent at a time');
  h.inFlight = [...h.inFlight, extent].sort((a, b) => a.by - b.by);
}

/** The hypercall is done with it. */
export function leaveFlight(h: Heap, by: number): void {
  h.inFlight = h.inFlight.filter((extent) => extent.by !== by);
}

/**
 * Gives the extent to its domain. False: the domain is gone or dying, or may not have it; then it is freed, and what of a
 * claim it used up is lost. Models assign_page(), xen/common/page_alloc.c, as alloc_domheap_pages() calls it.
 */
export function assignInFlight(h: Heap, extent: ExtentInFlight): boolean {
  if (extent.isAssigned) return true;
  const d = findHeapDomain(h, extent.domid);
  const size = sizeOfOrder(extent.order);
  if (d === undefined || assignable(d, size) === 0) {
    freeInFlight(h, extent);
    return false;
  }
  appendOwned(h, d, KIND_OWNED, extent.mfn, 1, size, size);
  relieve(h);
  countAssigned(h, d, size, false);
  h.inFlight = h.inFlight.map((other) => (other === extent ? { ...extent, isAssigned: true } : other));
  return true;
}

/** Frees an extent that is nobody's. */
function freeInFlight(h: Heap, { by, mfn, order, noScrub }: ExtentInFlight): void {
  leaveFlight(h, by);
  freeHeapPages(h, mfn, order, noScrub);
  relieve(h);
}

/**
 * A domain's vcpus are stopped: who stops them waits until none of them is inside Xen any more, so that what they have in
 * hand is assigned. `forGood`: they never go on to map it. Models vcpu_sleep_sync() as domain_pause() calls it,
 * xen/common/sched/core.c and xen/common/domain.c.
 */
export function finishOwnExtents(h: Heap, { domid }: HeapDomain, forGood: boolean): void {
  for (const extent of h.inFlight) {
    if (extent.caller !== domid) continue;
    if (assignInFlight(h, extent) && forGood) leaveFlight(h, extent.by);
  }
}
