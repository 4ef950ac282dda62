/** JUnit XML: a suite for every file, a case for every scenario and twin. Times are of the virtual clock. */
import type { FileResult, ReplayReport, ScenarioResult } from '../../explorer/result-record.ts';
import { formatProblem } from '../../explorer/scenario-problem.ts';
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
  const attributes = `name="${escaped(file.file)}" tests="${tests}" failures="${counts.failures}" errors="${counts.errors}" skipped="${counts.skipped}" time="${time}"`;
  const properties = `    <properties>\n      <property name="seed" value="${seed}"/>\n      <property name="sha256" value="${escaped(file.hash)}"/>\n    </properties>\n`;
  return { ...counts, xml: `  <testsuite ${attributes}>\n${properties}${cases}  </testsuite>\n` };
}

function invalidCase(file: FileResult): string {
  const text = file.problems.map((p) => formatProblem(file.file, p)).join('\n');
  const first = file.problems[0]?.message ?? '';
  return `    <testcase name="${escaped(file.file)}" classname="${escaped(file.file)}" time="0">
      <error message="${escaped(first)}" type="invalid">${escaped(text)}</error>
    </testcase>\n`;
}

function testCase(file: string, result: ScenarioResult): string {
  const head = `    <testcase name="${escaped(result.name)}" classname="${escaped(file)}" time="${seconds(result.ns)}"`;
  switch (result.verdict) {
    case 'passed':
      return `${head}/>\n`;
    case 'skipped':
      return `${head}>\n      <skipped/>\n    </testcase>\n`;
    case 'hung': {
      const message = escaped(result.hung[0] ?? 'hung');
      const text = escaped(result.hung.join('\n'));
      return `${head}>\n      <error message="${message}" type="hung">${text}</error>\n    </testcase>\n`;
    }
    case 'failed': {
      const [first] = result.failures;
      const message = first === undefined ? 'failed' : failureLine(first);
      const text = escaped(failuresText(file, result));
      return `${head}>\n      <failure message="${escaped(message)}" type="expectation">${text}</failure>\n    </testcase>\n`;
    }
  }
}

const seconds = (ns: number): string => (ns / 1e9).toFixed(6);

/** Text and attribute values: markup escaped; characters that XML 1.0 cannot hold at all are replaced. */
const escaped = (text: string): string =>
  text
    .replace(/[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]/gu, '\ufffd')
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
    .replaceAll('\r', '&#13;');
