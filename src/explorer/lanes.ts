/**
 * Steps in order, and blocks of steps side by side: which step begins when, on the virtual clock.
 *
 * A lane is a list of steps and a place in it. A parallel block gives each of its steps a lane of its own. The driver
 * begins what can begin, lets the world run until something it waits for is over, and looks again.
 */

import { leaveBlock, meetBlock } from './block-begins.ts';
import { playInOrder } from './block-in-order.ts';
import type { StepOutcome } from './expectation.ts';
import { judge, refuse } from './judge.ts';
import {
  type Block,
  type BlockTally,
  type Current,
  isBlock,
  isOrdered,
  isOver,
  type Lane,
  newLane,
  standing,
} from './lane.ts';
import type { Play } from './play.ts';
import { endRoundSearch, leaveRound, newRoundSearch } from './rounds.ts';
import { newRunsAhead, passRounds } from './run-ahead.ts';
import type { Step } from './scenario.ts';
import { connectHosts, playOn, runHosts, setClocks, settleHosts, whereaboutsOfAll } from './several-hosts.ts';
import { continueSliced, endSliced, SLICE, underway } from './sliced.ts';
import { counted, nameCreated, startStep, stderrOf } from './step-start.ts';

/** Requests that could be served in the time that it takes to check all invariants. */
const INVARIANTS = 50;

/** Plays all steps, until the last is over, the budget is used up, or nothing more can happen. */
export function playSteps(play: Play, bail: boolean): void {
  continueSteps(play, openSteps(play), bail, Number.POSITIVE_INFINITY);
}

/** The steps before the first of them has begun. */
export function openSteps(play: Play): Lane {
  if (play.hosts !== null) connectHosts(play.hosts);
  const root = newLane(play.stage.steps, play.world.now, { i: null, isRoot: true, isCounted: false });
  root.ahead = newRunsAhead(play);
  return root;
}

/** Goes on with them for about `budget` requests, or as many as it takes until a command ends. True: they are over. */
export function continueSteps(play: Play, root: Lane, bail: boolean, budget: number): boolean {
  const most = play.run.steps + budget;
  while (play.hung === null) {
    if (play.run.steps >= most) return false;
    advance(play, root);
    if (play.hung !== null) break;
    // Whoever plays it moves the world.
    if (root.current !== null && isOrdered(root.current)) continue;
    if (isOver(root) || (bail && play.failures.length > 0)) return true;
    const wake = wakeTime(play, root);
    const end = runHosts(play, Math.min(wake, play.limits.ns));
    if (end === 'done') continue;
    if (end === 'budget') hang(play, endless(play));
    else if (wake <= play.limits.ns && wake !== Number.POSITIVE_INFINITY) setClocks(play, wake);
    else if (end === 'time') hang(play, 'the limit of virtual time is reached');
    else hang(play, 'nothing more can happen');
  }
  play.hung = [play.hung[0]!, ...standing(root), ...play.hung.slice(1)];
  return true;
}

const endless = ({ run }: Play): string =>
  `${run.budget} requests were served and no end is in sight; what is meant to take longer needs limits: { requests: … }`;

function hang(play: Play, why: string): void {
  play.hung = [why, ...whereaboutsOfAll(play)];
}

/** The next moment that some step waits for. */
function wakeTime(play: Play, lane: Lane): number {
  const { current } = lane;
  if (current === null) {
    const step = lane.steps[lane.next];
    return step === undefined ? Number.POSITIVE_INFINITY : lane.begin + step.at;
  }
  if (isBlock(current))
    return Math.min(...current.lanes.map((l) => wakeTime(play, l)), Number.POSITIVE_INFINITY);
  if (isOrdered(current)) return Number.POSITIVE_INFINITY;
  return current.until ?? Number.POSITIVE_INFINITY;
}

/** Ends what is over and begins what can begin, as far as that goes at this moment. */
function advance(play: Play, lane: Lane): void {
  for (;;) {
    if (lane.current !== null) {
      // A play that hangs keeps what was under way: it is told where that stands.
      if (!finish(play, lane, lane.current) || play.hung !== null) return;
      lane.current = null;
    }
    if (lane.ahead !== null) passRounds(play, lane, lane.ahead);
    const step = lane.steps[lane.next];
    if (step === undefined || lane.begin + step.at > play.world.now) return;
    play.run.steps += weightOf(play, step);
    if (play.run.steps > play.run.budget) {
      hang(play, endless(play));
      return;
    }
    lane.next++;
    play.steps++;
    begin(play, lane, step);
  }
}

/** A step counts as a request at least, for rounds without any are to end, too; looking at all domains counts as more. */
function weightOf({ world }: Play, { expect }: Step): number {
  if (expect === null) return 1;
  return (expect.invariants === undefined ? 1 : INVARIANTS) * world.xen.domains.size;
}

