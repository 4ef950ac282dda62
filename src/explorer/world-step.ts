/** Steps of a driven block on vectors of cells: looked up where they were made before, made for real where not. */
import { ASSERT } from '../hypervisor/bug.ts';
import type { Hypercall } from '../hypervisor/privcmd.ts';
import type { Reply, Request } from '../toolstack/task.ts';
import { takeBlockTurn } from './block.ts';
import { settleForm } from './block-text.ts';
import { miscountNow } from './broken-now.ts';
import { type CallNode, isLook, NOTHING, WHOLE, type XenOp } from './call-memo.ts';
import type { Interceptor } from './intercept.ts';
import { isLetThrough } from './intercept-looks.ts';
import { noteHeap, tellBySums } from './note-heap.ts';
import { isAbstract } from './ownership-seen.ts';
import { pairId } from './pair-table.ts';
import { knowRecords, putCells } from './put-cells.ts';
import { replyView } from './reply-reads.ts';
import type { Action } from './scenario.ts';
import { isSectioned } from './sections.ts';
import { settleLate } from './settle-late.ts';
import { type Asked, listenAnew } from './step-asked.ts';
import { type Effect, newStepNode, noteReads, type StepNode } from './step-memo.ts';
import { type MadeStep, partsOfReply, readsOfStep } from './step-reads.ts';
import { isInParts } from './turn-order.ts';
import type { RunningTask } from './world.ts';
import { askXen, callAt, changesSince, lookUpCall, strayedAt } from './world-call.ts';
import {
  FIRST_LANE,
  HEAP,
  isXenCell,
  LOCKS,
  MISC,
  readCells,
  readWorldCells,
  standing,
  withRoom,
} from './world-cells.ts';
import { copyPlace, keepNext, makeRoom, nextTo, putWords, stateAt } from './world-trail.ts';
import { actorCell, factsAt, keyOf, type WorldWalk, wordsOf } from './world-walk.ts';
import { numberAsked, takeXenTo, xenArrived } from './xen-way.ts';

/** Makes the step of `actor` from a place. Returns the place to which it leads. */
export function stepFrom(w: WorldWalk, place: number, actor: number): number {
  const { trail, cells } = w;
  makeRoom(trail, cells.count);
  const cell = actorCell(w, actor);
  const node = nodeOf(w, actor, cell, trail.states[stateAt(trail, place) + cell]!);
  const call = w.intercept === null ? node.call : callLetThrough(w, node, place, actor, w.intercept);
  const wasLookedUp =
    call === null ? lookUpWhole(w, wholeOf(node), place, actor) : lookUpParts(w, node, call, place, actor);
  if (wasLookedUp && w.isChecked) checkStep(w, place, actor);
  return nextTo(place);
}

function nodeOf(w: WorldWalk, actor: number, cell: number, form: number): StepNode {
  w.nodes[cell] ??= [];
  const nodes = w.nodes[cell];
  nodes[form] ??= newStepNode(callAt(w, actor, form));
  return nodes[form];
}

/** A form's steps that are remembered as a whole. */
function wholeOf(node: StepNode): StepNode {
  if (node.call === null) return node;
  node.whole ??= newStepNode(null);
  return node.whole;
}

/** The hypercall that a step begins with, if whoever comes between is sure to let it through. */
function callLetThrough(
  w: WorldWalk,
  node: StepNode,
  place: number,
  actor: number,
  intercept: Interceptor,
): CallNode | null {
  const { call } = node;
  if (call === null) return null;
  const locks = w.trail.states[stateAt(w.trail, place) + LOCKS]!;
  const known = node.isLet.get(locks);
  if (known !== undefined) return known ? call : null;
  const task = taskAt(w, place, actor)!;
  const held = standing(w.cells.locks, locks);
  const isLet = isLetThrough(intercept, held, task.id, task.domid, call.request);
  node.isLet.set(locks, isLet);
  return isLet ? call : null;
}

/** The task of an actor as it stands at a place; null: a lane between two steps. */
function taskAt(w: WorldWalk, place: number, actor: number): RunningTask | null {
  const { cells, trail } = w;
  const form = trail.states[stateAt(trail, place) + actorCell(w, actor)]!;
  const lane = cells.lanes[actor];
  return lane === undefined
    ? standing(cells.others[actor - cells.lanes.length]!, form)
    : standing(lane, form).task;
}

