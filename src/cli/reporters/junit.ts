/** JUnit XML: a suite for every file, a case for every scenario and twin. Times are of the virtual clock. */
import type { FileResult, ReplayReport, ScenarioResult } from '../../explorer/result-record.ts';
import { formatProblem } from '../../explorer/scenario-problem.ts';
import { visible, visibleLine } from '../screen.ts';
import { xmlText } from '../xml-text.ts';
import { hungText } from './default.ts';
import { failureLine, failuresText } from './failure-text.ts';
import type { ReporterContext } from './reporter.ts';

export function junitReporter(report: ReplayReport, _context: ReporterContext): string {
  const suites = report.files.map((file) => suite(file, report.seed));
  const sum = (key: 'tests' | 'failures' | 'errors'): number => suites.reduce((n, s) => n + s[key], 0);
  const time = seconds(report.files.flatMap((f) => f.results).reduce((ns, r) => ns + r.ns, 0));
  const head = `<testsuites name="xlsim replay" tests="${sum('tests')}" failures="${sum('failures')}" errors="${sum('errors')}" time="${time}">`;
  return `<?xml version="1.0" encoding="UTF-8"?>\n${head}\n${suites.map((s) => s.xml).join('')}</testsuites>\n`;
}

interface Suite {
  readonly tests: number;
  readonly failures: number;
  readonly errors: number;
  readonly skipped: number;
  readonly xml: string;
}

function suite(file: FileResult, seed: number): Suite {
  const isInvalid = file.problems.length > 0;
  const count = (verdict: string): number => file.results.filter((r) => r.verdict === verdict).length;
  const tests = isInvalid ? 1 : file.results.length;
  const counts = {
    tests,
    failures: count('failed'),
    errors: isInvalid ? 1 : count('hung'),
    skipped: count('skipped'),
  };
  const cases = isInvalid ? invalidCase(file) : file.results.map((r) => testCase(file.file, r)).join('');
  const time = seconds(file.results.reduce((ns, r) => ns + r.ns, 0));
  const attributes = `name="${xmlText(visibleLine(file.file))}" tests="${tests}" failures="${counts.failures}" errors="${counts.errors}" skipped="${counts.skipped}" time="${time}"`;
  const properties = `    <properties>\n      <property name="seed" value="${seed}"/>\n      <property name="sha256" value="${xmlText(file.hash)}"/>\n    </properties>\n`;
  return { ...counts, xml: `  <testsuite ${attributes}>\n${properties}${cases}  </testsuite>\n` };
}

function invalidCase(file: FileResult): string {
  const text = file.problems.map((p) => formatProblem(file.file, p)).join('\n');
  const first = file.problems[0]?.message ?? '';
  return `    <testcase name="${xmlText(visibleLine(file.file))}" classname="${xmlText(visibleLine(file.file))}" time="0">
      <error message="${xmlText(visible(first))}" type="invalid">${xmlText(visible(text))}</error>
    </testcase>\n`;
}

function testCase(file: string, result: ScenarioResult): string {
  const head = `    <testcase name="${xmlText(visibleLine(result.name))}" classname="${xmlText(visibleLine(file))}" time="${seconds(result.ns)}"`;
  switch (result.verdict) {
    case 'passed':
      return `${head}/>\n`;
    case 'skipped':
      return `${head}>\n      <skipped/>\n    </testcase>\n`;
    case 'hung': {
      const message = xmlText(visible(result.hung[0] ?? 'hung'));
      const text = xmlText(visible(result.hung.join('\n')));
      return `${head}>\n      <error message="${message}" type="hung">${text}</error>\n    </testcase>\n`;
    }
    case 'failed': {
      const [first] = result.failures;
      const message = first === undefined ? 'failed' : failureLine(first);
      const text = xmlText(`${hungText(result)}${failuresText(file, result)}`);
      return `${head}>\n      <failure message="${xmlText(message)}" type="expectation">${text}</failure>\n    </testcase>\n`;
    }
  }
}

const seconds = (ns: number): string => (ns / 1e9).toFixed(6);
