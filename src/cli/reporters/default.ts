/** The reporter for people: a line for every scenario, everything about what failed, and how to see it again. */
import { formatDuration } from '../../explorer/amount.ts';
import {
  type FileResult,
  type ReplayReport,
  type ScenarioResult,
  totalsOf,
  unplayed,
} from '../../explorer/result-record.ts';
import { formatProblem } from '../../explorer/scenario-problem.ts';
import { visible, visibleLine } from '../screen.ts';
import { failureLine, failuresText } from './failure-text.ts';
import { leftText, type ReporterContext } from './reporter.ts';

const MARKS = { passed: 'ok  ', failed: 'FAIL', hung: 'HUNG', skipped: 'skip' } as const;

export function defaultReporter(report: ReplayReport, context: ReporterContext): string {
  const files = report.files.map((file) => fileLines(file, context)).join('');
  return files + summary(report, context);
}

/** A file's lines. */
function fileLines(file: FileResult, { paint }: ReporterContext): string {
  if (file.problems.length > 0) {
    return file.problems.map((p) => `${visible(formatProblem(file.file, p))}\n`).join('');
  }
  // Of files from which nothing was wanted the last line tells.
  if (file.results.every(({ verdict }) => verdict === 'skipped')) return '';
  const lines = [`${paint.heading(visibleLine(file.file))}\n`];
  for (const result of file.results) {
    lines.push(resultLine(result));
    lines.push(hungText(result));
    if (result.failures.length > 0) lines.push(`\n${failuresText(file.file, result)}\n`);
  }
  return lines.join('');
}

function resultLine(result: ScenarioResult): string {
  const { name, verdict, ns, steps, kind, failedAsStated } = result;
  const took =
    verdict === 'skipped' ? '' : ` (${steps} step${steps === 1 ? '' : 's'}, ${formatDuration(ns)})`;
  const stated =
    failedAsStated.length === 0
      ? ''
      : `; fails as stated at ${failedAsStated.length} expectation${failedAsStated.length === 1 ? '' : 's'}`;
  // A twin's missing failures are failures of their own kind.
  const others = kind === 'twin' ? result.failures.filter(({ what }) => what !== 'twin').length : 0;
  const unnamed =
    others === 0 ? '' : `${stated === '' ? ';' : ','} and at ${others} that its "fails" does not name`;
  const first =
    kind === 'twin' && verdict === 'passed' && failedAsStated[0] !== undefined
      ? `\n         ${failureLine(failedAsStated[0])}`
      : '';
  return `  ${MARKS[verdict]} ${visibleLine(name)}${took}${stated}${unnamed}${first}\n`;
}

/** Where a run came to no end, which it may have done after something failed; empty: it came to one. */
export const hungText = (result: ScenarioResult): string =>
  visible(result.hung.map((line, i) => `       ${i === 0 ? '' : '  '}${line}\n`).join(''));

/** The last lines of a run. */
export function summary(report: ReplayReport, { paint, again }: ReporterContext): string {
  const totals = totalsOf(report.files);
  const parts = (['passed', 'failed', 'hung', 'skipped', 'invalid'] as const)
    .filter((key) => totals[key] > 0)
    .map(
      (key) =>
        `${totals[key]} ${key !== 'invalid' ? key : totals[key] === 1 ? 'invalid file' : 'invalid files'}`,
    );
  const shard = report.shard.of === 1 ? '' : `, shard ${report.shard.index}/${report.shard.of}`;
  const n = report.files.length;
  const lines = [
    `${paint.heading(parts.length === 0 ? 'nothing ran' : parts.join(', '))} in ${n} file${n === 1 ? '' : 's'} (seed ${report.seed}${shard})\n`,
  ];
  const left = unplayed(report);
  if (left > 0) lines.push(`${leftText(left)}\n`);
  for (const path of report.updated) lines.push(`updated ${visibleLine(path)}\n`);
  for (const file of report.files) {
    const isBad = file.results.some((r) => r.verdict === 'failed' || r.verdict === 'hung');
    if (isBad) lines.push(`again: ${again(file.file)}\n`);
  }
  return lines.join('');
}
