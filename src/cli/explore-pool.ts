/** Threads at work on a plan: whoever is free takes the next piece, until all is done. */
import { MessageChannel, type MessagePort } from 'node:worker_threads';
import type { ExploreProgress } from '../explorer/explore.ts';
import { type Hand, HandLost } from './explore-hand.ts';
import type { Job } from './explore-job.ts';
import { nowMs } from './explore-job.ts';
import { isDone, jobLost, nextJob, type Plan, takeResult, usefulThreads } from './explore-plan.ts';

const EARLY_MS = 10;

/** Who works, and who wants to know. */
export interface Pool {
  readonly plan: Plan;
  /** Work that is over sooner, in ms, needs no thread more. */
  readonly hireAfter: number;
  /** This thread. */
  readonly own: Hand;
  /** Starts the n-th other thread, from 1. */
  readonly hire: (n: number) => Hand;
  /** A thread was lost; what it had is done by others. */
  readonly onLost: (hand: Hand, why: string) => void;
  /** Null: the piece is done, or lost. */
  readonly onProgress: (hand: Hand, job: Job, progress: ExploreProgress | null) => void;
  /** Something is wrong with us: whoever is at work is to stop. */
  readonly halt: () => void;
}

/** Does the whole plan. */
export async function work(pool: Pool): Promise<void> {
  const { plan } = pool;
  const hands: Hand[] = [];
  const loops: Promise<void>[] = [];
  const leads = new Map<number, Hand>();
  let waiting: (() => void)[] = [];
  let mayHire = false;
  let failure: unknown = null;
  const changed = (): void => {
    for (const wake of waiting) wake();
    waiting = [];
    hire();
  };
  const hire = (): void => {
    if (!mayHire || isDone(plan) || failure !== null) return;
    const wanted = usefulThreads(plan, nowMs());
    while (hands.length < wanted) begin(pool.hire(hands.length));
  };
  const begin = (hand: Hand): void => {
    hands.push(hand);
    const loop = serve(
      pool,
      hand,
      changed,
      hire,
      () => new Promise((wake) => waiting.push(wake)),
      () => failure !== null,
      leads,
    );
    loops.push(
      loop.catch((error: unknown) => {
        failure ??= error;
        pool.halt();
        changed();
      }),
    );
  };
  begin(pool.own);
  const timer = setTimeout(() => {
    mayHire = true;
    changed();
  }, pool.hireAfter);
  try {
    for (let i = 0; i < loops.length && failure === null; i++) await loops[i];
  } finally {
    clearTimeout(timer);
    for (const hand of hands) hand.close();
  }
  if (failure !== null) throw failure;
}

async function serve(
  pool: Pool,
  hand: Hand,
  changed: () => void,
  hire: () => void,
  change: () => Promise<void>,
  isOff: () => boolean,
  /** Who leads the walk under a remedy. */
  leads: Map<number, Hand>,
): Promise<void> {
  const { plan } = pool;
  while (!isDone(plan) && !isOff()) {
    const next = nextJob(plan, nowMs());
    if (next === null) {
      await change();
      continue;
    }
    if (next.do === 'walk') leads.set(next.remedy, hand);
    // Nothing else may happen when the time for help has come, and a timer may be a little early.
    const timer = next.do === 'walk' ? setTimeout(changed, plan.how.helpAfter + EARLY_MS) : undefined;
    const job = next.do === 'help' ? { ...next, port: portTo(leads.get(next.remedy)!) } : next;
    try {
      const result = await hand.run(job, (progress) => {
        pool.onProgress(hand, job, progress);
        hire();
      });
      takeResult(plan, job, result, nowMs());
    } catch (error) {
      if (!(error instanceof HandLost)) throw error;
      jobLost(plan, job);
      pool.onLost(hand, error.message);
      return;
    } finally {
      clearTimeout(timer);
      pool.onProgress(hand, job, null);
      changed();
    }
  }
}

/** The end of a line to somebody who leads. */
function portTo(lead: Hand): MessagePort {
  const { port1, port2 } = new MessageChannel();
  lead.takeHelp(port1);
  return port2;
}
