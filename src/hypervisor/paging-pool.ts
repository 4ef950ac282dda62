/**
 * The HAP or shadow pool of a domain, and the p2m's page tables, which live in it.
 * Models xen/arch/x86/mm/paging.c, hap/hap.c and shadow/common.c.
 *
 * Simplified: page tables are counted and taken, but nothing else (monitor tables, shadows) ever leaves the pool.
 */

import { domainTotPages } from './claims.ts';
import type { Domain, PagingPool } from './domain-state.ts';
import { EINVAL, ENOMEM, EOPNOTSUPP } from './errno.ts';
import { addTail, groupBlocks, listPages, removeHead, weave } from './extent-group.ts';
import { p2mLookup } from './p2m.ts';
import { PAGE_ORDER_2M, p2mMappedOrder, SUPERPAGE_PAGES } from './p2m-run.ts';
import { NO_TABLES, type P2mTables, tablesFor } from './p2m-tables.ts';
import { allocDomheapPages, freeDomheapPages } from './page-alloc.ts';
import { PAGE_SIZE, sizeOfOrder } from './units.ts';
import { domainOf, heapDomainOf, updateDomain, type Xen } from './xen.ts';
import { SHADOW_PAGES_PER_VCPU } from './xen-private.ts';

export const EMPTY_POOL: PagingPool = {
  freelist: [],
  freePages: 0,
  totalPages: 0,
  p2mPages: [],
  p2mPagesCount: 0,
};

const UINT_MAX = 2 ** 32 - 1;

/** XEN_DOMCTL_set_paging_mempool_size. Models arch_set_paging_mempool_size(), xen/arch/x86/mm/paging.c. */
export function setPagingMempoolSize(xen: Xen, domid: number, size: number): number {
  const d = domainOf(xen, domid);
  if (d.type === 'pv') return -EOPNOTSUPP;
  const n = size / PAGE_SIZE;
  if (!Number.isInteger(n) || n < 0 || n > UINT_MAX) return -EINVAL;
  if (d.hap) return setAllocation(xen, domid, n);
  return setAllocation(xen, domid, n === 0 ? 0 : Math.max(n, shadowMinimum(xen, d)));
}

/** Models sh_min_allocation(), xen/arch/x86/mm/shadow/common.c. */
function shadowMinimum(xen: Xen, d: Domain): number {
  const forMemory = Math.max(Math.floor(domainTotPages(heapDomainOf(xen, d.domid)) / 256), 6) + 1;
  return SHADOW_PAGES_PER_VCPU * d.vcpus.length + Math.max(forMemory, d.paging.p2mPagesCount);
}

/**
 * Brings the pool to `pages`, those of the p2m included, one anonymous page at a time: every claim, the domain's own
 * too, stands against it. ENOMEM keeps what it got. Models hap_set_allocation() and shadow_set_allocation().
 */
export function setAllocation(xen: Xen, domid: number, pages: number): number {
  const { paging } = domainOf(xen, domid);
  const want = Math.max(0, pages - paging.p2mPagesCount);
  if (want < paging.totalPages) {
    // Nothing but the p2m takes pages out, so every page that is to go is on the free list.
    const { taken, rest } = removeHead(paging.freelist, paging.totalPages - want);
    for (const group of taken)
      for (const block of groupBlocks(group)) freeDomheapPages(xen.heap, null, block);
    const freePages = paging.freePages - (paging.totalPages - want);
    updateDomain(xen, domid, { paging: { ...paging, freelist: rest, freePages, totalPages: want } });
    return 0;
  }
  const count = want - paging.totalPages;
  const got = allocDomheapPages(xen.heap, heapDomainOf(xen, domid), {
    order: 0,
    count,
    node: null,
    exact: false,
    noOwner: true,
  });
  let freelist = paging.freelist;
  for (const group of weave(got.runs, 0)) freelist = addTail(freelist, group);
  const freePages = paging.freePages + got.done;
  const totalPages = paging.totalPages + got.done;
  updateDomain(xen, domid, { paging: { ...paging, freelist, freePages, totalPages } });
  return got.done === count ? 0 : -ENOMEM;
}

/**
 * Takes `count` page tables out of the pool, after which the domain has `tables`; false, and nothing taken, when it has
 * fewer. Models p2m_alloc_ptp().
 */
export function allocP2mPages(xen: Xen, domid: number, count: number, tables: P2mTables): boolean {
  const { paging } = domainOf(xen, domid);
  if (count === 0) return true;
  if (paging.freePages < count) return false;
  updateDomain(xen, domid, { tables, paging: withP2mPages(paging, count) });
  return true;
}

/** A pool of which `count` pages have become page tables. */
function withP2mPages(paging: PagingPool, count: number): PagingPool {
  const { taken, rest } = removeHead(paging.freelist, count);
  let p2mPages = paging.p2mPages;
  for (const group of taken) p2mPages = addTail(p2mPages, group);
  return {
    freelist: rest,
    freePages: paging.freePages - count,
    totalPages: paging.totalPages - count,
    p2mPages,
    p2mPagesCount: paging.p2mPagesCount + count,
  };
}

/**
 * Makes the page tables for mapping [gfn, gfn + n) as extents of `order`; false when the pool lacks pages. A PV guest
 * needs none: it has no p2m of Xen's.
 */
export function allocTablesFor(xen: Xen, domid: number, gfn: number, n: number, order: number): boolean {
  const change = tablesMade(domainOf(xen, domid), gfn, n, order);
  if (change === null) return false;
  if (change !== NOTHING_MADE) updateDomain(xen, domid, change);
  return true;
}

/** What allocTablesFor() changes in a record; null when the pool lacks pages. */
export function tablesMade(
  d: Pick<Domain, 'type' | 'tables' | 'paging'>,
  gfn: number,
  n: number,
  order: number,
): TablesMade | null {
  if (d.type === 'pv' || n === 0) return NOTHING_MADE;
  const { tables, added } = tablesFor(d.tables, gfn, n, order);
  if (added === 0) return NOTHING_MADE;
  return d.paging.freePages < added ? null : { tables, paging: withP2mPages(d.paging, added) };
}

type TablesMade = Partial<Pick<Domain, 'tables' | 'paging'>>;

const NOTHING_MADE: TablesMade = {};

/** Makes the page tables for cutting the mapping at `gfn`, where a superpage spans it; false when the pool lacks them. */
export function breakMappingAt(xen: Xen, domid: number, gfn: number): boolean {
  const run = p2mLookup(domainOf(xen, domid).p2m, gfn);
  if (run === null) return true;
  const inside = (gfn - run.gfn) % sizeOfOrder(p2mMappedOrder(run));
  if (inside === 0) return true;
  return allocTablesFor(xen, domid, gfn, 1, inside % SUPERPAGE_PAGES === 0 ? PAGE_ORDER_2M : 0);
}

/** Gives the pool back as domain death does: free pages first, then the p2m's; its root stays to the very end. */
export function pagingTeardown(xen: Xen, domid: number): void {
  const { paging } = domainOf(xen, domid);
  const root = removeHead(paging.p2mPages, Math.min(1, paging.p2mPagesCount));
  for (const group of [...paging.freelist, ...root.rest]) {
    for (const block of groupBlocks(group)) freeDomheapPages(xen.heap, null, block);
  }
  const left = { ...EMPTY_POOL, p2mPages: root.taken, p2mPagesCount: listPages(root.taken) };
  updateDomain(xen, domid, { paging: left, tables: NO_TABLES });
}
