/** Giving memory to a domain. Models populate_physmap() and increase_reservation(), xen/common/memory.c. */
import type { Domain } from './domain-state.ts';
import { type ExtentGroup, extentMfn, reverseLanes, sliceLanes, weave } from './extent-group.ts';
import { gfnRanges } from './gfn-ranges.ts';
import type { ExtentRun } from './heap-state.ts';
import { p2mSet } from './p2m.ts';
import { isPod, type P2mRun, p2mPages } from './p2m-run.ts';
import { tablesAtMost, tablesFor } from './p2m-tables.ts';
import { allocDomheapPages } from './page-alloc.ts';
import { tablesMade } from './paging-pool.ts';
import { markPopulateOnDemand } from './pod.ts';
import { populateExtents } from './populate-extents.ts';
import type { GfnRun, HypercallReply, MemoryReservation, MfnRun } from './privcmd.ts';
import { constructMemop, type HypercallContext, type Memop, maxOrder } from './reservation.ts';
import { mfn, sizeOfOrder } from './units.ts';
import { domainOf, heapDomainOf, updateDomain, type Xen } from './xen.ts';

const MAX_ORDER = 18;

/**
 * XENMEM_populate_physmap: how many extents were done; never negative. A PV guest's builder is told their frames.
 * Models populate_physmap(), xen/common/memory.c.
 */
export function populatePhysmap(
  xen: Xen,
  ctx: HypercallContext,
  r: MemoryReservation,
): HypercallReply<'XENMEM_populate_physmap'> {
  const op = constructMemop(xen, ctx, r);
  if (op === null || op.extents === null) return { rc: 0 };
  const pod = r.memFlags.populateOnDemand === true;
  if (op.order > (pod ? MAX_ORDER : maxOrder(ctx.caller))) return { rc: 0 };
  if (!pod) return populate(xen, op, op.extents);
  if (op.domid === ctx.caller) return { rc: 0 };
  // Xen takes the flag for a PV guest and does nothing.
  if (domainOf(xen, op.domid).type === 'pv') return { rc: op.count };
  return { rc: markPopulateOnDemand(xen, op.domid, op.extents, op.count, op.order) };
}

/**
 * XENMEM_increase_reservation: pages that are owned and mapped nowhere; the extent list is not needed.
 * Models increase_reservation(), xen/common/memory.c.
 */
export function increaseReservation(xen: Xen, ctx: HypercallContext, r: MemoryReservation): number {
  const op = constructMemop(xen, ctx, r);
  if (op === null || op.order > maxOrder(ctx.caller)) return 0;
  const { order, count, node, exact, bits } = op;
  return allocDomheapPages(xen.heap, heapDomainOf(xen, op.domid), { order, count, node, exact, bits }).done;
}

/** The heap part in one go, then the mapping. */
function populate(
  xen: Xen,
  op: Memop,
  extents: readonly GfnRun[],
): HypercallReply<'XENMEM_populate_physmap'> {
  const mappable = mappableExtents(xen, op, extents);
  // The extent that cannot be mapped is allocated all the same and stays with the domain, mapped nowhere.
  const count = Math.min(op.count, mappable + 1);
  const { order, node, exact, bits } = op;
  const heapDomain = heapDomainOf(xen, op.domid);
  const width = bits === undefined ? {} : { bits };
  const got = populateExtents(xen.heap, heapDomain, { order, count, node, exact, ...width });
  const done = Math.min(got.done, mappable);
  mapExtents(xen, op, got.runs, done);
  return domainOf(xen, op.domid).type === 'pv'
    ? { rc: done, frames: framesTold(got.runs, op.order) }
    : { rc: done };
}

/** Extents told one by one at most, where nodes took turns. */
const TOLD_SINGLY = 2048;

/** The extents in the order they were got, as runs of first frames; of a longer rotation of nodes only the beginning. */
export function framesTold(runs: readonly ExtentRun[], order: number): MfnRun[] {
  const out: MfnRun[] = [];
  for (const group of weave(runs, order)) {
    const lane = group.lanes[0]!;
    if (group.lanes.length === 1) out.push({ first: mfn(lane.mfn), count: group.count, stride: lane.stride });
    else {
      for (let i = 0; i < group.count && i < TOLD_SINGLY; i++)
        out.push({ first: mfn(extentMfn(group, i)), count: 1, stride: 0 });
      if (group.count > TOLD_SINGLY) break;
    }
  }
  return out;
}

