/** What is remembered of the steps of tasks: by form, by what they are told, and by the cells that they read. */
import type { Reply } from '../toolstack/task.ts';
import { isLook } from './call-memo.ts';
import { canonId } from './canonical.ts';
import { type PairTable, pairId } from './pair-table.ts';
import type { PendingCall } from './pending-call.ts';
import { type ReplyParts, replyView } from './reply-reads.ts';
import { actorsIn, cellOf, factsIn, idAt, type SampleHost, type Standing } from './sample-host.ts';
import { OTHERS, WATCHES } from './step-memo.ts';

/** Where keys are made. */
interface SampleKeys {
  readonly host: SampleHost;
  readonly pairs: PairTable;
}

/** What a step, or the rest of one, leaves in cells. */
export interface Left {
  readonly cells: readonly number[];
  readonly ids: readonly number[];
}

/** A form of a task, and what its step did so far. */
export interface SampleNode {
  /** What its step begins with; null: it begins otherwise. */
  readonly call: PendingCall | null;
  readonly isLook: boolean;
  /** By form of the locks: whether whoever comes between lets the call through. */
  readonly isLet: Map<number, boolean>;
  /** Where it is not let through: the step as a whole. */
  whole: SampleNode | null;
  /** It is always made for real: it depends on more of Xen, or its like seldom comes again. */
  isReal: boolean;
  reads: readonly number[];
  parts: ReplyParts;
  /** Of a reply nothing but its `rc` is looked at. */
  isOfRc: boolean;
  readonly left: Map<number, Left>;
  found: number;
  missed: number;
}

export const newSampleNode = (call: PendingCall | null): SampleNode => ({
  call,
  isLook: call !== null && isLook(call.request.name),
  isLet: new Map(),
  whole: null,
  isReal: false,
  reads: [],
  parts: new Map(),
  isOfRc: false,
  left: new Map(),
  found: 0,
  missed: 0,
});

/** Its steps are made for real from now on. */
export function giveUp(node: SampleNode): void {
  node.isReal = true;
  node.left.clear();
}

/** More of replies is known to matter. */
export function addParts(node: SampleNode, parts: ReplyParts): void {
  if ([...parts.keys()].every((part) => node.parts.has(part))) return;
  node.parts = new Map([...node.parts, ...parts]);
  node.isOfRc = [...node.parts.values()].every(({ path }) => path.length === 1 && path[0] === 'rc');
  node.left.clear();
}

/** One number for what the rest of a step depends on. */
export function keyOfRest(
  w: SampleKeys,
  node: SampleNode,
  at: Standing,
  actor: number,
  reply: Reply,
): number {
  const { canon } = w.host.cells;
  const view = node.isOfRc ? canonId(canon, `rc ${reply.rc}`) : replyView(canon, reply, node.parts);
  return node.reads.length === 0 ? view : pairId(w.pairs, keyOf(w, node.reads, at, actor), view);
}

/** One number for the content of cells. */
export function keyOf(w: SampleKeys, reads: readonly number[], at: Standing, actor: number): number {
  const { host, pairs } = w;
  let key = 0;
  for (let i = 0; i < reads.length; i++) {
    const cell = reads[i]!;
    // From the root 0 on, a key is a node of a tree of all sequences met; 0 ends a part of any length.
    if (cell >= 0) key = pairId(pairs, key, idAt(host.cells, at, cell) + 1);
    else key = keyOfActors(w, cell, key, at, actor);
  }
  return key;
}

function keyOfActors(w: SampleKeys, what: number, start: number, at: Standing, actor: number): number {
  const { host, pairs } = w;
  const lanes = host.block.lanes.length;
  let key = pairId(pairs, start, 0);
  const all = actorsIn(host);
  for (let other = 0; other < all; other++) {
    if (other === actor) continue;
    const { watch, domid } = factsIn(host, at, other);
    if (what === WATCHES) {
      if (watch !== 0) key = pairId(pairs, key, pairId(pairs, other, watch));
    } else if (what === OTHERS && (other >= lanes || domid >= 0)) {
      const form = idAt(host.cells, at, cellOf(other));
      if (form !== 0) key = pairId(pairs, key, pairId(pairs, other, form));
    }
  }
  return key;
}
