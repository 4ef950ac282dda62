/** The report itself: for programs (json), and in one line for merge-reports (blob). */
import { exitCodeOf, type ReplayReport, totalsOf } from '../../explorer/result-record.ts';
import { visibleJson } from '../screen.ts';

export const jsonReporter = (report: ReplayReport): string =>
  `${visibleJson({ ...report, totals: totalsOf(report.files), exit: exitCodeOf(report.files) }, 2)}\n`;

export const blobReporter = (report: ReplayReport): string => `${visibleJson(report)}\n`;
