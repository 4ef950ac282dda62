/**
 * The pieces into which an exploration is cut, as plain data, and how a piece is done. Who does it makes no difference:
 * this thread or another, first or last.
 */
import type { MessagePort } from 'node:worker_threads';
import type { EndTally } from '../explorer/end-tally.ts';
import { frontierStates, searchBytes } from '../explorer/exhaustive.ts';
import {
  continueExploring,
  dropShared,
  type ExploreProgress,
  endSampling,
  endShared,
  exploreProgress,
  startExploring,
  stopExploring,
  triesExactly,
  walkAgain,
} from '../explorer/explore.ts';
import { spaceOf } from '../explorer/explore-how.ts';
import type { Exploration } from '../explorer/explore-record.ts';
import { tellExploration } from '../explorer/explore-result.ts';
import {
  aimSampling,
  continuePilots,
  continueSampling,
  isBetween,
  spreadOf,
  spreadOver,
} from '../explorer/explore-sample.ts';
import { canShare, shareWalking, tellsAlone } from '../explorer/explore-walking.ts';
import type { Exploring, StopReason } from '../explorer/exploring.ts';
import { selfCheck } from '../explorer/self-check.ts';
import {
  askParts,
  beginTogether,
  type Crew,
  crewStates,
  dismiss,
  endTogether,
  hearSomething,
  help,
  joinCrew,
  newCrew,
  partsOf,
  walkTogether,
} from './explore-crew.ts';
import { type Gauge, isOver, newGauge } from './explore-memory.ts';
import type { ExploreChoice } from './explore-options.ts';
import { subjectOf, type Target } from './explore-target.ts';
import { doSliced, inSlices, SLICE_MS } from './in-slices.ts';

/** A piece. `remedy`: its place among those that are explored. `memory`: bytes it may take. */
export type Job =
  /** All orders under a remedy, and the report. */
  | { readonly do: 'walk'; readonly remedy: number; readonly memory: number; readonly isAlone: boolean }
  /** A part in the walk that another thread leads, which is at the other end of the port. */
  | {
      readonly do: 'help';
      readonly remedy: number;
      readonly memory: number;
      readonly port: MessagePort | null;
    }
  /** Samples `from` up to, not including, `to`; `until` ms after the epoch. */
  | {
      readonly do: 'sample';
      readonly remedy: number;
      readonly memory: number;
      readonly from: number;
      readonly to: number;
      readonly until: number;
    }
  /** The report on samples that were drawn. */
  | {
      readonly do: 'tell';
      readonly remedy: number;
      /** One past the last sample that was to be drawn. */
      readonly to: number;
      readonly tally: EndTally;
      readonly spread: number | null;
      readonly stopped: StopReason | null;
    };

export type JobResult =
  /** Null: not all orders were walked, and samples are wanted; or the share of memory was too small. */
  | { readonly did: 'walk'; readonly result: Exploration | null; readonly isShort: boolean }
  /** `tally`: of the first samples of the piece; `stopped`: why not of all. */
  | {
      readonly did: 'sample';
      readonly tally: EndTally;
      /** See spreadOf(). */
      readonly spread: number | null;
      readonly stopped: StopReason | null;
      readonly ms: number;
    }
  | { readonly did: 'tell'; readonly result: Exploration }
  | { readonly did: 'help' };

/** What one thread works with. */
export interface Bench {
  readonly target: Target;
  readonly choice: ExploreChoice;
  readonly samples: { readonly from: number; readonly to: number };
  readonly gauge: Gauge;
  /** What it has at hand: the samples under one remedy. */
  sampling: { readonly remedy: number; readonly e: Exploring } | null;
  /** Those who help with the walk that it leads; null: it leads none, or may have no help. */
  crew: Crew | null;
}

/** What a piece needs of whoever ordered it. */
export interface Desk {
  /** The user wants no more. */
  readonly isStopped: () => boolean;
  readonly note: (progress: ExploreProgress) => void;
}

export function newBench(target: Target, choice: ExploreChoice): Bench {
  const { index, of } = choice.shard;
  const from = Math.floor(((index - 1) * choice.samples) / of);
  const to = Math.floor((index * choice.samples) / of);
  return { target, choice, samples: { from, to }, gauge: newGauge(), sampling: null, crew: null };
}

/** Milliseconds after the epoch; the same in all threads, and it does not jump. */
export const nowMs = (): number => performance.timeOrigin + performance.now();

/** Does a piece. */
export function doJob(bench: Bench, job: Job, desk: Desk): Promise<JobResult> {
  if (job.do === 'walk') return walk(bench, job, desk);
  if (job.do === 'help') return helpWith(bench, job, desk);
  return job.do === 'sample' ? sample(bench, job, desk) : tell(bench, job, desk);
}

