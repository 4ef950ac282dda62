/**
 * The search held against the host itself: orders are taken once in the space that is searched, and once more step by
 * step on a fresh host. Who can go on must be the same before every step, and so must be the end.
 *
 * In the searched space every step that is looked up is made for real as well, and every cell of the state compared
 * (world-step.ts). By class, where it may matter whose frame lies where, a state stands for several hosts: then the space
 * with exact ownership is held against the host in its place. A walk by sums has said that all its hosts answer alike, so
 * nothing stands in for that one.
 */
import { XenBug } from '../hypervisor/bug.ts';
import { joinOrder } from './actor-order.ts';
import {
  checkedSpaceOf,
  type ExploreHow,
  forwardSpaceOf,
  type MemoryTold,
  type Subject,
} from './explore-how.ts';
import { inPathOrder } from './path-order.ts';
import { enabledIn, startState, stepFrom } from './schedule-replay.ts';
import type { Sliced } from './sliced.ts';
import type { TurnOrder } from './turn-order.ts';
import { sampleSchedule } from './walks.ts';
import type { WorldSpace } from './world-space.ts';

type Order = TurnOrder['choices'];

/** Opens the space that is searched. */
export type OpenSpace = (subject: Subject, how: ExploreHow, told: MemoryTold) => WorldSpace;

/** Orders that are drawn by chance. */
const ORDERS = 20;
const MAX_STEPS = 20_000;
/** Steps after which the space that is checked is opened anew. */
const MOST_MADE = 20_000;

/**
 * Checks orders drawn by chance, and `worst` if there is one, in a space that tells `told` of memory; `sums` for a finished
 * walk for which that was enough. A difference is a bug of ours, told with its order. What nobody waits for any more is not
 * checked.
 */
export function* selfCheck(
  subject: Subject,
  how: ExploreHow,
  told: MemoryTold,
  worst: Order | null,
  open: OpenSpace = checkedSpaceOf,
): Sliced<void> {
  const orders = worst === null ? [] : [worst];
  const drawing = forwardSpaceOf(subject, how);
  const options = { strategy: { kind: 'random' }, seed: how.seed, maxSteps: MAX_STEPS } as const;
  for (let i = 0; i < ORDERS; i++) {
    const choices = yield* sampleSchedule(inPathOrder(drawing), options, i);
    if (choices === null) return;
    orders.push(joinOrder(choices, drawing));
  }
  let searched = open(subject, how, told);
  let exact: WorldSpace | null = null;
  for (const order of orders) {
    // A space remembers all that it met. What begins alike is looked up again soon.
    if (searched.made > MOST_MADE) searched = open(subject, how, told);
    if (exact !== null && exact.made > MOST_MADE) exact = null;
    const fresh = forwardSpaceOf(subject, how);
    let wrong = yield* differenceIn(searched, fresh, order);
    if (told === 'sums' && searched.ownershipMatters) wrong ??= 'sums are not enough for what is asked';
    if (told === 'class' && wrong !== null && searched.ownershipMatters) {
      exact ??= open(subject, how, 'exact');
      wrong = yield* differenceIn(exact, fresh, order);
    }
    if (wrong !== null) throw new XenBug(`${wrong}\n${orderText(order)}`);
  }
}

const orderText = (order: Order): string =>
  `the order, as in a schedule: ${JSON.stringify(order.map(({ task, name, times }) => ({ task, name, times })))}`;

/** Where the two spaces part on an order, in a sentence; null: they do not, as far as there was time to look. */
function* differenceIn(searched: WorldSpace, fresh: WorldSpace, order: Order): Sliced<string | null> {
  try {
    return yield* firstDifference(searched, fresh, order);
  } catch (error) {
    if (error instanceof XenBug) return error.message;
    throw error;
  }
}

function* firstDifference(searched: WorldSpace, fresh: WorldSpace, order: Order): Sliced<string | null> {
  let here = startState(searched);
  let there = startState(fresh);
  let step = 0;
  for (const { task, times } of order) {
    for (let i = 0; i < times; i++) {
      const mine = pathsIn(searched, here);
      const real = pathsIn(fresh, there);
      const wrong = [...real.keys()].join(' ') === [...mine.keys()].join(' ') ? null : [real, mine];
      if (wrong !== null) {
        const [can, could] = wrong.map((paths) => [...paths.keys()].join(' ') || 'nobody');
        return `before step ${step + 1} the host lets go on: ${can}; the search: ${could}`;
      }
      const [a, b] = [mine.get(task), real.get(task)];
      if (a === undefined || b === undefined) return `step ${step + 1}: ${task} cannot go on`;
      here = stepFrom(searched, here, a);
      there = stepFrom(fresh, there, b);
      step++;
      if (yield 1) return null;
    }
  }
  const isOver = pathsIn(fresh, there).size === 0;
  const end = isOver ? endIn(fresh, there) : 'no end';
  // A fresh host notices that it goes round in a circle; the search knows of that once it has met all states.
  const isLap = isOver && end.includes('"stuck"');
  const met = isLap || pathsIn(searched, here).size === 0 ? endIn(searched, here) : 'no end';
  return end === met ? null : `after ${step} steps the host ends with ${end}; the search: ${met}`;
}

/** Who can go on, by path, in the order of paths. */
function pathsIn(space: WorldSpace, state: Int32Array): ReadonlyMap<string, number> {
  const tasks = enabledIn(space, state.length < space.width ? widened(state, space.width) : state);
  const paths = tasks.map((task) => [space.taskPath(task), task] as const);
  return new Map(paths.sort(([a], [b]) => (a < b ? -1 : 1)));
}

function widened(state: Int32Array, width: number): Int32Array {
  const wide = new Int32Array(width);
  wide.set(state);
  return wide;
}

const endIn = (space: WorldSpace, state: Int32Array): string =>
  JSON.stringify(space.endOf(space.outcome(state, 0)));
