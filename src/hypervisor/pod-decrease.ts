/** Giving memory back while some is still only promised. Models p2m_pod_decrease_reservation(), p2m-pod.c. */
import { uncover } from './intervals.ts';
import { p2mLookup, p2mRemove, p2mWalk } from './p2m.ts';
import {
  isPod,
  type P2mRun,
  PAGE_ORDER_2M,
  p2mEnd,
  p2mMappedOrder,
  p2mMfn,
  p2mPages,
  SUPERPAGE_PAGES,
} from './p2m-run.ts';
import { breakMappingAt } from './paging-pool.ts';
import { podCacheAdd, podSetCacheTarget, podTrimCache, updatePod } from './pod-cache.ts';
import { podZeroCheckSuperpage } from './pod-reclaim.ts';
import { domainOf, heapDomainOf, updateDomain, type Xen } from './xen.ts';

/** What PoD did with a stretch. */
interface Settled {
  /** all: nothing is left for ordinary removal; some: its holes are PoD's doing; none: PoD did not touch it. */
  readonly settled: 'all' | 'some' | 'none';
  /** Frames from the start that this answers for; a multiple of the extent. */
  readonly span: number;
}

/**
 * Offers the extents of 2^order pages in [first, end) to PoD and answers for as many of them at once as meet the same
 * fate. Promises are dropped; while more is promised than cached, pages given back go to the cache instead of the
 * heap; what the cache has too much goes to the heap. Models p2m_pod_decrease_reservation(), xen/arch/x86/mm/p2m-pod.c.
 */
export function podDecreaseRange(
  xen: Xen,
  domid: number,
  first: number,
  end: number,
  order: number,
): Settled {
  const size = 2 ** order;
  const { pod, p2m } = domainOf(xen, domid);
  if (heapDomainOf(xen, domid).isDying) return { settled: 'none', span: end - first };
  const run = p2mLookup(p2m, first);
  const here = run === null ? size : Math.min(end, p2mEnd(run)) - first;
  const whole = Math.floor(here / size) * size;
  if (run !== null && isPod(run) && whole > 0 && order <= PAGE_ORDER_2M) {
    // However many extents are dropped, each cuts the cache by 2 MiB at most, which always goes page by page.
    return dropPromises(xen, domid, first, whole, podTrimCache);
  }
  if (run !== null && !isPod(run) && whole > 0 && pod.entryCount <= pod.count) {
    return { settled: 'none', span: whole };
  }
  return { settled: decreaseExtent(xen, domid, first, order), span: size };
}

function dropPromises(
  xen: Xen,
  domid: number,
  first: number,
  n: number,
  trim: (xen: Xen, domid: number, target: number) => void,
): Settled {
  if (!unmap(xen, domid, first, n)) return { settled: 'none', span: n };
  const { pod } = domainOf(xen, domid);
  const entryCount = pod.entryCount - n;
  updatePod(xen, domid, { entryCount });
  if (entryCount < pod.count) trim(xen, domid, entryCount);
  return { settled: 'all', span: n };
}

/** One extent, as Xen does it. */
function decreaseExtent(xen: Xen, domid: number, gfn: number, order: number): Settled['settled'] {
  const size = 2 ** order;
  let { promised, ram, rest } = census(xen, domid, gfn, gfn + size);
  if (promised === 0 && !isShort(xen, domid)) return 'none';
  if (rest === 0) return dropPromises(xen, domid, gfn, size, podSetCacheTarget).settled;
  if (isShort(xen, domid) && order < PAGE_ORDER_2M && ram === size) {
    const aligned = Math.floor(gfn / SUPERPAGE_PAGES) * SUPERPAGE_PAGES;
    if (podZeroCheckSuperpage(xen, domid, aligned)) {
      promised = size;
      ram = 0;
      rest = 0;
    }
  }
  const before = promised + ram;
  for (const run of runsWithin(xen, domid, gfn, gfn + size)) {
    if (promised === 0 && !(isShort(xen, domid) && ram > 0)) break;
    if (!isPod(run)) {
      const stolen = steal(xen, domid, run);
      ram -= stolen;
      rest -= stolen;
    } else if (unmap(xen, domid, run.gfn, p2mPages(run))) {
      promised -= p2mPages(run);
      updatePod(xen, domid, { entryCount: domainOf(xen, domid).pod.entryCount - p2mPages(run) });
    }
  }
  const { entryCount, count } = domainOf(xen, domid).pod;
  if (entryCount < count) podSetCacheTarget(xen, domid, entryCount);
  if (rest === 0) return 'all';
  return promised + ram < before ? 'some' : 'none';
}

/** More is promised than cached: memory given back is wanted for the cache. Xen: steal_for_cache. */
function isShort(xen: Xen, domid: number): boolean {
  const { entryCount, count } = domainOf(xen, domid).pod;
  return entryCount > count;
}

/** Takes pages given back into the cache, mapping by mapping, until the promises are covered; how many pages. */
function steal(xen: Xen, domid: number, run: P2mRun): number {
  const order = p2mMappedOrder(run);
  const size = 2 ** order;
  let stolen = 0;
  while (stolen < p2mPages(run) && isShort(xen, domid)) {
    const gfn = run.gfn + stolen;
    const mfn = p2mMfn(run, gfn);
    if (mfn === null || !unmap(xen, domid, gfn, size)) break;
    podCacheAdd(xen, domid, { order, count: 1, lanes: [{ mfn, stride: size }] });
    stolen += size;
  }
  return stolen;
}

function unmap(xen: Xen, domid: number, first: number, n: number): boolean {
  if (!breakMappingAt(xen, domid, first) || !breakMappingAt(xen, domid, first + n)) return false;
  const d = domainOf(xen, domid);
  const { p2m } = p2mRemove(d.p2m, first, first + n);
  updateDomain(xen, domid, { p2m, pod: { ...d.pod, written: uncover(d.pod.written, first, first + n) } });
  return true;
}

/** What lies in [gfn, end): promised pages, pages of RAM, and all that is not promised. */
function census(
  xen: Xen,
  domid: number,
  gfn: number,
  end: number,
): { promised: number; ram: number; rest: number } {
  let promised = 0;
  let ram = 0;
  p2mWalk(domainOf(xen, domid).p2m, gfn, (run) => {
    if (run.gfn >= end) return false;
    const n = Math.min(end, p2mEnd(run)) - Math.max(gfn, run.gfn);
    if (isPod(run)) promised += n;
    else ram += n;
    return true;
  });
  return { promised, ram, rest: end - gfn - promised };
}

/** The runs of [gfn, end), cut to it. */
function runsWithin(xen: Xen, domid: number, gfn: number, end: number): readonly P2mRun[] {
  return p2mRemove(domainOf(xen, domid).p2m, gfn, end).removed;
}
