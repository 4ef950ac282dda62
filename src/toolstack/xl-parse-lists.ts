/**
 * Lists and comma separated entries as xl's config parser walks them, up to sizes that no guest needs. Models the
 * loops of parse_config_data(), tools/xl/xl_parse.c.
 */
import { checkDevices, checkElements } from './xl-parse-limits.ts';
import { type ParseState, readList } from './xl-parse-state.ts';
import { leadingStrings, listLength, listValues, type XluList, type XluValue } from './xlu-cfg-value.ts';

/** The values of a list. */
export function entriesOf(state: ParseState, list: XluList): XluValue[] {
  checkElements(state, listLength(list));
  return listValues(list);
}

/** The leading values of a list that are text. Models xlu_cfg_get_list_as_string_list(). */
export function stringList(state: ParseState, list: XluList): string[] {
  checkElements(state, listLength(list));
  return leadingStrings(list);
}

/** The entries of a device list up to the first that is not text, which ends xl's loops. */
export function deviceEntries(state: ParseState, key: string): string[] {
  const list = readList(state, key);
  if (list === null) return [];
  checkDevices(state, listLength(list));
  return leadingStrings(list);
}

/** What is between `separators`, without what is empty. Models strtok(). */
export function piecesOf(state: ParseState, text: string, separators: string): string[] {
  const pieces: string[] = [];
  let start = 0;
  for (let at = 0; at <= text.length; at++) {
    if (at < text.length && !separators.includes(text[at]!)) continue;
    if (at > start) {
      pieces.push(text.slice(start, at));
      checkElements(state, pieces.length);
    }
    start = at + 1;
  }
  return pieces;
}

/** Tokens between commas; empty ones vanish and only leading spaces are removed. Models strtok() loops of xl_parse.c. */
export const commaTokens = (state: ParseState, text: string): string[] =>
  piecesOf(state, text, ',').map((token) => token.replace(/^ +/, ''));
