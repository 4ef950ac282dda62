/**
 * Plain data as short texts: equal data give equal texts, and what is shared is looked at once.
 *
 * Objects become numbers. Flows copy their variables at every step but share what is inside, so naming a task again
 * costs what has changed in it. Keys whose value is undefined are as good as absent.
 */

import { isLong, namesOfPieces } from './long-text.ts';

/** A table of names. Grows, never forgets. */
export interface Canon {
  readonly ids: Map<string, number>;
  readonly known: WeakMap<object, string>;
}

export const newCanon = (): Canon => ({ ids: new Map(), known: new WeakMap() });

/** The number of a text: the same for the same text, counted from 0 in order of first use. */
export function canonId(canon: Canon, text: string): number {
  const id = canon.ids.get(text);
  if (id !== undefined) return id;
  const fresh = canon.ids.size;
  canon.ids.set(text, fresh);
  return fresh;
}

/** Texts up to this length stand for themselves. */
const SHORT = 24;

/** The name of plain data (what JSON can hold, and maps of it). Objects must not change once they have been named. */
export function canonText(canon: Canon, value: unknown): string {
  if (typeof value === 'string') {
    return value.length <= SHORT ? JSON.stringify(value) : `t${canonId(canon, value)}`;
  }
  if (typeof value !== 'object' || value === null) return String(value);
  const known = canon.known.get(value);
  if (known !== undefined) return known;
  const name = `#${canonId(canon, partsText(canon, value))}`;
  canon.known.set(value, name);
  return name;
}

function listText(canon: Canon, list: readonly unknown[]): string {
  let text = '[';
  for (const part of list) text += `${canonText(canon, part)},`;
  return text;
}

/** A number that is the same for what is the same: where frames begin; of all else a long list is one piece. */
function markOf(value: unknown): number {
  if (typeof value !== 'object' || value === null || !('first' in value)) return 1;
  return typeof value.first === 'number' ? value.first : 1;
}

function partsText(canon: Canon, value: object): string {
  if (Array.isArray(value)) {
    if (!isLong(value.length)) return listText(canon, value);
    const textOf = (from: number, to: number): string => listText(canon, value.slice(from, to));
    return `[+${namesOfPieces(
      value.length,
      (i) => markOf(value[i]),
      textOf,
      (text) => `#${canonId(canon, text)}`,
    )}`;
  }
  // In order of creation most objects of a kind agree; where they do not, equal ones must.
  if (value instanceof Map) {
    const entries: [string, unknown][] = [...value].map(([k, v]) => [String(k), v]);
    entries.sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));
    let text = 'm{';
    for (const [key, part] of entries) if (part !== undefined) text += `${key}:${canonText(canon, part)},`;
    return text;
  }
  let text = '{';
  for (const key of Object.keys(value).sort()) {
    const part = (value as Readonly<Record<string, unknown>>)[key];
    if (part !== undefined) text += `${key}:${canonText(canon, part)},`;
  }
  return text;
}
