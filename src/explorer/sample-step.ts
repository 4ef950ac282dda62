/**
 * Steps for samples: every hypercall is made, and what the tasks make of the answers is looked up where it was seen
 * before.
 *
 * A task in the same form asks the same, and goes on alike where it is told alike; what the rest of its step depends on
 * are cells that are no part of Xen. So Xen is always there itself, frames and orders of lists included, and a step that
 * is looked up leads where the step itself would have led: no sample can tell which were drawn before it.
 */
import { ASSERT } from '../hypervisor/bug.ts';
import { hypercall } from '../hypervisor/hypercall.ts';
import { markXen, rollbackXen } from '../hypervisor/xen-mark.ts';
import type { Reply } from '../toolstack/task.ts';
import { type BlockRun, takeBlockTurn } from './block.ts';
import { settleForm } from './block-text.ts';
import { isLook } from './call-memo.ts';
import { type FootprintOf, footprintOf } from './footprint.ts';
import type { Interceptor } from './intercept.ts';
import { isLetThrough } from './intercept-looks.ts';
import { newPairTable, type PairTable } from './pair-table.ts';
import { callOfLane, type PendingCall, pendingCall } from './pending-call.ts';
import {
  cellOf,
  copyStanding,
  factsIn,
  forgetNames,
  idAt,
  isNamed,
  laneAt,
  leaveToBlock,
  namesIn,
  putOut,
  type SampleHost,
  type Standing,
  setCell,
  standAgain,
  takeIn,
  taskIn,
} from './sample-host.ts';
import {
  addParts,
  giveUp,
  keyOf,
  keyOfRest,
  type Left,
  newSampleNode,
  type SampleNode,
} from './sample-memo.ts';
import { meet, newOftenMet, type OftenMet, timesMet } from './sample-often.ts';
import { type Listening, listenAnew, listenTo } from './step-asked.ts';
import { POOLS, withReads } from './step-memo.ts';
import { type MadeStep, partsOfReply, readsOfStep } from './step-reads.ts';
import { isInParts } from './turn-order.ts';
import { FIRST_LANE, HEAP, LOCKS, MISC } from './world-cells.ts';

/** The way of a sample, and what is remembered of all. */
export interface SampleWalk extends Listening {
  readonly host: SampleHost;
  readonly began: number;
  /** By actor and form. */
  readonly nodes: SampleNode[][];
  pairs: PairTable;
  /** Every step that is looked up is made as well, and the two are compared. */
  readonly isChecked: boolean;
  readonly mostNames: number;
  readonly mostVain: number;
  /** A form that was met less often is not remembered. */
  readonly rare: number;
  readonly often: OftenMet;
  /** False: nothing is looked up, and the cells are not kept. */
  remembers: boolean;
  /** Xen's answer to the call that a step for real begins with. */
  told: Reply | null;
  /** The last step may have changed Xen. */
  changed: boolean;
  /** Steps made for real; looked up; looked for in vain. */
  made: number;
  found: number;
  vain: number;
}

/** Names after which all is forgotten: some 200 MiB. */
const MOST_NAMES = 400_000;
/** Forms that were met less often are not remembered. */
const RARE = 4;
/** Steps that may be looked for in vain: so many, and for each that was found so much of one. Then it does not pay. */
const MOST_VAIN = 4_000;
const VAIN_OF_FOUND = 0.25;
/** Steps of one form that are looked for in vain before it is given up, if few were found. */
const MOST_MISSED = 256;
const FOUND_OF_MISSED = 0.25;

/** How samples are drawn. */
export interface SampleWalkHow {
  readonly intercept?: Interceptor;
  readonly footprint?: FootprintOf;
  readonly isChecked?: boolean;
  /** Names after which all is forgotten; absent: what fits into memory. */
  readonly mostNames?: number;
  /** Steps that may be looked for in vain, beside a share of those that are found. */
  readonly mostVain?: number;
  /** Forms that were met less often are not remembered. */
  readonly rare?: number;
}

