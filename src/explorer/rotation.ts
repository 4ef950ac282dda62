/**
 * Builders that take turns, extent by extent, served in one go.
 *
 * Two creates at order 0 act in turn every microsecond: 256 Mi turns for two guests of 512 GiB. While nobody else
 * acts, nobody is refused, no claim is used up and no lock is waited for, a turn is like the one before it; so k
 * rounds are one allocation of k × n extents, dealt out. The result equals the turns one by one.
 */
import { populateInTurns } from '../hypervisor/populate-in-turns.ts';
import { extentCosts } from './cost-model.ts';
import { type Machine, sliceEnd } from './machine.ts';
import { partOf } from './sections.ts';
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
  if (own === null) return false;
  const order = own.args.extentOrder;
  const { all: period, lock } = extentCosts(machine.costs, order);
  const turns: RunningTask[] = [];
  let end = until;
  for (const task of world.tasks) {
    if (task.at === null) continue;
    const request = populateOf(task);
    end = Math.min(end, sliceEnd(machine, task.id));
    if (request !== null && task.section!.done > 0 && request.args.extentOrder === order) turns.push(task);
    else end = Math.min(end, task.at);
  }
  if (turns.length < 2 || turns.some((task) => !machine.onCpu.has(task.id))) return false;
  turns.sort((a, b) => a.at! - b.at! || a.id - b.id);
  if (!isSteady(machine, turns, period, lock)) return false;
  let rounds = Math.floor((end - turns[turns.length - 1]!.at! - 1) / period) + 1;
  for (const task of turns)
    rounds = Math.min(rounds, populateOf(task)!.args.nrExtents - task.section!.done - 1);
  if (rounds < MIN_ROUNDS) return false;
  const members = turns.map((task) => ({
    caller: task.domid ?? 0,
    reservation: partOf(populateOf(task)!.args, task.section!.done, rounds),
  }));
  const done = populateInTurns(world.xen, members, rounds);
  if (done === 0) return false;
  settleTurns(machine, world, turns, done, { period, lock, size: 2 ** order });
  return true;
}

/** The populate that a task is in the middle of, or null. */
const populateOf = (task: RunningTask): PopulateRequest | null =>
  task.section?.request.name === 'XENMEM_populate_physmap' ? task.section.request : null;

/** Whether the turns repeat as they are: in distinct slots of the period, none waiting for the lock or a CPU. */
function isSteady(machine: Machine, turns: readonly RunningTask[], period: number, lock: number): boolean {
  const first = turns[0]!.at!;
  if (machine.heapLockFreeAt > first) return false;
  for (let i = 0; i < turns.length; i++) {
    const next = i + 1 < turns.length ? turns[i + 1]!.at! : first + period;
    if (next - turns[i]!.at! < Math.max(lock, 1)) return false;
  }
  return true;
}

function settleTurns(
  machine: Machine,
  world: World,
  turns: readonly RunningTask[],
  rounds: number,
  extent: { readonly period: number; readonly lock: number; readonly size: number },
): void {
  const took = rounds * extent.period;
  const after = new Map<number, RunningTask>();
  turns.forEach((task, i) => {
    const section = { ...task.section!, done: task.section!.done + rounds };
    after.set(task.id, { ...task, section, at: task.at! + took });
    machine.trace({
      at: task.at!,
      until: task.at! + took,
      task: task.id,
      name: task.task.name,
      kind: 'populate',
      what: 'XENMEM_populate_physmap',
      domid: Number(section.request.args.domid),
      order: 0,
      rc: rounds,
      extents: rounds,
      free: world.xen.heap.totalAvailPages + (turns.length - 1 - i) * extent.size,
      claimed: world.xen.heap.outstandingClaims,
    });
  });
  machine.heapLockFreeAt = turns[turns.length - 1]!.at! + took - extent.period + extent.lock;
  machine.longestHeapLock = Math.max(machine.longestHeapLock, extent.lock);
  world.tasks = world.tasks.map((task) => after.get(task.id) ?? task);
}
