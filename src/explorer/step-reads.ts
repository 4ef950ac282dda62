/** What a step that was made for real may depend on: from what it asked, who came between, and what its task looked at. */
import { type Reply, step, type Task } from '../toolstack/task.ts';
import type { LaneState } from './block.ts';
import type { HypercallRequest } from './call-memo.ts';
import type { Canon } from './canonical.ts';
import { EVERYTHING, type Footprint, OF_LOCKS, restOfFootprint } from './footprint.ts';
import type { Looked } from './intercept-looks.ts';
import { factsAfter } from './lane-end.ts';
import { partsLookedAt, type ReplyParts } from './reply-reads.ts';
import { DOMAINS, OTHERS, POOLS, WATCHES } from './step-memo.ts';
import { ALL_FLOWS } from './task-flows.ts';
import { type Cells, CLOCK } from './world-cells.ts';

/** A step that was made for real. */
export interface MadeStep {
  /** What its requests read, in order. */
  readonly footprints: readonly Footprint[];
  readonly looked: Looked;
  /** The first request is a hypercall that is remembered by itself: of that only what serving it reads outside of Xen. */
  readonly hasCall: boolean;
  /** It is that of a lane between two steps. */
  readonly isIdle: boolean;
  /** Its hypercalls alone do not make it again. */
  readonly isWhole: boolean;
  /** It was due later than the block began. */
  readonly isLate: boolean;
}

/** The cells that a step read, and what stands for cells (see StepNode). */
export function readsOfStep(cells: Cells, made: MadeStep): Set<number> {
  const reads = new Set<number>();
  const { looked, hasCall } = made;
  if (made.isIdle || made.isLate) reads.add(CLOCK);
  if (made.isIdle && made.isWhole) addReads(cells, reads, EVERYTHING);
  if (looked.locks) addReads(cells, reads, OF_LOCKS);
  // Who takes or leaves a lock wakes others, and who looks at more may look at anything.
  if (looked.more || looked.came) addReads(cells, reads, EVERYTHING);
  made.footprints.forEach((footprint, i) => {
    addReads(cells, reads, i === 0 && hasCall ? restOfFootprint(footprint) : footprint);
  });
  return reads;
}

function addReads({ domainAt }: Cells, reads: Set<number>, footprint: Footprint): void {
  for (const cell of footprint.cells) reads.add(cell);
  for (const domid of footprint.domids) reads.add(domainAt.get(domid) ?? DOMAINS - domid);
  if (footprint.domainsFrom !== undefined) reads.add(DOMAINS - footprint.domainsFrom);
  if (footprint.pools === true) reads.add(POOLS);
  if (footprint.watches === true) reads.add(WATCHES);
  if (footprint.others === true) reads.add(OTHERS);
}

const READY: Reply = { rc: 0 };

/** What a task looks at in the reply to the hypercall that it stands before. `lane`: where its lane stands, if it has one. */
export function partsOfReply(
  canon: Canon,
  task: Task,
  lane: LaneState | null,
  request: HypercallRequest,
  reply: Reply,
): ReplyParts {
  const asking = step(ALL_FLOWS, task, READY);
  return partsLookedAt(canon, reply, (noted) => {
    const facts = lane === null ? null : factsAfter(lane.facts, request, noted);
    // Whether the call succeeded also tells whether anybody else hears of it.
    return [noted.rc, facts, step(ALL_FLOWS, asking.task, noted)];
  });
}