export function newSampleWalk(host: SampleHost, how: SampleWalkHow): SampleWalk {
  const { block } = host;
  const walk: SampleWalk = {
    ...listenTo(block, how.footprint ?? footprintOf, how.intercept ?? null),
    host,
    began: block.run.world.now,
    nodes: [],
    pairs: newPairTable(),
    isChecked: how.isChecked ?? false,
    mostNames: how.mostNames ?? MOST_NAMES,
    mostVain: how.mostVain ?? MOST_VAIN,
    rare: how.rare ?? RARE,
    often: newOftenMet(),
    remembers: !isInParts(block.grain),
    told: null,
    changed: false,
    made: 0,
    found: 0,
    vain: 0,
  };
  block.run.told = () => {
    const { told } = walk;
    walk.told = null;
    return told;
  };
  return walk;
}

/** Before another sample, which begins as `first`: forgets what has grown too large. */
export function tidyUp(w: SampleWalk, first: Standing): void {
  if (namesIn(w.host) > w.mostNames) forgetAll(w, [first]);
}

function forgetAll(w: SampleWalk, kept: readonly Standing[]): void {
  forgetNames(w.host, kept);
  w.nodes.length = 0;
  w.pairs = newPairTable();
}

/** Makes a step of an actor. */
export function takeSampleStep(w: SampleWalk, actor: number): void {
  if (!w.remembers) {
    makeOnBlock(w, actor);
    return;
  }
  const node = nodeAt(w, actor);
  if (node === null || node.isReal) {
    makeForReal(w, actor);
    return;
  }
  if (w.isChecked) checkStep(w, node, actor);
  else lookUp(w, node, actor);
}

function lookUp(w: SampleWalk, node: SampleNode, actor: number): void {
  if (node.call === null || !isLet(w, node, node.call, actor)) lookUpWhole(w, node, actor);
  else lookUpRest(w, node, node.call, actor);
}

/** The form of an actor; null: it is not looked up, for it is rare, or a lane between two steps. */
function nodeAt(w: SampleWalk, actor: number): SampleNode | null {
  const { host, nodes } = w;
  const lane = laneAt(host, actor);
  const own = taskIn(host, actor);
  if (own === null) return null;
  if (!isNamed(host.now, cellOf(actor))) {
    if (timesMet(w.often, own.task) < w.rare) {
      meet(w.often, own.task);
      return null;
    }
  }
  const id = idAt(host.cells, host.now, cellOf(actor));
  nodes[actor] ??= [];
  const known = nodes[actor];
  if (known[id] === undefined) {
    const call = lane === null ? pendingCall(host.block, own, null) : callOfLane(host.block, lane);
    known[id] = newSampleNode(call);
  }
  return known[id];
}

/** Whether whoever comes between is sure to let the call of a form through. */
function isLet(
  { host, intercept }: SampleWalk,
  node: SampleNode,
  { request }: PendingCall,
  actor: number,
): boolean {
  if (intercept === null) return true;
  const locks = idAt(host.cells, host.now, LOCKS);
  let known = node.isLet.get(locks);
  if (known === undefined) {
    const { id, domid } = taskIn(host, actor)!;
    const held = host.now.values[LOCKS] as BlockRun['run']['world']['locks'];
    known = isLetThrough(intercept, held, id, domid, request);
    node.isLet.set(locks, known);
  }
  return known;
}

/** A step that is remembered as a whole: it asks nothing of Xen. */
function lookUpWhole(w: SampleWalk, node: SampleNode, actor: number): void {
  node.whole ??= newSampleNode(null);
  const { whole } = node;
  if (whole.isReal) {
    makeForReal(w, actor);
    return;
  }
  const left = whole.left.get(keyOf(w, whole.reads, w.host.now, actor));
  if (left !== undefined) {
    leave(w, whole, left);
    w.changed = false;
    return;
  }
  const before = copyStanding(w.host.now);
  makeForReal(w, actor);
  if (w.asked.some(({ request }) => request.kind === 'hypercall')) giveUp(whole);
  else if (isWorthIt(w, actor)) remember(w, whole, before, actor, null);
}

/** A step that begins with a hypercall: that is made, and the rest looked up. */
function lookUpRest(w: SampleWalk, node: SampleNode, { by, request }: PendingCall, actor: number): void {
  const { host } = w;
  const reply = hypercall(host.block.run.world.xen, by, request) as unknown as Reply;
  const left = node.left.size === 0 ? undefined : node.left.get(keyOfRest(w, node, host.now, actor, reply));
  if (left !== undefined) {
    leave(w, node, left);
    w.changed = !node.isLook;
    return;
  }
  const before = copyStanding(host.now);
  const lane = laneAt(host, actor);
  const { task } = taskIn(host, actor)!;
  w.told = reply;
  makeForReal(w, actor);
  ASSERT(w.told === null, 'the step begins with the call that was made');
  if (!isWorthIt(w, actor)) return;
  const parts = partsOfReply(host.cells.canon, task, lane?.state ?? null, request, reply);
  addParts(node, parts);
  remember(w, node, before, actor, reply);
}

