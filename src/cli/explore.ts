/** `xlsim explore`: walks the orders of a scenario's parallel block, within the limits, and reports. */
import { resolve } from 'node:path';
import { cannotDrive } from '../explorer/block.ts';
import { parallelBlocks } from '../explorer/block-prefix.ts';
import { didYouMean } from '../explorer/did-you-mean.ts';
import type { Subject } from '../explorer/explore-how.ts';
import type { Exploration, ExploreReport } from '../explorer/explore-record.ts';
import { remedyNamed } from '../explorer/remedy-table.ts';
import type { Scenario, Stage } from '../explorer/scenario.ts';
import { worst } from '../explorer/verdict.ts';
import { type Cli, complain } from './cli-state.ts';
import { type ExploreChoice, type ExploreOptions, readChoice } from './explore-options.ts';
import { writeExploration } from './explore-output.ts';
import { walkOrders } from './explore-walk.ts';
import { reportHost } from './host-report.ts';
import { paint } from './paint.ts';
import { replayCommand } from './replay.ts';
import { readNearby, readScenario } from './scenario-files.ts';
import { renderTables } from './tables.ts';
import { version } from './version.ts';

const MISUSE = 2;

/** What is explored: a scenario file, one of its stages, one of its blocks. */
interface Target {
  readonly path: string;
  readonly file: string;
  readonly hash: string;
  readonly scenario: Scenario;
  readonly stage: Stage;
}

/** Explores what `path` names; the exit code: 0 fulfilled, 1 violated, 2 misuse, 4 undecided. */
export async function exploreCommand(
  cli: Cli,
  path: string,
  options: ExploreOptions,
  json: boolean,
): Promise<number> {
  const choice = readChoice(options);
  const target =
    typeof choice === 'string' ? choice : readTarget(cli, path, choice, options.allowOutside === true);
  if (typeof choice === 'string' || typeof target === 'string') {
    complain(cli, String(typeof choice === 'string' ? choice : target));
    return MISUSE;
  }
  const blocks = parallelBlocks(target.stage);
  if (blocks.length === 0) return playOnce(cli, path, options);
  const block = blocks[choice.block];
  const why = block === undefined ? `it has ${blocks.length}, from 0 on` : cannotDrive(block);
  if (block === undefined || why !== null) {
    complain(cli, `${target.file}: parallel block ${choice.block} cannot be explored: ${why}`);
    return MISUSE;
  }
  const results: Exploration[] = [];
  for (const name of choice.remedies) {
    const subject = subjectOf(target, choice, name, options.allowOutside === true);
    results.push(await walkOrders(cli, subject, choice, name ?? target.scenario.name));
  }
  const report: ExploreReport = {
    schema: 'xlsim/explore/1',
    version,
    scenario: { file: target.file, name: target.scenario.name, sha256: target.hash },
    twin: choice.twin,
    block: { index: choice.block, name: block.label, tasks: tasksOf(block.action) },
    compared: choice.compare,
    shard: { ...choice.shard },
    results,
    exit: exitOf(results, choice.compare),
  };
  return writeExploration(cli, report, options, json) ? report.exit : MISUSE;
}

/** A comparison shows remedies, of which some fail: it is fulfilled when all of them were decided. */
function exitOf(results: readonly Exploration[], compare: boolean): number {
  if (!compare) return results[0]?.exit ?? 0;
  return worst(results.map(({ verdict }) => verdict)) !== 'undecided' &&
    results.every(({ exit }) => exit !== 4)
    ? 0
    : 4;
}

const tasksOf = (action: Stage['steps'][number]['action']): string[] =>
  action.do === 'parallel'
    ? action.steps.map(({ label, times }) => (times === null ? label : `${times} x ${label}`))
    : [];

function readTarget(cli: Cli, path: string, choice: ExploreChoice, allowOutside: boolean): Target | string {
  const real = resolve(cli.cwd, path);
  const { hash, scenario, problems } = readScenario(real, allowOutside);
  if (scenario === null) {
    return problems.map(({ line, column, message }) => `${path}:${line}:${column}: ${message}`).join('\n');
  }
  const base = { path: real, file: path, hash, scenario };
  if (choice.twin === null) return { ...base, stage: scenario.stage };
  const twin = scenario.twins.find(({ name }) => name === choice.twin);
  if (twin !== undefined) return { ...base, stage: twin.stage };
  const names = scenario.twins.map(({ name }) => name);
  const meant = didYouMean(choice.twin, names);
  return `${path} has no twin "${choice.twin}": ${meant === null ? `its twins are ${names.join(', ') || 'none'}` : `did you mean "${meant}"?`}`;
}

function subjectOf(
  { path, scenario, stage }: Target,
  choice: ExploreChoice,
  name: string | null,
  allowOutside: boolean,
): Subject {
  const remedy = name === null ? null : (remedyNamed(name) ?? null);
  const plain = paint(false);
  const folder = resolve(path, '..');
  return {
    stage: remedy?.stage?.(stage) ?? stage,
    limits: scenario.limits,
    around: {
      readFile: (file) => readNearby(folder, file, allowOutside),
      observe: reportHost,
      tables: (world) => renderTables(reportHost(world), plain),
      readOutput: () => null,
      batches: true,
    },
    block: choice.block,
    remedy,
  };
}

/** Nothing has more than one order: the scenario is played as replay does. */
function playOnce(cli: Cli, path: string, { allowOutside }: ExploreOptions): number {
  complain(cli, `nothing in ${path} runs in parallel, so there is one order; it is played once`);
  const base = { reporter: [], outputFile: [] };
  return replayCommand(cli, [path], allowOutside === true ? { ...base, allowOutside } : base);
}
