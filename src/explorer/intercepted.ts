/** A task whose request somebody comes between: answered, or sent for a lock first. */
import type { Request } from '../toolstack/task.ts';
import type { Run } from './run-state.ts';
import { leaveLock, takeLock } from './task-lock.ts';
import type { RunningTask } from './world.ts';

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
      if (leaveLock(run, found.unlock, here)) run.wakeAt = world.now;
      return null;
    }
    if (world.locks.get(found.lock)?.[0] === here.id) return null;
    const after = takeLock(run, asked, found.lock);
    if (after.at === null) return after;
  }
}
