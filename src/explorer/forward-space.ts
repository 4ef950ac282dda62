/**
 * A real host with a parallel block on it, for whoever only goes forward from the start: samples, and single orders.
 *
 * Every step is made (steps-space.ts); nothing is remembered but where the start was.
 */
import { blockTurns, openBlock, takeBlockTurn } from './block.ts';
import type { AtBlock } from './block-prefix.ts';
import { settleForm } from './block-text.ts';
import { putValues, takeValues } from './block-values.ts';
import { newStepsSpace, turnsFrom } from './steps-space.ts';
import type { WorldSpace, WorldSpaceHow } from './world-space.ts';

/** See the file's header. cannotDrive() has said null. A step is made from the state that was reached last only. */
export function newForwardSpace({ play, block: step }: AtBlock, how: WorldSpaceHow): WorldSpace {
  const block = openBlock(play, step, { grain: how.grain, timed: false });
  if (how.intercept !== undefined) block.run.intercept = how.intercept;
  const began = block.run.world.now;
  settleForm(block, began);
  const values = takeValues(block);
  const seen = { made: 0, hasAsked: false };
  block.run.asked = ({ kind }) => {
    seen.hasAsked ||= kind === 'hypercall';
  };
  return newStepsSpace(block, how, {
    actors: () => block.lanes.length + block.others.length,
    goBack: () => putValues(block, values),
    turns: (into) => turnsFrom(blockTurns(block), into),
    take: (actor) => {
      seen.hasAsked = false;
      takeBlockTurn(block, actor);
      settleForm(block, began);
      seen.made++;
      return seen.hasAsked;
    },
    settle: () => {},
    made: () => seen.made,
  });
}
