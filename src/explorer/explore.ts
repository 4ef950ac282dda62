/**
 * Exploring one parallel block: walk its orders, name the verdict, find the smallest order that is as bad.
 *
 * Pure and in slices: whoever calls continueExploring() owns the clock, the memory and the wish to stop. What is known
 * when it is stopped is told all the same.
 */
import { ASSERT } from '../hypervisor/bug.ts';
import { fitsAlone, laneSteps } from './alone.ts';
import type { EndTally } from './end-tally.ts';
import { frontierStates } from './exhaustive.ts';
import type { ExploreHow, Subject } from './explore-how.ts';
import type { Outcome, Walk } from './explore-record.ts';
import {
  continueReducing,
  type Reducing,
  reducedEnds,
  reducedWalk,
  reducedWorst,
  startReducing,
} from './explore-reduced.ts';
import {
  aimSampling,
  continueSampling,
  type Sampling,
  sampledEnds,
  sampledWalk,
  sampledWorst,
  startSampling,
} from './explore-sample.ts';
import {
  continueWalking,
  factsOf,
  finishWalking,
  isUncertain,
  joinSoFar,
  joinWalking,
  newWalking,
  newWalkingAlone,
  saysTooLittle,
  seenEnds,
  type Walking,
  walkingBytes,
} from './explore-walking.ts';
import { outcomesOf, type SeenEnd } from './outcome-table.ts';
import { pathWithin } from './path-within.ts';
import { hasCircle, reducedBytes } from './reduced.ts';
import { shortenSchedule } from './schedule-shorten.ts';
import {
  continueShortest,
  type Shortest,
  shortestBytes,
  smallestSchedule,
  startShortest,
} from './shortest-schedule.ts';
import type { Choice } from './space.ts';
import { type EndVerdict, endVerdict, type Verdict, verdictExit, walkVerdict } from './verdict.ts';
import type { GraphPart } from './whole-graph.ts';
import type { WorldSpace } from './world-space.ts';

/** What tasks are called. */
type Named = Pick<WorldSpace, 'taskName' | 'taskPath'>;

/** Orders tried to make a bad one smaller that is not known to be the smallest. */
const SHORTEN_ATTEMPTS = 100;

/** Why a walk was stopped before its end. */
export type StopReason = 'time' | 'memory' | 'states' | 'interrupted';

/** A walk that was stopped, and how far it was. */
interface GivenUp {
  readonly states: number;
  readonly stopped: StopReason;
}

interface Met {
  readonly states: number;
  readonly transitions: number;
  readonly ends: readonly SeenEnd[];
}

/** An exploration under way: made by startExploring(), moved on by continueExploring() and stopExploring(). */
export interface Exploring {
  readonly subject: Subject;
  readonly how: ExploreHow;
  /** By lane: its step, and whether it starts when nobody runs beside it. */
  readonly steps: readonly string[];
  readonly fits: readonly boolean[];
  walking: Walking;
  /** How far it was walked frame by frame before that was given up for the class. */
  exactly: GivenUp | null;
  /** What a walk had met when it was stopped: the search for the smallest order may meet more. */
  met: Met | null;
  quest: Shortest | null;
  /** In the place of the walk, where orders that end alike are left out. */
  reducing: Reducing | null;
  /** In the place of the walk, or after it. */
  sampling: Sampling | null;
  phase: 'walk' | 'reduce' | 'find' | 'sample' | 'over';
  stopped: StopReason | null;
}

/** Begins: plays what comes before the block, and tries each builder alone. */
export function startExploring(subject: Subject, how: ExploreHow): Exploring {
  const isSampled = how.strategy === 'random' || how.strategy === 'pct';
  const isReduced = how.reduction && !isSampled;
  const ownership = how.ownership === 'exact' ? 'exact' : 'class';
  return {
    subject,
    how,
    steps: laneSteps(subject, how),
    fits: fitsAlone(subject, how),
    walking: newWalking(subject, how, how.ownership === 'auto' ? 'sums' : ownership),
    exactly: null,
    met: null,
    quest: null,
    reducing: isReduced ? startReducing(subject, how, ownership) : null,
    sampling: isSampled ? startSampling(subject, how) : null,
    phase: isSampled ? 'sample' : isReduced ? 'reduce' : 'walk',
    stopped: null,
  };
}

