/**
 * Values, read where they stand in the text of a config whose grammar has been checked. A config of millions of
 * settings or elements costs no more than its text and a few offsets that way. Xen: XLU_ConfigValue.
 */
import { dequote } from './xlu-cfg-dequote.ts';

/** A value: text (a number is text too) or a list. Xen: XLU_ConfigValue. */
export type XluValue = string | XluList;

/** Xen: XLU_ConfigList. With `+=` a list has several parts. */
export interface XluList {
  readonly text: string;
  /** Offset of the `[` of each part. */
  readonly parts: Int32Array;
}

export const isList = (value: XluValue): value is XluList => typeof value !== 'string';

const OPEN = 91;
const CLOSE = 93;

/** The end of the string that opens at `start`, or -1 when its line or the text ends first. */
export function stringEnd(text: string, start: number): number {
  const quote = text.charCodeAt(start);
  for (let i = start + 1; i < text.length; i++) {
    const c = text.charCodeAt(i);
    if (c === quote) return i + 1;
    if (c === 10) return -1;
    if (c === 92) {
      i++;
      if (text.charCodeAt(i) === 10) return -1;
    }
  }
  return -1;
}

/** The end of the number that starts at `start`. */
export function numberEnd(text: string, start: number): number {
  for (let i = start + 1; i < text.length; i++) {
    const c = text.charCodeAt(i);
    if (!((c >= 48 && c <= 57) || (c >= 97 && c <= 102) || c === 120)) return i;
  }
  return text.length;
}

const isQuote = (c: number): boolean => c === 34 || c === 39;
/** Whether the value at `start` is a list. */
export const isListAt = (text: string, start: number): boolean => text.charCodeAt(start) === OPEN;

const scalarEnd = (text: string, start: number): number =>
  isQuote(text.charCodeAt(start)) ? stringEnd(text, start) : numberEnd(text, start);

/** How long the text at `start` is at most: its bytes as written, quotes apart. */
export function scalarLength(text: string, start: number): number {
  const end = scalarEnd(text, start);
  return isQuote(text.charCodeAt(start)) ? end - start - 2 : end - start;
}

/** The text at `start`, escapes resolved. */
export function scalarAt(text: string, start: number): string {
  const end = scalarEnd(text, start);
  return isQuote(text.charCodeAt(start)) ? dequote(text, start, end) : text.slice(start, end);
}

/** From `at`, the next offset inside a list where a value or a bracket stands: blanks, newlines, comments and commas are passed over. */
export function nextInList(text: string, at: number): number {
  for (;;) {
    const c = text.charCodeAt(at);
    if (c === 35) at = text.indexOf('\n', at) + 1;
    else if (c === 32 || c === 9 || c === 10 || c === 44) at++;
    else return at;
  }
}

/** The offset after the value at `start`; lists may be thousands deep. */
export function valueEnd(text: string, start: number): number {
  if (!isListAt(text, start)) return scalarEnd(text, start);
  let at = start + 1;
  let depth = 1;
  while (depth > 0) {
    at = nextInList(text, at);
    const c = text.charCodeAt(at);
    if (c === OPEN) depth++;
    else if (c === CLOSE) depth--;
    at = c === OPEN || c === CLOSE ? at + 1 : scalarEnd(text, at);
  }
  return at;
}

/** Calls `visit` with the offset of each value of a list, until it returns false. */
function eachStart({ text, parts }: XluList, visit: (start: number) => boolean): void {
  for (const part of parts) {
    let at = nextInList(text, part + 1);
    while (text.charCodeAt(at) !== CLOSE) {
      if (!visit(at)) return;
      at = nextInList(text, valueEnd(text, at));
    }
  }
}

/** How many values a list has. Models xlu_cfg_get_list()'s entries. */
export function listLength(list: XluList): number {
  let length = 0;
  eachStart(list, () => {
    length++;
    return true;
  });
  return length;
}

/** The values of a list. */
export function listValues(list: XluList): XluValue[] {
  const { text } = list;
  const values: XluValue[] = [];
  eachStart(list, (start) => {
    values.push(isListAt(text, start) ? { text, parts: Int32Array.of(start) } : scalarAt(text, start));
    return true;
  });
  return values;
}

/** The leading elements that are text: copying stops at the first nested list. Models xlu_cfg_get_list_as_string_list(). */
export function leadingStrings(list: XluList): string[] {
  const { text } = list;
  const strings: string[] = [];
  eachStart(list, (start) => {
    if (isListAt(text, start)) return false;
    strings.push(scalarAt(text, start));
    return true;
  });
  return strings;
}

/** The line the `index`-th value of a list starts on. */
export function valueLine(list: XluList, index: number): number {
  const { text } = list;
  let seen = 0;
  let at = 0;
  eachStart(list, (start) => {
    at = start;
    return seen++ < index;
  });
  let line = 1;
  for (
    let newline = text.indexOf('\n');
    newline >= 0 && newline < at;
    newline = text.indexOf('\n', newline + 1)
  ) {
    line++;
  }
  return line;
}
