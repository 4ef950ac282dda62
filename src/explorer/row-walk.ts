/**
 * A walk of all orders that several threads share: one thread's part in it.
 *
 * A row is all states in which one lane is in the same form. Who begins a row first claims it, and makes the steps of all
 * states in it; whoever comes to one of them tells that one. Inside a row the others go on, step by step; the lane's own
 * steps lead to later rows. Each thread walks a row to its end before it begins another, and threads begin at rows far
 * from each other: so they meet only where one comes to what the other began with.
 */
import { type CellTexts, formHash, newCellTexts } from './cell-texts.ts';
import { expandState, isExpanded, meetState, type Search, startSearch } from './exhaustive.ts';
import { claimRow, NOBODY, ownerOf } from './row-claims.ts';
import { enabledIn, startState, stepFrom } from './schedule-replay.ts';
import type { Space } from './space.ts';
import { findState, roomForState, viewState, widenStates } from './state-table.ts';
import { wordAt } from './word-list.ts';
import { FIRST_LANE } from './world-cells.ts';
import type { WalkedSpace } from './world-space.ts';
import { placeOnTrail } from './world-trail.ts';
import { cellsOfState } from './world-walk.ts';

/** A lane alone is followed so far. */
const LONGEST_ALONE = 10_000;

/** States in which the lane has one form. */
interface Row {
  readonly form: number;
  readonly hash: number;
  /** The thread that makes its steps; NOBODY: not known here. */
  owner: number;
  /** States whose steps are to be made, or of which nobody was told yet. */
  todo: number[];
  /** It waits for its turn, or has it. */
  isListed: boolean;
}

/** What all threads that walk together see of each other's. */
export interface SharedRows {
  /** The lane whose forms are the rows. */
  readonly lane: number;
  readonly claims: Int32Array;
}

/** See the file's header. */
export interface RowWalk {
  readonly space: WalkedSpace;
  readonly search: Search;
  readonly texts: CellTexts;
  readonly thread: number;
  readonly lane: number;
  readonly claims: Int32Array;
  readonly rows: Map<number, Row>;
  current: Row | null;
  /** States of the current row to which steps led just now, each behind the state that it was come from and by whom. */
  readonly near: number[];
  /** Rows that have something to do. */
  readonly listed: Row[];
  /** By thread: states that it is still to be told of. */
  readonly away: Map<number, number[]>;
  /** Where the lane gets by itself. */
  alone: readonly Alone[] | null;
}

interface Alone {
  readonly state: Int32Array;
  readonly hash: number;
}

/** The lane that gets farthest by itself: the one with the most rows, as far as that is known beforehand. */
export function laneOfRows(space: Space, lanes: number): number {
  let best = 0;
  let longest = 0;
  for (let lane = 0; lane < lanes; lane++) {
    const { length } = followAlone(space, lane);
    if (length <= longest) continue;
    longest = length;
    best = lane;
  }
  return best;
}

/** The part of `thread`. Thread 0 begins at the start; the others where they find a row that is free. */
export function startRows(space: WalkedSpace, thread: number, { lane, claims }: SharedRows): RowWalk {
  const w: RowWalk = {
    space,
    search: startSearch(space, 'bfs'),
    texts: newCellTexts(space.walk.cells),
    thread,
    lane,
    claims,
    rows: new Map(),
    current: null,
    near: [],
    listed: [],
    away: new Map(),
    alone: null,
  };
  const row = rowOf(w, 0);
  row.owner = claimRow(claims, row.hash, 0);
  if (thread === 0) putIn(w, 0);
  return w;
}

/** The space's own number of a state that was met. */
export function reachedAs({ search: { table, scratch } }: RowWalk, id: number): number {
  const page = viewState(table, id, scratch);
  return page[table.at]!;
}

/** The form of the lane in a state, by the space's number. */
function formIn({ space: { walk }, lane }: RowWalk, reached: number): number {
  const words = cellsOfState(walk, reached);
  return words[walk.at + FIRST_LANE + lane]!;
}

const hashOfForm = ({ texts, lane }: RowWalk, form: number): number =>
  formHash(texts, FIRST_LANE + lane, form);

/** The row of a state that was met. */
function rowOf(w: RowWalk, id: number): Row {
  const form = formIn(w, reachedAs(w, id));
  const known = w.rows.get(form);
  if (known !== undefined) return known;
  const row = { form, hash: hashOfForm(w, form), owner: NOBODY, todo: [], isListed: false };
  w.rows.set(form, row);
  return row;
}

/** Puts a state that was just met in its row. */
function putIn(w: RowWalk, id: number): void {
  const row = rowOf(w, id);
  row.todo.push(id);
  if (row.isListed) return;
  row.isListed = true;
  w.listed.push(row);
}

/** Makes about `budget` steps. True: there is nothing left to do without the others. */
export function continueRows(w: RowWalk, budget: number): boolean {
  const { search } = w;
  const until = search.transitions + budget;
  while (search.transitions < until) {
    w.current ??= nextRow(w);
    if (w.current === null) return true;
    const id = comeNear(w) ?? w.current.todo.pop();
    if (id === undefined) {
      w.current.isListed = false;
      w.current = null;
    } else if (!isExpanded(search, id)) expand(w, id, w.current);
  }
  return false;
}

