/** Where explorations go: standard output as text or JSON, and files. */
import { accessSync, constants, existsSync, statSync, writeFileSync } from 'node:fs';
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
import { toBytes, wantsColour } from './screen.ts';
import { shellLine } from './shell-words.ts';
import { systemErrorCode } from './store-fs.ts';

/** Options that name files. */
type ExploreOutputs = Pick<ExploreOptions, 'markdown' | 'svg' | 'save'>;

/** Why one of the files that are asked for could not be written, or null: known before anything is walked. */
export function cannotWrite(cli: Cli, { markdown, svg, save }: ExploreOutputs): string | null {
  for (const name of [markdown, svg, save]) {
    if (name === undefined) continue;
    const path = resolve(cli.cwd, name);
    try {
      accessSync(existsSync(path) ? path : dirname(path), constants.W_OK);
      if (existsSync(path) && statSync(path).isDirectory())
        return `${name}: cannot be written: it is a folder`;
    } catch (error) {
      return `${name}: cannot be written: ${systemErrorCode(error) ?? String(error)}`;
    }
  }
  return null;
}

/** Prints and writes everything that was asked for; false if a file could not be written, which has been said. */
export function writeExploration(
  cli: Cli,
  report: ExploreReport,
  options: ExploreOutputs,
  json: boolean,
): boolean {
  const isWritten = filesOf(report, options).map(([name, text]) => writeOne(cli, name, text));
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

function writeOne(cli: Cli, name: string, text: string): boolean {
  try {
    writeFileSync(resolve(cli.cwd, name), text);
    return true;
  } catch (error) {
    complain(cli, `${name}: cannot be written: ${systemErrorCode(error) ?? String(error)}`);
    return false;
  }
}
