/** A list of steps and a place in it: the scenario's own, or those of a block inside of it. */
import { formatDuration } from './amount.ts';
import type { RoundSearch } from './lap.ts';
import type { RunsAhead } from './run-ahead.ts';
import type { Step } from './scenario.ts';
import type { Underway } from './sliced.ts';
import { counted, type Pending } from './step-start.ts';

/** See the file's header. Changed in place as it goes on. */
export interface Lane {
  readonly steps: readonly Step[];
  /** When it began: what `at` counts from. */
  readonly begin: number;
  /** The scenario's own lane: between its steps the world comes to rest. */
  readonly isRoot: boolean;
  /** The count of the repeat it is in, or null. */
  readonly i: number | null;
  /** A block around it counts how many of its steps fail, so that each of them may. */
  readonly isCounted: boolean;
  /** Rounds of equal steps in it; null: there are none. */
  ahead: RunsAhead | null;
  next: number;
  current: Current | null;
  succeeded: number;
  failed: number;
}

/** What a lane is at. */
export type Current = Pending | Block | Ordered;

/** How many steps of a block succeeded, and how many failed. */
export interface BlockTally {
  succeeded: number;
  failed: number;
}

/** A parallel step whose order is given. */
export interface Ordered {
  readonly step: Step;
  readonly since: number;
  readonly ordered: Underway<BlockTally>;
}

/** A parallel or repeat step under way. */
export interface Block {
  readonly step: Step;
  readonly since: number;
  lanes: readonly Lane[];
  /** Of a repeat: rounds begun. */
  round: number;
  readonly rounds: number;
  succeeded: number;
  failed: number;
  /** Of a repeat whose rounds may come to repeat themselves; null: they are played one by one. */
  readonly search: RoundSearch | null;
}

export const isBlock = (current: Current): current is Block => 'lanes' in current;

export const isOrdered = (current: Current): current is Ordered => 'ordered' in current;

export const newLane = (
  steps: readonly Step[],
  begin: number,
  { i, isRoot, isCounted }: Pick<Lane, 'i' | 'isRoot' | 'isCounted'>,
): Lane => ({
  steps,
  begin,
  isRoot,
  i,
  isCounted,
  ahead: null,
  next: 0,
  current: null,
  succeeded: 0,
  failed: 0,
});

export const isOver = (lane: Lane): boolean => lane.current === null && lane.next >= lane.steps.length;

/** Lines shown of a block in which much goes on side by side. */
const SHOWN = 8;

/** Where a lane stands, in sentences, outermost first: the rounds of repeats, and the steps under way. */
export function standing(lane: Lane): string[] {
  const { current } = lane;
  // Whoever plays an order says himself where it stands.
  if (current === null || isOrdered(current)) return [];
  const { label, line } = current.step;
  const here = `"${counted(label, lane.i)}" (line ${line})`;
  const since = `since +${formatDuration(current.since)}`;
  if (!isBlock(current)) return [`${here}, ${since}`];
  const round = current.rounds === 1 ? '' : `round ${current.round} of ${current.rounds} of `;
  const inside = current.lanes.flatMap((each) => standing(each));
  const left = inside.length - SHOWN;
  const more = left > 0 ? [`and ${left} steps more`] : [];
  return [`${round}${here}, ${since}`, ...inside.slice(0, SHOWN), ...more];
}
