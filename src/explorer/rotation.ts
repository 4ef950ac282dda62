/**
 * Builders that take turns, extent by extent, served in one go.
 *
 * Two creates at order 0 act in turn every microsecond: 256 Mi turns for two guests of 512 GiB. While nobody else acts
 * and nobody is refused, a round of turns is like the one before it, whether they wait for the heap lock or not; so k
 * rounds are one allocation of k × n extents, dealt out. The result equals the turns one by one.
 */
import { findHeapDomain } from '../hypervisor/heap-domain.ts';
import { populateInTurns, type TurnsDone } from '../hypervisor/populate-in-turns.ts';
import { extentCosts } from './cost-model.ts';
import { hasDirtyPages } from './idle-scrub.ts';
import { type Machine, sliceEnd } from './machine.ts';
import { partOf, toldSoFar } from './sections.ts';
import { canRun, replaceTask } from './task-index.ts';
import type { PopulateRequest, RunningTask, World } from './world.ts';

/** Fewer rounds than this are not worth the looking. */
const MIN_ROUNDS = 4;

/** Advances every task that is in the middle of a populate by some rounds; false: nothing was done. */
export function advanceTogether(
  machine: Machine | null,
  world: World,
  chosen: RunningTask,
  until: number,
): boolean {
  if (machine === null || !machine.batches || machine.grain !== 'extents') return false;
  const own = populateOf(chosen);
  if (own === null || chosen.section!.done === 0) return false;
  // Dirty extents cost more than clean ones: no turn is like another.
  if (hasDirtyPages(world.xen.heap)) return false;
  const order = own.args.extentOrder;
  const cost = extentCosts(machine.costs, order);
  // A round takes as long as an extent at least: whoever acts before this leaves no time for enough of them.
  const soon = chosen.at! + (MIN_ROUNDS - 1) * cost.all;
  const turns: RunningTask[] = [];
  let end = until;
  let left = Number.POSITIVE_INFINITY;
  for (const task of world.tasks) {
    if (task.at === null || !canRun(world, task)) continue;
    const request = populateOf(task);
    end = Math.min(end, sliceEnd(machine, task.id));
    if (request !== null && task.section!.done > 0 && request.args.extentOrder === order) {
      turns.push(task);
      left = Math.min(left, request.args.nrExtents - task.section!.done - 1);
    } else end = Math.min(end, task.at);
    if (end <= soon) return false;
  }
  if (turns.length < 2 || left < MIN_ROUNDS || turns.some((task) => !machine.onCpu.has(task.id)))
    return false;
  turns.sort((a, b) => a.at! - b.at! || a.id - b.id);
  const round = steadyRound(machine, turns, cost);
  if (round === null) return false;
  // The last turn of all begins before anybody else acts.
  const rounds = Math.min(left, Math.floor((end - turns[turns.length - 1]!.at! - 1) / round.period) + 1);
  if (rounds < MIN_ROUNDS) return false;
  const members = turns.map((task) => ({
    caller: task.domid ?? 0,
    reservation: partOf(populateOf(task)!.args, task.section!.done, rounds),
  }));
  const claims = turns.map((task) => usesClaim(world, task));
  const done = populateInTurns(world.xen, members, rounds);
  if (done === null) return false;
  settleTurns(machine, world, turns, done, round, claims);
  return true;
}

/** The populate that a task is in the middle of, or null. */
const populateOf = (task: RunningTask): PopulateRequest | null =>
  task.section?.request.name === 'XENMEM_populate_physmap' ? task.section.request : null;

/** A round after which all is as before it, only later. */
interface Round {
  /** How much later: ns. */
  readonly period: number;
  /** Time spent spinning on the heap lock in one round, by all. */
  readonly spun: number;
  readonly lock: number;
  /** When the heap lock is free again after the first round. */
  readonly lockFreeAt: number;
}

/**
 * Goes through the clocks of one round: each task gets one extent, spins while the lock is taken, and comes round again
 * after all others. Null where the next round would not be like this one.
 */
function steadyRound(
  machine: Machine,
  turns: readonly RunningTask[],
  { all, lock }: { readonly all: number; readonly lock: number },
): Round | null {
  const before = turns.map((task) => task.at!);
  const after: number[] = [];
  const lockBefore = machine.heapLockFreeAt;
  let lockFreeAt = lockBefore;
  let spun = 0;
  for (const [i, at] of before.entries()) {
    const spin = Math.max(0, lockFreeAt - at);
    spun += spin;
    lockFreeAt = at + spin + lock;
    const again = at + spin + all;
    // Whoever comes next: the one after it, or the first one once more.
    const next = before[i + 1] ?? after[0]!;
    if (next - at > all || again < next) return null;
    after.push(again);
  }
  const period = after[0]! - before[0]!;
  if (period <= 0 || after.some((at, i) => at - before[i]! !== period)) return null;
  if (!keepsOrder(turns, after)) return null;
  const begins = before[0]!;
  const sameLock = Math.max(lockBefore, begins) + period === Math.max(lockFreeAt, begins + period);
  return sameLock ? { period, spun, lock, lockFreeAt } : null;
}

/** Whether each task, having had its turn, comes after all that have not: at equal times lower ids go first. */
function keepsOrder(turns: readonly RunningTask[], after: readonly number[]): boolean {
  const last = turns[turns.length - 1]!;
  return turns.every((task, i) => {
    const again = after[i]!;
    return task.id === last.id || again > last.at! || (again === last.at! && task.id > last.id);
  });
}

/** Whether a task's turns use up a claim of the domain it populates. */
const usesClaim = (world: World, task: RunningTask): boolean => {
  const domid = populateOf(task)!.args.domid;
  return (findHeapDomain(world.xen.heap, Number(domid))?.outstandingPages ?? 0) > 0;
};

function settleTurns(
  machine: Machine,
  world: World,
  turns: readonly RunningTask[],
  { rounds, frames }: TurnsDone,
  round: Round,
  claims: readonly boolean[],
): void {
  const took = rounds * round.period;
  const after = new Map<number, RunningTask>();
  turns.forEach((task, i) => {
    const told = toldSoFar(task.section!, frames[i]);
    const section = { ...task.section!, done: task.section!.done + rounds, ...told };
    const { args } = populateOf(task)!;
    const size = 2 ** args.extentOrder;
    after.set(task.id, { ...task, section, at: task.at! + took });
    machine.trace({
      at: task.at!,
      until: task.at! + took,
      task: task.id,
      name: task.task.name,
      kind: 'populate',
      what: 'XENMEM_populate_physmap',
      domid: Number(args.domid),
      order: Number(args.extentOrder),
      rc: rounds,
      extents: rounds,
      // As it is after this task's last turn: those after it are still to come.
      free: world.xen.heap.totalAvailPages + (turns.length - 1 - i) * size,
      claimed: world.xen.heap.outstandingClaims + claims.slice(i + 1).filter(Boolean).length * size,
    });
  });
  machine.heapLockFreeAt = round.lockFreeAt + took - round.period;
  machine.heapLockWait += rounds * round.spun;
  machine.longestHeapLock = Math.max(machine.longestHeapLock, round.lock);
  for (const task of after.values()) replaceTask(world, task);
}
