/**
 * What stands in cells, told from one thread to another.
 *
 * Threads that walk one block number texts, names in texts and cells each in the order in which they met them. What is
 * told goes with the definition of each name that was not told before, names that it uses first; the other side puts
 * its own names in their place and has the text that it would have written itself. So states are compared by their
 * texts, as in one thread, and never by a hash.
 */
import { ASSERT } from '../hypervisor/bug.ts';
import { actorPath } from './block.ts';
import { canonId } from './canonical.ts';
import { formOfText, textOfForm } from './domain-forms.ts';
import { exactWordsOf, exactWordsText } from './heap-exact.ts';
import { findState, mixed, roomForState, viewState } from './state-table.ts';
import type { Cells, CellTable } from './world-cells.ts';
import * as at from './world-cells.ts';

/** The texts of a space's cells by number. */
export interface CellTexts {
  readonly cells: Cells;
  readonly names: TextsById;
  readonly tables: Map<CellTable<unknown>, TextsById>;
  /** By name: a hash of what it stands for, the same in every thread. */
  readonly hashes: Map<string, number>;
  /** By cell and number: a hash of what stands there; at 0 of what the cell is for. */
  readonly cellHashes: number[][];
}

/** The keys of a map whose values count from 0, by value: it only grows. */
interface TextsById {
  readonly ids: ReadonlyMap<string, number>;
  readonly texts: string[];
  readonly left: IterableIterator<string>;
}

const textsById = (ids: ReadonlyMap<string, number>): TextsById => ({ ids, texts: [], left: ids.keys() });

function textOf(by: TextsById, id: number): string {
  while (by.texts.length <= id) {
    const { value, done } = by.left.next();
    ASSERT(done !== true, 'a number stands for a text');
    by.texts.push(value);
  }
  return by.texts[id]!;
}

export const newCellTexts = (cells: Cells): CellTexts => ({
  cells,
  names: textsById(cells.canon.ids),
  tables: new Map(),
  hashes: new Map(),
  cellHashes: [],
});

/** Names in a text (see canonText()), and what stands in quotes, which is none. Keys are followed by a colon. */
const TOKENS = /"(?:[^"\\]|\\.)*"|(?<![\w#/.-])[#t]\d+(?![\w:])/g;

/** The names in a text: `#` and a number for what has parts, `t` and a number for a long string. */
function namesIn(text: string): { readonly name: string; readonly index: number }[] {
  const found: { name: string; index: number }[] = [];
  for (const { 0: name, index } of text.matchAll(TOKENS))
    if (!name.startsWith('"')) found.push({ name, index });
  return found;
}

const withNames = (text: string, put: (name: string) => string): string =>
  text.replace(TOKENS, (token) => (token.startsWith('"') ? token : put(token)));

/** A string holds no names, whatever it looks like. */
const hasParts = (name: string): boolean => name.startsWith('#');

/** The table of what may stand in a cell. */
function tableOf(cells: Cells, cell: number): CellTable<unknown> {
  switch (cell) {
    case at.CLOCK:
      return cells.clock;
    case at.MISC:
      return cells.misc;
    case at.XS:
      return cells.xs;
    case at.USERDATA:
      return cells.userdata;
    case at.LOCKS:
      return cells.locks;
    case at.REST:
      return cells.rest;
    case at.BORN:
      return cells.born;
    default:
      return cells.lanes[cell - at.FIRST_LANE] ?? tableOfLater(cells, cell);
  }
}

function tableOfLater(cells: Cells, cell: number): CellTable<unknown> {
  const other = cells.otherAt.indexOf(cell);
  return other >= 0 ? cells.others[other]! : cells.domains.get(domidOf(cells, cell))!;
}

const domidOf = ({ domainAt }: Cells, cell: number): number =>
  [...domainAt].find(([, its]) => its === cell)![0];

const isDomainClass = ({ ownership, isDomain }: Cells, cell: number): boolean =>
  ownership === 'class' && isDomain[cell] === true;

