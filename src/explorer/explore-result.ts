/** An exploration that is over as the record that reports print: with its times and the story of its worst order. */
import { joinOrder } from './actor-order.ts';
import { type Exploring, finishExploring } from './explore.ts';
import { clockTimes, tellOrder } from './explore-clock.ts';
import { cannotConfirm, namedOnHost } from './explore-confirm.ts';
import type { Exploration } from './explore-record.ts';
import { grainOf, type TurnOrder } from './turn-order.ts';
import { verdictExit } from './verdict.ts';

/**
 * The record. Plays the block on the clock: once in the clock's order, twice in the worst.
 *
 * A failure is one only if its order can be taken again. Where the walk was by class and it cannot, it is undecided;
 * frame by frame that is a bug.
 */
export function explorationOf(e: Exploring): Exploration {
  const found = recordOf(e);
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

function recordOf(e: Exploring): Exploration {
  const { verdict, walk, outcomes, worst } = finishExploring(e);
  const { subject, how } = e;
  const choices = worst === null ? null : [...joinOrder(worst.choices, worst.space)];
  const order: TurnOrder | null =
    choices === null ? null : { grain: grainOf(how.grain), choices: namedOnHost(subject, how, choices) };
  return {
    remedy: subject.remedy?.name ?? null,
    title: subject.remedy?.title ?? 'as it is',
    verdict,
    exit: verdictExit(verdict, how.forbidRefusal),
    walk,
    outcomes: [...outcomes],
    counterexample: order === null ? null : tellOrder(subject, order, verdict, e.fits),
    not_confirmed: null,
    clock: clockTimes(subject, order),
  };
}
