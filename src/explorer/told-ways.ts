/**
 * Ways to states, told from one thread to another.
 *
 * Each thread knows by which step it first came to each state: a tree. Of that are told the branches that lead to the states
 * that are told, each step once. Who was told of a state that it never met can go there by itself then, without asking.
 */
import { ASSERT } from '../hypervisor/bug.ts';
import { enabledIn, startState, stepFrom } from './schedule-replay.ts';
import type { WalkedSpace } from './world-space.ts';
import { parentOf, reachedBy, START } from './world-trail.ts';

/** Branches; plain data. */
export interface WaysTold {
  /** Paths of tasks that were not told before, in the teller's order. */
  readonly paths: readonly string[];
  /** Steps that were not told before, two words each: after which step (0: the start), and whose it is. They count from 1. */
  readonly steps: readonly number[];
  /** The last step to each state. */
  readonly ends: readonly number[];
}

/** What one listener was told: how many tasks and steps, and by state the number of the step to it, -1: none. */
export interface WayTeller {
  tasks: number;
  steps: number;
  stepOf: Int32Array;
}

export const newWayTeller = (): WayTeller => ({ tasks: 0, steps: 0, stepOf: Int32Array.of(0) });

/** Room for `states`. */
function growSteps(to: WayTeller, states: number): void {
  if (states <= to.stepOf.length) return;
  const larger = new Int32Array(2 * states).fill(-1);
  larger.set(to.stepOf);
  to.stepOf = larger;
}

/** Tells how to get to states, by the numbers that the space gave them. */
export function tellWays(space: WalkedSpace, to: WayTeller, reached: readonly number[]): WaysTold {
  const { trail } = space.walk;
  growSteps(to, trail.table.count);
  const { stepOf } = to;
  const paths: string[] = [];
  for (; to.tasks < space.tasks; to.tasks++) paths.push(space.taskPath(to.tasks));
  const steps: number[] = [];
  const ends = reached.map((state) => {
    const fresh: number[] = [];
    for (let at = state; stepOf[at] === -1; at = parentOf(trail, at)) fresh.push(at);
    for (const at of fresh.reverse()) {
      steps.push(stepOf[parentOf(trail, at)]!, reachedBy(trail, at));
      to.steps++;
      stepOf[at] = to.steps;
    }
    return stepOf[state]!;
  });
  return { paths, steps, ends };
}

/** What was heard of one teller. */
export interface WayListener {
  readonly paths: string[];
  /** By step. */
  readonly after: number[];
  readonly whose: number[];
  /** By step: the state after it, by the number that the space here gave it; -1: nobody went there yet. */
  readonly reached: number[];
}

export const newWayListener = (): WayListener => ({ paths: [], after: [0], whose: [-1], reached: [START] });

export function hearWays(from: WayListener, { paths, steps }: WaysTold): void {
  for (const path of paths) from.paths.push(path);
  for (let i = 0; i < steps.length; i += 2) {
    from.after.push(steps[i]!);
    from.whose.push(steps[i + 1]!);
    from.reached.push(-1);
  }
}

/** Goes the way whose last step is `end`; the state there. */
export function goWay(space: WalkedSpace, from: WayListener, end: number): Int32Array {
  const left: number[] = [];
  let at = end;
  for (; from.reached[at] === -1; at = from.after[at]!) left.push(at);
  let state = startState(space);
  state[0] = from.reached[at]!;
  for (const step of left.reverse()) {
    const path = from.paths[from.whose[step]!]!;
    const task = enabledIn(space, state).find((one) => space.taskPath(one) === path);
    ASSERT(task !== undefined, `${path} can go on in one thread and in another`);
    state = stepFrom(space, state, task);
    from.reached[step] = state[0]!;
  }
  return state;
}
