/** Tasks come and go: their birth, their end, and who may run at all. */
import type { Reply } from '../toolstack/task.ts';
import type { Run } from './run-state.ts';
import { yieldCpu } from './task-cpu.ts';
import { leaveLock } from './task-lock.ts';
import { replaceTask } from './watches.ts';
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
  const fresh = {
    id,
    task,
    domid,
    at,
    reply: READY,
    watches: [],
    pending: null,
    waiting: false,
    section: null,
  };
  world.tasks = [...world.tasks, fresh];
  return id;
}

/** Takes a task out of the world; the locks it held go to those that wait for them. */
export function endTask(run: Run, id: number): void {
  const { world } = run;
  world.tasks = world.tasks.filter((t) => t.id !== id);
  for (const [path, queue] of world.locks) if (queue.includes(id)) leaveLock(run, path, id);
  if (run.machine !== null) yieldCpu(run, run.machine, id);
}

/** A guest's program stands still while its domain does. */
export function canRun(world: World, task: RunningTask): boolean {
  if (task.domid === null) return true;
  const domain = world.xen.domains.get(task.domid);
  return domain !== undefined && domain.controllerPauseCount === 0 && !domain.isShutDown;
}

/** Puts a task's new record into the world, unless its domain has gone and taken it along. */
export function settleTask(run: Run, next: RunningTask, domid: number | null): void {
  if (domid !== null && !run.world.xen.domains.has(domid)) endTask(run, next.id);
  else replaceTask(run.world, next);
}

/** The tasks of domains that are no more end with them, and xenstored forgets them. Models domain_cleanup(). */
export function dropGuests(run: Run): void {
  const { tasks, xen, store } = run.world;
  for (const t of tasks) if (t.domid !== null && !xen.domains.has(t.domid)) endTask(run, t.id);
  const introduced = store.introduced.filter((domid) => xen.domains.has(domid));
  if (introduced.length < store.introduced.length) run.world.store = { ...store, introduced };
}
