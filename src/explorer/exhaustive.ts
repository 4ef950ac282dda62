/**
 * Every order: the states that can be reached, each once, with who leads from which to which.
 *
 * A search is pure and runs in slices: whoever calls continueSearch() decides how long to go on, by the clock, by memory
 * (searchBytes) or by a wish to stop. It is a queue or a stack of states whose steps are still to be made, never
 * recursion. All steps of a state are made at once, so the graph of a finished search does not depend on the order.
 */
import type { Space } from './space.ts';
import {
  findState,
  keepState,
  makeStateTable,
  roomForState,
  type StateTable,
  viewState,
  widenStates,
} from './state-table.ts';
import {
  makeWordList,
  popWord,
  pushWord,
  setWord,
  type WordList,
  wordAt,
  wordListBytes,
} from './word-list.ts';

/** Breadth first meets near states first, depth first end states. Both end with the same graph. */
export type SearchOrder = 'dfs' | 'bfs';

/** In `first`: the state's steps were not made yet. */
const NOT_EXPANDED = -1;
/** In `first`: this, or less by the number of end states met before. */
const END_STATE = -2;

/** Use the functions below; `first` and `edges` are for state-graph.ts and shortest-schedule.ts. */
export interface Search {
  readonly space: Space;
  readonly order: SearchOrder;
  readonly table: StateTable;
  /** Of each state: where its steps begin in `edges`, or one of the marks above. */
  readonly first: WordList;
  /** Two words a step, tasks ascending: task * 2 + (1 if it is the state's last step), and the state it leads to. */
  readonly edges: WordList;
  /** The outcome of each end state, in the order in which they were met. */
  readonly ends: WordList;
  /** Circles that nobody leaves, once closeCircles() has found them: their states are end states then. */
  circles: readonly (readonly number[])[];
  /** Steps inside them. */
  circleSteps: number;
  /** Depth first: states whose steps are to be made. Breadth first they are those from `cursor` on. */
  readonly stack: WordList;
  /** It meets no more states than these; `isFull`: one more was to be met. */
  most: number;
  isFull: boolean;
  cursor: number;
  expanded: number;
  transitions: number;
  tasks: Int32Array;
  scratch: Int32Array;
}

/** A search that has met the first state only. */
export function startSearch(space: Space, order: SearchOrder): Search {
  const search: Search = {
    space,
    order,
    table: makeStateTable(space.width, space.isNumbered),
    first: makeWordList(),
    edges: makeWordList(),
    ends: makeWordList(),
    circles: [],
    circleSteps: 0,
    stack: makeWordList(),
    most: Number.POSITIVE_INFINITY,
    isFull: false,
    cursor: 0,
    expanded: 0,
    transitions: 0,
    tasks: new Int32Array(Math.max(1, space.tasks)),
    scratch: new Int32Array(space.width),
  };
  const room = roomForState(search.table);
  space.start(room, search.table.at);
  keepState(search.table);
  pushWord(search.first, NOT_EXPANDED);
  if (order === 'dfs') pushWord(search.stack, 0);
  return search;
}

/** Makes steps until about `budget` of them were made. True: there are none left, the space is finished. */
export function continueSearch(search: Search, budget: number): boolean {
  const until = search.transitions + budget;
  const { table, first, stack, most } = search;
  if (search.order === 'bfs') {
    while (search.transitions < until && search.cursor < table.count && !search.isFull) {
      const id = search.cursor++;
      if (wordAt(first, id) === NOT_EXPANDED) search.isFull = !expandState(search, id, most);
    }
  } else {
    while (search.transitions < until && stack.length > 0 && !search.isFull) {
      const id = popWord(stack);
      if (wordAt(first, id) === NOT_EXPANDED) search.isFull = !expandState(search, id, most);
    }
  }
  return isFinished(search);
}

/** Whether every state that can be reached was met. */
export const isFinished = (search: Search): boolean => search.expanded === search.table.count;

/** States met whose steps were not made yet. */
export const frontierStates = (search: Search): number => search.table.count - search.expanded;

/** Memory of the search. */
export const searchBytes = (search: Search): number =>
  search.table.bytes +
  wordListBytes(search.first) +
  wordListBytes(search.edges) +
  wordListBytes(search.ends) +
  wordListBytes(search.stack);

/** Whether the steps of state `id` were made: its `first` and its outcome are known. */
export const isExpanded = (search: Search, id: number): boolean => wordAt(search.first, id) !== NOT_EXPANDED;

/** How state `id`, which was expanded, ended; null: it is no end state. */
export function outcomeOf(search: Search, id: number): number | null {
  const first = wordAt(search.first, id);
  return first <= END_STATE ? wordAt(search.ends, END_STATE - first) : null;
}

/** Takes a state of a circle for an end: nothing comes of going on. */
export function endHere(search: Search, id: number, outcome: number): void {
  for (let at = wordAt(search.first, id); ; at += 2) {
    search.circleSteps++;
    if (wordAt(search.edges, at) % 2 === 1) break;
  }
  setWord(search.first, id, END_STATE - search.ends.length);
  pushWord(search.ends, outcome);
}

/**
 * Makes the steps of state `id`, which were not made yet. False, and they count as not made: one of them leads to one
 * state more than `most`.
 */
export function expandState(search: Search, id: number, most = Number.POSITIVE_INFINITY): boolean {
  const { space, table, first, edges } = search;
  makeRoom(search);
  let state = viewState(table, id, search.scratch);
  let { at } = table;
  const { tasks } = search;
  const n = space.enabled(state, at, tasks);
  search.expanded++;
  if (n === 0) {
    setWord(first, id, END_STATE - search.ends.length);
    pushWord(search.ends, space.outcome(state, at));
    return true;
  }
  setWord(first, id, edges.length);
  const known = table.count;
  for (let i = 0; i < n; i++) {
    const task = tasks[i]!;
    space.step(state, at, task, roomForState(table), table.at);
    while (space.width !== table.width) {
      makeRoom(search);
      state = viewState(table, id, search.scratch);
      at = table.at;
      space.step(state, at, task, roomForState(table), table.at);
    }
    if (table.count >= most && findState(table) < 0) {
      for (let word = 0; word < 2 * i; word++) popWord(edges);
      setWord(first, id, NOT_EXPANDED);
      search.expanded--;
      return false;
    }
    const child = keepState(table);
    if (child === first.length) pushWord(first, NOT_EXPANDED);
    pushWord(edges, task * 2 + (i === n - 1 ? 1 : 0));
    pushWord(edges, child);
  }
  search.transitions += n;
  // The last one goes on first: a space that stands in one state at a time is there already.
  if (search.order === 'dfs')
    for (let child = known; child < table.count; child++) pushWord(search.stack, child);
  return true;
}

/** Takes for met what can be reached in the space; its number. Its steps are made by whoever calls expandState(). */
export function meetState(search: Search, words: Int32Array): number {
  const { table } = search;
  makeRoom(search);
  const room = roomForState(table);
  room.fill(0, table.at, table.at + table.width);
  room.set(words.subarray(0, table.width), table.at);
  const id = keepState(table);
  if (id === search.first.length) pushWord(search.first, NOT_EXPANDED);
  return id;
}

/** Follows the space where it grew. */
function makeRoom(search: Search): void {
  const { space, table } = search;
  if (search.tasks.length < space.tasks) search.tasks = new Int32Array(space.tasks * 2);
  if (space.width === table.width) return;
  widenStates(table, space.width);
  search.scratch = new Int32Array(space.width);
}
