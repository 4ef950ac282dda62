/** Tasks come and go: their birth, their end, and who may run at all. */
import type { Reply } from '../toolstack/task.ts';
import type { Run } from './run-state.ts';
import { yieldCpu } from './task-cpu.ts';
import { insertTask, removeTask, replaceTask, taskOf, tasksInside } from './task-index.ts';
import { leaveLock } from './task-lock.ts';
import type { RunningTask, World } from './world.ts';

export const READY: Reply = { rc: 0 };

/** Adds a task that is ready at `at`; returns its id. */
export function addTask(
  world: World,
  task: RunningTask['task'],
  domid: number | null,
  at = world.now,
  id = world.nextTask,
): number {
  world.nextTask = Math.max(world.nextTask, id + 1);
  insertTask(world, {
    id,
    task,
    domid,
    at,
    reply: READY,
    watches: [],
    pending: null,
    waiting: false,
    section: null,
  });
  return id;
}

/** Takes a task out of the world; the locks it held go to those that wait for them. */
export function endTask(run: Run, id: number): void {
  const { world } = run;
  const leaver = taskOf(world, id);
  removeTask(world, id);
  for (const [path, queue] of world.locks) {
    if (leaver !== undefined && queue.includes(id)) leaveLock(run, path, leaver);
  }
  if (run.machine !== null) yieldCpu(run, run.machine, id);
}

/** Puts a task's new record into the world, unless its domain has gone and taken it along. */
export function settleTask(run: Run, next: RunningTask, domid: number | null): void {
  if (domid !== null && !run.world.xen.domains.has(domid)) endTask(run, next.id);
  else replaceTask(run.world, next);
}

/** The tasks of a domain that is no more end with it, and xenstored forgets it. Models domain_cleanup(). */
export function dropGuests(run: Run, domid: number): void {
  const { world } = run;
  if (world.xen.domains.has(domid)) return;
  for (const id of tasksInside(world, domid)) endTask(run, id);
  const { store } = world;
  if (!store.introduced.includes(domid)) return;
  world.store = { ...store, introduced: store.introduced.filter((other) => other !== domid) };
}
