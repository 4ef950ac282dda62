/** Hypercalls of a driven block on vectors of cells: looked up where Xen was asked before, made for real where not. */
import { ASSERT } from '../hypervisor/bug.ts';
import { hypercall } from '../hypervisor/hypercall.ts';
import type { HypercallContext } from '../hypervisor/reservation.ts';
import { heapDomainOf } from '../hypervisor/xen.ts';
import type { Reply } from '../toolstack/task.ts';
import { miscountNow } from './broken-now.ts';
import { gaveApart, newApart, noteApart } from './call-apart.ts';
import { callAside } from './call-aside.ts';
import {
  type CallNode,
  type Gave,
  type HypercallRequest,
  isLook,
  lookOf,
  NOTHING,
  type PopulateNode,
} from './call-memo.ts';
import { canonId, canonText } from './canonical.ts';
import { askedAt, isTakenApart } from './class-populate.ts';
import { domainSeen } from './domain-cells.ts';
import { type Footprint, xenCellsOf } from './footprint.ts';
import { type HeapNote, noteHeap, tellBySums } from './note-heap.ts';
import { isAbstract, noteHeapStep } from './ownership-seen.ts';
import { setPair } from './pair-table.ts';
import { callOfLane, pendingCall } from './pending-call.ts';
import { knowRecords } from './put-cells.ts';
import { DOMAINS, POOLS, withReads } from './step-memo.ts';
import { toldByCells } from './told-by-cells.ts';
import { HEAP, heapForm, readXenCells, standing, withRoom } from './world-cells.ts';
import { formAfter, hasStash, lookUpPopulate, noteHeapGave, toldOf } from './world-populate.ts';
import { copyPlace, makeRoom, nextTo, putWords, stateAt } from './world-trail.ts';
import { keyOf, replyId, type WorldWalk } from './world-walk.ts';
import { numberAsked, takeXenTo, xenArrived } from './xen-way.ts';

/** The hypercall with which the step of an actor begins that stands in this form; null: it begins otherwise. */
export function callAt(w: WorldWalk, actor: number, form: number): CallNode | null {
  const { block, cells } = w;
  const lane = cells.lanes[actor];
  const pending =
    lane === undefined
      ? pendingCall(block, cells.others[actor - cells.lanes.length]!.values[form]!, null)
      : callOfLane(block, standing(lane, form));
  if (pending === null) return null;
  const { request, by } = pending;
  const name = `${by.caller} ${by.node} ${request.name} ${canonText(w.cells.canon, request.args)}`;
  const known = w.calls.get(name);
  if (known !== undefined) return known;
  const call: CallNode = {
    request,
    by,
    asked: isLook(request.name) ? NOTHING : numberAsked(w.way, [{ by, call: request }]),
    isLook: isLook(request.name),
    reads: [],
    gave: new Map(),
    populate: populateOf(w, request, by),
    look: lookOf(request, by.caller),
    apart: newApart(w, request.name),
  };
  w.calls.set(name, call);
  return call;
}

function populateOf(w: WorldWalk, request: HypercallRequest, by: HypercallContext): PopulateNode | null {
  const { cells, block } = w;
  if (request.name !== 'XENMEM_populate_physmap' || by.caller !== 0 || cells.ownership !== 'class')
    return null;
  const { args } = request;
  const domainCell = cells.domainAt.get(args.domid);
  if (domainCell === undefined || !isTakenApart(args, block.run.world.xen.heap.nodeIds.length)) return null;
  const { nrExtents, extentOrder, memFlags } = args;
  const text = `populate ${extentOrder} ${nrExtents} ${canonText(cells.canon, memFlags)}`;
  const what = canonId(cells.canon, text);
  return { domainCell, domid: args.domid, args, what, no: w.populates++, told: new Map() };
}

/** Writes Xen's part of the state after a call made before to the next place; the reply's number. -1: it was not. */
export function lookUpCall(w: WorldWalk, call: CallNode, place: number, actor: number): number {
  const { trail } = w;
  const from = stateAt(trail, place);
  const { populate, look } = call;
  if (look !== null) {
    copyPlace(trail, place);
    return toldByCells(w, look, from).reply;
  }
  if (populate !== null) {
    const reply = lookUpPopulate(w, populate, place);
    if (reply >= 0) return reply;
  }
  const gave = call.gave.get(keyOf(w, call.reads, from, actor)) ?? workedOut(w, call, place, actor);
  if (gave === null) return -1;
  copyPlace(trail, place);
  putWords(trail, nextTo(place), gave.cells, gave.values);
  return gave.reply;
}

