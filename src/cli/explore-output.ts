/** Where explorations go: standard output as text or JSON, and files. */
import { accessSync, constants, existsSync, lstatSync, statSync, unlinkSync, writeFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import type { Exploration, ExploreReport } from '../explorer/explore-record.ts';
import { SCHEDULE_SCHEMA, type ScheduleFile, scheduleText } from '../explorer/schedule-file.ts';
import { type Cli, complain, say } from './cli-state.ts';
import { compareMarkdown, compareText } from './compare-report.ts';
import { compareSvg } from './compare-svg.ts';
import type { ExploreOptions } from './explore-options.ts';
import { exploreText } from './explore-report.ts';
import { againWords } from './explore-words.ts';
import { paint } from './paint.ts';
import { fileBehind, fileKey } from './same-file.ts';
import { isScenarioName } from './scenario-files.ts';
import { toBytes, wantsColour } from './screen.ts';
import { shellLine } from './shell-words.ts';
import { systemErrorCode } from './store-fs.ts';

/** Options that name files. */
type ExploreOutputs = Pick<ExploreOptions, 'markdown' | 'svg' | 'save' | 'saveTest'>;

/** Why one of the files that are asked for could not be written, or null: known before anything is walked. */
export function cannotWrite(
  cli: Cli,
  scenario: string,
  { markdown, svg, save, saveTest }: ExploreOutputs,
): string | null {
  const files = [
    ['--markdown', markdown],
    ['--svg', svg],
    ['--save', save],
    ['--save-test', saveTest],
  ] as const;
  const taken = new Map<string, string>();
  for (const [option, name] of files) {
    if (name === undefined) continue;
    if (name === '') return `${option}: an empty name is no file`;
    const path = resolve(cli.cwd, name);
    const key = fileKey(path);
    const other = taken.get(key);
    if (other !== undefined) return `${option} ${name}: ${other} writes to that file already`;
    if (key === fileKey(resolve(cli.cwd, scenario)))
      return `${option} ${name} would write over the scenario that is explored`;
    const why =
      option !== '--save-test' && isScenarioName(fileBehind(path)) ? 'it is a scenario' : whyUnwritable(path);
    if (why !== null) return `${name}: cannot be written: ${why}`;
    taken.set(key, option);
  }
  return null;
}

function whyUnwritable(path: string): string | null {
  try {
    accessSync(existsSync(path) ? path : dirname(path), constants.W_OK);
    return existsSync(path) && statSync(path).isDirectory() ? 'it is a folder' : null;
  } catch (error) {
    return systemErrorCode(error) ?? String(error);
  }
}

/** Prints and writes everything that was asked for; false if a file could not be written, which has been said. */
export function writeExploration(
  cli: Cli,
  report: ExploreReport,
  options: ExploreOutputs,
  json: boolean,
): boolean {
  const { save } = options;
  const isWritten = filesOf(report, options).map(([name, text]) => writeOne(cli, name, text));
  if (save !== undefined && report.results[0]?.counterexample == null) {
    complain(cli, `${save} was not written: there is no counterexample to keep`);
  }
  say(cli, 'stdout', toBytes(json ? `${JSON.stringify(report)}\n` : textOf(cli, report, options)), true);
  return isWritten.every((is) => is);
}

function textOf(cli: Cli, report: ExploreReport, options: ExploreOutputs): string {
  const colour = wantsColour(cli.terminal.isTerminal('stdout'), cli.env);
  const painted = paint(colour);
  const [result] = report.results;
  if (report.compared || result === undefined) return compareText(report, painted);
  return exploreText(report, result, replayLine(report, result, options), painted);
}

/** How the order of the counterexample is taken again: from the file it was saved in, or how to save it. */
function replayLine(report: ExploreReport, result: Exploration, { save }: ExploreOutputs): string | null {
  if (result.counterexample === null) return null;
  const { file } = report.scenario;
  const outside = report.options['allow-outside'] === true ? ['--allow-outside'] : [];
  const replayed = (schedule: string): string =>
    shellLine(['xlsim', 'replay', file, '--schedule', schedule, ...outside]);
  if (save !== undefined) return replayed(save);
  const schedule = 'order.schedule.json';
  const saving = shellLine([...againWords(report, result), '--save', schedule]);
  return `${saving} && ${replayed(schedule)}`;
}

type FileText = readonly [string, string];

function filesOf(report: ExploreReport, { markdown, svg, save }: ExploreOutputs): FileText[] {
  const files: FileText[] = [];
  if (markdown !== undefined) files.push([markdown, compareMarkdown(report)]);
  if (svg !== undefined) files.push([svg, compareSvg(report)]);
  const [result] = report.results;
  if (save !== undefined && result?.counterexample != null) {
    files.push([save, scheduleText(scheduleOf(report, result, result.counterexample))]);
  }
  return files;
}

function scheduleOf(
  report: ExploreReport,
  result: Exploration,
  { choices, verdict }: NonNullable<Exploration['counterexample']>,
): ScheduleFile {
  const { file, sha256 } = report.scenario;
  return {
    schema: SCHEDULE_SCHEMA,
    version: report.version,
    scenario: { file, sha256 },
    twin: report.twin,
    block: report.block.index,
    grain: result.walk.grain,
    remedy: result.remedy,
    ownership: result.walk.ownership,
    verdict,
    choices,
  };
}

/** Writes a file, or says why not; of a disk that is full no half of it stays. */
export function writeOne(cli: Cli, name: string, text: string): boolean {
  const path = resolve(cli.cwd, name);
  try {
    writeFileSync(path, text);
    return true;
  } catch (error) {
    const code = systemErrorCode(error);
    if (code === 'ENOSPC' || code === 'EDQUOT' || code === 'EFBIG') dropHalf(path);
    complain(cli, `${name}: cannot be written: ${code ?? String(error)}`);
    return false;
  }
}

/** A device is left alone. */
function dropHalf(path: string): void {
  try {
    if (lstatSync(path).isFile()) unlinkSync(path);
  } catch {
    // It is gone already, or cannot go: that it was not written has been said.
  }
}
