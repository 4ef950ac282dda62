/**
 * xl's daemons that look, one after the other, whether their domains still run: served in one go.
 *
 * Whenever a domain goes, every daemon wakes, looks after its own and waits again. With more daemons than CPUs they take
 * turns: as many as hold a CPU wait again, and those that wait longest get their CPUs and look. While nobody else acts,
 * a round is like the one before it, one look later, so k rounds are k times as many daemons that stand as they stood.
 */
import { ASSERT } from '../hypervisor/bug.ts';
import { type Reply, step } from '../toolstack/task.ts';
import { xlMonitorWatches } from '../toolstack/xl-monitor.ts';
import { scrubIdle, scrubIdleOften } from './idle-scrub.ts';
import type { Machine } from './machine.ts';
import type { Run } from './run-state.ts';
import { serveRequest } from './serve.ts';
import { ALL_FLOWS } from './task-flows.ts';
import { canRun, replaceTask, standAll, taskOf, tasksOf, timeOfOthers } from './task-index.ts';
import type { RunningTask, TaskIndex } from './world.ts';

/** Fewer daemons than this taking turns are not worth the looking. */
const MIN_TURNS = 2;

/** What one that waits would be told if its time passed; it is there for good. */
const UNTOLD: Reply = { rc: 0, fired: 'timeout' };
const QUIET = { reply: UNTOLD, waiting: true };

/** Advances daemons that look after their domains by as many rounds as there is time for; false: nothing was done. */
export function lookTogether(run: Run, index: TaskIndex, chosen: RunningTask, until: number): boolean {
  const { world, machine } = run;
  if (machine?.batches !== true || run.intercept !== undefined || !hasLooked(chosen)) return false;
  const time = chosen.at!;
  const look = machine.costs.hypercall;
  // Times are to be what adding one look after the other makes them.
  const isExact = Number.isSafeInteger(look) && Number.isSafeInteger(time);
  if (!isExact || look <= 0 || look >= machine.costs.time_slice || time < world.now) return false;
  const found = whoTakesTurns(run, index, machine, time);
  if (found === null || found.turns.length < MIN_TURNS) return false;
  const { turns, end } = found;
  const size = turns.length;
  // A round begins before anybody else acts.
  const inTime = Math.min(Math.ceil((end - time) / look), Math.floor((until - time) / look) + 1);
  const affordable = Math.floor((run.budget - run.steps) / (2 * size)) - 1;
  const most = Math.min(inTime, affordable, Math.floor(machine.cpuQueue.length / size));
  const heirs = heirsOf(run, machine.cpuQueue, most * size);
  const rounds = Math.floor(heirs.length / size);
  if (rounds < 1) return false;
  const waiting = turns.map((task) => waitsAgain(run, task));
  // Those that look for the first time watch nothing yet.
  const { watches = [] } = waiting[0] ?? {};
  const isSame = (task: RunningTask | null): boolean =>
    task !== null &&
    task.watches.length === watches.length &&
    task.watches.every((path, i) => path === watches[i]);
  if (!waiting.every(isSame) || !heirs.every(isSame)) return false;
  // Once before a look and once after it: what was scrubbed at the first is clean at the second.
  world.now = time;
  scrubIdle(world, machine);
  scrubIdleOften(world, machine, rounds, look);
  scrubIdle(world, machine);
  for (const task of waiting) replaceTask(world, task!);
  for (const task of turns) machine.onCpu.delete(task.id);
  const passed = (rounds - 1) * size;
  standAll(world, heirs.slice(0, passed), QUIET);
  for (let i = passed; i < rounds * size; i++) {
    const heir = heirs[i]!;
    machine.onCpu.set(heir.id, world.now + machine.costs.time_slice);
    replaceTask(world, looks(run, heir, world.now + look));
  }
  machine.cpuQueue.splice(0, rounds * size);
  run.steps += 2 * rounds * size;
  return true;
}

/** A daemon that has looked and has not yet thought about what it saw. */
const hasLooked = ({ task, reply, waiting }: RunningTask): boolean =>
  !waiting && xlMonitorWatches(task, 'looked') !== null && reply.rc >= 0;

/** The daemons that have looked and go on at `time`, each with a CPU; and when the first of all others acts. */
function whoTakesTurns(
  run: Run,
  index: TaskIndex,
  machine: Machine,
  time: number,
): { readonly turns: readonly RunningTask[]; readonly end: number } | null {
  const { world } = run;
  const turns: RunningTask[] = [];
  for (const [id, sliceEnd] of machine.onCpu) {
    const task = taskOf(world, id);
    const isTurn = task?.at === time && isUnseen(run, task) && hasLooked(task) && canRun(world, task);
    if (!isTurn) continue;
    if (sliceEnd <= time) return null;
    turns.push(task);
  }
  const ids = new Set(turns.map(({ id }) => id));
  // Who goes on next is no longer in the queue, and is one of them or somebody else who acts now.
  const isNext = index.taken !== null && ids.has(index.taken.id);
  return isNext ? { turns, end: timeOfOthers(world, index, ids) } : null;
}

/** Nobody reads what it asks, and no watch has fired meanwhile that it would hear of. */
const isUnseen = (run: Run, { id, pending, section = null }: RunningTask): boolean =>
  pending === null && section === null && !run.observers.has(id);

/** The first of those that wait for a CPU, at most `most`: daemons that will look and find their domains running. */
function heirsOf(run: Run, queue: readonly number[], most: number): RunningTask[] {
  const { world } = run;
  const heirs = tasksOf(world, most < queue.length ? queue.slice(0, most) : queue);
  const end = heirs.findIndex((task) => {
    if (task.at !== null || task.waiting || !isUnseen(run, task)) return true;
    const domid = xlMonitorWatches(task.task, 'look');
    const domain = domid === null ? undefined : world.xen.domains.get(domid);
    return domain === undefined || domain.isShutDown;
  });
  return end < 0 ? heirs : heirs.slice(0, end);
}

/** A daemon's record once it has seen that its domain still runs; null: it has not. */
function waitsAgain(run: Run, task: RunningTask): RunningTask | null {
  const stepped = step(ALL_FLOWS, task.task, task.reply, run.outside.memo);
  const { request } = stepped;
  if (request?.kind !== 'wait' || request.ns !== undefined) return null;
  return { ...task, task: stepped.task, at: null, reply: UNTOLD, watches: request.paths, waiting: true };
}

/** A daemon's record once it has looked; it goes on `at`. */
function looks(run: Run, task: RunningTask, at: number): RunningTask {
  const stepped = step(ALL_FLOWS, task.task, task.reply, run.outside.memo);
  const { request } = stepped;
  ASSERT(request?.kind === 'hypercall', 'a daemon that wakes looks after its domain');
  const { reply } = serveRequest(run.world, run.outside, { caller: 0, node: 0 }, request);
  return { ...task, task: stepped.task, at, reply };
}
