/** What a step printed against what it was expected to print. */
import type { TextExpectation } from './expectation-schema.ts';
import { readRegex } from './regex.ts';

/** An expectation that does not hold: which one, what it says, and what was there. */
export interface Mismatch {
  readonly what: string;
  readonly expected: string;
  readonly got: string;
  /** Where in the file that was said, if not where the step is. */
  readonly line?: number;
  readonly column?: number;
}

/** Compares `text` with what is expected of the stream called `what`. */
export function textMismatches(what: string, expected: TextExpectation, text: string): Mismatch[] {
  if (typeof expected === 'string') return exactMismatch(what, expected, text);
  const found: Mismatch[] = [];
  if (expected.is !== undefined) found.push(...exactMismatch(what, expected.is, text));
  for (const part of listOf(expected.contains)) {
    if (!text.includes(part))
      found.push({ what, expected: `text with ${JSON.stringify(part)}`, got: shown(text) });
  }
  for (const part of listOf(expected.lacks)) {
    if (text.includes(part)) found.push({ what, expected: `no ${JSON.stringify(part)}`, got: shown(text) });
  }
  for (const pattern of listOf(expected.matches)) {
    const regex = readRegex(pattern);
    if (regex === null) found.push({ what, expected: `/${pattern}/`, got: 'not a regular expression' });
    else if (!regex.test(text)) found.push({ what, expected: `a match of /${pattern}/`, got: shown(text) });
  }
  return found;
}

const listOf = (value: string | string[] | undefined): readonly string[] =>
  value === undefined ? [] : [value].flat();

/** YAML blocks end in a newline, quoted text often does not; one at the end makes no difference. */
function exactMismatch(what: string, expected: string, text: string): Mismatch[] {
  const trim = (s: string): string => s.replace(/\n$/, '');
  if (trim(expected) === trim(text)) return [];
  return [{ what, expected: shown(expected), got: shown(text) }];
}

const MAX_SHOWN = 2000;

/** Text for a report: as it is, cut where it gets too long; nothing is said to be nothing. */
function shown(text: string): string {
  if (text === '') return '(nothing)';
  const body = text.replace(/\n$/, '');
  return body.length > MAX_SHOWN ? `${body.slice(0, MAX_SHOWN)}… (${body.length} characters)` : body;
}
