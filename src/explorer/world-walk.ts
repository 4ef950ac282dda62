/**
 * Steps of a driven block on vectors of cells: looked up where they were made before, made for real where not.
 */
import type { Reply } from '../toolstack/task.ts';
import type { BlockRun } from './block.ts';
import { settleForm } from './block-text.ts';
import type { CallNode, HeapGave } from './call-memo.ts';
import { canonText } from './canonical.ts';
import { type ClassLists, newClassLists } from './class-take.ts';
import { domainSeen } from './domain-cells.ts';
import { type Dust, newDust } from './dust.ts';
import type { FootprintOf } from './footprint.ts';
import { isUnsure, newOwnershipSeen, type OwnershipSeen } from './ownership-seen.ts';
import { newPairTable, type PairTable, pairId } from './pair-table.ts';
import { viewState } from './state-table.ts';
import { type Listening, listenTo } from './step-asked.ts';
import { DOMAINS, POOLS, type StepNode, WATCHES } from './step-memo.ts';
import { laneFacts, otherFacts, type TaskFacts } from './task-facts.ts';
import { isInParts } from './turn-order.ts';
import { type Cells, dustOfForm, FIRST_LANE, HEAP, readCells, withRoom } from './world-cells.ts';
import { makeRoom, newTrail, type Trail } from './world-trail.ts';
import { newXenWay, type XenWay } from './xen-way.ts';

/** A host on its way through a block. */
export interface WorldWalk extends Listening {
  readonly block: BlockRun;
  readonly cells: Cells;
  readonly trail: Trail;
  readonly way: XenWay;
  readonly footprint: FootprintOf;
  /** Every step that is looked up is made as well, and the two are compared. */
  readonly isChecked: boolean;
  /** By cell of a task and form of it. */
  readonly nodes: StepNode[][];
  readonly pairs: PairTable;
  /** By who asks what of Xen. */
  readonly calls: Map<string, CallNode>;
  /** Replies, by number. */
  readonly replies: Reply[];
  readonly replyIds: Map<string, number>;
  /** By parts of replies that a step looks at: see StepNode.views. */
  readonly views: Map<string, Map<number, number>>;
  /** By what a populate asks and the heap's form: extents, and the heap's form afterwards. */
  readonly heapMemo: PairTable;
  readonly heapGave: HeapGave[];
  /** By who populates and form of the domain: the number of what is asked of the heap; 0: the heap is not all. */
  readonly askedOfHeap: PairTable;
  /** By who got how many extents and form of the domain: that afterwards, plus 1; 0: the parts cannot be told apart. */
  readonly formGiven: PairTable;
  /** Numbers for the first of those pairs. */
  populates: number;
  /** Places for a heap's class that is worked on. */
  readonly lists: ClassLists;
  classRoom: Int32Array;
  readonly laneFacts: TaskFacts[][];
  readonly otherFacts: TaskFacts[][];
  /** A place for what is asked of all actors of one state. */
  readonly facts: TaskFacts[];
  /** Where in the words that cellsOfState() returned the state begins, and a place for them. */
  at: number;
  scratch: Int32Array;
  /** The state that was read last. */
  seen: Int32Array;
  readonly began: number;
  /** By class: what was met that tells whether the class is enough. */
  readonly owners: OwnershipSeen;
  /**
   * By class: once somewhere the class is not enough, states tell no more of memory than its sums, and this is what was met
   * that tells whether they are. Null: they tell the class of the first host that was met.
   */
  readonly dust: Dust | null;
  /** By class: the host came to a state in which its heap was not what was looked up. */
  strayed: boolean;
  /** A state was reached in which it is later than at the start: see time-shape.ts. */
  isLater: boolean;
  /** Xen's answer to the call that a step which is made begins with, if that is known; see makeRest(). */
  told: Reply | null;
  /** Steps made for real, and hypercalls made to learn what Xen makes of them. */
  made: number;
  called: number;
}

export function newWorldWalk(
  block: BlockRun,
  cells: Cells,
  how: Pick<WorldWalk, 'footprint' | 'intercept' | 'isChecked'> & { readonly bySums: boolean },
): WorldWalk {
  const began = block.run.world.now;
  settleForm(block, began);
  const { bySums, ...rest } = how;
  const read = (): Int32Array =>
    withRoom(cells, new Int32Array(cells.count), (into) => readCells(cells, into, null));
  let seen = read();
  const owners = newOwnershipSeen();
  const isVague = cells.ownership === 'class' && isUnsure(block.run.world.xen.heap);
  const dust = bySums && maySum(block) ? newDust(isVague ? dustOfForm(cells, seen[HEAP]!) : null) : null;
  if (isVague && dust !== null) {
    cells.bySums = true;
    seen = read();
  }
  if (isVague) owners.unsure.add(seen[HEAP]!);
  const walk: WorldWalk = {
    ...rest,
    ...listenTo(block, how.footprint, how.intercept),
    block,
    cells,
    trail: newTrail(seen, cells.count),
    way: newXenWay(block.run.world.xen, cells.ownership === 'class'),
    nodes: [],
    pairs: newPairTable(),
    calls: new Map(),
    replies: [],
    replyIds: new Map(),
    views: new Map(),
    heapMemo: newPairTable(),
    heapGave: [],
    askedOfHeap: newPairTable(),
    formGiven: newPairTable(),
    populates: 0,
    lists: newClassLists(),
    classRoom: new Int32Array(0),
    laneFacts: block.lanes.map(() => []),
    otherFacts: [],
    facts: [],
    at: 0,
    scratch: new Int32Array(cells.count),
    seen,
    began,
    owners,
    dust,
    strayed: false,
    isLater: false,
    told: null,
    made: 0,
    called: 0,
  };
  block.run.told = () => {
    const { told } = walk;
    walk.told = null;
    return told;
  };
  return walk;
}

