/**
 * One of several threads that walk a space together, as a machine that is told things and has things to tell.
 *
 * Nothing here waits: whoever has the threads carries words from one to another, and gives each mate its time.
 */
import {
  hearStates,
  type Listener,
  newListener,
  newTeller,
  type StatesTold,
  stateHere,
  type Teller,
  tellStates,
} from './cell-texts.ts';
import type { Search } from './exhaustive.ts';
import {
  beginAlone,
  cellsOf,
  continueRows,
  enterState,
  giveRows,
  type RowWalk,
  reachedAs,
  type SharedRows,
  startRows,
  stateOfCells,
} from './row-walk.ts';
import { sharedBirth } from './shared-births.ts';
import {
  goWay,
  hearWays,
  newWayListener,
  newWayTeller,
  tellWays,
  type WayListener,
  type WaysTold,
  type WayTeller,
} from './told-ways.ts';
import type { WalkedSpace } from './world-space.ts';

/** What one mate tells another; plain data. */
export type MateWord =
  /** These are yours; `ids`: the teller's numbers. */
  | {
      readonly say: 'states';
      readonly ids: readonly number[];
      readonly told: StatesTold;
      readonly ways: WaysTold;
    }
  /** I have nothing to do. */
  | { readonly say: 'hungry' };

/** A word on its way. */
export interface MateLetter {
  readonly from: number;
  readonly to: number;
  readonly word: MateWord;
}

/** What all threads that walk together see of each other's. */
export interface SharedWalk extends SharedRows {
  readonly births: Int32Array;
}

/** A state that was heard of and is not met here yet: the teller's number, its cells in the teller's numbers, the way. */
interface Heard {
  readonly from: number;
  readonly id: number;
  readonly state: Int32Array;
  readonly end: number;
}

/** See the file's header. */
export interface Mate {
  readonly walk: RowWalk;
  /** By thread. */
  readonly tellers: Map<number, { readonly states: Teller; readonly ways: WayTeller }>;
  readonly listeners: Map<number, { readonly states: Listener; readonly ways: WayListener }>;
  /** States heard of; those before `next` have been seen to. */
  waiting: Heard[];
  next: number;
  /** Of states heard of: the teller, its number, and the number here. */
  readonly met: number[];
  readonly hungry: Set<number>;
  isHungry: boolean;
  /** What is to be carried. */
  out: MateLetter[];
}

/** `met`: what thread 0 has met alone; its births are in `shared` then. */
export function newMate(space: WalkedSpace, thread: number, shared: SharedWalk, met?: Search): Mate {
  space.walk.block.births = (birth) => sharedBirth(shared.births, birth);
  return {
    walk: startRows(space, thread, shared, met),
    tellers: new Map(),
    listeners: new Map(),
    waiting: [],
    next: 0,
    met: [],
    hungry: new Set(),
    isHungry: false,
    out: [],
  };
}

/** Makes about `budget` steps. `idle`: nothing is left to do unless somebody tells something. */
export function continueMate(mate: Mate, budget: number): 'busy' | 'idle' {
  const { walk } = mate;
  const { search } = walk;
  const until = search.transitions + budget;
  let isBusy = true;
  while (isBusy && search.transitions < until)
    isBusy = !continueRows(walk, until - search.transitions) || seeToWaiting(mate) || beginAlone(walk);
  if (isBusy) mate.isHungry = false;
  for (const thread of mate.hungry) if (giveRows(walk, thread)) mate.hungry.delete(thread);
  tellAll(mate);
  if (isBusy) return 'busy';
  if (!mate.isHungry) send(mate, -1, { say: 'hungry' });
  mate.isHungry = true;
  return 'idle';
}

const send = (mate: Mate, to: number, word: MateWord): void =>
  void mate.out.push({ from: mate.walk.thread, to, word });

/** Tells the others of the states that are theirs. */
function tellAll(mate: Mate): void {
  const { walk, tellers } = mate;
  for (const [to, ids] of walk.away) {
    let teller = tellers.get(to);
    if (teller === undefined) {
      teller = { states: newTeller(), ways: newWayTeller() };
      tellers.set(to, teller);
    }
    const width = walk.space.walk.cells.count;
    const words = new Int32Array(ids.length * width);
    for (const [i, id] of ids.entries()) words.set(cellsOf(walk, id), i * width);
    const told = tellStates(walk.texts, teller.states, words, width);
    const reached = ids.map((id) => reachedAs(walk, id));
    send(mate, to, { say: 'states', ids, told, ways: tellWays(walk.space, teller.ways, reached) });
  }
  walk.away.clear();
}

/** Of the states heard of passes over those that were met by now, and goes to the next one. False: there is none. */
function seeToWaiting(mate: Mate): boolean {
  const { walk, listeners, met } = mate;
  while (mate.next < mate.waiting.length) {
    const heard = mate.waiting[mate.next++]!;
    if (settle(mate, heard)) continue;
    const { from, id, end } = heard;
    met.push(from, id, enterState(walk, goWay(walk.space, listeners.get(from)!.ways, end)));
    return true;
  }
  mate.waiting = [];
  mate.next = 0;
  return false;
}

/** Whether a state that was heard of has been met here. */
function settle({ walk, listeners, met }: Mate, { from, id, state }: Heard): boolean {
  const words = stateHere(walk.texts, listeners.get(from)!.states, state);
  const own = words === null ? -1 : stateOfCells(walk, words);
  if (own >= 0) met.push(from, id, own);
  return own >= 0;
}

/** Takes in a word. */
export function hearWord(mate: Mate, from: number, word: MateWord): void {
  const { walk, listeners } = mate;
  if (word.say === 'hungry') {
    if (from !== walk.thread) mate.hungry.add(from);
    return;
  }
  // If that is not enough to go on with, more is wanted.
  mate.isHungry = false;
  let listener = listeners.get(from);
  if (listener === undefined) {
    listener = { states: newListener(), ways: newWayListener() };
    listeners.set(from, listener);
  }
  const { ids, told, ways } = word;
  hearWays(listener.ways, ways);
  for (const [i, state] of hearStates(walk.texts, listener.states, told).entries())
    mate.waiting.push({ from, id: ids[i]!, state, end: ways.ends[i]! });
}
