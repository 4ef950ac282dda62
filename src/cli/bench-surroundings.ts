/** What surrounds a scenario in the bench: no files, nothing recorded. */
import type { Surroundings } from '../explorer/play.ts';
import { reportHost } from './host-report.ts';

export const around: Surroundings = {
  readFile: () => -2,
  observe: reportHost,
  tables: () => '',
  readOutput: () => null,
  batches: true,
};