/** Whether what is certain of dust holds: zones are gone through from the top, and a hypercall is one step. */
function maySum({ grain, run }: BlockRun): boolean {
  const { heap } = run.world.xen;
  return heap.nodeIds.length === 1 && heap.dmaBits === 0 && !isInParts(grain);
}

/** The cells of a state, from `w.at` on; until the next one is looked at or a step is made. */
export function cellsOfState(w: WorldWalk, id: number): Int32Array {
  const { table } = w.trail;
  makeRoom(w.trail, w.cells.count);
  if (w.scratch.length < table.width) w.scratch = new Int32Array(2 * table.width);
  const words = viewState(table, id, w.scratch);
  w.at = table.at;
  return words;
}

/** The same as words of their own. */
export function wordsOf(w: WorldWalk, id: number): Int32Array {
  const words = cellsOfState(w, id);
  return words.slice(w.at, w.at + w.trail.table.width);
}

/** Where an actor's cell is; -1: it has none yet. */
export const actorCell = (w: WorldWalk, actor: number): number => {
  const lanes = w.block.lanes.length;
  return actor < lanes ? FIRST_LANE + actor : (w.cells.otherAt[actor - lanes] ?? -1);
};

/** What is asked of an actor in a state. */
export function factsAt(w: WorldWalk, actor: number, states: Int32Array, at: number): TaskFacts {
  const { cells, block } = w;
  const id = states[at + actorCell(w, actor)]!;
  const lanes = block.lanes.length;
  if (actor < lanes) {
    const steps = block.lanes[actor]!.steps.length;
    return laneFacts(cells.canon, cells.lanes[actor]!, w.laneFacts[actor]!, id, steps);
  }
  const other = actor - lanes;
  w.otherFacts[other] ??= [];
  return otherFacts(cells.canon, cells.others[other]!, w.otherFacts[other]!, id);
}

/** Actors that have a cell: the others have not been there yet in any state. */
export const actorsOf = (w: WorldWalk): number => w.block.lanes.length + w.cells.others.length;

/** One number for the content of cells; see StepNode. */
export function keyOf(w: WorldWalk, reads: readonly number[], from: number, actor: number): number {
  const { pairs, trail } = w;
  const { states } = trail;
  let key = 0;
  for (let i = 0; i < reads.length; i++) {
    const cell = reads[i]!;
    // From the root 0 on, a key is a node of a tree of all sequences met; 0 ends a part of any length.
    if (cell >= 0) key = pairId(pairs, key, states[from + cell]! + 1);
    else if (cell <= DOMAINS) {
      key = pairId(pairs, key, 0);
      for (const [domid, at] of w.cells.domainAt)
        if (domid >= DOMAINS - cell) key = pairId(pairs, key, pairId(pairs, at, states[from + at]!));
    } else if (cell === POOLS) key = poolsKey(w, key, from);
    else key = actorsKey(w, cell, key, from, actor);
  }
  return key;
}

function poolsKey({ pairs, trail, cells }: WorldWalk, start: number, from: number): number {
  let key = pairId(pairs, start, 0);
  for (const [domid, at] of cells.domainAt) {
    const form = trail.states[from + at]!;
    if (form !== 0) key = pairId(pairs, key, pairId(pairs, at, domainSeen(cells, domid, form).cpupool));
  }
  return key;
}

function actorsKey(w: WorldWalk, what: number, start: number, from: number, actor: number): number {
  const { pairs, trail, block } = w;
  let key = pairId(pairs, start, 0);
  const all = actorsOf(w);
  for (let other = 0; other < all; other++) {
    if (other === actor) continue;
    const { watch, domid } = factsAt(w, other, trail.states, from);
    if (what === WATCHES) {
      if (watch !== 0) key = pairId(pairs, key, pairId(pairs, other, watch));
    } else if (other >= block.lanes.length || domid >= 0) {
      const form = trail.states[from + actorCell(w, other)]!;
      if (form !== 0) key = pairId(pairs, key, pairId(pairs, other, form));
    }
  }
  return key;
}

/** The number of a reply as it is told: equal replies have the same. */
export function replyId(w: WorldWalk, reply: Reply): number {
  const forgets = w.block.run.forgetFrames === true && 'frames' in reply;
  const told = forgets ? { ...reply, frames: undefined } : reply;
  const name = canonText(w.cells.canon, told);
  const known = w.replyIds.get(name);
  if (known !== undefined) return known;
  const id = w.replies.length;
  w.replyIds.set(name, id);
  w.replies.push(told);
  return id;
}
