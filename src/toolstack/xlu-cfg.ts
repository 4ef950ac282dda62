/**
 * A config's settings and the getters that read them. Models tools/libs/util/libxlu_cfg.c.
 *
 * Names and values are text of one byte per character. Settings lie in columns, since a config may hold a million.
 * A getter's warning is a complete line; whether it is printed is the caller's choice.
 */
import { EINVAL, ERANGE, ESRCH, strerror } from '../hypervisor/errno.ts';
import { strtol } from './strtol.ts';

/** A value: text (a number is text too) or a list. Xen: XLU_ConfigValue. */
export type XluValue = string | XluList;

/** Xen: XLU_ConfigList. */
export interface XluList {
  readonly values: readonly XluValue[];
  /** Line of each value, as runs: index of the first value, line, index, line, … */
  readonly lineRuns: readonly number[];
  /** Line of its `[`. */
  readonly line: number;
}

/** Settings in order of definition, oldest first. Xen: XLU_Config. */
export interface XluConfig {
  /** The name reports and warnings print. */
  readonly source: string;
  readonly names: string[];
  readonly values: XluValue[];
  /** Line of each setting: of its name, and of its value's first token. */
  lines: Int32Array;
  /** Column of each setting's name, from 1; negative where the operator is `+=`. */
  columns: Int32Array;
  /** The newest setting of each name: the only one lookups find. */
  readonly newest: Map<string, number>;
}

/** What a getter answers: the value; or an errno, with the warning a caller that is not quiet prints. */
export type Got<T> =
  | { readonly value: T }
  | { readonly value?: undefined; readonly errno: number; readonly warning: string };

const absent = { errno: ESRCH, warning: '' } as const;

const FIRST_SETTINGS = 64;

export const newXluConfig = (source: string): XluConfig => ({
  source,
  names: [],
  values: [],
  lines: new Int32Array(FIRST_SETTINGS),
  columns: new Int32Array(FIRST_SETTINGS),
  newest: new Map(),
});

/** The same numbers with room for more. */
function grown(column: Int32Array): Int32Array {
  const larger = new Int32Array(column.length * 2);
  larger.set(column);
  return larger;
}

/** One assignment, as stored. */
export interface XluSetting {
  readonly name: string;
  readonly value: XluValue;
  readonly append: boolean;
  readonly line: number;
  readonly column: number;
}

/** Adds a setting as the newest of its name. */
export function addSetting(cfg: XluConfig, { name, value, append, line, column }: XluSetting): void {
  const index = cfg.names.length;
  if (index === cfg.lines.length) {
    cfg.lines = grown(cfg.lines);
    cfg.columns = grown(cfg.columns);
  }
  // An equal name is shared, so that a million settings of one name cost one string.
  const older = cfg.newest.get(name);
  const shared = older === undefined ? name : cfg.names[older]!;
  cfg.names.push(shared);
  cfg.values.push(value);
  cfg.lines[index] = line;
  cfg.columns[index] = append ? -column : column;
  cfg.newest.set(shared, index);
}

/** The `index`-th setting, oldest first. */
export const settingAt = (cfg: XluConfig, index: number): XluSetting => ({
  name: cfg.names[index]!,
  value: cfg.values[index]!,
  append: cfg.columns[index]! < 0,
  line: cfg.lines[index]!,
  column: Math.abs(cfg.columns[index]!),
});

export const isList = (value: XluValue): value is XluList => typeof value !== 'string';

/** The line the `index`-th value of a list starts on. */
function valueLine(list: XluList, index: number): number {
  const { lineRuns } = list;
  let line = 0;
  for (let i = 0; i < lineRuns.length && lineRuns[i]! <= index; i += 2) line = lineRuns[i + 1]!;
  return line;
}

const warningAt = (cfg: XluConfig, line: number, text: string): string =>
  `${cfg.source}:${line}: warning: ${text}\n`;

/** The text of a setting. Models xlu_cfg_get_string(). */
export function getString(cfg: XluConfig, name: string): Got<string> {
  const i = cfg.newest.get(name);
  if (i === undefined) return absent;
  const value = cfg.values[i]!;
  if (!isList(value)) return { value };
  const text = `parameter \`${name}' is a list but should be a single value`;
  return { errno: EINVAL, warning: warningAt(cfg, cfg.lines[i]!, text) };
}

/** Models xlu_cfg_get_bounded_long(): a 64-bit signed number between the bounds, both included. */
export function getBoundedLong(
  cfg: XluConfig,
  name: string,
  bounds: { readonly min: bigint; readonly max: bigint },
): Got<bigint> {
  const text = getString(cfg, name);
  if (text.value === undefined) return text;
  const i = cfg.newest.get(name)!;
  const refuse = (errno: number, why: string): Got<bigint> => ({
    errno,
    warning: warningAt(cfg, cfg.lines[i]!, why),
  });
  if (cfg.columns[i]! < 0) return refuse(EINVAL, `can't use += with numbers for parameter \`${name}'`);
  const { value, end, overflow } = strtol(text.value, 0);
  if (overflow) {
    return refuse(ERANGE, `parameter \`${name}' could not be parsed as a number: ${strerror(ERANGE)}`);
  }
  if (end === 0 || end !== text.value.length) {
    return refuse(EINVAL, `parameter \`${name}' is not a valid number`);
  }
  if (value < bounds.min) {
    return refuse(EINVAL, `value \`${value}' is smaller than minimum bound '${bounds.min}'`);
  }
  if (value > bounds.max) {
    return refuse(EINVAL, `value \`${value}' is greater than maximum bound '${bounds.max}'`);
  }
  return { value };
}

const LONG = { min: -(2n ** 63n), max: 2n ** 63n - 1n };

/** Models xlu_cfg_get_long(). */
export const getLong = (cfg: XluConfig, name: string): Got<bigint> => getBoundedLong(cfg, name, LONG);

/** Models xlu_cfg_get_defbool(): a number, true unless zero. */
export function getDefbool(cfg: XluConfig, name: string): Got<boolean> {
  const got = getLong(cfg, name);
  return got.value === undefined ? got : { value: got.value !== 0n };
}

/** Models xlu_cfg_get_list(). */
export function getList(cfg: XluConfig, name: string): Got<XluList> {
  const i = cfg.newest.get(name);
  if (i === undefined) return absent;
  const value = cfg.values[i]!;
  if (isList(value)) return { value };
  const text = `parameter \`${name}' is a single value but should be a list`;
  return { errno: EINVAL, warning: warningAt(cfg, cfg.lines[i]!, text) };
}

/** The leading elements that are text: copying stops at the first nested list. Models xlu_cfg_get_list_as_string_list(). */
export function leadingStrings(list: XluList): string[] {
  const strings: string[] = [];
  for (const value of list.values) {
    if (isList(value)) break;
    strings.push(value);
  }
  return strings;
}

/** An element read as a list. Models xlu_cfg_value_get_list(), whose warning knows no column. */
export function elementAsList(cfg: XluConfig, list: XluList, index: number): Got<XluList> {
  const value = list.values[index];
  if (value !== undefined && isList(value)) return { value };
  return {
    errno: EINVAL,
    warning: `${cfg.source}:${valueLine(list, index)}:0: warning: value is not a list\n`,
  };
}
