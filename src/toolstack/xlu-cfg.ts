/**
 * A config's settings and the getters that read them. Models tools/libs/util/libxlu_cfg.c.
 *
 * Names and values are text of one byte per character and stay where they are in the config; what is known of each
 * setting lies in columns of offsets, since a config may hold a million. A getter's warning is a complete line;
 * whether it is printed is the caller's choice.
 */
import { EINVAL, ERANGE, ESRCH, strerror } from '../hypervisor/errno.ts';
import { strtol } from './strtol.ts';
import { isList, isListAt, scalarAt, valueLine, type XluList, type XluValue } from './xlu-cfg-value.ts';

/** Settings in order of definition, oldest first. Xen: XLU_Config. */
export interface XluConfig {
  /** The name reports and warnings print. */
  readonly source: string;
  readonly text: string;
  count: number;
  /** Offset of each setting's name. */
  nameStarts: Int32Array;
  /** Offset of its value. */
  valueStarts: Int32Array;
  /** Line of its value's first token. */
  lines: Int32Array;
  /** The setting a `+=` added to; ADDS_TO_NONE when there was none, ASSIGNS for `=`. */
  older: Int32Array;
  /** What a newer setting of its name has made of each: see NEWEST, REPLACED and MOVED. */
  fates: Uint8Array;
  /** The newest setting of each name, plus 1, by the name's hash; 0 is free. */
  slots: Int32Array;
  names: number;
}

/** One assignment before it is stored: offsets into the config's text. */
export interface XluSetting {
  readonly nameStart: number;
  readonly nameEnd: number;
  readonly valueStart: number;
  readonly line: number;
  readonly append: boolean;
}

/** What a getter answers: the value; or an errno, with the warning a caller that is not quiet prints. */
export type Got<T> =
  | { readonly value: T }
  | { readonly value?: undefined; readonly errno: number; readonly warning: string };

const absent = { errno: ESRCH, warning: '' } as const;

const ASSIGNS = -1;
const ADDS_TO_NONE = -2;

/** Nothing: it is the newest of its name. */
const NEWEST = 0;
const REPLACED = 1;
/** A list whose elements have moved into a newer setting, which leaves it empty. */
const MOVED = 2;

const FIRST_SETTINGS = 64;
/** Odd, as every larger number of slots is: 2n + 1. */
const FIRST_SLOTS = 127;

export const newXluConfig = (source: string, text = ''): XluConfig => ({
  source,
  text,
  count: 0,
  nameStarts: new Int32Array(FIRST_SETTINGS),
  valueStarts: new Int32Array(FIRST_SETTINGS),
  lines: new Int32Array(FIRST_SETTINGS),
  older: new Int32Array(FIRST_SETTINGS),
  fates: new Uint8Array(FIRST_SETTINGS),
  slots: new Int32Array(FIRST_SLOTS),
  names: 0,
});

/** The same numbers with room for more. */
function grown(column: Int32Array): Int32Array {
  const larger = new Int32Array(column.length * 2);
  larger.set(column);
  return larger;
}

function growColumns(cfg: XluConfig): void {
  cfg.nameStarts = grown(cfg.nameStarts);
  cfg.valueStarts = grown(cfg.valueStarts);
  cfg.lines = grown(cfg.lines);
  cfg.older = grown(cfg.older);
  const fates = new Uint8Array(cfg.fates.length * 2);
  fates.set(cfg.fates);
  cfg.fates = fates;
}

const isNameByte = (c: number): boolean =>
  (c >= 97 && c <= 122) || (c >= 48 && c <= 57) || c === 46 || c === 95;

/** Where the name that starts at `start` ends. */
function nameEnd(text: string, start: number): number {
  let end = start + 1;
  while (isNameByte(text.charCodeAt(end))) end++;
  return end;
}

/** Where the search for a name begins. */
function firstSlot(cfg: XluConfig, text: string, start: number, end: number): number {
  let hash = 0;
  for (let i = start; i < end; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193) + 0x9e3779b1;
  return Math.abs(Math.imul(hash, 0x85ebca6b) % cfg.slots.length);
}

/** Whether the name at `at` of the config is `text` from `start` to `end`. */
function isName(cfg: XluConfig, at: number, text: string, start: number, end: number): boolean {
  for (let i = start; i < end; i++, at++) {
    if (cfg.text.charCodeAt(at) !== text.charCodeAt(i)) return false;
  }
  return !isNameByte(cfg.text.charCodeAt(at));
}

