/** Sizes, durations and bounds as people write them in scenario files: 64G, 2s, ">= 3". */

const SIZE_UNITS: Readonly<Record<string, number>> = {
  b: 1,
  k: 1024,
  m: 1024 ** 2,
  g: 1024 ** 3,
  t: 1024 ** 4,
};
const TIME_UNITS: Readonly<Record<string, number>> = {
  ns: 1,
  us: 1e3,
  µs: 1e3,
  ms: 1e6,
  s: 1e9,
  m: 60e9,
  h: 3600e9,
};
const PAGE_BYTES = 4096;
/** Numbers are whole up to 2^53 - 1, which many pages or ns are this much. */
const LARGEST_SIZE = '33554431T';
const LONGEST_TIME = '2501h';

/** What a size looks like, for messages. */
const SIZE_FORM = 'a size such as 64G, 512M or 1.5T (a bare number is MiB)';
/** What a duration looks like, for messages. */
const TIME_FORM = 'a duration such as 250us, 2s or 3m';

/** A size in pages of 4 KiB, or null when `text` is none or not a whole number of pages. A bare number is MiB. */
export function parsePages(text: string | number): number | null {
  const pages = sizeOf(text);
  return Number.isSafeInteger(pages) ? pages : null;
}

/** In pages, whole or not and however many; NaN where `text` has not the form of a size. */
function sizeOf(text: string | number): number {
  if (typeof text === 'number') return text >= 0 ? (text * SIZE_UNITS.m!) / PAGE_BYTES : Number.NaN;
  const parts = /^(\d+(?:\.\d+)?)\s*(?:([bkmgt])(?:i?b)?|(pages?))?$/i.exec(text.trim());
  if (parts === null) return Number.NaN;
  const unit = parts[3] === undefined ? SIZE_UNITS[(parts[2] ?? 'm').toLowerCase()]! : PAGE_BYTES;
  return (Number(parts[1]) * unit) / PAGE_BYTES;
}

/** A duration in ns, or null when `text` is none. */
export function parseDuration(text: string): number | null {
  const ns = timeOf(text);
  return Number.isSafeInteger(ns) ? ns : null;
}

/** In ns, however many; NaN where `text` has not the form of a duration. */
function timeOf(text: string): number {
  const parts = /^(\d+(?:\.\d+)?)\s*(ns|us|µs|ms|s|m|h)$/.exec(text.trim());
  if (parts === null) return text.trim() === '0' ? 0 : Number.NaN;
  return Math.round(Number(parts[1]) * TIME_UNITS[parts[2]!]!);
}

type Value = string | number;

/** Whether a value, or one in a bound on values, has the form that `read` reads but is too large for it. */
function isTooLarge(text: Value, read: (text: Value) => number): boolean {
  const values =
    typeof text === 'number' ? [text] : text.split('..').map((end) => end.replace(/^\s*[<>=!]+/, ''));
  return values.some((value) => read(value) > Number.MAX_SAFE_INTEGER);
}

/** What a size may be where `text`, or the bound that it is, is none: by its form, or by how large. */
export const sizeForm = (text: Value): string =>
  isTooLarge(text, sizeOf) ? `a size of at most ${LARGEST_SIZE}` : SIZE_FORM;

/** The same of a duration. */
export const timeForm = (text: Value): string =>
  isTooLarge(text, (value) => timeOf(String(value))) ? `a duration of at most ${LONGEST_TIME}` : TIME_FORM;

/** A span of time with three digits and the unit that suits it: 4 µs, 3 m 12 s. */
export function formatDuration(ns: number): string {
  if (ns < 0) return `-${formatDuration(-ns)}`;
  if (ns < 1000) return `${ns} ns`;
  if (ns < 999_500) return `${trimmed(ns / 1e3)} µs`;
  if (ns < 999_500_000) return `${trimmed(ns / 1e6)} ms`;
  if (ns < 119.5e9) return `${trimmed(ns / 1e9)} s`;
  const seconds = Math.round(ns / 1e9);
  const rest = `${Math.floor((seconds % 3600) / 60)} m ${seconds % 60} s`;
  return seconds < 3600 ? rest : `${Math.floor(seconds / 3600)} h ${rest}`;
}

const trimmed = (n: number): string => String(Number(n.toPrecision(3)));

/** Pages in the largest unit that shows them exactly, or with one digit: 40 GiB, 1023.9 MiB, 3 pages. */
export function formatPages(pages: number): string {
  const mib = pages / 256;
  if (mib >= 1024 * 1024 && Number.isInteger(mib / 1024)) return `${trimmedSize(mib / 1024 / 1024)} TiB`;
  if (mib >= 1024) return `${trimmedSize(mib / 1024)} GiB`;
  if (mib >= 1) return `${trimmedSize(mib)} MiB`;
  return `${pages} page${pages === 1 ? '' : 's'}`;
}

const trimmedSize = (n: number): string => (Number.isInteger(n) ? String(n) : n.toFixed(1));

/** A bound on a number; both ends belong to it. `not` excludes one value. */
export interface Bound {
  readonly min: number;
  readonly max: number;
  readonly not?: number;
  /** As it was written. */
  readonly text: string;
}

/**
 * Reads `3`, `">= 3"`, `"< 10"`, `"!= 0"` or `"3..5"`; `unit` reads one value. Null when it is none of these.
 * Strict bounds count in whole units: `< 10` allows 9.
 */
export function parseBound(
  value: string | number,
  unit: (text: string | number) => number | null,
): Bound | null {
  const text = String(value).trim();
  const range = /^(.+?)\.\.(.+)$/.exec(text);
  if (range !== null) {
    const min = unit(range[1]!);
    const max = unit(range[2]!);
    return min === null || max === null ? null : { min, max, text };
  }
  const parts = /^(<=|>=|<|>|!=|==?)?\s*(.+)$/.exec(text);
  const n = parts === null ? null : unit(parts[2]!);
  if (parts === null || n === null) return null;
  switch (parts[1]) {
    case '<':
      return { min: -Infinity, max: n - 1, text };
    case '<=':
      return { min: -Infinity, max: n, text };
    case '>':
      return { min: n + 1, max: Infinity, text };
    case '>=':
      return { min: n, max: Infinity, text };
    case '!=':
      return { min: -Infinity, max: Infinity, not: n, text };
    default:
      return { min: n, max: n, text };
  }
}

/** A plain whole number, for bounds on counts. */
export function parseCount(text: string | number): number | null {
  const n = Number(text);
  return String(text).trim() !== '' && Number.isSafeInteger(n) ? n : null;
}

export const within = (bound: Bound, n: number): boolean =>
  n >= bound.min && n <= bound.max && n !== bound.not;
