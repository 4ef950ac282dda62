/** What a search asks of a task at every state, worked out once for each form a task takes. */
import { type Canon, canonId } from './canonical.ts';
import type { RunningTask } from './world.ts';
import type { CellTable, LaneCell } from './world-cells.ts';

/** See the file's header. */
export interface TaskFacts {
  /** When it can go on: -1 whenever others can, a moment it sleeps until, or never. */
  readonly due: number;
  /** The domain it runs inside, or -1. */
  readonly domid: number;
  /** A lane that is over. */
  readonly isOver: boolean;
  /** A lane whose next step is to begin at `due`. */
  readonly isBegin: boolean;
  /** Which paths it watches and how, by number; 0: none. */
  readonly watch: number;
}

const NEVER = Number.POSITIVE_INFINITY;
const GONE: TaskFacts = { due: NEVER, domid: -1, isOver: false, isBegin: false, watch: 0 };

/** The facts of a task; null: there is none. */
export function factsOf(canon: Canon, task: RunningTask | null): TaskFacts {
  if (task === null) return GONE;
  const { at, waiting, reply, watches, pending, domid } = task;
  const due = at === null ? NEVER : waiting || reply.slept === true ? at : -1;
  const text = `w ${watches.join('\n')} ${waiting} ${pending === null}`;
  // 0 is for nobody, so numbers of watches begin at 1.
  return {
    due,
    domid: domid ?? -1,
    isOver: false,
    isBegin: false,
    watch: watches.length === 0 ? 0 : canonId(canon, text) + 1,
  };
}

/** The facts of a task beside the lanes, by the number in its cell; kept in `known`. */
export function otherFacts(
  canon: Canon,
  table: CellTable<RunningTask>,
  known: TaskFacts[],
  id: number,
): TaskFacts {
  const found = known[id];
  if (found !== undefined) return found;
  const facts = factsOf(canon, table.values[id] ?? null);
  known[id] = facts;
  return facts;
}

/** The facts of a lane with `steps` steps, by the number in its cell; kept in `known`. */
export function laneFacts(
  canon: Canon,
  table: CellTable<LaneCell>,
  known: TaskFacts[],
  id: number,
  steps: number,
): TaskFacts {
  const found = known[id];
  if (found !== undefined) return found;
  const facts = factsOfLane(canon, table.values[id]!, steps);
  known[id] = facts;
  return facts;
}

/** The facts of a lane with `steps` steps. */
export function factsOfLane(canon: Canon, { state, task }: LaneCell, steps: number): TaskFacts {
  const isOver = state.task === null && state.next >= steps;
  if (state.task === null) return { ...GONE, isOver, isBegin: !isOver, due: isOver ? NEVER : state.at };
  return factsOf(canon, task);
}

/**
 * Writes those of `all` actors (the first `lanes` of them are lanes) that can make a step at the time `now`, ascending;
 * returns how many: none once every lane is over. `isStill`: whether a domain's programs stand still.
 */
export function whoCanGoOn(
  facts: readonly TaskFacts[],
  all: number,
  lanes: number,
  now: number,
  isStill: (domid: number) => boolean,
  tasks: Int32Array,
): number {
  let isOver = true;
  for (let l = 0; l < lanes && isOver; l++) isOver = facts[l]!.isOver;
  if (isOver) return 0;
  let n = 0;
  let soonest = NEVER;
  let isBegun = false;
  for (let actor = 0; actor < all; actor++) {
    const { due, domid, isBegin } = facts[actor]!;
    if (due === NEVER || (domid >= 0 && isStill(domid))) continue;
    if (due <= now) tasks[n++] = actor;
    else if (due < soonest) {
      soonest = due;
      isBegun = isBegin;
    } else if (due === soonest) isBegun ||= isBegin;
  }
  if (soonest === NEVER || (n > 0 && !isBegun)) return n;
  // Whoever runs may be slow: a step of the scenario may begin before they go on. Sleepers wait for them.
  const isRace = n > 0;
  n = 0;
  for (let actor = 0; actor < all; actor++) {
    const { due, domid, isBegin } = facts[actor]!;
    if (domid >= 0 && isStill(domid)) continue;
    if (due <= now || (due === soonest && (isBegin || !isRace))) tasks[n++] = actor;
  }
  return n;
}