/** Goes on for about `budget` steps. True: it is over. */
export function continueExploring(e: Exploring, budget: number): boolean {
  if (e.phase === 'walk') {
    const isWalked = continueWalking(e.walking, budget);
    if (needsExact(e, e.walking.space)) e.walking = newWalking(e.subject, e.how, 'exact');
    else if (isWalked) walked(e);
    else if (e.walking.search.isFull) stopExploring(e, 'states');
  } else if (e.phase === 'reduce') {
    const isReduced = continueReducing(e.reducing!, budget);
    if (needsExact(e, e.reducing!.space)) e.reducing = startReducing(e.subject, e.how, 'exact');
    else if (isReduced) reduced(e, e.reducing!);
    else if (e.reducing!.search.isFull) stopExploring(e, 'states');
  } else if (e.phase === 'find' && continueShortest(e.quest!, budget)) e.phase = 'over';
  else if (e.phase === 'sample' && continueSampling(e.sampling!, budget)) e.phase = 'over';
  return e.phase === 'over';
}

/**
 * Where neither the class nor sums are all that decides what comes next, nothing that they tell of all orders is sure, their
 * number least of all: the walk begins anew with every frame in its place, at once, for the rest would be lost.
 */
const needsExact = ({ how, exactly }: Exploring, space: Parameters<typeof saysTooLittle>[0]): boolean =>
  how.ownership === 'auto' && exactly === null && saysTooLittle(space);

/** Whether it is walked frame by frame for as long as the limits allow, and by class if that is not enough. */
export const triesExactly = ({ how, phase, walking, reducing }: Exploring): boolean =>
  how.ownership === 'auto' &&
  (phase === 'walk' || phase === 'reduce') &&
  (phase === 'walk' ? walking : reducing!).space.how.ownership === 'exact';

/** All orders were walked. */
function walked(e: Exploring): void {
  if (isUncertain(e.walking)) e.walking = newWalking(e.subject, e.how, 'exact');
  else if (finishWalking(e.walking)) seek(e);
  else walkAgain(e);
}

/**
 * What several threads walked together is put together: of all of them, this one's first. A walk by class in which memory
 * came back has to be done again by one alone: which host a state stands for then depends on who was there first.
 */
export function endShared(e: Exploring, parts: readonly GraphPart[]): void {
  if (joinWalking(e.walking, parts)) walked(e);
  else walkAgain(e);
}

/** Begins the walk anew, by one thread alone: of those that walked together one is gone, or together they cannot tell. */
export function walkAgain(e: Exploring): void {
  e.walking = newWalkingAlone(e.subject, e.how, e.walking.told);
}

/** The same for a walk that is to be stopped: with what is known by now. */
export const dropShared = (e: Exploring, parts: readonly GraphPart[]): void => joinSoFar(e.walking, parts);

/**
 * The same where orders are left out. Which circles nobody leaves is known only of all orders: where there may be one they
 * are walked, each of them.
 */
function reduced(e: Exploring, reducing: Reducing): void {
  if (!hasCircle(reducing.search)) {
    e.phase = 'over';
    return;
  }
  e.reducing = null;
  e.phase = 'walk';
}