function start(bench: Bench, remedy: number, strategy: ExploreChoice['strategy']): Exploring {
  const { target, choice, samples } = bench;
  const subject = subjectOf(target, choice, choice.remedies[remedy] ?? null);
  return startExploring(subject, { ...choice, strategy, samples });
}

/** For what is told once the walk is over: at least so much, and so much after the user wants no more. */
const TELL_MS = 2_000;
const GRACE_MS = 1_000;

/** What is looked after then. True: what is not known yet is left out. */
function lookLast({ choice: { timeBudget } }: Bench, { isStopped }: Desk): () => boolean {
  let until = nowMs() + Math.max(TELL_MS, timeBudget / 2);
  let isHurried = false;
  return () => {
    if (!isHurried && isStopped()) {
      isHurried = true;
      until = Math.min(until, nowMs() + GRACE_MS);
    }
    return nowMs() > until;
  };
}

/** The report on what is over; under --self-check it is a bug if the host itself disagrees, which only Ctrl-C cuts short. */
async function told(bench: Bench, e: Exploring, desk: Desk): Promise<Exploration> {
  const result = await doSliced(tellExploration(e), lookLast(bench, desk));
  if (!bench.choice.selfCheck) return result;
  const { ownership, by_sums, finished } = result.walk;
  // One that was stopped has not said that sums are enough.
  const memory = by_sums && finished ? 'sums' : ownership;
  const order = result.counterexample?.choices ?? null;
  await doSliced(selfCheck(e.subject, e.how, memory, order), desk.isStopped);
  return result;
}

/** Takes in somebody who helps with the walk that this thread leads; nobody is needed where it leads none. */
export function takeHelp({ crew }: Bench, port: MessagePort): void {
  if (crew === null) port.close();
  else joinCrew(crew, port);
}

async function walk(bench: Bench, job: Job & { readonly do: 'walk' }, desk: Desk): Promise<JobResult> {
  const { choice } = bench;
  const { remedy, memory } = job;
  bench.sampling = null;
  const e = start(bench, remedy, choice.strategy);
  const crew = newCrew();
  if (!job.isAlone) bench.crew = crew;
  const look = lookAfter(bench, e, crew, memory, desk);
  let isShort = false;
  const looks = (): boolean => {
    if (e.phase === 'sample') return true;
    isShort = look();
    return isShort || (e.phase as Exploring['phase']) === 'sample';
  };
  try {
    while (e.phase === 'walk' && !isShort) {
      await inSlices((steps) => leadWalk(e, crew, steps), looks);
      if (crew.mate === null || isShort) continue;
      await hearSomething(crew, SLICE_MS);
      looks();
    }
    bench.crew = null;
    dismiss(crew);
    if (e.phase !== 'sample' && !isShort) await inSlices((steps) => continueExploring(e, steps), looks);
  } finally {
    bench.crew = null;
    dismiss(crew);
  }
  if (isShort) return { did: 'walk', result: null, isShort };
  if (e.phase === 'over') return { did: 'walk', result: await told(bench, e, desk), isShort };
  bench.sampling = { remedy, e };
  return { did: 'walk', result: null, isShort };
}

/** Goes on with a walk, alone or with those who are there. True: it is over, or nothing can be done before others are. */
function leadWalk(e: Exploring, crew: Crew, steps: number): boolean {
  if (crew.mate === null) {
    if (crew.helpers.length === 0 || e.phase !== 'walk' || !canShare(e.walking)) {
      return continueExploring(e, steps) || e.phase !== 'walk';
    }
    const shared = shareWalking(e.walking);
    beginTogether(crew, e.walking.mate!, shared, e.walking.space.how.ownership);
  }
  if (crew.isLost || !tellsAlone(e.walking.space)) {
    const { stopped } = crew;
    endTogether(crew);
    dismiss(crew);
    walkAgain(e);
    if (stopped !== null) stopExploring(e, stopped);
    return e.phase !== 'walk';
  }
  const state = walkTogether(crew, steps);
  if (state === 'busy') return false;
  if (state === 'over') {
    const parts = partsOf(crew);
    const { stopped } = crew;
    endTogether(crew);
    if (stopped === 'states') {
      // What several threads have met by then depends on how they went: one tells how far it gets, if anybody asks.
      dismiss(crew);
      if (triesExactly(e)) stopExploring(e, 'states');
      else walkAgain(e);
    } else if (stopped === null) endShared(e, parts);
    else {
      dropShared(e, parts);
      stopExploring(e, stopped);
    }
  }
  return true;
}