/** A step that begins with no hypercall. Returns whether it was looked up. */
function lookUpWhole(w: WorldWalk, node: StepNode, place: number, actor: number): boolean {
  const { trail } = w;
  const from = stateAt(trail, place);
  const effect = node.effects.get(keyOf(w, node.reads, from, actor));
  if (effect === undefined) {
    makeWhole(w, node, place, actor);
    return false;
  }
  copyPlace(trail, place);
  putWords(trail, nextTo(place), effect.cells, effect.values);
  settleLate(w, place);
  keepNext(trail, place, actor, effect.asked);
  return true;
}

/** A step that begins with a hypercall: what Xen makes of that, then the rest. Returns whether it was not made as a whole. */
function lookUpParts(w: WorldWalk, node: StepNode, call: CallNode, place: number, actor: number): boolean {
  const { trail } = w;
  let reply = lookUpCall(w, call, place, actor);
  if (reply < 0) {
    askXen(w, call, place, actor, (from, by) => makeAgain(w, from, by));
    reply = lookUpCall(w, call, place, actor);
    ASSERT(reply >= 0, 'what Xen was asked is remembered');
  }
  let rest = restOf(w, node, reply, stateAt(trail, place), actor);
  const isWhole = rest === undefined && needsXen(w, call, taskAt(w, place, actor)!.domid);
  rest ??= makeRest(w, node, call, place, actor, reply);
  putWords(trail, nextTo(place), rest.cells, rest.values);
  settleLate(w, place);
  keepNext(trail, place, actor, call.asked);
  return !isWhole;
}

/** What a step does beside its hypercall, once that was answered so. */
function restOf(
  w: WorldWalk,
  node: StepNode,
  reply: number,
  from: number,
  actor: number,
): Effect | undefined {
  if (node.reads.length > 0) return node.effects.get(keyOfRest(w, node, reply, from, actor));
  const known = node.byReply.get(reply);
  if (known !== undefined) return known;
  const rest = node.effects.get(keyOfRest(w, node, reply, from, actor));
  if (rest !== undefined) node.byReply.set(reply, rest);
  return rest;
}

/** One number for what the rest of a step depends on. */
function keyOfRest(w: WorldWalk, node: StepNode, reply: number, from: number, actor: number): number {
  node.views ??= viewsOf(w, node);
  let view = node.views.get(reply);
  if (view === undefined) {
    view = replyView(w.cells.canon, w.replies[reply]!, node.parts);
    node.views.set(reply, view);
  }
  return pairId(w.pairs, keyOf(w, node.reads, from, actor), view);
}

/** The views of replies that a step shares with all that look at the same parts. */
function viewsOf({ views }: WorldWalk, { parts }: StepNode): Map<number, number> {
  const looked = [...parts.keys()].join();
  const known = views.get(looked);
  if (known !== undefined) return known;
  const fresh = new Map<number, number>();
  views.set(looked, fresh);
  return fresh;
}

/** What a step for real found. */
interface Made {
  /** The state before: of the host as it is, which by class may differ from the one that was looked up. */
  readonly before: Int32Array;
  readonly requests: readonly Asked[];
  /** Pages that were free. */
  readonly free: number;
}

/** Makes a step as a whole on the host, where Xen stands at the state `from`. */
export function makeAgain(w: WorldWalk, from: number, actor: number): void {
  putCells(w.cells, wordsOf(w, from));
  takeBlockTurn(w.block, actor);
  settleForm(w.block, w.began);
}

/** Makes a step on the host; the state afterwards is read into `w.seen`. */
function makeForReal(w: WorldWalk, place: number, actor: number): Made {
  const { trail, cells, block } = w;
  const { xen } = block.run.world;
  takeXenTo(w.way, trail, xen, trail.ids[place]!, (from, by) => makeAgain(w, from, by));
  const at = stateAt(trail, place);
  knowRecords(cells, trail.states, at);
  const before = strayedAt(w, place) ?? trail.states.slice(at, at + Math.max(trail.stride, cells.count));
  putCells(cells, before);
  listenAnew(w);
  w.made++;
  const free = xen.heap.totalAvailPages;
  takeBlockTurn(block, actor);
  settleForm(block, w.began);
  // A hypercall in parts is asked for once, and goes on in later steps.
  const isLook = !isInParts(block.grain) && w.asked.every(({ request }) => changesNothing(request));
  const broken = isLook ? null : miscountNow(xen);
  tellBySums(w, before[HEAP]!, free);
  w.seen = withRoom(cells, w.seen, (into) => readCells(cells, into, before, broken));
  // Whoever looks at the place from now on looks at cells that were found just now as well.
  makeRoom(trail, cells.count);
  return { before, requests: w.asked.slice(), free };
}

