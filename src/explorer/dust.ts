/**
 * Requests that are served whatever lies where, in a walk that tells of memory its sums only.
 *
 * A block of order k is there for certain where more is free than can lie in smaller blocks: the dust of k. How much of it
 * there is, the sums do not say; but it grows by no more than what comes back, and by less than a block of order k for each
 * request between order 0 and k. So a walk notes by how much each step may have made it grow, and what was asked;
 * whether all of that was certain is worked out along all ways once all of them are known. Argued in
 * docs/exploration.md, "When sums are enough".
 */
import { NR_ORDERS } from '../hypervisor/heap-state.ts';
import type { MemoryReservation } from '../hypervisor/privcmd.ts';
import type { HypercallRequest } from './call-memo.ts';
import { isTake } from './ownership-seen.ts';

/** What a step may have done to the heap. */
export interface Move {
  /** By how much dust may have grown, of any order. */
  readonly grows: number;
  /** The order of the extents that it took; 0: single pages, or none. */
  readonly order: number;
  /** They had to be clean, as long as there were such. */
  readonly isClean: boolean;
}

/** What was met on the way, by form of the heap. Bounds on dust leave out what single pages make of one block. */
export interface Dust {
  /** By order, of the form in which the walk began, if that one is told by its sums. */
  readonly start: Float64Array | null;
  /** By a form and one that came of it. */
  readonly moves: Map<number, Map<number, Move[]>>;
  /** By form and order: to be certain of what was asked, dust must be less than this. */
  readonly questions: Map<number, Float64Array>;
  /** By form and order: a bound on some way there, or less, so no bound on all ways is less. */
  readonly least: Map<number, Float64Array>;
  /** What was asked was not certain to be served. */
  isLost: boolean;
}

export const newDust = (start: Float64Array | null): Dust => ({
  start,
  moves: new Map(),
  questions: new Map(),
  least: new Map(),
  isLost: false,
});

/** A step that was made: the heap's form before and after, and its free pages. */
export interface DustStep {
  readonly from: number;
  readonly to: number;
  readonly freeBefore: number;
  readonly freeAfter: number;
  /** Hypercalls that may have changed the heap. */
  readonly calls: readonly HypercallRequest[];
  /** Extents that were taken had to be clean, as long as there were such. */
  readonly isClean: boolean;
  /** A scenario's own condition: idle CPUs were looked at, and may have scrubbed. */
  readonly isByHand: boolean;
  /** Whether forms are told by their sums. */
  readonly isFromSums: boolean;
  readonly isToSums: boolean;
}

/** Notes a step. `dustBefore`: by order, where `from` is told by class. */
export function noteDust(dust: Dust, step: DustStep, dustBefore: () => Float64Array): void {
  const { from, to, isFromSums, isToSums } = step;
  if (isFromSums) noteQuestions(dust, step);
  if (!isToSums) return;
  const move = moveOf(step);
  if (move !== null) noteMove(dust, from, to, move);
  const before = isFromSums ? (dust.least.get(from) ?? dust.start) : dustBefore();
  const known = dust.least.get(to) ?? new Float64Array(NR_ORDERS);
  for (let k = 0; k < NR_ORDERS; k++) known[k] = Math.max(known[k]!, (before?.[k] ?? 0) + (move?.grows ?? 0));
  dust.least.set(to, known);
}

function noteMove({ moves }: Dust, from: number, to: number, move: Move): void {
  const known = moves.get(from) ?? new Map<number, Move[]>();
  moves.set(from, known);
  const others = known.get(to) ?? [];
  known.set(to, others);
  const { grows, order, isClean } = move;
  if (!others.some((one) => one.grows === grows && one.order === order && one.isClean === isClean))
    others.push(move);
}

/** What a step may have done; null: it left the heap alone. */
export function moveOf({
  freeBefore,
  freeAfter,
  calls,
  isClean,
  isByHand,
}: Omit<DustStep, 'from' | 'to' | 'isFromSums' | 'isToSums'>): Move | null {
  const [call] = calls.filter(({ name }) => name !== 'XENMEM_claim_pages');
  if (call === undefined) return isByHand ? { grows: 0, order: 0, isClean } : null;
  // What several calls took and gave back together says nothing of each.
  if (calls.length > 1) return { grows: Number.POSITIVE_INFINITY, order: 0, isClean };
  const order = isTake(call) ? (call.args as MemoryReservation).extentOrder : 0;
  const back = Math.max(0, freeAfter - freeBefore);
  // Once for the pages that came back, once for a block that they may have become, which single pages break.
  return { grows: 2 * back, order: back > 0 ? 0 : order, isClean };
}

/** Notes that extents were asked for, whose order is not 0. Of several requests at once nobody knows which got what. */
function noteQuestions(dust: Dust, { from, freeBefore, freeAfter, calls }: DustStep): void {
  for (const call of calls) {
    if (!isTake(call)) continue;
    const { extentOrder: order, nrExtents } = call.args as MemoryReservation;
    // Nobody has blocks that large.
    if (order === 0 || order >= NR_ORDERS || nrExtents === 0) continue;
    const below = calls.length > 1 ? 0 : wantedBelow(order, nrExtents, freeBefore, freeAfter);
    const known = dust.questions.get(from) ?? new Float64Array(NR_ORDERS).fill(Number.POSITIVE_INFINITY);
    known[order] = Math.min(known[order]!, below);
    dust.questions.set(from, known);
    if (!isBelow(order, dust.least.get(from)?.[order] ?? 0, below)) dust.isLost = true;
  }
}

/**
 * What dust must be less than for the answer to be certain. The last extent that was given found this much free; so did
 * one that was refused, for another reason then: a limit, a claim. One that is larger than all that is free is refused
 * for certain.
 */
function wantedBelow(order: number, extents: number, freeBefore: number, freeAfter: number): number {
  const size = 2 ** order;
  const given = (freeBefore - freeAfter) / size;
  if (!Number.isInteger(given) || given < 0 || given > extents) return 0;
  if (given < extents && freeAfter >= size) return freeAfter;
  return given === 0 ? Number.POSITIVE_INFINITY : freeAfter + size;
}

/**
 * What is known of a host's dust of order `k` after a move: what was taken last, if that were extents between order 0 and
 * `k`; 0: that is not known. Whoever takes such extents may have to break a block, but as long as no more than extents of
 * that kind are taken, what is left of it goes first.
 */
export const lastAfter = (k: number, { order, isClean }: Move): number => {
  if (order === 0 || order >= k) return 0;
  return isClean ? order + NR_ORDERS : order;
};

/** The bound afterwards, where it was `bound`. */
export const boundAfter = (k: number, last: number, bound: number, move: Move): number => {
  const taken = lastAfter(k, move);
  if (taken === 0 || taken === last) return bound + move.grows;
  // Once for a clean block that is broken, once for a dirty one when no clean ones are left.
  return bound + move.grows + (move.isClean ? 2 : 1) * (2 ** k - 2 ** move.order);
};

/** Whether dust of an order is less than `below` where `bound` is known of it: single pages may have broken one more block. */
export const isBelow = (order: number, bound: number, below: number): boolean =>
  bound + 2 ** order - 1 < below;
