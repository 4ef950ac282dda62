/**
 * A counterexample as a scenario: the stage and the steps up to its block, the order in which that went wrong, and what
 * it led to as expectations. The scenario passes as long as the order still ends so.
 *
 * What the order leads to is not taken from the exploration but from a play of the scenario that is written; and what
 * is written has been played once more, and passed.
 */
import { type BlockPlan, newBlockPlan } from './block-plan.ts';
import { parallelBlocks } from './block-prefix.ts';
import type { Play, Surroundings } from './play.ts';
import type { Remedy } from './remedy.ts';
import { play, playOnce } from './replay.ts';
import type { Scenario, Stage, Step } from './scenario.ts';
import { parseScenario, twinInput } from './scenario-file.ts';
import {
  blockEnd,
  relaxed,
  type Steps,
  withEnds,
  withoutExpectations,
  withSettings,
} from './scenario-pin-steps.ts';
import { type ScenarioInput, type StepInput, scenarioSchema } from './scenario-schema.ts';
import { parseYaml } from './scenario-yaml.ts';
import { checkAgainst } from './schema-reading.ts';
import { yamlText } from './yaml-write.ts';

/** What is to be pinned. */
export interface Pin {
  readonly twin: string | null;
  readonly block: number;
  readonly remedy: Remedy | null;
  readonly order: NonNullable<StepInput['order']>;
  /** What the order ends in, and its story, for people. */
  readonly verdict: string;
  readonly story: readonly string[];
  /** A guest's config file as the new scenario names it. */
  readonly cfgPath: (path: string) => string;
}

/** The scenario's text, or why there is none, in a sentence. */
export type Pinned =
  | { readonly ok: true; readonly text: string }
  | { readonly ok: false; readonly message: string };

/** Why a remedy cannot be part of a scenario; null: it can. */
export function cannotPin(remedy: Remedy | null): string | null {
  if (remedy === null || (remedy.intercept === undefined && remedy.prepare === undefined)) return null;
  return `the remedy ${remedy.name} comes between tasks and Xen, which no key of a scenario says`;
}

const refused = (message: string): Pinned => ({ ok: false, message });

/** Pins an order of the scenario `text`. `around`: what the new file will see around it. */
export function pinScenario(text: string, fileName: string, pin: Pin, around: Surroundings): Pinned {
  const impossible = cannotPin(pin.remedy);
  if (impossible !== null) return refused(impossible);
  const source = sourceOf(text, fileName, pin);
  if (typeof source === 'string') return refused(source);
  const draft = readBack(draftOf(source, pin), fileName);
  if (typeof draft === 'string') return refused(draft);
  if (!isSameStage(draft.scenario.stage, source.stage)) {
    return refused(
      `the remedy ${pin.remedy?.name} changes more than xl.conf, which no key of a scenario says`,
    );
  }
  const plan = planOf(draft.scenario, pin);
  const on = play(draft.scenario.stage, draft.scenario.limits, around, false, plan);
  if (on.hung !== null)
    return refused(`the order never ends, and no scenario can expect that: ${on.hung[0]}`);
  if (plan.misfit !== null) return refused(`the order does not fit what was written: ${plan.misfit.why}`);
  const ends = blockEnd(on, plan);
  if (ends.invariants !== 'ok')
    return refused('an invariant is broken in the end, which no scenario can expect');
  // A guest may be called what the file does not show; then how many domains there are has to do.
  const { running: _running, ...counts } = ends;
  const domains = on.around.observe(on.world).domains.length;
  const first = proved(draft, on, plan, ends, fileName);
  return first.ok ? first : proved(draft, on, plan, { ...counts, host: { domains } }, fileName);
}

/** What is written down, as data, and what it reads as. */
interface Written {
  readonly input: ScenarioInput;
  readonly scenario: Scenario;
}

interface Source {
  readonly input: ScenarioInput;
  /** With the remedy in force. */
  readonly stage: Stage;
  readonly name: string;
}

function sourceOf(text: string, fileName: string, { twin: name, remedy }: Pin): Source | string {
  const yaml = parseYaml(text);
  const checked = yaml.ok ? checkAgainst<ScenarioInput>(scenarioSchema, yaml.value) : yaml;
  const parsed = parseScenario(text, fileName);
  if (!checked.ok || !parsed.ok) return `${fileName} cannot be read any more`;
  const remedied = (stage: Stage): Stage => remedy?.stage?.(stage) ?? stage;
  const { value: input } = checked;
  const { value: scenario } = parsed;
  if (name === null) return { input, stage: remedied(scenario.stage), name: scenario.name };
  const twin = input.twins?.find((t) => t.name === name);
  const stage = scenario.twins.find((t) => t.name === name)?.stage;
  if (twin === undefined || stage === undefined) return `${fileName} has no twin "${name}"`;
  return { input: twinInput(input, twin), stage: remedied(stage), name: `${scenario.name} / ${name}` };
}