/** What a cell holds, in words that mean the same in every thread. */
function cellName(cells: Cells, cell: number): string {
  const lanes = cells.lanes.length;
  if (cell < at.FIRST_LANE + lanes) return String(cell);
  const other = cells.otherAt.indexOf(cell);
  if (other >= 0) return `task ${actorPath(cells.block, lanes + other)}`;
  return `domain ${domidOf(cells, cell)}`;
}

/** The text in a cell. */
function cellText({ cells, tables }: CellTexts, cell: number, id: number): string {
  if (cell === at.HEAP) return heapFormText(cells, id);
  if (isDomainClass(cells, cell)) return textOfForm(cells.domainForms, domidOf(cells, cell), id);
  const table = tableOf(cells, cell);
  let by = tables.get(table);
  if (by === undefined) {
    by = textsById(table.ids);
    tables.set(table, by);
  }
  return textOf(by, id);
}

/** The words of a heap's class, all but the first: that is for an invariant that does not hold, which is told itself. */
function heapFormText({ heapClasses, ownership, broken }: Cells, id: number): string {
  const page = viewState(heapClasses, id - 1, new Int32Array(heapClasses.width));
  const { at: from, width } = heapClasses;
  if (ownership === 'exact') return exactWordsText(page, from, width);
  const words = [...page.subarray(from + 1, from + width)];
  while (words.at(-1) === 0) words.pop();
  return JSON.stringify([broken.get(id) ?? null, ...words]);
}

/** The number of that form here; undefined: there is none. */
function heapFormHere(cells: Cells, text: string): number | undefined {
  const { heapClasses } = cells;
  const words = cells.ownership === 'exact' ? exactWordsOf(text) : classWordsOf(cells, text);
  if (words.length > heapClasses.width) return undefined;
  const room = roomForState(heapClasses);
  room.fill(0, heapClasses.at, heapClasses.at + heapClasses.width);
  room.set(words, heapClasses.at);
  const found = findState(heapClasses);
  return found < 0 ? undefined : found + 1;
}

function classWordsOf({ canon }: Cells, text: string): number[] {
  const [broken, ...words] = JSON.parse(text) as [string | null, ...number[]];
  return [broken === null ? 0 : canonId(canon, broken) + 1, ...words];
}

/** The number of what has that text in a cell; undefined: it never stood there. */
function idHere(cells: Cells, cell: number, text: string): number | undefined {
  if (cell === at.HEAP) return heapFormHere(cells, text);
  if (isDomainClass(cells, cell)) return formOfText(cells.domainForms, domidOf(cells, cell), text);
  return tableOf(cells, cell).ids.get(text);
}

/** A hash of what stands in a cell, below 2^32: the same in every thread. */
export function formHash(texts: CellTexts, cell: number, id: number): number {
  return cellHash(texts, cell, id) >>> 0;
}

function cellHash(texts: CellTexts, cell: number, id: number): number {
  texts.cellHashes[cell] ??= [hashOf(texts, cellName(texts.cells, cell), false)];
  const known = texts.cellHashes[cell];
  if (known[id] === undefined) known[id] = mixed(known[0]! ^ hashOf(texts, cellText(texts, cell, id), true));
  return known[id];
}

function hashOf(texts: CellTexts, text: string, hasNames: boolean): number {
  let hash = 0;
  // What stands between names goes in letter by letter, a name as what it stands for.
  let from = 0;
  const letters = (to: number): void => {
    for (let i = from; i < to; i++) hash = (Math.imul(hash, 31) + text.charCodeAt(i)) | 0;
  };
  for (const { name, index } of hasNames ? namesIn(text) : []) {
    letters(index);
    from = index + name.length;
    hash = mixed(hash ^ nameHash(texts, name));
  }
  letters(text.length);
  return mixed(hash);
}

function nameHash(texts: CellTexts, name: string): number {
  const known = texts.hashes.get(name);
  if (known !== undefined) return known;
  const hash = hashOf(texts, meaningOf(texts, name), hasParts(name));
  texts.hashes.set(name, hash);
  return hash;
}

const meaningOf = ({ names }: CellTexts, name: string): string => textOf(names, Number(name.slice(1)));

