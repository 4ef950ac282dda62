/**
 * A hypercall served in parts, so that others run between its heap_lock sections.
 *
 * populate_physmap takes the heap lock once an extent. Between two extents another builder may take what this one was
 * about to get; that is the whole race. So a populate is served for as many extents as begin before anybody else
 * acts, and goes on from there: Xen's own continuation (start_extent) as plain data.
 */
import { hypercall } from '../hypervisor/hypercall.ts';
import type { GfnRun, MemoryReservation } from '../hypervisor/privcmd.ts';
import type { Reply, Request } from '../toolstack/task.ts';
import { extentCosts } from './cost-model.ts';
import { type Machine, takeHeapLock } from './machine.ts';
import type { PopulateRequest, Section, World } from './world.ts';

/** More extents than a hypercall may name are refused as a whole. */
const MAX_EXTENTS = 0x3ffffff;

/** Whether a request is served in parts: it allocates extent by extent and names a frame for each. */
export function isSectioned(request: Request): request is PopulateRequest {
  if (request.kind !== 'hypercall' || request.name !== 'XENMEM_populate_physmap') return false;
  const { nrExtents, extentStart, memFlags } = request.args;
  return (
    extentStart !== null &&
    memFlags.populateOnDemand !== true &&
    nrExtents <= MAX_EXTENTS &&
    extentStart.reduce((sum, run) => sum + run.count, 0) === nrExtents
  );
}

/** What a part led to: the reply once the hypercall is over, or where it stands. */
export interface SectionServed {
  readonly section: Section | null;
  readonly reply: Reply | null;
  readonly took: number;
  readonly extents: number;
}

/** Serves as many extents as begin before `others`, at least one. */
export function serveSection(
  world: World,
  machine: Machine,
  caller: number,
  section: Section,
  others: number,
): SectionServed {
  const { request, done } = section;
  const { nrExtents, extentOrder } = request.args;
  const cost = extentCosts(machine.costs, extentOrder);
  const entry = done === 0 ? machine.costs.hypercall : 0;
  const room = Math.ceil((others - world.now - entry) / Math.max(1, cost.all));
  const count = Math.min(nrExtents - done, Math.max(1, room));
  const args = partOf(request.args, done, count);
  const { rc } = hypercall(
    world.xen,
    { caller, node: 0 },
    { name: 'XENMEM_populate_physmap', args },
  ) as Reply;
  // The extent that fails has taken the lock, too.
  const spun = takeHeapLock(machine, world.now + entry, cost.lock, cost.all, Math.max(1, rc));
  const took = entry + spun + Math.max(1, rc) * cost.all;
  const over = rc < count || done + rc === nrExtents;
  if (!over) return { section: { request, done: done + rc }, reply: null, took, extents: rc };
  return { section: null, reply: { rc: done + rc }, took, extents: rc };
}

/** The extents [from, from + count) of a reservation. */
export function partOf(args: MemoryReservation, from: number, count: number): MemoryReservation {
  if (from === 0 && count === args.nrExtents) return args;
  const runs: GfnRun[] = [];
  let skip = from;
  let left = count;
  for (const run of args.extentStart ?? []) {
    if (left === 0) break;
    if (skip >= run.count) {
      skip -= run.count;
      continue;
    }
    const n = Math.min(run.count - skip, left);
    runs.push({ first: (run.first + skip * run.stride) as GfnRun['first'], count: n, stride: run.stride });
    skip = 0;
    left -= n;
  }
  return { ...args, nrExtents: count, extentStart: runs };
}
