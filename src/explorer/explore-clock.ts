/**
 * The block on the virtual clock: once in the clock's own order, for what it costs; and once in the order that was
 * found, for the story of it.
 */
import { ASSERT } from '../hypervisor/bug.ts';
import { type BlockPlan, newBlockPlan } from './block-plan.ts';
import { parallelBlocks } from './block-prefix.ts';
import { brokenNow, miscountNow } from './broken-now.ts';
import type { Subject } from './explore-how.ts';
import type { ClockTimes, Counterexample } from './explore-record.ts';
import type { Lane } from './lane.ts';
import type { LaneEnd } from './lane-end.ts';
import { continueSteps, openSteps } from './lanes.ts';
import { type Play, raise } from './play.ts';
import type { Step } from './scenario.ts';
import { decisiveEvent, tellStory } from './story.ts';
import { HEAP_LOCK, type TraceEvent } from './trace-event.ts';
import type { TurnOrder } from './turn-order.ts';
import { type EndVerdict, endVerdict } from './verdict.ts';
import type { World } from './world.ts';

/** Turns by the clock after an order that is to end nowhere: whoever waits so long waits for ever. */
const PATIENCE = 1000;

/** Ends that are no failure. */
const GOOD: readonly LaneEnd['kind'][] = ['started', 'done'];

/** A timed run of a subject, under way or over: its events from the block's beginning to its end. */
interface TimedRun {
  readonly play: Play;
  readonly root: Lane;
  readonly plan: BlockPlan;
  readonly events: readonly TraceEvent[];
  /** By event: after how many turns of the order it happened. */
  readonly turns: readonly number[];
}

function runTimed(
  subject: Subject,
  order: TurnOrder | null,
  look?: (turn: number, world: World) => void,
): TimedRun {
  const run = openTimed(subject, order, look);
  goOn(run, Number.POSITIVE_INFINITY);
  return run;
}

const goOn = ({ play, root }: TimedRun, budget: number): boolean => continueSteps(play, root, false, budget);

function openTimed(
  subject: Subject,
  order: TurnOrder | null,
  look?: (turn: number, world: World) => void,
): TimedRun {
  const events: TraceEvent[] = [];
  const turns: number[] = [];
  let turn = 0;
  const plan = newBlockPlan({
    index: subject.block,
    remedy: subject.remedy,
    order,
    patience: PATIENCE,
    afterTurn: (n, on) => {
      turn = n + 1;
      look?.(n, on);
    },
  });
  const trace = (event: TraceEvent): void => {
    if (plan.since === null || plan.until !== null) return;
    events.push(event);
    turns.push(turn);
  };
  const play = raise(stageUpTo(subject), subject.limits, { ...subject.around, trace }, plan);
  return { play, root: openSteps(play), plan, events, turns };
}

function replayVerdict({ play: { world }, plan }: TimedRun, fits: () => boolean): EndVerdict {
  return endVerdict({ lanes: plan.ends ?? [], broken: brokenNow(world.xen) }, fits);
}

/** What comes after the block is of no interest here. */
function stageUpTo({ stage, block }: Subject): Subject['stage'] {
  const last = parallelBlocks(stage)[block];
  return { ...stage, steps: stage.steps.slice(0, last === undefined ? 0 : stage.steps.indexOf(last) + 1) };
}

/** What the block costs, under way: made by startTiming(), moved on by continueTiming(). */
export interface Timing {
  readonly subject: Subject;
  readonly order: TurnOrder | null;
  readonly run: TimedRun;
  /** Null: not known yet. */
  times: ClockTimes | null;
}

/**
 * Begins to find what the block costs. In the clock's own order; where that does not fail and `order` does, the time until
 * the first failure is that of `order`.
 */
export const startTiming = (subject: Subject, order: TurnOrder | null): Timing => ({
  subject,
  order,
  run: openTimed(subject, null),
  times: null,
});

/** Goes on for about `budget` requests. True: it is known. */
export function continueTiming(timing: Timing, budget: number): boolean {
  const { subject, order, run } = timing;
  if (timing.times !== null) return true;
  if (!goOn(run, budget)) return false;
  const bare = bareSteps(parallelBlocks(subject.stage)[subject.block]);
  const clock = timesOf(run, bare);
  if (clock.first_failure !== null || order === null) timing.times = { ...clock, order: 'clock' };
  else {
    const { first_failure } = timesOf(runTimed(subject, order), bare);
    timing.times = { ...clock, first_failure, order: 'counterexample' };
  }
  return true;
}