function makeWhole(w: WorldWalk, node: StepNode, place: number, actor: number): void {
  const { trail, block } = w;
  const { before, requests, free } = makeForReal(w, place, actor);
  const { seen } = w;
  const isWhole = isDoneWhole(w, place, actor, requests);
  const changed = changesSince(w, before);
  const asked = isWhole ? WHOLE : numberAsked(w.way, opsOf(requests));
  const effect = { cells: changed, values: changed.map((cell) => seen[cell]!), asked };
  const reads = readsOf(w, place, actor, requests, { hasCall: false, isWhole });
  addChanged(w, reads, changed, place, actor);
  const byHand = doneByHand(w, place, actor);
  noteHeap(w, { from: before[HEAP]!, to: seen[HEAP]!, free, asked: requests, byHand });
  noteReads(node, reads, node.parts);
  node.effects.set(keyOf(w, node.reads, stateAt(trail, place), actor), effect);
  copyPlace(trail, place);
  putWords(trail, nextTo(place), changed, effect.values);
  keepNext(trail, place, actor, effect.asked);
  xenArrived(w.way, block.run.world.xen, trail.ids[place]!, actor, w.seen[HEAP]!);
}

/** Makes a step on the host but for the hypercall that it begins with: that is taken to be answered so, and Xen stays. */
function makeTold(w: WorldWalk, place: number, actor: number, reply: Reply): Made {
  const { trail, cells, block } = w;
  const at = stateAt(trail, place);
  const before = trail.states.slice(at, at + Math.max(trail.stride, cells.count));
  putCells(cells, before);
  listenAnew(w);
  w.made++;
  w.told = reply;
  takeBlockTurn(block, actor);
  ASSERT(w.told === null, 'the step begins with the call that is known');
  settleForm(block, w.began);
  w.seen = withRoom(cells, w.seen, (into) => {
    readWorldCells(cells, into, before);
    into[HEAP] = before[HEAP]!;
    into[MISC] = before[MISC]!;
  });
  makeRoom(trail, cells.count);
  return { before, requests: w.asked.slice(), free: 0 };
}

/** Whether nobody but who makes a call needs Xen as the call left it: a domain's end is the end of what runs inside. */
const needsXen = ({ intercept }: WorldWalk, { request: { name } }: CallNode, domid: number | null): boolean =>
  intercept !== null || domid !== null || name === 'XEN_DOMCTL_destroydomain' || name === 'SCHEDOP_shutdown';

/** Makes a step that begins with a hypercall for what it does beside that. */
function makeRest(
  w: WorldWalk,
  node: StepNode,
  call: CallNode,
  place: number,
  actor: number,
  reply: number,
): Effect {
  const { trail, cells, block } = w;
  const form = trail.states[stateAt(trail, place) + actorCell(w, actor)]!;
  const lane = cells.lanes[actor];
  const stands = lane === undefined ? null : standing(lane, form).state;
  const { task, domid } = taskAt(w, place, actor)!;
  const answer = w.replies[reply]!;
  const parts = partsOfReply(cells.canon, task, stands, call.request, answer);
  const isReal = needsXen(w, call, domid);
  const { before, requests } = isReal ? makeForReal(w, place, actor) : makeTold(w, place, actor, answer);
  const { seen } = w;
  const changed = changesSince(w, before).filter((cell) => !isXenCell(cells, cell));
  const effect = { cells: changed, values: changed.map((cell) => seen[cell]!), asked: NOTHING };
  const reads = readsOf(w, place, actor, requests, { hasCall: true, isWhole: false });
  addChanged(w, reads, changed, place, actor);
  noteReads(node, reads, parts);
  node.effects.set(keyOfRest(w, node, reply, stateAt(trail, place), actor), effect);
  if (isReal) xenArrived(w.way, block.run.world.xen, trail.ids[place]!, actor, w.seen[HEAP]!);
  return effect;
}

