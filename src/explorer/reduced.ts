/**
 * Every end of a space without every state: steps that commute are made in one order only (sleep sets), states that
 * differ in the names of equal guests stand for each other, and states with one step left to make are passed through.
 *
 * All end states are met, up to names where `symmetry` is on; states in between are not. Why that is so is argued in
 * docs/exploration.md ("Reduction"). It rests on `commute` and `representative` being right.
 *
 * A task is asleep in a state if whatever a step of it leads to is met on another way. Where a state is met again with
 * fewer tasks asleep, those who woke are let go on from there.
 */
import type { Choice, Space } from './space.ts';
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

/** What a search leaves out. Both off: every state with a choice is met. */
export interface Reduction {
  readonly sleep: boolean;
  readonly symmetry: boolean;
}

/** Use the functions below. */
export interface ReducedSearch {
  readonly space: Space;
  readonly reduction: Reduction;
  /** States with a choice, and end states. */
  readonly table: StateTable;
  /** Of each state: who is asleep, a bit for each task. */
  readonly sleep: WordList;
  /** Of each state: who is to go on from there, a bit for each; ALL before anybody did; 0: it is not on the stack. */
  readonly awake: WordList;
  /** How each state was met first, three words: the state before, who went on there, and who was asleep then. */
  readonly origins: WordList;
  /** End states and their outcomes, in turns. */
  readonly ends: WordList;
  readonly stack: WordList;
  /** From which kept state to which, in turns. */
  readonly edges: WordList;
  transitions: number;
  /** It keeps no more states than these; `isFull`: one more was to be kept. */
  most: number;
  isFull: boolean;
  /** Three states: one that is left, and two that are passed through in turns. */
  words: Int32Array;
  /** Which of the latter two is the present one: 1 or 2. */
  place: number;
  tasks: Int32Array;
  renamed: Int32Array;
  /** Takes steps down by their first names, for witnessOf(). */
  trail: Trail | null;
}

interface Trail {
  readonly choices: Choice[];
  /** The name at the start of each task as it is called now; NOBODY: nobody can tell. */
  names: Int32Array;
}

const ALL = -1;
const NOBODY = -1;
/** Tasks from this one on never sleep, which costs steps and leaves out nothing. */
const SLEEPERS = 31;
/** A state is kept after so many that were passed through: a circle without a choice comes to an end. */
const MOST_PASSED = 1024;

/** A search that has met the first state with a choice only. */
export function startReduced(space: Space, reduction: Reduction): ReducedSearch {
  const search: ReducedSearch = {
    space,
    reduction,
    table: makeStateTable(space.width, space.isNumbered),
    sleep: makeWordList(),
    awake: makeWordList(),
    origins: makeWordList(),
    ends: makeWordList(),
    stack: makeWordList(),
    edges: makeWordList(),
    transitions: 0,
    most: Number.POSITIVE_INFINITY,
    isFull: false,
    words: new Int32Array(3 * space.width),
    place: 1,
    tasks: new Int32Array(Math.max(1, space.tasks)),
    renamed: new Int32Array(Math.max(1, space.tasks)),
    trail: null,
  };
  const asleep = enter(search);
  if (asleep !== null) keep(search, asleep, NOBODY, 0, 0);
  return search;
}

/** Makes steps until about `budget` of them were made. True: there are none left, all ends were met. */
export function continueReduced(search: ReducedSearch, budget: number): boolean {
  const until = search.transitions + budget;
  const { stack } = search;
  while (search.transitions < until && stack.length > 0 && !search.isFull) leave(search, popWord(stack));
  return stack.length === 0 && !search.isFull;
}

/** End states met so far by outcome, ascending. */
export function reducedEndings({
  ends,
}: ReducedSearch): { readonly outcome: number; readonly states: number }[] {
  const counts = new Map<number, number>();
  for (let i = 1; i < ends.length; i += 2)
    counts.set(wordAt(ends, i), (counts.get(wordAt(ends, i)) ?? 0) + 1);
  return [...counts].sort(([a], [b]) => a - b).map(([outcome, states]) => ({ outcome, states }));
}

/**
 * Whether somebody may go on for ever, once the search is over: the steps that were made have a circle. If any order has
 * one, they have: each order that is left out is as long as one that is not, and a way that is longer than there are
 * states comes to one of them twice.
 */
