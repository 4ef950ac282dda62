/**
 * A hypercall served in parts, so that others run between its heap_lock sections.
 *
 * populate_physmap takes the heap lock once an extent. Between two extents another builder may take what this one was
 * about to get; that is the whole race. So a populate is served for as many extents as begin before anybody else
 * acts, and goes on from there: Xen's own continuation (start_extent) as plain data.
 */
import { domainRelinquish } from '../hypervisor/domain.ts';
import { extentInFlight } from '../hypervisor/extents-in-flight.ts';
import { hypercall } from '../hypervisor/hypercall.ts';
import { type HypercallTask, hypercallStart, hypercallStep } from '../hypervisor/hypercall-step.ts';
import type { GfnRun, MemoryReservation, MfnRun } from '../hypervisor/privcmd.ts';
import { mfn } from '../hypervisor/units.ts';
import type { Reply, Request } from '../toolstack/task.ts';
import { extentCosts } from './cost-model.ts';
import { dirtyPages, hasDirtyPages } from './idle-scrub.ts';
import { type Machine, takeHeapLock } from './machine.ts';
import type { DecreaseRequest, PopulateRequest, Section, SectionedRequest, World } from './world.ts';

/** Pages a destruction gives back before it looks whether it should yield, and at most in one go. */
const MIN_FREED = 512;
const MAX_FREED = 2 ** 32;
/** Frames in one hypercall of Linux's balloon driver. Linux: PAGE_SIZE / 8. */
const BALLOON_BATCH = 512;
/** Nobody waits for anything that begins before this. */
const NOT_EVEN_ONE = Number.NEGATIVE_INFINITY;
/** More extents than a hypercall may name are refused as a whole. */
const MAX_EXTENTS = 0x3ffffff;

