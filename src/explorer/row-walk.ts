/**
 * A walk of all orders that several threads share: one thread's part in it.
 *
 * A row is all states in which one lane is in the same form, a field is what in a row has another lane in the same form.
 * Who comes to a field first claims it, and makes the steps of all states in it; whoever comes to one of them later tells
 * that one. Each thread walks a row, field by field, before it begins another: the lane's own steps lead to later rows. And
 * threads begin at rows far from each other. So they meet only where one comes to what the other began with.
 */
import { type CellTexts, formHash, newCellTexts } from './cell-texts.ts';
import { expandState, isExpanded, meetState, type Search, startSearch } from './exhaustive.ts';
import { claim, NOBODY, ownerOf } from './row-claims.ts';
import { enabledIn, startState, stepFrom } from './schedule-replay.ts';
import type { Space } from './space.ts';
import { findState, mixed, roomForState, viewState } from './state-table.ts';
import { makeWordList, wordAt } from './word-list.ts';
import { FIRST_LANE } from './world-cells.ts';
import type { WalkedSpace } from './world-space.ts';
import { makeRoom } from './world-trail.ts';
import { cellsOfState } from './world-walk.ts';

/** A lane alone is followed so far. */
const LONGEST_ALONE = 10_000;
/** Fewer states than these are not worth giving away. */
const LEAST_GIVEN = 8;

/** States in which the first lane has one form. */
interface Row {
  readonly form: number;
  /** States whose steps are to be made, or of which nobody was told yet; not those before `next`. */
  todo: number[];
  next: number;
  /** By form of the second lane: the thread that has the field; undefined: not known here. */
  readonly owners: (number | undefined)[];
  /** It waits for its turn, or has it. */
  isListed: boolean;
}

/** What all threads that walk together see of each other's. */
export interface SharedRows {
  /** The lane whose forms are the rows, and the one whose forms are the fields of a row. */
  readonly lanes: readonly [number, number];
  readonly claims: Int32Array;
}

