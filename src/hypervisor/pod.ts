/** Populate-on-demand: promising memory, keeping the promise. Models xen/arch/x86/mm/p2m-pod.c. */
import { printk } from './console-ring.ts';
import { domainCrash } from './domain-crash.ts';
import { gfnRanges } from './gfn-ranges.ts';
import { cover } from './intervals.ts';
import { p2mLookup, p2mSet, p2mWalk } from './p2m.ts';
import { isPod, mappedOrder, PAGE_ORDER_1G, PAGE_ORDER_2M, p2mMappedOrder, p2mPages } from './p2m-run.ts';
import { allocTablesFor } from './paging-pool.ts';
import { POD_RECENT_ENTRIES, podCacheGet, podSetCacheTarget, updatePod } from './pod-cache.ts';
import { podEagerReclaim, podEmergencySweep } from './pod-reclaim.ts';
import type { GfnRun } from './privcmd.ts';
import { domainOf, heapDomainOf, updateDomain, type Xen } from './xen.ts';

/**
 * Promises `count` extents of 2^order pages; returns how many were marked. A frame with a page behind it ends it
 * (EBUSY), and so does a missing page table (ENOMEM), which for a superpage costs the domain its life. Models
 * guest_physmap_mark_populate_on_demand().
 */
export function markPopulateOnDemand(
  xen: Xen,
  domid: number,
  extents: readonly GfnRun[],
  count: number,
  order: number,
): number {
  const size = 2 ** order;
  let done = 0;
  for (const range of gfnRanges(extents, order, count)) {
    const low = range.lowest(range.count);
    const free = range.descending ? null : freeFrames(xen, domid, low, low + range.count * size);
    if (free !== null && mark(xen, domid, low, Math.floor(free / size) * size, order)) {
      done += Math.floor(free / size);
      if (free < range.count * size) return done;
      continue;
    }
    for (let i = 0; i < range.count; i++) {
      const gfn = range.first + (range.descending ? -i : i) * size;
      if (freeFrames(xen, domid, gfn, gfn + size) < size) return done;
      if (!mark(xen, domid, gfn, size, order)) {
        if (mappedOrder(gfn, order) > 0) domainCrash(xen, domid);
        return done;
      }
      done++;
    }
  }
  return done;
}

/** How many frames from `first` on, up to `end`, have no page behind them. */
function freeFrames(xen: Xen, domid: number, first: number, end: number): number {
  let free = end - first;
  p2mWalk(domainOf(xen, domid).p2m, first, (run) => {
    if (run.gfn >= end) return false;
    if (isPod(run)) return true;
    free = Math.max(0, run.gfn - first);
    return false;
  });
  return free;
}

/** Marks [gfn, gfn + n); false when the page tables cannot be had. */
function mark(xen: Xen, domid: number, gfn: number, n: number, order: number): boolean {
  if (n === 0) return true;
  if (!allocTablesFor(xen, domid, gfn, n, order)) return false;
  const d = domainOf(xen, domid);
  const { p2m, replaced } = p2mSet(d.p2m, { gfn, order, count: n / 2 ** order, lanes: [] });
  const again = replaced.reduce((sum, run) => sum + p2mPages(run), 0);
  const pod = { ...d.pod, entryCount: d.pod.entryCount + n - again };
  updateDomain(xen, domid, { p2m, pod, maxMappedPfn: Math.max(d.maxMappedPfn, gfn + n - 1) });
  return true;
}

/**
 * Sets how many pages the domain shall have, populated and cached together; it only ever grows the cache.
 * 0 or -ENOMEM. Models p2m_pod_set_mem_target().
 */
export function podSetMemTarget(xen: Xen, domid: number, target: number): number {
  const heapDomain = heapDomainOf(xen, domid);
  const { pod } = domainOf(xen, domid);
  const populated = heapDomain.totPages - pod.count;
  if (populated > 0 && pod.entryCount === 0) return 0;
  if (heapDomain.isDying || target < heapDomain.totPages) return 0;
  const want = target - populated;
  return podSetCacheTarget(xen, domid, populated > 0 ? Math.min(want, pod.entryCount) : want);
}

