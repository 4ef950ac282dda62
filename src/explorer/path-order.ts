/**
 * A block's space in which tasks are told in an order that does not depend on who was met first.
 *
 * A space numbers a task when it first meets it, so its numbers depend on what was walked before. A task's path does not
 * (actorPath()). Whoever chooses by place among those who can go on, as samples do, chooses by path here: so a sample is
 * the same after any other samples, in any process.
 */
import type { Space } from './space.ts';
import type { WorldSpace } from './world-space.ts';

/** The same space; `enabled` writes tasks in the order of their paths. */
export function inPathOrder(space: WorldSpace): Space {
  const keys: string[] = [];
  return {
    get width() {
      return space.width;
    },
    get tasks() {
      return space.tasks;
    },
    start: space.start,
    step: space.step,
    outcome: space.outcome,
    enabled: (state, at, tasks) => {
      const n = space.enabled(state, at, tasks);
      if (n < 2) return n;
      for (let task = keys.length; task < space.tasks; task++) keys.push(pathKey(space.taskPath(task)));
      for (let i = 1; i < n; i++) {
        const task = tasks[i]!;
        let to = i;
        for (; to > 0 && keys[tasks[to - 1]!]! > keys[task]!; to--) tasks[to] = tasks[to - 1]!;
        tasks[to] = task;
      }
      return n;
    },
  };
}

const DIGITS = 10;

/** Compares as text the way paths compare number by number. */
export const pathKey = (path: string): string =>
  path.replace(/\d+/g, (digits) => digits.padStart(DIGITS, '0'));
