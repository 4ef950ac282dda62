/** GitHub annotations: at most ten a step are shown, so the worst come first and the rest is counted. */
import type { Failure, FileResult, ReplayReport } from '../../explorer/result-record.ts';
import { totalsOf, unplayed } from '../../explorer/result-record.ts';
import { visible, visibleLine } from '../screen.ts';
import { failureLine, failureText } from './failure-text.ts';
import { leftText, type ReporterContext } from './reporter.ts';

const SHOWN = 10;

interface Annotation {
  /** Lower is worse. */
  readonly rank: number;
  readonly file: string;
  readonly line: number;
  readonly column: number;
  readonly title: string;
  readonly message: string;
}

export function githubReporter(report: ReplayReport, context: ReporterContext): string {
  const all = report.files.flatMap(annotations).sort((a, b) => a.rank - b.rank);
  // The last one is for what was left out.
  const room = all.length > SHOWN ? SHOWN - 1 : SHOWN;
  const lines = all.slice(0, room).map((each) => command({ ...each, file: context.inWorkspace(each.file) }));
  if (all.length > room) {
    const more = all.length - room;
    lines.push(
      `::error title=xlsim replay::${more} more failures are not shown here; see the log or the JUnit report\n`,
    );
  }
  const left = unplayed(report);
  if (left > 0) lines.push(`::warning title=xlsim replay::${leftText(left)}\n`);
  const totals = totalsOf(report.files);
  const bad = totals.failed + totals.hung + totals.invalid;
  if (bad === 0) {
    const passed = `${totals.passed} scenario${totals.passed === 1 ? '' : 's'} passed`;
    lines.push(`::notice title=xlsim replay::${passed}\n`);
  }
  return lines.join('');
}

function annotations(file: FileResult): Annotation[] {
  const invalid = file.problems.map(({ line, column, message }) => ({
    rank: 0,
    file: file.file,
    line,
    column,
    title: 'invalid scenario',
    message,
  }));
  const results = file.results.flatMap((result) => {
    const failures = result.failures.map((failure, i) => failed(file.file, result.name, failure, i));
    if (result.hung.length === 0) return failures;
    const message = result.hung.join('\n');
    // What failed before it hung says more.
    const rank = result.verdict === 'hung' ? 1 : 3;
    return [
      { rank, file: file.file, line: 1, column: 1, title: `${result.name}: hung`, message },
      ...failures,
    ];
  });
  return [...invalid, ...results];
}

/** The first failure of a scenario says most; what follows is often its consequence. */
const failed = (file: string, name: string, failure: Failure, i: number): Annotation => ({
  rank: i === 0 ? 2 : 3,
  file,
  line: failure.line,
  column: failure.column,
  title: `${name}: ${failureLine(failure)}`,
  message: failureText(file, failure),
});

function command({ file, line, column, title, message }: Annotation): string {
  const properties = `file=${property(visibleLine(file))},line=${line},col=${column},title=${property(visibleLine(title))}`;
  return `::error ${properties}::${data(visible(message.replace(/\n$/, '')))}\n`;
}

const data = (text: string): string =>
  text.replaceAll('%', '%25').replaceAll('\r', '%0D').replaceAll('\n', '%0A');
const property = (text: string): string => data(text).replaceAll(':', '%3A').replaceAll(',', '%2C');
