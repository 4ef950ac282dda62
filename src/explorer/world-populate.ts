/** Populates by class, looked up: what the heap gives and what the domain makes of it, each by what it depends on. */
import type { HeapGave, PopulateNode, PopulateTold } from './call-memo.ts';
import { askedAt, formGiven, givenByClass } from './class-populate.ts';
import { isWhole } from './class-take.ts';
import { domainSeen } from './domain-cells.ts';
import { isAnyPage, noteHeapStep } from './ownership-seen.ts';
import { getPair, setPair } from './pair-table.ts';
import { HEAP } from './world-cells.ts';
import { copyPlace, nextTo, putWord, stateAt } from './world-trail.ts';
import { replyId, type WorldWalk } from './world-walk.ts';

/** As lookUpCall(), of a populate that is taken apart. -1: what the heap or the domain makes of it is not known. */
export function lookUpPopulate(w: WorldWalk, node: PopulateNode, place: number): number {
  const { trail, heapMemo } = w;
  const from = stateAt(trail, place);
  const form = trail.states[from + node.domainCell]!;
  const asked = askedAt(w, node, form);
  if (asked === 0) return -1;
  const heap = trail.states[from + HEAP]!;
  const known = getPair(heapMemo, asked, heap);
  const given = known < 0 ? giveByClass(w, node, place, asked) : w.heapGave[known]!;
  if (given === null) return -1;
  const told = toldOf(w, node, given.extents);
  const after = formAfter(w, node, told, form, given.extents);
  if (after < 0) return -1;
  copyPlace(trail, place);
  putWord(trail, nextTo(place), node.domainCell, after);
  putWord(trail, nextTo(place), HEAP, given.heap);
  return told.reply;
}

/** What the caller is told of so many extents. */
export function toldOf(w: WorldWalk, { told }: PopulateNode, extents: number): PopulateTold {
  const known = told.get(extents);
  if (known !== undefined) return known;
  const reply = replyId(w, { rc: extents });
  const fresh = { no: w.populates++, reply };
  told.set(extents, fresh);
  return fresh;
}

/** The form of a domain once it was given so many extents; -1: Xen has to be asked. */
export function formAfter(
  w: WorldWalk,
  node: PopulateNode,
  told: PopulateTold,
  form: number,
  extents: number,
): number {
  const known = getPair(w.formGiven, told.no, form);
  if (known >= 0) return known - 1;
  const after = formGiven(w, node, form, extents);
  if (after >= 0) setPair(w.formGiven, told.no, form, after + 1);
  return after;
}

/** Whether any domain of a state has an extent that is half scrubbed. */
export function hasStash({ cells, trail }: WorldWalk, from: number): boolean {
  for (const [domid, cell] of cells.domainAt) {
    const form = trail.states[from + cell]!;
    if (form !== 0 && domainSeen(cells, domid, form).hasStash) return true;
  }
  return false;
}

function giveByClass(w: WorldWalk, node: PopulateNode, place: number, asked: number): HeapGave | null {
  const { trail } = w;
  const from = stateAt(trail, place);
  // What some domain has in hand may come back to the heap.
  if (hasStash(w, from)) return null;
  const heap = trail.states[from + HEAP]!;
  const given = givenByClass(w, node, trail.states[from + node.domainCell]!, heap);
  if (given === null) return null;
  noteHeapGave(w, asked, heap, given);
  const asks = !isAnyPage(node.args, 1);
  noteHeapStep(w.owners, { from: heap, to: given.heap, isUnsure: !isWhole(w.lists), asks });
  return given;
}

/** Remembers what a heap of the form `before` gave. */
export function noteHeapGave(w: WorldWalk, asked: number, before: number, gave: HeapGave): void {
  setPair(w.heapMemo, asked, before, w.heapGave.length);
  w.heapGave.push(gave);
}
