/**
 * A real host with a parallel block on it, for whoever draws many orders: each from the start, and none can tell which
 * were taken before it.
 *
 * Like forward-space.ts, which makes every step; here every hypercall is made, and what tasks do between two of them is
 * looked up where it was seen before (sample-step.ts). A state is the number of steps made so far; it stands for the host
 * as it is now, and for no other.
 */
import { ASSERT } from '../hypervisor/bug.ts';
import { markXen, rollbackXen } from '../hypervisor/xen-mark.ts';
import { actorName, actorPath, type BlockRun, blockEnds, blockTurns, openBlock } from './block.ts';
import type { AtBlock } from './block-prefix.ts';
import { settleForm } from './block-text.ts';
import { brokenNow, miscountNow } from './broken-now.ts';
import { canonId, newCanon } from './canonical.ts';
import { isLap, newLaps, startLaps } from './forward-laps.ts';
import { NO_CLASS } from './ownership-seen.ts';
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
import { type TaskFacts, whoCanGoOn } from './task-facts.ts';
import type { WorldEnd, WorldSpace, WorldSpaceHow } from './world-space.ts';

/** See the file's header. cannotDrive() has said null. A step is made from the state that was reached last only. */
export function newSampleSpace(
  { play, block: step }: AtBlock,
  how: WorldSpaceHow & SampleWalkHow,
): WorldSpace {
  const block = openBlock(play, step, { grain: how.grain, timed: false });
  const { world } = block.run;
  settleForm(block, world.now);
  const mark = markXen(world.xen);
  const host = newSampleHost(block);
  const first = copyStanding(host.now);
  const w = newSampleWalk(host, how);
  const names = newCanon();
  const ends: WorldEnd[] = [];
  // A step as a whole is looked at: whether all counts agree with each other. Every run is looked at at the end.
  const here = { steps: 0, last: -1, isBroken: false };
  const laps = newLaps(block, () => putOut(host));
  const facts: TaskFacts[] = [];
  return {
    width: 1,
    get tasks() {
      return Math.max(actorsIn(host), block.lanes.length + block.others.length);
    },
    start: (into, at) => {
      if (here.steps > 0) {
        rollbackXen(world.xen, mark);
        tidyUp(w, first);
        standAgain(host, first);
        if (!w.remembers) putOut(host);
      }
      Object.assign(here, { steps: 0, last: -1, isBroken: false });
      startLaps(laps);
      into[at] = 0;
    },
    enabled: (state, at, tasks) => {
      ASSERT(state[at] === here.steps, 'who can go on is asked of the present state');
      if (here.isBroken) return 0;
      const n = w.remembers ? turnsIn(host, facts, tasks) : turnsOfBlock(block, tasks);
      return isLap(laps, n) ? 0 : n;
    },
    step: (state, at, task, into, intoAt) => {
      // Whoever had no room for what the step led to asks for it again.
      const isAgain = state[at] === here.steps - 1 && task === here.last;
      ASSERT(isAgain || state[at] === here.steps, 'a step is made from the present state');
      if (!isAgain) {
        takeSampleStep(w, task);
        here.isBroken = w.changed && miscountNow(world.xen) !== null;
        here.steps++;
        here.last = task;
      }
      into[intoAt] = here.steps;
    },
    outcome: () => {
      putOut(host);
      const broken = brokenNow(world.xen);
      const end = { lanes: blockEnds(block, broken === null ? 'stuck' : 'under way'), broken };
      const outcome = canonId(names, JSON.stringify(end));
      ends[outcome] = end;
      return outcome;
    },
    how,
    taskName: (task) =>
      (w.remembers ? host.names[task - block.lanes.length] : undefined) ?? actorName(block, task),
    taskPath: (task) => actorPath(block, task),
    endOf: (outcome) => ends[outcome]!,
    ...NO_CLASS,
    get made() {
      return w.made;
    },
  };
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

/** The same, of the block itself. */
function turnsOfBlock(block: BlockRun, tasks: Int32Array): number {
  const turns = blockTurns(block);
  for (let i = 0; i < turns.length; i++) tasks[i] = turns[i]!;
  return turns.length;
}
