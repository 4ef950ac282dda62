/**
 * Coming between a task and the world: one place where a remedy may answer, or have a lock taken, before a request is
 * served.
 */
import type { Reply, Request } from '../toolstack/task.ts';
import type { Run } from './run-state.ts';
import { leaveLock, takeLock } from './task-lock.ts';
import type { RunningTask, World } from './world.ts';

/** What happens instead of, or before, serving a request. */
export type Intercept =
  /** The task is told this; the world is not asked. */
  | { readonly reply: Reply }
  /** The task first takes this lock, or waits for it; then it asks again. A lock it holds is not taken twice. */
  | { readonly lock: string }
  /** The task lets this lock go if it holds it; then the world is asked. */
  | { readonly unlock: string };

/** Looks at a request of task `task`, which runs inside `domid` (null: a program of dom0). Null: it is served as it is. */
export type Interceptor = (
  world: World,
  task: number,
  domid: number | null,
  request: Request,
) => Intercept | null;

/**
 * The task's record after an interception, or null: the request is to be served now. `asked`: the record from which it
 * asks the same again.
 */
export function intercepted(
  run: Run,
  here: RunningTask,
  request: Request,
  asked: RunningTask,
): RunningTask | null {
  const { world } = run;
  for (;;) {
    const found = run.intercept?.(world, here.id, here.domid, request) ?? null;
    if (found === null) return null;
    if ('reply' in found) return { ...here, reply: found.reply };
    if ('unlock' in found) {
      if (leaveLock(run, found.unlock, here.id)) run.wakeAt = world.now;
      return null;
    }
    if (world.locks.get(found.lock)?.[0] === here.id) return null;
    const after = takeLock(run, asked, found.lock);
    if (after.at === null) return after;
  }
}
