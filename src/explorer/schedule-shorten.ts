/**
 * A schedule that was found by chance, made readable: fewer context switches, then fewer steps, with an end that is
 * still wanted.
 *
 * Unlike shortest-schedule.ts this keeps no states, so it works where the space cannot be walked; in turn, what it
 * finds is small but perhaps not the smallest. It is deterministic. Three moves are tried until none helps: leave the
 * rest to whoever made the last step (then to the lowest number), bring the blocks of each task in a stretch together,
 * large stretches first, and bring two blocks of one task together.
 */
import { enabledIn, startState, stepFrom } from './schedule-replay.ts';
import type { Sliced } from './sliced.ts';
import type { Choice, Space } from './space.ts';

/** Steps of one task without another in between. */
interface Block {
  readonly task: number;
  readonly steps: number;
}

export interface Shortened {
  readonly choices: readonly Choice[];
  /** Schedules that were tried. */
  readonly tried: number;
}

export interface ShortenHow {
  readonly wanted: (outcome: number) => boolean;
  /** Schedules that are tried at most. */
  readonly attempts: number;
  /** Steps of the longest of them. */
  readonly maxSteps: number;
  /** Called with each that is smaller, right after it was played. */
  readonly onSmaller?: (choices: readonly Choice[]) => void;
}

interface Shortening {
  readonly space: Space;
  readonly how: ShortenHow;
  best: readonly Choice[];
  tried: number;
  /** Nobody waits for anything smaller. */
  isStopped: boolean;
}

const isOver = ({ how, tried, isStopped }: Shortening): boolean => isStopped || tried >= how.attempts;

/** Shortens `choices`, which end in an outcome that is wanted; its steps are those of the space. */
export function* shortenSchedule(
  space: Space,
  choices: readonly Choice[],
  how: ShortenHow,
): Sliced<Shortened> {
  const s: Shortening = { space, how, best: choices, tried: 0, isStopped: false };
  for (let isNew = true; isNew && !isOver(s); ) {
    isNew = yield* cutOff(s);
    if (yield* gather(s)) isNew = true;
    while (yield* bringTogether(s)) isNew = true;
  }
  return { choices: s.best, tried: s.tried };
}

/** Whether the candidate ends as is wanted and is smaller than the best; then it is the best. */
function* isBetter(s: Shortening, candidate: readonly Block[]): Sliced<boolean> {
  const { space, how } = s;
  if (isOver(s)) return false;
  s.tried++;
  const played = yield* playLoosely(s, candidate);
  if (played === null || !isSmaller(played, s.best)) return false;
  if (!how.wanted(space.outcome(played.state, 0))) return false;
  s.best = played.choices;
  how.onSmaller?.(s.best);
  return true;
}

/**
 * The least beginning that is enough, the rest left without need to switch: looked for by halves, as if what is enough
 * stays so when more is kept; what is found is enough, and one block less is not.
 */
function* cutOff(s: Shortening): Sliced<boolean> {
  const blocks = blocksOf(s.best);
  if (yield* isBetter(s, [])) return true;
  let tooFew = 0;
  let enough = blocks.length;
  while (enough - tooFew > 1) {
    const middle = Math.floor((tooFew + enough) / 2);
    if (yield* isBetter(s, blocks.slice(0, middle))) enough = middle;
    else tooFew = middle;
  }
  return enough < blocks.length;
}

/** Brings the blocks of each task together within stretches, of all blocks first, then of half as many, and so on. */
function* gather(s: Shortening): Sliced<boolean> {
  const from = s.best;
  for (let size = blocksOf(from).length; size > 2 && !isOver(s); size = Math.ceil(size / 2)) {
    for (let at = 0; !isOver(s); ) {
      const blocks = blocksOf(s.best);
      if (at >= blocks.length) break;
      const together = yield* gatherAt(s, blocks, at, size);
      at += together ?? size;
    }
    if (size === 3) break;
  }
  return s.best !== from;
}

/** The same for one stretch: how many blocks it has come to; null: it is left as it is. */
function* gatherAt(s: Shortening, blocks: readonly Block[], at: number, size: number): Sliced<number | null> {
  const stretch = blocks.slice(at, at + size);
  const tasks = [...new Set(stretch.map(({ task }) => task))];
  if (stretch.length <= tasks.length) return null;
  for (const order of [tasks, tasks.toReversed()]) {
    const gathered = order.map((task) => ({ task, steps: stepsOf(stretch, task) }));
    const candidate = [...blocks.slice(0, at), ...gathered, ...blocks.slice(at + size)];
    if (yield* isBetter(s, candidate)) return tasks.length;
  }
  return null;
}

const stepsOf = (blocks: readonly Block[], task: number): number =>
  blocks.reduce((sum, block) => (block.task === task ? sum + block.steps : sum), 0);

/** Tries to make one block of two of the same task, the later one brought forward or the earlier one put off. */
function* bringTogether(s: Shortening): Sliced<boolean> {
  const blocks = blocksOf(s.best);
  for (const [i, block] of blocks.entries()) {
    if (isOver(s)) return false;
    const j = blocks.findIndex((other, k) => k > i && other.task === block.task);
    if (j < 0) continue;
    const [before, between, after] = [blocks.slice(0, i), blocks.slice(i + 1, j), blocks.slice(j + 1)];
    const both = { task: block.task, steps: block.steps + blocks[j]!.steps };
    if (yield* isBetter(s, [...before, both, ...between, ...after])) return true;
    if (yield* isBetter(s, [...before, ...between, both, ...after])) return true;
  }
  return false;
}

function blocksOf(choices: readonly Choice[]): Block[] {
  const blocks: { task: number; steps: number }[] = [];
  for (const task of choices) {
    const last = blocks.at(-1);
    if (last?.task === task) last.steps++;
    else blocks.push({ task, steps: 1 });
  }
  return blocks;
}

const switches = (choices: readonly Choice[]): number =>
  choices.reduce((sum, task, i) => (i > 0 && task !== choices[i - 1] ? sum + 1 : sum), 0);

function isSmaller({ choices }: Played, than: readonly Choice[]): boolean {
  const bySwitches = switches(choices) - switches(than);
  return bySwitches < 0 || (bySwitches === 0 && choices.length < than.length);
}

interface Played {
  readonly choices: Choice[];
  readonly state: Int32Array;
}

/**
 * Makes what can be made of the blocks, then whatever is left without need to switch. Null: it goes on for too long, or for
 * longer than anybody waits.
 */
function* playLoosely(s: Shortening, blocks: readonly Block[]): Sliced<Played | null> {
  const { space, how } = s;
  const choices: Choice[] = [];
  let state = startState(space);
  let enabled = enabledIn(space, state);
  const make = function* (task: number): Sliced<void> {
    state = stepFrom(space, state, task);
    enabled = enabledIn(space, state);
    choices.push(task);
    if (yield 1) s.isStopped = true;
  };
  for (const { task, steps } of blocks) {
    for (let i = 0; i < steps && enabled.includes(task) && choices.length < how.maxSteps; i++) {
      yield* make(task);
      if (s.isStopped) return null;
    }
  }
  while (enabled.length > 0) {
    if (choices.length >= how.maxSteps || s.isStopped) return null;
    const last = choices.at(-1);
    yield* make(last !== undefined && enabled.includes(last) ? last : enabled[0]!);
  }
  return { choices, state };
}
