/** A walk of all orders, by one thread or by several: under way, or over and put together. */
import { continueSearch, type Search, searchBytes, startSearch } from './exhaustive.ts';
import { type ExploreHow, type MemoryTold, type Subject, spaceOf } from './explore-how.ts';
import type { SeenEnd } from './outcome-table.ts';
import { newRowClaims } from './row-claims.ts';
import { type Mate, newMate, type SharedWalk } from './row-mate.ts';
import { lanesOfRows } from './row-walk.ts';
import { isServed } from './served.ts';
import { newSharedBirths } from './shared-births.ts';
import { type Census, censusOf, closeCircles, endingsSoFar, hasCircles } from './state-graph.ts';
import { type GraphPart, partOf, type WholeGraph, wholeGraph } from './whole-graph.ts';
import type { WalkedSpace } from './world-space.ts';

/** See the file's header. */
export interface Walking {
  readonly told: MemoryTold;
  readonly space: WalkedSpace;
  search: Search;
  /** Its part, while others walk with it. */
  mate: Mate | null;
  /** No others may. */
  readonly isAlone: boolean;
  /** What was walked, in numbers that do not depend on who walked it. */
  whole: WholeGraph | null;
  census: Census | null;
}

export function newWalking(subject: Subject, how: ExploreHow, told: MemoryTold): Walking {
  const space = spaceOf(subject, how, told);
  const search = startSearch(space, how.order);
  search.most = how.maxStates;
  return { told, space, search, mate: null, isAlone: false, whole: null, census: null };
}

/** Makes about `budget` steps. True: all are made. Not for a walk that is shared. */
export const continueWalking = ({ search }: Walking, budget: number): boolean =>
  continueSearch(search, budget);

/** Others join only where the limit of states is this much farther away: what they do is lost if it is reached. */
const LIMIT_AWAY = 8;

/** Whether others may walk with this one. */
export const canShare = ({ mate, isAlone, whole, space, search }: Walking): boolean =>
  mate === null &&
  !isAlone &&
  whole === null &&
  search.table.count * LIMIT_AWAY <= search.most &&
  tellsAlone(space);

/** Whether what several threads find of the space does not depend on who found it. */
export const tellsAlone = (space: WalkedSpace): boolean =>
  // Which state stands for all that differ in the time only is for one to say.
  !space.walk.isLater &&
  !space.isAbstract &&
  // What was met on the way, by which they are judged, is not told.
  !space.bySums;

/** Whether the class, or sums, are seen not to be all that decides what comes next. */
export const saysTooLittle = ({
  how: { ownership },
  isAbstract,
  bySums,
  ownershipMatters,
}: Pick<WalkedSpace, 'how' | 'isAbstract' | 'bySums' | 'ownershipMatters'>): boolean =>
  ownership === 'class' && (isAbstract || (bySums && ownershipMatters));

/** Whether sums are not enough for a walk that is over: only now all ways are known on which memory may have come back. */
export const isUncertain = ({ space, search, whole }: Walking): boolean =>
  whole === null && space.bySums && !isServed(space, search);

/** Goes on by rows from what was met so far. The others need what is returned. */
export function shareWalking(walking: Walking): SharedWalk {
  const { space, search } = walking;
  const { block } = space.walk;
  const shared = {
    lanes: lanesOfRows(space, block.lanes.length),
    claims: newRowClaims(),
    births: newSharedBirths(block.ids.keys()),
  };
  walking.mate = newMate(space, 0, shared, search);
  walking.search = walking.mate.walk.search;
  return shared;
}

/** A walk from the start that nobody joins. */
export const newWalkingAlone = (subject: Subject, how: ExploreHow, told: MemoryTold): Walking => ({
  ...newWalking(subject, how, told),
  isAlone: true,
});

/** One thread's part of a walk that is shared. */
export const mateGraph = ({ walk, met }: Mate): GraphPart => partOf(walk.space, walk.search, met);

/**
 * The walk is over. False: somebody goes round in circles for ever, in a graph that several threads have walked; which of
 * its states is told of has to be found by one alone.
 */
export function finishWalking(walking: Walking): boolean {
  const { space, search, whole } = walking;
  if (whole === null) joinSoFar(walking, [partOf(space, search, [])]);
  walking.census = censusOf(walking.search);
  if (walking.census.longest !== null || !hasCircles(walking.search)) return true;
  if (whole !== null) return false;
  const textOf = (outcome: number): string => JSON.stringify(space.endOf(outcome));
  closeCircles(search, (a, b) => textOf(a) < textOf(b));
  joinSoFar(walking, [partOf(space, search, [])]);
  walking.census = censusOf(walking.search);
  return true;
}

/** Puts together what all have walked. False: it tells nothing, for by class memory came back, or time went on. */
export function joinWalking(walking: Walking, parts: readonly GraphPart[]): boolean {
  if (parts.some(({ isAbstract, bySums, isLater }) => isAbstract || bySums || isLater)) return false;
  joinSoFar(walking, parts);
  return true;
}

/** The same for what is not finished. */
export function joinSoFar(walking: Walking, parts: readonly GraphPart[]): void {
  walking.whole = wholeGraph(parts, walking.space.how);
  walking.search = walking.whole.search;
  walking.mate = null;
}

/** What things are called, and what is known of the space. */
export const factsOf = ({ space, whole }: Walking): WholeGraph['space'] => whole?.space ?? space;

export const walkingBytes = ({ search }: Walking): number => searchBytes(search);

/** How it ended so far. */
export function seenEnds(walking: Walking): SeenEnd[] {
  const { search, census } = walking;
  const { endOf } = factsOf(walking);
  if (census === null) {
    return endingsSoFar(search).map(({ outcome, states }) => ({
      end: endOf(outcome),
      count: states,
      share: null,
    }));
  }
  return census.endings.map(({ outcome, states, share }) => ({ end: endOf(outcome), count: states, share }));
}