/** Everything but what is expected of the block and in it. */
function draftOf({ input, stage, name }: Source, pin: Pin): ScenarioInput {
  const { twins: _twins, story: _story, ...rest } = input;
  const last = stage.steps.indexOf(parallelBlocks(stage)[pin.block]!);
  const steps = withSettings(input.steps.slice(0, last + 1), stage.steps.slice(0, last + 1));
  const block = steps[last]!;
  const parallel = (block.parallel ?? []).map(withoutExpectations);
  const guests = Object.entries(input.guests ?? {}).map(([guest, settings]) => {
    const isFile = typeof settings === 'object' && typeof settings.cfg === 'string';
    return [guest, isFile ? { ...settings, cfg: pin.cfgPath(settings.cfg!) } : settings] as const;
  });
  const story = [`One order of ${name} that ends so: ${pin.verdict}.`, ...pin.story];
  return {
    ...rest,
    name: `${name}: ${pin.verdict}`,
    story: `${story.join('\n')}\n`,
    ...(pin.remedy === null ? {} : { xlconf: stage.xlConf }),
    ...(guests.length === 0 ? {} : { guests: Object.fromEntries(guests) }),
    steps: [...steps.slice(0, last), { ...withoutExpectations(block), parallel, order: pin.order }],
  };
}

/** The keys of a scenario, in the order of the documentation. */
const KEYS = [
  'name',
  'story',
  'source',
  'host',
  'xlconf',
  'guests',
  'costs',
  'grain',
  'limits',
  'steps',
] as const;

function textOf(input: ScenarioInput): string {
  const keys = KEYS.filter((key) => input[key] !== undefined);
  return yamlText(Object.fromEntries(keys.map((key) => [key, input[key]])), ['choices']);
}

function readBack(input: ScenarioInput, fileName: string): Written | string {
  const read = parseScenario(textOf(input), fileName);
  if (read.ok) return { input, scenario: read.value };
  return `it cannot be written as a scenario: ${read.problems[0]?.message}; --save keeps the order as a schedule`;
}

/** The same host, settings and guests; where configs lie may differ. */
function isSameStage(a: Stage, b: Stage): boolean {
  const shown = ({ steps: _steps, guests, ...rest }: Stage): string =>
    JSON.stringify([rest, [...guests].map(([name, { text }]) => [name, text])]);
  return shown(a) === shown(b);
}

function planOf({ stage }: Scenario, { block: index }: Pin): BlockPlan {
  const order = parallelBlocks(stage)[index]?.order ?? null;
  return newBlockPlan({ index, remedy: null, order });
}

/** The draft with what `on` showed of it, if that passes by itself. */
function proved(
  draft: Written,
  on: Play,
  plan: BlockPlan,
  expect: NonNullable<StepInput['expect']>,
  fileName: string,
): Pinned {
  const input = withOutcome(draft, on, plan, expect);
  const written = readBack(input, fileName);
  if (typeof written === 'string') return refused(written);
  const { failures, hung } = playOnce(written.scenario, on.around);
  if (failures.length === 0 && hung === null) return { ok: true, text: textOf(input) };
  const [failure] = failures;
  const why = failure === undefined ? hung?.[0] : `${failure.step}: ${failure.what}: ${failure.got}`;
  return refused(`what was written does not pass: ${why}`);
}

function withOutcome(
  { input, scenario }: Written,
  { failures }: Play,
  plan: BlockPlan,
  expect: NonNullable<StepInput['expect']>,
): ScenarioInput {
  const last = input.steps.length - 1;
  const before: Steps = input.steps.slice(0, last);
  const block = input.steps[last] as StepInput;
  const step: Step = scenario.stage.steps[last]!;
  const children = step.action.do === 'parallel' ? step.action.steps : [];
  const parallel = withEnds(block.parallel ?? [], children, plan.exits);
  const { order, ...rest } = block;
  // A step that is told in full reads from what it does to what comes of it.
  return {
    ...input,
    steps: [...relaxed(before, scenario.stage.steps, failures), { ...rest, parallel, order, expect }],
  };
}
