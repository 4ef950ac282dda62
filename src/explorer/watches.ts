/** xenstore's watches as tasks see them: who waits for which paths, and who wakes when one of them changes. */
import type { Reply, Request } from '../toolstack/task.ts';
import type { Machine } from './machine.ts';
import { canRun, replaceTask, rescheduleTask, standAll, taskOf, watchersOf } from './task-index.ts';
import type { RunningTask, World } from './world.ts';

const SLASH = 47;

/** Whether `path` lies below `parent`. Asked of every watch for every write, so it makes no strings. */
const isBelow = (path: string, parent: string): boolean =>
  path.charCodeAt(parent.length) === SLASH && path.startsWith(parent);

/** The first of `fired` that one of `watches` covers: the path itself, anything below it, or a special name. */
export function watchHit(watches: readonly string[], fired: readonly string[]): string | null {
  for (const path of fired) {
    for (const watch of watches) {
      if (path === watch || isBelow(path, watch)) return path;
      // Removing a node removes what lies below it, so those watches fire as well.
      if (isBelow(watch, path)) return watch;
    }
  }
  return null;
}

/**
 * Wakes the tasks that wait for one of `fired`; the others that watch it find out at their next wait. True: somebody
 * woke. With a `machine` on which nobody else acts at this moment those for whom it has no CPU left queue for one at
 * once, in the order in which they would ask for it.
 */
export function fireWatches(
  world: World,
  fired: readonly string[],
  by: number,
  machine: Machine | null = null,
): boolean {
  let woke = false;
  let free = machine === null ? Number.POSITIVE_INFINITY : machine.cpus - machine.onCpu.size;
  const late: RunningTask[] = [];
  // One reply for all who are told the same.
  let told = { rc: 0, fired: '' };
  for (const task of watchersOf(world, fired)) {
    if (task.id === by) continue;
    const path = watchHit(task.watches, fired);
    if (path === null) continue;
    if (task.waiting) {
      woke = true;
      if (told.fired !== path) {
        queueAll(world, machine, late.splice(0), told);
        told = { rc: 0, fired: path };
      }
      const runs = free > 0 && canRun(world, task);
      if (runs) free--;
      if (free <= 0 && !runs && canRun(world, task)) late.push(task);
      else rescheduleTask(world, task, { waiting: false, pending: null, at: world.now, reply: told });
    } else if (task.pending === null) {
      replaceTask(world, { ...task, pending: path });
    }
  }
  queueAll(world, machine, late, told);
  return woke;
}

/** Tasks that have been told something, and wait for a CPU to hear it. */
function queueAll(world: World, machine: Machine | null, tasks: readonly RunningTask[], reply: Reply): void {
  if (machine === null || tasks.length === 0) return;
  standAll(world, tasks, { reply, waiting: false });
  for (const { id } of tasks) machine.cpuQueue.push(id);
}

/** Begins a wait, or ends it at once with what was set off meanwhile. */
export function serveWait(
  world: World,
  here: RunningTask,
  request: Extract<Request, { kind: 'wait' }>,
): RunningTask {
  const at = request.ns === undefined ? null : world.now + request.ns;
  if (here.pending !== null && watchHit(request.paths, [here.pending]) !== null) {
    const reply = { rc: 0, fired: here.pending };
    // The record in the world must not tell it again while this task simply goes on.
    const record = taskOf(world, here.id);
    if (record !== undefined) replaceTask(world, { ...record, pending: null });
    return { ...here, watches: request.paths, pending: null, reply };
  }
  const reply = { rc: 0, fired: 'timeout' };
  return { ...here, watches: request.paths, pending: null, waiting: true, at, reply };
}
