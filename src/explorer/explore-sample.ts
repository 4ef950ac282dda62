/** Orders drawn by chance from a block's space, in slices; and the smallest bad one that comes of them. */
import { ASSERT } from '../hypervisor/bug.ts';
import { joinOrder } from './actor-order.ts';
import { type EndTally, endTallyOf, mergeEndTallies, NO_SAMPLES } from './end-tally.ts';
import { type ExploreHow, type Subject, sampleSpaceOf } from './explore-how.ts';
import type { Walk } from './explore-record.ts';
import type { SeenEnd } from './outcome-table.ts';
import { inPathOrder } from './path-order.ts';
import { shortenSchedule } from './schedule-shorten.ts';
import type { Sliced } from './sliced.ts';
import type { Choice, Space } from './space.ts';
import type { TurnOrder } from './turn-order.ts';
import { type EndVerdict, endVerdict } from './verdict.ts';
import {
  continueDrawing,
  type Drawing,
  drawnSoFar,
  pctGuarantee,
  sampleSchedule,
  startDrawing,
  type WalkOptions,
} from './walks.ts';
import type { WorldSpace } from './world-space.ts';

/** Steps after which a sample is given up: not every space ends. */
const MAX_STEPS = 1_000_000;
/** Random samples that tell how long orders are, before pct spreads its change points over them. */
const PILOTS = 8;
/** Orders tried to make a bad one smaller. */
const SHORTEN_ATTEMPTS = 150;

/** Sampling under way. */
export interface Sampling {
  readonly space: WorldSpace;
  /** The same: what samples are drawn from. */
  readonly ordered: Space;
  options: WalkOptions;
  /** pct: those that tell how long orders are; null: that is known, or nobody asks. */
  pilots: Drawing | null;
  /** Those under way. */
  drawing: Drawing | null;
  /** The next sample, and one past the last. */
  next: number;
  to: number;
  tally: EndTally;
}

/** Sampling that has not drawn anything yet. */
export function startSampling(subject: Subject, how: ExploreHow): Sampling {
  const space = sampleSpaceOf(subject, how);
  const { samples, seed, depth } = how;
  const random: WalkOptions = { strategy: { kind: 'random' }, seed, maxSteps: MAX_STEPS };
  const ordered = inPathOrder(space);
  const next = { next: samples.from, to: samples.to, tally: NO_SAMPLES };
  const base = { space, ordered, drawing: null, ...next };
  if (how.strategy !== 'pct') return { ...base, options: random, pilots: null };
  const options: WalkOptions = { ...random, strategy: { kind: 'pct', depth, steps: 1 } };
  return { ...base, options, pilots: startDrawing(ordered, random, 0, PILOTS) };
}

/** Goes on for at most `budget` steps with what has to be known before samples are drawn. True: it is. */
export function continuePilots(s: Sampling, budget: number): boolean {
  if (s.pilots === null) return true;
  if (!continueDrawing(s.pilots, budget)) return false;
  spreadOver(s, Math.max(1, s.pilots.longest));
  return true;
}

/** Draws samples of about `budget` steps in all. True: all are drawn. */
export function continueSampling(s: Sampling, budget: number): boolean {
  if (!continuePilots(s, budget)) return false;
  const { samples, steps } = s.tally;
  const each = samples === 0 ? budget : Math.max(1, steps / samples);
  const to = Math.min(s.to, s.next + Math.max(1, Math.floor(budget / each)));
  s.drawing ??= startDrawing(s.ordered, s.options, s.next, to);
  // A piece that comes out a little longer than those before is not worth another look at the clock.
  if (!continueDrawing(s.drawing, 2 * budget)) return false;
  s.tally = mergeEndTallies(s.tally, endTallyOf(drawnSoFar(s.drawing), s.space.endOf));
  s.next = Math.max(s.next, s.drawing.to);
  s.drawing = null;
  return s.next >= s.to;
}

