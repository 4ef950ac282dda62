/**
 * One of several threads that walk a space together, as a machine that is told things and has things to tell.
 *
 * Nothing here waits: whoever has the threads carries words from one to another, and gives each mate its time.
 */
import { ASSERT } from '../hypervisor/bug.ts';
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
import {
  beginAlone,
  cellsOf,
  continueRows,
  enterState,
  giveStates,
  type RowWalk,
  startRows,
  stateOfCells,
  wayTo,
} from './row-walk.ts';
import { enabledIn, startState, stepFrom } from './schedule-replay.ts';
import { sharedBirth } from './shared-births.ts';
import type { WalkedSpace } from './world-space.ts';

/** Ways that are asked for at a time: each of them may lead to many of the states whose ways are not known. */
const ASKED = 4;

/** What one mate tells another; plain data. */
export type MateWord =
  /** These are yours; `ids`: the teller's numbers. */
  | { readonly say: 'states'; readonly ids: readonly number[]; readonly told: StatesTold }
  /** How does one get to what you told me of? */
  | { readonly say: 'ways?'; readonly ids: readonly number[] }
  /** Like this: by the paths of tasks. */
  | {
      readonly say: 'ways';
      readonly ids: readonly number[];
      readonly paths: readonly string[];
      readonly ways: readonly (readonly number[])[];
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
export interface SharedWalk {
  readonly claims: Int32Array;
  readonly births: Int32Array;
}

/** See the file's header. */
export interface Mate {
  readonly walk: RowWalk;
  readonly tellers: Map<number, Teller>;
  readonly listeners: Map<number, Listener>;
  /** States heard of that were not met here yet, in the teller's numbers. */
  waiting: { readonly from: number; readonly id: number; readonly state: Int32Array; isAsked: boolean }[];
  /** Of states heard of: the teller, its number, and the number here. */
  readonly met: number[];
  /** Ways that were asked for and are not here yet. */
  asked: number;
  readonly hungry: Set<number>;
  isHungry: boolean;
  /** What is to be carried. */
  out: MateLetter[];
}

export function newMate(space: WalkedSpace, thread: number, { claims, births }: SharedWalk): Mate {
  space.walk.block.births = (birth) => sharedBirth(births, birth);
  return {
    walk: startRows(space, thread, claims),
    tellers: new Map(),
    listeners: new Map(),
    waiting: [],
    met: [],
    asked: 0,
    hungry: new Set(),
    isHungry: false,
    out: [],
  };
}

/** Makes about `budget` steps. `idle`: nothing is left to do unless somebody tells something; it waits for nothing. */
export function continueMate(mate: Mate, budget: number): 'busy' | 'waits' | 'idle' {
  const { walk } = mate;
  const isOut = continueRows(walk, budget);
  if (!isOut) mate.isHungry = false;
  for (const thread of mate.hungry) if (giveStates(walk, thread)) mate.hungry.delete(thread);
  if (!isOut) {
    tellAll(mate);
    return 'busy';
  }
  settleWaiting(mate);
  askWays(mate);
  const isBusy = mate.asked === 0 && beginAlone(walk);
  tellAll(mate);
  if (isBusy) return 'busy';
  if (mate.waiting.length > 0) return 'waits';
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
      teller = newTeller();
      tellers.set(to, teller);
    }
    const width = walk.space.walk.cells.count;
    const words = new Int32Array(ids.length * width);
    for (const [i, id] of ids.entries()) words.set(cellsOf(walk, id), i * width);
    send(mate, to, { say: 'states', ids, told: tellStates(walk.texts, teller, words, width) });
  }
  walk.away.clear();
}

/** Finds which of the states heard of have been met meanwhile. */
function settleWaiting(mate: Mate): void {
  mate.waiting = mate.waiting.filter(({ from, id, state }) => !settle(mate, from, id, state));
}

function settle(mate: Mate, from: number, id: number, state: Int32Array): boolean {
  const { walk, listeners, met } = mate;
  const words = stateHere(walk.texts, listeners.get(from)!, state);
  const own = words === null ? -1 : stateOfCells(walk, words);
  if (own >= 0) met.push(from, id, own);
  return own >= 0;
}

function askWays(mate: Mate): void {
  const ask = mate.waiting.filter(({ isAsked }) => !isAsked).slice(0, ASKED - mate.asked);
  for (const one of ask) {
    one.isAsked = true;
    mate.asked++;
    send(mate, one.from, { say: 'ways?', ids: [one.id] });
  }
}

/** Takes in a word. */
export function hearWord(mate: Mate, from: number, word: MateWord): void {
  const { walk, listeners } = mate;
  switch (word.say) {
    case 'states': {
      let listener = listeners.get(from);
      if (listener === undefined) {
        listener = newListener();
        listeners.set(from, listener);
      }
      for (const [i, state] of hearStates(walk.texts, listener, word.told).entries()) {
        const id = word.ids[i]!;
        if (!settle(mate, from, id, state)) mate.waiting.push({ from, id, state, isAsked: false });
      }
      return;
    }
    case 'ways?': {
      const ways = word.ids.map((id) => wayTo(walk, id));
      const paths = Array.from({ length: walk.space.tasks }, (_, task) => walk.space.taskPath(task));
      send(mate, from, { say: 'ways', ids: word.ids, paths, ways });
      return;
    }
    case 'ways':
      for (const [i, id] of word.ids.entries()) {
        mate.asked--;
        const at = mate.waiting.findIndex((one) => one.from === from && one.id === id);
        if (at < 0) continue;
        mate.waiting.splice(at, 1);
        mate.met.push(from, id, follow(mate, word.ways[i]!, word.paths));
      }
      return;
    case 'hungry':
      if (from !== walk.thread) mate.hungry.add(from);
  }
}

/** Goes a way, and takes in the state at its end. */
function follow({ walk }: Mate, way: readonly number[], paths: readonly string[]): number {
  const { space } = walk;
  let state = startState(space);
  for (const there of way) {
    const path = paths[there]!;
    const task = enabledIn(space, state).find((one) => space.taskPath(one) === path);
    ASSERT(task !== undefined, `${path} can go on in one thread and in another`);
    state = stepFrom(space, state, task);
  }
  return enterState(walk, state);
}
