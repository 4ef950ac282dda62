/** The file of --xl-conf. */
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import type { Cli } from './cli-state.ts';
import { StateError } from './state-error.ts';

/** Its bytes, one char each. Throws StateError when it cannot be read. */
export function readXlConf(cli: Cli, name: string): string {
  const file = resolve(cli.cwd, name);
  try {
    return readFileSync(file).toString('latin1');
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    throw new StateError(
      file,
      `cannot read xl.conf: ${error.message}`,
      'give --xl-conf a file that can be read',
      2,
    );
  }
}
