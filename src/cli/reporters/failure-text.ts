/** A failed expectation in words and tables, as every reporter for people shows it. */
import { formatDuration } from '../../explorer/amount.ts';
import type { Failure, ScenarioResult } from '../../explorer/result-record.ts';
import { firstDifference } from '../../explorer/transcript.ts';
import { visible } from '../screen.ts';
import { lineDifference } from './line-difference.ts';

/** A text with something before each of its lines that is not empty. */
export const indent = (text: string, by: string): string =>
  text
    .replace(/\n$/, '')
    .split('\n')
    .map((line) => (line === '' ? '' : by + line))
    .join('\n');

/** One line: what was expected and what was there; of a recorded output the first line that is not as it was. */
export function failureLine(failure: Failure): string {
  const { step, what } = failure;
  const [expected, got] = [failure.expected.split('\n'), failure.got.split('\n')];
  const first = what === 'output' ? (firstDifference(expected, got) ?? 0) : 0;
  const short = (lines: readonly string[]): string => {
    const line = lines[first] ?? 'no more lines';
    return lines.length > 1 ? `${line} …` : line;
  };
  return visible(`${step}: ${what}: expected ${short(expected)}, got ${short(got)}`);
}

/** Texts that are compared line by line. */
const COMPARED: readonly string[] = ['output', 'stdout', 'stderr'];

/** Everything about a failure: expected, got, the tables at that moment, who held what, the last events. */
export function failureText(file: string, failure: Failure): string {
  const { line, column, step, what, expected, got, at } = failure;
  const parts = [`${file}:${line}:${column}: ${step}: ${what} (at +${formatDuration(at)})`];
  const isLong = expected.includes('\n') || got.includes('\n');
  const difference = isLong && COMPARED.includes(what) ? lineDifference(expected, got) : null;
  if (difference !== null) parts.push('  expected (-) and got (+):', indent(difference, '    '));
  else if (isLong) parts.push('  expected:', indent(expected, '    '), '  got:', indent(got, '    '));
  else parts.push(`  expected ${expected}`, `  got      ${got}`);
  if (failure.held.length > 0) parts.push('  held at that moment:', indent(failure.held.join('\n'), '    '));
  if (failure.tables !== '') parts.push(indent(failure.tables, '    '));
  if (failure.events.length > 0) parts.push('  last events:', indent(failure.events.join('\n'), '    '));
  return visible(`${parts.join('\n')}\n`);
}

/** All failures of a result; those of one moment share their tables and events. */
export function failuresText(file: string, result: ScenarioResult): string {
  let last: Failure | null = null;
  return result.failures
    .map((failure) => {
      // Another step may end at the same moment: what is the same is not said again.
      const isSame = last !== null && last.at === failure.at && isSameSight(last, failure);
      last = failure;
      return failureText(file, isSame ? { ...failure, tables: '', held: [], events: [] } : failure);
    })
    .join('');
}

const isSameSight = (a: Failure, b: Failure): boolean =>
  a.tables === b.tables && a.held.join() === b.held.join() && a.events.join() === b.events.join();
