/**
 * A walk of all orders by rows, so that several threads may share it.
 *
 * A row is all states in which one lane is in the same form. A thread walks a row to its end before it begins another:
 * inside it the others go on, step by step, and only the lane's own steps lead out. Whoever begins a row claims it; what
 * leads into a row of another thread is told to that one, and its steps are made there.
 */
import { type CellTexts, cellHash, newCellTexts } from './cell-texts.ts';
import { expandState, isExpanded, meetState, type Search, startSearch } from './exhaustive.ts';
import { claimRow, NOBODY, rowOwner } from './row-claims.ts';
import { enabledIn, startState, stepFrom } from './schedule-replay.ts';
import type { Choice } from './space.ts';
import { findState, roomForState, viewState, widenStates } from './state-table.ts';
import { wordAt } from './word-list.ts';
import { FIRST_LANE } from './world-cells.ts';
import type { WalkedSpace } from './world-space.ts';
import { START } from './world-trail.ts';
import { cellsOfState } from './world-walk.ts';

/** The lane whose forms are the rows. */
const LANE = 0;
const CELL = FIRST_LANE + LANE;
/** The lane alone is followed so far. */
const LONGEST_ALONE = 10_000;

/** States in which the lane has one form. */
interface Row {
  readonly form: number;
  /** The thread that has it; NOBODY: as far as this one knows it is free. */
  owner: number;
  /** See claimRow(); null: not asked for yet. */
  hash: number | null;
  /** States whose steps are to be made, if the row is this thread's; those before `next` are on their way. */
  readonly todo: number[];
  next: number;
  /** It waits for its turn. */
  isListed: boolean;
}

/** See the file's header: one thread's part in it. */
export interface RowWalk {
  readonly space: WalkedSpace;
  readonly search: Search;
  readonly texts: CellTexts;
  readonly thread: number;
  readonly claims: Int32Array;
  readonly rows: Map<number, Row>;
  current: Row | null;
  /** States of the current row to which steps led just now: those go on first, for the host is there already. */
  readonly near: number[];
  /** Rows of this thread that have something to do, and rows that may be free. */
  readonly listed: Row[];
  readonly open: Row[];
  /** By thread: states of its rows that it is still to be told of. */
  readonly away: Map<number, number[]>;
  /** Where the lane gets by itself. */
  alone: readonly Alone[] | null;
}

interface Alone {
  readonly state: Int32Array;
  readonly hash: number;
}

/** The part of `thread`. Thread 0 begins at the start; the others where they find a row that is free. */
export function startRows(space: WalkedSpace, thread: number, claims: Int32Array): RowWalk {
  const w: RowWalk = {
    space,
    search: startSearch(space, 'bfs'),
    texts: newCellTexts(space.walk.cells),
    thread,
    claims,
    rows: new Map(),
    current: null,
    near: [],
    listed: [],
    open: [],
    away: new Map(),
    alone: null,
  };
  const row = rowOf(w, formOf(w, 0));
  row.owner = 0;
  claimRow(claims, hashOf(w, row), 0);
  if (thread === 0) putIn(w, 0);
  return w;
}

/** The space's own number of a state that was met. */
function reachedAs({ search: { table, scratch } }: RowWalk, id: number): number {
  const page = viewState(table, id, scratch);
  return page[table.at]!;
}

function formOf(w: RowWalk, id: number): number {
  return formIn(w.space, reachedAs(w, id));
}

function formIn({ walk }: WalkedSpace, reached: number): number {
  const words = cellsOfState(walk, reached);
  return words[walk.at + CELL]!;
}

function rowOf(w: RowWalk, form: number): Row {
  let row = w.rows.get(form);
  if (row === undefined) {
    row = { form, owner: NOBODY, hash: null, todo: [], next: 0, isListed: false };
    w.rows.set(form, row);
  }
  return row;
}

function hashOf(w: RowWalk, row: Row): number {
  row.hash ??= cellHash(w.texts, CELL, row.form);
  return row.hash;
}

/** Puts a state that was just met where it belongs. */
function putIn(w: RowWalk, id: number): void {
  const row = rowOf(w, formOf(w, id));
  if (row.owner !== NOBODY && row.owner !== w.thread) {
    tellAway(w, row.owner, [id]);
    return;
  }
  row.todo.push(id);
  if (row.isListed) return;
  row.isListed = true;
  (row.owner === NOBODY ? w.open : w.listed).push(row);
}