/** What is looked after between slices of a walk: the user, the clock, the memory. True: the memory is not enough. */
function lookAfter(bench: Bench, e: Exploring, crew: Crew, memory: number, desk: Desk): () => boolean {
  const { timeBudget, strategy, maxStates, maxMemory } = bench.choice;
  // Where samples may have to follow, the walk gets half of the time; of that one frame by frame, where one by class may
  // have to follow, half again.
  const share = timeBudget * (strategy === 'auto' ? 0.5 : 1);
  let deadline = nowMs() + share;
  let isExtended = false;
  const stop = (reason: StopReason): void => {
    if (crew.mate === null) stopExploring(e, reason);
    else {
      crew.stopped = reason;
      askParts(crew);
    }
  };
  return () => {
    const progress = exploreProgress(e);
    desk.note(progress);
    if (crew.isEnding && crew.mate !== null) return false;
    if (desk.isStopped()) stop('interrupted');
    else if (triesExactly(e) && nowMs() > deadline - share / 2) stop('time');
    else if (nowMs() > deadline) {
      stop('time');
      // What follows on the walk, and the search for the smallest order, get half of the time together.
      if (!isExtended) deadline = nowMs() + timeBudget * 0.5;
      isExtended = true;
    } else if (crew.mate !== null && e.walking.search.expanded + crewStates(crew) > maxStates) stop('states');
    else if (crew.isFull || isOver(bench.gauge, memory, progress.bytes)) {
      if (memory < maxMemory) return true;
      stop('memory');
    }
    return false;
  };
}

async function helpWith(
  bench: Bench,
  { remedy, memory, port }: Job & { readonly do: 'help' },
  desk: Desk,
): Promise<JobResult> {
  const { target, choice, gauge } = bench;
  bench.sampling = null;
  if (port === null) return { did: 'help' };
  const subject = subjectOf(target, choice, choice.remedies[remedy] ?? null);
  await help(port, {
    open: (ownership) => spaceOf(subject, { ...choice, samples: bench.samples }, ownership),
    inSlices: (slice) => inSlices(slice, () => false),
    isFull: ({ walk: { search } }) => {
      const { transitions, table } = search;
      const bytes = searchBytes(search);
      const frontier = frontierStates(search);
      desk.note({ phase: 'walk', states: table.count, transitions, frontier, bytes, samples: null });
      return isOver(gauge, memory, bytes);
    },
  });
  return { did: 'help' };
}

/** The samples under a remedy, taken up again where that one was the last. */
function atSamples(bench: Bench, remedy: number): Exploring {
  if (bench.sampling?.remedy === remedy) return bench.sampling.e;
  bench.sampling = null;
  const { strategy } = bench.choice;
  const e = start(bench, remedy, strategy === 'pct' ? strategy : 'random');
  bench.sampling = { remedy, e };
  return e;
}

async function sample(
  bench: Bench,
  { remedy, memory, from, to, until }: Job & { readonly do: 'sample' },
  desk: Desk,
): Promise<JobResult> {
  const since = performance.now();
  let stopped: StopReason | null = null;
  let { sampling } = atSamples(bench, remedy);
  aimSampling(sampling!, from, to);
  const looks = (): boolean => {
    desk.note({ ...exploreProgress(bench.sampling!.e), samples: [sampling!.tally.samples, to - from] });
    if (desk.isStopped()) stopped = 'interrupted';
    else if (nowMs() > until) stopped = 'time';
    else if (isBetween(sampling!) && isOver(bench.gauge, memory, 0)) {
      // A space remembers what it met. Samples do not need that: they go on in a new one.
      const { tally, next } = sampling!;
      const spread = spreadOf(sampling!);
      bench.sampling = null;
      sampling = null;
      sampling = atSamples(bench, remedy).sampling;
      aimSampling(sampling!, next, to);
      spreadOver(sampling!, spread);
      sampling!.tally = tally;
    }
    return stopped !== null;
  };
  await inSlices((steps) => continueSampling(sampling!, steps), looks);
  const { tally } = sampling!;
  return {
    did: 'sample',
    tally,
    spread: spreadOf(sampling!),
    stopped: tally.samples < to - from ? stopped : null,
    ms: performance.now() - since,
  };
}

async function tell(
  bench: Bench,
  { remedy, to, tally, spread, stopped }: Job & { readonly do: 'tell' },
  desk: Desk,
): Promise<JobResult> {
  const e = atSamples(bench, remedy);
  const looks = lookLast(bench, desk);
  spreadOver(e.sampling!, spread);
  await inSlices((steps) => continuePilots(e.sampling!, steps), looks);
  endSampling(e, tally, to, stopped);
  if (e.phase !== 'over') {
    await inSlices(
      (steps) => continueExploring(e, steps),
      () => {
        if (looks()) stopExploring(e, desk.isStopped() ? 'interrupted' : 'time');
        return e.phase === 'over';
      },
    );
  }
  return { did: 'tell', result: await told(bench, e, desk) };
}
