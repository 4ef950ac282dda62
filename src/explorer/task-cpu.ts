/** The CPUs under the tasks of a timed run: who has one, who waits for one. */
import type { Reply } from '../toolstack/task.ts';
import { leaveCpu, type Machine, sliceEnd, takeCpu } from './machine.ts';
import type { Run } from './run-state.ts';
import { replaceTask, rescheduleTask, taskOf } from './task-index.ts';
import type { RunningTask } from './world.ts';

/** The reply to a sleep. */
export const SLEPT: Reply = { rc: 0, slept: true };

/** Whether the task has a CPU, or gets one now; if not it is in the queue. Its slice over, it makes room for others. */
export function holdsCpu(run: Run, machine: Machine, task: RunningTask): boolean {
  if (sliceEnd(machine, task.id) <= run.world.now) yieldCpu(run, machine, task.id);
  if (takeCpu(machine, task.id, run.world.now)) return true;
  const pending = task.waiting ? null : task.pending;
  rescheduleTask(run.world, task, { at: null, reply: task.reply, waiting: false, pending });
  return false;
}

/** Gives the task's CPU to the one that waits longest. */
export function yieldCpu(run: Run, machine: Machine, id: number): void {
  const heir = leaveCpu(machine, id, run.world.now);
  const task = heir === null ? undefined : taskOf(run.world, heir);
  if (task === undefined) return;
  replaceTask(run.world, { ...task, at: run.world.now });
  run.wakeAt = run.world.now;
}

/** It lets its CPU go: it waits, or it sleeps until a time of its own choosing. */
export const isAsleep = (task: RunningTask): boolean =>
  task.at === null || task.waiting || task.reply === SLEPT;
