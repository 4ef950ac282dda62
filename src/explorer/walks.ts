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
import { SLICE, type Sliced } from './sliced.ts';
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
  const drawing = startDrawing(space, options, from, to);
  continueDrawing(drawing, Number.POSITIVE_INFINITY);
  return drawnSoFar(drawing);
}

/** Samples under way: made by startDrawing(), moved on by continueDrawing(). Nobody else uses the space meanwhile. */
export interface Drawing {
  readonly walker: Walker;
  readonly options: WalkOptions;
  readonly from: number;
  readonly to: number;
  /** The sample under way, or to be begun. */
  index: number;
  steps: number;
  longest: number;
  mostTasks: number;
  unfinished: number;
  readonly outcomes: Map<number, { samples: number; first: number }>;
}

export const startDrawing = (space: Space, options: WalkOptions, from: number, to: number): Drawing => ({
  walker: makeWalker(space, options.strategy, null),
  options,
  from,
  to,
  index: from,
  steps: 0,
  longest: 0,
  mostTasks: 0,
  unfinished: 0,
  outcomes: new Map(),
});

/** Goes on for at most `budget` steps. True: all are drawn. */
export function continueDrawing(drawing: Drawing, budget: number): boolean {
  const { walker, options, outcomes } = drawing;
  let left = budget;
  while (drawing.index < drawing.to) {
    const { index } = drawing;
    if (walker.stream === null) beginWalk(walker, options, index);
    const before = walker.steps;
    const outcome = walkOn(walker, options, left);
    left -= walker.steps - before;
    if (outcome === undefined) return false;
    drawing.index++;
    drawing.steps += walker.steps;
    drawing.longest = Math.max(drawing.longest, walker.steps);
    drawing.mostTasks = Math.max(drawing.mostTasks, walker.took);
    if (outcome === null) {
      drawing.unfinished++;
      continue;
    }
    const known = outcomes.get(outcome);
    if (known === undefined) outcomes.set(outcome, { samples: 1, first: index });
    else known.samples++;
  }
  return true;
}

/** The tally of the samples that are over. */
export const drawnSoFar = (drawing: Drawing): Tally => ({
  samples: drawing.index - drawing.from,
  steps: drawing.steps,
  longest: drawing.longest,
  tasks: drawing.mostTasks,
  unfinished: drawing.unfinished,
  outcomes: [...drawing.outcomes]
    .sort(([a], [b]) => a - b)
    .map(([outcome, found]) => ({ outcome, ...found })),
});

/** The choices of sample `index`; null: nobody waits for them any more. */
export function* sampleSchedule(space: Space, options: WalkOptions, index: number): Sliced<Choice[] | null> {
  const record = makeWordList();
  const walker = makeWalker(space, options.strategy, record);
  beginWalk(walker, options, index);
  while (walkOn(walker, options, SLICE) === undefined) if (yield SLICE) return null;
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
  /** What the walk under way is drawn from; null: none is. */
  stream: RandomGenerator | null;
  /** Where in the words its state is. */
  at: number;
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
  stream: null,
  at: 0,
  steps: 0,
  took: 0,
  record,
});

function beginWalk(walker: Walker, { strategy, seed }: WalkOptions, index: number): void {
  const stream = sampleStream(seed, index);
  if (strategy.kind === 'pct') drawChanges(walker, strategy.steps, stream);
  makeRoom(walker, 0);
  walker.stream = stream;
  walker.at = 0;
  walker.steps = 0;
  walker.space.start(walker.words, 0);
}

/** Goes on with the walk for at most `budget` steps; its outcome, null if it was given up, undefined if it is not over. */
function walkOn(walker: Walker, options: WalkOptions, budget: number): number | null | undefined {
  const { space, record } = walker;
  const { strategy, maxSteps } = options;
  const stream = walker.stream!;
  const isPct = strategy.kind === 'pct';
  let { words, tasks, width, at } = walker;
  const isInPlace = space.inPlace === true;
  const until = walker.steps + budget;
  for (let { steps } = walker; ; steps++) {
    walker.steps = steps;
    walker.at = at;
    if (steps >= until) return undefined;
    const n = space.enabled(words, at, tasks);
    if (n === 0 || steps === maxSteps) {
      walker.stream = null;
      return n === 0 ? space.outcome(words, at) : null;
    }
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