/** Maps the first `done` extents that the heap gave for a request. */
export function mapExtents(xen: Xen, op: Memop, runs: readonly ExtentRun[], done: number): void {
  if (op.extents === null) return;
  const [run] = runs;
  const [extent] = op.extents;
  // Most of the time one run of machine memory goes to one range of the guest's.
  if (run !== undefined && extent !== undefined && runs.length === 1 && done > 0) {
    const { order } = op;
    if (extent.count >= done && (done === 1 || extent.stride === 2 ** order)) {
      const lanes = [{ mfn: run.first, stride: run.stride }];
      addToPhysmap(xen, op.domid, { order, count: done, lanes, gfn: extent.first });
      return;
    }
  }
  for (const run of placeGroups(op.extents, weave(runs, op.order), done)) addToPhysmap(xen, op.domid, run);
}

/**
 * Maps `run`, for which the page tables are there or can be had. What was mapped before stays owned, mapped nowhere;
 * a populate-on-demand entry it replaces is no longer owed. Models guest_physmap_add_page(), xen/arch/x86/mm/p2m.c.
 */
export function addToPhysmap(xen: Xen, domid: number, run: P2mRun): void {
  updateDomain(xen, domid, physmapMade(domainOf(xen, domid), run));
}

/** What addToPhysmap() changes in a record. */
export function physmapMade(d: Domain, run: P2mRun): Partial<Domain> {
  const made = tablesMade(d, run.gfn, p2mPages(run), run.order);
  const { p2m, replaced } = p2mSet(d.p2m, run);
  let owed = 0;
  for (const old of replaced) if (isPod(old)) owed += p2mPages(old);
  const pod = owed === 0 ? d.pod : { ...d.pod, entryCount: d.pod.entryCount - owed };
  const maxMappedPfn = Math.max(d.maxMappedPfn, run.gfn + p2mPages(run) - 1);
  return { ...made, p2m, pod, maxMappedPfn };
}

/** How many of the first extents the paging pool has page tables for. */
export function mappableExtents(xen: Xen, op: Memop, extents: readonly GfnRun[]): number {
  const d = domainOf(xen, op.domid);
  if (d.type === 'pv' || d.paging.freePages >= tablesAtMost(extents, op.order)) return op.count;
  let { tables } = d;
  let free = d.paging.freePages;
  let done = 0;
  for (const range of gfnRanges(extents, op.order, op.count)) {
    const need = (n: number) => tablesFor(tables, range.lowest(n), n * sizeOfOrder(op.order), op.order);
    const whole = need(range.count);
    if (whole.added > free) {
      let lo = 0;
      let hi = range.count;
      while (hi - lo > 1) {
        const mid = Math.floor((lo + hi) / 2);
        if (need(mid).added <= free) lo = mid;
        else hi = mid;
      }
      return done + lo;
    }
    tables = whole.tables;
    free -= whole.added;
    done += range.count;
  }
  return done;
}

/** The guest frames of the first `done` extents joined with the frames that were allocated for them, in order. */
function placeGroups(extents: readonly GfnRun[], groups: readonly ExtentGroup[], done: number): P2mRun[] {
  const out: P2mRun[] = [];
  const order = groups[0]?.order ?? 0;
  const size = sizeOfOrder(order);
  let g = 0;
  let used = 0;
  for (const range of gfnRanges(extents, order, done)) {
    for (let placed = 0; placed < range.count; ) {
      const group = groups[g]!;
      const n = Math.min(range.count - placed, group.count - used);
      const lanes = used === 0 && n === group.count ? group.lanes : sliceLanes(group, used, used + n);
      const gfn = range.descending ? range.first - (placed + n - 1) * size : range.first + placed * size;
      const part = { gfn, order, count: n, lanes };
      out.push(range.descending ? { gfn, order, count: n, lanes: reverseLanes(part) } : part);
      placed += n;
      used += n;
      if (used === group.count) {
        g++;
        used = 0;
      }
    }
  }
  return out;
}
