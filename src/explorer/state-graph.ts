/**
 * What the graph of a finished search says: how it ends, how often, how deep it is.
 *
 * Everything is computed in one order of the states that depends on the space alone: as they are met when each state's
 * steps are followed breadth first, tasks ascending. So the answers, to the last bit of a share, do not depend on how the
 * search went.
 */
import { ASSERT } from '../hypervisor/bug.ts';
import { circlesOf, forEachChild } from './circles.ts';
import { endHere, isFinished, outcomeOf, type Search } from './exhaustive.ts';
import { viewState } from './state-table.ts';
import { wordAt } from './word-list.ts';

/** How a search can end. */
export interface Ending {
  readonly outcome: number;
  /** Different end states with this outcome; a circle that nobody leaves is one. */
  readonly states: number;
  /**
   * Probability of ending so if each step is made by one of those who can, all equally likely. null: the graph has
   * cycles that some order leaves, so there are orders that go round in them as long as they like.
   */
  readonly share: number | null;
}

/** What can be said of a finished search, and does not depend on how it was made. */
export interface Census {
  readonly states: number;
  /** Steps between states, those that lead to a state already known included. */
  readonly transitions: number;
  /** Steps to the nearest end state; null: there is none. */
  readonly shortest: number | null;
  /** Steps of the longest order; null: the graph has cycles. */
  readonly longest: number | null;
  /** By outcome, ascending. */
  readonly endings: readonly Ending[];
}

/** The census of a finished search. Memory: about 24 bytes a state while it runs, more where there are circles. */
export function censusOf(search: Search): Census {
  ASSERT(isFinished(search), 'a census is taken of a finished search');
  const { order, depth } = breadthFirst(search);
  const sorted = topological(search, order);
  const flow = sorted === null ? null : followShares(search, sorted);
  // A circle is one way to end, however many states it has.
  const isAgain = new Set(search.circles.flatMap((circle) => circle.slice(1)));
  const byOutcome = new Map<number, { states: number; share: number }>();
  let shortest: number | null = null;
  for (const id of sorted ?? order) {
    const outcome = outcomeOf(search, id);
    if (outcome === null) continue;
    const known = byOutcome.get(outcome) ?? { states: 0, share: 0 };
    const states = known.states + (isAgain.has(id) ? 0 : 1);
    byOutcome.set(outcome, { states, share: known.share + (flow?.shares[id] ?? 0) });
    shortest = Math.min(shortest ?? depth[id]!, depth[id]!);
  }
  return {
    states: search.table.count,
    transitions: search.transitions,
    shortest,
    longest: search.circles.length > 0 ? null : (flow?.longest ?? null),
    endings: [...byOutcome]
      .sort(([a], [b]) => a - b)
      .map(([outcome, { states, share }]) => ({ outcome, states, share: flow && share })),
  };
}

/** All states that can be reached; where there are no circles each after all that lead to it. */
export function followedOrder(search: Search): { readonly order: Int32Array; readonly hasCircles: boolean } {
  const { order } = breadthFirst(search);
  const sorted = topological(search, order);
  return { order: sorted ?? order, hasCircles: sorted === null };
}

/** Whether a finished search has circles that nobody leaves. Costs little where there are no circles at all. */
export const hasCircles = (search: Search): boolean => openCircles(search).length > 0;

function openCircles(search: Search): number[][] {
  const { order } = breadthFirst(search);
  return topological(search, order) === null ? circlesOf(search, order) : [];
}

/**
 * Finds the circles that nobody leaves and takes their states for ends. Who waits for what may differ along a circle: it ends
 * as the first of its states does, or as that one whose outcome `isBefore` puts before all others.
 */
export function closeCircles(
  search: Search,
  isBefore: (a: number, b: number) => boolean = () => false,
): void {
  const { space, table, scratch } = search;
  const circles = openCircles(search);
  for (const circle of circles) {
    const outcomes = circle.map((id) => space.outcome(viewState(table, id, scratch), table.at));
    const outcome = outcomes.reduce((best, one) => (isBefore(one, best) ? one : best));
    for (const id of circle) endHere(search, id, outcome);
  }
  search.circles = [...search.circles, ...circles];
}

/** End states met so far by outcome, ascending; for a search that is not finished. */
export function endingsSoFar(search: Search): { readonly outcome: number; readonly states: number }[] {
  const counts = new Map<number, number>();
  for (let i = 0; i < search.ends.length; i++) {
    const outcome = wordAt(search.ends, i);
    counts.set(outcome, (counts.get(outcome) ?? 0) + 1);
  }
  return [...counts].sort(([a], [b]) => a - b).map(([outcome, states]) => ({ outcome, states }));
}

interface Breadth {
  readonly order: Int32Array;
  readonly depth: Int32Array;
}

/** All states in the order in which they are met breadth first, and their distances from the first. */
function breadthFirst(search: Search): Breadth {
  const { count } = search.table;
  const order = new Int32Array(count);
  const depth = new Int32Array(count).fill(-1);
  depth[0] = 0;
  let met = 1;
  for (let next = 0; next < met; next++) {
    const id = order[next]!;
    forEachChild(search, id, (child) => {
      if (depth[child] !== -1) return;
      depth[child] = depth[id]! + 1;
      order[met++] = child;
    });
  }
  return { order: order.subarray(0, met), depth };
}

/** The states of `order`, each after all that lead to it; null: there is a cycle. Ties go by `order`. */
function topological(search: Search, order: Int32Array): Int32Array | null {
  const waitsFor = new Int32Array(search.table.count);
  for (const id of order)
    forEachChild(search, id, (child) => {
      waitsFor[child]!++;
    });
  const sorted = new Int32Array(order.length);
  let met = 0;
  for (const id of order) if (waitsFor[id] === 0) sorted[met++] = id;
  for (let next = 0; next < met; next++) {
    forEachChild(search, sorted[next]!, (child) => {
      waitsFor[child]!--;
      if (waitsFor[child] === 0) sorted[met++] = child;
    });
  }
  return met === order.length ? sorted : null;
}

/** Probability of coming through each state, and the steps of the longest order. */
function followShares(
  { table, first, edges }: Search,
  sorted: Int32Array,
): { shares: Float64Array; longest: number } {
  const shares = new Float64Array(table.count);
  const steps = new Int32Array(table.count);
  shares[0] = 1;
  let longest = 0;
  for (const id of sorted) {
    const from = wordAt(first, id);
    if (from < 0) continue;
    let last = from;
    while (wordAt(edges, last) % 2 === 0) last += 2;
    const share = shares[id]! / ((last - from) / 2 + 1);
    const length = steps[id]! + 1;
    longest = Math.max(longest, length);
    for (let at = from; at <= last; at += 2) {
      const child = wordAt(edges, at + 1);
      shares[child]! += share;
      if (steps[child]! < length) steps[child] = length;
    }
  }
  return { shares, longest };
}
