/** Playing a scenario up to one of its parallel blocks. */
import { playSteps } from './lanes.ts';
import { type Play, raise, type Surroundings } from './play.ts';
import type { Limits, Stage, Step } from './scenario.ts';

/** A play that stands where a parallel block begins. */
export interface AtBlock {
  readonly play: Play;
  readonly block: Step;
}

/** The parallel blocks among a stage's own steps, in order: the ones that can be explored. */
export const parallelBlocks = (stage: Stage): readonly Step[] =>
  stage.steps.filter(({ action }) => action.do === 'parallel');

/** Plays all steps before the `n`-th parallel block (from 0) as a replay does. Null: there is no such block. */
export function playToBlock(stage: Stage, limits: Limits, around: Surroundings, n: number): AtBlock | null {
  const block = parallelBlocks(stage)[n];
  if (block === undefined) return null;
  const play = raise({ ...stage, steps: stage.steps.slice(0, stage.steps.indexOf(block)) }, limits, around);
  playSteps(play, false);
  return { play: { ...play, stage }, block };
}
