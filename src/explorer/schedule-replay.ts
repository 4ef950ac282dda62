/** A schedule played on a space: where it leads, or where it stopped fitting and why. */
import type { Choice, Space } from './space.ts';

/** Why a schedule does not fit. `at`: the choice, counted from 0, before which the state was not what it expects. */
export type Misfit =
  /** The task cannot make a step there; `enabled` can. */
  | { readonly why: 'not enabled'; readonly at: number; readonly task: number; readonly enabled: number[] }
  /** All is over, and the schedule goes on with `task`. */
  | { readonly why: 'too long'; readonly at: number; readonly task: number }
  /** The schedule is over, and `enabled` could go on. */
  | { readonly why: 'too short'; readonly at: number; readonly enabled: number[] };

export interface Replayed {
  /** How it ended; null: it did not fit. */
  readonly outcome: number | null;
  readonly misfit: Misfit | null;
  /** The words of the state that was reached. */
  readonly state: Int32Array;
}

/** Makes the steps of `choices`, as far as they fit. */
export function replayChoices(space: Space, choices: readonly Choice[]): Replayed {
  let state = startState(space);
  const misfits = (misfit: Misfit): Replayed => ({ outcome: null, misfit, state });
  for (const [at, task] of choices.entries()) {
    const enabled = enabledIn(space, state);
    if (enabled.length === 0) return misfits({ why: 'too long', at, task });
    if (!enabled.includes(task)) return misfits({ why: 'not enabled', at, task, enabled });
    state = stepFrom(space, state, task);
  }
  const enabled = enabledIn(space, state);
  if (enabled.length > 0) return misfits({ why: 'too short', at: choices.length, enabled });
  return { outcome: space.outcome(state, 0), misfit: null, state };
}

/** The first state, in an array of its own. */
export function startState(space: Space): Int32Array {
  const state = new Int32Array(space.width);
  space.start(state, 0);
  return state;
}

/** Who can make a step in `state`. */
export function enabledIn(space: Space, state: Int32Array): number[] {
  const tasks = new Int32Array(space.tasks);
  return [...tasks.subarray(0, space.enabled(state, 0, tasks))];
}

/** The state after a step of `task`, in an array of its own. */
export function stepFrom(space: Space, state: Int32Array, task: Choice): Int32Array {
  for (;;) {
    const { width } = space;
    const from = state.length < width ? widened(state, width) : state;
    const into = new Int32Array(width);
    space.step(from, 0, task, into, 0);
    if (space.width === width) return into;
  }
}

function widened(state: Int32Array, width: number): Int32Array {
  const wide = new Int32Array(width);
  wide.set(state);
  return wide;
}
