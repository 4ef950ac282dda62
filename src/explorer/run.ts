/**
 * Runs tasks on the virtual clock: who goes on next, who waits for what, until a command has ended or all is quiet.
 *
 * The order is fixed: the task whose time comes first goes on, at equal times the one with the lowest id. A request is
 * served whole; then its cost passes for that task alone.
 */
import { newTask } from '../toolstack/task.ts';
import { defaultXlEnv } from '../toolstack/xl-env.ts';
import { lookTogether } from './look-rounds.ts';
import { advanceTogether } from './rotation.ts';
import { newRun, type Observer, type Run } from './run-state.ts';
import { runTask } from './run-task.ts';
import type { Outside } from './serve.ts';
import { nextTask, ownTasks, releaseTasks } from './task-index.ts';
import { addTask, endTask } from './task-life.ts';
import { userdataCount } from './userdata.ts';
import type { TaskIndex, World } from './world.ts';

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

/** Wake-ups in a row that changed nothing: retries for ever are rest, too. */
const QUIET_WAKEUPS = 64;
const NEVER = Number.POSITIVE_INFINITY;

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

/** Runs tasks until `goal` holds (null: never), nothing more happens before `until`, or the budget is used up. */
export function runTasks(
  run: Run,
  goal: (() => boolean) | null,
  until: number,
  rest: Rest | null = goal === null ? newRest() : null,
): RunEnd {
  const index = ownTasks(run.world);
  const end = runUntil(run, index, goal, until, rest);
  releaseTasks(index);
  return end;
}

function runUntil(
  run: Run,
  index: TaskIndex,
  goal: (() => boolean) | null,
  until: number,
  rest: Rest | null,
): RunEnd {
  const { world } = run;
  const pulse = rest === null ? [] : pulseOf(rest, world);
  for (;;) {
    if (goal?.() === true) return 'done';
    const chosen = nextTask(world, index);
    if (chosen === null) return 'idle';
    const { task: running, others } = chosen;
    const at = running.at ?? 0;
    if (at > until) return 'time';
    if (rest !== null) notePulse(world, pulse);
    world.now = Math.max(world.now, at);
    if (advanceTogether(run.machine, world, running, until)) continue;
    if (rest === null && lookTogether(run, index, running, until)) continue;
    // While one looks for rest, every wake-up counts.
    run.others = rest === null ? others : 0;
    const isAffordable = runTask(run, running, others, until);
    run.others = 0;
    if (!isAffordable) return 'budget';
    if (rest === null) continue;
    rest.quiet = !notePulse(world, pulse) && running.section == null ? rest.quiet + 1 : 0;
    if (isAtRest(rest)) return 'idle';
  }
}

/** How long nothing has happened, while one looks for it: on one host or several. Changed in place. */
export interface Rest {
  quiet: number;
  readonly pulses: Map<World, number[]>;
}

export const newRest = (): Rest => ({ quiet: 0, pulses: new Map() });

/** Wake-ups change nothing any more. */
export const isAtRest = ({ quiet }: Rest): boolean => quiet >= QUIET_WAKEUPS;

function pulseOf({ pulses }: Rest, world: World): number[] {
  const pulse = pulses.get(world) ?? [];
  pulses.set(world, pulse);
  return pulse;
}

/** Notes what changes whenever anything a user could see does. True: it is not what it was. */
function notePulse({ store, xen, tasks, userdata }: World, pulse: number[]): boolean {
  const { totalAvailPages, outstandingClaims } = xen.heap;
  const now = [store.generation, totalAvailPages, outstandingClaims, tasks.length, userdataCount(userdata)];
  let isNew = false;
  for (let i = 0; i < now.length; i++) {
    if (pulse[i] !== now[i]) isNew = true;
    pulse[i] = now[i]!;
  }
  return isNew;
}