function leave(w: SampleWalk, node: SampleNode, { cells, ids }: Left): void {
  const { host } = w;
  node.found++;
  w.found++;
  for (let i = 0; i < cells.length; i++) setCell(host, cells[i]!, ids[i]!);
}

/** Whether the form that a step led to comes again. */
function isWorthIt(w: SampleWalk, actor: number): boolean {
  const task = taskIn(w.host, actor);
  return task === null || timesMet(w.often, task.task) >= w.rare;
}

/** Makes a step on the block. */
function makeForReal(w: SampleWalk, actor: number): void {
  putOut(w.host);
  makeOnBlock(w, actor);
  takeIn(w.host);
}

function makeOnBlock(w: SampleWalk, actor: number): void {
  const { block } = w.host;
  listenAnew(w);
  takeBlockTurn(block, actor);
  settleForm(block, w.began);
  w.made++;
  w.changed = w.asked.some(({ request }) => request.kind === 'hypercall' && !isLook(request.name));
}

/** Remembers what the step that was made last did, or the rest of it after a `reply`. */
function remember(
  w: SampleWalk,
  node: SampleNode,
  before: Standing,
  actor: number,
  reply: Reply | null,
): void {
  const { host } = w;
  const { cells, now } = host;
  if (++w.vain > w.mostVain + w.found * VAIN_OF_FOUND) {
    forgetAll(w, []);
    leaveToBlock(host);
    w.remembers = false;
    return;
  }
  if (++node.missed > MOST_MISSED && node.found < node.missed * FOUND_OF_MISSED) {
    giveUp(node);
    return;
  }
  const reads = readsOfStep(cells, madeStep(w, before, actor, reply !== null));
  if ([...reads].some(isOfXen)) {
    giveUp(node);
    return;
  }
  const changed: number[] = [];
  for (let cell = 0; cell < now.values.length; cell++) {
    if (now.values[cell] === (before.values[cell] ?? null)) continue;
    const was = idAt(cells, before, cell);
    if (idAt(cells, now, cell) === was) continue;
    changed.push(cell);
    // What a cell becomes may depend on what it was; what a task beside becomes when it is started does not.
    if (cell < FIRST_LANE || was !== 0) reads.add(cell);
  }
  reads.delete(cellOf(actor));
  const all = withReads(node.reads, reads);
  if (all !== node.reads) node.left.clear();
  node.reads = all;
  const key = reply === null ? keyOf(w, all, before, actor) : keyOfRest(w, node, before, actor, reply);
  node.left.set(key, { cells: changed, ids: changed.map((cell) => now.ids[cell]!) });
}

const isOfXen = (cell: number): boolean => cell === HEAP || cell === MISC || cell <= POOLS;

function madeStep(w: SampleWalk, before: Standing, actor: number, hasCall: boolean): MadeStep {
  return {
    footprints: w.asked.map(({ footprint }) => footprint),
    looked: w.looked,
    hasCall,
    isIdle: false,
    isWhole: w.looked.more || w.looked.came,
    isLate: factsIn(w.host, before, actor).due > w.began,
  };
}

/** Makes a step that is looked up as well. */
function checkStep(w: SampleWalk, node: SampleNode, actor: number): void {
  const { host } = w;
  const { xen } = host.block.run.world;
  const before = copyStanding(host.now);
  const mark = markXen(xen);
  const { made } = w;
  lookUp(w, node, actor);
  if (w.made > made) return;
  const found = copyStanding(host.now);
  rollbackXen(xen, mark);
  standAgain(host, before);
  makeForReal(w, actor);
  for (let cell = 0; cell < host.now.values.length; cell++) {
    const isSame = idAt(host.cells, host.now, cell) === idAt(host.cells, found, cell);
    ASSERT(isSame, `cell ${cell} is what was looked up after a step of task ${actor}`);
  }
}
