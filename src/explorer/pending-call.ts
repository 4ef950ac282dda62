/** The hypercall before which a task stands: what its next step begins with. */
import type { HypercallContext } from '../hypervisor/reservation.ts';
import type { BlockRun } from './block.ts';
import type { HypercallRequest } from './call-memo.ts';
import { isSectioned } from './sections.ts';
import { isInParts } from './turn-order.ts';
import type { RunningTask } from './world.ts';
import type { LaneCell } from './world-cells.ts';

/** See the file's header. */
export interface PendingCall {
  readonly request: HypercallRequest;
  readonly by: HypercallContext;
}

/** The call of a lane; null: its step begins otherwise. */
export const callOfLane = (block: BlockRun, { state, task }: LaneCell): PendingCall | null =>
  task === null ? null : pendingCall(block, task, state.node);

/**
 * The call of a task; null: its step begins otherwise. A task that stands before a point has what it asks there first in
 * its queue: see turn.ts. `node`: whose CPU it is on; null: its observer knows.
 */
export function pendingCall(
  { grain, run }: BlockRun,
  task: RunningTask,
  node: number | null,
): PendingCall | null {
  if (task.waiting || (task.section ?? null) !== null) return null;
  const request = task.task.frames.at(-1)?.queue?.[0];
  if (request?.kind !== 'hypercall' || (isInParts(grain) && isSectioned(request))) return null;
  const { id, domid } = task;
  return { request, by: { caller: domid ?? 0, node: node ?? run.observers.get(id)?.node ?? 0 } };
}
