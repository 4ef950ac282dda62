/**
 * The pages behind populate-on-demand: owned by the domain, on no page_list. Models xen/arch/x86/mm/p2m-pod.c.
 */
import { printk } from './console-ring.ts';
import type { PodState } from './domain-state.ts';
import { ENOMEM } from './errno.ts';
import {
  addTail,
  type ExtentGroup,
  groupBlocks,
  groupPages,
  listPages,
  removeHead,
  weave,
} from './extent-group.ts';
import { PAGE_ORDER_1G, PAGE_ORDER_2M, SUPERPAGE_PAGES } from './p2m-run.ts';
import { allocDomheapPages, freeDomheapPages } from './page-alloc.ts';
import { pageListAddTail, pageListDel } from './pod-pages.ts';
import { domainOf, heapDomainOf, updateDomain, type Xen } from './xen.ts';

/** How many frames pod.mrp remembers. Xen: NR_POD_MRP_ENTRIES. */
export const POD_RECENT_ENTRIES = 32;

export const NO_POD: PodState = {
  entryCount: 0,
  count: 0,
  super: [],
  single: [],
  maxGuest: 0,
  reclaimSingle: 0,
  recent: Array.from({ length: POD_RECENT_ENTRIES }, () => -1),
  recentIndex: 0,
  written: [],
};

/** Replaces some fields of a domain's PoD state. */
export function updatePod(xen: Xen, domid: number, change: Partial<PodState>): PodState {
  const pod = { ...domainOf(xen, domid).pod, ...change };
  updateDomain(xen, domid, { pod });
  return pod;
}

/**
 * Takes owned pages off page_list into the cache. Extents of 1 GiB go in as 2 MiB pages, all but 2 MiB ones as
 * 4 KiB pages. Models p2m_pod_cache_add().
 */
export function podCacheAdd(xen: Xen, domid: number, group: ExtentGroup): void {
  const heapDomain = heapDomainOf(xen, domid);
  for (const block of groupBlocks(group)) pageListDel(xen.heap, heapDomain, block);
  const { pod } = domainOf(xen, domid);
  const asSuper = group.order === PAGE_ORDER_2M || group.order === PAGE_ORDER_1G;
  const order = asSuper ? PAGE_ORDER_2M : 0;
  let list = asSuper ? pod.super : pod.single;
  for (const part of broken(group, order)) list = addTail(list, part);
  const count = pod.count + groupPages(group);
  updatePod(xen, domid, asSuper ? { count, super: list } : { count, single: list });
}

/** The pages of `group` in order as extents of a smaller order. */
function broken(group: ExtentGroup, order: number): ExtentGroup[] {
  if (group.order === order) return [group];
  const count = 2 ** (group.order - order);
  const out: ExtentGroup[] = [];
  const p = group.lanes.length;
  for (let i = 0; i < group.count; i++) {
    const lane = group.lanes[i % p]!;
    out.push({
      order,
      count,
      lanes: [{ mfn: lane.mfn + Math.floor(i / p) * lane.stride, stride: 2 ** order }],
    });
  }
  return out;
}

/**
 * Takes one page of `order` (0 or 9) out of the cache and puts it back on page_list; null: a 2 MiB page is wanted
 * and there is none. The cache is not empty. Models p2m_pod_cache_get().
 */
export function podCacheGet(xen: Xen, domid: number, order: number): number | null {
  const { pod } = domainOf(xen, domid);
  if (order === PAGE_ORDER_2M) {
    if (pod.super.length === 0) return null;
    const { taken, rest } = removeHead(pod.super, 1);
    updatePod(xen, domid, { super: rest, count: pod.count - SUPERPAGE_PAGES });
    return backOnPageList(xen, domid, taken[0]!);
  }
  let { single, super: supers } = pod;
  if (single.length === 0) {
    const { taken, rest } = removeHead(supers, 1);
    supers = rest;
    single = broken(taken[0]!, 0);
  }
  const { taken, rest } = removeHead(single, 1);
  updatePod(xen, domid, { single: rest, super: supers, count: pod.count - 1 });
  return backOnPageList(xen, domid, taken[0]!);
}

