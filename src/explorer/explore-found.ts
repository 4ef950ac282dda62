/** An exploration that is over, told: verdict, ends, and the smallest order that ends as badly. */
import { ASSERT } from '../hypervisor/bug.ts';
import { joinOrder } from './actor-order.ts';
import type { Outcome, Walk } from './explore-record.ts';
import { type Reducing, reducedEnds, reducedWalk, reducedWorst } from './explore-reduced.ts';
import { type Sampling, sampledEnds, sampledWalk, sampledWorst } from './explore-sample.ts';
import { factsOf } from './explore-walking.ts';
import { type Exploring, endsMet, isJudged, verdictOf } from './exploring.ts';
import { outcomesOf } from './outcome-table.ts';
import { pathWithin } from './path-within.ts';
import { shortenSchedule } from './schedule-shorten.ts';
import { type Shortest, smallestSchedule } from './shortest-schedule.ts';
import type { Sliced } from './sliced.ts';
import type { Choice } from './space.ts';
import type { TurnOrder } from './turn-order.ts';
import { type EndVerdict, type Verdict, verdictExit } from './verdict.ts';

/** Orders tried to make a bad one smaller that is not known to be the smallest. */
const SHORTEN_ATTEMPTS = 100;

/** What an exploration found so far. */
interface Explored {
  readonly verdict: Verdict;
  readonly walk: Walk;
  readonly outcomes: readonly Outcome[];
  /** The smallest order that ends as badly; null: none is needed, or was found in time. */
  readonly worst: TurnOrder['choices'] | null;
}

function* finishSampling(e: Exploring, sampling: Sampling): Sliced<Explored> {
  const { how, fits, steps, stopped } = e;
  const verdict = verdictOf(e);
  const isViolated = verdictExit(verdict, how.forbidRefusal) === 1;
  return {
    verdict,
    walk: sampledWalk(sampling, how, stopped),
    outcomes: outcomesOf(sampledEnds(sampling), { steps, fits }, sampling.tally.samples),
    worst: isViolated ? yield* sampledWorst(sampling, verdict as EndVerdict, fits) : null,
  };
}

/** Where there was no time for the smallest order: one that was met, made smaller. */
function* anyWorst({ walking }: Exploring, { wanted }: Shortest): Sliced<readonly Choice[] | null> {
  const { space, search, whole } = walking;
  const choices = pathWithin(search, wanted);
  // What was put together is small enough to be told, but no space in which anything could be tried.
  if (choices === null || whole !== null) return choices;
  const how = { wanted, attempts: SHORTEN_ATTEMPTS, maxSteps: choices.length };
  return (yield* shortenSchedule(space, choices, how)).choices;
}

function* finishReducing(e: Exploring, reducing: Reducing): Sliced<Explored> {
  const { how, fits, steps, stopped } = e;
  const verdict = verdictOf(e);
  const isViolated = verdictExit(verdict, how.forbidRefusal) === 1;
  return {
    verdict,
    walk: { ...reducedWalk(reducing, how, stopped), exactly: e.exactly },
    outcomes: outcomesOf(reducedEnds(reducing), { steps, fits }, null),
    worst: isViolated ? yield* reducedWorst(reducing, verdict as EndVerdict, fits) : null,
  };
}

/** The result, once it is over. */
export function* finishExploring(e: Exploring): Sliced<Explored> {
  ASSERT(e.phase === 'over', 'an exploration is over before its result is told');
  const found = yield* foundBy(e);
  if (isJudged(e)) return found;
  // All ends may have been met: what they are called is not known.
  const { walk } = found;
  return { ...found, walk: { ...walk, finished: false, stopped: walk.stopped ?? e.aloneStopped } };
}

function* foundBy(e: Exploring): Sliced<Explored> {
  const { walking, how, quest, sampling } = e;
  if (sampling !== null) return yield* finishSampling(e, sampling);
  if (e.reducing !== null) return yield* finishReducing(e, e.reducing);
  const choices = quest === null ? null : (smallestSchedule(quest) ?? (yield* anyWorst(e, quest)));
  return {
    verdict: verdictOf(e),
    walk: walkOf(e),
    outcomes: outcomesOf(endsMet(e), { steps: e.steps, fits: e.fits }, null),
    worst: choices === null ? null : joinOrder(choices, factsOf(walking)),
  };

  function walkOf({ stopped }: Exploring): Walk {
    const { census } = walking;
    const { states, transitions } = census ?? e.met!;
    const space = factsOf(walking);
    return {
      strategy: 'exhaustive',
      grain: how.grain,
      ownership: space.how.ownership,
      ownership_matters: space.ownershipMatters,
      abstract: space.isAbstract,
      by_sums: space.bySums,
      exactly: e.exactly,
      order: how.order,
      reduction: false,
      finished: census !== null,
      stopped,
      states,
      transitions,
      depth: census?.longest ?? null,
      samples: null,
      seed: null,
      pct_depth: null,
      pct_tasks: null,
      pct_steps: null,
      guarantee: null,
    };
  }
}
