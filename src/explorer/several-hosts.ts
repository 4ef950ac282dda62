/**
 * Several hosts under one virtual clock: each its own Xen, xenstore, locks, CPUs and tasks.
 *
 * Hosts meet only where one runs a flow for another, as ssh does for a migration. So the host whose time comes first goes
 * on, at equal times the one that is named first, as far as the time of the next one; or until it has asked another.
 */
import { parseSavedState } from '../toolstack/libxl-stream.ts';
import type { Frame } from '../toolstack/task.ts';
import type { Hosts, Play, RemoteCall } from './play.ts';
import { frameOn } from './remote-frame.ts';
import { isAtRest, newRest, type Rest, type RunEnd, runTasks, type Settle, settleWorld } from './run.ts';
import type { Step } from './scenario.ts';
import { nextTime, replaceTask, taskOf } from './task-index.ts';
import { addTask } from './task-life.ts';
import { noteTask } from './trace-request.ts';
import { whereabouts } from './trace-text.ts';
import type { RunningTask } from './world.ts';

const NEVER = Number.POSITIVE_INFINITY;
/** What every host calls itself. */
const ITSELF = 'localhost';

/** The play on the host of a step. */
export const playOn = (play: Play, { host }: Pick<Step, 'host'>): Play =>
  play.hosts?.plays.find((each) => each.host === host) ?? play;

/** Lets the hosts ask each other. */
export function connectHosts(hosts: Hosts): void {
  for (const play of hosts.plays) {
    play.run.remote = (asker, host, frame) => callRemote(hosts, play, asker, host, frame);
  }
}

/** Runs until a task ends on which a step waits, on any host, or nothing more happens before `until`. */
export function runHosts(play: Play, until: number): RunEnd {
  const { run, hosts } = play;
  if (hosts === null) {
    const before = run.ended.size;
    return runTasks(run, () => run.ended.size !== before, until);
  }
  const ended = (): number => hosts.plays.reduce((sum, each) => sum + each.run.ended.size, 0);
  answerCalls(hosts);
  const before = ended();
  return runTogether(hosts, () => ended() !== before, until, null);
}

/** Lets all hosts run on as far as `settle` says. */
export function settleHosts({ run, hosts, world }: Play, settle: Settle): RunEnd {
  if (hosts === null || settle === 'none') return settleWorld(run, settle);
  const until = settle === 'idle' ? NEVER : world.now + settle;
  const end = runTogether(hosts, null, until, newRest());
  if (settle !== 'idle') meet(hosts, until);
  return end;
}

function runTogether(hosts: Hosts, goal: (() => boolean) | null, until: number, rest: Rest | null): RunEnd {
  for (;;) {
    answerCalls(hosts);
    const next = goal?.() === true ? null : soonest(hosts);
    if (next === null || next.at > until) {
      meet(hosts, 0);
      return next !== null ? 'time' : goal?.() === true ? 'done' : 'idle';
    }
    const { calls } = hosts;
    // Whom it has asked, and whom it has answered, may come first now.
    const isMet = (): boolean => goal?.() === true || hosts.calls !== calls || hosts.calls.some(isOver);
    const end = runTasks(next.play.run, isMet, Math.min(until, next.others), rest);
    if (end === 'budget') return end;
    if (rest !== null && isAtRest(rest)) {
      meet(hosts, 0);
      return 'idle';
    }
  }
}

/** The host whose time comes first, and when those of the others do. */
function soonest({
  plays,
}: Hosts): { readonly play: Play; readonly at: number; readonly others: number } | null {
  let first: Play | null = null;
  let at = NEVER;
  let others = NEVER;
  for (const play of plays) {
    const time = nextTime(play.world);
    if (time < at) {
      others = at;
      at = time;
      first = play;
    } else others = Math.min(others, time);
  }
  return first === null ? null : { play: first, at, others };
}

/** Puts all clocks where the latest of them stands, no sooner than `at`. */
function meet({ plays }: Hosts, at: number): void {
  const now = plays.reduce((latest, { world }) => Math.max(latest, world.now), at);
  for (const { world } of plays) world.now = now;
}

/** Puts the clock of every host on `at`, if that is yet to come. */
export function setClocks(play: Play, at: number): void {
  if (play.hosts === null) play.world.now = Math.max(play.world.now, at);
  else meet(play.hosts, at);
}

/**
 * One host runs a flow for a task of another, or of its own. Simplified: a migrating guest is built as fast as the far
 * host can, and success is told no sooner than its pages have crossed the wire.
 */
function callRemote(hosts: Hosts, from: Play, asker: RunningTask, host: string, frame: Frame): boolean {
  const far = host === ITSELF ? from : hosts.plays.find((each) => each.host === host);
  if (far === undefined) return false;
  const { now } = from.world;
  const { name } = asker.task;
  const task = addTask(
    far.world,
    { name, frames: [frameOn(far.world, frame)] },
    null,
    Math.max(far.world.now, now),
  );
  // What it prints comes back.
  far.run.observers.set(task, { write: from.run.observers.get(asker.id)?.write });
  noteTask(far.machine, far.world, { id: task, task: { name } }, 'start', 0);
  const pages = parseSavedState(String(frame.vars.text))?.pages ?? 0;
  const noSooner = now + pages * from.machine.costs.migrate_page;
  hosts.calls = [...hosts.calls, { from, asker: asker.id, far, task, noSooner }];
  return true;
}

const isOver = ({ far, task }: RemoteCall): boolean => far.run.ended.has(task);

/** Tells those who wait for a flow that has ended. */
function answerCalls(hosts: Hosts): void {
  if (!hosts.calls.some(isOver)) return;
  const over = hosts.calls.filter(isOver);
  hosts.calls = hosts.calls.filter((each) => !over.includes(each));
  for (const { from, asker, far, task, noSooner } of over) {
    const rc = far.run.ended.get(task)!;
    far.run.ended.delete(task);
    far.run.observers.delete(task);
    const waiting = taskOf(from.world, asker);
    const at = Math.max(from.world.now, far.world.now, rc === 0 ? noSooner : 0);
    if (waiting !== undefined) replaceTask(from.world, { ...waiting, at, reply: { rc } });
  }
}

/** Where the tasks of all hosts stand. */
export const whereaboutsOfAll = ({ world, hosts }: Play): string[] =>
  hosts === null
    ? whereabouts(world)
    : hosts.plays.flatMap((each) => whereabouts(each.world).map((line) => `${each.host}: ${line}`));
