/**
 * States that differ in the time only: the same tasks at the same places, everything due as long from now as it was.
 *
 * Nothing on a host depends on the time of day, but on how long ago something was: tasks hold a moment against the clock
 * (Flow.clock says which of their variables are moments). So what becomes of two such states differs in the time only as
 * well, and the one that was met first stands for both. A deadline stays in: two states in which it is another time away are
 * not taken for one.
 */
import { canonId, canonText } from './canonical.ts';
import { frameFromNow } from './frame-clock.ts';
import { DOMID_REUSE_NS } from './serve.ts';
import { keepState, makeStateTable, roomForState, type StateTable, widenStates } from './state-table.ts';
import type { RunningTask } from './world.ts';
import { type Cells, type CellTable, CLOCK, FIRST_LANE, REST, standing } from './world-cells.ts';

/** See the file's header. Grows. */
export interface TimeShapes {
  readonly cells: Cells;
  readonly table: StateTable;
  /** By number of a shape: the first state that had it, by number. */
  readonly first: number[];
  /** By cell, form and time: the form without the time. */
  readonly forms: Map<string, number>;
}

export const newTimeShapes = (cells: Cells): TimeShapes => ({
  cells,
  table: makeStateTable(cells.count),
  first: [],
  forms: new Map(),
});

/** The number of the state that stands for state `id`, whose cells are at `at` of `states`: the first of its shape. */
export function firstAlike(shapes: TimeShapes, states: Int32Array, at: number, id: number): number {
  const { cells, table, first } = shapes;
  if (cells.count > table.width) widenStates(table, cells.count);
  const room = roomForState(table);
  writeShape(shapes, states, at, room, table.at);
  const shape = keepState(table);
  first[shape] ??= id;
  return first[shape];
}

/** Writes a state with every time in it told from now on; the time itself is left out. */
function writeShape(
  shapes: TimeShapes,
  states: Int32Array,
  at: number,
  into: Int32Array,
  intoAt: number,
): void {
  const { cells } = shapes;
  const now = standing(cells.clock, states[at + CLOCK]!);
  for (let cell = 0; cell < cells.count; cell++) into[intoAt + cell] = states[at + cell]!;
  into[intoAt + CLOCK] = 0;
  const write = <T>(cell: number, table: CellTable<T>, plain: (value: T) => unknown): void => {
    const id = states[at + cell]!;
    if (id === 0) return;
    const key = `${cell} ${id} ${now}`;
    let form = shapes.forms.get(key);
    if (form === undefined) {
      form = canonId(cells.canon, canonText(cells.canon, plain(standing(table, id)))) + 1;
      shapes.forms.set(key, form);
    }
    into[intoAt + cell] = form;
  };
  write(REST, cells.rest, ({ recentDomids, ...rest }) => [
    rest,
    recentDomids.flatMap((entry) => recent(entry, now)),
  ]);
  cells.lanes.forEach((table, l) => {
    write(FIRST_LANE + l, table, ({ state, task }) => [
      { ...state, at: fromNow(state.at, now) },
      task === null ? null : taskFromNow(task, now),
    ]);
  });
  cells.others.forEach((table, other) => {
    write(cells.otherAt[other]!, table, (task) => taskFromNow(task, now));
  });
}

/** How long it is until then; 0: it is then, or has been. */
const fromNow = (at: number, now: number): number => Math.max(0, at - now);

const taskFromNow = (running: RunningTask, now: number): object => ({
  ...running,
  at: running.at === null ? null : fromNow(running.at, now),
  task: { ...running.task, frames: running.task.frames.map((frame) => frameFromNow(frame, now)) },
});

/** A domid is not given out again for a while. */
const recent = ({ domid, at }: { readonly domid: number; readonly at: number }, now: number): object[] =>
  now - at < DOMID_REUSE_NS ? [{ domid, ago: now - at }] : [];
