/** Choices of a search as an order with names: runs of one task, each by its path. */
import type { Choice } from './space.ts';
import type { TurnOrder } from './turn-order.ts';
import type { WorldSpace } from './world-space.ts';

/** So many times in a row the same task; `space` is the one that was searched. */
export function joinOrder(
  choices: readonly Choice[],
  space: Pick<WorldSpace, 'taskName' | 'taskPath'>,
): TurnOrder['choices'] {
  const runs: { task: string; name: string; times: number }[] = [];
  let last: Choice | null = null;
  for (const task of choices) {
    if (task === last) runs[runs.length - 1]!.times++;
    else runs.push({ task: space.taskPath(task), name: space.taskName(task), times: 1 });
    last = task;
  }
  return runs;
}
