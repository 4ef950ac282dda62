/** What a step printed against what it was expected to print. */
import type { TextExpectation } from './expectation-schema.ts';
import { readRegex } from './regex.ts';
import { matchesRegex } from './regex-program.ts';

/** An expectation that does not hold: which one, what it says, and what was there. */
export interface Mismatch {
  readonly what: string;
  readonly expected: string;
  readonly got: string;
  /** Which part of the expectation it is, as in `.contains[1]`; absent: all of it. */
  readonly part?: string;
  /** Where in the file that was said, if neither where the expectation stands nor the step. */
  readonly line?: number;
  readonly column?: number;
}

/** Compares `text` with what is expected of the stream called `what`. */
export function textMismatches(what: string, expected: TextExpectation, text: string): Mismatch[] {
  if (typeof expected === 'string') return exactMismatch(what, expected, text);
  const found: Mismatch[] = [];
  const miss = (part: string, said: string, got = shown(text)): void => {
    found.push({ what, part, expected: said, got });
  };
  if (expected.is !== undefined) {
    found.push(...exactMismatch(what, expected.is, text).map((each) => ({ ...each, part: '.is' })));
  }
  for (const [i, part] of listOf(expected.contains)) {
    if (!text.includes(part)) miss(`.contains[${i}]`, `text with ${JSON.stringify(part)}`);
  }
  for (const [i, part] of listOf(expected.lacks)) {
    if (text.includes(part)) miss(`.lacks[${i}]`, `no ${JSON.stringify(part)}`);
  }
  for (const [i, pattern] of listOf(expected.matches)) {
    const read = readRegex(pattern);
    if (!read.ok) miss(`.matches[${i}]`, `/${pattern}/`, `it ${read.why}`);
    else if (!matchesRegex(read.regex, text)) miss(`.matches[${i}]`, `a match of /${pattern}/`);
  }
  return found;
}

const listOf = (value: string | string[] | undefined): Iterable<[number, string]> =>
  (value === undefined ? [] : [value].flat()).entries();

/** What is expected of a text, in words. */
export function textWanted(expected: TextExpectation): string {
  if (typeof expected === 'string') return expected;
  const said = expected.is === undefined ? [] : [expected.is];
  for (const [, part] of listOf(expected.contains)) said.push(`text with ${JSON.stringify(part)}`);
  for (const [, part] of listOf(expected.lacks)) said.push(`no ${JSON.stringify(part)}`);
  for (const [, pattern] of listOf(expected.matches)) said.push(`a match of /${pattern}/`);
  return said.join(', ');
}

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
