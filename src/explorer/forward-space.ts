/**
 * A real host with a parallel block on it, for whoever only goes forward from the start: samples, and single orders.
 *
 * Nothing is remembered but where the start was, so an order costs what its steps cost, memory does not grow with the
 * number of orders, and no order can tell which were taken before it. A state is the number of steps made so far; it
 * stands for the host as it is now, and for no other.
 */
import { ASSERT } from '../hypervisor/bug.ts';
import { markXen, rollbackXen } from '../hypervisor/xen-mark.ts';
import {
  actorName,
  actorPath,
  type BlockRun,
  blockEnds,
  blockTurns,
  openBlock,
  takeBlockTurn,
} from './block.ts';
import type { AtBlock } from './block-prefix.ts';
import { settleForm } from './block-text.ts';
import { putValues, takeValues } from './block-values.ts';
import { brokenNow, miscountNow } from './broken-now.ts';
import { canonId, newCanon } from './canonical.ts';
import { isLap, newLaps, startLaps } from './forward-laps.ts';
import { NO_CLASS } from './ownership-seen.ts';
import type { WorldEnd, WorldSpace, WorldSpaceHow } from './world-space.ts';

/** See the file's header. cannotDrive() has said null. A step is made from the state that was reached last only. */
export function newForwardSpace({ play, block: step }: AtBlock, how: WorldSpaceHow): WorldSpace {
  const block = openBlock(play, step, { grain: how.grain, timed: false });
  if (how.intercept !== undefined) block.run.intercept = how.intercept;
  const { world } = block.run;
  const began = world.now;
  settleForm(block, began);
  const mark = markXen(world.xen);
  const values = takeValues(block);
  const names = newCanon();
  const ends: WorldEnd[] = [];
  // A step as a whole is looked at: whether all counts agree with each other. Every run is looked at at the end.
  const here = { steps: 0, last: -1, made: 0, hasAsked: false, isBroken: false };
  const laps = newLaps(block);
  block.run.asked = ({ kind }) => {
    here.hasAsked ||= kind === 'hypercall';
  };
  return {
    width: 1,
    get tasks() {
      return block.lanes.length + block.others.length;
    },
    start: (into, at) => {
      if (here.steps > 0) {
        rollbackXen(world.xen, mark);
        putValues(block, values);
      }
      Object.assign(here, { steps: 0, last: -1, isBroken: false });
      startLaps(laps);
      into[at] = 0;
    },
    enabled: (state, at, tasks) => {
      ASSERT(state[at] === here.steps, 'who can go on is asked of the present state');
      if (here.isBroken) return 0;
      const turns = blockTurns(block);
      if (isLap(laps, turns.length)) return 0;
      for (let i = 0; i < turns.length; i++) tasks[i] = turns[i]!;
      return turns.length;
    },
    step: (state, at, task, into, intoAt) => {
      // Whoever had no room for what the step led to asks for it again.
      const isAgain = state[at] === here.steps - 1 && task === here.last;
      ASSERT(isAgain || state[at] === here.steps, 'a step is made from the present state');
      if (!isAgain) {
        here.hasAsked = false;
        takeBlockTurn(block, task);
        settleForm(block, began);
        here.isBroken = here.hasAsked && miscountNow(world.xen) !== null;
        here.steps++;
        here.made++;
        here.last = task;
      }
      into[intoAt] = here.steps;
    },
    outcome: () => {
      const end = endOf(block);
      const outcome = canonId(names, JSON.stringify(end));
      ends[outcome] = end;
      return outcome;
    },
    how,
    taskName: (task) => actorName(block, task),
    taskPath: (task) => actorPath(block, task),
    endOf: (outcome) => ends[outcome]!,
    ...NO_CLASS,
    get made() {
      return here.made;
    },
  };
}

function endOf(block: BlockRun): WorldEnd {
  const broken = brokenNow(block.run.world.xen);
  return { lanes: blockEnds(block, broken === null ? 'stuck' : 'under way'), broken };
}