/** Steps that are hypercalls, by label: what they return is no exit status, only less than 0 is a failure. */
function bareSteps(step: Step | undefined): ReadonlySet<string> {
  const { action } = step ?? {};
  if (step !== undefined && action?.do === 'hypercall') return new Set([step.label]);
  const inner = action?.do === 'parallel' || action?.do === 'repeat' ? action.steps : [];
  return new Set(inner.flatMap((child) => [...bareSteps(child)]));
}

function timesOf(
  { play: { machine }, plan, events }: TimedRun,
  bare: ReadonlySet<string>,
): Omit<ClockTimes, 'order'> {
  const since = plan.since ?? 0;
  // What a step starts is not started by another task.
  const spawned = new Set(events.flatMap(({ kind, task }) => (kind === 'start' ? [task] : [])));
  const isStep = ({ kind, task }: TraceEvent): boolean =>
    kind === 'end' && task >= plan.firstTask && !spawned.has(task);
  const own = events.filter(isStep);
  const hasFailed = ({ name, rc = 0 }: TraceEvent): boolean => rc < 0 || (rc > 0 && !bare.has(name));
  const failed = own.filter(hasFailed);
  const started = own.filter((event) => !hasFailed(event));
  const first = failed.length === 0 ? null : Math.min(...failed.map(({ at }) => at)) - since;
  const last = started.length === 0 ? null : Math.max(...started.map(({ at }) => at)) - since;
  return {
    first_failure: first,
    last_start: last,
    longest_heap_lock: Math.max(machine.longestHeapLock, longestHold(events)),
    lock_wait: lockWait(events) + machine.heapLockWait,
    started: started.length,
    failed: failed.length,
  };
}

/** The longest that heap_lock was held by the remedy that holds it for a whole request. */
function longestHold(events: readonly TraceEvent[]): number {
  let taken: number | null = null;
  let longest = 0;
  for (const { kind, what, at } of events) {
    if (what !== HEAP_LOCK) continue;
    if (kind === 'lock') taken = at;
    if (kind === 'unlock' && taken !== null) longest = Math.max(longest, at - taken);
  }
  return longest;
}

const lockWait = (events: readonly TraceEvent[]): number =>
  events.reduce((sum, { kind, at, until }) => sum + (kind === 'lock-wait' ? until - at : 0), 0);

/** Where the steps stand that are not over, and who holds a lock. */
const standing = ({ play: { hung }, plan: { steps } }: TimedRun): string[] =>
  (hung ?? [])
    .slice(1)
    .filter(
      (line) => line.includes(', holds ') || [...steps.keys()].some((id) => line.includes(` (task ${id}) `)),
    )
    .map((line) => `for ever: ${line}`);

/**
 * The story of an order, with the host at the decisive moments. Also the proof: it is played on the clock, twice, and
 * must come to the same both times.
 */
export function tellOrder(
  subject: Subject,
  order: TurnOrder,
  verdict: Counterexample['verdict'],
  fits: () => boolean,
): Counterexample {
  const turns = order.choices.reduce((sum, { times }) => sum + times, 0);
  // An order that breaks an invariant ends there, and so does what is told of it.
  let broken: string | null = null;
  const first = runTimed(subject, order, (n, on) => {
    if (n === turns - 1) broken = miscountNow(on.xen);
  });
  const isCut = verdict === 'invariant broken' && broken !== null;
  const events = isCut ? first.events.filter((_, i) => first.turns[i]! < turns) : first.events;
  const { ends, steps } = first.plan;
  const failed = (ends ?? []).flatMap(({ kind }, lane) => (GOOD.includes(kind) ? [] : [lane]));
  const decided = isCut ? events.length - 1 : decisiveEvent(events, steps, failed);
  const turn = decided < 0 ? -1 : isCut ? turns - 1 : first.turns[decided]!;
  const moments: Counterexample['moments'] = [];
  const second = runTimed(subject, order, (n, on) => {
    if (n !== turn) return;
    const { name, task, at, what } = events[decided]!;
    moments.push({
      title: `right after ${what} of ${steps.get(task)?.label ?? name}`,
      at: isCut ? on.now : at,
      tables: subject.around.tables(on),
    });
  });
  ASSERT(
    JSON.stringify(first.events) === JSON.stringify(second.events),
    'an order that is taken twice leaves the same trace',
  );
  const { world } = second.play;
  if (!isCut) moments.push({ title: 'at the end', at: world.now, tables: subject.around.tables(world) });
  return {
    verdict,
    replays_as: isCut ? verdict : replayVerdict(second, fits),
    switches: Math.max(0, order.choices.length - 1),
    steps: turns,
    choices: order.choices.map((choice) => ({ ...choice })),
    story: [...tellStory(events, steps), ...(verdict === 'stuck' ? standing(second) : [])],
    moments,
  };
}
