/**
 * Who goes on next is somebody else's choice: one task of a run advanced by one transition.
 *
 * A transition goes up to and through the next scheduling point, then on to the one after it, which is left standing.
 * What lies between two points (xenstore, userdata, files, what is printed) belongs to the transition before. Without a
 * machine nothing costs time; a sleeper goes on only when nobody else can, the earliest first.
 */
import { ASSERT } from '../hypervisor/bug.ts';
import { isText, type Reply, type Request, step, type Task } from '../toolstack/task.ts';
import { intercepted } from './intercepted.ts';
import type { Run } from './run-state.ts';
import { isSectioned } from './sections.ts';
import { isAsleep } from './task-cpu.ts';
import { ALL_FLOWS } from './task-flows.ts';
import { canRun, taskOf } from './task-index.ts';
import { endTask, settleTask } from './task-life.ts';
import { goOnBy, serve } from './task-serve.ts';
import { writeText } from './task-text.ts';
import { isInParts, type TurnGrain } from './turn-order.ts';
import type { RunningTask } from './world.ts';

const READY: Reply = { rc: 0 };
const NEVER = Number.POSITIVE_INFINITY;

/** What a transition led to. */
interface Turn {
  /** The task's exit status if it ended. */
  readonly ended: number | null;
  /** Until when it was busy. */
  readonly until: number;
}

/** Who can make a transition: those that are awake; and the sleepers to be woken first, if there are none. */
interface Turns {
  readonly awake: readonly number[];
  readonly asleep: readonly number[];
  /** When those sleepers are due. */
  readonly due: number;
}

/** The ids of the tasks that can make a transition now, in the world's order. */
export function canTakeTurn(run: Run): readonly number[] {
  const { awake, asleep } = turnsOf(run);
  return awake.length > 0 ? awake : asleep;
}

/** The same, told apart. */
export function turnsOf(run: Run): Turns {
  const { tasks, now } = run.world;
  const awake: number[] = [];
  const asleep: number[] = [];
  let first = NEVER;
  for (const task of tasks) {
    if (task.at === null || !canRun(run.world, task)) continue;
    if (!sleeps(task, now)) awake.push(task.id);
    else if (task.at <= first) {
      if (task.at < first) asleep.length = 0;
      first = task.at;
      asleep.push(task.id);
    }
  }
  return { awake, asleep, due: first };
}

/** Its time is yet to come, and not because it is busy until then. */
const sleeps = (task: RunningTask, now: number): boolean =>
  task.at !== null && task.at > now && (task.waiting || task.reply.slept === true);

/** Whether others may come before this request. */
function isPoint(request: Request, grain: TurnGrain): boolean {
  switch (request.kind) {
    case 'hypercall':
    case 'lock':
    case 'wait':
    case 'sleep':
    case 'remote':
      return true;
    default:
      return grain === 'request' && !isText(request);
  }
}

/**
 * Makes one transition of task `id`, which canTakeTurn() named. With a machine it begins at the task's own time, not
 * before the transitions made so far began, and costs what it costs there.
 */
export function takeTurn(run: Run, id: number, grain: TurnGrain): Turn {
  const { world } = run;
  const running = taskOf(world, id);
  ASSERT(running !== undefined && running.at !== null, `task ${id} can go on`);
  const start = Math.max(world.now, running.at);
  world.now = start;
  const ended = advance(run, running, grain, start);
  const until = world.now;
  // With a machine others may begin while this one is still busy.
  world.now = start;
  return { ended, until };
}

function advance(run: Run, running: RunningTask, grain: TurnGrain, start: number): number | null {
  const { world } = run;
  const { domid } = running;
  let here: RunningTask = { ...running, waiting: false, pending: running.waiting ? null : running.pending };
  let served = false;
  for (;;) {
    run.steps++;
    const inside = here.section ?? null;
    if (inside !== null) {
      if (served) return stand(run, here);
      served = true;
      run.asked?.(inside.request, here);
      here = timed(run, goOnBy(run, { ...here, section: null }, inside, grain), start);
      continue;
    }
    const { task, reply } = here;
    const stepped = step(ALL_FLOWS, task, reply, run.outside.memo);
    if (stepped.request === null) {
      if (run.observers.has(here.id)) run.ended.set(here.id, stepped.value.rc);
      endTask(run, here.id);
      return stepped.value.rc;
    }
    const { request } = stepped;
    if (isPoint(request, grain)) {
      if (served) return stand(run, { ...here, task: before(stepped.task, request), reply: READY });
      served = true;
    }
    run.asked?.(request, here);
    const next = { ...here, task: stepped.task, reply: READY, at: world.now };
    if (isText(request)) {
      writeText(run.observers.get(here.id)?.write, next.task, request, world.now);
      here = next;
      continue;
    }
    if (request.kind === 'now') {
      const flow = stepped.task.frames.at(-1)!.flow;
      ASSERT(ALL_FLOWS[flow]!.clock !== undefined, `${flow} says what it holds against the clock`);
    }
    const after = serveAt(run, next, request, grain, { task, reply });
    if (after.at === null || isAsleep(after)) return stand(run, after);
    here = timed(run, after, start);
    if (domid !== null && !world.xen.domains.has(domid)) return stand(run, here);
  }
}

function serveAt(
  run: Run,
  next: RunningTask,
  request: Request,
  grain: TurnGrain,
  asked: Pick<RunningTask, 'task' | 'reply'>,
): RunningTask {
  if (!isInParts(grain) || !isSectioned(request)) return serve(run, next, request, NEVER, asked);
  const instead = intercepted(run, next, request, { ...next, ...asked });
  return instead ?? goOnBy(run, next, { request, done: 0 }, grain);
}

/** With a machine the task's clock moves on; without one it stays. */
function timed(run: Run, here: RunningTask, start: number): RunningTask {
  if (run.machine === null) return here.at === start ? here : { ...here, at: start };
  run.world.now = Math.max(run.world.now, here.at ?? start);
  return here;
}

/**
 * The task as it stands before a request. The reply that led there has been looked at: what it said, and the task did
 * not note, is no part of where it stands, so that tasks with the same future are the same.
 */
function before(task: Task, request: Request): Task {
  const frames = task.frames.slice();
  const frame = frames.pop()!;
  frames.push({ ...frame, queue: [request, ...(frame.queue ?? [])] });
  return { name: task.name, frames };
}

/** Puts the task's record back. */
function stand(run: Run, here: RunningTask): null {
  settleTask(run, here, here.domid);
  return null;
}