/** What a call gives that was made where all but the heap was the same, remembered; null: it cannot be told. */
function workedOut(w: WorldWalk, call: CallNode, place: number, actor: number): Gave | null {
  const gave = gaveApart(w, call, place, actor);
  if (gave !== null) noteRead(w, call, w.footprint(call.request, call.by.caller, w.now), place, actor, gave);
  return gave;
}

/**
 * What stands on the host at a place to which Xen was taken, if that is not what was looked up: by class it may differ,
 * and the search then says so. Null: it is the same.
 */
export function strayedAt(w: WorldWalk, place: number): Int32Array | null {
  const { trail, cells, way } = w;
  if (!isAbstract(w.owners)) return null;
  const at = stateAt(trail, place);
  cells.bySums = w.dust !== null && w.owners.unsure.has(trail.states[at + HEAP]!);
  const last = way.heapIs.length - 1;
  const heap = way.heapIs[last] || heapForm(cells, null);
  way.heapIs[last] = heap;
  if (heap === trail.states[at + HEAP]!) return null;
  ASSERT(!w.isChecked || w.dust === null, 'where sums are enough the host has those that were looked up');
  w.strayed = true;
  // What comes of this form is not noted where it was expected.
  w.owners.unsure.add(heap);
  w.seen = withRoom(cells, w.seen, (into) => {
    into.fill(0);
    into.set(trail.states.subarray(at, at + cells.count));
    readXenCells(cells, into);
  });
  return w.seen.slice(0, cells.count);
}

/** Makes a hypercall on the host, and remembers what Xen made of it. `again`: see takeXenTo(). */
export function askXen(
  w: WorldWalk,
  call: CallNode,
  place: number,
  actor: number,
  again: (from: number, by: number) => void,
): void {
  if (askAside(w, call, place, actor)) return;
  const { trail, cells, block, way } = w;
  const { xen } = block.run.world;
  const id = trail.ids[place]!;
  takeXenTo(way, trail, xen, id, again);
  knowRecords(cells, trail.states, stateAt(trail, place));
  const stray = strayedAt(w, place);
  const { request, by } = call;
  const footprint = w.footprint(request, by.caller, w.now);
  const { totalAvailPages: free, outstandingClaims: claims } = xen.heap;
  const reply = hypercall(xen, by, request) as unknown as Reply;
  w.called++;
  const asked = [{ request, footprint }];
  if (stray === null && gavePart(w, call, place, actor, free, asked)) return;
  const from = stateAt(trail, place);
  const before = stray ?? trail.states.slice(from, from + cells.count);
  tellBySums(w, before[HEAP]!, free);
  readAfter(w, before, call.isLook);
  // What is remembered by what was read is looked up by that, too: in a place with room for cells found just now.
  makeRoom(trail, cells.count);
  const gave = gaveOf(w, before, reply);
  noteHeap(w, { from: before[HEAP]!, to: w.seen[HEAP]!, free, asked, byHand: null });
  if (stray !== null || !notePopulate(w, call, before, gave)) {
    noteRead(w, call, footprint, place, actor, gave);
  }
  if (stray === null) {
    const taken = free - xen.heap.totalAvailPages;
    const claimed = xen.heap.outstandingClaims - claims;
    noteApart(w, call, place, actor, { gave, reply, reads: xenReads(w, footprint), taken, claimed });
  }
  xenArrived(way, xen, id, actor, w.seen[HEAP]!);
}

/** Makes a hypercall that needs no host (call-aside.ts), and remembers what came of it. False: it needs one. */
function askAside(w: WorldWalk, call: CallNode, place: number, actor: number): boolean {
  const { trail } = w;
  const made = callAside(w, call, place);
  if (made === null) return false;
  const from = stateAt(trail, place);
  const changed: number[] = [];
  const values: number[] = [];
  const was = trail.states[from + HEAP]!;
  if (made.heap !== was) {
    changed.push(HEAP);
    values.push(made.heap);
  }
  if (made.domain !== null && made.domain.form !== trail.states[from + made.domain.cell]) {
    changed.push(made.domain.cell);
    values.push(made.domain.form);
  }
  const { request, by } = call;
  const footprint = w.footprint(request, by.caller, w.now);
  noteRead(w, call, footprint, place, actor, { reply: replyId(w, made.reply), cells: changed, values });
  if (made.heap !== was)
    noteHeapStep(w.owners, {
      from: was,
      to: made.heap,
      isUnsure: made.isUnsure || hasStash(w, from),
      asks: false,
    });
  return true;
}

