/** An exploration that is over as the record that reports print: with its times and the story of its worst order. */
import { blockTimes } from './explore-clock.ts';
import { cannotConfirm, namedOnHost } from './explore-confirm.ts';
import { finishExploring } from './explore-found.ts';
import type { Exploration } from './explore-record.ts';
import { tellOrder } from './explore-story.ts';
import type { Exploring } from './exploring.ts';
import type { Sliced } from './sliced.ts';
import { grainOf, type TurnOrder } from './turn-order.ts';
import { verdictExit } from './verdict.ts';

/**
 * The record. Finds the smallest order that ends as badly as the worst and plays the block on the clock: twice in that
 * order, once in the clock's own. What nobody waits for any more is left out.
 */
export function* tellExploration(e: Exploring): Sliced<Exploration> {
  const { subject, how } = e;
  const { verdict, walk, outcomes, worst } = yield* finishExploring(e);
  let order: TurnOrder | null = null;
  if (worst !== null) {
    const choices = yield* namedOnHost(subject, how, worst);
    order = { grain: grainOf(how.grain), choices };
  }
  const found: Exploration = {
    remedy: subject.remedy?.name ?? null,
    title: subject.remedy?.title ?? 'as it is',
    verdict,
    exit: verdictExit(verdict, how.forbidRefusal),
    walk,
    outcomes: [...outcomes],
    counterexample: order === null ? null : yield* tellOrder(subject, order, verdict, e.fits),
    not_confirmed: null,
    clock: null,
  };
  const confirmed = yield* confirm(e, found);
  return { ...confirmed, clock: yield* blockTimes(subject, order) };
}

/**
 * A failure is one only if its order can be taken again. Where the walk was by class and it cannot, it is undecided;
 * frame by frame that is a bug.
 */
function* confirm(e: Exploring, found: Exploration): Sliced<Exploration> {
  const { counterexample } = found;
  if (counterexample === null || counterexample.replays_as === counterexample.verdict) return found;
  const { subject, how, fits } = e;
  const by = { ownership: found.walk.ownership, fits };
  const why = yield* cannotConfirm(subject, how, counterexample, by);
  if (why === null) return found;
  return {
    ...found,
    verdict: 'undecided',
    exit: verdictExit('undecided', how.forbidRefusal),
    not_confirmed: why,
  };
}
