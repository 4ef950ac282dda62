/**
 * A parallel block played in a given order on the virtual clock: everything costs what it costs, everything its steps
 * expect is judged, but who goes on next is what the order says.
 *
 * Where the order does not fit (the scenario was edited since) or is used up, the clock decides from there on.
 */
import {
  actorAt,
  actorsNow,
  type BlockRun,
  type BlockWatch,
  blockEnds,
  isBlockOver,
  openBlock,
  takeBlockTurn,
} from './block.ts';
import type { BlockPlan, OrderMisfit } from './block-plan.ts';
import { isLap, newLaps } from './forward-laps.ts';
import { judge, judgeMisfit, refuse } from './judge.ts';
import type { BlockTally } from './lane.ts';
import type { Play } from './play.ts';
import type { Step } from './scenario.ts';
import type { Sliced } from './sliced.ts';
import { type Pending, stderrOf } from './step-start.ts';
import { noteTask } from './trace-request.ts';
import { whereabouts } from './trace-text.ts';
import type { TurnOrder } from './turn-order.ts';

/**
 * Plays the block to its end, turn by turn; the play hangs where nobody can go on. `isCounted`: its steps may fail. Whoever
 * wants no more drops it.
 */
export function* playInOrder(
  play: Play,
  plan: BlockPlan,
  order: TurnOrder,
  step: Step,
  isCounted: boolean,
): Sliced<BlockTally> {
  const tally = { succeeded: 0, failed: 0 };
  const over = { until: play.world.now };
  const watch = watchOf(play, plan, tally, over, isCounted);
  const block = openBlock(play, step, { grain: order.grain, timed: true, watch });
  plan.misfit = yield* takeChosen(block, plan, order);
  if (plan.isStuck === true && plan.misfit?.line === null) plan.misfit = yield* followForever(block, play);
  if (plan.misfit !== null && step.order === order) judgeMisfit(play, step, step.order, plan.misfit);
  const { patience = Number.POSITIVE_INFINITY } = plan;
  for (let turns = 0; !isBlockOver(block) && play.hung === null; turns++) {
    const next = soonest(block);
    if (next === null) hang(play, 'nothing more can happen');
    else if (turns >= patience) hang(play, `${turns} turns after the order it is not over`);
    else if (play.run.steps >= play.limits.requests) {
      hang(play, `${play.limits.requests} requests were served and no end is in sight`);
    } else {
      takeBlockTurn(block, next);
      yield 1;
    }
  }
  delete play.run.newId;
  play.world.now = Math.max(play.world.now, over.until);
  plan.ends = blockEnds(block, 'stuck');
  plan.until = play.world.now;
  return tally;
}

/**
 * Lets the clock go on until nobody can, or the host is where it was before but for the time: what the order's end is said
 * to come to. A misfit: it ends.
 */
function* followForever(block: BlockRun, play: Play): Sliced<OrderMisfit | null> {
  const laps = newLaps(block);
  while (!isBlockOver(block) && play.run.steps < play.limits.requests) {
    const next = soonest(block);
    if (next === null || isLap(laps, 1)) {
      const how = next === null ? 'nothing more can happen' : 'it goes round in a circle';
      hang(play, `stuck, as the order says: ${how}`);
      return null;
    }
    takeBlockTurn(block, next);
    yield 1;
  }
  if (!isBlockOver(block)) return null;
  return { line: null, why: 'it is to end stuck, and everything in the block is over' };
}

function hang(play: Play, why: string): void {
  play.hung = [why, ...whereabouts(play.world)];
}

/** Makes the turns of the order. The first that cannot be made; null: all were. */
function* takeChosen(block: BlockRun, plan: BlockPlan, order: TurnOrder): Sliced<OrderMisfit | null> {
  let turn = 0;
  for (const [line, { task, name, times }] of order.choices.entries()) {
    for (let i = 0; i < times; i++) {
      const found = isBlockOver(block) ? null : actorAt(block, task);
      if (found === null) {
        const why = isBlockOver(block) ? 'everything in the block is over' : 'it cannot go on there';
        const where = `choice ${turn + 1} (line ${line + 1} of the choices, ${i + 1} of ${times})`;
        return { line, why: `${where} is "${name}" (${task}): ${why}` };
      }
      takeBlockTurn(block, found.actor);
      plan.afterTurn?.(turn, block.play.world);
      turn++;
      yield 1;
    }
  }
  if (isBlockOver(block)) return null;
  return { line: null, why: `the order ends after ${turn} choices, and the block does not` };
}

/** Who is next by the clock; null: nobody. */
function soonest(block: BlockRun): number | null {
  const all = actorsNow(block).sort((a, b) => a.at - b.at || a.actor - b.actor);
  return all[0]?.actor ?? null;
}

/** Judges every step when it is over, at the moment when it was. */
function watchOf(
  play: Play,
  plan: BlockPlan,
  tally: BlockTally,
  over: { until: number },
  isCounted: boolean,
): BlockWatch {
  const pendings = new Map<number, Pending>();
  const names = new Map<number, string>();
  return {
    began: (lane, label, pending) => {
      pendings.set(lane, pending);
      const task = play.world.tasks.find(({ id }) => id === pending.task);
      names.set(lane, task?.task.name ?? pending.step.label);
      const isCommand = pending.step.action.do === 'run';
      if (pending.task !== null) plan.steps.set(pending.task, { lane, label, isCommand });
    },
    ended: (lane, ended, until) => {
      const pending = pendings.get(lane)!;
      const { step, task, since, refused, asCommand, io } = pending;
      over.until = Math.max(over.until, until);
      if (refused !== null) {
        tally.failed++;
        plan.exits.push({ lane, step, rc: null, refused });
        refuse(play, step, refused, tally);
        return;
      }
      const rc = asCommand && ended !== null ? (ended === 0 ? 0 : 1) : ended;
      const isGood = rc === 0 || (step.action.do === 'hypercall' && (rc ?? 0) > 0);
      if (rc !== null) tally[isGood ? 'succeeded' : 'failed']++;
      plan.exits.push({ lane, step, rc, refused: null });
      const { world } = play;
      const { now } = world;
      world.now = until;
      if (task !== null && ended !== null) {
        noteTask(play.machine, world, { id: task, task: { name: names.get(lane)! } }, 'end', ended);
      }
      const stderr = stderrOf(pending, ended);
      judge(play, step, { rc, stdout: io.stdout, stderr, ns: until - since, ...tally }, isCounted);
      world.now = now;
    },
  };
}
