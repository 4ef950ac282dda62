/**
 * The steps of a block one at a time: whether a builder that fails beside others would have fitted alone.
 *
 * That is asked of ends in which no builder has started. It is found, in slices, once such an end was met, or a violation
 * was: on the way to the smallest order that is as bad others may be met.
 */
import { type BlockRun, blockEnds, blockTurns, buildsGuest, openBlock, takeBlockTurn } from './block.ts';
import { parallelBlocks } from './block-prefix.ts';
import { atBlock, type ExploreHow, type Subject } from './explore-how.ts';
import type { Stage, Step } from './scenario.ts';
import { continueSliced, endSliced, type Sliced, type Underway, underway } from './sliced.ts';
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
  /** Under way; null: nobody has asked yet. */
  trial: Underway<boolean> | null;
  /** Whether one of them creates its guest where nobody runs beside it; null: not known yet. */
  starts: boolean | null;
}

export const newAlone = (subject: Subject, how: ExploreHow): Alone => ({
  subject,
  how,
  trial: null,
  starts: null,
});

/** Tries the builders, each copy of a step for all of them, for about `budget` turns. True: it is known. */
export function continueAlone(alone: Alone, budget: number): boolean {
  if (alone.starts !== null) return true;
  alone.trial ??= underway(tryAlone(alone));
  if (!continueSliced(alone.trial, budget)) return false;
  alone.starts = endSliced(alone.trial);
  return true;
}

/** The same, to its end if that is not known yet. */
export function startsAlone(alone: Alone): boolean {
  continueAlone(alone, Number.POSITIVE_INFINITY);
  return alone.starts === true;
}

/** Whoever wants no more of it drops it: what is not known yet cannot be guessed. */
function* tryAlone(alone: Alone): Sliced<boolean> {
  const { stage, block: index } = alone.subject;
  for (const step of childrenOf(parallelBlocks(stage)[index]).filter(buildsGuest)) {
    const block = openAlone(alone, step);
    for (let turns = 0; turns < MAX_TURNS; turns++) {
      const [actor] = blockTurns(block);
      if (actor === undefined) break;
      takeBlockTurn(block, actor);
      yield 1;
      // What has failed once has not started, whatever comes of its other steps.
      if (block.states.some(({ facts }) => facts.rc !== 0)) break;
    }
    if (blockEnds(block, 'stuck').every(({ kind }) => kind === 'started')) return true;
  }
  return false;
}

function openAlone({ subject, how }: Alone, step: Step): BlockRun {
  const only = { ...step, times: step.times === null ? null : 1 };
  const at = atBlock({ ...subject, stage: withOnly(subject.stage, subject.block, only) });
  const block = openBlock(at.play, at.block, { grain: grainOf(how.grain), timed: false });
  const intercept = subject.remedy?.intercept;
  if (intercept !== undefined) block.run.intercept = intercept;
  return block;
}

/** The stage with nothing but `only` in its `n`-th parallel block. */
function withOnly(stage: Stage, n: number, only: Step): Stage {
  const block = parallelBlocks(stage)[n];
  const steps = stage.steps.map(
    (step): Step => (step === block ? { ...step, action: { do: 'parallel', steps: [only] } } : step),
  );
  return { ...stage, steps };
}