/** What a cell becomes may depend on what it was; what the host's cells become mostly does. */
function addChanged(
  w: WorldWalk,
  reads: Set<number>,
  changed: readonly number[],
  place: number,
  actor: number,
): void {
  const at = stateAt(w.trail, place);
  for (const cell of changed) if (!isActorCell(w, cell) || w.trail.states[at + cell] !== 0) reads.add(cell);
  reads.delete(actorCell(w, actor));
}

/** Makes a step that was looked up as well. */
function checkStep(w: WorldWalk, place: number, actor: number): void {
  const { trail, cells, block } = w;
  const { before, requests, free } = makeForReal(w, place, actor);
  const to = stateAt(trail, nextTo(place));
  // By class, what a heap becomes when memory comes back depends on where that lies. Its sums do not.
  const byHand = doneByHand(w, place, actor);
  noteHeap(w, { from: before[HEAP]!, to: w.seen[HEAP]!, free, asked: requests, byHand });
  w.strayed ||= w.dust === null && isAbstract(w.owners) && w.seen[HEAP] !== trail.states[to + HEAP];
  for (let cell = 0; cell < cells.count; cell++) {
    ASSERT(
      w.strayed || w.seen[cell] === trail.states[to + cell],
      `cell ${cell} is what was looked up after a step of task ${actor}`,
    );
  }
  xenArrived(w.way, block.run.world.xen, trail.ids[place]!, actor, w.seen[HEAP]!);
}

const isActorCell = ({ cells, block }: WorldWalk, cell: number): boolean =>
  (cell >= FIRST_LANE && cell < FIRST_LANE + block.lanes.length) || cells.otherAt.includes(cell);

/** A step whose hypercalls alone do not make it again: parts of hypercalls, steps without a task, remedies. */
function isDoneWhole(w: WorldWalk, place: number, actor: number, requests: Made['requests']): boolean {
  const { block } = w;
  if (w.looked.more || w.looked.came) return true;
  if (isInParts(block.grain) && requests.some(({ request }) => isSectioned(request))) return true;
  const lane = w.cells.lanes[actor];
  if (lane === undefined) return false;
  const { state } = standing(lane, w.trail.states[stateAt(w.trail, place) + actorCell(w, actor)]!);
  if (state.task !== null) return false;
  const { action } = block.lanes[actor]!.steps[state.next]!.step;
  // A command of xl's looks at nothing before its task does; what else begins has its domains looked up by name.
  return action.do !== 'run' || action.argv[0] !== 'xl';
}

/** What a lane that begins a step at a place does to the host by no hypercall; null: nothing. */
function doneByHand(w: WorldWalk, place: number, actor: number): Action | null {
  const lane = w.cells.lanes[actor];
  if (lane === undefined) return null;
  const { state } = standing(lane, w.trail.states[stateAt(w.trail, place) + actorCell(w, actor)]!);
  if (state.task !== null) return null;
  const { action } = w.block.lanes[actor]!.steps[state.next]!.step;
  const isTouch = action.do === 'guest' && action.action.do === 'touch';
  return action.do === 'set' || isTouch ? action : null;
}

const changesNothing = (request: Request): boolean => request.kind !== 'hypercall' || isLook(request.name);

function opsOf(requests: Made['requests']): XenOp[] {
  const ops: XenOp[] = [];
  for (const { request, by } of requests) {
    if (request.kind !== 'hypercall' || isLook(request.name)) continue;
    const { kind: _kind, ...call } = request;
    ops.push({ by, call: call as Hypercall });
  }
  return ops;
}

/** What a step read; with a call only what serving that reads outside of Xen. */
function readsOf(
  w: WorldWalk,
  place: number,
  actor: number,
  requests: Made['requests'],
  how: Pick<MadeStep, 'hasCall' | 'isWhole'>,
): Set<number> {
  const { trail, cells, looked } = w;
  const lane = cells.lanes[actor];
  const at = stateAt(trail, place);
  const own = trail.states[at + actorCell(w, actor)]!;
  // Within a hypercall nobody comes between, but who ends with it leaves the locks that had to be taken before it.
  const locks = looked.locks || (w.intercept !== null && isInParts(w.block.grain));
  return readsOfStep(cells, {
    ...how,
    looked: { ...looked, locks },
    footprints: requests.map(({ footprint }) => footprint),
    isIdle: lane !== undefined && standing(lane, own).state.task === null,
    isLate: factsAt(w, actor, trail.states, at).due > w.began,
  });
}
