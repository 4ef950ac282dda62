/** An exploration that is over as the record that reports print: with its times and the story of its worst order. */
import { joinOrder } from './actor-order.ts';
import { continueTiming, startTiming, type Timing, tellOrder } from './explore-clock.ts';
import { cannotConfirm, namedOnHost } from './explore-confirm.ts';
import { finishExploring } from './explore-found.ts';
import type { Exploration } from './explore-record.ts';
import type { Exploring } from './exploring.ts';
import { grainOf, type TurnOrder } from './turn-order.ts';
import { verdictExit } from './verdict.ts';

/** A record under way: made by startTelling(), moved on by continueTelling(). */
export interface Telling {
  /** Without its times. */
  readonly found: Exploration;
  readonly timing: Timing;
}

/** Goes on for about `budget` requests. True: there is nothing left to be found. */
export const continueTelling = ({ timing }: Telling, budget: number): boolean =>
  continueTiming(timing, budget);

/** The record, with its times as far as they are known. */
export const tellingOf = ({ found, timing }: Telling): Exploration => ({ ...found, clock: timing.times });

/**
 * Begins the record, which plays the block on the clock: twice in the worst order, once in the clock's own.
 *
 * A failure is one only if its order can be taken again. Where the walk was by class and it cannot, it is undecided;
 * frame by frame that is a bug.
 */
export function startTelling(e: Exploring): Telling {
  const { found, order } = recordOf(e);
  return { found: confirmed(e, found), timing: startTiming(e.subject, order) };
}

function confirmed(e: Exploring, found: Exploration): Exploration {
  const { counterexample } = found;
  if (counterexample === null || counterexample.replays_as === counterexample.verdict) return found;
  const { subject, how, fits } = e;
  const why = cannotConfirm(subject, how, counterexample, { ownership: found.walk.ownership, fits });
  if (why === null) return found;
  return {
    ...found,
    verdict: 'undecided',
    exit: verdictExit('undecided', how.forbidRefusal),
    not_confirmed: why,
  };
}

function recordOf(e: Exploring): { readonly found: Exploration; readonly order: TurnOrder | null } {
  const { verdict, walk, outcomes, worst } = finishExploring(e);
  const { subject, how } = e;
  const choices = worst === null ? null : [...joinOrder(worst.choices, worst.space)];
  const order: TurnOrder | null =
    choices === null ? null : { grain: grainOf(how.grain), choices: namedOnHost(subject, how, choices) };
  const found: Exploration = {
    remedy: subject.remedy?.name ?? null,
    title: subject.remedy?.title ?? 'as it is',
    verdict,
    exit: verdictExit(verdict, how.forbidRefusal),
    walk,
    outcomes: [...outcomes],
    counterexample: order === null ? null : tellOrder(subject, order, verdict, e.fits),
    not_confirmed: null,
    clock: null,
  };
  return { found, order };
}
