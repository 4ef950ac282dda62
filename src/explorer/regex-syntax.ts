/** The parts of a regular expression that JavaScript takes for one; its words are those of ECMAScript's grammar. */

/** What has to be there, from outside in. */
export type RegexNode =
  /** One code unit of a text. */
  | { readonly kind: 'unit'; readonly source: string }
  /** A place between two of them. */
  | { readonly kind: 'place'; readonly at: '^' | '$' | 'b' | 'B' }
  | { readonly kind: 'all'; readonly parts: readonly RegexNode[] }
  | { readonly kind: 'any'; readonly parts: readonly RegexNode[] }
  | { readonly kind: 'repeat'; readonly part: RegexNode; readonly min: number; readonly max: number };

type Parsed =
  | { readonly ok: true; readonly node: RegexNode }
  /** Why it is not taken, as the end of a sentence about the expression. */
  | { readonly ok: false; readonly why: string };

/** Groups inside of each other. */
const MOST_DEPTH = 200;

interface Reading {
  readonly text: string;
  /** Groups that can be referred to, and whether some have names. */
  readonly groups: number;
  readonly hasNames: boolean;
  at: number;
  depth: number;
  wrong: string | null;
}

/** Reads `text`, of which `new RegExp(text)` has said that it is a regular expression. */
export function parseRegex(text: string): Parsed {
  const bare = text.replace(/\\.|\[(?:\\.|[^\]\\])*\]/gs, '');
  const opening = bare.match(/\((?!\?(?!<(?![=!])))/g) ?? [];
  const hasNames = /\(\?<(?![=!])/.test(bare);
  const reading: Reading = { text, groups: opening.length, hasNames, at: 0, depth: 0, wrong: null };
  const node = readAny(reading);
  return reading.wrong === null ? { ok: true, node } : { ok: false, why: reading.wrong };
}

/** What is left out of an expression that is not taken. */
const NOTHING: RegexNode = { kind: 'all', parts: [] };

function refuse(r: Reading, what: string, written: string): RegexNode {
  r.wrong ??= `has ${what}, "${written}", which is not taken: what it would match is not found in linear time`;
  r.at = r.text.length;
  return NOTHING;
}

/** A disjunction, up to its end or that of its group. */
function readAny(r: Reading): RegexNode {
  const parts = [readAll(r)];
  while (r.text[r.at] === '|') {
    r.at++;
    parts.push(readAll(r));
  }
  return parts.length === 1 ? parts[0]! : { kind: 'any', parts };
}

function readAll(r: Reading): RegexNode {
  const parts: RegexNode[] = [];
  while (r.at < r.text.length && r.text[r.at] !== '|' && r.text[r.at] !== ')')
    parts.push(repeated(r, readTerm(r)));
  return { kind: 'all', parts };
}

/** A term with its quantifier, if it has one; whether that is greedy says only which match is found first. */
function repeated(r: Reading, part: RegexNode): RegexNode {
  const found = /^(?:([*+?])|\{(\d+)(?:(,)(\d*))?\})\??/.exec(r.text.slice(r.at, r.at + QUANTIFIER));
  if (found === null) return part;
  r.at += found[0].length;
  const [, sign, from, comma, to] = found;
  if (sign !== undefined) {
    return {
      kind: 'repeat',
      part,
      min: sign === '+' ? 1 : 0,
      max: sign === '?' ? 1 : Number.POSITIVE_INFINITY,
    };
  }
  const min = Number(from);
  const max = comma === undefined ? min : to === '' ? Number.POSITIVE_INFINITY : Number(to);
  return { kind: 'repeat', part, min, max };
}

/** Characters of the longest quantifier that is looked for. */
const QUANTIFIER = 64;

/** An assertion or an atom. */
function readTerm(r: Reading): RegexNode {
  const char = r.text[r.at]!;
  if (char === '(') return readGroup(r);
  if (char === '\\') return readEscape(r);
  if (char === '^' || char === '$') {
    r.at++;
    return { kind: 'place', at: char };
  }
  if (char !== '[') return take(r, 1);
  let end = r.at + 1;
  while (r.text[end] !== ']') end += r.text[end] === '\\' ? 2 : 1;
  return take(r, end + 1 - r.at);
}

/** So many characters of the expression stand for one code unit. */
function take(r: Reading, length: number): RegexNode {
  const source = r.text.slice(r.at, r.at + length);
  r.at += length;
  // What is no quantifier stands for itself.
  return { kind: 'unit', source: source === '{' ? '\\{' : source };
}

function readGroup(r: Reading): RegexNode {
  const [head] = /^\((?:\?(?:<?[=!]|:|<[^>]*>|[^:)]*:))?/.exec(r.text.slice(r.at))!;
  if (/[=!]$/.test(head)) return refuse(r, head.includes('<') ? 'a look-behind' : 'a look-ahead', head);
  if (head.startsWith('(?') && head !== '(?:' && !head.startsWith('(?<')) return refuse(r, 'flags', head);
  if (++r.depth > MOST_DEPTH) return refuse(r, `groups more than ${MOST_DEPTH} deep`, head);
  r.at += head.length;
  const node = readAny(r);
  r.depth--;
  r.at++;
  return node;
}

function readEscape(r: Reading): RegexNode {
  const rest = r.text.slice(r.at, r.at + ESCAPE);
  const place = /^\\([bB])/.exec(rest)?.[1];
  if (place !== undefined) {
    r.at += 2;
    return { kind: 'place', at: place as 'b' | 'B' };
  }
  const number = /^\\([1-9]\d*)/.exec(rest);
  if (number !== null && Number(number[1]) <= r.groups) return refuse(r, 'a backreference', number[0]);
  if (r.hasNames && rest.startsWith('\\k')) return refuse(r, 'a backreference', '\\k');
  const [whole] = /^\\(?:u[\da-fA-F]{4}|x[\da-fA-F]{2}|c[a-zA-Z]|[0-3][0-7]{0,2}|[4-7][0-7]?|(?=c)|.)/s.exec(
    rest,
  )!;
  // A backslash before a c that names no control character stands for itself.
  if (whole !== '\\') return take(r, whole.length);
  r.at++;
  return { kind: 'unit', source: '\\\\' };
}

/** Characters of the longest escape that is looked for. */
const ESCAPE = 16;
