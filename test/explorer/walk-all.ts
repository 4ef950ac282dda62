/** A search with nothing clever about it: every state once, depth first, for tests of spaces. */
import type { Space } from '../../src/explorer/space.ts';

export interface Walked {
  readonly states: number;
  readonly transitions: number;
  /** End states by outcome. */
  readonly ends: ReadonlyMap<number, number>;
}

const room = (space: Space): number => space.width + 64;

/** All states of a space. */
export function walkAll(space: Space, limit = Number.POSITIVE_INFINITY): Walked {
  const start = new Int32Array(room(space));
  space.start(start, 0);
  const key = (state: Int32Array): string => {
    let end = state.length;
    while (end > 0 && state[end - 1] === 0) end--;
    return state.subarray(0, end).join();
  };
  const seen = new Set([key(start)]);
  const ends = new Map<number, number>();
  const stack: { state: Int32Array; tasks: number[] }[] = [];
  let transitions = 0;
  const open = (state: Int32Array): void => {
    const tasks = new Int32Array(space.tasks + 64);
    const n = space.enabled(state, 0, tasks);
    if (n === 0) {
      const outcome = space.outcome(state, 0);
      ends.set(outcome, (ends.get(outcome) ?? 0) + 1);
    } else stack.push({ state, tasks: [...tasks.subarray(0, n)].reverse() });
  };
  open(start);
  while (stack.length > 0 && seen.size < limit) {
    const top = stack[stack.length - 1]!;
    const task = top.tasks.pop();
    if (task === undefined) {
      stack.pop();
      continue;
    }
    const next = new Int32Array(room(space));
    space.step(top.state, 0, task, next, 0);
    transitions++;
    const name = key(next);
    if (seen.has(name)) continue;
    seen.add(name);
    open(next);
  }
  return { states: seen.size, transitions, ends };
}
