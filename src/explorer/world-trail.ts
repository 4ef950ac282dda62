/**
 * All states that were met, each with the way on which it was; and the two places where a step is worked on.
 *
 * A step leads from the state at one place to the other place. Whoever goes on from another state has its words brought to a
 * place: to make the steps that led there again would take as long as all others do.
 */
import type { Asked } from './call-memo.ts';
import {
  keepSummed,
  makeStateTable,
  type StateTable,
  sumAfter,
  sumOfState,
  viewState,
  widenStates,
} from './state-table.ts';
import { makeWordList, pushWord, setWord, type WordList, wordAt } from './word-list.ts';

/** See the file's header. Places are 0 and 1. */
export interface Trail {
  /** Words of a place; more than a state has, so that states may grow. */
  stride: number;
  states: Int32Array;
  /** By place: the state's number (NOBODY: it is being written), and sumOfState(). */
  readonly ids: Int32Array;
  readonly sums: Int32Array;
  /** All states ever reached. */
  readonly table: StateTable;
  /** By state: from which state, by whom and by asking what it was reached, and how many steps it is from the start. */
  readonly ways: WordList;
  /**
   * The way to a state is the one on which it was met last, of those that are as long as the first; else the first. That is
   * for who needs the host nearby, where it makes no difference which way it goes.
   */
  goesLast: boolean;
  /** By actor: how far the numbers of the states before and after its last step are apart. */
  readonly apart: number[];
  scratch: Int32Array;
}

/** Words of a state in `ways`. */
const WAY = 4;
const WAY_FROM = 0;
const WAY_BY = 1;
const WAY_ASKED = 2;
const WAY_STEPS = 3;

const NOBODY = -1;
const SPARE = 32;

/** The state from which a state was reached; NOBODY: it is the start. */
export const parentOf = ({ ways }: Trail, id: number): number => wordAt(ways, id * WAY + WAY_FROM);

/** Whose step that was. */
export const reachedBy = ({ ways }: Trail, id: number): number => wordAt(ways, id * WAY + WAY_BY);

/** What was asked of Xen in that step. */
export const askedBy = ({ ways }: Trail, id: number): Asked => wordAt(ways, id * WAY + WAY_ASKED);

/** The number of the first state. */
export const START = 0;

/** The start alone. */
export function newTrail(start: Int32Array, width: number): Trail {
  const stride = width + SPARE;
  const trail: Trail = {
    stride,
    states: new Int32Array(2 * stride),
    ids: Int32Array.of(NOBODY, NOBODY),
    sums: new Int32Array(2),
    table: makeStateTable(width),
    ways: makeWordList(),
    goesLast: false,
    apart: [],
    scratch: new Int32Array(stride),
  };
  trail.states.set(start.subarray(0, width));
  trail.sums[0] = sumOfState(trail.table, trail.states, 0);
  keepAt(trail, 0, NOBODY);
  for (const word of [NOBODY, NOBODY, 0, 0]) pushWord(trail.ways, word);
  return trail;
}

/** Where a place's state begins in `states`. */
export const stateAt = (trail: Trail, place: number): number => place * trail.stride;

/** The place to which a step leads from a place. */
export const nextTo = (place: number): number => 1 - place;

/** Makes room for states of `width` words. */
export function makeRoom(trail: Trail, width: number): void {
  if (width > trail.table.width) widenStates(trail.table, width);
  if (width <= trail.stride) return;
  const stride = width + SPARE;
  // Both places: one of them may be half written.
  const states = new Int32Array(2 * stride);
  for (const place of [0, 1]) {
    const at = stateAt(trail, place);
    states.set(trail.states.subarray(at, at + trail.stride), place * stride);
  }
  trail.states = states;
  trail.stride = stride;
  trail.scratch = new Int32Array(stride);
}

/** The place at which a state stands; it is brought to one if it does not. */
export function placeOf(trail: Trail, id: number): number {
  const { ids, table, sums } = trail;
  if (ids[0] === id) return 0;
  if (ids[1] === id) return 1;
  makeRoom(trail, table.width);
  const { states } = trail;
  const words = viewState(table, id, trail.scratch);
  const { at, width } = table;
  for (let i = 0; i < width; i++) states[i] = words[at + i]!;
  ids[0] = id;
  sums[0] = sumOfState(table, states, 0);
  return 0;
}

/** Writes the state of a place to the next one as well. */
export function copyPlace(trail: Trail, place: number): void {
  const from = stateAt(trail, place);
  const next = nextTo(place);
  trail.states.copyWithin(stateAt(trail, next), from, from + trail.stride);
  trail.sums[next] = trail.sums[place]!;
  trail.ids[next] = NOBODY;
}

/** Changes words of a place's state, which no one has been told of yet. */
export function putWords(
  trail: Trail,
  place: number,
  at: readonly number[],
  values: readonly number[],
): void {
  for (let i = 0; i < at.length; i++) putWord(trail, place, at[i]!, values[i]!);
}

export function putWord(trail: Trail, place: number, word: number, value: number): void {
  const at = stateAt(trail, place) + word;
  trail.sums[place] = sumAfter(trail.table, trail.sums[place]!, word, trail.states[at]!, value);
  trail.states[at] = value;
}

/** Takes for met what was written to the place next to `place`, by a step of `actor`. */
export function keepNext(trail: Trail, place: number, actor: number, asked: Asked): void {
  const { ways } = trail;
  const from = trail.ids[place]!;
  const known = trail.table.count;
  // States that are met one after the other by steps of one actor are gone on from one after the other by another.
  const id = keepAt(trail, nextTo(place), from + (trail.apart[actor] ?? 0));
  trail.apart[actor] = id - from;
  if (id < known && !trail.goesLast) return;
  const way = id * WAY;
  const steps = wordAt(ways, from * WAY + WAY_STEPS) + 1;
  if (id === known) {
    pushWord(ways, from);
    pushWord(ways, actor);
    pushWord(ways, asked);
    pushWord(ways, steps);
  } else if (steps === wordAt(ways, way + WAY_STEPS)) {
    // A way that is as long never leads through the state itself.
    setWord(ways, way + WAY_FROM, from);
    setWord(ways, way + WAY_BY, actor);
    setWord(ways, way + WAY_ASKED, asked);
  }
}

function keepAt(trail: Trail, place: number, guess: number): number {
  const id = keepSummed(trail.table, trail.states, stateAt(trail, place), trail.sums[place]!, guess);
  trail.ids[place] = id;
  return id;
}
