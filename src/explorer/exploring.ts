/** An exploration under way, as data, and what can be said of it by now. */
import type { Alone } from './alone.ts';
import type { ExploreHow, Subject } from './explore-how.ts';
import { type Reducing, reducedEnds } from './explore-reduced.ts';
import { type Sampling, sampledEnds } from './explore-sample.ts';
import { factsOf, seenEnds, type Walking } from './explore-walking.ts';
import type { SeenEnd } from './outcome-table.ts';
import type { Shortest } from './shortest-schedule.ts';
import { asksAlone, type EndVerdict, endVerdict, type Verdict, verdictExit, walkVerdict } from './verdict.ts';

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
  /** By lane: its step. */
  readonly steps: readonly string[];
  /** Whether a builder starts when nobody runs beside it: tried once an end asks for it. */
  readonly alone: Alone;
  /** The same, tried to its end if need be. */
  readonly fits: () => boolean;
  /** Why that was given up; then nobody is said to fit. */
  aloneStopped: StopReason | null;
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
  phase: 'walk' | 'reduce' | 'alone' | 'find' | 'sample' | 'over';
  stopped: StopReason | null;
}

/** The ends that were met by walking. */
export const endsMet = ({ met, walking }: Exploring): readonly SeenEnd[] => met?.ends ?? seenEnds(walking);

/** All ends that were met. */
export function endsOf(e: Exploring): readonly SeenEnd[] {
  const { sampling, reducing } = e;
  if (sampling !== null) return sampledEnds(sampling);
  return reducing !== null ? reducedEnds(reducing) : endsMet(e);
}

/** Whether all ends that were met can be called what they are: nobody gave up what some of them ask for. */
export const isJudged = (e: Exploring): boolean =>
  e.aloneStopped === null || !endsOf(e).some(({ end }) => asksAlone(end));

/** What can be said by now. Under --forbid, a refusal that was seen is a violation, finished or not. */
export function verdictOf(e: Exploring): Verdict {
  const { walking, sampling, reducing, fits, how } = e;
  const seen = endsOf(e).map(({ end }): EndVerdict => endVerdict(end, fits));
  const walkedAll = isJudged(e) && sampling === null && (reducing?.isFinished ?? walking.census !== null);
  const verdict = walkVerdict(seen, walkedAll || (how.forbidRefusal && seen.includes('early refusal')));
  // By class orders may be left out that are worse. What was seen stands: it is taken again on a real host.
  const mayHideWorse =
    verdictExit(verdict, how.forbidRefusal) === 0 &&
    (reducing === null ? factsOf(walking) : reducing.space).ownershipMatters;
  return mayHideWorse ? 'undecided' : verdict;
}
