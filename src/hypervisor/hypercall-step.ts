/**
 * A hypercall as a task of plain data: one step is one section under heap_lock, or the work between two of them.
 *
 * Running all steps with nothing in between equals hypercall(). What other CPUs do between two steps is the caller's
 * choice. Steps of one extent: alloc, scrub (only before the domain has run), assign, map.
 */
import { allocHeapPages, newScratch } from './alloc-heap-pages.ts';
import { domainDestroy, domainKill, domainRelinquish, domainTeardown } from './domain.ts';
import { ESRCH } from './errno.ts';
import { freeHeapPages } from './free-heap-pages.ts';
import { hasStash } from './heap-domain.ts';
import { type HeapDomain, KIND_OWNED } from './heap-state.ts';
import { hypercall } from './hypercall.ts';
import { appendOwned } from './owned-pages.ts';
import { type P2mRun, p2mPages } from './p2m-run.ts';
import { assignable, countAssigned, heapRequest } from './page-alloc.ts';
import { dirtyRanges } from './page-dirty.ts';
import { relieve } from './page-region.ts';
import { allocTablesFor } from './paging-pool.ts';
import { addToPhysmap } from './populate.ts';
import { populateExtents } from './populate-extents.ts';
import type { GfnRun, Hypercall, MemoryReservation } from './privcmd.ts';
import { constructMemop, type HypercallContext, isPrivileged, type Memop, maxOrder } from './reservation.ts';
import { gfn, order, sizeOfOrder } from './units.ts';
import { heapDomainOf, type Xen } from './xen.ts';

/** Where a hypercall stands. */
export interface HypercallTask {
  readonly ctx: HypercallContext;
  readonly call: Hypercall;
  /** What the next step does. */
  readonly at:
    | 'whole'
    | 'alloc'
    | 'scrub'
    | 'assign'
    | 'map'
    | 'extent'
    | 'kill'
    | 'teardown'
    | 'relinquish'
    | 'free';
  /** Extents done: what a continuation carries. Xen: start_extent. */
  readonly done: number;
  /** The extent in hand: taken from the heap, not yet the domain's, or not yet mapped. */
  readonly extent: { readonly mfn: number; readonly dirtyPages: number; readonly noScrub: boolean } | null;
}

/** A task after one step; `reply` is there when it has ended. */
interface HypercallStepped {
  readonly task: HypercallTask;
  readonly reply: { readonly rc: number } | null;
}

/** Pages that one step of a destruction frees. Real Xen looks for pending work after each. */
const RELINQUISH_STEP = 512;

/** A hypercall before its first step. */
export function hypercallStart(xen: Xen, ctx: HypercallContext, call: Hypercall): HypercallTask {
  return { ctx, call, at: firstStep(xen, ctx, call), done: 0, extent: null };
}

function firstStep(xen: Xen, ctx: HypercallContext, call: Hypercall): HypercallTask['at'] {
  switch (call.name) {
    case 'XENMEM_populate_physmap':
      return call.args.memFlags.populateOnDemand === true || call.args.extentStart === null
        ? 'whole'
        : 'alloc';
    case 'XENMEM_increase_reservation':
      return 'alloc';
    case 'XENMEM_decrease_reservation':
      return call.args.extentStart === null ? 'whole' : 'extent';
    case 'XEN_DOMCTL_destroydomain': {
      const { domid } = call.args;
      const allowed = isPrivileged(ctx.caller) && xen.domains.has(domid) && domid !== ctx.caller;
      return allowed ? 'kill' : 'whole';
    }
    default:
      return 'whole';
  }
}

/** One step. The given task is not changed; `xen` is. */
export function hypercallStep(xen: Xen, task: HypercallTask): HypercallStepped {
  const { call } = task;
  if (call.name === 'XENMEM_populate_physmap' || call.name === 'XENMEM_increase_reservation') {
    return task.at === 'whole' ? whole(xen, task) : allocationStep(xen, task, call.args);
  }
  if (call.name === 'XENMEM_decrease_reservation' && task.at === 'extent') {
    return decreaseStep(xen, task, call.args);
  }
  if (call.name === 'XEN_DOMCTL_destroydomain' && task.at !== 'whole') {
    return destroyStep(xen, task, call.args.domid);
  }
  return whole(xen, task);
}

/** Runs a task to its end: what hypercall() does, one step at a time. */
export function hypercallRun(xen: Xen, start: HypercallTask): { readonly rc: number } {
  let stepped = hypercallStep(xen, start);
  while (stepped.reply === null) stepped = hypercallStep(xen, stepped.task);
  return stepped.reply;
}

function whole(xen: Xen, task: HypercallTask): HypercallStepped {
  return { task, reply: hypercall(xen, task.ctx, task.call as Parameters<typeof hypercall>[2]) };
}

const end = (task: HypercallTask, rc: number): HypercallStepped => ({ task, reply: { rc } });
const next = (task: HypercallTask, change: Partial<HypercallTask>): HypercallStepped => ({
  task: { ...task, ...change },
  reply: null,
});

function allocationStep(xen: Xen, task: HypercallTask, args: MemoryReservation): HypercallStepped {
  const op = constructMemop(xen, task.ctx, args);
  if (op === null || op.order > maxOrder(task.ctx.caller)) {
    // The domain is gone, and what it had with it; an extent that was not yet its own goes back.
    if (task.extent !== null && task.at !== 'map') giveUp(xen, task.extent, args.extentOrder);
    return end({ ...task, extent: null }, task.done);
  }
  const heapDomain = heapDomainOf(xen, op.domid);
  switch (task.at) {
    case 'alloc':
      return allocStep(xen, task, op, heapDomain);
    case 'scrub':
      return next(task, { at: 'assign' });
    case 'assign':
      return assignStep(xen, task, op, heapDomain);
    default:
      return mapStep(xen, task, op);
  }
}

