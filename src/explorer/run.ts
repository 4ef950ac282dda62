/**
 * Runs tasks on the virtual clock: who goes on next, who waits for what, until a command has ended or all is quiet.
 *
 * The order is fixed: the task whose time comes first goes on, at equal times the one with the lowest id. A request is
 * served whole; then its cost passes for that task alone.
 */
import { ASSERT } from '../hypervisor/bug.ts';
import { flows } from '../toolstack/flows.ts';
import { newTask, type Reply, type Request, step } from '../toolstack/task.ts';
import { defaultXlEnv } from '../toolstack/xl-env.ts';
import { leaveCpu, type Machine, sliceEnd, takeCpu, wholeCost } from './machine.ts';
import { requestCost } from './request-cost.ts';
import { requestFlows } from './request-flow.ts';
import { advanceTogether } from './rotation.ts';
import { isSectioned, serveSection } from './sections.ts';
import { type Outside, serveRequest } from './serve.ts';
import { isText, type Write, writeText } from './task-text.ts';
import { noteRequest, noteSection, noteTask } from './trace-request.ts';
import { fireWatches, replaceTask, serveWait, watchHit } from './watches.ts';
import type { RunningTask, Section, World } from './world.ts';

/** Where the text of running tasks goes, and who looks at what they ask. */
export interface Observer {
  readonly write: Write;
  /** Sees every served request of the command, for --trace-hypercalls. */
  readonly served?: (request: Request, reply: Reply) => void;
}

/** When a run stops: `none` at the command's end, `idle` when nothing is left to happen, or after some nanoseconds. */
export type Settle = 'none' | 'idle' | number;

/** Why a run came to its end. */
export type RunEnd = 'done' | 'idle' | 'time' | 'stuck' | 'budget';

/** What became of a command. `rc` is its exit status when it `ended`; otherwise it waits for what never comes. */
export interface CommandEnd {
  readonly rc: number;
  readonly ended: boolean;
  /** How the world's other tasks came to rest afterwards. */
  readonly settled: RunEnd;
}

/** Requests served in one run before it is given up. */
const STEP_BUDGET = 5_000_000;
/** Wake-ups in a row that changed nothing: retries for ever are rest, too. */
const QUIET_WAKEUPS = 64;
/** The toolstack's programs, and those of scenarios. */
const ALL_FLOWS = { ...flows, ...requestFlows };
/** What xenstored makes of VIRQ_DOM_EXC. */
const RELEASE = ['@releaseDomain'];
const READY: Reply = { rc: 0 };
/** The reply to a sleep. */
const SLEPT: Reply = { rc: 0, slept: true };
const NEVER = Number.POSITIVE_INFINITY;

/** A run of the world's tasks, changed as it goes on. */
export interface Run {
  readonly world: World;
  readonly outside: Outside;
  /** Who reads what a task prints, by the task's id. */
  readonly observers: Map<number, Observer>;
  /** How the observed tasks ended: their exit status by id. */
  readonly ended: Map<number, number>;
  /** CPUs, heap lock and costs; null: requests are served whole at the prices of request-cost.ts. */
  readonly machine: Machine | null;
  steps: number;
  readonly budget: number;
  /** When the task that runs has woken another: that one's time. */
  wakeAt: number;
}

export const newRun = (
  world: World,
  outside: Outside,
  machine: Machine | null,
  budget = STEP_BUDGET,
): Run => ({
  world,
  outside,
  observers: new Map(),
  ended: new Map(),
  machine,
  steps: 0,
  budget,
  wakeAt: NEVER,
});

/** Runs `xl ARGV…` on the world to its end, then everything else as far as `settle` says. */
export function runCommand(
  world: World,
  outside: Outside,
  observer: Observer,
  argv: readonly string[],
  settle: Settle,
): CommandEnd {
  const run = newRun(world, outside, null);
  const id = startCommand(run, argv, observer, world.now);
  const end = runTasks(run, () => run.ended.has(id), Number.POSITIVE_INFINITY);
  const rc = run.ended.get(id);
  if (rc === undefined) {
    endTask(run, id);
    return { rc: 1, ended: false, settled: end === 'idle' ? 'stuck' : end };
  }
  return { rc, ended: true, settled: settleWorld(run, settle) };
}