function tellAway({ away }: RowWalk, to: number, ids: readonly number[]): void {
  const known = away.get(to);
  if (known === undefined) away.set(to, [...ids]);
  else for (const id of ids) known.push(id);
}

/** Makes about `budget` steps. True: there is nothing left to do without the others. */
export function continueRows(w: RowWalk, budget: number): boolean {
  const { search } = w;
  const until = search.transitions + budget;
  while (search.transitions < until) {
    w.current ??= nextRow(w);
    if (w.current === null) return true;
    const id = w.near.pop() ?? takeNext(w.current);
    if (id === null) {
      w.current.isListed = false;
      w.current = null;
    } else if (!isExpanded(search, id)) expand(w, id, w.current);
  }
  return false;
}

function takeNext(row: Row): number | null {
  if (row.next < row.todo.length) return row.todo[row.next++]!;
  row.todo.length = 0;
  row.next = 0;
  return null;
}

function nextRow(w: RowWalk): Row | null {
  const listed = w.listed.shift();
  if (listed !== undefined) return listed;
  for (;;) {
    const row = w.open.shift();
    if (row === undefined) return null;
    if (takeOver(w, row, w.thread)) return row;
  }
}

/** Claims a row that may be free for a thread, which is told what belongs to it. Whether this thread has it now. */
function takeOver(w: RowWalk, row: Row, thread: number): boolean {
  row.owner = claimRow(w.claims, hashOf(w, row), thread);
  if (row.owner === w.thread) return true;
  row.isListed = false;
  tellAway(w, row.owner, row.todo.splice(0));
  return false;
}

function expand(w: RowWalk, id: number, row: Row): void {
  const { search } = w;
  const { first, edges } = search;
  let known = search.table.count;
  expandState(search, id);
  const from = wordAt(first, id);
  if (from < 0) return;
  for (let at = from; at < edges.length; at += 2) {
    const child = wordAt(edges, at + 1);
    // New states have the next numbers, in the order of the steps.
    if (child === known) {
      known++;
      putIn(w, child);
    }
    if (!isExpanded(search, child) && formOf(w, child) === row.form) w.near.push(child);
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

/** A way from the start to a state. */
export function wayTo(w: RowWalk, id: number): Choice[] {
  const { parents, by } = w.space.walk.trail;
  const back: Choice[] = [];
  for (let at = reachedAs(w, id); at !== START; at = parents[at]!) back.push(by[at]!);
  return back.reverse();
}

/** Gives half of the rows that may be free to another thread. Whether there were any. */
export function giveRows(w: RowWalk, to: number): boolean {
  const given = w.open.splice(Math.ceil(w.open.length / 2));
  for (const row of given) {
    if (takeOver(w, row, to)) w.listed.push(row);
  }
  return given.length > 0;
}

/**
 * Begins a row where the lane gets by itself, far from those that have been begun: in the middle of the longest stretch
 * of rows that are free. False: there is none.
 */
export function beginAlone(w: RowWalk): boolean {
  w.alone ??= followAlone(w);
  for (;;) {
    const middle = middleOfFree(w.alone.map(({ hash }) => rowOwner(w.claims, hash) === NOBODY));
    if (middle < 0) return false;
    const { state, hash } = w.alone[middle]!;
    if (claimRow(w.claims, hash, w.thread) !== w.thread) continue;
    const row = rowOf(w, formIn(w.space, state[0]!));
    row.owner = w.thread;
    enterState(w, state);
    if (row.isListed && !w.listed.includes(row) && w.current !== row) {
      w.open.splice(w.open.indexOf(row), 1);
      w.listed.push(row);
    }
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

function followAlone(w: RowWalk): Alone[] {
  const { space } = w;
  const found: Alone[] = [];
  let state = startState(space);
  while (found.length < LONGEST_ALONE) {
    found.push({ state, hash: cellHash(w.texts, CELL, formIn(space, state[0]!)) });
    if (!enabledIn(space, state).includes(LANE)) break;
    state = stepFrom(space, state, LANE);
  }
  return found;
}
