/** The locks of the toolstack and of libxl: a queue each, its first the holder. */
import { ASSERT } from '../hypervisor/bug.ts';
import type { Run } from './run-state.ts';
import { replaceTask, taskOf } from './task-index.ts';
import { noteTask } from './trace-request.ts';
import type { RunningTask } from './world.ts';

/** Takes a lock, or a place in its queue. */
export function takeLock(run: Run, here: RunningTask, path: string): RunningTask {
  const { world, machine } = run;
  const queue = world.locks.get(path) ?? [];
  ASSERT(queue[0] !== here.id, `task ${here.id} takes ${path} once`);
  world.locks = new Map(world.locks).set(path, [...queue, here.id]);
  if (queue.length === 0) {
    if (machine !== null) noteTask(machine, world, here, 'lock', 0, path);
    return here;
  }
  machine?.waiting.set(here.id, world.now);
  return { ...here, at: null };
}

/** Lets go of a lock, or of a place in its queue; the next in line goes on. True: somebody woke. */
export function leaveLock(run: Run, path: string, leaver: Pick<RunningTask, 'id' | 'task'>): boolean {
  const { world, machine } = run;
  const { id } = leaver;
  const queue = world.locks.get(path) ?? [];
  const rest = queue.filter((other) => other !== id);
  const locks = new Map(world.locks);
  if (rest.length === 0) locks.delete(path);
  else locks.set(path, rest);
  world.locks = locks;
  const [first] = rest;
  if (queue[0] !== id) return false;
  if (machine !== null) noteTask(machine, world, leaver, 'unlock', 0, path);
  const heir = first === undefined ? undefined : taskOf(world, first);
  if (heir === undefined) return false;
  replaceTask(world, { ...heir, at: world.now });
  if (machine !== null) {
    noteTask(machine, world, heir, 'lock-wait', 0, path);
    noteTask(machine, world, heir, 'lock', 0, path);
  }
  return true;
}