/** States as they are told; plain data. */
export interface StatesTold {
  /** Cells that were not told before, in order. */
  readonly cells: readonly string[];
  /** Names and what they stand for. */
  readonly names: readonly (readonly [name: string, text: string])[];
  /** What may stand in cells. */
  readonly values: readonly (readonly [cell: number, id: number, text: string])[];
  /** Words of a state, and the words of all states. */
  readonly width: number;
  readonly words: Int32Array;
}

/** What one listener was told. */
export interface Teller {
  cells: number;
  readonly names: Set<string>;
  readonly values: Set<number>;
}

export const newTeller = (): Teller => ({ cells: 0, names: new Set(), values: new Set() });

const RADIX = 2 ** 26;

/** Tells states of `width` words each. */
export function tellStates(texts: CellTexts, to: Teller, words: Int32Array, width: number): StatesTold {
  const cells: string[] = [];
  for (; to.cells < width; to.cells++) cells.push(cellName(texts.cells, to.cells));
  const names: [string, string][] = [];
  const values: [number, number, string][] = [];
  const tellNames = (text: string): void => {
    for (const { name } of namesIn(text)) {
      if (to.names.has(name)) continue;
      to.names.add(name);
      const meant = meaningOf(texts, name);
      if (hasParts(name)) tellNames(meant);
      names.push([name, meant]);
    }
  };
  for (let i = 0; i < words.length; i++) {
    const cell = i % width;
    const id = words[i]!;
    const key = cell * RADIX + id;
    if (id === 0 || to.values.has(key)) continue;
    to.values.add(key);
    const text = cellText(texts, cell, id);
    tellNames(text);
    values.push([cell, id, text]);
  }
  return { cells, names, values, width, words };
}

/** What was heard of one teller. */
export interface Listener {
  /** By the teller's number: the cell's name, and its number here, -1: there is none yet. */
  readonly cells: string[];
  readonly cellHere: number[];
  readonly names: Map<string, string>;
  /** By cell and number there: the text as it is written here; and its number here, once it has one. */
  readonly values: Map<number, string>;
  readonly idsHere: Map<number, number>;
}

export const newListener = (): Listener => ({
  cells: [],
  cellHere: [],
  names: new Map(),
  values: new Map(),
  idsHere: new Map(),
});

/** Takes in what was told. The states come back one by one, in the teller's numbers. */
export function hearStates(texts: CellTexts, from: Listener, told: StatesTold): Int32Array[] {
  for (const name of told.cells) {
    from.cells.push(name);
    from.cellHere.push(-1);
  }
  const here = (text: string): string =>
    withNames(text, (name) => {
      const own = from.names.get(name);
      ASSERT(own !== undefined, 'a name is told before it is used');
      return own;
    });
  for (const [name, text] of told.names) {
    const id = canonId(texts.cells.canon, hasParts(name) ? here(text) : text);
    from.names.set(name, `${name[0]}${id}`);
  }
  for (const [cell, id, text] of told.values) from.values.set(cell * RADIX + id, here(text));
  const states: Int32Array[] = [];
  for (let i = 0; i < told.words.length; i += told.width) states.push(told.words.slice(i, i + told.width));
  return states;
}

/** A state that was heard of in this thread's numbers; null: something in it was never met here. */
export function stateHere(texts: CellTexts, from: Listener, state: Int32Array): Int32Array | null {
  const { cells } = texts;
  const words = new Int32Array(cells.count);
  for (let cell = 0; cell < state.length; cell++) {
    const there = state[cell]!;
    if (there === 0) continue;
    const own = cellHere(cells, from, cell);
    if (own < 0) return null;
    const key = cell * RADIX + there;
    const id = from.idsHere.get(key) ?? idHere(cells, own, from.values.get(key)!);
    if (id === undefined) return null;
    from.idsHere.set(key, id);
    words[own] = id;
  }
  return words;
}

function cellHere(cells: Cells, from: Listener, cell: number): number {
  const known = from.cellHere[cell]!;
  if (known >= 0) return known;
  const name = from.cells[cell]!;
  for (let own = 0; own < cells.count; own++) {
    if (cellName(cells, own) !== name) continue;
    from.cellHere[cell] = own;
    return own;
  }
  return -1;
}
