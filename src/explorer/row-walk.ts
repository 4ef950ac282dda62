/**
 * A walk of all orders that several threads share: one thread's part in it.
 *
 * Who comes to a state first claims it and makes its steps; whoever comes to it later tells that one. So that they seldom
 * meet, each goes by rows: a row is all states in which one lane is in the same form, and is walked to its end before
 * another is begun. Inside it the others go on, step by step; the lane's own steps lead to later rows. Threads that begin
 * at rows far from each other meet where one comes to what the other began with.
 */
import { type CellTexts, newCellTexts, stateHash } from './cell-texts.ts';
import { expandState, isExpanded, meetState, type Search, startSearch } from './exhaustive.ts';
import { enabledIn, startState, stepFrom } from './schedule-replay.ts';
import type { Choice } from './space.ts';
import { claimState, NOBODY, ownerOf, type StateHash } from './state-claims.ts';
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
/** Fewer states than these are not worth giving away. */
const LEAST_GIVEN = 8;

/** States in which the lane has one form. */
interface Row {
  readonly form: number;
  /** States whose steps are to be made; those before `next` are on their way. */
  todo: number[];
  next: number;
  /** It waits for its turn, or has it. */
  isListed: boolean;
}

/** See the file's header. */
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
  /** Rows that have something to do. */
  readonly listed: Row[];
  /** States of others; and, by thread, those that it is still to be told of. */
  readonly gone: Set<number>;
  readonly away: Map<number, number[]>;
  /** Where the lane gets by itself. */
  alone: readonly Alone[] | null;
}

interface Alone {
  readonly state: Int32Array;
  readonly hash: StateHash;
}

/** The part of `thread`. Thread 0 begins at the start; the others where they find a state that is free. */
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
    gone: new Set(),
    away: new Map(),
    alone: null,
  };
  claimState(claims, hashOf(w, START), 0);
  if (thread === 0) putIn(w, 0);
  else w.gone.add(0);
  return w;
}

/** The space's own number of a state that was met. */
function reachedAs({ search: { table, scratch } }: RowWalk, id: number): number {
  const page = viewState(table, id, scratch);
  return page[table.at]!;
}

function formOf(w: RowWalk, id: number): number {
  const { walk } = w.space;
  const words = cellsOfState(walk, reachedAs(w, id));
  return words[walk.at + CELL]!;
}

function hashOf({ space: { walk }, texts }: RowWalk, reached: number): StateHash {
  const words = cellsOfState(walk, reached);
  return stateHash(texts, words, walk.at);
}

/** Puts a state that was just met in its row. */
function putIn(w: RowWalk, id: number): void {
  const form = formOf(w, id);
  let row = w.rows.get(form);
  if (row === undefined) {
    row = { form, todo: [], next: 0, isListed: false };
    w.rows.set(form, row);
  }
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
    w.current ??= w.listed.shift() ?? null;
    if (w.current === null) return true;
    const id = w.near.pop() ?? takeNext(w.current);
    if (id === null) {
      w.current.isListed = false;
      w.current = null;
    } else if (claims(w, id, w.thread)) expand(w, id, w.current);
  }
  return false;
}

function takeNext(row: Row): number | null {
  if (row.next < row.todo.length) return row.todo[row.next++]!;
  row.todo.length = 0;
  row.next = 0;
  return null;
}

/** Claims a state for a thread. Whether it is for this one to make its steps; whose it is hears of it otherwise. */
function claims(w: RowWalk, id: number, thread: number): boolean {
  if (isExpanded(w.search, id) || w.gone.has(id)) return false;
  const owner = claimState(w.claims, hashOf(w, reachedAs(w, id)), thread);
  if (owner === w.thread) return true;
  w.gone.add(id);
  const known = w.away.get(owner);
  if (known === undefined) w.away.set(owner, [id]);
  else known.push(id);
  return false;
}

function expand(w: RowWalk, id: number, row: Row): void {
  const { search, near, gone } = w;
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
    if (!isExpanded(search, child) && !gone.has(child) && formOf(w, child) === row.form) near.push(child);
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

/** Gives about half of what is to be done to another thread. Whether there was enough to give. */
export function giveStates(w: RowWalk, to: number): boolean {
  const rows = w.listed.splice(Math.ceil(w.listed.length / 2));
  for (const row of rows) row.isListed = false;
  const given = rows.flatMap((row) => row.todo.splice(0).slice(row.next));
  for (const row of rows) row.next = 0;
  const { current } = w;
  if (given.length === 0 && current !== null) {
    const left = current.todo.length - current.next;
    if (left >= 2 * LEAST_GIVEN) given.push(...current.todo.splice(current.next + Math.ceil(left / 2)));
  }
  // What this thread had claimed before stays its own.
  for (const id of given) if (claims(w, id, to)) putIn(w, id);
  return given.length > 0;
}

/**
 * Begins where the lane gets by itself, far from what has been begun: in the middle of the longest stretch that is free.
 * False: there is none.
 */
export function beginAlone(w: RowWalk): boolean {
  w.alone ??= followAlone(w);
  for (;;) {
    const middle = middleOfFree(w.alone.map(({ hash }) => ownerOf(w.claims, hash) === NOBODY));
    if (middle < 0) return false;
    const { state, hash } = w.alone[middle]!;
    if (claimState(w.claims, hash, w.thread) !== w.thread) continue;
    const known = w.search.table.count;
    const id = enterState(w, state);
    if (id < known) putIn(w, id);
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
    found.push({ state, hash: hashOf(w, state[0]!) });
    if (!enabledIn(space, state).includes(LANE)) break;
    state = stepFrom(space, state, LANE);
  }
  return found;
}
