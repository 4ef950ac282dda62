/**
 * Quoted strings of the config grammar. Models xlu__cfgl_dequote(), tools/libs/util/libxlu_cfg.c.
 */
import { flushText, newByteText, putText } from './byte-text.ts';

/** What a letter after a backslash stands for, by its code. */
const SIMPLE: ReadonlyMap<number, number> = new Map(
  Object.entries({ '"': 34, "'": 39, '\\': 92, a: 7, b: 8, f: 12, n: 10, r: 13, t: 9, v: 11 }).map(
    ([letter, byte]) => [letter.charCodeAt(0), byte],
  ),
);

const BACKSLASH = 92;

/** What is wrong with a quoted string: the parser's message, or `abort` where the real program's assertion fails. */
export type QuoteFault = { readonly error: string } | { readonly abort: true };

const numericalError = (base: string): QuoteFault => ({
  error: `invalid digit after backslash ${base}numerical character escape in quoted string`,
});

/**
 * How many bytes an octal escape swallows after its first digit: of the next three a decimal number is read, which
 * stands for nothing. Below 2 it is an error.
 */
function octalLength(text: string, at: number, end: number): number {
  return /^[ \t\v\f\r]*[+-]?[0-9]+/.exec(text.slice(at, Math.min(at + 3, end)))?.[0].length ?? 0;
}

/** Looks through the quoted string of `text` between two offsets, its quotes included; null when nothing is wrong. */
export function quoteFault(text: string, start: number, end: number): QuoteFault | null {
  let fault: QuoteFault | null = null;
  for (let at = start + 1; at < end - 1; at++) {
    const c = text.charCodeAt(at);
    // The parser measures the token as a C string: a NUL ends it before its closing quote.
    if (c === 0) return { abort: true };
    if (c !== BACKSLASH || fault !== null) continue;
    at++;
    const letter = text.charCodeAt(at);
    if (letter === 0) return { abort: true };
    if (SIMPLE.has(letter)) continue;
    if (letter === 120) fault = numericalError('hex');
    else if (letter >= 48 && letter <= 55) {
      const length = octalLength(text, at + 1, end - 1);
      if (length < 2) fault = numericalError('octal');
      else at += length;
    } else fault = { error: 'invalid character after backlash in quoted string' };
  }
  return fault;
}

/** The next backslash before `end`, or -1. */
function nextBackslash(text: string, at: number, end: number): number {
  while (at < end && text.charCodeAt(at) !== BACKSLASH) at++;
  return at < end ? at : -1;
}

/** The text of a quoted string that quoteFault() finds nothing wrong with. */
export function dequote(text: string, start: number, end: number): string {
  const last = end - 1;
  let backslash = nextBackslash(text, start + 1, last);
  if (backslash < 0) return text.slice(start + 1, last);
  const pieces: string[] = [];
  const out = newByteText((piece) => pieces.push(piece));
  let at = start + 1;
  while (backslash >= 0) {
    if (backslash > at) putText(out, text.slice(at, backslash));
    const byte = SIMPLE.get(text.charCodeAt(backslash + 1));
    at = backslash + 2;
    if (byte === undefined) at += octalLength(text, at, last);
    else putText(out, String.fromCharCode(byte));
    backslash = nextBackslash(text, at, last);
  }
  putText(out, text.slice(at, last));
  flushText(out);
  return pieces.join('');
}
