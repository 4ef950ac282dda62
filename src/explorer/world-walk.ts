/**
 * Steps of a driven block on vectors of cells: looked up where they were made before, made for real where not.
 */
import type { Request } from '../toolstack/task.ts';
import type { BlockRun } from './block.ts';
import { settleForm } from './block-text.ts';
import type { Footprint, FootprintOf } from './footprint.ts';
import { askedOfHeap } from './populate-memo.ts';
import {
  DOMAINS,
  type Effect,
  newStepNode,
  type Pairs,
  type PopulateNode,
  pairId,
  type StepNode,
  WATCHES,
} from './step-memo.ts';
import { laneFacts, otherFacts, type TaskFacts } from './task-facts.ts';
import { type Cells, FIRST_LANE, HEAP, readCells } from './world-cells.ts';
import { newTrail, stateAt, type Trail } from './world-trail.ts';

/** A request, and who asks from where. */
export interface Asked {
  readonly request: Request;
  readonly by: { readonly caller: number; readonly node: number };
  readonly footprint: Footprint;
}

/** A host on its way through a block. */
export interface WorldWalk {
  readonly block: BlockRun;
  readonly cells: Cells;
  readonly trail: Trail;
  readonly footprint: FootprintOf;
  /** Whether a remedy may look at a request. */
  readonly intercepts: (request: Request) => boolean;
  /** Every step that is looked up is made as well, and the two are compared. */
  readonly isChecked: boolean;
  /** By cell of a task and form of it. */
  readonly nodes: StepNode[][];
  readonly pairs: Pairs;
  /** By what a populate asks and the heap's form: extents, and the heap's form afterwards. */
  readonly heapMemo: Map<number, HeapGave>;
  readonly laneFacts: TaskFacts[][];
  readonly otherFacts: TaskFacts[][];
  /** The state that was read last. */
  seen: Int32Array;
  /** What the step under way has asked for. */
  readonly asked: Asked[];
  readonly began: number;
  /** Heap's forms after which memory had been given back, those in which more than a page was asked for, and their order. */
  readonly gaveBack: Set<number>;
  readonly askedLarge: Set<number>;
  readonly heapAfter: Map<number, Set<number>>;
  /** By class: the host came to a state in which its heap was not what was looked up. */
  strayed: boolean;
  /** Steps made for real. */
  made: number;
}

interface HeapGave {
  readonly extents: number;
  readonly heap: number;
}

export const RADIX = 2 ** 26;

export function newWorldWalk(
  block: BlockRun,
  cells: Cells,
  how: Pick<WorldWalk, 'footprint' | 'intercepts' | 'isChecked'>,
): WorldWalk {
  const began = block.run.world.now;
  settleForm(block, began);
  const seen = new Int32Array(4096);
  readCells(cells, seen, null, true);
  const asked: WorldWalk['asked'] = [];
  const lives = (domid: number): boolean => block.run.world.xen.domains.has(domid);
  block.run.asked = (request, { id, domid }) => {
    const by = { caller: domid ?? 0, node: block.run.observers.get(id)?.node ?? 0 };
    asked.push({ request, by, footprint: how.footprint(request, by.caller, lives) });
  };
  return {
    ...how,
    block,
    cells,
    trail: newTrail(block.run.world.xen, seen, cells.count),
    nodes: [],
    pairs: new Map(),
    heapMemo: new Map(),
    laneFacts: block.lanes.map(() => []),
    otherFacts: [],
    seen,
    asked,
    began,
    gaveBack: new Set(),
    askedLarge: new Set(),
    heapAfter: new Map(),
    strayed: false,
    made: 0,
  };
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

export function nodeOf(w: WorldWalk, cell: number, form: number): StepNode {
  w.nodes[cell] ??= [];
  const nodes = w.nodes[cell];
  const known = nodes[form];
  if (known !== undefined) return known;
  const node = newStepNode();
  nodes[form] = node;
  return node;
}

/** Writes the state after a step made before to the next place. Null: it was not. */
export function lookUp(w: WorldWalk, node: StepNode, place: number, actor: number): Effect | null {
  const { trail, cells } = w;
  const { states } = trail;
  const from = stateAt(trail, place);
  let effect: Effect | null = null;
  let heap = states[from + HEAP]!;
  if (node.populate !== null) {
    const gave = heapGives(w, node.populate, from);
    const found = gave === null ? null : (populateEffect(node.populate, states, from, gave.extents) ?? null);
    if (gave !== null && found !== null) {
      effect = found;
      heap = gave.heap;
    }
  }
  effect ??= node.effects.get(keyOf(w, node.reads, from, actor)) ?? null;
  if (effect === null) return null;
  const to = stateAt(trail, place + 1);
  states.copyWithin(to, from, from + cells.count);
  states[to + HEAP] = heap;
  const { cells: changed, values } = effect;
  for (let i = 0; i < changed.length; i++) states[to + changed[i]!] = values[i]!;
  return effect;
}

const populateEffect = (
  { domainCell, effects }: PopulateNode,
  states: Int32Array,
  from: number,
  extents: number,
): Effect | null | undefined => effects.get(states[from + domainCell]! * RADIX + extents);

/** What the heap gives to a populate, if that is known. */
function heapGives(w: WorldWalk, node: PopulateNode, from: number): HeapGave | null {
  const { states } = w.trail;
  const asked = askedAt(w, node, states[from + node.domainCell]!);
  return asked < 0 ? null : (w.heapMemo.get(asked * RADIX + states[from + HEAP]!) ?? null);
}

export function askedAt(w: WorldWalk, node: PopulateNode, domain: number): number {
  const known = node.asked[domain];
  if (known !== undefined) return known;
  const { canon, domains, domainAt } = w.cells;
  const domid = [...domainAt].find(([, cell]) => cell === node.domainCell)![0];
  const value = domains.get(domid)!.values[domain] ?? null;
  const isOneNode = w.block.run.world.xen.heap.nodeIds.length === 1;
  const asked = value === null ? -1 : askedOfHeap(canon, node.args, value, isOneNode);
  node.asked[domain] = asked;
  return asked;
}

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
    } else key = actorsKey(w, cell, key, from, actor);
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