/** Starts `xl ARGV…` as a task that goes off at `at`; returns its id. */
export function startCommand(
  run: Run,
  argv: readonly string[],
  observer: Observer,
  at: number,
  name = 'xl',
): number {
  const { world } = run;
  const env = { ...defaultXlEnv, profile: world.xen.profile.name };
  const id = addTask(world, newTask(name, 'main', { argv, env }), null, at);
  run.observers.set(id, observer);
  return id;
}

/** Lets the world run on as far as `settle` says. */
export function settleWorld(run: Run, settle: Settle): RunEnd {
  if (settle === 'none') return 'done';
  const until = settle === 'idle' ? NEVER : run.world.now + settle;
  const end = runTasks(run, null, until);
  if (settle !== 'idle' && run.world.now < until) run.world.now = until;
  return end;
}

/** Adds a task that is ready at `at`; returns its id. */
export function addTask(
  world: World,
  task: RunningTask['task'],
  domid: number | null,
  at = world.now,
): number {
  const id = world.nextTask;
  world.nextTask = id + 1;
  const fresh = {
    id,
    task,
    domid,
    at,
    reply: READY,
    watches: [],
    pending: null,
    waiting: false,
    section: null,
  };
  world.tasks = [...world.tasks, fresh];
  return id;
}

/** Takes a task out of the world; the locks it held go to those that wait for them. */
export function endTask(run: Run, id: number): void {
  const { world } = run;
  world.tasks = world.tasks.filter((t) => t.id !== id);
  for (const [path, queue] of world.locks) if (queue.includes(id)) leaveLock(run, path, id);
  if (run.machine !== null) yieldCpu(run, run.machine, id);
}

/** Runs tasks until `goal` holds (null: never), nothing more happens before `until`, or the budget is used up. */
export function runTasks(run: Run, goal: (() => boolean) | null, until: number): RunEnd {
  const { world } = run;
  let quiet = 0;
  for (;;) {
    if (goal?.() === true) return 'done';
    const chosen = nextTask(world);
    if (chosen === null) return 'idle';
    const { task: running, others } = chosen;
    const at = running.at ?? 0;
    if (at > until) return 'time';
    const before = goal === null ? pulse(world) : '';
    world.now = Math.max(world.now, at);
    if (advanceTogether(run.machine, world, running, until)) continue;
    if (!runTask(run, running, others, until)) return 'budget';
    if (goal !== null) continue;
    quiet = pulse(world) === before && running.section == null ? quiet + 1 : 0;
    if (quiet >= QUIET_WAKEUPS) return 'idle';
  }
}

/** Changes whenever anything a user could see does. */
const pulse = (world: World): string =>
  `${world.store.generation} ${world.xen.heap.totalAvailPages} ${world.xen.heap.outstandingClaims} ${world.tasks.length} ${world.userdata.size}`;

/** The task that goes on next, and when the one after it would. */
function nextTask(world: World): { readonly task: RunningTask; readonly others: number } | null {
  let best: RunningTask | null = null;
  let bestAt = NEVER;
  let others = NEVER;
  for (const task of world.tasks) {
    if (task.at === null || !canRun(world, task)) continue;
    if (task.at < bestAt) {
      others = bestAt;
      best = task;
      bestAt = task.at;
    } else if (task.at < others) {
      others = task.at;
    }
  }
  return best === null ? null : { task: best, others };
}

/** A guest's program stands still while its domain does. */
function canRun(world: World, task: RunningTask): boolean {
  if (task.domid === null) return true;
  const domain = world.xen.domains.get(task.domid);
  return domain !== undefined && domain.controllerPauseCount === 0 && !domain.isShutDown;
}

