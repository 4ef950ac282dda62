/** `xlsim explore`: walks the orders of a scenario's parallel block, within the limits, and reports. */

import { cannotDrive } from '../explorer/block.ts';
import { parallelBlocks } from '../explorer/block-prefix.ts';
import { atBlock } from '../explorer/explore-how.ts';
import type { ExploreReport } from '../explorer/explore-record.ts';
import type { Stage } from '../explorer/scenario.ts';
import { timesText } from '../explorer/step-label.ts';
import { explorationsExit } from '../explorer/verdict.ts';
import { ASSERT } from '../hypervisor/bug.ts';
import { type Cli, complain } from './cli-state.ts';
import { type ExploreChoice, type ExploreOptions, readChoice } from './explore-options.ts';
import { cannotWrite, writeExploration } from './explore-output.ts';
import { cannotSaveTest, saveTest } from './explore-save-test.ts';
import { readTarget, subjectOf, type Target } from './explore-target.ts';
import { exploreAll } from './explore-walk.ts';
import { replayCommand } from './replay.ts';
import { visibleLine } from './screen.ts';
import { version } from './version.ts';

const MISUSE = 2;
/** Expectations that are told one by one. */
const MOST_BROKEN = 3;

/** Explores what `path` names; the exit code: 0 fulfilled, 1 violated, 2 misuse, 4 undecided. */
export async function exploreCommand(
  cli: Cli,
  path: string,
  options: ExploreOptions,
  json: boolean,
): Promise<number> {
  const asked = readChoice(options);
  const target =
    typeof asked === 'string' ? asked : readTarget(cli.cwd, path, asked, options.allowOutside === true);
  if (typeof asked === 'string' || typeof target === 'string') {
    complain(cli, String(typeof asked === 'string' ? asked : target));
    return MISUSE;
  }
  const choice = options.grain === undefined ? { ...asked, grain: grainOfStage(target.stage) } : asked;
  const blocks = parallelBlocks(target.stage);
  if (blocks.length === 0) return playOnce(cli, path, options, json);
  const block = blocks[choice.block];
  if (target.stage.others.length > 0) {
    complain(cli, `${target.file}: orders are explored on one host; a scenario with "hosts" is for replay`);
    return MISUSE;
  }
  const why = block === undefined ? `it has ${blocks.length}, from 0 on` : cannotDrive(block);
  if (block === undefined || why !== null) {
    complain(cli, `${target.file}: parallel block ${choice.block} cannot be explored: ${why}`);
    return MISUSE;
  }
  const { saveTest: test } = options;
  const unsaved =
    cannotWrite(cli, target.path, options) ??
    (test === undefined ? null : cannotSaveTest(cli, target, choice, test));
  if (unsaved !== null) {
    complain(cli, unsaved);
    return MISUSE;
  }
  tellSingle(cli, target.file, block);
  tellBroken(cli, target, choice);
  const results = await exploreAll(cli, target, choice);
  if (choice.selfCheck && results.every(({ walk }) => walk.finished)) {
    const again = await exploreAll(cli, target, { ...choice, jobs: 1 });
    ASSERT(JSON.stringify(again) === JSON.stringify(results), 'one thread comes to the same result');
  }
  const report: ExploreReport = {
    schema: 'xlsim/explore/1',
    version,
    scenario: { file: target.file, name: target.scenario.name, sha256: target.hash },
    twin: choice.twin,
    block: { index: choice.block, name: block.label, tasks: tasksOf(block.action) },
    options: options.again,
    compared: choice.compare,
    samples: choice.samples,
    forbid_refusal: choice.forbidRefusal,
    shard: { ...choice.shard },
    results,
    exit: explorationsExit(results, choice.compare),
  };
  const isPinned = test === undefined || saveTest(cli, target, choice, report, test);
  return writeExploration(cli, report, options, json) && isPinned ? report.exit : MISUSE;
}

/** Others come between as much as the scenario lets them on the clock. */
const grainOfStage = ({ grain }: Stage): string => (grain === 'steps' ? 'sections' : 'hypercall');

const tasksOf = (action: Stage['steps'][number]['action']): string[] =>
  action.do === 'parallel' ? action.steps.map(({ label, times }) => timesText(label, times)) : [];

/** One step with nothing beside it is no race: whoever wrote it meant otherwise, or wants to know. */
function tellSingle(cli: Cli, file: string, { label, action }: Stage['steps'][number]): void {
  const steps = action.do === 'parallel' ? action.steps : [];
  const lanes = steps.reduce((sum, { times }) => sum + (times ?? 1), 0);
  if (lanes > 1) return;
  const what = lanes === 0 ? 'holds no step' : 'holds one step, with nothing beside it';
  complain(
    cli,
    `${file}: "${label}" ${what}: there is one order, but for what guests and daemons do meanwhile`,
  );
}

/** What the steps before the block were to do and did not: then it begins on another host than was meant. */
function tellBroken(cli: Cli, target: Target, choice: ExploreChoice): void {
  const only = choice.remedies.length === 1 ? choice.remedies[0]! : null;
  const { failures } = atBlock(subjectOf(target, choice, only)).play;
  for (const { line, column, step, what, expected, got } of failures.slice(0, MOST_BROKEN)) {
    const place = `${target.file}:${line}:${column}`;
    complain(
      cli,
      visibleLine(
        `${place}: before the block "${step}" did otherwise than expected: ${what} is ${got.split('\n')[0]}, not ${expected}`,
      ),
    );
  }
  const more = failures.length - MOST_BROKEN;
  if (more > 0) complain(cli, `${target.file}: and ${more} more before the block`);
}

/** Nothing has more than one order: the scenario is played as replay does. */
function playOnce(cli: Cli, path: string, options: ExploreOptions, json: boolean): number {
  const { allowOutside, again, markdown, svg, save, saveTest: test } = options;
  const files = [markdown, svg, save, test].filter((name) => name !== undefined);
  const unwritten = files.length === 0 ? '' : `; not written: ${files.join(', ')}`;
  complain(cli, `nothing in ${path} runs in parallel, so there is one order; it is played once${unwritten}`);
  const outside = again['allow-outside'];
  const base = {
    reporter: json ? ['json'] : [],
    outputFile: [],
    again: outside === undefined ? {} : { 'allow-outside': outside },
  };
  return replayCommand(cli, [path], allowOutside === true ? { ...base, allowOutside } : base);
}
