/**
 * A real host with a parallel block on it, for whoever draws many orders: each from the start, and none can tell which
 * were taken before it.
 *
 * Like forward-space.ts, which makes every step; here every hypercall is made, and what tasks do between two of them is
 * looked up where it was seen before (sample-step.ts).
 */
import { blockTurns, openBlock } from './block.ts';
import type { AtBlock } from './block-prefix.ts';
import { settleForm } from './block-text.ts';
import {
  actorsIn,
  copyStanding,
  factsNow,
  newSampleHost,
  putOut,
  type SampleHost,
  standAgain,
} from './sample-host.ts';
import { newSampleWalk, type SampleWalkHow, takeSampleStep, tidyUp } from './sample-step.ts';
import { newStepsSpace, turnsFrom } from './steps-space.ts';
import { type TaskFacts, whoCanGoOn } from './task-facts.ts';
import type { WorldSpace, WorldSpaceHow } from './world-space.ts';

/** See the file's header. cannotDrive() has said null. A step is made from the state that was reached last only. */
export function newSampleSpace(
  { play, block: step }: AtBlock,
  how: WorldSpaceHow & SampleWalkHow,
): WorldSpace {
  const block = openBlock(play, step, { grain: how.grain, timed: false });
  settleForm(block, block.run.world.now);
  const host = newSampleHost(block);
  const first = copyStanding(host.now);
  const w = newSampleWalk(host, how);
  const facts: TaskFacts[] = [];
  return newStepsSpace(block, how, {
    actors: () => Math.max(actorsIn(host), block.lanes.length + block.others.length),
    goBack: () => {
      tidyUp(w, first);
      standAgain(host, first);
      if (!w.remembers) putOut(host);
    },
    turns: (into) => (w.remembers ? turnsIn(host, facts, into) : turnsFrom(blockTurns(block), into)),
    take: (actor) => {
      takeSampleStep(w, actor);
      return w.changed;
    },
    settle: () => putOut(host),
    made: () => w.made,
    nameOf: (actor) => (w.remembers ? host.names[actor - block.lanes.length] : undefined),
  });
}

/** The actors that can make a step now. */
function turnsIn(host: SampleHost, facts: TaskFacts[], tasks: Int32Array): number {
  const { block } = host;
  const { xen, now } = block.run.world;
  const all = actorsIn(host);
  for (let actor = 0; actor < all; actor++) facts[actor] = factsNow(host, actor);
  const isStill = (domid: number): boolean => {
    const domain = xen.domains.get(domid);
    return domain === undefined || domain.controllerPauseCount > 0 || domain.isShutDown;
  };
  return whoCanGoOn(facts, all, block.lanes.length, now, isStill, tasks);
}
