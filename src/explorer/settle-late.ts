/**
 * What a step that was looked up does to those who had no part in it: it may have moved the clock on, and who is due by then
 * is ready since the block began, as settleForm() leaves them. What a step reads says nothing of them.
 */
import { canonText } from './canonical.ts';
import { CLOCK, FIRST_LANE, idOf, laneText, standing } from './world-cells.ts';
import { nextTo, putWord, stateAt } from './world-trail.ts';
import type { WorldWalk } from './world-walk.ts';

/** Settles the state next to a place, which was put together from that and is not kept yet. */
export function settleLate({ cells, trail, began }: WorldWalk, place: number): void {
  const next = nextTo(place);
  const at = stateAt(trail, next);
  const clock = trail.states[at + CLOCK]!;
  if (clock === trail.states[stateAt(trail, place) + CLOCK]) return;
  const now = standing(cells.clock, clock);
  const isLate = (when: number | null): boolean => when !== null && when > began && when <= now;
  const put = (cell: number, id: number): void => putWord(trail, next, cell, id);
  cells.lanes.forEach((table, l) => {
    const { state, task } = standing(table, trail.states[at + FIRST_LANE + l]!);
    if (!isLate(state.at) && !isLate(task?.at ?? null)) return;
    const settled = {
      state: isLate(state.at) ? { ...state, at: began } : state,
      task: task !== null && isLate(task.at) ? { ...task, at: began } : task,
    };
    put(FIRST_LANE + l, idOf(table, laneText(cells.canon, settled), settled));
  });
  cells.others.forEach((table, other) => {
    const cell = cells.otherAt[other]!;
    const id = trail.states[at + cell]!;
    const task = id === 0 ? null : standing(table, id);
    if (task === null || !isLate(task.at)) return;
    const settled = { ...task, at: began };
    put(cell, idOf(table, canonText(cells.canon, settled), settled));
  });
}
