/** Where reports go: standard output, or files. */
import { writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { didYouMean } from '../explorer/did-you-mean.ts';
import type { ReplayReport } from '../explorer/result-record.ts';
import { type Cli, complain, say } from './cli-state.ts';
import { paint } from './paint.ts';
import { REPORTERS } from './reporters/all.ts';
import { toBytes, wantsColour } from './screen.ts';
import { shellLine } from './shell-words.ts';
import { systemErrorCode } from './store-fs.ts';

/** A reporter and the file it writes; null: standard output. */
export interface Output {
  readonly reporter: string;
  readonly path: string | null;
}

/**
 * Reporters with their files. `--output-file FILE` is for the last reporter, `--output-file NAME=FILE` for the one of
 * that name. A sentence where that does not work out.
 */
export function planOutputs(
  cwd: string,
  reporters: readonly string[],
  files: readonly string[],
): Output[] | string {
  const names = reporters.length === 0 ? ['default'] : reporters;
  for (const name of names) {
    if (Object.hasOwn(REPORTERS, name)) continue;
    const meant = didYouMean(name, Object.keys(REPORTERS));
    return `unknown reporter "${name}": ${meant === null ? `known are ${Object.keys(REPORTERS).join(', ')}` : `did you mean "${meant}"?`}`;
  }
  const paths = new Map<string, string>();
  for (const file of files) {
    const named = /^([a-z]+)=(.+)$/s.exec(file);
    const isNamed = named !== null && names.includes(named[1]!);
    paths.set(isNamed ? named[1]! : names[names.length - 1]!, resolve(cwd, isNamed ? named[2]! : file));
  }
  return [...new Set(names)].map((reporter) => ({ reporter, path: paths.get(reporter) ?? null }));
}

/** Writes every report; false if one could not be written, which has been said. */
export function writeOutputs(
  cli: Cli,
  report: ReplayReport,
  outputs: readonly Output[],
  schedule?: string,
): boolean {
  // An order is of the scenario's own seed.
  const how = schedule === undefined ? ['--seed', String(report.seed)] : ['--schedule', schedule];
  let isWritten = true;
  for (const { reporter, path } of outputs) {
    const colour = path === null && wantsColour(cli.terminal.isTerminal('stdout'), cli.env);
    const again = (file: string): string => shellLine(['xlsim', 'replay', file, ...how]);
    const text = REPORTERS[reporter]!(report, { paint: paint(colour), again });
    if (path === null) {
      say(cli, 'stdout', toBytes(text), true);
      continue;
    }
    try {
      writeFileSync(path, text);
    } catch (error) {
      complain(cli, `${path}: cannot be written: ${systemErrorCode(error) ?? String(error)}`);
      isWritten = false;
    }
  }
  return isWritten;
}