function begin(play: Play, lane: Lane, step: Step): void {
  const { action } = step;
  const { now } = play.world;
  const isCounted = countsSteps(lane, step);
  if (action.do === 'parallel') {
    const plan = lane.isRoot ? meetBlock(play, step) : null;
    if (plan?.order != null) {
      const ordered = underway(playInOrder(play, plan, plan.order, step, isCounted));
      lane.current = { step, since: now, ordered };
      return;
    }
    const lanes = action.steps.flatMap((child) =>
      copies(child).map((i) => newLane([child], now, { i: i ?? lane.i, isRoot: false, isCounted })),
    );
    lane.current = { step, since: now, lanes, round: 1, rounds: 1, succeeded: 0, failed: 0, search: null };
  } else if (action.do === 'repeat') {
    const { count: rounds, steps } = action;
    const lanes = rounds === 0 ? [] : [newLane(steps, now, { ...lane, i: 1, isCounted })];
    const search = lane.isRoot ? newRoundSearch(play, steps) : null;
    lane.current = { step, since: now, lanes, round: 1, rounds, succeeded: 0, failed: 0, search };
  } else {
    lane.current = startStep(playOn(play, step), step, lane.i);
  }
}

/** Whether a block, or one around it, expects how many of its steps succeed or fail. */
const countsSteps = (lane: Lane, { expect }: Step): boolean =>
  lane.isCounted || expect?.succeeded !== undefined || expect?.failed !== undefined;

/** The counts of a step's copies; one without a count where there are none. */
const copies = ({ times }: Step): readonly (number | null)[] =>
  times === null ? [null] : Array.from({ length: times }, (_, i) => i + 1);

/** Looks whether the lane's step is over; if so, ends it and looks whether what was expected holds. */
function finish(play: Play, lane: Lane, current: Current): boolean {
  if (isBlock(current)) return finishBlock(play, lane, current);
  if (isOrdered(current)) {
    if (!continueSliced(current.ordered, SLICE)) return false;
    endBlock(play, lane, current.step, current.since, endSliced(current.ordered));
    return true;
  }
  const { step, task, until, refused } = current;
  if (refused !== null) {
    lane.failed++;
    refuse(playOn(play, step), step, refused, lane);
    return true;
  }
  const { run } = playOn(play, step);
  if (task !== null && !run.ended.has(task)) return false;
  if (until !== null && until > play.world.now) return false;
  const rc = task === null ? null : (run.ended.get(task) ?? null);
  if (task !== null) run.observers.delete(task);
  nameCreated(playOn(play, step), current);
  const exit = current.asCommand && rc !== null ? (rc === 0 ? 0 : 1) : rc;
  if (exit !== null) {
    if (exit === 0 || (step.action.do === 'hypercall' && exit > 0)) lane.succeeded++;
    else lane.failed++;
  }
  const ns = play.world.now - current.since;
  const { stdout } = current.io;
  const stderr = stderrOf(current, rc);
  settle(play, lane, step);
  const { succeeded, failed } = lane;
  end(play, lane, step, { rc: exit, stdout, stderr, ns, succeeded, failed });
  return true;
}

function finishBlock(play: Play, lane: Lane, block: Block): boolean {
  const { step } = block;
  for (;;) {
    for (const child of block.lanes) advance(play, child);
    if (play.hung !== null) return true;
    if (!block.lanes.every(isOver)) return false;
    for (const child of block.lanes) {
      block.succeeded += child.succeeded;
      block.failed += child.failed;
    }
    if (step.action.do !== 'repeat' || block.round >= block.rounds) break;
    if (lane.isRoot) leaveRound(play, block, block.search);
    block.round++;
    const round = { ...lane, i: block.round, isCounted: countsSteps(lane, step) };
    block.lanes = [newLane(step.action.steps, play.world.now, round)];
  }
  endRoundSearch(play, block.search);
  if (lane.isRoot) leaveBlock(play, block.since);
  endBlock(play, lane, step, block.since, block);
  return true;
}

/** A block is over: `tally` says how many of its steps succeeded and failed. */
function endBlock(play: Play, lane: Lane, step: Step, since: number, tally: BlockTally): void {
  if (play.hung !== null) return;
  const { succeeded, failed } = tally;
  const ns = play.world.now - since;
  lane.succeeded += succeeded;
  lane.failed += failed;
  settle(play, lane, step);
  end(play, lane, step, { rc: null, stdout: '', stderr: '', ns, succeeded, failed });
}

function end(play: Play, { i, isCounted }: Lane, step: Step, outcome: StepOutcome): void {
  judge(
    playOn(play, step),
    i === null ? step : { ...step, label: counted(step.label, i) },
    outcome,
    isCounted,
  );
}

/** Between the scenario's own steps daemons and guests come to rest; beside other steps nothing waits for that. */
function settle(play: Play, lane: Lane, step: Step): void {
  if (!lane.isRoot || step.action.do === 'set' || step.action.do === 'nothing') return;
  const isIdleWait = step.action.do === 'wait' && step.action.ns === null;
  if (step.action.do === 'wait' && !isIdleWait) return;
  const reached = settleHosts(play, step.settle);
  if (reached === 'budget') hang(play, 'daemons and guests do not come to rest');
}