/** Looks for the smallest order that ends as badly as the worst, if that is a violation. */
function seek(e: Exploring): void {
  const verdict = verdictOf(e);
  const isViolated = verdictExit(verdict, e.how.forbidRefusal) === 1;
  e.phase = isViolated ? 'find' : 'over';
  if (!isViolated) return;
  const { search } = e.walking;
  const { endOf } = factsOf(e.walking);
  const wanted = (outcome: number): boolean => endVerdict(endOf(outcome), e.fits) === verdict;
  // Where the walk was stopped, the way may lead through states that it has not met; but not for ever.
  e.quest = startShortest(search, wanted, 1.25 * e.how.maxStates);
  // What several threads have walked in part cannot be walked on in one graph.
  if (e.walking.whole !== null && e.walking.census === null) e.phase = 'over';
}

/** Stops what is under way: a limit is reached, or the user wants no more. */
export function stopExploring(e: Exploring, why: StopReason): void {
  if (triesExactly(e) && why !== 'interrupted') {
    giveUpExactly(e, why);
    return;
  }
  if (e.phase === 'sample' || e.phase === 'reduce') e.stopped = why;
  if (e.phase === 'reduce' && e.how.strategy === 'auto' && why !== 'interrupted') {
    if (verdictOf(e) === 'undecided') sampleInstead(e);
    else e.phase = 'over';
    return;
  }
  if (e.phase !== 'walk') {
    e.phase = 'over';
    return;
  }
  e.stopped = why;
  const { table, transitions } = e.walking.search;
  e.met = { states: table.count, transitions, ends: seenEnds(e.walking) };
  seek(e);
  const isOpen = e.quest === null && e.walking.census === null;
  if (isOpen && e.how.strategy === 'auto' && why !== 'interrupted') sampleInstead(e);
}

/** Walks by class what is too much frame by frame; the result says so. */
function giveUpExactly(e: Exploring, why: StopReason): void {
  // Several threads together have met as many by then, each of them fewer.
  const states = why === 'states' ? e.how.maxStates : exploreProgress(e).states;
  e.exactly = { states, stopped: why };
  if (e.phase === 'reduce') e.reducing = startReducing(e.subject, e.how, 'class');
  // Which host a state stands for is for one thread to say.
  else e.walking = newWalkingAlone(e.subject, e.how, 'class');
}

function sampleInstead(e: Exploring): void {
  // Samples need the memory.
  e.walking = newWalking(e.subject, e.how, 'class');
  e.reducing = null;
  e.met = null;
  e.sampling = startSampling(e.subject, e.how);
  e.phase = 'sample';
  e.stopped = null;
}

/** Ends an exploration whose samples up to, not including, `to` were drawn elsewhere, the first of them without a gap. */
export function endSampling(e: Exploring, tally: EndTally, to: number, stopped: StopReason | null): void {
  const { sampling, how } = e;
  ASSERT(sampling !== null, 'samples are drawn');
  aimSampling(sampling, how.samples.from + tally.samples, to);
  sampling.tally = tally;
  e.stopped = stopped;
  e.phase = 'over';
}

/** How far it is, for people who wait. */
export interface ExploreProgress {
  readonly phase: Exploring['phase'];
  readonly states: number;
  readonly transitions: number;
  readonly frontier: number;
  readonly bytes: number;
  /** Drawn, and to be drawn; null: none are. */
  readonly samples: readonly [number, number] | null;
}

export function exploreProgress({
  phase,
  sampling,
  reducing,
  how,
  quest,
  walking,
}: Exploring): ExploreProgress {
  if (phase === 'reduce' && reducing !== null) {
    const { table, transitions, stack } = reducing.search;
    const bytes = reducedBytes(reducing.search);
    return { phase, states: table.count, transitions, frontier: stack.length, bytes, samples: null };
  }
  const { search } = walking;
  const { table } = search;
  const transitions = search.transitions + (sampling?.tally.steps ?? 0);
  const samples =
    sampling === null ? null : ([sampling.tally.samples, sampling.to - how.samples.from] as const);
  return {
    phase,
    states: table.count,
    transitions,
    frontier: frontierStates(search),
    bytes: walkingBytes(walking) + (quest === null ? 0 : shortestBytes(quest)),
    samples,
  };
}