/**
 * The state to which a step led last and that is not expanded yet, reached once more by that step: the space is close by,
 * while the way on which the state was met first may be in another row. Null: there is none.
 */
function comeNear({ space, search, near }: RowWalk): number | null {
  while (near.length > 0) {
    const id = near.pop()!;
    const task = near.pop()!;
    const from = near.pop()!;
    if (isExpanded(search, id)) continue;
    if (placeOnTrail(space.walk.trail, from) >= 0) stepFrom(space, Int32Array.of(from), task);
    return id;
  }
  return null;
}

/** The next row that is for this thread. Of what is in those of others they will be told. */
function nextRow(w: RowWalk): Row | null {
  for (;;) {
    const row = w.listed.shift();
    if (row === undefined) return null;
    if (row.owner === NOBODY) row.owner = claimRow(w.claims, row.hash, w.thread);
    if (row.owner === w.thread) return row;
    sendAway(w, row);
  }
}

function sendAway(w: RowWalk, row: Row): void {
  const known = w.away.get(row.owner);
  if (known === undefined) w.away.set(row.owner, row.todo);
  else for (const id of row.todo) known.push(id);
  row.todo = [];
  row.isListed = false;
}

function expand(w: RowWalk, id: number, row: Row): void {
  const { search, near } = w;
  const { first, edges } = search;
  let known = search.table.count;
  expandState(search, id);
  const from = wordAt(first, id);
  if (from < 0) return;
  const reached = reachedAs(w, id);
  for (let at = from; at < edges.length; at += 2) {
    const child = wordAt(edges, at + 1);
    // New states have the next numbers, in the order of the steps.
    if (child === known) {
      known++;
      putIn(w, child);
    }
    if (isExpanded(search, child) || formIn(w, reachedAs(w, child)) !== row.form) continue;
    near.push(reached, wordAt(edges, at) >>> 1, child);
  }
}

/** Takes in a state that was reached in the space: as what it was reached. */
export function enterState(w: RowWalk, reached: Int32Array): number {
  const { search } = w;
  const known = search.table.count;
  const id = meetState(search, reached);
  if (id === known) putIn(w, id);
  return id;
}

/** The number of the state whose cells are `words`; -1: it was never reached here. */
export function stateOfCells(w: RowWalk, words: Int32Array): number {
  const { table } = w.space.walk.trail;
  if (words.length > table.width) widenStates(table, words.length);
  const room = roomForState(table);
  room.fill(0, table.at, table.at + table.width);
  room.set(words, table.at);
  const reached = findState(table);
  return reached < 0 ? -1 : enterState(w, Int32Array.of(reached));
}

/** What is in the cells of a state. */
export function cellsOf(w: RowWalk, id: number): Int32Array {
  const { walk } = w.space;
  const words = cellsOfState(walk, reachedAs(w, id));
  return words.subarray(walk.at, walk.at + walk.cells.count);
}

/** Gives about half of the rows that nobody has begun to another thread. Whether there was one to give. */
export function giveRows(w: RowWalk, to: number): boolean {
  const isFree = (row: Row): boolean => row.owner === NOBODY && ownerOf(w.claims, row.hash) === NOBODY;
  const free = w.listed.filter(isFree);
  const given = new Set(free.slice(Math.floor(free.length / 2)));
  w.listed.splice(0, w.listed.length, ...w.listed.filter((row) => !given.has(row)));
  for (const row of given) {
    row.owner = claimRow(w.claims, row.hash, to);
    sendAway(w, row);
  }
  return given.size > 0;
}

/**
 * Begins where the lane gets by itself, far from what has been begun: in the middle of the longest stretch that is free.
 * False: there is none.
 */
export function beginAlone(w: RowWalk): boolean {
  w.alone ??= followAlone(w.space, w.lane).map((state) => ({
    state,
    hash: hashOfForm(w, formIn(w, state[0]!)),
  }));
  for (;;) {
    const middle = middleOfFree(w.alone.map(({ hash }) => ownerOf(w.claims, hash) === NOBODY));
    if (middle < 0) return false;
    const { state, hash } = w.alone[middle]!;
    if (claimRow(w.claims, hash, w.thread) !== w.thread) continue;
    rowOf(w, enterState(w, state)).owner = w.thread;
    return true;
  }
}

/** The middle of the longest stretch of what is free; -1: nothing is. */
function middleOfFree(isFree: readonly boolean[]): number {
  let best = 0;
  let middle = -1;
  let length = 0;
  for (const [at, free] of isFree.entries()) {
    length = free ? length + 1 : 0;
    if (length <= best) continue;
    best = length;
    middle = at - Math.floor(length / 2);
  }
  return middle;
}

/** The states to which a lane gets while nobody else goes on, the start first. */
function followAlone(space: Space, lane: number): Int32Array[] {
  const found: Int32Array[] = [];
  let state = startState(space);
  while (found.length < LONGEST_ALONE) {
    found.push(state);
    if (!enabledIn(space, state).includes(lane)) break;
    state = stepFrom(space, state, lane);
  }
  return found;
}
