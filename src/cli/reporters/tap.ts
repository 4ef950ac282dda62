/** TAP version 14: a test point for every scenario and twin, with YAML about what failed. */
import {
  type FileResult,
  type ReplayReport,
  type ScenarioResult,
  unplayed,
} from '../../explorer/result-record.ts';
import { formatProblem } from '../../explorer/scenario-problem.ts';
import { yamlText } from '../../explorer/yaml-write.ts';
import { visibleLine } from '../screen.ts';
import { indent } from './failure-text.ts';
import { leftText, type ReporterContext } from './reporter.ts';

/** A point's description must not hold a line break or a directive of its own. */
const description = (text: string): string =>
  visibleLine(text).replaceAll('\\', '\\\\').replaceAll('#', '\\#');

export function tapReporter(report: ReplayReport, _context: ReporterContext): string {
  const points = report.files.flatMap(filePoints);
  const lines = points.map(({ ok, name, directive, diagnostics }, i) => {
    const head = `${ok ? 'ok' : 'not ok'} ${i + 1} - ${description(name)}${directive}\n`;
    return diagnostics === null ? head : `${head}  ---\n${yaml(diagnostics)}  ...\n`;
  });
  const left = unplayed(report);
  // Whoever reads it is to take the run for broken off.
  const end = left === 0 ? '' : `Bail out! ${leftText(left)}\n`;
  return `TAP version 14\n1..${points.length}\n# seed ${report.seed}\n${lines.join('')}${end}`;
}

interface Point {
  readonly ok: boolean;
  readonly name: string;
  readonly directive: string;
  readonly diagnostics: object | null;
}

function filePoints(file: FileResult): Point[] {
  if (file.problems.length > 0) {
    const diagnostics = { problems: file.problems.map((p) => formatProblem(file.file, p)) };
    return [{ ok: false, name: file.file, directive: '', diagnostics }];
  }
  return file.results.map((result) => point(file.file, result));
}

function point(file: string, result: ScenarioResult): Point {
  const name = `${file}: ${result.name}`;
  if (result.verdict === 'skipped')
    return { ok: true, name, directive: ' # SKIP not selected', diagnostics: null };
  if (result.verdict === 'passed') return { ok: true, name, directive: '', diagnostics: null };
  const failures = result.failures.map(({ step, what, line, column, expected, got, at, held, events }) => ({
    at: `${file}:${line}:${column}`,
    step,
    what,
    expected,
    got,
    virtual_ns: at,
    held,
    events,
  }));
  const diagnostics = { verdict: result.verdict, seed: result.seed, hung: result.hung, failures };
  return { ok: false, name, directive: '', diagnostics };
}

/** Deeper than the marks around it, so that no line of a text is one of them. */
const yaml = (diagnostics: object): string => `${indent(yamlText(diagnostics, []), '  ')}\n`;
