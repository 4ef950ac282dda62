/**
 * One task's turn on the virtual clock: it goes on until somebody else comes first, it has to wait, or it ends.
 *
 * While nobody else acts, nobody looks at the task: it is kept in hand, and put down as plain data at the end of its
 * turn.
 */
import {
  isText,
  nextRequest,
  type Request,
  type TaskInHand,
  takeTaskUp,
  taskAsPlain,
} from '../toolstack/task.ts';
import { scrubIdle } from './idle-scrub.ts';
import { sliceEnd } from './machine.ts';
import { readAhead } from './read-ahead.ts';
import type { Run } from './run-state.ts';
import { isSectioned } from './sections.ts';
import { holdsCpu, isAsleep, yieldCpu } from './task-cpu.ts';
import { ALL_FLOWS } from './task-flows.ts';
import { endTask, READY, settleTask } from './task-life.ts';
import { goOn, serve, serveAtOnce, type TaskRecord } from './task-serve.ts';
import { writeText } from './task-text.ts';
import { noteTask } from './trace-request.ts';
import type { RunningTask, Section } from './world.ts';
import { serveXsAhead } from './xs-ahead.ts';

const NEVER = Number.POSITIVE_INFINITY;

/**
 * Advances one task until somebody else comes first (`before`), its time passes `until`, it has to wait, or it ends.
 * False: the budget is used up.
 */
export function runTask(run: Run, running: RunningTask, before: number, until: number): boolean {
  const { world, machine } = run;
  run.wakeAt = NEVER;
  if (machine !== null && !holdsCpu(run, machine, running)) return true;
  // While others wait for a CPU, nobody goes on beyond its slice without being asked.
  const others = machine === null ? before : Math.min(before, sliceEnd(machine, running.id));
  const begun = running.section == null ? running : goOnInParts(run, running, others, until);
  if (begun === null) return false;
  if (begun !== running && isOver(run, begun, others, until)) {
    settleTask(run, begun, running.domid);
    return true;
  }
  const hand = takeTaskUp(begun.task);
  let here = recordOf(begun);
  let section: Section | null = null;
  let { reply } = begun;
  for (;;) {
    if (run.steps++ >= run.budget) return false;
    let next: RunningTask;
    let isLast = false;
    here.at = world.now;
    if (section !== null) {
      here.reply = READY;
      next = goOn(run, here, section, Math.min(others, until));
    } else {
      const asked = run.intercept === undefined ? null : { task: taskAsPlain(hand), reply };
      const request = nextRequest(ALL_FLOWS, hand, reply, run.outside.memo);
      if (request === null) {
        finish(run, running, hand.value.rc);
        return true;
      }
      here.reply = READY;
      next = answer(run, here, hand, request, { others, until, asked });
      isLast = request.kind === 'spawn';
    }
    if (machine !== null && isAsleep(next)) yieldCpu(run, machine, running.id);
    if (isLast || isOver(run, next, others, until)) {
      // One that was sent for a lock asks the same again.
      const task = next.task === begun.task ? taskAsPlain(hand) : next.task;
      settleTask(run, { ...next, task }, running.domid);
      return true;
    }
    section = next.section ?? null;
    reply = next.reply;
    if (next !== here) here = { ...next, section: null };
    world.now = Math.max(world.now, next.at!);
  }
}

/**
 * Goes on with the hypercall that a task is in the middle of, until somebody else comes first or it is over: the task's
 * record then. Nobody asks the task meanwhile, so it need not be taken up. Null: the budget is used up.
 */
function goOnInParts(run: Run, running: RunningTask, others: number, until: number): RunningTask | null {
  const end = Math.min(others, until);
  let here: RunningTask = running.reply === READY ? running : { ...running, reply: READY };
  let section = running.section ?? null;
  while (section !== null) {
    if (run.steps++ >= run.budget) return null;
    // Between the parts of a hypercall nobody looks for the scrubber: how it is cut is none of its business.
    here = goOn(run, here, section, end);
    if (isOver(run, here, others, until)) return here;
    run.world.now = Math.max(run.world.now, here.at!);
    section = here.section ?? null;
  }
  return here;
}

/** Whether its turn ends here: somebody else comes first, or it waits. */
const isOver = (run: Run, { at, waiting }: RunningTask, others: number, until: number): boolean =>
  at === null || waiting || at >= others || at > Math.min(until, run.wakeAt);

/** The record of a task whose turn begins. */
const recordOf = ({ id, task, domid, watches, pending, waiting }: RunningTask): TaskRecord => ({
  id,
  task,
  domid,
  at: 0,
  reply: READY,
  watches,
  pending: waiting ? null : pending,
  waiting: false,
  section: null,
});

/** The task has ended with `rc`. */
function finish(run: Run, running: RunningTask, rc: number): void {
  if (run.machine !== null) {
    scrubIdle(run.world, run.machine);
    noteTask(run.machine, run.world, running, 'end', rc);
  }
  if (run.observers.has(running.id)) run.ended.set(running.id, rc);
  endTask(run, running.id);
}

/** Who else there is during a turn: see runTask(); and where an intercepted task asks again. */
interface TurnLimits {
  readonly others: number;
  readonly until: number;
  readonly asked: Pick<RunningTask, 'task' | 'reply'> | null;
}

/** The task's record after a request of its turn: `here` itself, changed, wherever that is enough. */
function answer(
  run: Run,
  here: TaskRecord,
  hand: TaskInHand,
  request: Request,
  { others, until, asked }: TurnLimits,
): RunningTask {
  const { world, machine } = run;
  const end = Math.min(others, until);
  if (isText(request)) {
    writeText(run.observers.get(here.id)?.write, hand, request, world.now);
    // It takes no time: idle CPUs are looked at again only where the turn ends.
    const { now } = world;
    if (machine !== null && (now >= others || now > Math.min(until, run.wakeAt))) scrubIdle(world, machine);
    return here;
  }
  if (machine !== null) scrubIdle(world, machine);
  if (asked !== null) return serve(run, here, request, end, asked);
  switch (request.kind) {
    case 'sleep':
    case 'wait':
    case 'lock':
    case 'unlock':
    case 'spawn':
    case 'remote':
      return serve(run, here, request, end, here);
    case 'xs': {
      if (serveXsAhead(run, here, hand, request, others, until)) return here;
      serveAtOnce(run, here, request);
      return readAhead(run, here, request.call, end);
    }
    default:
      if (machine !== null && isSectioned(request)) return goOn(run, here, { request, done: 0 }, end);
      serveAtOnce(run, here, request);
      return here;
  }
}
