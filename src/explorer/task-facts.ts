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

function factsOf(canon: Canon, task: RunningTask): TaskFacts {
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
  const task = table.values[id] ?? null;
  const facts = task === null ? GONE : factsOf(canon, task);
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
  const { state, task } = table.values[id]!;
  const isOver = state.task === null && state.next >= steps;
  const facts =
    state.task === null
      ? { ...GONE, isOver, isBegin: !isOver, due: isOver ? NEVER : state.at }
      : task === null
        ? GONE
        : factsOf(canon, task);
  known[id] = facts;
  return facts;
}