function backOnPageList(xen: Xen, domid: number, group: ExtentGroup): number {
  const heapDomain = heapDomainOf(xen, domid);
  for (const block of groupBlocks(group)) pageListAddTail(xen.heap, heapDomain, block);
  return group.lanes[0]!.mfn;
}

/**
 * Brings the cache to `target` pages: grows by 2 MiB pages, then by single ones; shrinks likewise. -ENOMEM keeps what
 * it got. Models p2m_pod_set_cache_target().
 */
export function podSetCacheTarget(xen: Xen, domid: number, target: number): number {
  const { count } = domainOf(xen, domid).pod;
  if (target < count) {
    const surplus = count - target;
    shrink(xen, domid, surplus, Math.max(0, Math.ceil((surplus - SUPERPAGE_PAGES) / SUPERPAGE_PAGES)));
  }
  if (target <= count) return 0;
  grow(xen, domid, PAGE_ORDER_2M, Math.floor((target - count) / SUPERPAGE_PAGES));
  // Where the heap has no 2 MiB page left it will not have one after single pages were taken from it either.
  const missing = target - domainOf(xen, domid).pod.count;
  grow(xen, domid, 0, missing);
  const reached = domainOf(xen, domid).pod.count;
  if (reached === target) return 0;
  const text = `p2m_pod_set_cache_target: Unable to allocate page for PoD cache (target=${target} cache=${reached})`;
  xen.consoleRing = printk(xen.consoleRing, text);
  return -ENOMEM;
}

function grow(xen: Xen, domid: number, order: number, count: number): void {
  if (count === 0) return;
  const request = { order, count, node: null, exact: false };
  const got = allocDomheapPages(xen.heap, heapDomainOf(xen, domid), request);
  for (const group of weave(got.runs, order)) podCacheAdd(xen, domid, group);
}

/** Shrinks the cache to `target` in steps of 2 MiB at most, each of which goes page by page. */
export function podTrimCache(xen: Xen, domid: number, target: number): void {
  shrink(xen, domid, domainOf(xen, domid).pod.count - target, 0);
}

/** 2 MiB pages, `wholeMax` of them: while more than 2 MiB is too much. */
function shrink(xen: Xen, domid: number, surplus: number, wholeMax: number): void {
  const { pod } = domainOf(xen, domid);
  const supers = pod.super.reduce((sum, group) => sum + group.count, 0);
  const whole = Math.min(supers, wholeMax);
  const first = removeHead(pod.super, whole);
  const left = surplus - whole * SUPERPAGE_PAGES;
  const singles = listPages(pod.single);
  const fromSingle = removeHead(pod.single, Math.min(left, singles));
  const fromBroken = left - Math.min(left, singles);
  // A broken 2 MiB page is given back page by page, ascending: a whole one at a time is the same.
  const breaks = removeHead(first.rest, Math.floor(fromBroken / SUPERPAGE_PAGES));
  const rest = fromBroken % SUPERPAGE_PAGES;
  const last = removeHead(breaks.rest, rest > 0 ? 1 : 0);
  const pieces = removeHead(
    last.taken.flatMap((group) => broken(group, 0)),
    rest,
  );
  const freed = [...first.taken, ...fromSingle.taken, ...breaks.taken, ...pieces.taken];
  const single = [...fromSingle.rest, ...pieces.rest];
  updatePod(xen, domid, { super: last.rest, single, count: pod.count - surplus });
  const heapDomain = heapDomainOf(xen, domid);
  for (const group of freed) {
    for (const block of groupBlocks(group)) {
      pageListAddTail(xen.heap, heapDomain, block);
      freeDomheapPages(xen.heap, heapDomain, block);
    }
  }
}

/** Puts the whole cache back on page_list of a dying domain. Models p2m_pod_empty_cache(). */
export function podEmptyCache(xen: Xen, domid: number): void {
  const { pod } = domainOf(xen, domid);
  if (pod.count === 0) return;
  for (const group of [...pod.super, ...pod.single]) backOnPageList(xen, domid, group);
  updatePod(xen, domid, { super: [], single: [], count: 0 });
}