/** The slot of a name, or the free one where it belongs. */
function slotOf(cfg: XluConfig, text: string, start: number, end: number): number {
  let slot = firstSlot(cfg, text, start, end);
  for (;;) {
    const index = cfg.slots[slot]! - 1;
    if (index < 0 || isName(cfg, cfg.nameStarts[index]!, text, start, end)) return slot;
    slot = slot + 1 === cfg.slots.length ? 0 : slot + 1;
  }
}

/** Spreads the names over twice the slots. */
function growSlots(cfg: XluConfig): void {
  const old = cfg.slots;
  cfg.slots = new Int32Array(old.length * 2 + 1);
  for (const entry of old) {
    if (entry === 0) continue;
    const start = cfg.nameStarts[entry - 1]!;
    cfg.slots[slotOf(cfg, cfg.text, start, nameEnd(cfg.text, start))] = entry;
  }
}

/**
 * Adds a setting as the newest of its name; false where `+=` meets a list and a text. A list that is added to is left
 * empty. Models xlu__cfg_set_store().
 */
export function addSetting(cfg: XluConfig, setting: XluSetting): boolean {
  const { text } = cfg;
  const { nameStart, valueStart } = setting;
  const slot = slotOf(cfg, text, nameStart, setting.nameEnd);
  const older = cfg.slots[slot]! - 1;
  const list = isListAt(text, valueStart);
  if (setting.append && older >= 0) {
    if (isListAt(text, cfg.valueStarts[older]!) !== list) return false;
  }
  if (older >= 0) cfg.fates[older] = setting.append && list ? MOVED : REPLACED;
  const index = cfg.count++;
  if (index === cfg.lines.length) growColumns(cfg);
  cfg.nameStarts[index] = nameStart;
  cfg.valueStarts[index] = valueStart;
  cfg.lines[index] = setting.line;
  cfg.older[index] = !setting.append ? ASSIGNS : older < 0 ? ADDS_TO_NONE : older;
  cfg.slots[slot] = index + 1;
  if (older < 0 && ++cfg.names * 2 > cfg.slots.length) growSlots(cfg);
  return true;
}

/** The newest setting of a name, or -1. */
const newestOf = (cfg: XluConfig, name: string): number => cfg.slots[slotOf(cfg, name, 0, name.length)]! - 1;

/** Whether the `index`-th setting is the newest of its name: the one lookups find. */
export const isNewest = (cfg: XluConfig, index: number): boolean => cfg.fates[index] === NEWEST;

/** Whether a name has a setting. */
export const hasSetting = (cfg: XluConfig, name: string): boolean => newestOf(cfg, name) >= 0;

/** The name of the `index`-th setting, oldest first. */
export function nameAt(cfg: XluConfig, index: number): string {
  const start = cfg.nameStarts[index]!;
  return cfg.text.slice(start, nameEnd(cfg.text, start));
}

/** The column of the name of the `index`-th setting, from 1. */
export function columnAt(cfg: XluConfig, index: number): number {
  const start = cfg.nameStarts[index]!;
  return start === 0 ? 1 : start - cfg.text.lastIndexOf('\n', start - 1);
}

/** Whether the `index`-th setting was made with `+=`. */
export const appendsAt = (cfg: XluConfig, index: number): boolean => cfg.older[index]! !== ASSIGNS;

/** Of what an emptied list is made. */
const NO_PARTS = new Int32Array(0);

/** Offsets of everything the `index`-th setting is made of, oldest first. */
function partsOf(cfg: XluConfig, index: number): Int32Array {
  let count = 0;
  for (let i = index; i >= 0; i = cfg.older[i]!) count++;
  const parts = new Int32Array(count);
  for (let i = index; i >= 0; i = cfg.older[i]!) parts[--count] = cfg.valueStarts[i]!;
  return parts;
}

/** The list of the `index`-th setting, which is one. */
const elementsAt = (cfg: XluConfig, index: number): XluList => ({
  text: cfg.text,
  parts: cfg.fates[index] === MOVED ? NO_PARTS : partsOf(cfg, index),
});

/** The text of the `index`-th setting, which is no list. */
function textAt(cfg: XluConfig, index: number): string {
  if (cfg.older[index]! < 0) return scalarAt(cfg.text, cfg.valueStarts[index]!);
  return Array.from(partsOf(cfg, index), (part) => scalarAt(cfg.text, part)).join('');
}