export function hasCircle({ table, edges }: ReducedSearch): boolean {
  const waitsFor = new Int32Array(table.count);
  const next: number[][] = Array.from({ length: table.count }, () => []);
  for (let at = 0; at < edges.length; at += 2) {
    next[wordAt(edges, at)]!.push(wordAt(edges, at + 1));
    waitsFor[wordAt(edges, at + 1)]!++;
  }
  const free: number[] = [];
  for (let id = 0; id < table.count; id++) if (waitsFor[id] === 0) free.push(id);
  let met = 0;
  for (let id = free.pop(); id !== undefined; id = free.pop()) {
    met++;
    for (const child of next[id]!) if (--waitsFor[child]! === 0) free.push(child);
  }
  return met < table.count;
}

/** Memory of the search. */
export const reducedBytes = (search: ReducedSearch): number =>
  search.table.bytes +
  wordListBytes(search.sleep) +
  wordListBytes(search.awake) +
  wordListBytes(search.origins) +
  wordListBytes(search.ends) +
  wordListBytes(search.edges) +
  wordListBytes(search.stack);

/**
 * A schedule to an end that was met and whose outcome is `wanted`, in the names that tasks have at the start; null:
 * there is none. It is a real order, but not the smallest.
 */
export function witnessOf(search: ReducedSearch, wanted: (outcome: number) => boolean): Choice[] | null {
  const { ends, origins } = search;
  let end = 0;
  while (end < ends.length && !wanted(wordAt(ends, end + 1))) end += 2;
  if (end === ends.length) return null;
  const states: number[] = [];
  for (let id = wordAt(ends, end); id !== NOBODY; id = wordAt(origins, id * 3)) states.unshift(id);
  const trail = { choices: [], names: Int32Array.from({ length: search.space.tasks }, (_, i) => i) };
  search.trail = trail;
  enter(search);
  for (const id of states.slice(1)) {
    search.words.copyWithin(0, search.place * search.table.width, (search.place + 1) * search.table.width);
    follow(search, wordAt(origins, id * 3 + 1), wordAt(origins, id * 3 + 2));
  }
  search.trail = null;
  return trail.choices;
}

/** Goes from the start to the first state with a choice. */
function enter(search: ReducedSearch): number | null {
  search.place = 1;
  makeRoom(search);
  search.space.start(search.words, search.table.width);
  return passThrough(search, callByRepresentative(search, 0));
}

/** Lets all go on from state `id` that are to. */
function leave(search: ReducedSearch, id: number): void {
  const { space, table } = search;
  makeRoom(search);
  const page = viewState(table, id, new Int32Array(table.width));
  for (let i = 0; i < table.width; i++) search.words[i] = page[table.at + i]!;
  const n = space.enabled(search.words, 0, search.tasks);
  const leaving = search.tasks.slice(0, n);
  const awake = wordAt(search.awake, id);
  setWord(search.awake, id, 0);
  let asleep = wordAt(search.sleep, id);
  for (const task of leaving) {
    if (has(asleep, task) || (awake !== ALL && !has(awake, task))) continue;
    const then = follow(search, task, asleep);
    if (then !== null) keep(search, then, id, task, asleep);
    if (search.reduction.sleep && task < SLEEPERS) asleep |= 1 << task;
  }
}

const has = (set: number, task: number): boolean => task < SLEEPERS && (set & (1 << task)) !== 0;

/** Makes a step of `task` from the state that is left, and goes on to the next with a choice. */
function follow(search: ReducedSearch, task: number, asleep: number): number | null {
  const stillAsleep = sleepOn(search, 0, task, asleep);
  search.place = 1;
  step(search, 0, task, 1);
  return passThrough(search, callByRepresentative(search, stillAsleep));
}

/**
 * Goes on from the present state while there is no choice. Returns who is asleep in the state that is then present;
 * null: all who could go on are asleep, so what lies ahead is met elsewhere.
 */
