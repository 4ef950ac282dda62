/**
 * What the graph of a finished search says: how it ends, how often, how deep it is.
 *
 * Everything is computed in one order of the states that depends on the space alone: as they are met when each state's
 * steps are followed breadth first, tasks ascending. So the answers, to the last bit of a share, do not depend on how the
 * search went.
 */
import { ASSERT } from '../hypervisor/bug.ts';
import { circlesOf } from './circles.ts';
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

/** The census of a finished search. Memory: about 32 bytes a state and 4 a step while it runs, more where there are circles. */
export function censusOf(search: Search): Census {
  ASSERT(isFinished(search), 'a census is taken of a finished search');
  const met = breadthFirst(search);
  const sorted = topological(met);
  const flow = sorted === null ? null : followShares(met, sorted);
  // A circle is one way to end, however many states it has.
  const isAgain = new Set(search.circles.flatMap((circle) => circle.slice(1)));
  const byOutcome = new Map<number, { states: number; share: number }>();
  let shortest: number | null = null;
  for (let i = 0; i < met.order.length; i++) {
    const place = sorted?.[i] ?? i;
    const id = met.order[place]!;
    const outcome = outcomeOf(search, id);
    if (outcome === null) continue;
    const known = byOutcome.get(outcome) ?? { states: 0, share: 0 };
    const states = known.states + (isAgain.has(id) ? 0 : 1);
    byOutcome.set(outcome, { states, share: known.share + (flow?.shares[place] ?? 0) });
    shortest = Math.min(shortest ?? met.depth[place]!, met.depth[place]!);
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
  const met = breadthFirst(search);
  const sorted = topological(met);
  if (sorted === null) return { order: met.order, hasCircles: true };
  return { order: sorted.map((place) => met.order[place]!), hasCircles: false };
}

/** Whether a finished search has circles that nobody leaves. Costs little where there are no circles at all. */
export const hasCircles = (search: Search): boolean => openCircles(search).length > 0;

function openCircles(search: Search): number[][] {
  const met = breadthFirst(search);
  return topological(met) === null ? circlesOf(search, met.order) : [];
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

/** States by the place at which they are met breadth first. What is computed goes by places: those of near states are near. */
interface Breadth {
  /** By place: the state, and how far it is from the first. */
  readonly order: Int32Array;
  readonly depth: Int32Array;
  /** By place: where in `children` its steps begin, and end; of each step the place it leads to. */
  readonly begins: Int32Array;
  readonly children: Int32Array;
}

function breadthFirst({ table: { count }, first, edges }: Search): Breadth {
  const placeOf = new Int32Array(count).fill(-1);
  const order = new Int32Array(count);
  const depth = new Int32Array(count);
  const begins = new Int32Array(count + 1);
  const children = new Int32Array(edges.length / 2);
  placeOf[0] = 0;
  let met = 1;
  let steps = 0;
  for (let place = 0; place < met; place++) {
    begins[place] = steps;
    for (let at = wordAt(first, order[place]!), isLast = at < 0; !isLast; at += 2) {
      isLast = wordAt(edges, at) % 2 === 1;
      const child = wordAt(edges, at + 1);
      let there = placeOf[child]!;
      if (there === -1) {
        there = met++;
        placeOf[child] = there;
        order[there] = child;
        depth[there] = depth[place]! + 1;
      }
      children[steps++] = there;
    }
  }
  begins[met] = steps;
  return { order: order.subarray(0, met), depth, begins, children: children.subarray(0, steps) };
}

/** The places of all states, each after those of all that lead to it; null: there is a cycle. */
function topological({ order, begins, children }: Breadth): Int32Array | null {
  const waitsFor = new Int32Array(order.length);
  for (let i = 0; i < children.length; i++) waitsFor[children[i]!]!++;
  const sorted = new Int32Array(order.length);
  let met = 0;
  for (let place = 0; place < order.length; place++) if (waitsFor[place] === 0) sorted[met++] = place;
  for (let next = 0; next < met; next++) {
    const place = sorted[next]!;
    for (let i = begins[place]!; i < begins[place + 1]!; i++) {
      const child = children[i]!;
      waitsFor[child]!--;
      if (waitsFor[child] === 0) sorted[met++] = child;
    }
  }
  return met === order.length ? sorted : null;
}

/** By place: the probability of coming through that state. And the steps of the longest order. */
function followShares(
  { begins, children }: Breadth,
  sorted: Int32Array,
): { shares: Float64Array; longest: number } {
  const shares = new Float64Array(sorted.length);
  const steps = new Int32Array(sorted.length);
  shares[0] = 1;
  let longest = 0;
  for (const place of sorted) {
    const from = begins[place]!;
    const to = begins[place + 1]!;
    if (from === to) continue;
    const share = shares[place]! / (to - from);
    const length = steps[place]! + 1;
    longest = Math.max(longest, length);
    for (let i = from; i < to; i++) {
      const child = children[i]!;
      shares[child]! += share;
      if (steps[child]! < length) steps[child] = length;
    }
  }
  return { shares, longest };
}
