/** The far end of a migration: a flow that another host asks this one to run. */
import { EIO } from '../hypervisor/errno.ts';
import type { Frame, Reply } from '../toolstack/task.ts';
import { runTasks } from './run.ts';
import { newRun, type Observer } from './run-state.ts';
import type { Outside } from './serve.ts';
import { addTask, endTask } from './task-life.ts';
import type { World } from './world.ts';

/** The flow as an xl on `world` runs it: what follows from the release of Xen is that of this host. */
export function frameOn(world: World, frame: Frame): Frame {
  const { env } = frame.vars;
  if (typeof env !== 'object' || env === null || Array.isArray(env)) return frame;
  return { ...frame, vars: { ...frame.vars, env: { ...env, profile: world.xen.profile.name } } };
}

/** Runs `frame` on `world` to its end; what it prints goes to `observer`, as through ssh. -EIO when it cannot end. */
export function runFrame(world: World, outside: Outside, observer: Observer, frame: Frame): Reply {
  const run = newRun(world, outside, null);
  const id = addTask(world, { name: frame.flow, frames: [frameOn(world, frame)] }, null);
  run.observers.set(id, observer);
  runTasks(run, () => run.ended.has(id), Number.POSITIVE_INFINITY);
  const rc = run.ended.get(id);
  if (rc === undefined) endTask(run, id);
  return { rc: rc ?? -EIO };
}
