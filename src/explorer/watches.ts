/** xenstore's watches as tasks see them: who waits for which paths, and who wakes when one of them changes. */
import type { Request } from '../toolstack/task.ts';
import { replaceTask, rescheduleTask, taskOf, watchersOf } from './task-index.ts';
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

/** Wakes the tasks that wait for one of `fired`; the others that watch it find out at their next wait. True: somebody woke. */
export function fireWatches(world: World, fired: readonly string[], by: number): boolean {
  let woke = false;
  // One reply for all who are told the same.
  let told = { rc: 0, fired: '' };
  for (const task of watchersOf(world, fired)) {
    if (task.id === by) continue;
    const path = watchHit(task.watches, fired);
    if (path === null) continue;
    if (task.waiting) {
      woke = true;
      if (told.fired !== path) told = { rc: 0, fired: path };
      rescheduleTask(world, task, { waiting: false, pending: null, at: world.now, reply: told });
    } else if (task.pending === null) {
      replaceTask(world, { ...task, pending: path });
    }
  }
  return woke;
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