/** The value of the `index`-th setting. */
export const valueAt = (cfg: XluConfig, index: number): XluValue =>
  isListAt(cfg.text, cfg.valueStarts[index]!) ? elementsAt(cfg, index) : textAt(cfg, index);

const warningAt = (cfg: XluConfig, line: number, text: string): string =>
  `${cfg.source}:${line}: warning: ${text}\n`;

/** The text of the `index`-th setting. */
export function stringAt(cfg: XluConfig, index: number): Got<string> {
  if (!isListAt(cfg.text, cfg.valueStarts[index]!)) return { value: textAt(cfg, index) };
  const text = `parameter \`${nameAt(cfg, index)}' is a list but should be a single value`;
  return { errno: EINVAL, warning: warningAt(cfg, cfg.lines[index]!, text) };
}

/** The text of a setting. Models xlu_cfg_get_string(). */
export function getString(cfg: XluConfig, name: string): Got<string> {
  const index = newestOf(cfg, name);
  return index < 0 ? absent : stringAt(cfg, index);
}

interface Bounds {
  readonly min: bigint;
  readonly max: bigint;
}

const LONG: Bounds = { min: -(2n ** 63n), max: 2n ** 63n - 1n };

/** The number of the `index`-th setting. */
export function longAt(cfg: XluConfig, index: number, bounds = LONG): Got<bigint> {
  const text = stringAt(cfg, index);
  if (text.value === undefined) return text;
  const refuse = (errno: number, why: string): Got<bigint> => ({
    errno,
    warning: warningAt(cfg, cfg.lines[index]!, why),
  });
  const parameter = `parameter \`${nameAt(cfg, index)}'`;
  if (appendsAt(cfg, index)) return refuse(EINVAL, `can't use += with numbers for ${parameter}`);
  const { value, end, overflow } = strtol(text.value, 0);
  if (overflow) return refuse(ERANGE, `${parameter} could not be parsed as a number: ${strerror(ERANGE)}`);
  if (end === 0 || end !== text.value.length) return refuse(EINVAL, `${parameter} is not a valid number`);
  if (value < bounds.min) {
    return refuse(EINVAL, `value \`${value}' is smaller than minimum bound '${bounds.min}'`);
  }
  if (value > bounds.max) {
    return refuse(EINVAL, `value \`${value}' is greater than maximum bound '${bounds.max}'`);
  }
  return { value };
}

/** Models xlu_cfg_get_bounded_long(): a 64-bit signed number between the bounds, both included. */
export function getBoundedLong(cfg: XluConfig, name: string, bounds: Bounds): Got<bigint> {
  const index = newestOf(cfg, name);
  return index < 0 ? absent : longAt(cfg, index, bounds);
}

/** Models xlu_cfg_get_long(). */
export const getLong = (cfg: XluConfig, name: string): Got<bigint> => getBoundedLong(cfg, name, LONG);

/** Models xlu_cfg_get_defbool(): a number, true unless zero. */
export function getDefbool(cfg: XluConfig, name: string): Got<boolean> {
  const got = getLong(cfg, name);
  return got.value === undefined ? got : { value: got.value !== 0n };
}

/** The list of the `index`-th setting. */
export function listAt(cfg: XluConfig, index: number): Got<XluList> {
  if (isListAt(cfg.text, cfg.valueStarts[index]!)) return { value: elementsAt(cfg, index) };
  const text = `parameter \`${nameAt(cfg, index)}' is a single value but should be a list`;
  return { errno: EINVAL, warning: warningAt(cfg, cfg.lines[index]!, text) };
}

/** Models xlu_cfg_get_list(). */
export function getList(cfg: XluConfig, name: string): Got<XluList> {
  const index = newestOf(cfg, name);
  return index < 0 ? absent : listAt(cfg, index);
}

/**
 * The `index`-th element of a list, `value`, read as a list. Models xlu_cfg_value_get_list(), whose warning knows no
 * column.
 */
export function elementAsList(cfg: XluConfig, list: XluList, index: number, value: XluValue): Got<XluList> {
  if (isList(value)) return { value };
  return {
    errno: EINVAL,
    warning: `${cfg.source}:${valueLine(list, index)}:0: warning: value is not a list\n`,
  };
}
