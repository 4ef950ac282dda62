/**
 * Orders drawn by chance, for spaces that cannot be walked whole.
 *
 * `random`: each step is made by one of those who can, all equally likely. `pct`: probabilistic concurrency testing
 * (Burckhardt, Kothari, Musuvathi, Nagarakatte, ASPLOS 2010): tasks have random priorities, the first who can goes on,
 * and at depth - 1 random steps the one about to go on falls behind all others. An outcome that needs `depth` ordering
 * constraints is met by a walk with a probability of at least 1 / (tasks * steps ** (depth - 1)), as long as no walk is
 * longer than `steps` and no more tasks than `tasks` take part.
 */
import type { RandomGenerator } from 'pure-rand/types/RandomGenerator';
import { drawBelow, sampleStream } from './sample-stream.ts';
import type { Tally } from './sample-tally.ts';
import type { Choice, Space } from './space.ts';
import { makeWordList, pushWord, type WordList, wordAt } from './word-list.ts';

export type WalkStrategy =
  | { readonly kind: 'random' }
  /** `depth` from 1; `steps`: what the change points are spread over, from 1. */
  | { readonly kind: 'pct'; readonly depth: number; readonly steps: number };

export interface WalkOptions {
  readonly strategy: WalkStrategy;
  readonly seed: number;
  /** A walk is given up after so many steps: not every space ends. */
  readonly maxSteps: number;
}

/** A lower bound for the chance of one walk of `pct` to meet an outcome of that depth. */
export function pctGuarantee(tasks: number, steps: number, depth: number): number {
  return 1 / (tasks * steps ** (depth - 1));
}

/** Samples `from` up to, not including, `to`. The tallies of ranges that do not overlap may be merged. */
export function sampleRange(space: Space, options: WalkOptions, from: number, to: number): Tally {
  const walker = makeWalker(space, options.strategy, null);
  const outcomes = new Map<number, { samples: number; first: number }>();
  let steps = 0;
  let longest = 0;
  let mostTasks = 0;
  let unfinished = 0;
  for (let index = from; index < to; index++) {
    const outcome = walk(walker, options, index);
    steps += walker.steps;
    longest = Math.max(longest, walker.steps);
    mostTasks = Math.max(mostTasks, walker.took);
    if (outcome === null) {
      unfinished++;
      continue;
    }
    const known = outcomes.get(outcome);
    if (known === undefined) outcomes.set(outcome, { samples: 1, first: index });
    else known.samples++;
  }
  return {
    samples: to - from,
    steps,
    longest,
    tasks: mostTasks,
    unfinished,
    outcomes: [...outcomes].sort(([a], [b]) => a - b).map(([outcome, found]) => ({ outcome, ...found })),
  };
}

/** The choices of sample `index`. */
export function sampleSchedule(space: Space, options: WalkOptions, index: number): Choice[] {
  const record = makeWordList();
  walk(makeWalker(space, options.strategy, record), options, index);
  return Array.from({ length: record.length }, (_, i) => wordAt(record, i));
}

/** Places that walks share, so that a step allocates nothing. */
interface Walker {
  readonly space: Space;
  /** Two states: the present one and the next. */
  words: Int32Array;
  width: number;
  tasks: Int32Array;
  /** pct: of each task, 0 until it is first able to make a step. */
  priorities: Float64Array;
  /** pct: the steps at which somebody falls behind. */
  readonly changes: Int32Array;
  /** Steps of the last walk. */
  steps: number;
  /** pct: tasks that were able to make a step in the last walk. */
  took: number;
  /** Choices go here if somebody wants them. */
  readonly record: WordList | null;
}

const makeWalker = (space: Space, strategy: WalkStrategy, record: WordList | null): Walker => ({
  space,
  words: new Int32Array(2 * space.width),
  width: space.width,
  tasks: new Int32Array(Math.max(1, space.tasks)),
  priorities: new Float64Array(Math.max(1, space.tasks)),
  changes: new Int32Array(strategy.kind === 'pct' ? strategy.depth - 1 : 0),
  steps: 0,
  took: 0,
  record,
});

