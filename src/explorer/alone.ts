/**
 * The steps of a block one at a time: whether a builder that fails beside others would have fitted alone.
 *
 * That is asked of ends in which no builder has started, and of no others; so it is found when somebody asks, in slices.
 */
import { type BlockRun, blockEnds, blockTurns, buildsGuest, openBlock, takeBlockTurn } from './block.ts';
import { parallelBlocks } from './block-prefix.ts';
import { atBlock, type ExploreHow, type Subject } from './explore-how.ts';
import type { Stage, Step } from './scenario.ts';
import { grainOf } from './turn-order.ts';

/** Turns after which a step alone is taken for one that never ends. */
const MAX_TURNS = 200_000;

/** By lane: the step it is a copy of. */
export function laneSteps({ stage, block }: Subject): string[] {
  return childrenOf(parallelBlocks(stage)[block]).flatMap(({ label, times }) =>
    new Array<string>(times ?? 1).fill(label),
  );
}

const childrenOf = (block: Step | undefined): readonly Step[] =>
  block?.action.do === 'parallel' ? block.action.steps : [];

/** See the file's header. Made by newAlone(), moved on by continueAlone(). */
export interface Alone {
  readonly subject: Subject;
  readonly how: ExploreHow;
  /** Builders that are still to be tried, the first of them under way; null: nobody has asked yet. */
  left: Step[] | null;
  block: BlockRun | null;
  turns: number;
  /** Whether one of them creates its guest where nobody runs beside it; null: not known yet. */
  starts: boolean | null;
}

export const newAlone = (subject: Subject, how: ExploreHow): Alone => ({
  subject,
  how,
  left: null,
  block: null,
  turns: 0,
  starts: null,
});

/** Tries the builders, each copy of a step for all of them, for about `budget` turns. True: it is known. */
export function continueAlone(alone: Alone, budget: number): boolean {
  const { stage, block: index } = alone.subject;
  alone.left ??= childrenOf(parallelBlocks(stage)[index]).filter(buildsGuest);
  const { left } = alone;
  for (let turns = 0; alone.starts === null; turns++) {
    if (turns >= budget) return false;
    const [step] = left;
    if (step === undefined) alone.starts = false;
    else {
      alone.block ??= openAlone(alone, step);
      if (!takeTurnAlone(alone, alone.block)) continue;
      if (hasStarted(alone.block)) alone.starts = true;
      left.shift();
      alone.block = null;
      alone.turns = 0;
    }
  }
  return true;
}

/** The same, to its end if that is not known yet. */
export function startsAlone(alone: Alone): boolean {
  continueAlone(alone, Number.POSITIVE_INFINITY);
  return alone.starts === true;
}

function openAlone({ subject, how }: Alone, step: Step): BlockRun {
  const only = { ...step, times: step.times === null ? null : 1 };
  const at = atBlock({ ...subject, stage: withOnly(subject.stage, subject.block, only) });
  const block = openBlock(at.play, at.block, { grain: grainOf(how.grain), timed: false });
  const intercept = subject.remedy?.intercept;
  if (intercept !== undefined) block.run.intercept = intercept;
  return block;
}

/** Makes a turn. True: it is over, or will be no other. */
function takeTurnAlone(alone: Alone, block: BlockRun): boolean {
  if (alone.turns++ >= MAX_TURNS) return true;
  const [actor] = blockTurns(block);
  if (actor === undefined) return true;
  takeBlockTurn(block, actor);
  // What has failed once has not started, whatever comes of its other steps.
  return block.states.some(({ facts }) => facts.rc !== 0);
}

const hasStarted = (block: BlockRun): boolean =>
  blockEnds(block, 'stuck').every(({ kind }) => kind === 'started');

/** The stage with nothing but `only` in its `n`-th parallel block. */
function withOnly(stage: Stage, n: number, only: Step): Stage {
  const block = parallelBlocks(stage)[n];
  const steps = stage.steps.map(
    (step): Step => (step === block ? { ...step, action: { do: 'parallel', steps: [only] } } : step),
  );
  return { ...stage, steps };
}
