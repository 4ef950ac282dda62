/**
 * What the graph of a finished search says: how it ends, how often, how deep it is.
 *
 * Everything is computed in one order of the states that depends on the space alone: as they are met when each state's
 * steps are followed breadth first, tasks ascending. So the answers, to the last bit of a share, do not depend on how the
 * search went.
 */
import { ASSERT } from '../hypervisor/bug.ts';
import { isFinished, outcomeOf, type Search } from './exhaustive.ts';
import { wordAt } from './word-list.ts';

/** How a search can end. */
export interface Ending {
  readonly outcome: number;
  /** Different end states with this outcome. */
  readonly states: number;
  /**
   * Probability of ending so if each step is made by one of those who can, all equally likely. null: the graph has
   * cycles, so there are orders that do not end.
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

/** The census of a finished search. Memory: about 24 bytes a state while it runs. */
export function censusOf(search: Search): Census {
  ASSERT(isFinished(search), 'a census is taken of a finished search');
  const { order, depth } = breadthFirst(search);
  const sorted = topological(search, order);
  const flow = sorted === null ? null : followShares(search, sorted);
  const byOutcome = new Map<number, { states: number; share: number }>();
  let shortest: number | null = null;
  for (const id of sorted ?? order) {
    const outcome = outcomeOf(search, id);
    if (outcome === null) continue;
    const known = byOutcome.get(outcome) ?? { states: 0, share: 0 };
    byOutcome.set(outcome, { states: known.states + 1, share: known.share + (flow?.shares[id] ?? 0) });
    shortest = Math.min(shortest ?? depth[id]!, depth[id]!);
  }
  return {
    states: search.table.count,
    transitions: search.transitions,
    shortest,
    longest: flow?.longest ?? null,
    endings: [...byOutcome]
      .sort(([a], [b]) => a - b)
      .map(([outcome, { states, share }]) => ({ outcome, states, share: flow && share })),
  };
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

/** All states in the order in which they are met breadth first, and their distances from the first. */
function breadthFirst({ table, first, edges }: Search): { order: Int32Array; depth: Int32Array } {
  const order = new Int32Array(table.count);
  const depth = new Int32Array(table.count).fill(-1);
  depth[0] = 0;
  let met = 1;
  for (let next = 0; next < met; next++) {
    const id = order[next]!;
    let at = wordAt(first, id);
    for (let isLast = at < 0; !isLast; at += 2) {
      const child = wordAt(edges, at + 1);
      if (depth[child] === -1) {
        depth[child] = depth[id]! + 1;
        order[met++] = child;
      }
      isLast = wordAt(edges, at) % 2 === 1;
    }
  }
  return { order, depth };
}

/** All states, each after all that lead to it; null: there is a cycle. Ties go by `order`. */
function topological({ table, first, edges }: Search, order: Int32Array): Int32Array | null {
  const waitsFor = new Int32Array(table.count);
  for (let at = 1; at < edges.length; at += 2) waitsFor[wordAt(edges, at)]!++;
  const sorted = new Int32Array(table.count);
  let met = 0;
  for (const id of order) if (waitsFor[id] === 0) sorted[met++] = id;
  for (let next = 0; next < met; next++) {
    let at = wordAt(first, sorted[next]!);
    for (let isLast = at < 0; !isLast; at += 2) {
      const child = wordAt(edges, at + 1);
      waitsFor[child]!--;
      if (waitsFor[child] === 0) sorted[met++] = child;
      isLast = wordAt(edges, at) % 2 === 1;
    }
  }
  return met === table.count ? sorted : null;
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
