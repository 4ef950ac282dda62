/** `xlsim replay`: finds scenarios, plays them, reports; one process for all. */
import { writeFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import type { StepOutcome } from '../explorer/expectation.ts';
import type { Surroundings } from '../explorer/play.ts';
import { replayScenario } from '../explorer/replay.ts';
import { exitCodeOf, type FileResult, type ReplayReport } from '../explorer/result-record.ts';
import type { Scenario, TranscriptBlock } from '../explorer/scenario.ts';
import type { ScheduleFile } from '../explorer/schedule-file.ts';
import type { TraceEvent } from '../explorer/trace-event.ts';
import { updatedTranscript } from '../explorer/transcript.ts';
import { type Cli, complain, flush, say } from './cli-state.ts';
import { reportHost } from './host-report.ts';
import { paint } from './paint.ts';
import { type Output, planOutputs, whyUnwritable, writeOutputs } from './replay-output.ts';
import { playSchedule, readOrder } from './replay-schedule.ts';
import type { OptionValues } from './said-options.ts';
import { fileKey } from './same-file.ts';
import {
  type FoundFile,
  findScenarios,
  readNearby,
  readRecorded,
  readScenario,
  writeText,
} from './scenario-files.ts';
import { toBytes } from './screen.ts';
import { systemErrorCode } from './store-fs.ts';
import { renderTables } from './tables.ts';
import { timelineSvg } from './timeline.ts';
import { version } from './version.ts';

const MISUSE = 2;

/** What the command line said. */
export interface ReplayOptions {
  readonly reporter: readonly string[];
  readonly outputFile: readonly string[];
  readonly shard?: string;
  readonly bail?: boolean;
  readonly grep?: string;
  readonly seed?: string;
  readonly update?: boolean;
  readonly allowOutside?: boolean;
  readonly trace?: string;
  readonly timeline?: string;
  readonly oneByOne?: boolean;
  readonly watch?: boolean;
  readonly schedule?: string;
  readonly forceSchedule?: boolean;
  /** Those that a line needs to do the same again. */
  readonly again: OptionValues;
}

interface Plan {
  readonly files: readonly FoundFile[];
  readonly shard: { readonly index: number; readonly of: number };
  readonly seed: number | null;
  readonly grep: RegExp | null;
  readonly outputs: readonly Output[];
  /** The order to follow; null: the clock's. */
  readonly schedule: ScheduleFile | null;
  readonly options: ReplayOptions;
}

/** What is wrong with the command line; null: nothing. */
export function misuseOf(cli: Cli, paths: readonly string[], options: ReplayOptions): string | null {
  const plan = planReplay(cli, paths, options);
  return typeof plan === 'string' ? plan : null;
}

/**
 * Replays what `paths` name; the exit code: 0, 1 an expectation, 2 misuse or an invalid file, 4 a budget. `noteRead` is told
 * of files that scenarios look for.
 */
export function replayCommand(
  cli: Cli,
  paths: readonly string[],
  options: ReplayOptions,
  noteRead: (path: string) => void = () => {},
): number {
  const plan = planReplay(cli, paths, options);
  if (typeof plan === 'string') {
    complain(cli, plan);
    return MISUSE;
  }
  const report = runPlan(cli, plan, noteRead);
  if (typeof report === 'string') {
    complain(cli, report);
    return MISUSE;
  }
  if (!writeOutputs(cli, report, plan.outputs)) return MISUSE;
  if (!matchesNothing(report)) return exitCodeOf(report.files);
  // A slip in the pattern would be a run that always passes.
  complain(cli, `--grep ${options.grep}: no scenario's file and name match`);
  return MISUSE;
}

/** Nothing was played because nothing was wanted. Of a shard that says nothing: others may have what was. */
const matchesNothing = ({ files, shard }: ReplayReport): boolean =>
  shard.of === 1 &&
  files.length > 0 &&
  files.every(
    ({ problems, results }) => problems.length === 0 && results.every(({ verdict }) => verdict === 'skipped'),
  );

function planReplay(cli: Cli, paths: readonly string[], options: ReplayOptions): Plan | string {
  const outputs = planOutputs(cli.cwd, options.reporter, options.outputFile);
  if (typeof outputs === 'string') return outputs;
  const shard = readShard(options.shard ?? '1/1');
  if (shard === null) return `--shard reads INDEX/COUNT, such as 2/4, not ${options.shard}`;
  const seed = options.seed === undefined ? null : Number(options.seed);
  if (seed !== null && !(Number.isSafeInteger(seed) && seed >= 0))
    return `--seed is a whole number, not ${options.seed}`;
  let grep: RegExp | null = null;
  try {
    if (options.grep !== undefined) grep = new RegExp(options.grep);
  } catch (error) {
    return `--grep: ${error instanceof Error ? error.message : String(error)}`;
  }
  const found = findScenarios(cli.cwd, paths);
  if (!found.ok) return found.message;
  if (found.files.length > 1 && (options.trace !== undefined || options.timeline !== undefined)) {
    return '--trace and --timeline are of one scenario: name one file';
  }
  const events = planEvents(cli.cwd, options, outputs);
  if (events !== null) return events;
  const schedule = readOrder(cli, options, found.files.length);
  if (typeof schedule === 'string') return schedule;
  return { files: found.files, shard, seed, grep, outputs, schedule, options };
}

/** What is wrong with the files of --trace and --timeline; null: nothing. */
function planEvents(
  cwd: string,
  { trace, timeline }: ReplayOptions,
  outputs: readonly Output[],
): string | null {
  const taken = new Map<string, string>();
  for (const { path, reporter } of outputs) if (path !== null) taken.set(fileKey(path), reporter);
  for (const [option, name] of [
    ['--trace', trace],
    ['--timeline', timeline],
  ] as const) {
    if (name === undefined) continue;
    const path = resolve(cwd, name);
    const other = taken.get(fileKey(path));
    if (other !== undefined) return `${option} ${name}: ${other} writes to that file already`;
    const unwritable = whyUnwritable(path);
    if (unwritable !== null) return `${name}: cannot be written: ${unwritable}`;
    taken.set(fileKey(path), option);
  }
  return null;
}

function readShard(text: string): { index: number; of: number } | null {
  const parts = /^(\d+)\/(\d+)$/.exec(text);
  const index = Number(parts?.[1]);
  const of = Number(parts?.[2]);
  return index >= 1 && index <= of ? { index, of } : null;
}

function runPlan(cli: Cli, plan: Plan, noteRead: (path: string) => void): ReplayReport | string {
  const { shard, options } = plan;
  const planned: { file: string; hash: string }[] = [];
  const files: FileResult[] = [];
  const updated: string[] = [];
  const events: TraceEvent[] = [];
  const progress = cli.terminal.isTerminal('stderr') && !cli.env.CI;
  let isOver = false;
  for (const [i, found] of plan.files.entries()) {
    const read = readScenario(found.path, {
      outside: options.allowOutside === true,
      update: options.update === true,
      noteNamed: noteRead,
    });
    planned.push({ file: found.file, hash: read.hash });
    if (i % shard.of !== shard.index - 1 || isOver) continue;
    if (progress) showProgress(cli, `[${i + 1}/${plan.files.length}] ${found.file}`);
    const base = { file: found.file, hash: read.hash, problems: read.problems };
    if (read.scenario === null) files.push({ ...base, results: [] });
    else {
      const around = surroundings(found, read.text, options, events, updated, noteRead);
      const results = play(cli, read.scenario, { file: found.file, sha256: read.hash }, around, plan);
      if (typeof results === 'string') return results;
      files.push({ ...base, results });
      around.finish();
    }
    isOver = options.bail === true && exitCodeOf(files) !== 0;
  }
  if (progress) showProgress(cli, '');
  const written = writeEvents(cli.cwd, files, events, options);
  if (written !== null) return written;
  const seed = plan.seed ?? 1;
  const { again } = options;
  return { schema: 'xlsim/replay/1', version, seed, shard, options: again, planned, files, updated };
}

/** The results; a sentence where there is an order that cannot be followed. */
function play(
  cli: Cli,
  scenario: Scenario,
  { file, sha256 }: { readonly file: string; readonly sha256: string },
  around: Surroundings,
  plan: Plan,
): FileResult['results'] | string {
  const { grep, schedule, options } = plan;
  const wanted = (name: string): boolean => grep === null || grep.test(`${file} ${name}`);
  const choice = { bail: options.bail === true, wanted, seed: plan.seed };
  if (schedule === null) {
    // A test outlives the version that wrote it: whether its order still fits is what it tests.
    for (const { order } of scenario.stage.steps) {
      if (order == null || order.version === version) continue;
      const place = `${file}:${order.line}:${order.column}`;
      complain(
        cli,
        `${place}: this order was written by xlsim ${order.version}, this is ${version}: it is followed as far as it fits`,
      );
    }
    return replayScenario(scenario, around, choice);
  }
  const played = playSchedule(scenario, schedule, { version, file, sha256 }, options, around, choice);
  if (!played.ok) return played.message;
  for (const warning of played.warnings) complain(cli, warning);
  return played.results;
}

const CLEAR_LINE = '\r\u001b[K';
function showProgress(cli: Cli, text: string): void {
  say(cli, 'stderr', `${CLEAR_LINE}${toBytes(text.slice(0, 79))}`, true);
  flush(cli);
}

/** What a scenario sees of the files around it, and where its records go. */
function surroundings(
  { path, file }: FoundFile,
  text: string,
  options: ReplayOptions,
  events: TraceEvent[],
  updated: string[],
  noteRead: (path: string) => void,
): Surroundings & { readonly finish: () => void } {
  const folder = dirname(path);
  const blocks: { block: TranscriptBlock; outcome: StepOutcome }[] = [];
  const write = (name: string, fresh: string, told = name): void => {
    if (readRecorded(folder, name) === fresh) return;
    writeText(folder, name, fresh);
    updated.push(told);
  };
  const plain = paint(false);
  return {
    readFile: (name) => {
      noteRead(resolve(folder, name));
      return readNearby(folder, name, options.allowOutside === true);
    },
    observe: reportHost,
    tables: (world) => renderTables(reportHost(world), plain),
    readOutput: (name) => {
      noteRead(resolve(folder, name));
      return readRecorded(folder, name);
    },
    batches: options.oneByOne !== true,
    ...(options.trace === undefined && options.timeline === undefined
      ? {}
      : { trace: (event: TraceEvent) => void events.push(event) }),
    ...(options.update === true
      ? { update: write, updateBlock: (block, outcome) => void blocks.push({ block, outcome }) }
      : {}),
    finish: () => {
      if (blocks.length > 0) write(path, updatedTranscript(text, blocks), file);
    },
  };
}

/** Writes --trace and --timeline; a sentence about what could not be written, or null. */
function writeEvents(
  cwd: string,
  results: readonly FileResult[],
  events: readonly TraceEvent[],
  options: ReplayOptions,
): string | null {
  const files: (readonly [string | undefined, () => string])[] = [
    [options.trace, () => events.map((event) => `${JSON.stringify(event)}\n`).join('')],
    [options.timeline, () => timelineSvg(results[0]?.results[0]?.name ?? '', events)],
  ];
  for (const [name, text] of files) {
    if (name === undefined) continue;
    try {
      writeFileSync(resolve(cwd, name), text());
    } catch (error) {
      return `${name}: cannot be written: ${systemErrorCode(error) ?? String(error)}`;
    }
  }
  return null;
}
