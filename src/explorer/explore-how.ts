/** What is explored and how: the scenario's side of it, and the words of the command line as the search takes them. */
import { ASSERT } from '../hypervisor/bug.ts';
import { enforce } from './block-begins.ts';
import { type AtBlock, playToBlock } from './block-prefix.ts';
import type { SearchOrder } from './exhaustive.ts';
import { newForwardSpace } from './forward-space.ts';
import type { Surroundings } from './play.ts';
import type { Remedy } from './remedy.ts';
import { newSampleSpace } from './sample-space.ts';
import type { Limits, Stage } from './scenario.ts';
import { grainOf } from './turn-order.ts';
import { newWorldSpace, type WalkedSpace, type WorldSpace, type WorldSpaceHow } from './world-space.ts';

/** A stage whose `block`-th parallel block is explored. */
export interface Subject {
  readonly stage: Stage;
  readonly limits: Limits;
  readonly around: Surroundings;
  readonly block: number;
  /** In force: its stage() has been applied. */
  readonly remedy: Remedy | null;
}

/** How it is walked. */
export interface ExploreHow {
  readonly strategy: 'auto' | 'exhaustive' | 'random' | 'pct';
  readonly order: SearchOrder;
  /** As users write it; grainOf() reads it. */
  readonly grain: string;
  readonly ownership: 'auto' | 'class' | 'exact';
  readonly reduction: boolean;
  readonly forbidRefusal: boolean;
  /** States after which a walk of all orders goes no further. */
  readonly maxStates: number;
  /** Samples by number: from, and one past the last. */
  readonly samples: { readonly from: number; readonly to: number };
  readonly seed: number;
  /** Of pct. */
  readonly depth: number;
}

/** The host where the block begins, with the remedy in force. */
export function atBlock({ stage, limits, around, block, remedy }: Subject): AtBlock {
  const at = playToBlock(stage, limits, around, block);
  ASSERT(at !== null, `the scenario has a parallel block ${block}`);
  if (remedy !== null) enforce(at.play, remedy);
  return at;
}

/** What states tell of memory; `sums`: the class where it is enough, and behind that no more than sums. */
export type MemoryTold = 'class' | 'sums' | 'exact';

/** The space of everything that can become of the block. */
export const spaceOf = (subject: Subject, how: ExploreHow, told: MemoryTold): WalkedSpace =>
  newWorldSpace(atBlock(subject), spaceHow(subject, how, told));

/** The same; every step that is looked up is made as well, and a difference is a bug. */
export const checkedSpaceOf = (subject: Subject, how: ExploreHow, told: MemoryTold): WorldSpace =>
  newWorldSpace(atBlock(subject), { ...spaceHow(subject, how, told), isChecked: true });

/** The same for whoever draws many orders: hypercalls are made, and what tasks make of the answers is looked up. */
export const sampleSpaceOf = (subject: Subject, how: ExploreHow): WorldSpace =>
  newSampleSpace(atBlock(subject), spaceHow(subject, how, 'exact'));

/** The same for whoever only goes forward: a host that really makes every step. */
export const forwardSpaceOf = (subject: Subject, how: ExploreHow): WorldSpace =>
  newForwardSpace(atBlock(subject), spaceHow(subject, how, 'exact'));

function spaceHow({ remedy }: Subject, how: ExploreHow, told: MemoryTold): WorldSpaceHow {
  const intercept = remedy?.intercept;
  const ownership = told === 'exact' ? 'exact' : 'class';
  const base = { grain: grainOf(how.grain), ownership, bySums: told === 'sums' } as const;
  return intercept === undefined ? base : { ...base, intercept };
}