/**
 * Advances one task until somebody else comes first (`others`), its time passes `until`, it has to wait, or it ends.
 * False: the budget is used up.
 */
function runTask(run: Run, running: RunningTask, before: number, until: number): boolean {
  const { world, machine } = run;
  run.wakeAt = NEVER;
  if (machine !== null && !holdsCpu(run, machine, running)) return true;
  // While others wait for a CPU, nobody goes on beyond its slice without being asked.
  const others = machine === null ? before : Math.min(before, sliceEnd(machine, running.id));
  const { id, domid } = running;
  let { task, reply, watches, pending } = running;
  let section: Section | null = running.section ?? null;
  if (running.waiting) pending = null;
  for (;;) {
    if (run.steps++ >= run.budget) return false;
    const stepped = section === null ? step(ALL_FLOWS, task, reply) : null;
    if (stepped?.request === null) {
      if (machine !== null) noteTask(machine, world, running, 'end', stepped.value.rc);
      if (run.observers.has(id)) run.ended.set(id, stepped.value.rc);
      endTask(run, id);
      return true;
    }
    task = stepped?.task ?? task;
    const at = world.now;
    // Most requests are lines of a log, of which most are not shown: they need no record while the task goes on.
    if (stepped !== null && isText(stepped.request) && at < others && at <= Math.min(until, run.wakeAt)) {
      writeText(run.observers.get(id)?.write, task, stepped.request, at);
      reply = READY;
      continue;
    }
    const here = { id, task, domid, at, reply: READY, watches, pending, waiting: false, section: null };
    const next =
      stepped === null
        ? goOn(run, here, section!, Math.min(others, until))
        : serve(run, here, stepped.request, Math.min(others, until));
    if (machine !== null && isAsleep(next)) yieldCpu(run, machine, running.id);
    if (
      next.at === null ||
      next.waiting ||
      next.at >= others ||
      next.at > Math.min(until, run.wakeAt) ||
      stepped?.request.kind === 'spawn'
    ) {
      settleTask(run, next, domid);
      return true;
    }
    section = next.section ?? null;
    reply = next.reply;
    watches = next.watches;
    pending = next.pending;
    world.now = Math.max(world.now, next.at);
  }
}

/** Whether the task has a CPU, or gets one now; if not it is in the queue. Its slice over, it makes room for others. */
function holdsCpu(run: Run, machine: Machine, task: RunningTask): boolean {
  if (sliceEnd(machine, task.id) <= run.world.now) yieldCpu(run, machine, task.id);
  if (takeCpu(machine, task.id, run.world.now)) return true;
  const pending = task.waiting ? null : task.pending;
  replaceTask(run.world, { ...task, at: null, waiting: false, pending });
  return false;
}

/** Gives the task's CPU to the one that waits longest. */
function yieldCpu(run: Run, machine: Machine, id: number): void {
  const heir = leaveCpu(machine, id, run.world.now);
  const task = run.world.tasks.find((t) => t.id === heir);
  if (task === undefined) return;
  replaceTask(run.world, { ...task, at: run.world.now });
  run.wakeAt = run.world.now;
}

/** It lets its CPU go: it waits, or it sleeps until a time of its own choosing. */
const isAsleep = (task: RunningTask): boolean => task.at === null || task.waiting || task.reply === SLEPT;

/** Serves the next part of a hypercall that is served in parts. */
function goOn(run: Run, here: RunningTask, section: Section, others: number): RunningTask {
  const { world } = run;
  const machine = run.machine!;
  const served = serveSection(world, machine, here.domid ?? 0, section, others);
  noteSection(machine, world, here, section, served);
  const at = world.now + served.took;
  if (served.reply === null) return { ...here, section: served.section, at };
  if (section.request.name === 'XEN_DOMCTL_destroydomain') {
    if (served.reply.rc === 0 && fireWatches(world, RELEASE, here.id)) run.wakeAt = world.now;
    dropGuests(run);
  }
  run.observers.get(here.id)?.served?.(section.request, served.reply);
  return { ...here, section: null, reply: served.reply, at };
}

