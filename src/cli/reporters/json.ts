/** The report itself: for programs (json), and in one line for merge-reports (blob). */
import { exitCodeOf, type ReplayReport, totalsOf } from '../../explorer/result-record.ts';

export const jsonReporter = (report: ReplayReport): string =>
  `${JSON.stringify({ ...report, totals: totalsOf(report.files), exit: exitCodeOf(report.files) }, null, 2)}\n`;

export const blobReporter = (report: ReplayReport): string => `${JSON.stringify(report)}\n`;
