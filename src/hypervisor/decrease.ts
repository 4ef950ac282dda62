/** decrease_reservation: a guest, or a toolstack for it, gives memory back. Models decrease_reservation(), xen/common/memory.c. */

import { extentMfn, groupBlocks } from './extent-group.ts';
import { gfnRanges } from './gfn-ranges.ts';
import type { PageBlocks } from './heap-state.ts';
import { uncover } from './intervals.ts';
import { p2mRemove, p2mWalk } from './p2m.ts';
import { isPod, type P2mRun, p2mEnd } from './p2m-run.ts';
import { freeDomheapPages } from './page-alloc.ts';
import { breakMappingAt } from './paging-pool.ts';
import { podDecreaseRange } from './pod-decrease.ts';
import type { MemoryReservation } from './privcmd.ts';
import { constructMemop, type HypercallContext, maxOrder } from './reservation.ts';
import { domainOf, heapDomainOf, updateDomain, type Xen } from './xen.ts';

/**
 * XENMEM_decrease_reservation: how many extents were given back; never negative. A hole ends it.
 * Models decrease_reservation(), xen/common/memory.c.
 */
export function decreaseReservation(xen: Xen, ctx: HypercallContext, r: MemoryReservation): number {
  const op = constructMemop(xen, ctx, r);
  if (op === null || op.extents === null || op.order > maxOrder(ctx.caller)) return 0;
  const size = 2 ** op.order;
  let done = 0;
  for (const range of gfnRanges(op.extents, op.order, op.count)) {
    const n = range.descending
      ? descending(xen, op.domid, range.first, range.count, op.order)
      : Math.floor(giveBack(xen, op.domid, range.first, range.count * size, op.order) / size);
    done += n;
    if (n < range.count) return done;
  }
  return done;
}

/** Extents downwards from `first`: one stretch where pages are single and nothing is promised, else one by one. */
function descending(xen: Xen, domid: number, first: number, count: number, order: number): number {
  const low = first - (count - 1) * 2 ** order;
  if (order === 0 && domainOf(xen, domid).pod.entryCount === 0) {
    const from = first + 1 - mappedBelow(xen, domid, low, first + 1);
    removePages(xen, domid, from, first + 1, true);
    return first + 1 - from;
  }
  for (let i = 0; i < count; i++) {
    const gfn = first - i * 2 ** order;
    if (giveBack(xen, domid, gfn, 2 ** order, order) < 2 ** order) return i;
  }
  return count;
}

/**
 * Gives back [gfn, gfn + n), n a multiple of 2^order; returns how many frames from the start were dealt with. Promised
 * memory is settled first, extent by extent where it matters.
 */
function giveBack(xen: Xen, domid: number, gfn: number, n: number, order: number): number {
  let at = gfn;
  const end = gfn + n;
  while (at < end) {
    const { pod, type } = domainOf(xen, domid);
    if (type === 'pv' || pod.entryCount === 0) {
      return at - gfn + removeUpToHole(xen, domid, at, end);
    }
    const { settled, span } = podDecreaseRange(xen, domid, at, end, order);
    if (settled === 'none') {
      const n = removeUpToHole(xen, domid, at, at + span);
      if (n < span) return at - gfn + n;
    } else if (settled === 'some' && !removeRest(xen, domid, at, at + span)) {
      return at - gfn;
    }
    at += span;
  }
  return n;
}

/** Removes pages up to the first hole; the frames removed. */
function removeUpToHole(xen: Xen, domid: number, first: number, end: number): number {
  const n = mappedAbove(xen, domid, first, end);
  if (removePages(xen, domid, first, first + n, false)) return n;
  // A superpage cannot be broken for want of a page table: up to there.
  let done = 0;
  while (done < n && removePages(xen, domid, first + done, first + done + 1, false)) done++;
  return done;
}

/** After PoD took its part of an extent: the pages that are left go, the frames PoD emptied are passed over. */
function removeRest(xen: Xen, domid: number, first: number, end: number): boolean {
  const left: (readonly [number, number])[] = [];
  p2mWalk(domainOf(xen, domid).p2m, first, (run) => {
    if (run.gfn >= end) return false;
    if (!isPod(run)) left.push([Math.max(first, run.gfn), Math.min(end, p2mEnd(run))]);
    return true;
  });
  return left.every(([from, to]) => removePages(xen, domid, from, to, false));
}

/** Frames from `first` on with a page behind each. */
function mappedAbove(xen: Xen, domid: number, first: number, end: number): number {
  let at = first;
  p2mWalk(domainOf(xen, domid).p2m, first, (run) => {
    if (run.gfn > at || isPod(run)) return false;
    at = Math.min(end, p2mEnd(run));
    return at < end;
  });
  return at - first;
}

/** Frames below `end` with a page behind each, down to `low`. */
function mappedBelow(xen: Xen, domid: number, low: number, end: number): number {
  let from = low;
  let at = low;
  p2mWalk(domainOf(xen, domid).p2m, low, (run) => {
    if (run.gfn >= end) return false;
    if (isPod(run)) from = p2mEnd(run);
    else if (run.gfn > at) from = run.gfn;
    at = p2mEnd(run);
    return true;
  });
  return at >= end ? Math.max(0, end - from) : 0;
}

/**
 * Unmaps [first, end), all of it mapped, and frees the pages in that order, or from the top down. False, and nothing
 * done, when a superpage would have to be broken and there is no page table for it. Models guest_remove_page().
 */
function removePages(xen: Xen, domid: number, first: number, end: number, topDown: boolean): boolean {
  if (first === end) return true;
  if (!breakMappingAt(xen, domid, first) || !breakMappingAt(xen, domid, end)) return false;
  const d = domainOf(xen, domid);
  const { p2m, removed } = p2mRemove(d.p2m, first, end);
  const pod = { ...d.pod, written: uncover(d.pod.written, first, end) };
  updateDomain(xen, domid, { p2m, pod });
  const heapDomain = heapDomainOf(xen, domid);
  for (const run of topDown ? removed.toReversed() : removed) {
    for (const block of topDown ? blocksTopDown(run) : groupBlocks(run)) {
      freeDomheapPages(xen.heap, heapDomain, block);
    }
  }
  return true;
}

/** The pages of a run as the heap takes them back from the last one to the first. */
function blocksTopDown(run: P2mRun): PageBlocks[] {
  const size = 2 ** run.order;
  const contiguous = run.lanes.length === 1 && (run.count === 1 || run.lanes[0]!.stride === size);
  if (contiguous) {
    const last = extentMfn(run, run.count - 1) + size - 1;
    return [{ mfn: last, order: 0, count: run.count * size, stride: -1 }];
  }
  if (run.order === 0) {
    return groupBlocks(run).map(({ mfn, count, stride }) => ({
      mfn: mfn + (count - 1) * stride,
      order: 0,
      count,
      stride: -stride,
    }));
  }
  const blocks: PageBlocks[] = [];
  for (let i = run.count - 1; i >= 0; i--) {
    blocks.push({ mfn: extentMfn(run, i) + size - 1, order: 0, count: size, stride: -1 });
  }
  return blocks;
}
