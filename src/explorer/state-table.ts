/**
 * The states that a search has met, each once: exact vectors, numbered in the order in which they came.
 *
 * A state is stored as its words and compared word by word, so two states are never taken for one. It is written
 * straight to the place where it will stay if it is new (`roomForState`, then `keepState`). Words of a state that
 * the table was not yet wide enough for are 0; a hash does not depend on them.
 */
import { ASSERT } from '../hypervisor/bug.ts';

/** States of a page. */
const PAGE = 4096;
/** States of the first page and slots at first, so that a small table costs little. */
const FIRST_PAGE = 16;
const FIRST_SLOTS = 64;
/** Slots are doubled when more than this share of them is taken. */
const MOST_TAKEN = 0.7;
const MOST_STATES = 2 ** 30;

export interface StateTable {
  /** Words of a state. */
  width: number;
  /** States in the table; they are numbered from 0. */
  count: number;
  /** PAGE states each, at the width that the table had when the page was the last one. */
  readonly pages: Int32Array[];
  readonly strides: number[];
  /** See Space: a state is looked up by its only word. */
  readonly isNumbered: boolean;
  /** Open addressing: number of a state + 1 (0: free), and its hash, in turns. Of numbered ones, by word: the first alone. */
  slots: Int32Array;
  /** An odd factor for each word. */
  keys: Int32Array;
  /** Where in the page that roomForState() or viewState() returned the state is. */
  at: number;
  /** Of the state that was looked for last and not found: its hash, and where it would go. */
  hash: number;
  slot: number;
  /** Memory of the table. */
  bytes: number;
}

export function makeStateTable(width: number, isNumbered = false): StateTable {
  ASSERT(!isNumbered || width === 1, 'states that are numbered have one word');
  const slots = new Int32Array(FIRST_SLOTS * 2);
  return {
    width,
    count: 0,
    pages: [],
    strides: [],
    isNumbered,
    slots,
    keys: makeKeys(width),
    at: 0,
    hash: 0,
    slot: 0,
    bytes: slots.byteLength,
  };
}

/** The finaliser of MurmurHash3 (public domain): every bit of `x` moves every bit of the result. */
export function mixed(x: number): number {
  x = Math.imul(x ^ (x >>> 16), 0x85ebca6b);
  x = Math.imul(x ^ (x >>> 13), 0xc2b2ae35);
  return x ^ (x >>> 16);
}

const makeKeys = (width: number): Int32Array =>
  Int32Array.from({ length: width }, (_, i) => mixed(i + 1) | 1);

/** The table takes states of `width` words from now on. States it has keep their numbers. */
export function widenStates(table: StateTable, width: number): void {
  ASSERT(width >= table.width, 'a state does not lose words');
  if (width === table.width) return;
  ASSERT(!table.isNumbered, 'states that are numbered have one word');
  table.width = width;
  table.keys = makeKeys(width);
  const last = table.pages.length - 1;
  // Pages that are full stay as they are; the one that is being filled is laid out anew.
  if (last < 0 || table.count >= (last + 1) * PAGE) return;
  const old = table.pages[last]!;
  const stride = table.strides[last]!;
  const page = new Int32Array((old.length / stride) * width);
  for (let i = 0; i < table.count - last * PAGE; i++)
    page.set(old.subarray(i * stride, (i + 1) * stride), i * width);
  replaceLast(table, page);
}

function replaceLast(table: StateTable, page: Int32Array): void {
  const last = table.pages.length - 1;
  table.bytes += page.byteLength - table.pages[last]!.byteLength;
  table.pages[last] = page;
  table.strides[last] = table.width;
}

/** The page in which the next state may be written, `width` words from `at` on. Until keepState() nobody sees it. */
export function roomForState(table: StateTable): Int32Array {
  const index = table.count >>> 12;
  if (index === table.pages.length) {
    ASSERT(table.count < MOST_STATES, 'states have 30-bit numbers');
    const page = new Int32Array((index === 0 ? FIRST_PAGE : PAGE) * table.width);
    table.pages.push(page);
    table.strides.push(table.width);
    table.bytes += page.byteLength;
  }
  table.at = (table.count & (PAGE - 1)) * table.width;
  if (table.at === table.pages[index]!.length) {
    const larger = new Int32Array(table.at * 2);
    larger.set(table.pages[index]!);
    replaceLast(table, larger);
  }
  return table.pages[index]!;
}

/** The number of the state in the room: `count` as it was before if it is new, and then it stays. */
export function keepState(table: StateTable): number {
  const known = findState(table);
  return known >= 0 ? known : takeSlot(table);
}