function passThrough(search: ReducedSearch, asleep: number): number | null {
  const { space } = search;
  for (let passed = 0; ; passed++) {
    const at = search.place * search.table.width;
    const n = space.enabled(search.words, at, search.tasks);
    if (n === 0) return 0;
    let choices = 0;
    let task = NOBODY;
    for (let i = 0; i < n; i++) {
      if (has(asleep, search.tasks[i]!)) continue;
      choices++;
      task = search.tasks[i]!;
    }
    if (choices === 0) return null;
    if (choices > 1 || passed === MOST_PASSED) return asleep;
    asleep = sleepOn(search, search.place, task, asleep);
    const next = 3 - search.place;
    step(search, search.place, task, next);
    search.place = next;
    asleep = callByRepresentative(search, asleep);
  }
}

/** Those of `asleep` whose step commutes with the one that `task` makes. */
function sleepOn(
  { space, table, words }: ReducedSearch,
  place: number,
  task: number,
  asleep: number,
): number {
  const { commute } = space;
  if (asleep === 0 || commute === undefined) return 0;
  let still = 0;
  for (let sleeper = 0; sleeper < SLEEPERS; sleeper++)
    if (has(asleep, sleeper) && commute(words, place * table.width, sleeper, task)) still |= 1 << sleeper;
  return still;
}

function step(search: ReducedSearch, from: number, task: number, to: number): void {
  const { space, table } = search;
  search.transitions++;
  search.trail?.choices.push(search.trail.names[task] ?? NOBODY);
  do {
    makeRoom(search);
    space.step(search.words, from * table.width, task, search.words, to * table.width);
  } while (space.width !== table.width);
}

/** Renames the present state's equal guests; returns who is asleep by their new names. */
function callByRepresentative(search: ReducedSearch, asleep: number): number {
  const { representative } = search.space;
  if (!search.reduction.symmetry || representative === undefined) return asleep;
  makeRoom(search);
  const { renamed, trail } = search;
  renamed.fill(NOBODY);
  representative(search.words, search.place * search.table.width, renamed);
  if (trail !== null) {
    const names = new Int32Array(search.space.tasks).fill(NOBODY);
    for (let i = 0; i < names.length; i++)
      if (renamed[i] !== NOBODY) names[renamed[i]!] = trail.names[i] ?? i;
    trail.names = names;
  }
  let still = 0;
  for (let sleeper = 0; sleeper < SLEEPERS; sleeper++) {
    const name = renamed[sleeper] ?? NOBODY;
    if (has(asleep, sleeper) && name !== NOBODY && name < SLEEPERS) still |= 1 << name;
  }
  return still;
}

/** Keeps the present state, met from state `from` by a step of `task` while `then` were asleep. */
function keep(search: ReducedSearch, asleep: number, from: number, task: number, then: number): void {
  const { space, table, sleep, awake, origins, words, place } = search;
  const at = place * table.width;
  const room = roomForState(table);
  for (let i = 0; i < table.width; i++) room[table.at + i] = words[at + i]!;
  if (table.count >= search.most && findState(table) < 0) {
    search.isFull = true;
    return;
  }
  const id = keepState(table);
  if (from !== NOBODY) {
    pushWord(search.edges, from);
    pushWord(search.edges, id);
  }
  if (id === sleep.length) {
    const isEnd = space.enabled(words, at, search.tasks) === 0;
    pushWord(sleep, asleep);
    pushWord(awake, isEnd ? 0 : ALL);
    pushWord(origins, from);
    pushWord(origins, task);
    pushWord(origins, then);
    if (!isEnd) pushWord(search.stack, id);
    else {
      pushWord(search.ends, id);
      pushWord(search.ends, space.outcome(words, at));
    }
    return;
  }
  const woken = wordAt(sleep, id) & ~asleep;
  if (woken === 0) return;
  setWord(sleep, id, wordAt(sleep, id) & asleep);
  const waiting = wordAt(awake, id);
  if (waiting === ALL) return;
  setWord(awake, id, waiting | woken);
  if (waiting === 0) pushWord(search.stack, id);
}

/** Follows the space where it grew. */
function makeRoom(search: ReducedSearch): void {
  const { space, table } = search;
  if (search.tasks.length < space.tasks) {
    search.tasks = new Int32Array(space.tasks * 2);
    search.renamed = new Int32Array(space.tasks * 2);
  }
  if (space.width === table.width) return;
  const words = new Int32Array(3 * space.width);
  for (let place = 0; place < 3; place++)
    words.set(search.words.subarray(place * table.width, (place + 1) * table.width), place * space.width);
  search.words = words;
  widenStates(table, space.width);
}
