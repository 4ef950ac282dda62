/**
 * The smallest schedule that ends as wanted: fewest context switches, then fewest steps, then the one that comes first
 * when tasks are compared number by number.
 *
 * A switch is a step of another task than the one before; the first step is none. Nodes are (state, last task), settled
 * by switches, then by steps: the first wanted end has the fewest of both, and of all paths as good as its own the least
 * is read off from the front. States are expanded on the way where they were not, so this works on a search that has
 * only begun, and walks no more of the space than orders with as few switches meet.
 */
import { expandState, isExpanded, outcomeOf, type Search } from './exhaustive.ts';
import type { Choice } from './space.ts';
import { makeWordList, pushWord, setWord, type WordList, wordAt, wordListBytes } from './word-list.ts';

/** A quest for it under way: made by startShortest(), moved on by continueShortest(). */
export interface Shortest {
  readonly search: Search;
  readonly wanted: (outcome: number) => boolean;
  /** States of the search with which it is given up. */
  readonly most: number;
  /** Node = state * stride + last task + 1. More than the tasks there are; when there are more, the quest begins anew. */
  stride: number;
  /** Of each node its rank, NOT_SETTLED until that is known. */
  ranks: WordList;
  /** Of each rank switches and steps, in turns: all nodes of a rank cost the same, those of a later one more. */
  costs: number[];
  /** Nodes in the order in which they were settled. */
  settled: WordList;
  /** Nodes to be settled, by steps: with the switches that are served now, and with one more. */
  now: number[][];
  next: number[][];
  switches: number;
  steps: number;
  /** A wanted end was settled, at the last rank there is. */
  isFound: boolean;
}

const NOT_SETTLED = -1;
/** The last task of the node before the first step. */
const NOBODY = -1;

/**
 * Looks for an end whose outcome is `wanted`. The search is one without reduction, at whatever point; it is given up once
 * that has more than `most` states.
 */
export function startShortest(
  search: Search,
  wanted: (outcome: number) => boolean,
  most = Number.POSITIVE_INFINITY,
): Shortest {
  return { search, wanted, most, ...fromStart(search) };
}

const fromStart = (search: Search): Omit<Shortest, 'search' | 'wanted' | 'most'> => ({
  stride: search.space.tasks + 1,
  ranks: makeWordList(),
  costs: [0, 0],
  settled: makeWordList(),
  now: [[0]],
  next: [],
  switches: 0,
  steps: 0,
  isFound: false,
});

/** Memory of the quest, without the search's own. */
export const shortestBytes = ({ ranks, settled, now, next, costs }: Shortest): number =>
  wordListBytes(ranks) +
  wordListBytes(settled) +
  8 * [...now, ...next].reduce((sum, bucket) => sum + bucket.length, costs.length);

/** Settles about `budget` nodes. True: it is over, smallestSchedule() has the answer. */
export function continueShortest(quest: Shortest, budget: number): boolean {
  for (let done = 0; done < budget; ) {
    if (quest.search.table.count > quest.most && !quest.isFound) return true;
    const node = quest.now[quest.steps]?.pop();
    if (node !== undefined) {
      settle(quest, node);
      done++;
      if (quest.search.space.tasks >= quest.stride) Object.assign(quest, fromStart(quest.search));
    } else if (quest.isFound) return true;
    else if (!nextRank(quest)) return true;
  }
  return false;
}

/** Goes on to the nodes with the next cost; false: there are none. */
function nextRank(quest: Shortest): boolean {
  if (quest.steps + 1 < quest.now.length) quest.steps++;
  else if (quest.next.length === 0) return false;
  else {
    quest.now = quest.next;
    quest.next = [];
    quest.steps = 0;
    quest.switches++;
  }
  quest.costs.push(quest.switches, quest.steps);
  return true;
}

function settle(quest: Shortest, node: number): void {
  const { search, ranks, stride, steps } = quest;
  while (ranks.length <= node) pushWord(ranks, NOT_SETTLED);
  if (wordAt(ranks, node) !== NOT_SETTLED) return;
  setWord(ranks, node, quest.costs.length / 2 - 1);
  pushWord(quest.settled, node);
  const last = (node % stride) - 1;
  const id = (node - last - 1) / stride;
  if (!isExpanded(search, id)) expandState(search, id);
  const outcome = outcomeOf(search, id);
  if (outcome !== null) {
    if (quest.wanted(outcome)) quest.isFound = true;
    return;
  }
  const { first, edges } = search;
  for (let at = wordAt(first, id); ; at += 2) {
    const word = wordAt(edges, at);
    const task = word >>> 1;
    const child = wordAt(edges, at + 1) * stride + task + 1;
    const into = last === NOBODY || last === task ? quest.now : quest.next;
    if (rankOf(ranks, child) === NOT_SETTLED) {
      while (into.length <= steps + 1) into.push([]);
      into[steps + 1]!.push(child);
    }
    if (word % 2 === 1) return;
  }
}

const rankOf = (ranks: WordList, node: number): number =>
  node < ranks.length ? wordAt(ranks, node) : NOT_SETTLED;

/** The smallest schedule, once continueShortest() has said that it is over; null: no order ends so. */
export function smallestSchedule(quest: Shortest): Choice[] | null {
  if (!quest.isFound) return null;
  const { first, edges } = quest.search;
  const isGood = goodNodes(quest);
  const choices: Choice[] = [];
  let id = 0;
  for (let node = 0; choices.length < quest.steps; ) {
    let at = wordAt(first, id);
    while (!isTight(quest, node, at, isGood)) at += 2;
    choices.push(wordAt(edges, at) >>> 1);
    id = wordAt(edges, at + 1);
    node = id * quest.stride + choices.at(-1)! + 1;
  }
  return choices;
}

/** By node: 1 where a path of the least cost goes through. */
function goodNodes(quest: Shortest): Uint8Array {
  const { search, ranks, settled, stride } = quest;
  const isGood = new Uint8Array(ranks.length);
  const best = quest.costs.length / 2 - 1;
  for (let i = settled.length - 1; i >= 0; i--) {
    const node = wordAt(settled, i);
    const id = Math.floor(node / stride);
    const outcome = outcomeOf(search, id);
    if (outcome !== null) {
      if (wordAt(ranks, node) === best && quest.wanted(outcome)) isGood[node] = 1;
      continue;
    }
    for (let at = wordAt(search.first, id); isGood[node] === 0; at += 2) {
      if (isTight(quest, node, at, isGood)) isGood[node] = 1;
      if (wordAt(search.edges, at) % 2 === 1) break;
    }
  }
  return isGood;
}

/** Whether the step at `at` of the edges leads from `node` to a good one that costs no less by any other way. */
function isTight(
  { search, ranks, costs, stride }: Shortest,
  node: number,
  at: number,
  isGood: Uint8Array,
): boolean {
  const task = wordAt(search.edges, at) >>> 1;
  const child = wordAt(search.edges, at + 1) * stride + task + 1;
  if (isGood[child] !== 1) return false;
  const last = (node % stride) - 1;
  const from = wordAt(ranks, node) * 2;
  const to = wordAt(ranks, child) * 2;
  const isSwitch = last !== NOBODY && last !== task;
  return costs[to] === costs[from]! + (isSwitch ? 1 : 0) && costs[to + 1] === costs[from + 1]! + 1;
}
