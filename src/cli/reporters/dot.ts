/** The short reporter: a character for every scenario and twin, then what failed. */
import type { ReplayReport } from '../../explorer/result-record.ts';
import { formatProblem } from '../../explorer/scenario-problem.ts';
import { visible, visibleLine } from '../screen.ts';
import { hungText, summary } from './default.ts';
import { failuresText } from './failure-text.ts';
import type { ReporterContext } from './reporter.ts';

const DOTS = { passed: '.', failed: 'F', hung: 'H', skipped: '-' } as const;
const LINE = 80;

export function dotReporter(report: ReplayReport, context: ReporterContext): string {
  const dots = report.files
    .flatMap((file) => (file.problems.length > 0 ? ['E'] : file.results.map((r) => DOTS[r.verdict])))
    .join('');
  const lines = dots.match(new RegExp(`.{1,${LINE}}`, 'g')) ?? [];
  const details = report.files.map((file) => {
    const problems = file.problems.map((p) => `${visible(formatProblem(file.file, p))}\n`).join('');
    const failed = file.results
      .filter((r) => r.verdict === 'failed' || r.verdict === 'hung')
      .map((r) => `\n${visibleLine(r.name)}\n${hungText(r)}${failuresText(file.file, r)}`)
      .join('');
    return problems + failed;
  });
  return `${lines.map((line) => `${line}\n`).join('')}${details.join('')}${summary(report, context)}`;
}
