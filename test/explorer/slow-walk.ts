/** Every order, by recursion and maps: slow and obvious. What the searches are held against. */
import type { Space } from '../../src/explorer/space.ts';

export interface SlowAnswer {
  /** Words of every state that can be reached, in text. */
  readonly states: ReadonlySet<string>;
  readonly transitions: number;
  /** By outcome: its end states. */
  readonly ends: ReadonlyMap<number, ReadonlySet<string>>;
  /** By outcome: its share of the orders. */
  readonly shares: ReadonlyMap<number, number>;
  readonly shortest: number;
  readonly longest: number;
  /** By outcome: the smallest schedule (switches, steps, then number by number). */
  readonly smallest: ReadonlyMap<number, readonly number[]>;
}

/** The words after a step. */
export function stepWords(space: Space, words: Int32Array, task: number): Int32Array {
  const into = new Int32Array(space.width);
  space.step(words, 0, task, into, 0);
  return into;
}

export function enabledTasks(space: Space, words: Int32Array): number[] {
  const tasks = new Int32Array(space.tasks);
  return [...tasks.subarray(0, space.enabled(words, 0, tasks))];
}

export function startWords(space: Space): Int32Array {
  const words = new Int32Array(space.width);
  space.start(words, 0);
  return words;
}

/** What lies ahead of a state, by outcome. */
interface Ahead {
  readonly shares: Map<number, number>;
  readonly smallest: Map<number, readonly number[]>;
  readonly shortest: number;
  readonly longest: number;
}

/** Switches of a schedule that is begun after a step of `last` (-1: nobody's). */
export const switchesOf = (schedule: readonly number[], last: number): number =>
  schedule.filter((task, i) => (i > 0 ? task !== schedule[i - 1] : last >= 0 && task !== last)).length;

function isSmaller(a: readonly number[], b: readonly number[], last: number): boolean {
  const bySwitches = switchesOf(a, last) - switchesOf(b, last);
  if (bySwitches !== 0) return bySwitches < 0;
  if (a.length !== b.length) return a.length < b.length;
  const at = a.findIndex((task, i) => task !== b[i]);
  return at >= 0 && a[at]! < b[at]!;
}

/** Walks every order of an acyclic space. What lies ahead of a state and its last task is found out once. */
export function walkAllOrders(space: Space): SlowAnswer {
  const degrees = new Map<string, number>();
  const ends = new Map<number, Set<string>>();
  const known = new Map<string, Ahead>();
  const ahead = (words: Int32Array, last: number): Ahead => {
    const text = words.join(' ');
    const found = known.get(`${text}, ${last}`);
    if (found !== undefined) return found;
    const tasks = enabledTasks(space, words);
    degrees.set(text, tasks.length);
    const shares = new Map<number, number>();
    const smallest = new Map<number, readonly number[]>();
    if (tasks.length === 0) {
      const outcome = space.outcome(words, 0);
      ends.set(outcome, (ends.get(outcome) ?? new Set()).add(text));
      shares.set(outcome, 1);
      smallest.set(outcome, []);
    }
    const nexts = tasks.map((task) => ahead(stepWords(space, words, task), task));
    nexts.forEach((next, i) => {
      for (const [outcome, share] of next.shares)
        shares.set(outcome, (shares.get(outcome) ?? 0) + share / tasks.length);
      for (const [outcome, rest] of next.smallest) {
        const best = smallest.get(outcome);
        const schedule = [tasks[i]!, ...rest];
        if (best === undefined || isSmaller(schedule, best, last)) smallest.set(outcome, schedule);
      }
    });
    const shortest = tasks.length === 0 ? 0 : Math.min(...nexts.map((next) => next.shortest + 1));
    const longest = tasks.length === 0 ? 0 : Math.max(...nexts.map((next) => next.longest + 1));
    const answer = { shares, smallest, shortest, longest };
    known.set(`${text}, ${last}`, answer);
    return answer;
  };
  const answer = ahead(startWords(space), -1);
  const transitions = [...degrees.values()].reduce((sum, n) => sum + n, 0);
  return { ...answer, states: new Set(degrees.keys()), transitions, ends };
}