/** Whether nothing is lost but what the space remembers where another one takes over. */
export const isBetween = ({ pilots, drawing }: Sampling): boolean => pilots === null && drawing === null;

/** pct: the steps over which change points are spread; null: not known yet, or nobody asks. */
export const spreadOf = ({ pilots, options: { strategy } }: Sampling): number | null =>
  pilots === null && strategy.kind === 'pct' ? strategy.steps : null;

/** Takes them from somebody who knows them: they are the same for all. */
export function spreadOver(s: Sampling, steps: number | null): void {
  const { strategy } = s.options;
  if (steps === null || strategy.kind !== 'pct') return;
  s.options = { ...s.options, strategy: { ...strategy, steps } };
  s.pilots = null;
}

/** Goes on with samples `from` up to, not including, `to`; what was drawn is forgotten. */
export function aimSampling(s: Sampling, from: number, to: number): void {
  s.next = from;
  s.drawing = null;
  s.to = to;
  s.tally = NO_SAMPLES;
}

/** The ends that were met. */
export const sampledEnds = ({ tally }: Sampling): SeenEnd[] =>
  tally.ends.map(({ end, samples }) => ({ end, count: samples, share: null }));

/**
 * An order that ends with `verdict`, made as small as can be done without walking the space; null: not even one that was
 * met has been taken again by the time when nobody waits any more.
 */
export function* sampledWorst(
  s: Sampling,
  verdict: EndVerdict,
  fits: () => boolean,
): Sliced<TurnOrder['choices'] | null> {
  const { space, ordered, options, tally } = s;
  // What was drawn elsewhere cannot be drawn again before that is known.
  if (s.pilots !== null) return null;
  const wanted = (outcome: number): boolean => endVerdict(space.endOf(outcome), fits) === verdict;
  const found = tally.ends.find(({ end }) => endVerdict(end, fits) === verdict);
  ASSERT(found !== undefined, `a sample ended with ${verdict}`);
  const choices = yield* sampleSchedule(ordered, options, found.first);
  if (choices === null) return null;
  // Tasks are called what they were called in the order that was taken last.
  let order = joinOrder(choices, space);
  const onSmaller = (smaller: readonly Choice[]): void => {
    order = joinOrder(smaller, space);
  };
  yield* shortenSchedule(ordered, choices, {
    wanted,
    attempts: SHORTEN_ATTEMPTS,
    maxSteps: MAX_STEPS,
    onSmaller,
  });
  return order;
}

/** What was walked. */
export function sampledWalk(s: Sampling, how: ExploreHow, stopped: string | null): Walk {
  const { strategy } = s.options;
  const { space, tally } = s;
  const isPct = strategy.kind === 'pct';
  // Where it was stopped before that, nobody knows over how many steps.
  const isSpread = isPct && s.pilots === null;
  return {
    strategy: strategy.kind,
    grain: how.grain,
    ownership: space.how.ownership,
    ownership_matters: false,
    abstract: false,
    by_sums: false,
    exactly: null,
    order: null,
    reduction: false,
    finished: s.next >= s.to,
    stopped,
    states: null,
    transitions: tally.steps,
    depth: tally.longest,
    samples: tally.samples,
    seed: s.options.seed,
    pct_depth: isPct ? strategy.depth : null,
    pct_tasks: isPct ? tally.tasks : null,
    pct_steps: isSpread ? strategy.steps : null,
    guarantee: isSpread ? guaranteeText(tally.tasks, strategy.steps, strategy.depth) : null,
  };
}

/** The promise of pct, in a sentence; null: no sample was drawn that would tell how many tasks there are. */
export function guaranteeText(tasks: number, steps: number, depth: number): string | null {
  if (tasks === 0) return null;
  return (
    `an end that takes ${depth} ordering constraints is met by a sample with a probability of at least ` +
    `${pctGuarantee(tasks, steps, depth).toPrecision(2)} = 1 / (${tasks} tasks x ${steps} steps ^ ${depth - 1})`
  );
}
