/**
 * A hypercall as a task of plain data: one step is one section under heap_lock, or the work between two of them.
 *
 * Running all steps with nothing in between equals hypercall(). What other CPUs do between two steps is the caller's
 * choice. Steps of one extent: alloc, scrub (only before the domain has run), assign, map.
 */
import { allocHeapPages, newScratch } from './alloc-heap-pages.ts';
import { domainDestroy, domainKill, domainRelinquish, domainTeardown } from './domain.ts';
import { ESRCH } from './errno.ts';
import { assignInFlight, extentInFlight, leaveFlight, takeInFlight } from './extents-in-flight.ts';
import { hasStash } from './heap-domain.ts';
import type { ExtentInFlight, HeapDomain } from './heap-state.ts';
import { hypercall } from './hypercall.ts';
import { type P2mRun, p2mPages } from './p2m-run.ts';
import { heapRequest } from './page-alloc.ts';
import { dirtyRanges } from './page-dirty.ts';
import { allocTablesFor } from './paging-pool.ts';
import { addToPhysmap } from './populate.ts';
import { populateExtents } from './populate-extents.ts';
import type { GfnRun, Hypercall, MemoryReservation } from './privcmd.ts';
import { constructMemop, type HypercallContext, isPrivileged, type Memop, maxOrder } from './reservation.ts';
import { gfn, order, sizeOfOrder } from './units.ts';
import { domainOf, heapDomainOf, type Xen } from './xen.ts';

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
  /** Tells it from others under way: what it has in hand is kept in the heap's `inFlight`. */
  readonly by: number;
}

/** A task after one step; `reply` is there when it has ended. */
interface HypercallStepped {
  readonly task: HypercallTask;
  readonly reply: { readonly rc: number } | null;
}

/** Pages that one step of a destruction frees. Real Xen looks for pending work after each. */
const RELINQUISH_STEP = 512;

/** A hypercall before its first step. `by`: a number that no other one under way has. */
export function hypercallStart(xen: Xen, ctx: HypercallContext, call: Hypercall, by: number): HypercallTask {
  return { ctx, call, at: firstStep(xen, ctx, call), done: 0, by };
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
  const extent = extentInFlight(xen.heap, task.by);
  if (op === null || op.order > maxOrder(task.ctx.caller)) {
    // The domain is gone, and what it had with it; an extent that was not yet its own goes back.
    if (extent !== null && assignInFlight(xen.heap, extent)) leaveFlight(xen.heap, task.by);
    return end(task, task.done);
  }
  if (task.at === 'alloc') return allocStep(xen, task, op);
  // Whoever stopped the vcpu that had it in hand found that the domain may not have it.
  if (extent === null) return end(task, task.done);
  switch (task.at) {
    case 'scrub':
      return next(task, { at: 'assign' });
    case 'assign':
      return assignStep(xen, task, op, extent);
    default:
      return mapStep(xen, task, op, extent);
  }
}

function allocStep(xen: Xen, task: HypercallTask, op: Memop): HypercallStepped {
  if (task.done >= op.count) return end(task, task.done);
  const d = heapDomainOf(xen, op.domid);
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
  takeInFlight(xen.heap, { ...inHand(task, op), mfn, dirtyPages, noScrub, isAssigned: false });
  return next(task, { at: dirtyPages > 0 ? 'scrub' : 'assign' });
}

const inHand = (task: HypercallTask, op: Memop) => ({
  by: task.by,
  caller: task.ctx.caller,
  domid: op.domid,
  order: op.order,
});

/** A stash of an earlier call is looked at first; the heap does that in one go. */
function stashStep(xen: Xen, task: HypercallTask, op: Memop, d: HeapDomain): HypercallStepped {
  const { order: o, node, exact, bits } = op;
  const got = populateExtents(xen.heap, d, { order: o, count: 1, node, exact, bits });
  const first = got.runs[0];
  if (first === undefined) return end(task, task.done);
  const whole = { mfn: first.first, dirtyPages: 0, noScrub: false, isAssigned: true };
  takeInFlight(xen.heap, { ...inHand(task, op), ...whole });
  return next(task, { at: 'map' });
}

function assignStep(xen: Xen, task: HypercallTask, op: Memop, extent: ExtentInFlight): HypercallStepped {
  if (!assignInFlight(xen.heap, extent)) return end(task, task.done);
  if (task.call.name === 'XENMEM_populate_physmap') return next(task, { at: 'map' });
  leaveFlight(xen.heap, task.by);
  return extentDone(task, op);
}

/** The next extent; after the last one there is nothing left to lock. */
const extentDone = (task: HypercallTask, op: Memop): HypercallStepped => {
  const done = task.done + 1;
  return done < op.count ? next(task, { at: 'alloc', done }) : end({ ...task, done }, done);
};

function mapStep(xen: Xen, task: HypercallTask, op: Memop, { mfn }: ExtentInFlight): HypercallStepped {
  const lanes = [{ mfn, stride: 0 }];
  const run: P2mRun = { gfn: gfnOf(op.extents ?? [], task.done), order: op.order, count: 1, lanes };
  leaveFlight(xen.heap, task.by);
  if (!allocTablesFor(xen, op.domid, run.gfn, p2mPages(run), run.order)) return end(task, task.done);
  // Xen keeps no map of a PV guest's, and its dying takes no notice of who still thinks to map a page.
  const isLost = heapDomainOf(xen, op.domid).isDying && domainOf(xen, op.domid).type === 'pv';
  if (!isLost) addToPhysmap(xen, op.domid, run);
  return extentDone(task, op);
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
