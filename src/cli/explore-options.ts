/** What the command line of `explore` says, checked. */
import { availableParallelism } from 'node:os';
import { parseDuration, parsePages, sizeForm, timeForm } from '../explorer/amount.ts';
import { didYouMean } from '../explorer/did-you-mean.ts';
import { REMEDIES } from '../explorer/remedy-table.ts';
import { GRAINS, isGrain } from '../explorer/turn-order.ts';
import type { OptionValues } from './said-options.ts';

/** As commander hands it over. */
export interface ExploreOptions {
  readonly strategy: string;
  readonly order: string;
  /** Absent: see grainOfStage(). */
  readonly grain?: string;
  readonly ownership: string;
  readonly reduction: string;
  readonly samples?: string;
  readonly depth: string;
  readonly seed: string;
  readonly block: string;
  readonly twin?: string;
  readonly remedy?: string;
  readonly compare?: boolean;
  readonly remedies?: string;
  readonly forbid?: string;
  readonly markdown?: string;
  readonly svg?: string;
  readonly save?: string;
  readonly saveTest?: string;
  readonly timeBudget?: string;
  readonly maxMemory: string;
  readonly maxStates: string;
  readonly jobs?: string;
  readonly shard?: string;
  readonly selfCheck?: boolean;
  readonly allowOutside?: boolean;
  /** The options that were named, and those that a line needs to do the same again. */
  readonly said: readonly string[];
  readonly again: OptionValues;
}

/** The same, checked and typed. */
export interface ExploreChoice {
  readonly strategy: 'auto' | 'exhaustive' | 'random' | 'pct';
  readonly order: 'dfs' | 'bfs';
  readonly grain: string;
  readonly ownership: 'auto' | 'class' | 'exact';
  readonly reduction: boolean;
  readonly samples: number;
  /** Steps for the samples of one remedy: with as many samples as were asked for, as many as they take. */
  readonly sampleSteps: number;
  readonly depth: number;
  readonly seed: number;
  readonly block: number;
  readonly twin: string | null;
  /** Names; null: the scenario as it is. More than one only to compare. */
  readonly remedies: readonly (string | null)[];
  readonly compare: boolean;
  readonly forbidRefusal: boolean;
  /** Real milliseconds; without a budget no end. */
  readonly timeBudget: number;
  /** Bytes. */
  readonly maxMemory: number;
  readonly maxStates: number;
  /** Threads, this one among them. */
  readonly jobs: number;
  readonly shard: { readonly index: number; readonly of: number };
  readonly selfCheck: boolean;
}

type Strategy = ExploreChoice['strategy'];

/** Options that not every strategy has a use for; those of `auto` are what it may come to. */
const USED_BY: Readonly<Record<string, readonly Strategy[]>> = {
  order: ['auto', 'exhaustive'],
  ownership: ['auto', 'exhaustive'],
  reduction: ['auto', 'exhaustive'],
  'max-states': ['auto', 'exhaustive'],
  samples: ['auto', 'random', 'pct'],
  seed: ['auto', 'random', 'pct'],
  depth: ['pct'],
};

/** Whether a strategy has a use for the option of that long name. */
export const isUsedBy = (strategy: Strategy, option: string): boolean =>
  USED_BY[option]?.includes(strategy) ?? true;

const PAGE_BYTES = 4096;
const MAX_JOBS = 256;
/** Where nobody says how many: so many samples, or as many as there are steps for. Neither depends on the machine. */
const DEFAULT_SAMPLES = '10000';
const SAMPLE_STEPS = 1_000_000;

/** Thrown below and caught in readChoice(): a sentence about what cannot be read. */
class Misuse extends Error {}

/** Checks the options; a sentence about the first that makes no sense. */
export function readChoice(options: ExploreOptions): ExploreChoice | string {
  try {
    return checked(options);
  } catch (error) {
    if (error instanceof Misuse) return error.message;
    throw error;
  }
}

