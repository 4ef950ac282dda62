/** A parallel block on the virtual clock: in the clock's own order, or in one that is given. */
import { type BlockPlan, newBlockPlan } from './block-plan.ts';
import { parallelBlocks } from './block-prefix.ts';
import type { Subject } from './explore-how.ts';
import { continueSteps, openSteps } from './lanes.ts';
import { type Play, raise } from './play.ts';
import { SLICE, type Sliced } from './sliced.ts';
import type { TraceEvent } from './trace-event.ts';
import type { TurnOrder } from './turn-order.ts';
import type { World } from './world.ts';

/** Turns by the clock after an order that is to end nowhere: whoever waits so long waits for ever. */
const PATIENCE = 1000;

/** A run that is over. */
export interface TimedRun {
  readonly play: Play;
  readonly plan: BlockPlan;
}

/** What is looked at on the way. */
export interface TimedLook {
  /** Each event from the block's beginning to its end, and after how many turns of the order it happened. */
  readonly onEvent?: (event: TraceEvent, turn: number, plan: BlockPlan) => void;
  /** The host after each turn of the order, which are counted from 0. */
  readonly onTurn?: (turn: number, world: World) => void;
}

/** Plays a subject up to the end of its block. `order`: null for the clock's own. Null: nobody waits for it any more. */
export function* runTimed(
  subject: Subject,
  order: TurnOrder | null,
  { onEvent, onTurn }: TimedLook,
): Sliced<TimedRun | null> {
  let turn = 0;
  const plan = newBlockPlan({
    index: subject.block,
    remedy: subject.remedy,
    order,
    patience: PATIENCE,
    afterTurn: (n, world) => {
      turn = n + 1;
      onTurn?.(n, world);
    },
  });
  const trace = (event: TraceEvent): void => {
    if (plan.since !== null && plan.until === null) onEvent?.(event, turn, plan);
  };
  // What steps were to do and did not is told by whoever replays them.
  const around = { ...subject.around, trace, tables: () => '' };
  const play = raise(stageUpTo(subject), subject.limits, around, plan);
  const root = openSteps(play);
  while (!continueSteps(play, root, false, SLICE)) if (yield SLICE) return null;
  return { play, plan };
}

/** What comes after the block is of no interest here. */
function stageUpTo({ stage, block }: Subject): Subject['stage'] {
  const last = parallelBlocks(stage)[block];
  return { ...stage, steps: stage.steps.slice(0, last === undefined ? 0 : stage.steps.indexOf(last) + 1) };
}
