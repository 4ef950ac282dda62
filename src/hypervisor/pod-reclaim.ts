/** Finding pages the guest never wrote, when promises exceed the cache. Models xen/arch/x86/mm/p2m-pod.c. */
import { covered } from './intervals.ts';
import { p2mLookup, p2mSet, p2mWalk } from './p2m.ts';
import { isPod, type P2mRun, PAGE_ORDER_2M, p2mEnd, p2mMfn, SUPERPAGE_PAGES } from './p2m-run.ts';
import { allocTablesFor } from './paging-pool.ts';
import { POD_RECENT_ENTRIES, podCacheAdd, updatePod } from './pod-cache.ts';
import { domainOf, updateDomain, type Xen } from './xen.ts';

/** How far a sweep goes before it stops at the first success. Xen: POD_SWEEP_LIMIT. */
const POD_SWEEP_LIMIT = 1024;
/** Frames that a sweep checks together. Xen: POD_SWEEP_STRIDE. */
const POD_SWEEP_STRIDE = 16;

/**
 * Takes a whole, aligned, contiguous and zero 2 MiB page back into the cache and promises it again. False: it is
 * not such a page. Models p2m_pod_zero_check_superpage().
 */
export function podZeroCheckSuperpage(xen: Xen, domid: number, gfn: number): boolean {
  const d = domainOf(xen, domid);
  const mfn = superpageMfn(d.p2m, gfn);
  if (mfn === null || covered(d.pod.written, gfn, gfn + SUPERPAGE_PAGES) > 0) return false;
  if (!allocTablesFor(xen, domid, gfn, SUPERPAGE_PAGES, PAGE_ORDER_2M)) return false;
  promiseAgain(xen, domid, gfn, PAGE_ORDER_2M, mfn);
  return true;
}

/** The first machine frame behind [gfn, gfn + 512) if they are one aligned stretch of memory, else null. */
function superpageMfn(p2m: Parameters<typeof p2mLookup>[0], gfn: number): number | null {
  const first = p2mLookup(p2m, gfn);
  const mfn = first === null ? null : p2mMfn(first, gfn);
  if (mfn === null || gfn % SUPERPAGE_PAGES !== 0 || mfn % SUPERPAGE_PAGES !== 0) return null;
  let at = gfn;
  p2mWalk(p2m, gfn, (run) => {
    if (run.gfn > at || at >= gfn + SUPERPAGE_PAGES || p2mMfn(run, at) !== mfn + at - gfn) return false;
    at = contiguousEnd(run, at, gfn + SUPERPAGE_PAGES);
    return at === p2mEnd(run);
  });
  return at >= gfn + SUPERPAGE_PAGES ? mfn : null;
}

/** How far machine frames go up with the guest frames from `gfn` on, within `run` and below `end`. */
function contiguousEnd(run: P2mRun, gfn: number, end: number): number {
  const size = 2 ** run.order;
  const ascending = run.lanes.length === 1 && run.lanes[0]!.stride === size;
  const extentEnd = run.gfn + (Math.floor((gfn - run.gfn) / size) + 1) * size;
  return Math.min(end, ascending || run.count === 1 ? p2mEnd(run) : extentEnd);
}

/** Takes one zero page back into the cache and promises it again. Models p2m_pod_zero_check() for one frame. */
function zeroCheck(xen: Xen, domid: number, gfn: number): void {
  const d = domainOf(xen, domid);
  const run = p2mLookup(d.p2m, gfn);
  const mfn = run === null ? null : p2mMfn(run, gfn);
  if (mfn === null || covered(d.pod.written, gfn, gfn + 1) > 0) return;
  if (!allocTablesFor(xen, domid, gfn, 1, 0)) return;
  promiseAgain(xen, domid, gfn, 0, mfn);
}