function checked(options: ExploreOptions): ExploreChoice {
  const compare = options.compare === true || options.remedies !== undefined;
  if (compare && options.remedy !== undefined)
    throw new Misuse('--remedy is for one, --remedies for --compare');
  if (compare && options.save !== undefined) {
    throw new Misuse('--save is of one remedy: use --remedy NAME instead of --compare');
  }
  if (compare && options.saveTest !== undefined) {
    throw new Misuse('--save-test is of one remedy: use --remedy NAME instead of --compare');
  }
  const { grain = 'hypercall' } = options;
  if (!isGrain(grain)) {
    // What scenarios call it.
    const meant = grain === 'steps' ? ': did you mean sections?' : '';
    throw new Misuse(`--grain is ${GRAINS}, not ${grain}${meant}`);
  }
  if (options.forbid !== undefined && options.forbid !== 'early-refusal') {
    throw new Misuse(`--forbid knows early-refusal, not ${options.forbid}: all other failures count anyway`);
  }
  const shard = shardOf(options.shard ?? '1/1');
  if (shard.of > 1 && options.strategy !== 'random' && options.strategy !== 'pct') {
    throw new Misuse(
      '--shard is of samples, a walk of all orders has no parts: add --strategy random or pct',
    );
  }
  if (options.strategy === 'replay') {
    throw new Misuse('--strategy replay is a command of its own: xlsim replay SCENARIO --schedule FILE');
  }
  const strategy = oneOf('--strategy', options.strategy, ['auto', 'exhaustive', 'random', 'pct']);
  const reduction = oneOf('--reduction', options.reduction, ['on', 'off']) === 'on';
  refuseUnused(options, strategy, reduction);
  return {
    strategy,
    order: oneOf('--order', options.order, ['dfs', 'bfs']),
    grain,
    ownership: oneOf('--ownership', options.ownership, ['auto', 'class', 'exact']),
    reduction,
    samples: count('--samples', options.samples ?? DEFAULT_SAMPLES, 1),
    sampleSteps: options.samples === undefined && shard.of === 1 ? SAMPLE_STEPS : Number.POSITIVE_INFINITY,
    depth: count('--depth', options.depth, 1, 1000),
    seed: count('--seed', options.seed, 0),
    block: count('--block', options.block, 0),
    twin: options.twin ?? null,
    remedies: remediesOf(options, compare),
    compare,
    forbidRefusal: options.forbid === 'early-refusal',
    timeBudget: timeBudget(options.timeBudget),
    maxMemory: bytes(options.maxMemory),
    maxStates: count('--max-states', options.maxStates, 1),
    jobs: options.jobs === undefined ? availableParallelism() : count('--jobs', options.jobs, 1, MAX_JOBS),
    shard,
    selfCheck: options.selfCheck === true,
  };
}

/** What was asked for and would change nothing was meant otherwise. */
function refuseUnused({ said }: ExploreOptions, strategy: Strategy, reduction: boolean): void {
  const unused = said.find((option) => !isUsedBy(strategy, option));
  if (unused !== undefined) {
    const users = USED_BY[unused]!.filter((user) => user !== 'auto');
    throw new Misuse(
      `--${unused} is of --strategy ${users.join(' and ')}; ${strategy === 'auto' ? 'without it there is no use for it' : `${strategy} has no use for it`}`,
    );
  }
  if (reduction && said.includes('order'))
    throw new Misuse('--order is of a walk of all orders; --reduction on has its own');
}

function oneOf<T extends string>(option: string, value: string, known: readonly T[]): T {
  const found = known.find((name) => name === value);
  if (found !== undefined) return found;
  const meant = didYouMean(value, known);
  throw new Misuse(
    `${option} is ${known.join(', ')}, not ${value === '' ? 'an empty name' : value}${meant === null ? '' : `: did you mean ${meant}?`}`,
  );
}

function count(option: string, text: string, min: number, max = Number.MAX_SAFE_INTEGER): number {
  const n = /^\d+$/.test(text) ? Number(text) : Number.NaN;
  if (n >= min && n <= max) return n;
  const isTooLarge = n > max;
  const range = max === Number.MAX_SAFE_INTEGER && !isTooLarge ? `from ${min} on` : `from ${min} to ${max}`;
  throw new Misuse(`${option} is a whole number ${range}, not ${text}`);
}

function timeBudget(text: string | undefined): number {
  if (text === undefined) return Number.POSITIVE_INFINITY;
  const ns = parseDuration(text);
  if (ns === null) throw new Misuse(`--time-budget is ${timeForm(text)}, not ${text}`);
  if (ns === 0)
    throw new Misuse('--time-budget 0 leaves no time to walk anything: give it some, such as 30s');
  return ns / 1e6;
}

function bytes(text: string): number {
  const pages = parsePages(text);
  if (pages === null || pages === 0)
    throw new Misuse(`--max-memory is ${sizeForm(text)}, more than 0, not ${text}`);
  return pages * PAGE_BYTES;
}

function remediesOf({ remedy, remedies }: ExploreOptions, compare: boolean): readonly (string | null)[] {
  const names = REMEDIES.map(({ name }) => name);
  const known = (option: string, name: string): string => oneOf(option, name, names);
  if (remedy !== undefined) return [known('--remedy', remedy)];
  if (!compare) return [null];
  if (remedies === undefined) return names;
  return [...new Set(remedies.split(',').map((name) => known('--remedies', name.trim())))];
}

function shardOf(text: string): { readonly index: number; readonly of: number } {
  const parts = /^(\d{1,6})\/(\d{1,6})$/.exec(text);
  const index = Number(parts?.[1]);
  const of = Number(parts?.[2]);
  if (index >= 1 && index <= of) return { index, of };
  throw new Misuse(`--shard reads INDEX/COUNT, such as 2/4, not ${text}`);
}
