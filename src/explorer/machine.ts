/**
 * The machine under the tasks: its CPUs and Xen's heap lock as things that are in use until some moment, and what
 * every request costs there.
 *
 * A request keeps one CPU busy for its cost. An extent takes the heap lock for a part of its cost; who finds it taken
 * spins. Waiting and sleeping keep nothing busy.
 */
import type { ScrubPlace } from '../hypervisor/scrub-pages.ts';
import type { Reply, Request } from '../toolstack/task.ts';
import { type CostModel, extentCosts } from './cost-model.ts';
import type { TraceSink } from './trace-event.ts';

/** `extents`: allocating, assigning and mapping an extent is one thing; `steps`: three, with scrubbing four. */
export type Grain = 'extents' | 'steps';

/** The scrubbing of a node by idle CPUs. */
interface NodeScrub {
  /** Until when what they had time for is done; time in which no CPU was idle is left out. */
  readonly done: number;
  readonly place: ScrubPlace | null;
}

/** Virtual ns everywhere. Changed in place as time goes on. */
export interface Machine {
  readonly costs: CostModel;
  readonly cpus: number;
  /** The tasks that have a CPU, and when their slices end. */
  readonly onCpu: Map<number, number>;
  /** The tasks that wait for one, longest first. */
  readonly cpuQueue: number[];
  heapLockFreeAt: number;
  /** The longest that anybody held the heap lock. */
  longestHeapLock: number;
  /** Time spent spinning on the heap lock, by all. */
  heapLockWait: number;
  /** How far the scrubbing of each node has come, by its place; what is not there has not begun. */
  readonly scrubs: (NodeScrub | undefined)[];
  /** When that was last looked at. */
  scrubSeen: number;
  /** Since when tasks wait for a lock of the toolstack's, by id. */
  readonly waiting: Map<number, number>;
  readonly trace: TraceSink;
  /** What others may come between: the extents of a request, or every step of an extent. */
  readonly grain: Grain;
  /** False: what could be served in one go is served one by one all the same. */
  readonly batches: boolean;
}

export function newMachine(
  costs: CostModel,
  cpus: number,
  trace: TraceSink,
  how: { readonly grain: Grain; readonly batches: boolean },
): Machine {
  const clocks = { heapLockFreeAt: 0, longestHeapLock: 0, heapLockWait: 0, scrubSeen: 0 };
  return {
    scrubs: [],
    costs,
    cpus,
    onCpu: new Map(),
    cpuQueue: [],
    ...clocks,
    waiting: new Map(),
    trace,
    ...how,
  };
}

/** Whether the task has a CPU or gets one; if not, it is in the queue for one now. */
export function takeCpu(machine: Machine, task: number, now: number): boolean {
  if (machine.onCpu.has(task)) return true;
  if (machine.onCpu.size < machine.cpus) {
    machine.onCpu.set(task, now + machine.costs.time_slice);
    return true;
  }
  machine.cpuQueue.push(task);
  return false;
}

/** The task has no use for its CPU any more, or no right to it. Returns the task that gets it, or null. */
export function leaveCpu(machine: Machine, task: number, now: number): number | null {
  if (!machine.onCpu.delete(task)) {
    const waiting = machine.cpuQueue.indexOf(task);
    if (waiting >= 0) machine.cpuQueue.splice(waiting, 1);
    return null;
  }
  const heir = machine.cpuQueue.shift();
  if (heir === undefined) return null;
  machine.onCpu.set(heir, now + machine.costs.time_slice);
  return heir;
}

/** When a task has to make room; never, as long as nobody waits. */
export const sliceEnd = (machine: Machine, task: number): number =>
  machine.cpuQueue.length === 0
    ? Number.POSITIVE_INFINITY
    : (machine.onCpu.get(task) ?? Number.POSITIVE_INFINITY);

/** Takes the heap lock at `now` or as soon as it is free, `times` times in a row; returns how long that spun. */
export function takeHeapLock(
  machine: Machine,
  now: number,
  hold: number,
  every: number,
  times: number,
): number {
  const wait = Math.max(0, machine.heapLockFreeAt - now);
  machine.heapLockFreeAt = now + wait + (times - 1) * every + hold;
  machine.heapLockWait += wait;
  if (hold > machine.longestHeapLock) machine.longestHeapLock = hold;
  return wait;
}

/** The cost of a request that was served whole. `freed`: pages it gave back to the heap, negative if it took some. */
export function wholeCost(machine: Machine, request: Request, reply: Reply, freed: number): number {
  const { costs } = machine;
  switch (request.kind) {
    case 'hypercall':
      switch (request.name) {
        case 'XENMEM_populate_physmap':
        case 'XENMEM_increase_reservation':
          return costs.hypercall + Math.max(0, reply.rc) * extentCosts(costs, request.args.extentOrder).all;
        case 'XENMEM_claim_pages':
          return costs.claim;
        case 'XEN_DOMCTL_createdomain':
          return costs.create_domain;
        case 'XEN_DOMCTL_set_paging_mempool_size':
          return costs.hypercall + Math.abs(freed) * costs.pool_page;
        case 'XENMEM_set_pod_target':
          return costs.hypercall + Math.ceil(Math.max(0, -freed) / 512) * costs.extent_2m;
        case 'XENMEM_decrease_reservation':
          return costs.hypercall + Math.max(0, reply.rc) * 2 ** request.args.extentOrder * costs.balloon_page;
        default:
          return costs.hypercall + Math.max(0, freed) * costs.free_page;
      }
    case 'xs':
      return costs.xenstore;
    case 'userdata':
    case 'file':
      return costs.file;
    default:
      return 0;
  }
}
