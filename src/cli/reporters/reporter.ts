/** What a reporter is: a report in, text out. */

import type { ReplayReport } from '../../explorer/result-record.ts';
import type { Paint } from '../screen.ts';

/** What a reporter may know besides the report. */
export interface ReporterContext {
  readonly paint: Paint;
  /** The command that repeats a file's run, for people to copy. */
  readonly again: (file: string) => string;
  /** A file as the code host's checkout names it. */
  readonly inWorkspace: (file: string) => string;
}

/** What --bail left out, in words. */
export const leftText = (files: number): string =>
  `${files} file${files === 1 ? ' was' : 's were'} not played after the first failure (--bail)`;

export type Reporter = (report: ReplayReport, context: ReporterContext) => string;
