/** What happens when the block that has a plan begins and ends. */
import type { BlockPlan } from './block-plan.ts';
import type { Play } from './play.ts';
import type { Remedy } from './remedy.ts';

/** A parallel block of the scenario's own begins: its plan, if this is the one that has one. */
export function meetBlock(play: Play): BlockPlan | null {
  const { plan } = play;
  if (plan === undefined || plan.met++ !== plan.index) return null;
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