function promiseAgain(xen: Xen, domid: number, gfn: number, order: number, mfn: number): void {
  const { p2m } = p2mSet(domainOf(xen, domid).p2m, { gfn, order, count: 1, lanes: [] });
  updateDomain(xen, domid, { p2m });
  podCacheAdd(xen, domid, { order, count: 1, lanes: [{ mfn, stride: 2 ** order }] });
  const { entryCount } = domainOf(xen, domid).pod;
  updatePod(xen, domid, { entryCount: entryCount + 2 ** order });
}

/** Looks at the most recently given frames: one at least, more while the cache is empty. Models pod_eager_reclaim(). */
export function podEagerReclaim(xen: Xen, domid: number): void {
  for (let i = 0; i < POD_RECENT_ENTRIES; i++) {
    const { recent, recentIndex } = domainOf(xen, domid).pod;
    const index = (recentIndex + i) % POD_RECENT_ENTRIES;
    const entry = recent[index]!;
    if (entry >= 0) {
      const gfn = Math.floor(entry);
      if (gfn === entry) zeroCheck(xen, domid, gfn);
      else if (!podZeroCheckSuperpage(xen, domid, gfn)) {
        for (let x = 0; x < SUPERPAGE_PAGES; x++) zeroCheck(xen, domid, gfn + x);
      }
      updatePod(xen, domid, { recent: domainOf(xen, domid).pod.recent.with(index, -1) });
    }
    if (domainOf(xen, domid).pod.count > 0) return;
  }
}

/**
 * Goes down through the guest's memory from where the last sweep ended, 16 pages of RAM at a time, and stops below
 * 1024 frames once it found something. Models p2m_pod_emergency_sweep().
 */
export function podEmergencySweep(xen: Xen, domid: number): void {
  const { pod } = domainOf(xen, domid);
  const start = pod.reclaimSingle === 0 ? pod.maxGuest : pod.reclaimSingle;
  const limit = Math.max(0, start - POD_SWEEP_LIMIT);
  let batch: number[] = [];
  let inBatch = 0;
  const flush = (): void => {
    for (const gfn of batch) zeroCheck(xen, domid, gfn);
    batch = [];
    inBatch = 0;
  };
  let i = start;
  while (i > 0) {
    const { stretch, zero } = stretchBelow(xen, domid, i);
    const n = zero === 'ram' ? 1 : passable(stretch, i, limit, batch.length === 0 ? 0 : inBatch);
    if (zero === 'ram') batch.push(i);
    if (zero !== 'none') inBatch += n;
    if (inBatch >= POD_SWEEP_STRIDE) {
      const left = batch.length === 0 ? inBatch % POD_SWEEP_STRIDE : 0;
      flush();
      inBatch = left;
    }
    const lowest = i - n + 1;
    i = lowest;
    if (i < limit && domainOf(xen, domid).pod.count > 0) break;
    i--;
  }
  if (inBatch > 0) flush();
  updatePod(xen, domid, { reclaimSingle: i > 0 ? i - 1 : i });
}

/**
 * How many frames without a zero page to pass at once: not across the limit unseen, and not across the end of a batch
 * that holds candidates (`pending` of its places are used; 0: it holds none).
 */
function passable(stretch: number, i: number, limit: number, pending: number): number {
  const n = pending > 0 ? Math.min(stretch, POD_SWEEP_STRIDE - pending) : stretch;
  return i >= limit ? Math.min(n, i - limit + 1) : n;
}

/** What lies at frame `i`, and how far down it is the same: RAM that is zero, RAM that is not, or no RAM. */
function stretchBelow(
  xen: Xen,
  domid: number,
  i: number,
): { readonly stretch: number; readonly zero: 'ram' | 'written' | 'none' } {
  const { p2m, pod } = domainOf(xen, domid);
  const run = p2mLookup(p2m, i);
  if (run === null) return { stretch: 1, zero: 'none' };
  const within = i - run.gfn + 1;
  if (isPod(run)) return { stretch: Math.min(within, i), zero: 'none' };
  const written = pod.written.find(([s, e]) => i >= s && i < e);
  if (written === undefined) return { stretch: 1, zero: 'ram' };
  return { stretch: Math.min(within, i - written[0] + 1, i), zero: 'written' };
}
