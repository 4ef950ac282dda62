/** Claims: pages a domain may count on without owning them yet. Models xen/common/page_alloc.c. */
import { EINVAL, ENOMEM } from './errno.ts';
import type { Heap, HeapDomain } from './heap-state.ts';
import { noteDomain } from './heap-undo.ts';

/**
 * tot_pages without extra pages. Models domain_tot_pages(), xen/include/xen/sched.h; before 4.14 extra pages were not
 * counted in tot_pages at all, which is the same number.
 * Simplified: before 4.14 giving an extra page back lowered tot_pages although taking it had not raised it.
 */
export const domainTotPages = (d: Readonly<HeapDomain>): number => d.totPages - d.extraPages;

/**
 * Stakes a claim so that the domain can reach `pages` in all, or drops it with 0. Returns 0, -EINVAL or -ENOMEM.
 * Models domain_set_outstanding_pages(), xen/common/page_alloc.c.
 */
export function domainSetOutstandingPages(h: Heap, d: HeapDomain, pages: number): number {
  if (h.rules.refuseDying && d.isDying && pages !== 0) return -EINVAL;
  noteDomain(h, d);
  if (pages === 0) {
    h.outstandingClaims -= d.outstandingPages;
    d.outstandingPages = 0;
    return 0;
  }
  const tot = domainTotPages(d);
  if (d.outstandingPages > 0) return -EINVAL;
  if (pages <= tot || pages > d.maxPages) return -EINVAL;
  const claim = pages - tot;
  // The difference is unsigned in Xen: below zero it is huge, and the claim is granted.
  const unclaimed = h.totalAvailPages - h.outstandingClaims;
  if (unclaimed >= 0 && claim > unclaimed) return -ENOMEM;
  d.outstandingPages = claim;
  h.outstandingClaims += claim;
  return 0;
}

/** Takes up to `pages` off the domain's claim. Models the claim part of alloc_heap_pages(). */
export function consumeClaim(h: Heap, d: HeapDomain, pages: number): void {
  noteDomain(h, d);
  const used = Math.min(d.outstandingPages, pages);
  d.outstandingPages -= used;
  h.outstandingClaims -= used;
}

/** Lowers tot_pages. Until 4.20 this raised a claim that was still above 0. Models domain_adjust_tot_pages(), xen/common/page_alloc.c. */
export function lowerTotPages(h: Heap, d: HeapDomain, pages: number): void {
  noteDomain(h, d);
  d.totPages -= pages;
  d.savedPages = null;
  if (!h.rules.freeReplenishes || d.outstandingPages === 0) return;
  d.outstandingPages += pages;
  h.outstandingClaims += pages;
}

/** What the claim gate allows. */
export interface Gate {
  /** Extents that pass one after the other, at most as many as were asked; 0: refused. */
  extents: number;
  /** Pages each of them takes off the claim. */
  consume: number;
}

/**
 * How many requests of `size` pages pass the gate in a row, and what each consumes.
 * Models the test at the start of alloc_heap_pages(): a request beyond unclaimed memory passes only if the domain's
 * own claim covers it whole.
 */
export function claimGate(
  h: Heap,
  d: HeapDomain | null,
  size: number,
  noRefcount: boolean,
  want: number,
  out: Gate,
): void {
  const room = h.totalAvailPages - h.outstandingClaims;
  const anonymous = d === null || (noRefcount && h.rules.noRefcountGatedAsAnonymous);
  const own = anonymous ? 0 : d.outstandingPages;
  out.consume = 0;
  if (noRefcount || d === null || own === 0) {
    out.extents = room >= size ? Math.min(want, Math.floor(room / size)) : own >= size ? 1 : 0;
    return;
  }
  if (own >= size) {
    out.extents = Math.min(want, Math.floor(own / size));
    out.consume = size;
    return;
  }
  out.extents = room >= size ? 1 : 0;
  out.consume = own;
}
