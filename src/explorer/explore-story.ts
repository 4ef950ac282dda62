/** The order that was found, played on the virtual clock: the story of it. */
import { ASSERT } from '../hypervisor/bug.ts';
import { brokenNow, miscountNow } from './broken-now.ts';
import type { Subject } from './explore-how.ts';
import type { Counterexample } from './explore-record.ts';
import type { LaneEnd } from './lane-end.ts';
import type { Sliced } from './sliced.ts';
import { decisiveEvent, tellStory } from './story.ts';
import { runTimed, type TimedRun } from './timed-run.ts';
import type { TraceEvent } from './trace-event.ts';
import type { TurnOrder } from './turn-order.ts';
import { endVerdict } from './verdict.ts';

/** Events of the longest order that is told: they are kept until all of them are known. */
const MOST_EVENTS = 1_000_000;

/** Ends that are no failure. */
const GOOD: readonly LaneEnd['kind'][] = ['started', 'done'];

/** The order was played once. */
interface FirstRun {
  readonly run: TimedRun;
  readonly events: readonly TraceEvent[];
  /** By event: after how many turns of the order it happened. */
  readonly turns: readonly number[];
  /** The invariant that does not hold after the last turn, or null. */
  readonly broken: string | null;
}

/**
 * The story of an order, with the host at the decisive moments. Also the proof: it is played on the clock, twice, and
 * must come to the same both times. What nobody waits for any more is left out, and so is the story where more than
 * `mostEvents` happen.
 */
export function* tellOrder(
  subject: Subject,
  order: TurnOrder,
  verdict: Counterexample['verdict'],
  fits: () => boolean,
  mostEvents = MOST_EVENTS,
): Sliced<Counterexample> {
  const steps = order.choices.reduce((sum, { times }) => sum + times, 0);
  const untold: Counterexample = {
    verdict,
    replays_as: null,
    switches: Math.max(0, order.choices.length - 1),
    steps,
    choices: order.choices.map((choice) => ({ ...choice })),
    story: [],
    moments: [],
  };
  const first = yield* playFirst(subject, order, steps, mostEvents);
  if (first === null) return untold;
  // An order that breaks an invariant ends there, and so does what is told of it.
  const isCut = verdict === 'invariant broken' && first.broken !== null;
  const replays_as = isCut ? verdict : replayVerdict(first.run, fits);
  const known = { ...untold, replays_as };
  if (first.events.length > mostEvents) return known;
  const events = isCut ? first.events.filter((_, i) => first.turns[i]! < steps) : first.events;
  const { ends, steps: tasks } = first.run.plan;
  const failed = (ends ?? []).flatMap(({ kind }, lane) => (GOOD.includes(kind) ? [] : [lane]));
  const decided = isCut ? events.length - 1 : decisiveEvent(events, tasks, failed);
  const decisive = { event: events[decided], turn: isCut ? steps - 1 : (first.turns[decided] ?? -1) };
  const moments = yield* playAgain(subject, order, first, decisive, isCut);
  if (moments === null) return known;
  const stands = verdict === 'stuck' ? standing(first.run) : [];
  return { ...known, story: [...tellStory(events, tasks), ...stands], moments };
}

/** Null: nobody waits for it any more. */
function* playFirst(
  subject: Subject,
  order: TurnOrder,
  steps: number,
  mostEvents: number,
): Sliced<FirstRun | null> {
  const events: TraceEvent[] = [];
  const turns: number[] = [];
  let broken: string | null = null;
  const run = yield* runTimed(subject, order, {
    onEvent: (event, turn) => {
      if (events.length > mostEvents) return;
      events.push(event);
      turns.push(turn);
    },
    onTurn: (turn, { xen }) => {
      if (turn === steps - 1) broken = miscountNow(xen);
    },
  });
  return run === null ? null : { run, events, turns, broken };
}

/** Plays it again: the host at the decisive moments. Null: nobody waits for it any more. */
function* playAgain(
  subject: Subject,
  order: TurnOrder,
  { events, run: { plan } }: FirstRun,
  decisive: { readonly event: TraceEvent | undefined; readonly turn: number },
  isCut: boolean,
): Sliced<Counterexample['moments'] | null> {
  const { tables } = subject.around;
  const moments: Counterexample['moments'] = [];
  let met = 0;
  const again = yield* runTimed(subject, order, {
    onEvent: (event) => {
      ASSERT(isSame(event, events[met]), 'an order that is taken twice leaves the same trace');
      met++;
    },
    onTurn: (turn, world) => {
      const { event } = decisive;
      if (turn !== decisive.turn || event === undefined) return;
      const { name, task, at, what } = event;
      moments.push({
        title: `right after ${what} of ${plan.steps.get(task)?.label ?? name}`,
        at: isCut ? world.now : at,
        tables: tables(world),
      });
    },
  });
  if (again === null) return null;
  ASSERT(met === events.length, 'an order that is taken twice leaves as long a trace');
  const { world } = again.play;
  if (!isCut) moments.push({ title: 'at the end', at: world.now, tables: tables(world) });
  return moments;
}

const isSame = (event: TraceEvent, other: TraceEvent | undefined): boolean =>
  JSON.stringify(event) === JSON.stringify(other);

const replayVerdict = (
  { play: { world }, plan }: TimedRun,
  fits: () => boolean,
): ReturnType<typeof endVerdict> =>
  endVerdict({ lanes: plan.ends ?? [], broken: brokenNow(world.xen) }, fits);

/** Where the steps stand that are not over, and who holds a lock. */
const standing = ({ play: { hung }, plan: { steps } }: TimedRun): string[] =>
  (hung ?? [])
    .slice(1)
    .filter(
      (line) => line.includes(', holds ') || [...steps.keys()].some((id) => line.includes(` (task ${id}) `)),
    )
    .map((line) => `for ever: ${line}`);
