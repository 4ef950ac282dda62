/** An exploration that is over as the record that reports print: with its times and the story of its worst order. */
import { joinOrder } from './actor-order.ts';
import { backToClass, type Exploring, finishExploring } from './explore.ts';
import { clockTimes, tellOrder } from './explore-clock.ts';
import type { Exploration } from './explore-record.ts';
import { grainOf, type TurnOrder } from './turn-order.ts';
import { verdictExit } from './verdict.ts';

/**
 * The record. Plays the block on the clock: once in the clock's order, twice in the worst.
 *
 * A failure is one only if its order can be taken again. Where exact ownership shows one that cannot, the finished walk
 * by class stands.
 */
export function explorationOf(e: Exploring): Exploration {
  const found = recordOf(e);
  const { counterexample } = found;
  const isReal = counterexample === null || counterexample.replays_as === counterexample.verdict;
  return isReal || !backToClass(e) ? found : recordOf(e);
}

function recordOf(e: Exploring): Exploration {
  const { verdict, walk, outcomes, worst } = finishExploring(e);
  const { subject, how } = e;
  const order: TurnOrder | null =
    worst === null ? null : { grain: grainOf(how.grain), choices: joinOrder(worst.choices, worst.space) };
  return {
    remedy: subject.remedy?.name ?? null,
    title: subject.remedy?.title ?? 'as it is',
    verdict,
    exit: verdictExit(verdict, how.forbidRefusal),
    walk,
    outcomes: [...outcomes],
    counterexample: order === null ? null : tellOrder(subject, order, verdict, e.fits),
    clock: clockTimes(subject, order),
  };
}
