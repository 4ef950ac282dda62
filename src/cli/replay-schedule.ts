/** `xlsim replay FILE --schedule S`: the order that an exploration saved, taken again on the virtual clock. */
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { newBlockPlan } from '../explorer/block-plan.ts';
import { parallelBlocks } from '../explorer/block-prefix.ts';
import type { Surroundings } from '../explorer/play.ts';
import { remedyNamed } from '../explorer/remedy-table.ts';
import { type ReplayChoice, replayInOrder } from '../explorer/replay.ts';
import type { ScenarioResult } from '../explorer/result-record.ts';
import type { Scenario } from '../explorer/scenario.ts';
import { readSchedule, type ScheduleFile, scheduleMismatch } from '../explorer/schedule-file.ts';
import { grainOf, isGrain } from '../explorer/turn-order.ts';
import type { Cli } from './cli-state.ts';
import { systemErrorCode } from './store-fs.ts';

/** What the command line says about it. */
interface OrderOptions {
  readonly schedule?: string;
  readonly forceSchedule?: boolean;
  readonly seed?: string;
}

/** The schedule that the options name, null for none; a sentence about what is wrong with it. */
export function readOrder(cli: Cli, options: OrderOptions, files: number): ScheduleFile | null | string {
  const { schedule: name } = options;
  if (name === undefined)
    return options.forceSchedule === true ? '--force-schedule goes with --schedule FILE' : null;
  if (files > 1) return '--schedule is of one scenario: name one file';
  if (options.seed !== undefined)
    return "--seed and --schedule do not go together: an order is of the scenario's own seed";
  let text: string;
  try {
    text = readFileSync(resolve(cli.cwd, name), 'utf8');
  } catch (error) {
    return `${name}: cannot be read: ${systemErrorCode(error) ?? String(error)}`;
  }
  const read = readSchedule(text);
  return read.ok ? read.schedule : `${name}: ${read.message}`;
}

type Played =
  | { readonly ok: true; readonly results: readonly ScenarioResult[]; readonly warnings: readonly string[] }
  | { readonly ok: false; readonly message: string };

const refused = (message: string): Played => ({ ok: false, message });

/** Plays the stage of the schedule in its order. */
export function playSchedule(
  scenario: Scenario,
  schedule: ScheduleFile,
  here: { readonly version: string; readonly sha256: string; readonly file: string },
  { schedule: name = '', forceSchedule }: OrderOptions,
  around: Surroundings,
  choice: ReplayChoice,
): Played {
  const mismatch = scheduleMismatch(schedule, here);
  if (mismatch.length > 0 && forceSchedule !== true) {
    return refused(`${name}: ${mismatch.join('; ')}; --force-schedule follows it as far as it fits`);
  }
  const remedy = schedule.remedy === null ? null : remedyNamed(schedule.remedy);
  if (remedy === undefined) return refused(`${name}: there is no remedy "${schedule.remedy}"`);
  if (!isGrain(schedule.grain)) return refused(`${name}: there is no grain "${schedule.grain}"`);
  const twin = scenario.twins.find((t) => t.name === schedule.twin);
  const stage = schedule.twin === null ? scenario.stage : twin?.stage;
  if (stage === undefined) return refused(`${name}: ${here.file} has no twin "${schedule.twin}"`);
  if (stage.others.length > 0) return refused(`${name}: an order is of one host; ${here.file} has "hosts"`);
  if (parallelBlocks(stage)[schedule.block] === undefined) {
    return refused(`${name}: ${here.file} has no parallel block ${schedule.block}`);
  }
  const plan = newBlockPlan({
    index: schedule.block,
    remedy,
    order: { grain: grainOf(schedule.grain), choices: schedule.choices },
    isStuck: schedule.verdict === 'stuck',
  });
  const result = replayInOrder(scenario, schedule.twin, plan, around, choice);
  if (plan.misfit !== null && forceSchedule !== true) {
    return refused(`${name} does not fit: ${plan.misfit.why}; --force-schedule follows it as far as it does`);
  }
  const misfit =
    plan.misfit === null
      ? []
      : [`${name} stopped fitting: ${plan.misfit.why}; from there on the clock decided`];
  return {
    ok: true,
    results: result === null ? [] : [result],
    warnings: [...mismatch.map((m) => `${name}: ${m}`), ...misfit],
  };
}