/** Makes one walk; its outcome, or null if it was given up. */
function walk(walker: Walker, options: WalkOptions, index: number): number | null {
  const { space, record } = walker;
  const { strategy, maxSteps } = options;
  const isPct = strategy.kind === 'pct';
  const stream = sampleStream(options.seed, index);
  if (isPct) drawChanges(walker, strategy.steps, stream);
  makeRoom(walker, 0);
  let { words, tasks, width } = walker;
  const isInPlace = space.inPlace === true;
  let at = 0;
  space.start(words, 0);
  for (let steps = 0; ; steps++) {
    const n = space.enabled(words, at, tasks);
    walker.steps = steps;
    if (n === 0) return space.outcome(words, at);
    if (steps === maxSteps) return null;
    const pick = isPct ? firstInLine(walker, n, stream) : n === 1 ? 0 : drawBelow(stream, n);
    const task = tasks[pick]!;
    if (record !== null) pushWord(record, task);
    if (isInPlace) {
      space.step(words, at, task, words, at);
      continue;
    }
    space.step(words, at, task, words, width - at);
    if (space.width === width && space.tasks <= tasks.length) at = width - at;
    else {
      stepInLargerRoom(walker, at, task);
      ({ words, tasks, width } = walker);
      at = 0;
    }
  }
}

/** The space grew during a step: makes it again with room, until there is enough. The state is at 0 then. */
function stepInLargerRoom(walker: Walker, at: number, task: number): void {
  const { space } = walker;
  do {
    makeRoom(walker, at);
    at = 0;
    space.step(walker.words, 0, task, walker.words, walker.width);
  } while (space.width !== walker.width);
  makeRoom(walker, walker.width);
}

/** Room for the space as it is now; the state that was at `at` is at 0 then. */
function makeRoom(walker: Walker, at: number): void {
  const { space } = walker;
  if (at === 0 && space.width === walker.width && space.tasks <= walker.tasks.length) return;
  const words = new Int32Array(2 * space.width);
  words.set(walker.words.subarray(at, at + walker.width));
  walker.words = words;
  walker.width = space.width;
  if (space.tasks <= walker.tasks.length) return;
  walker.tasks = new Int32Array(2 * space.tasks);
  const priorities = new Float64Array(2 * space.tasks);
  priorities.set(walker.priorities);
  walker.priorities = priorities;
}

function drawChanges(walker: Walker, steps: number, stream: RandomGenerator): void {
  walker.priorities.fill(0);
  walker.took = 0;
  for (let i = 0; i < walker.changes.length; i++) walker.changes[i] = drawBelow(stream, steps);
}

/** Where in `tasks` the one of highest priority is, after those who fall behind at this step have done so. */
function firstInLine(walker: Walker, n: number, stream: RandomGenerator): number {
  const { tasks, priorities, changes, steps } = walker;
  let best = 0;
  for (let i = 0; i < n; i++) {
    const task = tasks[i]!;
    // Those who have not fallen behind are drawn above 1. Equal draws are as good as impossible.
    if (priorities[task] === 0) {
      priorities[task] = 1 + (stream.next() >>> 0) + (stream.next() >>> 0) / 2 ** 32;
      walker.took++;
    }
    if (priorities[task]! > priorities[tasks[best]!]!) best = i;
  }
  for (let change = 0; change < changes.length; change++) {
    if (changes[change] !== steps) continue;
    // Below all that were drawn; those of later numbers above those of earlier ones, as in the paper.
    priorities[tasks[best]!] = (change + 1) / (changes.length + 2);
    for (let i = 0; i < n; i++) if (priorities[tasks[i]!]! > priorities[tasks[best]!]!) best = i;
  }
  return best;
}
