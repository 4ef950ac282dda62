/**
 * What a step did, remembered by what it read.
 *
 * A task in a given form asks the same thing every time; what comes of it depends only on the cells that its requests
 * read. So the step is made once for each content of those cells, and looked up for all states that agree in them. A
 * step that begins with a hypercall is remembered in two parts: what Xen makes of the call (call-memo.ts), and what the
 * task makes of those parts of the reply that it looks at.
 */
import type { Asked, CallNode } from './call-memo.ts';
import type { ReplyParts } from './reply-reads.ts';

/** What a step changed. */
export interface Effect {
  /** Cells and what is in them afterwards. */
  readonly cells: readonly number[];
  readonly values: readonly number[];
  /** A hypercall that the step begins with is aside. */
  readonly asked: Asked;
}

/**
 * Instead of a cell: who watches what, the tasks that are no lanes, the CPU pools of all domains, and (less the id) all
 * domains from an id on.
 */
export const WATCHES = -1;
export const OTHERS = -2;
export const POOLS = -3;
export const DOMAINS = -4;

/** A form of a task, and what its step did so far. */
export interface StepNode {
  /** Where somebody comes between: the step as a whole; and by form of the locks, whether they let the call through. */
  whole: StepNode | null;
  readonly isLet: Map<number, boolean>;
  /** The hypercall that its step begins with; null: it begins otherwise, and the step is remembered as a whole. */
  readonly call: CallNode | null;
  /** What its requests read (of `call`: what serving it reads outside of Xen), in order of number. */
  reads: readonly number[];
  /** What it looks at in the reply to `call`. */
  parts: ReplyParts;
  /** By reply: the number of what it says in those parts, for all who look at the same. Null: nobody asked yet. */
  views: Map<number, number> | null;
  /** By reply, as long as nothing else is read. */
  readonly byReply: Map<number, Effect>;
  /** By content of the cells and view of the reply. With `call`: all but what that changes. */
  readonly effects: Map<number, Effect>;
}

export const newStepNode = (call: CallNode | null): StepNode => ({
  whole: null,
  isLet: new Map(),
  call,
  reads: [],
  parts: new Map(),
  views: null,
  byReply: new Map(),
  effects: new Map(),
});

/** Both, in order of number; the same array if nothing is new. */
export function withReads(known: readonly number[], reads: Iterable<number>): readonly number[] {
  const all = new Set(known);
  for (const cell of reads) all.add(cell);
  return all.size === known.length ? known : [...all].sort((a, b) => a - b);
}

/** What a step was found to read. What is remembered is forgotten if that is news. */
export function noteReads(node: StepNode, reads: Iterable<number>, parts: ReplyParts): void {
  const all = withReads(node.reads, reads);
  const isNews = [...parts.keys()].some((part) => !node.parts.has(part));
  if (all === node.reads && !isNews) return;
  node.reads = all;
  if (isNews) node.parts = new Map([...node.parts, ...parts]);
  node.views = null;
  node.byReply.clear();
  node.effects.clear();
}