/** Remembers what came of a call by what it read and changed. */
function noteRead(
  w: WorldWalk,
  call: CallNode,
  footprint: Footprint,
  place: number,
  actor: number,
  gave: Gave,
): void {
  const reads = withReads(call.reads, [...xenReads(w, footprint), ...gave.cells]);
  if (reads !== call.reads) call.gave.clear();
  call.reads = reads;
  call.gave.set(keyOf(w, reads, stateAt(w.trail, place), actor), gave);
}

/** Reads Xen's part of what became of a state into `w.seen`. */
function readAfter(w: WorldWalk, before: Int32Array, isLook: boolean): void {
  const { cells } = w;
  const broken = isLook ? null : miscountNow(cells.block.run.world.xen);
  w.seen = withRoom(cells, w.seen, (into) => {
    into.fill(0);
    into.set(before.subarray(0, cells.count));
    if (!isLook) readXenCells(cells, into, broken);
  });
}

function gaveOf(w: WorldWalk, before: Int32Array, reply: Reply): Gave {
  const changed = changesSince(w, before);
  return {
    reply: replyId(w, reply),
    cells: changed,
    values: changed.map((cell) => w.seen[cell]!),
  };
}

/** The cells in which the state that was read last differs. */
export function changesSince({ cells, seen }: WorldWalk, before: Int32Array): number[] {
  const changed: number[] = [];
  for (let cell = 0; cell < cells.count; cell++) if (seen[cell] !== (before[cell] ?? 0)) changed.push(cell);
  return changed;
}

function xenReads({ cells }: WorldWalk, footprint: Footprint): number[] {
  const reads = xenCellsOf(footprint);
  for (const domid of footprint.domids) reads.push(cells.domainAt.get(domid) ?? DOMAINS - domid);
  if (footprint.domainsFrom !== undefined) reads.push(DOMAINS - footprint.domainsFrom);
  if (footprint.pools === true) reads.push(POOLS);
  return reads;
}

/** Notes what the heap gave to a populate that was made from a place, if the rest is known for as many extents. */
function gavePart(
  w: WorldWalk,
  { populate: node }: CallNode,
  place: number,
  actor: number,
  free: number,
  asked: HeapNote['asked'],
): boolean {
  if (node === null) return false;
  const { trail, cells, block } = w;
  const { xen } = block.run.world;
  const { domainCell, domid, args } = node;
  const at = stateAt(trail, place);
  const form = trail.states[at + domainCell]!;
  const before = trail.states[at + HEAP]!;
  const asks = askedAt(w, node, form);
  if (asks === 0) return false;
  const had = domainSeen(cells, domid, form).totPages;
  const extents = (heapDomainOf(xen, domid).totPages - had) / 2 ** args.extentOrder;
  if (formAfter(w, node, toldOf(w, node, extents), form, extents) < 0) return false;
  tellBySums(w, before, free);
  const heap = heapForm(cells, miscountNow(xen));
  w.seen[HEAP] = heap;
  noteHeapGave(w, asks, before, { extents, heap });
  noteHeap(w, { from: before, to: heap, free, asked, byHand: null });
  xenArrived(w.way, xen, trail.ids[place]!, actor, heap);
  return true;
}

/** Takes a populate apart. False: it cannot be. */
function notePopulate(w: WorldWalk, { populate: node }: CallNode, before: Int32Array, gave: Gave): boolean {
  if (node === null) return false;
  const { domainCell, domid, args } = node;
  const form = before[domainCell]!;
  const asked = askedAt(w, node, form);
  const after = w.seen[domainCell]!;
  if (asked === 0 || after === 0) return false;
  const pages = domainSeen(w.cells, domid, after).totPages - domainSeen(w.cells, domid, form).totPages;
  const extents = pages / 2 ** args.extentOrder;
  const isAlone = gave.cells.every((cell) => cell === HEAP || cell === domainCell);
  noteHeapGave(w, asked, before[HEAP]!, { extents, heap: w.seen[HEAP]! });
  const { no } = toldOf(w, node, extents);
  setPair(w.formGiven, no, form, isAlone ? after + 1 : 0);
  return isAlone;
}