/** Puts a task's new record into the world, unless its domain has gone and taken it along. */
function settleTask(run: Run, next: RunningTask, domid: number | null): void {
  if (domid !== null && !run.world.xen.domains.has(domid)) endTask(run, next.id);
  else replaceTask(run.world, next);
}

/** Serves one request: the task's record as it is afterwards. */
function serve(run: Run, here: RunningTask, request: Request, others: number): RunningTask {
  const { world, machine } = run;
  switch (request.kind) {
    case 'stdout':
    case 'stderr':
    case 'log':
      writeText(run.observers.get(here.id)?.write, here.task, request, world.now);
      return here;
    case 'sleep':
      return { ...here, reply: SLEPT, at: world.now + request.ns };
    case 'wait':
      return serveWait(world, here, request);
    case 'lock':
      return takeLock(run, here, request.path);
    case 'unlock':
      if (leaveLock(run, request.path, here.id)) run.wakeAt = world.now;
      return here;
    case 'spawn': {
      const id = addTask(world, { name: request.name, frames: [request.frame] }, request.domid ?? null);
      if (machine !== null) noteTask(machine, world, { id, task: request }, 'start', 0);
      return { ...here, reply: { rc: 0, task: id } };
    }
    default: {
      if (machine !== null && isSectioned(request)) {
        return goOn(run, here, { request, done: 0 }, others);
      }
      const freeBefore = world.xen.heap.totalAvailPages;
      const { reply, fired } = serveRequest(world, run.outside, here.domid ?? 0, request);
      run.observers.get(here.id)?.served?.(request, reply);
      const freed = world.xen.heap.totalAvailPages - freeBefore;
      const cost =
        machine === null ? requestCost(request, reply, freed) : wholeCost(machine, request, reply, freed);
      if (machine !== null) noteRequest(machine, world, here, request, reply, cost);
      if (fired.length > 0 && fireWatches(world, fired, here.id)) run.wakeAt = world.now;
      if (request.kind === 'hypercall' && request.name === 'XEN_DOMCTL_unpausedomain') run.wakeAt = world.now;
      if (request.kind === 'hypercall' && request.name === 'XEN_DOMCTL_destroydomain') dropGuests(run);
      const own = fired.length > 0 ? watchHit(here.watches, fired) : null;
      return { ...here, reply, at: world.now + cost, pending: own ?? here.pending };
    }
  }
}

/** The tasks of domains that are no more end with them, and xenstored forgets them. Models domain_cleanup(). */
function dropGuests(run: Run): void {
  const { tasks, xen, store } = run.world;
  for (const t of tasks) if (t.domid !== null && !xen.domains.has(t.domid)) endTask(run, t.id);
  const introduced = store.introduced.filter((domid) => xen.domains.has(domid));
  if (introduced.length < store.introduced.length) run.world.store = { ...store, introduced };
}

function takeLock(run: Run, here: RunningTask, path: string): RunningTask {
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
function leaveLock(run: Run, path: string, id: number): boolean {
  const { world, machine } = run;
  const queue = world.locks.get(path) ?? [];
  const rest = queue.filter((other) => other !== id);
  const locks = new Map(world.locks);
  if (rest.length === 0) locks.delete(path);
  else locks.set(path, rest);
  world.locks = locks;
  const [first] = rest;
  if (queue[0] !== id) return false;
  if (machine !== null) noteTask(machine, world, { id, task: { name: 'xl' } }, 'unlock', 0, path);
  const heir = world.tasks.find((t) => t.id === first);
  if (heir === undefined) return false;
  replaceTask(world, { ...heir, at: world.now });
  if (machine !== null) {
    noteTask(machine, world, heir, 'lock-wait', 0, path);
    noteTask(machine, world, heir, 'lock', 0, path);
  }
  return true;
}