/** The number of the state in the room; -1: it is not in the table, `hash` and `slot` say where it would go. */
export function findState(table: StateTable): number {
  const page = table.pages[table.count >>> 12]!;
  const at = (table.count & (PAGE - 1)) * table.width;
  if (table.isNumbered) {
    const { slots } = table;
    const word = page[at]!;
    table.slot = word;
    return word < slots.length ? slots[word]! - 1 : -1;
  }
  return findSummed(table, page, at, sumOfState(table, page, at));
}

/** What a state's hash is made of, for a state of as many words as the table has: one number for each word, added up. */
export function sumOfState({ width, keys }: StateTable, words: Int32Array, at: number): number {
  let sum = 0;
  for (let i = 0; i < width; i++) sum = (sum + Math.imul(words[at + i]!, keys[i]!)) | 0;
  return sum;
}

/** The sum once a word has become another. */
export const sumAfter = ({ keys }: StateTable, sum: number, word: number, was: number, is: number): number =>
  (sum + Math.imul(is - was, keys[word]!)) | 0;

/**
 * The number of a state that stands elsewhere and whose sum is known. If it is new, it is copied. `guess`: the number that it
 * may have; in a large table it costs much less to see that it has it than to look for it.
 */
export function keepSummed(
  table: StateTable,
  words: Int32Array,
  at: number,
  sum: number,
  guess: number,
): number {
  if (guess >= 0 && guess < table.count && isSame(table, guess, words, at)) return guess;
  const known = findSummed(table, words, at, sum);
  if (known >= 0) return known;
  const page = roomForState(table);
  for (let i = 0; i < table.width; i++) page[table.at + i] = words[at + i]!;
  return takeSlot(table);
}

/** As findState(), of a state that stands elsewhere. */
function findSummed(table: StateTable, words: Int32Array, at: number, sum: number): number {
  const { slots } = table;
  const hash = mixed(sum);
  const mask = slots.length - 1;
  let slot = (hash << 1) & mask;
  for (;;) {
    const there = slots[slot]!;
    if (there === 0) break;
    if (slots[slot + 1] === hash && isSame(table, there - 1, words, at)) return there - 1;
    slot = (slot + 2) & mask;
  }
  table.hash = hash;
  table.slot = slot;
  return -1;
}

/** The state in the room, which was looked for last, stays. */
function takeSlot(table: StateTable): number {
  const { slots, slot, count: id } = table;
  if (table.isNumbered) {
    if (slot >= slots.length) addNumbers(table, slot);
    table.slots[slot] = id + 1;
    table.count = id + 1;
    return id;
  }
  slots[slot] = id + 1;
  slots[slot + 1] = table.hash;
  table.count = id + 1;
  if (table.count * 2 > slots.length * MOST_TAKEN) growSlots(table);
  return id;
}

function isSame(table: StateTable, id: number, page: Int32Array, at: number): boolean {
  const other = table.pages[id >>> 12]!;
  const stride = table.strides[id >>> 12]!;
  const otherAt = (id & (PAGE - 1)) * stride;
  for (let i = 0; i < stride; i++) if (other[otherAt + i] !== page[at + i]) return false;
  for (let i = stride; i < table.width; i++) if (page[at + i] !== 0) return false;
  return true;
}

/** Makes room for states up to that number. */
function addNumbers(table: StateTable, number: number): void {
  const { slots } = table;
  table.slots = new Int32Array(2 * number);
  table.slots.set(slots);
  table.bytes += table.slots.byteLength - slots.byteLength;
}

function growSlots(table: StateTable): void {
  const old = table.slots;
  const slots = new Int32Array(old.length * 2);
  const mask = slots.length - 1;
  for (let i = 0; i < old.length; i += 2) {
    if (old[i] === 0) continue;
    let slot = (old[i + 1]! << 1) & mask;
    while (slots[slot] !== 0) slot = (slot + 2) & mask;
    slots[slot] = old[i]!;
    slots[slot + 1] = old[i + 1]!;
  }
  table.slots = slots;
  table.bytes += slots.byteLength - old.byteLength;
}

/** A word of state `id`. */
export function wordOfState({ pages, strides }: StateTable, id: number, word: number): number {
  const stride = strides[id >>> 12]!;
  return word < stride ? pages[id >>> 12]![(id & (PAGE - 1)) * stride + word]! : 0;
}

/** A page in which state `id` stands from `at` on, `width` words: the table's own, or `scratch` (at least as wide). */
export function viewState(table: StateTable, id: number, scratch: Int32Array): Int32Array {
  const page = table.pages[id >>> 12]!;
  const stride = table.strides[id >>> 12]!;
  table.at = (id & (PAGE - 1)) * stride;
  if (stride === table.width) return page;
  scratch.fill(0);
  scratch.set(page.subarray(table.at, table.at + stride));
  table.at = 0;
  return scratch;
}
