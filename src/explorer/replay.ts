/** Replaying a scenario and its twins from the first boot to the last expectation. */
import type { BlockPlan } from './block-plan.ts';
import { playSteps } from './lanes.ts';
import { type Play, raise, type Surroundings } from './play.ts';
import type { Failure, ScenarioResult, Verdict } from './result-record.ts';
import type { Limits, Scenario, Stage, Twin } from './scenario.ts';

export interface ReplayChoice {
  /** Stop a scenario at its first failure. */
  readonly bail: boolean;
  /** Which results are wanted, by name. */
  readonly wanted: (name: string) => boolean;
  /** Takes the place of the scenario's own seed. */
  readonly seed: number | null;
}

/** Plays the scenario, then each of its twins on a host of its own. */
export function replayScenario(
  scenario: Scenario,
  around: Surroundings,
  choice: ReplayChoice,
): ScenarioResult[] {
  const seeded = (stage: Stage): Stage => (choice.seed === null ? stage : { ...stage, seed: choice.seed });
  const results = [playOne(scenario.name, seeded(scenario.stage), scenario.limits, around, choice)];
  for (const twin of scenario.twins) {
    // A twin records nothing and is in no picture: it is the counter-proof.
    const { update: _update, updateBlock: _block, trace: _trace, ...quiet } = around;
    results.push(playTwin(scenario, twin, seeded(twin.stage), quiet, choice));
  }
  return results;
}

/**
 * Plays the stage that a plan is for: the scenario, or its twin of that name, under the plan's remedy. Null: there is no
 * such twin.
 */
export function replayInOrder(
  scenario: Scenario,
  twinName: string | null,
  plan: BlockPlan,
  around: Surroundings,
  choice: ReplayChoice,
): ScenarioResult | null {
  const remedied = (stage: Stage): Stage => plan.remedy?.stage?.(stage) ?? stage;
  if (twinName === null) {
    return playOne(scenario.name, remedied(scenario.stage), scenario.limits, around, choice, plan);
  }
  const twin = scenario.twins.find(({ name }) => name === twinName);
  return twin === undefined ? null : playTwin(scenario, twin, remedied(twin.stage), around, choice, plan);
}

/** Plays steps on a fresh host; the play tells what was found. */
export function play(
  stage: Stage,
  limits: Limits,
  around: Surroundings,
  bail: boolean,
  plan?: BlockPlan,
): Play {
  const on = raise(stage, limits, around, plan);
  playSteps(on, bail);
  return on;
}

/** Plays a scenario without its twins. */
export const playOnce = (scenario: Scenario, around: Surroundings): Play =>
  play(scenario.stage, scenario.limits, around, false);

const skipped = (name: string, kind: ScenarioResult['kind'], seed: number): ScenarioResult => ({
  name,
  kind,
  verdict: 'skipped',
  failures: [],
  mustFail: [],
  failedAsStated: [],
  hung: [],
  steps: 0,
  ns: 0,
  seed,
});

function playOne(
  name: string,
  stage: Stage,
  limits: Limits,
  around: Surroundings,
  choice: ReplayChoice,
  plan?: BlockPlan,
): ScenarioResult {
  const base = skipped(name, 'scenario', stage.seed);
  if (!choice.wanted(name)) return base;
  const { failures, hung, steps, world } = play(stage, limits, around, choice.bail, plan);
  const verdict: Verdict = failures.length > 0 ? 'failed' : hung !== null ? 'hung' : 'passed';
  return { ...base, verdict, failures, hung: hung ?? [], steps, ns: world.now };
}

function playTwin(
  scenario: Scenario,
  twin: Twin,
  stage: Stage,
  around: Surroundings,
  choice: ReplayChoice,
  plan?: BlockPlan,
): ScenarioResult {
  const name = `${scenario.name} / ${twin.name}`;
  const base = skipped(name, 'twin', stage.seed);
  if (!choice.wanted(name)) return base;
  const { failures, hung, steps, world } = play(stage, scenario.limits, around, false, plan);
  const told = { ...base, mustFail: twin.fails, hung: hung ?? [], steps, ns: world.now };
  const stated = (f: Failure): boolean => twin.fails.some((where) => isAt(f, where));
  const missing = twin.fails.filter((where) => !failures.some((f) => isAt(f, where)));
  const elsewhere = failures.filter((f) => !stated(f));
  if (hung !== null) return { ...told, verdict: 'hung', failures: elsewhere };
  const unmet = missing.map(
    (where): Failure => ({
      step: where,
      what: 'twin',
      line: twin.line,
      column: twin.column,
      expected: `a failure at "${where}": ${twin.because || 'without its safeguard the scenario must fail'}`,
      got: 'it holds',
      at: world.now,
      tables: around.tables(world),
      held: [],
      events: [],
    }),
  );
  const wrong = [...unmet, ...elsewhere];
  return {
    ...told,
    verdict: wrong.length === 0 ? 'passed' : 'failed',
    failures: wrong,
    failedAsStated: failures.filter(stated),
  };
}

/** `step: what`, or the step's label alone for any of its expectations. */
const isAt = (f: Failure, where: string): boolean => where === `${f.step}: ${f.what}` || where === f.step;
