/**
 * What somebody who comes between a task and the world looks at before letting a request through.
 *
 * An interceptor knows nothing but the world it is shown. So a world that takes notes tells what its answer depends on,
 * and a world of locks alone is enough to ask it wherever the locks are all it wants to know.
 */
import type { Request } from '../toolstack/task.ts';
import type { Interceptor } from './intercept.ts';
import type { World } from './world.ts';

/** What was looked at since it was last forgotten, and whether anything came of it. */
export interface Looked {
  locks: boolean;
  /** More than the locks. */
  more: boolean;
  /** A request was answered, or had to take or leave a lock first. */
  came: boolean;
}

export const lookedAtNothing = (): Looked => ({ locks: false, more: false, came: false });

/** The same interceptor; `looked` is told what it looks at. */
export function noting(intercept: Interceptor, looked: Looked): Interceptor {
  return (world, task, domid, request) => {
    const shown = new Proxy(world, {
      get: (target, key) => {
        if (key === 'locks') looked.locks = true;
        else looked.more = true;
        return Reflect.get(target, key) as unknown;
      },
    });
    const found = intercept(shown, task, domid, request);
    if (found !== null) looked.came = true;
    return found;
  };
}

/** Whether a request is let through where the locks are these, whatever else the world is. False: or it is not known. */
export function isLetThrough(
  intercept: Interceptor,
  locks: World['locks'],
  task: number,
  domid: number | null,
  request: Request,
): boolean {
  let wantsMore = false;
  const shown = new Proxy({} as World, {
    get: (_world, key) => {
      if (key === 'locks') return locks;
      wantsMore = true;
      throw new Error('only the locks are known');
    },
  });
  try {
    return intercept(shown, task, domid, request) === null;
  } catch (error) {
    if (wantsMore) return false;
    throw error;
  }
}