function allocStep(xen: Xen, task: HypercallTask, op: Memop, d: HeapDomain): HypercallStepped {
  if (task.done >= op.count) return end(task, task.done);
  const populating = task.call.name === 'XENMEM_populate_physmap';
  if (populating && hasStash(xen.heap, d)) return stashStep(xen, task, op, d);
  const noScrub = populating && !d.creationFinished;
  const request = heapRequest(xen.heap, d, {
    order: op.order,
    count: 1,
    node: op.node,
    exact: op.exact,
    noScrub,
    bits: op.bits,
  });
  const scratch = newScratch();
  let mfn = -1;
  const got = allocHeapPages(xen.heap, request, 1, 0, scratch, (first) => {
    mfn = first;
  });
  if (got === 0) return end(task, task.done);
  const dirty = noScrub ? dirtyRanges(xen.heap, mfn, sizeOfOrder(op.order), scratch.lastDirty) : [];
  const dirtyPages = dirty.reduce((sum, [from, to]) => sum + to - from, 0);
  return next(task, { at: dirtyPages > 0 ? 'scrub' : 'assign', extent: { mfn, dirtyPages, noScrub } });
}

/** A stash of an earlier call is looked at first; the heap does that in one go. */
function stashStep(xen: Xen, task: HypercallTask, op: Memop, d: HeapDomain): HypercallStepped {
  const { order: o, node, exact, bits } = op;
  const got = populateExtents(xen.heap, d, { order: o, count: 1, node, exact, bits });
  const first = got.runs[0];
  if (first === undefined) return end(task, task.done);
  return next(task, { at: 'map', extent: { mfn: first.first, dirtyPages: 0, noScrub: false } });
}

function assignStep(xen: Xen, task: HypercallTask, op: Memop, d: HeapDomain): HypercallStepped {
  const { mfn } = task.extent!;
  const size = sizeOfOrder(op.order);
  if (d.isDying || assignable(xen.heap, d, size) === 0) {
    giveUp(xen, task.extent!, op.order);
    return end({ ...task, extent: null }, task.done);
  }
  appendOwned(xen.heap, d, KIND_OWNED, mfn, 1, size, size);
  relieve(xen.heap);
  countAssigned(xen.heap, d, size, false);
  const mapped = task.call.name === 'XENMEM_populate_physmap';
  return mapped ? next(task, { at: 'map' }) : next(task, { at: 'alloc', done: task.done + 1, extent: null });
}

/** Frees an extent that was not assigned. */
function giveUp(xen: Xen, extent: NonNullable<HypercallTask['extent']>, o: number): void {
  freeHeapPages(xen.heap, extent.mfn, o, extent.noScrub);
  relieve(xen.heap);
}

function mapStep(xen: Xen, task: HypercallTask, op: Memop): HypercallStepped {
  const size = sizeOfOrder(op.order);
  const lanes = [{ mfn: task.extent!.mfn, stride: size }];
  const run: P2mRun = { gfn: gfnOf(op.extents ?? [], task.done), order: op.order, count: 1, lanes };
  if (!allocTablesFor(xen, op.domid, run.gfn, p2mPages(run), run.order)) {
    return end({ ...task, extent: null }, task.done);
  }
  addToPhysmap(xen, op.domid, run);
  return next(task, { at: 'alloc', done: task.done + 1, extent: null });
}

/** The guest frame of extent `i` of a list. */
function gfnOf(extents: readonly GfnRun[], i: number): number {
  let left = i;
  for (const run of extents) {
    if (left < run.count) return run.first + left * run.stride;
    left -= run.count;
  }
  return -1;
}

function decreaseStep(xen: Xen, task: HypercallTask, args: MemoryReservation): HypercallStepped {
  const op = constructMemop(xen, task.ctx, args);
  if (op === null || op.extents === null || task.done >= op.count) return end(task, task.done);
  const at = gfn(gfnOf(op.extents, task.done));
  const one: MemoryReservation = {
    ...args,
    nrExtents: 1,
    extentStart: [{ first: at, count: 1, stride: sizeOfOrder(op.order) }],
    extentOrder: order(op.order),
  };
  const { rc } = hypercall(xen, task.ctx, { name: 'XENMEM_decrease_reservation', args: one });
  return rc === 1 ? next(task, { done: task.done + 1 }) : end(task, task.done);
}

function destroyStep(xen: Xen, task: HypercallTask, domid: number): HypercallStepped {
  // A continuation is a new domctl, which looks for the domain again: somebody else may have come to the end of it.
  if (!xen.domains.has(domid)) return end(task, -ESRCH);
  switch (task.at) {
    case 'kill':
      domainKill(xen, domid);
      return next(task, { at: 'teardown' });
    case 'teardown':
      domainTeardown(xen, domid);
      return next(task, { at: 'relinquish' });
    case 'relinquish':
      return domainRelinquish(xen, domid, RELINQUISH_STEP) > 0 ? next(task, {}) : next(task, { at: 'free' });
    default:
      domainDestroy(xen, domid);
      return end(task, 0);
  }
}
