/**
 * Runs tasks on the virtual clock: who goes on next, who waits for what, until a command has ended or all is quiet.
 *
 * The order is fixed: the task whose time comes first goes on, at equal times the one with the lowest id. A request is
 * served whole; then its cost passes for that task alone.
 */
import { ASSERT } from '../hypervisor/bug.ts';
import { flows } from '../toolstack/flows.ts';
import { newTask, type Reply, type Request, step } from '../toolstack/task.ts';
import { defaultXlEnv, logShown } from '../toolstack/xl-env.ts';
import { requestCost } from './request-cost.ts';
import { type Outside, serveRequest } from './serve.ts';
import type { RunningTask, World } from './world.ts';

/** Where the text of running tasks goes, and who looks at what they ask. */
export interface Observer {
  readonly write: (stream: 'stdout' | 'stderr', text: string) => void;
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
const READY: Reply = { rc: 0 };
const NEVER = Number.POSITIVE_INFINITY;

interface Run {
  readonly world: World;
  readonly outside: Outside;
  readonly observer: Observer;
  /** The command's own task. */
  readonly command: number;
  /** The end of the command, once it is there. */
  rc: number | null;
  steps: number;
  /** When the first of the tasks goes on that the running one has just woken. */
  wakeAt: number;
}

/** Runs `xl ARGV…` on the world to its end, then everything else as far as `settle` says. */
export function runCommand(
  world: World,
  outside: Outside,
  observer: Observer,
  argv: readonly string[],
  settle: Settle,
): CommandEnd {
  const env = { ...defaultXlEnv, profile: world.xen.profile.name };
  const id = addTask(world, newTask('xl', 'main', { argv, env }), null);
  const run: Run = { world, outside, observer, command: id, rc: null, steps: 0, wakeAt: NEVER };
  const end = runTasks(run, 'command', NEVER);
  if (run.rc === null) {
    endTask(world, id);
    return { rc: 1, ended: false, settled: end };
  }
  return { rc: run.rc, ended: true, settled: settleWorld(run, settle) };
}

function settleWorld(run: Run, settle: Settle): RunEnd {
  if (settle === 'none') return 'done';
  const until = settle === 'idle' ? NEVER : run.world.now + settle;
  const end = runTasks(run, 'idle', until);
  if (settle !== 'idle' && run.world.now < until) run.world.now = until;
  return end;
}

/** Adds a task that is ready now; returns its id. */
function addTask(world: World, task: RunningTask['task'], domid: number | null): number {
  const id = world.nextTask;
  world.nextTask = id + 1;
  const fresh = { id, task, domid, at: world.now, reply: READY, watches: [], pending: null, waiting: false };
  world.tasks = [...world.tasks, fresh];
  return id;
}

/** Takes a task out of the world; the locks it held go to those that wait for them. */
function endTask(world: World, id: number): void {
  world.tasks = world.tasks.filter((t) => t.id !== id);
  for (const [path, queue] of world.locks) if (queue.includes(id)) leaveLock(world, path, id);
}

function replaceTask(world: World, next: RunningTask): void {
  world.tasks = world.tasks.map((t) => (t.id === next.id ? next : t));
}

/** Runs tasks until the command has ended (`command`) or nothing more happens before `until` (`idle`). */
function runTasks(run: Run, goal: 'command' | 'idle', until: number): RunEnd {
  const { world } = run;
  let quiet = 0;
  for (;;) {
    if (goal === 'command' && run.rc !== null) return 'done';
    const chosen = nextTask(world);
    if (chosen === null) return goal === 'command' ? 'stuck' : 'idle';
    const { task: running, others } = chosen;
    const at = running.at ?? 0;
    if (at > until) return 'time';
    const before = pulse(world);
    world.now = Math.max(world.now, at);
    if (!runTask(run, running, Math.min(others, until))) return 'budget';
    quiet = pulse(world) === before ? quiet + 1 : 0;
    if (goal === 'idle' && quiet >= QUIET_WAKEUPS) return 'idle';
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

/** Advances one task until its time passes `until`, it has to wait, or it ends. False: the budget is used up. */
function runTask(run: Run, running: RunningTask, until: number): boolean {
  const { world } = run;
  let { task, reply, watches, pending } = { ...running };
  if (running.waiting) pending = null;
  run.wakeAt = NEVER;
  for (;;) {
    if (run.steps++ >= STEP_BUDGET) return false;
    const stepped = step(flows, task, reply);
    if (stepped.request === null) {
      if (running.id === run.command) run.rc = stepped.value.rc;
      endTask(world, running.id);
      return true;
    }
    task = stepped.task;
    const { request } = stepped;
    const here: RunningTask = {
      ...running,
      task,
      watches,
      pending,
      waiting: false,
      reply: READY,
      at: world.now,
    };
    const next = serve(run, here, request);
    if (
      next.at === null ||
      next.waiting ||
      next.at > Math.min(until, run.wakeAt) ||
      request.kind === 'spawn'
    ) {
      settleTask(world, next, running.domid);
      return true;
    }
    reply = next.reply;
    watches = next.watches;
    pending = next.pending;
    world.now = Math.max(world.now, next.at);
  }
}

/** Puts a task's new record into the world, unless its domain has gone and taken it along. */
function settleTask(world: World, next: RunningTask, domid: number | null): void {
  if (domid !== null && !world.xen.domains.has(domid)) endTask(world, next.id);
  else replaceTask(world, next);
}

/** Serves one request: the task's record as it is afterwards. */
function serve(run: Run, here: RunningTask, request: Request): RunningTask {
  const { world } = run;
  switch (request.kind) {
    case 'stdout':
    case 'stderr':
      if (here.id === run.command) run.observer.write(request.kind, request.text);
      return here;
    case 'log':
      if (here.id === run.command && logShown(here.task, request.level))
        run.observer.write('stderr', request.text);
      return here;
    case 'sleep':
      return { ...here, at: world.now + request.ns };
    case 'wait':
      return serveWait(world, here, request);
    case 'lock':
      return takeLock(world, here, request.path);
    case 'unlock':
      if (leaveLock(world, request.path, here.id)) run.wakeAt = world.now;
      return here;
    case 'spawn': {
      const id = addTask(world, { name: request.name, frames: [request.frame] }, request.domid ?? null);
      return { ...here, reply: { rc: 0, task: id } };
    }
    default: {
      const freeBefore = world.xen.heap.totalAvailPages;
      const { reply, fired } = serveRequest(world, run.outside, here.domid ?? 0, request);
      if (here.id === run.command) run.observer.served?.(request, reply);
      const cost = requestCost(request, reply, world.xen.heap.totalAvailPages - freeBefore);
      if (fired.length > 0 && fireWatches(world, fired, here.id)) run.wakeAt = world.now;
      if (request.kind === 'hypercall' && request.name === 'XEN_DOMCTL_unpausedomain') run.wakeAt = world.now;
      if (request.kind === 'hypercall' && request.name === 'XEN_DOMCTL_destroydomain') dropGuests(world);
      const own = fired.length > 0 ? watchHit(here.watches, fired) : null;
      return { ...here, reply, at: world.now + cost, pending: own ?? here.pending };
    }
  }
}

/** The tasks of domains that are no more end with them. */
function dropGuests(world: World): void {
  for (const t of world.tasks) if (t.domid !== null && !world.xen.domains.has(t.domid)) endTask(world, t.id);
}

function serveWait(
  world: World,
  here: RunningTask,
  request: Extract<Request, { kind: 'wait' }>,
): RunningTask {
  const at = request.ns === undefined ? null : world.now + request.ns;
  if (here.pending !== null && watchHit(request.paths, [here.pending]) !== null) {
    const reply = { rc: 0, fired: here.pending };
    return { ...here, watches: request.paths, pending: null, reply };
  }
  const reply = { rc: 0, fired: 'timeout' };
  return { ...here, watches: request.paths, pending: null, waiting: true, at, reply };
}

/** The first of `fired` that one of `watches` covers: the path itself, anything below it, or a special name. */
function watchHit(watches: readonly string[], fired: readonly string[]): string | null {
  for (const path of fired) {
    for (const watch of watches) {
      if (path === watch || path.startsWith(`${watch}/`)) return path;
      // Removing a node removes what lies below it, so those watches fire as well.
      if (watch.startsWith(`${path}/`)) return watch;
    }
  }
  return null;
}

/** Wakes the tasks that wait for one of `fired`; the others that watch it find out at their next wait. True: somebody woke. */
function fireWatches(world: World, fired: readonly string[], by: number): boolean {
  let woke = false;
  for (const task of world.tasks) {
    if (task.id === by || task.watches.length === 0) continue;
    const path = watchHit(task.watches, fired);
    if (path === null) continue;
    if (task.waiting) {
      woke = true;
      replaceTask(world, {
        ...task,
        waiting: false,
        pending: null,
        at: world.now,
        reply: { rc: 0, fired: path },
      });
    } else if (task.pending === null) {
      replaceTask(world, { ...task, pending: path });
    }
  }
  return woke;
}

function takeLock(world: World, here: RunningTask, path: string): RunningTask {
  const queue = world.locks.get(path) ?? [];
  ASSERT(queue[0] !== here.id, `task ${here.id} takes ${path} once`);
  world.locks = new Map(world.locks).set(path, [...queue, here.id]);
  return queue.length === 0 ? here : { ...here, at: null };
}

/** Lets go of a lock, or of a place in its queue; the next in line goes on. True: somebody woke. */
function leaveLock(world: World, path: string, id: number): boolean {
  const queue = world.locks.get(path) ?? [];
  const rest = queue.filter((other) => other !== id);
  const locks = new Map(world.locks);
  if (rest.length === 0) locks.delete(path);
  else locks.set(path, rest);
  world.locks = locks;
  const [first] = rest;
  if (queue[0] !== id || first === undefined) return false;
  const heir = world.tasks.find((t) => t.id === first);
  if (heir !== undefined) replaceTask(world, { ...heir, at: world.now });
  return heir !== undefined;
}
