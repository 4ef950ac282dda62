/** What a block costs on the virtual clock. */
import { parallelBlocks } from './block-prefix.ts';
import type { Subject } from './explore-how.ts';
import type { ClockTimes } from './explore-record.ts';
import type { Step } from './scenario.ts';
import type { Sliced } from './sliced.ts';
import { runTimed } from './timed-run.ts';
import { HEAP_LOCK, type TraceEvent } from './trace-event.ts';
import type { TurnOrder } from './turn-order.ts';

type Times = Omit<ClockTimes, 'order'>;

/**
 * What the block costs in the clock's own order; where that does not fail and `order` does, the time until the first
 * failure is that of `order`. Null: nobody waits for it any more.
 */
export function* blockTimes(subject: Subject, order: TurnOrder | null): Sliced<ClockTimes | null> {
  const clock = yield* timesOf(subject, null);
  if (clock === null) return null;
  if (clock.first_failure !== null || order === null) return { ...clock, order: 'clock' };
  const other = yield* timesOf(subject, order);
  return other === null ? null : { ...clock, first_failure: other.first_failure, order: 'counterexample' };
}

/** What is kept of the events so far. Times in virtual ns. */
interface Tally {
  /** Hypercalls of the block, by label: what they return is no exit status, only less than 0 is a failure. */
  readonly bare: ReadonlySet<string>;
  /** What a step starts is not started by another task. */
  readonly spawned: Set<number>;
  firstFailed: number | null;
  lastStarted: number | null;
  started: number;
  failed: number;
  /** Since when heap_lock is held by the remedy that holds it for a whole request; null: it is not. */
  taken: number | null;
  longestHold: number;
  lockWait: number;
}

function* timesOf(subject: Subject, order: TurnOrder | null): Sliced<Times | null> {
  const tally: Tally = {
    bare: bareSteps(parallelBlocks(subject.stage)[subject.block]),
    spawned: new Set(),
    firstFailed: null,
    lastStarted: null,
    started: 0,
    failed: 0,
    taken: null,
    longestHold: 0,
    lockWait: 0,
  };
  const run = yield* runTimed(subject, order, {
    onEvent: (event, _turn, { firstTask }) => noteEvent(tally, event, firstTask),
  });
  if (run === null) return null;
  const { machine } = run.play;
  const since = run.plan.since ?? 0;
  return {
    first_failure: tally.firstFailed === null ? null : tally.firstFailed - since,
    last_start: tally.lastStarted === null ? null : tally.lastStarted - since,
    longest_heap_lock: Math.max(machine.longestHeapLock, tally.longestHold),
    lock_wait: tally.lockWait + machine.heapLockWait,
    started: tally.started,
    failed: tally.failed,
  };
}

function noteEvent(tally: Tally, event: TraceEvent, firstTask: number): void {
  const { kind, task, at, until, what } = event;
  if (kind === 'start') tally.spawned.add(task);
  else if (kind === 'end' && task >= firstTask && !tally.spawned.has(task)) noteEnd(tally, event);
  else if (kind === 'lock-wait') tally.lockWait += until - at;
  else if (kind === 'lock' && what === HEAP_LOCK) tally.taken = at;
  else if (kind === 'unlock' && what === HEAP_LOCK && tally.taken !== null) {
    tally.longestHold = Math.max(tally.longestHold, at - tally.taken);
    tally.taken = null;
  }
}

function noteEnd(tally: Tally, { name, at, rc = 0 }: TraceEvent): void {
  if (rc < 0 || (rc > 0 && !tally.bare.has(name))) {
    tally.failed++;
    tally.firstFailed = Math.min(tally.firstFailed ?? at, at);
  } else {
    tally.started++;
    tally.lastStarted = Math.max(tally.lastStarted ?? at, at);
  }
}

function bareSteps(step: Step | undefined): ReadonlySet<string> {
  const { action } = step ?? {};
  if (step !== undefined && action?.do === 'hypercall') return new Set([step.label]);
  const inner = action?.do === 'parallel' || action?.do === 'repeat' ? action.steps : [];
  return new Set(inner.flatMap((child) => [...bareSteps(child)]));
}