/** Whether a request is served in parts: a destruction, or an allocation that names a frame for each extent. */
export function isSectioned(request: Request): request is SectionedRequest {
  if (request.kind !== 'hypercall') return false;
  if (request.name === 'XEN_DOMCTL_destroydomain') return true;
  if (request.name !== 'XENMEM_populate_physmap' && request.name !== 'XENMEM_decrease_reservation')
    return false;
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

/** Whose hypercall is served: the task, and the domain whose vcpu it runs on. */
export interface ServedBy {
  readonly id: number;
  readonly caller: number;
}

/** Serves as much as begins before `others`, at least one section. */
export function serveSection(
  world: World,
  machine: Machine,
  by: ServedBy,
  section: Section,
  others: number,
): SectionServed {
  const { request } = section;
  const isDestroy = request.name === 'XEN_DOMCTL_destroydomain';
  if (isDestroy || isInsideExtent(section)) return serveSteps(world, machine, by, section, others);
  return machine.grain === 'steps' && request.name === 'XENMEM_populate_physmap'
    ? serveSteps(world, machine, by, section, others)
    : serveExtents(world, machine, by.caller, { ...section, request }, others);
}

/** Whether it stands between two steps of an extent. */
const isInsideExtent = ({ request, task }: Section): boolean =>
  request.name === 'XENMEM_populate_physmap' && task !== undefined;

/**
 * Serves what is done under one lock, whoever else acts: the allocation of an extent, its assignment (scrubbed before) or
 * its mapping, an extent given back, a part of a destruction. Without a machine it takes no time.
 */
export function serveOneSection(
  world: World,
  machine: Machine | null,
  by: ServedBy,
  section: Section,
): SectionServed {
  return section.request.name === 'XENMEM_decrease_reservation'
    ? serveChunk(world, machine, by, section, 1)
    : serveSteps(world, machine, by, section, NOT_EVEN_ONE);
}

function serveExtents(
  world: World,
  machine: Machine,
  caller: number,
  section: Section & { readonly request: PopulateRequest | DecreaseRequest },
  others: number,
): SectionServed {
  const { request, done } = section;
  const { nrExtents } = request.args;
  const isDecrease = request.name === 'XENMEM_decrease_reservation';
  const cost = sectionCosts(machine, request);
  const entry = done === 0 ? machine.costs.hypercall : 0;
  // Where memory is dirty each extent may be: not one more may begin than there is time for.
  const scrub = isDecrease || !hasDirtyPages(world.xen.heap) ? 0 : machine.costs.scrub_page;
  const most = cost.all + scrub * 2 ** request.args.extentOrder;
  const room = Math.ceil((others - world.now - entry) / Math.max(1, most));
  // A balloon driver asks for a batch at a time.
  const batch = isDecrease ? BALLOON_BATCH : 1;
  const count = Math.min(nrExtents - done, Math.max(1, Math.ceil(room / batch)) * batch);
  return serveCount(world, machine, caller, section, count);
}

/**
 * Serves a fixed amount, whoever else acts: `extents` extents, or 512 pages given back for each. Without a machine it
 * takes no time.
 */
export function serveChunk(
  world: World,
  machine: Machine | null,
  by: ServedBy,
  section: Section,
  extents: number,
): SectionServed {
  const { request, done } = section;
  if (request.name === 'XEN_DOMCTL_destroydomain') {
    const free = world.xen.heap.totalAvailPages;
    const part = destroyChunk(world, by, section, extents * MIN_FREED);
    const freed = Math.max(0, world.xen.heap.totalAvailPages - free);
    return machine === null
      ? part
      : { ...part, took: machine.costs.hypercall + freed * machine.costs.free_page };
  }
  if (isInsideExtent(section)) return serveOneSection(world, machine, by, section);
  const count = Math.min(request.args.nrExtents - done, extents);
  return serveCount(world, machine, by.caller, { ...section, request }, count);
}

function destroyChunk(world: World, by: ServedBy, section: Section, pages: number): SectionServed {
  const { request } = section;
  const { kind: _kind, ...call } = request;
  let task = section.task ?? hypercallStart(world.xen, { caller: by.caller, node: 0 }, call, by.id);
  for (;;) {
    if (task.at === 'relinquish' && task.call.name === 'XEN_DOMCTL_destroydomain') {
      const left = relinquish(world, task.call.args.domid, pages);
      if (left > 0) return { section: { request, done: 0, task }, reply: null, took: 0, extents: 0 };
    }
    const stepped = hypercallStep(world.xen, task);
    if (stepped.reply !== null) return { section: null, reply: { ...stepped.reply }, took: 0, extents: 0 };
    task = stepped.task;
  }
}

/** Frees up to so many pages of a domain that dies; how many. None of one that somebody else has destroyed meanwhile. */
const relinquish = ({ xen }: World, domid: number, pages: number): number =>
  xen.domains.has(domid) ? domainRelinquish(xen, domid, pages) : 0;

function serveCount(
  world: World,
  machine: Machine | null,
  caller: number,
  section: Section & { readonly request: PopulateRequest | DecreaseRequest },
  count: number,
): SectionServed {
  const { request, done } = section;
  const { nrExtents } = request.args;
  const args = partOf(request.args, done, count);
  const dirtyBefore = dirtyPages(world.xen.heap);
  const answer: Told = hypercall(world.xen, { caller, node: 0 }, { name: request.name, args });
  const { rc } = answer;
  const scrubbed = Math.max(0, dirtyBefore - dirtyPages(world.xen.heap));
  const took = machine === null ? 0 : extentsTook(world, machine, section, rc, scrubbed);
  const over = rc < count || done + rc === nrExtents;
  const told = toldSoFar(section, answer.frames);
  if (!over) return { section: { request, done: done + rc, ...told }, reply: null, took, extents: rc };
  return { section: null, reply: { rc: done + rc, ...told }, took, extents: rc };
}

/** What one extent costs, and for how much of that the heap lock is held. */
const sectionCosts = (machine: Machine, { name, args }: PopulateRequest | DecreaseRequest) =>
  name === 'XENMEM_decrease_reservation'
    ? { all: machine.costs.balloon_page * 2 ** args.extentOrder, lock: 0 }
    : extentCosts(machine.costs, args.extentOrder);

/** How long a part took that did `rc` extents, from now on. */
function extentsTook(
  world: World,
  machine: Machine,
  { request, done }: Section & { readonly request: PopulateRequest | DecreaseRequest },
  rc: number,
  scrubbed: number,
): number {
  const cost = sectionCosts(machine, request);
  const entry = done === 0 ? machine.costs.hypercall : 0;
  // The extent that fails has taken the lock, too.
  const times = Math.max(1, rc);
  const isDecrease = request.name === 'XENMEM_decrease_reservation';
  if (isDecrease) return entry + times * cost.all;
  // Dirty pages are scrubbed outside of the lock, on the CPU that has allocated them.
  const all = times * cost.all + scrubbed * machine.costs.scrub_page;
  const spun = takeHeapLock(machine, world.now + entry, cost.lock, all / times, times);
  return entry + spun + all;
}

/** The answer to a part, as far as it is used here. */
interface Told {
  readonly rc: number;
  readonly frames?: readonly MfnRun[];
}

/** The frames told so far and those of one part more; after a gap only the beginning is known. */
export function toldSoFar(
  section: Section,
  more: readonly MfnRun[] = [],
): { readonly frames?: readonly MfnRun[] } {
  const before = section.frames ?? [];
  let known = 0;
  for (const { count } of before) known += count;
  const last = before[before.length - 1];
  const [next, ...rest] = known < section.done ? [] : more;
  if (next === undefined) return before.length === 0 ? {} : { frames: before };
  if (last === undefined) return { frames: [next, ...rest] };
  // Builders that take turns are told one frame at a time; what goes on at the same distance is one run.
  const stride = last.count === 1 ? next.first - last.first : last.stride;
  const goesOn =
    next.first === last.first + last.count * stride && (next.count === 1 || next.stride === stride);
  if (!goesOn) return { frames: [...before, next, ...rest] };
  const joined = { first: last.first, count: last.count + next.count, stride };
  return { frames: [...before.slice(0, -1), joined, ...rest] };
}

/** What a step costs, given where the hypercall stood and how long it has been served; it may do the step itself. */
type StepCost = (task: HypercallTask, elapsed: number) => { readonly ns: number; readonly isDone: boolean };

const NOTHING: StepCost = () => ({ ns: 0, isDone: false });

/** Serves steps one after the other while they begin before `others`, and as long as no lock lies between them. */
function serveSteps(
  world: World,
  machine: Machine | null,
  by: ServedBy,
  section: Section,
  others: number,
): SectionServed {
  const { request } = section;
  const { kind: _kind, ...call } = request;
  const { xen } = world;
  const cost = machine === null ? NOTHING : stepCost(world, machine, by, section, others);
  let task = section.task ?? hypercallStart(xen, { caller: by.caller, node: 0 }, call, by.id);
  let took = section.task === undefined && machine !== null ? machine.costs.hypercall : 0;
  let told = toldSoFar(section);
  do {
    const { ns, isDone } = cost(task, took);
    took += ns;
    if (isDone) continue;
    const frames = framesToTell(world, by, request);
    const { task: after, reply } = hypercallStep(xen, task);
    const done = reply?.rc ?? after.done;
    if (done > task.done && frames.length > 0)
      told = toldSoFar({ request, done: task.done, ...told }, frames);
    if (reply !== null)
      return { section: null, reply: { ...reply, ...told }, took, extents: done - section.done };
    task = after;
  } while (world.now + took < others || isAlone(task));
  return {
    section: { request, done: task.done, ...told, task },
    reply: null,
    took,
    extents: task.done - section.done,
  };
}

/** The next step needs no lock, or is the rest of a look that found nothing. */
const isAlone = ({ at }: HypercallTask): boolean => at === 'scrub' || at === 'free';

/** What a PV guest's builder is told once the extent in hand is mapped. */
function framesToTell({ xen }: World, { id }: ServedBy, { name, args }: SectionedRequest): MfnRun[] {
  const extent = name === 'XENMEM_populate_physmap' ? extentInFlight(xen.heap, id) : null;
  if (extent === null || xen.domains.get(args.domid)?.type !== 'pv') return [];
  return [{ first: mfn(extent.mfn), count: 1, stride: 0 }];
}

function stepCost(
  world: World,
  machine: Machine,
  by: ServedBy,
  { request }: Section,
  others: number,
): StepCost {
  return request.name === 'XENMEM_populate_physmap'
    ? populateCost(world, machine, by, request)
    : destroyCost(world, machine, others);
}

/** The parts of an extent: under the lock, scrubbing, and half of the rest each for assigning and mapping. */
function populateCost(world: World, machine: Machine, { id }: ServedBy, request: PopulateRequest): StepCost {
  const { all, lock } = extentCosts(machine.costs, request.args.extentOrder);
  const half = (all - lock) / 2;
  return (task, elapsed) => {
    switch (task.at) {
      case 'alloc':
        return { ns: lock + takeHeapLock(machine, world.now + elapsed, lock, lock, 1), isDone: false };
      case 'scrub': {
        const { dirtyPages } = extentInFlight(world.xen.heap, id) ?? { dirtyPages: 0 };
        return { ns: dirtyPages * machine.costs.scrub_page, isDone: false };
      }
      case 'assign':
        return { ns: Math.floor(half), isDone: false };
      default:
        return { ns: Math.ceil(half), isDone: false };
    }
  };
}

/** Pages are given back for as long as nobody else acts; 512 at least. */
function destroyCost(world: World, machine: Machine, others: number): StepCost {
  const { free_page, hypercall: entry } = machine.costs;
  return (task, elapsed) => {
    if (task.at !== 'relinquish' || task.call.name !== 'XEN_DOMCTL_destroydomain') {
      return { ns: task.at === 'whole' ? 0 : entry, isDone: false };
    }
    const room = Math.ceil((others - world.now - elapsed) / Math.max(1, free_page * MIN_FREED));
    const limit = Math.min(MAX_FREED, Math.max(1, room) * MIN_FREED);
    const before = world.xen.heap.totalAvailPages;
    const left = relinquish(world, task.call.args.domid, limit);
    const ns = Math.max(0, world.xen.heap.totalAvailPages - before) * free_page;
    // The last step finds nothing left and goes on to free the domain.
    return { ns, isDone: left > 0 };
  };
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
