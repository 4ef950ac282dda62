/**
 * What a step did, remembered by what it read.
 *
 * A task in a given form asks the same thing every time; what comes of it depends only on the cells that its requests
 * read. So the step is made once for each content of those cells, and looked up for all states that agree in them.
 */
import type { Hypercall, MemoryReservation } from '../hypervisor/privcmd.ts';
import type { HypercallContext } from '../hypervisor/reservation.ts';

/** A hypercall that changed Xen, as it can be made again. */
export interface XenOp {
  readonly by: HypercallContext;
  readonly call: Hypercall;
}

/** What a step changed. */
export interface Effect {
  /** Cells and what is in them afterwards. */
  readonly cells: readonly number[];
  readonly values: readonly number[];
  /** What it asked of Xen; null: it has to be made again as a whole. */
  readonly ops: readonly XenOp[] | null;
}

/** Numbers for pairs of numbers below 2^26. Grows. */
export type Pairs = Map<number, number>;

const RADIX = 2 ** 26;

/** The number of a pair: equal for equal pairs, and different for different ones. */
export function pairId(pairs: Pairs, a: number, b: number): number {
  const key = a * RADIX + b;
  const known = pairs.get(key);
  if (known !== undefined) return known;
  const id = pairs.size + 1;
  pairs.set(key, id);
  return id;
}

/** Instead of a cell: who watches what, the tasks that are no lanes, and (less the id) all domains from an id on. */
export const WATCHES = -1;
export const OTHERS = -2;
export const DOMAINS = -3;

/** A form of a task, and what its step did so far. */
export interface StepNode {
  /** What its requests read, in order of number. Grows; what is remembered is then forgotten. */
  reads: readonly number[];
  readonly effects: Map<number, Effect>;
  /** It populates and does nothing else. Null: it does not, or it is not known yet. */
  populate: PopulateNode | null;
}

/** See populate-memo.ts. */
export interface PopulateNode {
  /** The cell of the domain that gets the memory. */
  readonly domainCell: number;
  readonly args: MemoryReservation;
  /** The hypercall, once its part in the domain is known. */
  op: XenOp | null;
  /** By the domain's form: the number of what is asked of the heap; 0: not known yet; -1: the heap is not all. */
  readonly asked: number[];
  /** By the domain's form and the number of extents: the effect on all but the heap. */
  readonly effects: Map<number, Effect | null>;
}

export const newStepNode = (): StepNode => ({ reads: [], effects: new Map(), populate: null });

/** Remembers an effect that came of reading `reads`; `keyOf` tells the content of cells. */
export function rememberEffect(
  node: StepNode,
  reads: readonly number[],
  effect: Effect,
  keyOf: (reads: readonly number[]) => number,
): void {
  const all = [...new Set([...node.reads, ...reads])].sort((a, b) => a - b);
  if (all.length > node.reads.length) {
    node.reads = all;
    node.effects.clear();
  }
  node.effects.set(keyOf(node.reads), effect);
}
