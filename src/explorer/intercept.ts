/**
 * Coming between a task and the world: one place where a remedy may answer, or have a lock taken, before a request is
 * served.
 */
import type { Reply, Request } from '../toolstack/task.ts';
import type { World } from './world.ts';

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
