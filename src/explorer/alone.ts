/** Each step of a block by itself: whether a builder that fails beside others would have fitted alone. */
import { blockEnds, blockTurns, openBlock, takeBlockTurn } from './block.ts';
import { parallelBlocks } from './block-prefix.ts';
import { atBlock, type ExploreHow, type Subject } from './explore-how.ts';
import type { Stage, Step } from './scenario.ts';
import { grainOf } from './turn-order.ts';

/** Turns after which a step alone is taken for one that never ends. */
const MAX_TURNS = 200_000;

/** By lane: the step it is a copy of. */
export function laneSteps({ stage, block }: Subject, _how: ExploreHow): string[] {
  return childrenOf(parallelBlocks(stage)[block]).flatMap(({ label, times }) =>
    new Array<string>(times ?? 1).fill(label),
  );
}

const childrenOf = (block: Step | undefined): readonly Step[] =>
  block?.action.do === 'parallel' ? block.action.steps : [];

/** By lane: whether it creates its guest when nobody runs beside it. Copies of a step are tried once. */
export function fitsAlone(subject: Subject, how: ExploreHow): boolean[] {
  return childrenOf(parallelBlocks(subject.stage)[subject.block]).flatMap((child) =>
    new Array<boolean>(child.times ?? 1).fill(startsAlone(subject, how, child)),
  );
}

function startsAlone(subject: Subject, how: ExploreHow, child: Step): boolean {
  const only = { ...child, times: child.times === null ? null : 1 };
  const { play, block: step } = atBlock({ ...subject, stage: withOnly(subject.stage, subject.block, only) });
  const block = openBlock(play, step, { grain: grainOf(how.grain), timed: false });
  if (!block.lanes.some(({ creates }) => creates)) return false;
  const intercept = subject.remedy?.intercept;
  if (intercept !== undefined) block.run.intercept = intercept;
  for (let i = 0; i < MAX_TURNS; i++) {
    const [actor] = blockTurns(block);
    if (actor === undefined) break;
    takeBlockTurn(block, actor);
  }
  return blockEnds(block, 'stuck').every(({ kind }) => kind === 'started');
}

/** The stage with nothing but `only` in its `n`-th parallel block. */
function withOnly(stage: Stage, n: number, only: Step): Stage {
  const block = parallelBlocks(stage)[n];
  const steps = stage.steps.map(
    (step): Step => (step === block ? { ...step, action: { do: 'parallel', steps: [only] } } : step),
  );
  return { ...stage, steps };
}
