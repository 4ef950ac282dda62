/** What happens when the block that has a plan begins and ends. */
import { type BlockPlan, newBlockPlan } from './block-plan.ts';
import type { Play } from './play.ts';
import type { Remedy } from './remedy.ts';
import type { Step } from './scenario.ts';

/**
 * A parallel block of the scenario's own begins: what the play has in mind for it, else the order that the file gives;
 * null: neither.
 */
export function meetBlock(play: Play, { order }: Step): BlockPlan | null {
  const { plan } = play;
  if (plan === undefined || plan.met++ !== plan.index) {
    return order === undefined ? null : newBlockPlan({ index: 0, remedy: null, order });
  }
  plan.since = play.world.now;
  plan.firstTask = play.world.nextTask;
  if (plan.remedy !== null) enforce(play, plan.remedy);
  return plan;
}

/** The block that began at `since` is over. */
export function leaveBlock({ plan, world }: Play, since: number): void {
  if (plan !== undefined && plan.since === since) plan.until ??= world.now;
}

/** Puts a remedy in force on the host of a play that stands at the block. */
export function enforce(play: Play, remedy: Remedy): void {
  remedy.prepare?.(play.world);
  if (remedy.intercept !== undefined) play.run.intercept = remedy.intercept;
}
