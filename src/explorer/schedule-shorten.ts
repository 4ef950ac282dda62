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

/**
 * Shortens `choices`, which end in an outcome that is `wanted`. At most `attempts` schedules are tried, none longer than
 * `maxSteps`.
 */
export function shortenSchedule(
  space: Space,
  choices: readonly Choice[],
  wanted: (outcome: number) => boolean,
  attempts: number,
  maxSteps: number,
): Shortened {
  let best = choices;
  let tried = 0;
  const isBetter = (candidate: readonly Block[]): boolean => {
    if (tried >= attempts) return false;
    tried++;
    const played = playLoosely(space, candidate, maxSteps);
    if (played === null || !wanted(played.outcome) || !isSmaller(played.choices, best)) return false;
    best = played.choices;
    return true;
  };
  let isNew = true;
  while (isNew && tried < attempts) {
    isNew = cutOff(blocksOf(best), isBetter);
    if (gather(best, () => best, isBetter)) isNew = true;
    while (bringTogether(blocksOf(best), isBetter)) isNew = true;
  }
  return { choices: best, tried };
}

/**
 * The least beginning that is enough, the rest left without need to switch: looked for by halves, as if what is enough
 * stays so when more is kept; what is found is enough, and one block less is not.
 */
function cutOff(blocks: readonly Block[], isBetter: (blocks: readonly Block[]) => boolean): boolean {
  if (isBetter([])) return true;
  let tooFew = 0;
  let enough = blocks.length;
  while (enough - tooFew > 1) {
    const middle = Math.floor((tooFew + enough) / 2);
    if (isBetter(blocks.slice(0, middle))) enough = middle;
    else tooFew = middle;
  }
  return enough < blocks.length;
}

/** Brings the blocks of each task together within stretches, of all blocks first, then of half as many, and so on. */
function gather(
  from: readonly Choice[],
  best: () => readonly Choice[],
  isBetter: (blocks: readonly Block[]) => boolean,
): boolean {
  for (let size = blocksOf(from).length; size > 2; size = Math.ceil(size / 2)) {
    for (let at = 0; ; ) {
      const blocks = blocksOf(best());
      if (at >= blocks.length) break;
      const stretch = blocks.slice(at, at + size);
      const tasks = [...new Set(stretch.map(({ task }) => task))];
      const orders = [tasks, tasks.toReversed()];
      const isGathered =
        stretch.length > tasks.length &&
        orders.some((order) =>
          isBetter([
            ...blocks.slice(0, at),
            ...order.map((task) => ({ task, steps: stepsOf(stretch, task) })),
            ...blocks.slice(at + size),
          ]),
        );
      at += isGathered ? tasks.length : size;
    }
    if (size === 3) break;
  }
  return best() !== from;
}

const stepsOf = (blocks: readonly Block[], task: number): number =>
  blocks.reduce((sum, block) => (block.task === task ? sum + block.steps : sum), 0);

/** Tries to make one block of two of the same task, the later one brought forward or the earlier one put off. */
function bringTogether(blocks: readonly Block[], isBetter: (blocks: readonly Block[]) => boolean): boolean {
  return blocks.some((block, i) => {
    const j = blocks.findIndex((other, k) => k > i && other.task === block.task);
    if (j < 0) return false;
    const [before, between, after] = [blocks.slice(0, i), blocks.slice(i + 1, j), blocks.slice(j + 1)];
    const both = { task: block.task, steps: block.steps + blocks[j]!.steps };
    return (
      isBetter([...before, both, ...between, ...after]) || isBetter([...before, ...between, both, ...after])
    );
  });
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

function isSmaller(a: readonly Choice[], b: readonly Choice[]): boolean {
  const bySwitches = switches(a) - switches(b);
  return bySwitches < 0 || (bySwitches === 0 && a.length < b.length);
}

/** Makes what can be made of the blocks, then whatever is left without need to switch. null: it goes on for too long. */
function playLoosely(
  space: Space,
  blocks: readonly Block[],
  maxSteps: number,
): { readonly choices: Choice[]; readonly outcome: number } | null {
  const choices: Choice[] = [];
  let state = startState(space);
  let enabled = enabledIn(space, state);
  const make = (task: number): void => {
    state = stepFrom(space, state, task);
    enabled = enabledIn(space, state);
    choices.push(task);
  };
  for (const { task, steps } of blocks) {
    for (let i = 0; i < steps && enabled.includes(task) && choices.length < maxSteps; i++) make(task);
  }
  while (enabled.length > 0) {
    if (choices.length >= maxSteps) return null;
    const last = choices.at(-1);
    make(last !== undefined && enabled.includes(last) ? last : enabled[0]!);
  }
  return { choices, outcome: space.outcome(state, 0) };
}