/**
 * What happens when the guest touches `gfn`: a promised page is given. `write` says that it is no longer zero.
 * False: the domain ran out of memory and was crashed, or nothing is promised there. Models p2m_pod_demand_populate().
 */
export function podDemandPopulate(xen: Xen, domid: number, gfn: number, write: boolean): boolean {
  for (;;) {
    const run = p2mLookup(domainOf(xen, domid).p2m, gfn);
    if (run === null) return false;
    if (!isPod(run)) {
      if (write) markWritten(xen, domid, gfn, 1);
      return true;
    }
    const order = p2mMappedOrder(run);
    if (order === PAGE_ORDER_1G) {
      // The cache has no 1 GiB pages: the entry falls into 2 MiB ones, and the guest tries again.
      if (!splinter(xen, domid, gfn, PAGE_ORDER_1G, PAGE_ORDER_2M)) return false;
      continue;
    }
    const given = give(xen, domid, gfn, order);
    if (given === 'failed') return false;
    if (given === 'splinter' && !splinter(xen, domid, gfn, PAGE_ORDER_2M, 0)) return false;
  }
}

/** Notes that the guest wrote to [gfn, gfn + n). */
export function markWritten(xen: Xen, domid: number, gfn: number, n: number): void {
  const { written } = domainOf(xen, domid).pod;
  updatePod(xen, domid, { written: cover(written, gfn, gfn + n).set });
}

/** Replaces one promised superpage by smaller promises. */
function splinter(xen: Xen, domid: number, gfn: number, from: number, to: number): boolean {
  const first = Math.floor(gfn / 2 ** from) * 2 ** from;
  if (!allocTablesFor(xen, domid, first, 2 ** from, to)) return false;
  const d = domainOf(xen, domid);
  const entry = { gfn: first, order: to, count: 2 ** (from - to), lanes: [] };
  updateDomain(xen, domid, { p2m: p2mSet(d.p2m, entry).p2m });
  return true;
}

function give(xen: Xen, domid: number, gfn: number, order: number): 'given' | 'failed' | 'splinter' {
  if (heapDomainOf(xen, domid).isDying) return 'failed';
  const { entryCount, count } = domainOf(xen, domid).pod;
  if (entryCount > count) podEagerReclaim(xen, domid);
  if (domainOf(xen, domid).pod.count === 0) podEmergencySweep(xen, domid);
  if (domainOf(xen, domid).pod.count === 0) {
    outOfMemory(xen, domid);
    return 'failed';
  }
  const { maxGuest } = domainOf(xen, domid).pod;
  updatePod(xen, domid, { maxGuest: Math.max(maxGuest, gfn) });
  const mfn = podCacheGet(xen, domid, order);
  if (mfn === null) return 'splinter';
  const size = 2 ** order;
  const first = Math.floor(gfn / size) * size;
  const d = domainOf(xen, domid);
  const { p2m } = p2mSet(d.p2m, { gfn: first, order, count: 1, lanes: [{ mfn, stride: size }] });
  const recent = d.pod.recent.with(d.pod.recentIndex, order === PAGE_ORDER_2M ? first + 0.5 : first);
  const recentIndex = (d.pod.recentIndex + 1) % POD_RECENT_ENTRIES;
  const pod = { ...d.pod, entryCount: d.pod.entryCount - size, recent, recentIndex };
  updateDomain(xen, domid, { p2m, pod });
  return 'given';
}

function outOfMemory(xen: Xen, domid: number): void {
  const { entryCount } = domainOf(xen, domid).pod;
  const tot = heapDomainOf(xen, domid).totPages;
  const text = `p2m_pod_demand_populate: Dom${domid} out of PoD memory! (tot=${tot} ents=${entryCount} dom${domid})`;
  xen.consoleRing = printk(xen.consoleRing, text);
  domainCrash(xen, domid);
}