/** See the file's header. */
export interface RowWalk {
  readonly space: WalkedSpace;
  readonly search: Search;
  readonly texts: CellTexts;
  readonly thread: number;
  readonly lanes: SharedRows['lanes'];
  readonly claims: Int32Array;
  /** By form of the first lane. */
  readonly rows: Row[];
  /** The form of the second lane in the state that rowAt() was asked for last. */
  second: number;
  current: Row | null;
  /** States of the current row to which steps led just now. */
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

/** The two lanes that get farthest by themselves: those with the most forms, as far as that is known beforehand. */
export function lanesOfRows(space: Space, lanes: number): SharedRows['lanes'] {
  const lengths = Array.from({ length: lanes }, (_, lane) => followAlone(space, lane).length);
  const [first, second] = lengths.map((_, lane) => lane).sort((a, b) => lengths[b]! - lengths[a]! || a - b);
  return [first!, second ?? first!];
}

/**
 * The part of `thread`. Thread 0 goes on with what it has met alone, and has the fields that it has been in; the others begin
 * where they find a row that is free.
 */
export function startRows(
  space: WalkedSpace,
  thread: number,
  { lanes, claims }: SharedRows,
  met: Search = startSearch(space, 'bfs'),
): RowWalk {
  const w: RowWalk = {
    space,
    // Rows say what comes next.
    search: { ...met, order: 'bfs', stack: makeWordList() },
    texts: newCellTexts(space.walk.cells),
    thread,
    lanes,
    claims,
    rows: [],
    second: 0,
    current: null,
    near: [],
    listed: [],
    away: new Map(),
    alone: null,
  };
  // Who comes from state to state of a row has the host nearby, where a state was met first in another row.
  space.walk.trail.goesLast = true;
  const { count } = w.search.table;
  for (let id = 0; id < count; id++) {
    const row = rowAt(w, id);
    // All know the start, and it is thread 0's.
    if (id === 0 || isExpanded(w.search, id)) claimField(w, row, 0);
    if (thread === 0 && !isExpanded(w.search, id)) putIn(w, row, id);
  }
  return w;
}

/** The space's own number of a state that was met. */
export function reachedAs({ search: { table, scratch } }: RowWalk, id: number): number {
  const page = viewState(table, id, scratch);
  return page[table.at]!;
}

/** The row of a state that was met, and in it the field: `w.second`. */
function rowAt(w: RowWalk, id: number): Row {
  const { walk } = w.space;
  const words = cellsOfState(walk, reachedAs(w, id));
  const at = walk.at + FIRST_LANE;
  const form = words[at + w.lanes[0]]!;
  w.second = words[at + w.lanes[1]]!;
  w.rows[form] ??= { form, todo: [], next: 0, owners: [], isListed: false };
  return w.rows[form];
}

const hashOfForm = ({ texts }: RowWalk, lane: number, form: number): number =>
  formHash(texts, FIRST_LANE + lane, form);

function hashOfField(w: RowWalk, { form }: Row): number {
  const [first, second] = w.lanes;
  return mixed(mixed(hashOfForm(w, first, form)) ^ hashOfForm(w, second, w.second)) >>> 0;
}

/** Who has the field `w.second` of a row; NOBODY: it is free. */
function ownerAt(w: RowWalk, row: Row): number {
  const known = row.owners[w.second];
  if (known !== undefined) return known;
  const owner = ownerOf(w.claims, hashOfField(w, row));
  if (owner !== NOBODY) row.owners[w.second] = owner;
  return owner;
}

/** Claims the field `w.second` of a row for a thread; who has it. */
function claimField(w: RowWalk, row: Row, thread: number): number {
  const known = row.owners[w.second];
  if (known !== undefined) return known;
  const owner = claim(w.claims, hashOfField(w, row), thread);
  row.owners[w.second] = owner;
  return owner;
}

/** Puts a state that was just met in its row, or among those that their owner is to be told of. */
function putIn(w: RowWalk, row: Row, id: number): void {
  const owner = ownerAt(w, row);
  if (owner !== w.thread && owner !== NOBODY) {
    sendAway(w, id, owner);
    return;
  }
  row.todo.push(id);
  if (row.isListed) return;
  row.isListed = true;
  w.listed.push(row);
}

function sendAway(w: RowWalk, id: number, owner: number): void {
  const known = w.away.get(owner);
  if (known === undefined) w.away.set(owner, [id]);
  else known.push(id);
}

/** Makes about `budget` steps. True: there is nothing left to do without the others. */
export function continueRows(w: RowWalk, budget: number): boolean {
  const { search } = w;
  const until = search.transitions + budget;
  while (search.transitions < until) {
    w.current ??= nextRow(w);
    if (w.current === null) return true;
    const id = comeNear(w) ?? takeNext(w, w.current);
    if (id !== null) expand(w, id, w.current);
    else {
      w.current.isListed = false;
      w.current = null;
    }
  }
  return false;
}

/** The next row. That it was begun is for those to know who look where to begin. */
function nextRow(w: RowWalk): Row | null {
  const row = w.listed.shift() ?? null;
  if (row !== null) claim(w.claims, hashOfForm(w, w.lanes[0], row.form), w.thread);
  return row;
}

/**
 * The next state of a row that is for this thread; null: there is none. The first one first: from there the rest of the row
 * is near.
 */
function takeNext(w: RowWalk, row: Row): number | null {
  while (row.next < row.todo.length) {
    const id = row.todo[row.next++]!;
    if (isExpanded(w.search, id)) continue;
    const owner = claimField(w, rowAt(w, id), w.thread);
    if (owner === w.thread) return id;
    sendAway(w, id, owner);
  }
  row.todo = [];
  row.next = 0;
  return null;
}

/**
 * The state to which a step led last and that is not expanded yet: what the space knows of those before is at hand. Null: there
 * is none.
 */
function comeNear(w: RowWalk): number | null {
  const { search, near } = w;
  while (near.length > 0) {
    const id = near.pop()!;
    // One that is lost to another just now is still in its row, and that one will be told.
    if (isExpanded(search, id) || claimField(w, rowAt(w, id), w.thread) !== w.thread) continue;
    return id;
  }
  return null;
}

function expand(w: RowWalk, id: number, row: Row): void {
  const { search, near } = w;
  const { first, edges } = search;
  let known = search.table.count;
  expandState(search, id);
  const from = wordAt(first, id);
  if (from < 0) return;
  for (let at = from; at < edges.length; at += 2) {
    const child = wordAt(edges, at + 1);
    if (isExpanded(search, child)) continue;
    const there = rowAt(w, child);
    // New states have the next numbers, in the order of the steps.
    if (child === known) {
      known++;
      putIn(w, there, child);
    }
    if (there === row) near.push(child);
  }
}

/** Takes in a state that was reached in the space: as what it was reached. */
export function enterState(w: RowWalk, reached: Int32Array): number {
  const { search } = w;
  const known = search.table.count;
  const id = meetState(search, reached);
  if (id === known) putIn(w, rowAt(w, id), id);
  return id;
}

/** The number of the state whose cells are `words`; -1: it was never reached here. */
export function stateOfCells(w: RowWalk, words: Int32Array): number {
  const { trail } = w.space.walk;
  const { table } = trail;
  makeRoom(trail, words.length);
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

/** Gives about half of what is to be done to another thread: rows that are not begun here, or of the one that is. */
export function giveRows(w: RowWalk, to: number): boolean {
  const { listed, current } = w;
  const rows = listed.splice(Math.floor(listed.length / 2));
  let given = 0;
  for (const row of rows) {
    for (const id of row.todo.splice(0).slice(row.next)) given += giveState(w, row, id, to);
    row.next = 0;
    row.isListed = row.todo.length > 0;
    if (row.isListed) listed.push(row);
  }
  if (given > 0 || current === null) return given > 0;
  const left = current.todo.length - current.next;
  if (left < 2 * LEAST_GIVEN) return false;
  const half = current.todo.splice(current.next + Math.ceil(left / 2));
  for (const id of half) given += giveState(w, current, id, to);
  return given > 0;
}

/** Gives a state whose field is free; another stays in its row. How many were given. */
function giveState(w: RowWalk, row: Row, id: number, to: number): number {
  if (isExpanded(w.search, id)) return 0;
  rowAt(w, id);
  const owner = ownerAt(w, row) === w.thread ? w.thread : claimField(w, row, to);
  if (owner === w.thread) row.todo.push(id);
  else sendAway(w, id, owner);
  return owner === w.thread ? 0 : 1;
}

/**
 * Begins where the lane gets by itself, far from what has been begun: in the middle of the longest stretch that is free.
 * False: there is none.
 */
export function beginAlone(w: RowWalk): boolean {
  const [lane] = w.lanes;
  w.alone ??= followAlone(w.space, lane).map((state) => {
    const words = cellsOfState(w.space.walk, state[0]!);
    return { state, hash: hashOfForm(w, lane, words[w.space.walk.at + FIRST_LANE + lane]!) };
  });
  for (;;) {
    const middle = middleOfFree(w.alone.map(({ hash }) => ownerOf(w.claims, hash) === NOBODY));
    if (middle < 0) return false;
    const { state, hash } = w.alone[middle]!;
    if (claim(w.claims, hash, w.thread) !== w.thread) continue;
    const known = w.search.table.count;
    const id = enterState(w, state);
    // One that was met before was seen to then.
    if (id === known) claimField(w, rowAt(w, id), w.thread);
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
