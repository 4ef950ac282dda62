/** The way back from cells: the block as it is in a state, and the host that was taken there. */

import type { RunningTask } from './world.ts';
import { BORN, type Cells, CLOCK, FIRST_LANE, LOCKS, REST, standing, USERDATA, XS } from './world-cells.ts';

/** Puts the block together as it is in a state: everything but Xen. */
export function putCells(cells: Cells, state: Int32Array): void {
  const { block } = cells;
  const { world } = block.run;
  world.now = standing(cells.clock, state[CLOCK]!);
  world.store = standing(cells.xs, state[XS]!);
  world.userdata = standing(cells.userdata, state[USERDATA]!);
  world.locks = standing(cells.locks, state[LOCKS]!);
  Object.assign(world, standing(cells.rest, state[REST]!));
  block.born = standing(cells.born, state[BORN]!);
  const tasks: RunningTask[] = [];
  block.states = cells.lanes.map((table, l) => {
    const { state: lane, task } = standing(table, state[FIRST_LANE + l]!);
    if (task !== null) tasks.push(task);
    return lane;
  });
  for (let at = 0; at < cells.others.length; at++) {
    const id = state[cells.otherAt[at]!]!;
    if (id !== 0) tasks.push(standing(cells.others[at]!, id));
  }
  world.tasks = tasks.sort((a, b) => a.id - b.id);
}

/**
 * The host was taken to the state whose words are at `from`. A record that was made anew on the way is equal to the one that
 * stands in its cell, and takes its place: then whoever reads the cells after the next step knows it again.
 */
export function knowRecords(
  { block, ownership, domains, domainAt }: Cells,
  words: Int32Array,
  from: number,
): void {
  if (ownership === 'class') return;
  const { xen } = block.run.world;
  for (const [domid, cell] of domainAt) {
    const form = words[from + cell]!;
    const record = xen.domains.get(domid);
    if (form === 0 || record === undefined) continue;
    const { values } = domains.get(domid)!;
    const stands = values[form]!;
    if (stands.record !== record) values[form] = { record, heap: stands.heap };
  }
}
