/** Where reports go: standard output, or files. */
import { accessSync, constants, existsSync, mkdirSync, statSync, writeFileSync } from 'node:fs';
import { dirname, relative, resolve, sep } from 'node:path';
import { didYouMean } from '../explorer/did-you-mean.ts';
import type { ReplayReport } from '../explorer/result-record.ts';
import { type Cli, complain, say } from './cli-state.ts';
import { paint } from './paint.ts';
import { REPORTERS } from './reporters/all.ts';
import { type OptionValues, optionWords } from './said-options.ts';
import { fileBehind, fileKey } from './same-file.ts';
import { isScenarioName } from './scenario-files.ts';
import { toBytes, wantsColour } from './screen.ts';
import { shellLine } from './shell-words.ts';
import { systemErrorCode } from './store-fs.ts';

/** A reporter and the file it writes; null: standard output. */
export interface Output {
  readonly reporter: string;
  readonly path: string | null;
}

/** Reporters whose text is for programs: beside another one it is none of theirs any more. */
const FOR_PROGRAMS: readonly string[] = ['tap', 'junit', 'json', 'blob'];

/**
 * Reporters with their files. `--output-file FILE` is for the last reporter, `--output-file NAME=FILE` for the one of
 * that name. A sentence where that does not work out, which is known before anything is played.
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
    const { reporter, name, wrong } = readOutputFile(names, file);
    const path = resolve(cwd, name);
    const same = [...paths].find(([, other]) => fileKey(other) === fileKey(path))?.[0];
    if (wrong !== null) return wrong;
    if (paths.has(reporter))
      return `--output-file ${file}: ${reporter} has a file already: name the reporter, NAME=FILE`;
    if (same !== undefined) return `--output-file ${file}: ${same} writes to that file already`;
    const unwritable = whyUnwritable(path);
    if (unwritable !== null) return `${name}: cannot be written: ${unwritable}`;
    paths.set(reporter, path);
  }
  const outputs = [...new Set(names)].map((reporter) => ({ reporter, path: paths.get(reporter) ?? null }));
  const printed = outputs.filter(({ path }) => path === null);
  const mixed =
    printed.length < 2 ? undefined : printed.find(({ reporter }) => FOR_PROGRAMS.includes(reporter));
  if (mixed === undefined) return outputs;
  const others = printed.filter((output) => output !== mixed).map(({ reporter }) => reporter);
  return `${mixed.reporter} and ${others.join(', ')} would both be printed: give ${mixed.reporter} a file, --output-file ${mixed.reporter}=FILE`;
}

/** Whose file it is, and where. */
function readOutputFile(
  names: readonly string[],
  file: string,
): { readonly reporter: string; readonly name: string; readonly wrong: string | null } {
  const named = /^([a-z]+)=(.+)$/s.exec(file);
  if (named === null) return { reporter: names[names.length - 1]!, name: file, wrong: null };
  const reporter = named[1]!;
  if (names.includes(reporter)) return { reporter, name: named[2]!, wrong: null };
  const meant = Object.hasOwn(REPORTERS, reporter) ? null : didYouMean(reporter, names);
  // A file may have such a name.
  if (meant === null && !Object.hasOwn(REPORTERS, reporter))
    return { reporter: names[names.length - 1]!, name: file, wrong: null };
  const hint = meant === null ? `there is no --reporter ${reporter}` : `did you mean ${meant}=${named[2]}?`;
  return { reporter, name: named[2]!, wrong: `--output-file ${file}: ${hint}` };
}

/** Why there can be no such file; null: there can. Makes the folder that it is to lie in. */
export function whyUnwritable(path: string): string | null {
  // Of a slip of the tab key a scenario would be no more.
  if (isScenarioName(path) || isScenarioName(fileBehind(path))) return 'it is a scenario';
  try {
    if (existsSync(path) && statSync(path).isDirectory()) return 'it is a folder';
    mkdirSync(dirname(path), { recursive: true });
    accessSync(existsSync(path) ? path : dirname(path), constants.W_OK);
    return null;
  } catch (error) {
    return systemErrorCode(error) ?? String(error);
  }
}

/** Writes every report; false if one could not be written, which has been said. */
export function writeOutputs(cli: Cli, report: ReplayReport, outputs: readonly Output[]): boolean {
  const { options } = report;
  // An order is of the scenario's own seed.
  const seed: OptionValues = options.schedule === undefined ? { seed: String(report.seed) } : {};
  const how = optionWords({ ...seed, ...options });
  let isWritten = true;
  for (const { reporter, path } of outputs) {
    const colour = path === null && wantsColour(cli.terminal.isTerminal('stdout'), cli.env);
    const again = (file: string): string => shellLine(['xlsim', 'replay', file, ...how]);
    const text = REPORTERS[reporter]!(report, {
      paint: paint(colour),
      again,
      inWorkspace: (file) => inWorkspace(cli, file),
    });
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

/** Annotations name files from the checkout's root on, wherever below it the command was given. */
function inWorkspace({ cwd, env }: Cli, file: string): string {
  const root = env.GITHUB_WORKSPACE;
  if (root === undefined || root === '') return file;
  const path = relative(root, resolve(cwd, file));
  return path.startsWith('..') ? file : path.split(sep).join('/');
}
