/**
 * Exploring one parallel block: walk its orders, name the verdict, find the smallest order that is as bad.
 *
 * Pure and in slices: whoever calls continueExploring() owns the clock, the memory and the wish to stop. What is known
 * when it is stopped is told all the same.
 */
import { ASSERT } from '../hypervisor/bug.ts';
import { continueAlone, laneSteps, newAlone, startsAlone } from './alone.ts';
import type { EndTally } from './end-tally.ts';
import { frontierStates } from './exhaustive.ts';
import type { ExploreHow, Subject } from './explore-how.ts';
import { continueReducing, type Reducing, startReducing } from './explore-reduced.ts';
import { aimSampling, continueSampling, startSampling } from './explore-sample.ts';
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
  walkingBytes,
} from './explore-walking.ts';
import { type Exploring, endsOf, type StopReason, verdictOf } from './exploring.ts';
import { hasCircle, reducedBytes } from './reduced.ts';
import { continueShortest, shortestBytes, startShortest } from './shortest-schedule.ts';
import { asksAlone, endVerdict, type Verdict, verdictExit } from './verdict.ts';
import type { GraphPart } from './whole-graph.ts';

/** Begins: plays what comes before the block. */
export function startExploring(subject: Subject, how: ExploreHow): Exploring {
  const isSampled = how.strategy === 'random' || how.strategy === 'pct';
  const isReduced = how.reduction && !isSampled;
  const ownership = how.ownership === 'exact' ? 'exact' : 'class';
  const alone = newAlone(subject, how);
  return {
    subject,
    how,
    steps: laneSteps(subject),
    alone,
    fits: () => startsAlone(alone),
    aloneStopped: null,
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
  } else if (e.phase === 'alone') {
    if (continueAlone(e.alone, budget)) conclude(e);
  } else if (e.phase === 'find' && continueShortest(e.quest!, budget)) e.phase = 'over';
  else if (e.phase === 'sample' && continueSampling(e.sampling!, budget)) judge(e);
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
  else if (finishWalking(e.walking)) judge(e);
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
    judge(e);
    return;
  }
  e.reducing = null;
  e.phase = 'walk';
}

/**
 * All ends are met that will be: goes on to what depends on how bad they are, once that can be told. What was not met yet
 * may be on the way to a smaller order as bad as the worst, and may ask, too.
 */
function judge(e: Exploring): void {
  const isOpen = e.alone.starts === null && e.aloneStopped === null;
  const asks = endsOf(e).some(({ end }) => asksAlone(end));
  if (isOpen && (asks || isViolation(e, verdictOf(e)))) e.phase = 'alone';
  else conclude(e);
}

const isViolation = ({ how }: Exploring, verdict: Verdict): boolean =>
  verdictExit(verdict, how.forbidRefusal) === 1;

function conclude(e: Exploring): void {
  const { sampling, reducing, stopped, how } = e;
  const isOff = stopped === 'interrupted' || e.aloneStopped === 'interrupted';
  const maySample = stopped !== null && !isOff && how.strategy === 'auto';
  if (sampling !== null) e.phase = 'over';
  else if (reducing !== null) {
    e.phase = 'over';
    if (maySample && verdictOf(e) === 'undecided') sampleInstead(e);
  } else {
    seek(e);
    if (maySample && e.quest === null && e.walking.census === null) sampleInstead(e);
  }
}

/** Looks for the smallest order that ends as badly as the worst, if that is a violation. */
function seek(e: Exploring): void {
  const verdict = verdictOf(e);
  const isViolated = isViolation(e, verdict);
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
  if (e.phase === 'alone') {
    e.alone.starts = false;
    e.aloneStopped = why;
    conclude(e);
    return;
  }
  if (e.phase === 'find') {
    e.phase = 'over';
    return;
  }
  if (e.phase === 'over') return;
  e.stopped = why;
  if (e.phase === 'walk') {
    const { table, transitions } = e.walking.search;
    e.met = { states: table.count, transitions, ends: seenEnds(e.walking) };
  }
  judge(e);
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
  judge(e);
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