/** What an exploration found so far. */
export interface Explored {
  readonly verdict: Verdict;
  readonly walk: Walk;
  readonly outcomes: readonly Outcome[];
  /** The smallest order that ends as badly, and the space whose tasks it names; null: none is needed, or was found. */
  readonly worst: { readonly choices: readonly Choice[]; readonly space: Named } | null;
}

function finishSampling(e: Exploring, sampling: Sampling): Explored {
  const { how, fits, steps, stopped } = e;
  const verdict = verdictOf(e);
  const isViolated = verdictExit(verdict, how.forbidRefusal) === 1;
  const choices = isViolated ? sampledWorst(sampling, verdict as EndVerdict, fits) : null;
  return {
    verdict,
    walk: sampledWalk(sampling, how, stopped),
    outcomes: outcomesOf(sampledEnds(sampling), { steps, fits }, sampling.tally.samples),
    worst: choices === null ? null : { choices, space: sampling.space },
  };
}

/** Where there was no time for the smallest order: one that was met, made smaller. */
function anyWorst({ walking }: Exploring, { wanted }: Shortest): readonly Choice[] | null {
  const { space, search, whole } = walking;
  const choices = pathWithin(search, wanted);
  // What was put together is small enough to be told, but no space in which anything could be tried.
  if (choices === null || whole !== null) return choices;
  return shortenSchedule(space, choices, wanted, SHORTEN_ATTEMPTS, choices.length).choices;
}

function finishReducing(e: Exploring, reducing: Reducing): Explored {
  const { how, fits, steps, stopped } = e;
  const verdict = verdictOf(e);
  const isViolated = verdictExit(verdict, how.forbidRefusal) === 1;
  const choices = isViolated ? reducedWorst(reducing, verdict as EndVerdict, fits) : null;
  return {
    verdict,
    walk: { ...reducedWalk(reducing, how, stopped), exactly: e.exactly },
    outcomes: outcomesOf(reducedEnds(reducing), { steps, fits }, null),
    worst: choices === null ? null : { choices, space: reducing.space },
  };
}

/** The result, once it is over. */
export function finishExploring(e: Exploring): Explored {
  ASSERT(e.phase === 'over', 'an exploration is over before its result is told');
  const { walking, how, quest, sampling } = e;
  if (sampling !== null) return finishSampling(e, sampling);
  if (e.reducing !== null) return finishReducing(e, e.reducing);
  const choices = quest === null ? null : (smallestSchedule(quest) ?? anyWorst(e, quest));
  return {
    verdict: verdictOf(e),
    walk: walkOf(e),
    outcomes: outcomesOf(endsMet(e), { steps: e.steps, fits: e.fits }, null),
    worst: choices === null ? null : { choices, space: factsOf(walking) },
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

const endsMet = ({ met, walking }: Exploring): readonly SeenEnd[] => met?.ends ?? seenEnds(walking);

/** What can be said by now. Under --forbid, a refusal that was seen is a violation, finished or not. */
function verdictOf(e: Exploring): Verdict {
  const { walking, sampling, reducing, fits, how } = e;
  const ends =
    sampling !== null ? sampledEnds(sampling) : reducing !== null ? reducedEnds(reducing) : endsMet(e);
  const seen = ends.map(({ end }): EndVerdict => endVerdict(end, fits));
  const walkedAll = sampling === null && (reducing?.isFinished ?? walking.census !== null);
  const verdict = walkVerdict(seen, walkedAll || (how.forbidRefusal && seen.includes('early refusal')));
  // By class orders may be left out that are worse. What was seen stands: it is taken again on a real host.
  const mayHideWorse =
    verdictExit(verdict, how.forbidRefusal) === 0 &&
    (reducing === null ? factsOf(walking) : reducing.space).ownershipMatters;
  return mayHideWorse ? 'undecided' : verdict;
}
