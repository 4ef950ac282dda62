/** Steps of a scenario file rewritten beside the steps they read as: both lists have the same form. */
import { checkInvariants } from '../hypervisor/invariants.ts';
import { checkXenInvariants } from '../hypervisor/xen-invariants.ts';
import type { BlockPlan } from './block-plan.ts';
import { errnoName } from './errno-name.ts';
import type { ExpectationInput } from './expectation-schema.ts';
import { DOABLE } from './judge.ts';
import type { Play } from './play.ts';
import type { Failure } from './result-record.ts';
import type { Step } from './scenario.ts';
import type { Place } from './scenario-problem.ts';
import type { StepInput } from './scenario-schema.ts';
import { counted } from './step-start.ts';

export type Steps = readonly (StepInput | string)[];
type Exits = BlockPlan['exits'];

const asStep = (step: StepInput | string): StepInput => (typeof step === 'string' ? { run: step } : step);

const innerOf = ({ action }: Step): readonly Step[] =>
  action.do === 'parallel' || action.do === 'repeat' ? action.steps : [];

/** Every step, those inside of others first, as `change` makes it. */
function changed(
  inputs: Steps,
  steps: readonly Step[],
  change: (input: StepInput, step: Step) => StepInput,
): StepInput[] {
  return inputs.map((given, i) => {
    const input = asStep(given);
    const step = steps[i]!;
    const inner = innerOf(step);
    const own: StepInput = {
      ...input,
      ...(input.parallel === undefined ? {} : { parallel: changed(input.parallel, inner, change) }),
      ...(input.steps === undefined ? {} : { steps: changed(input.steps, inner, change) }),
    };
    return change(own, step);
  });
}

/** The steps with the settings of xl.conf that `steps` have, and without outputs: those lie in files elsewhere. */
export const withSettings = (inputs: Steps, steps: readonly Step[]): StepInput[] =>
  changed(inputs, steps, ({ output: _output, ...input }, { action }) => {
    const xlconf = action.do === 'set' ? action.conditions.xlconf : undefined;
    return xlconf === undefined || input.set === undefined
      ? input
      : { ...input, set: { ...input.set, xlconf } };
  });

/** A step that expects nothing, nor do those in it. */
export function withoutExpectations(given: StepInput | string): StepInput {
  const { expect: _expect, ...input } = asStep(given);
  return {
    ...input,
    ...(input.parallel === undefined ? {} : { parallel: input.parallel.map(withoutExpectations) }),
    ...(input.steps === undefined ? {} : { steps: input.steps.map(withoutExpectations) }),
  };
}

const isAt = (a: Place, b: Place): boolean => a.line === b.line && a.column === b.column;

/** The steps without what did not hold when they were played: of the twin of a scenario some of it must not. */
export const relaxed = (inputs: Steps, steps: readonly Step[], failures: readonly Failure[]): StepInput[] =>
  changed(inputs, steps, (input, step) => {
    const own = failures.filter((failure) => isAt(failure, step));
    const [first] = own;
    if (first === undefined) return input;
    const { expect: _expect, ...rest } = input;
    if (own.every(({ expected, got }) => expected === DOABLE && got === first.got))
      return { ...rest, expect: { refused: first.got } };
    return input.run === undefined ? rest : { ...rest, expect: { exit: '>= 0' } };
  });

/** The steps of a block with what they returned. Copies of a step that ended differently become steps of their own. */
export function withEnds(inputs: Steps, steps: readonly Step[], exits: Exits): StepInput[] {
  let lane = 0;
  return inputs.flatMap((input, i) => {
    const step = steps[i]!;
    const copies = step.times ?? 1;
    const first = lane;
    lane += copies;
    const own = exits.filter((exit) => exit.lane >= first && exit.lane < lane);
    const all = changed([input], [step], (inner, at) => withExit(inner, at, own));
    const rounds = copies === 1 ? inRounds(asStep(input), step, own) : null;
    if (rounds !== null) return [rounds];
    const isAlike = new Set(own.filter((exit) => isAt(exit.step, step)).map(howText)).size <= 1;
    if (isAlike || step.times === null) return all;
    const { times: _times, ...once } = asStep(input);
    return Array.from({ length: copies }, (_, n) =>
      withExit(
        countedStep(once, n + 1),
        step,
        own.filter((exit) => exit.lane === first + n),
      ),
    );
  });
}

/** Rounds of a repeat that are written out where they ended differently, at most. */
const MAX_ROUNDS = 100;

/** A repeat whose rounds ended differently as one round of all their steps; null: they need not or cannot be told apart. */
function inRounds(input: StepInput, step: Step, exits: Exits): StepInput | null {
  if (step.action.do !== 'repeat' || step.action.count > MAX_ROUNDS) return null;
  const { steps: inner, count } = step.action;
  const exitsOf = (at: Step): Exits => exits.filter((exit) => isAt(exit.step, at));
  const isPlain = inner.every(({ action }) => action.do !== 'repeat');
  if (!isPlain || inner.every((at) => new Set(exitsOf(at).map(howText)).size <= 1)) return null;
  const rounds = Array.from({ length: count }, (_, round) =>
    inner.map((at, c) =>
      withExit(countedStep(asStep(input.steps![c]!), round + 1), at, exitsOf(at).slice(round, round + 1)),
    ),
  );
  return { ...input, repeat: 1, steps: rounds.flat() };
}

/** How a step ended, to be compared. */
const howText = ({ rc, refused }: Exits[number]): string => `${rc} ${refused}`;

/** The step with what it returned, or why it could not begin, if that was the same each time. */
function withExit(input: StepInput, step: Step, exits: Exits): StepInput {
  const own = exits.filter((exit) => isAt(exit.step, step));
  const [first] = own;
  if (first === undefined || new Set(own.map(howText)).size > 1) return input;
  const { rc, refused } = first;
  if (refused !== null) return { ...input, expect: { refused } };
  if (rc === null) return input;
  if (step.action.do === 'hypercall') {
    return { ...input, expect: { rc: rc < 0 ? `-${errnoName(-rc)}` : rc } };
  }
  return step.action.do === 'run' ? { ...input, expect: { exit: rc } } : input;
}

/** One copy of a counted step. */
function countedStep(input: StepInput, i: number): StepInput {
  const replaced = (value: unknown): unknown => {
    if (typeof value === 'string') return counted(value, i);
    if (Array.isArray(value)) return value.map(replaced);
    if (typeof value !== 'object' || value === null) return value;
    return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, replaced(inner)]));
  };
  return replaced(input) as StepInput;
}

const isGood = ({ step, rc }: Exits[number]): boolean =>
  rc === 0 || (step.action.do === 'hypercall' && rc !== null && rc > 0);
const hasFailed = (exit: Exits[number]): boolean =>
  exit.refused !== null || (exit.rc !== null && !isGood(exit));

/** What can be expected of a block that was played in its order and is the last of its scenario. */
export function blockEnd({ world, around }: Play, { exits }: BlockPlan): ExpectationInput {
  const failed = exits.filter(hasFailed).length;
  const running = around
    .observe(world)
    .domains.filter(({ domid, state }) => domid !== 0 && !/[psd]/.test(state.slice(2)))
    .map(({ domid, name }) => name ?? `(${domid})`);
  const isBroken = [...checkInvariants(world.xen.heap), ...checkXenInvariants(world.xen)].length > 0;
  return {
    succeeded: exits.filter(isGood).length,
    failed,
    running,
    ...(isBroken ? {} : { invariants: 'ok' as const }),
  };
}
