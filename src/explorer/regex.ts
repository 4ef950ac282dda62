/**
 * Regular expressions that a scenario gives: JavaScript's, matched in a time that grows as the text does, and no faster.
 *
 * The engine of the language tries one way after the other, and there may be more of them than anybody can wait for:
 * `(a+)+$` on a line of forty letters holds up a replay for hours. Here all ways are followed side by side, one character
 * of the text after the other. That is possible for all but look-around, backreferences and flags inside of the expression,
 * so those are refused by name.
 */
import { emitRegex, type RegexProgram } from './regex-program.ts';
import { parseRegex } from './regex-syntax.ts';

/** Where a regular expression may match in a text: every line has a beginning and an end. */
export type Regex = RegexProgram;

/** What was read, or what is wrong with it, as the end of a sentence about it. */
export type ReadRegex =
  | { readonly ok: true; readonly regex: Regex }
  /** `isNone`: JavaScript takes it for none either. */
  | { readonly ok: false; readonly why: string; readonly isNone: boolean };

/** Lines are looked at one by one (`^`, `$`). */
export function readRegex(pattern: string): ReadRegex {
  try {
    new RegExp(pattern, 'm');
  } catch {
    return { ok: false, why: 'must be a regular expression', isNone: true };
  }
  if (pattern.length > MOST_CHARACTERS) return { ok: false, why: TOO_LARGE, isNone: false };
  const parsed = parseRegex(pattern);
  if (!parsed.ok) return { ok: false, why: parsed.why, isNone: false };
  const regex = emitRegex(parsed.node);
  if (regex !== null) return { ok: true, regex };
  return { ok: false, why: TOO_LARGE, isNone: false };
}

const MOST_CHARACTERS = 20_000;
const TOO_LARGE = 'is too large a regular expression, with all its repeats written out';
