/** Steps of a driven block on vectors of cells: looked up where they were made before, made for real where not. */
import { ASSERT } from '../hypervisor/bug.ts';
import { hypercall } from '../hypervisor/hypercall.ts';
import type { Hypercall, MemoryReservation } from '../hypervisor/privcmd.ts';
import type { Request } from '../toolstack/task.ts';
import { takeBlockTurn } from './block.ts';
import { heapText, settleForm } from './block-text.ts';
import { miscountNow } from './broken-now.ts';
import { EVERYTHING, type Footprint } from './footprint.ts';
import {
  DOMAINS,
  type Effect,
  OTHERS,
  type PopulateNode,
  rememberEffect,
  type StepNode,
  WATCHES,
  type XenOp,
} from './step-memo.ts';
import { CLOCK, FIRST_LANE, HEAP, heapForm, putCells, readCells, standing } from './world-cells.ts';
import { forgetBeyond, keepPlace, makeRoom, stateAt, takeXenTo, xenArrived } from './world-trail.ts';
import {
  type Asked,
  actorCell,
  askedAt,
  factsAt,
  keyOf,
  lookUp,
  nodeOf,
  RADIX,
  type WorldWalk,
} from './world-walk.ts';

/** Makes the step of `actor` from a place, which becomes the last but one of the trail. Returns the new place. */
export function stepFrom(w: WorldWalk, place: number, actor: number): number {
  const { trail, cells } = w;
  forgetBeyond(trail, place);
  makeRoom(trail, place + 1, cells.count);
  const cell = actorCell(w, actor);
  const node = nodeOf(w, cell, trail.states[stateAt(trail, place) + cell]!);
  const effect =
    lookUp(w, node, place, actor) ?? (askHeap(w, node, place) ? lookUp(w, node, place, actor) : null);
  if (effect !== null && w.isChecked) checkStep(w, place, actor);
  if (effect === null) makeStep(w, node, place, actor);
  else keepPlace(trail, place + 1, cells.count, trail.ids[place]!, actor, effect);
  return place + 1;
}

const placeCopy = (w: WorldWalk, place: number): Int32Array => {
  const at = stateAt(w.trail, place);
  return w.trail.states.slice(at, at + w.trail.stride);
};

/** What a step for real found. */
interface Made {
  /** The state before: of the host as it is, which by class may differ from the one that was looked up. */
  readonly before: Int32Array;
  readonly requests: readonly Asked[];
  readonly gaveBack: boolean;
  /** By class: the host's heap was not what was looked up. */
  readonly strayed: boolean;
}

/** Makes the step that led to a place on the host, which stands at the place before. */
export function makeAgain(w: WorldWalk, place: number): void {
  putCells(w.cells, placeCopy(w, place - 1));
  takeBlockTurn(w.block, w.trail.actors[place]!);
  settleForm(w.block, w.began);
}

/** Makes a step on the host; the state afterwards is read into `w.seen`. */
function makeForReal(w: WorldWalk, place: number, actor: number): Made {
  const { trail, cells, block } = w;
  const { world } = block.run;
  takeXenTo(trail, world.xen, place, (p) => makeAgain(w, p));
  let before = placeCopy(w, place);
  putCells(cells, before);
  const strayed = w.gaveBack.size > 0 && cells.ownership === 'class' && !isAsLookedUp(w, before);
  if (strayed) {
    w.strayed = true;
    readCells(cells, w.seen, before, true);
    before = w.seen.slice();
  }
  w.asked.length = 0;
  w.made++;
  const free = world.xen.heap.totalAvailPages;
  takeBlockTurn(block, actor);
  settleForm(block, w.began);
  const broken = w.asked.length === 0 || w.asked.every(isLook) ? null : miscountNow(world.xen);
  readCells(cells, w.seen, before, true, broken);
  return { before, requests: w.asked.slice(), gaveBack: world.xen.heap.totalAvailPages > free, strayed };
}

const isAsLookedUp = ({ cells, block }: WorldWalk, before: Int32Array): boolean =>
  heapText(cells.canon, block.run.world.xen, cells.ownership) === standing(cells.heap, before[HEAP]!);

function makeStep(w: WorldWalk, node: StepNode, place: number, actor: number): void {
  const { trail, cells, block } = w;
  const isWhole = isDoneWhole(w, place, actor);
  const { before, requests, gaveBack, strayed } = makeForReal(w, place, actor);
  const { seen } = w;
  const own = actorCell(w, actor);
  const changed: number[] = [];
  for (let cell = 0; cell < cells.count; cell++) if (seen[cell] !== before[cell]) changed.push(cell);
  const ops = isWhole ? null : opsOf(requests);
  const effect: Effect = { cells: changed, values: changed.map((cell) => seen[cell]!), ops };
  const reads = readsOf(w, place, actor, requests, isWhole);
  const at = stateAt(trail, place);
  // What a cell becomes may depend on what it was; what the host's cells become mostly does.
  for (const cell of changed) if (!isActorCell(w, cell) || trail.states[at + cell] !== 0) reads.add(cell);
  reads.delete(own);
  noteHeap(w, before, requests, gaveBack);
  rememberEffect(node, [...reads], effect, (all) => keyOf(w, all, at, actor));
  if (!isWhole && !strayed) notePopulate(w, node, place, before, requests, reads, effect);
  makeRoom(trail, place + 1, cells.count);
  const from = stateAt(trail, place);
  const to = stateAt(trail, place + 1);
  trail.states.copyWithin(to, from, from + trail.stride);
  for (const cell of changed) trail.states[to + cell] = seen[cell]!;
  keepPlace(trail, place + 1, cells.count, trail.ids[place]!, actor, effect);
  xenArrived(trail, block.run.world.xen, place + 1);
}

/** Makes a step that was looked up as well. */
function checkStep(w: WorldWalk, place: number, actor: number): void {
  const { trail, cells, block } = w;
  const { gaveBack } = makeForReal(w, place, actor);
  const to = stateAt(trail, place + 1);
  // By class, what a heap becomes when memory comes back depends on where that lies.
  if (gaveBack && cells.ownership === 'class' && w.seen[HEAP] !== trail.states[to + HEAP]) w.strayed = true;
  for (let cell = 0; cell < cells.count; cell++) {
    ASSERT(
      w.strayed || w.seen[cell] === trail.states[to + cell],
      `cell ${cell} is what was looked up after a step of task ${actor}`,
    );
  }
  xenArrived(trail, block.run.world.xen, place + 1);
}

const isActorCell = ({ cells, block }: WorldWalk, cell: number): boolean =>
  (cell >= FIRST_LANE && cell < FIRST_LANE + block.lanes.length) || cells.otherAt.includes(cell);

/** A step whose hypercalls alone do not make it again: parts of hypercalls, steps without a task, remedies. */
function isDoneWhole(w: WorldWalk, place: number, actor: number): boolean {
  const { block } = w;
  if (typeof block.grain === 'object' || block.run.intercept !== undefined) return true;
  const lane = w.cells.lanes[actor];
  if (lane === undefined) return false;
  const { state } = standing(lane, w.trail.states[stateAt(w.trail, place) + actorCell(w, actor)]!);
  return state.task === null && block.lanes[actor]!.steps[state.next]!.step.action.do !== 'run';
}

const isLook = ({ request }: Asked): boolean => request.kind !== 'hypercall' || LOOKS.test(request.name);

/** Hypercalls that change nothing in Xen. */
const LOOKS =
  /^(traced|XENVER_|XEN_SYSCTL_(physinfo|numainfo|cputopoinfo|getdomaininfolist)|XEN_DOMCTL_get|XENMEM_(maximum|current|get|set_memory_map))/;

function opsOf(requests: Made['requests']): XenOp[] {
  const ops: XenOp[] = [];
  for (const { request, by } of requests) {
    if (request.kind !== 'hypercall' || LOOKS.test(request.name)) continue;
    const { kind: _kind, ...call } = request;
    ops.push({ by, call: call as Hypercall });
  }
  return ops;
}

function readsOf(
  w: WorldWalk,
  place: number,
  actor: number,
  requests: Made['requests'],
  isWhole: boolean,
): Set<number> {
  const reads = new Set<number>();
  const { trail, cells, block } = w;
  const lane = cells.lanes[actor];
  const at = stateAt(trail, place);
  const isIdle =
    lane !== undefined && standing(lane, trail.states[at + actorCell(w, actor)]!).state.task === null;
  if (isIdle || factsAt(w, actor, trail.states, at).due > w.began) reads.add(CLOCK);
  if (isIdle && isWhole) addReads(w, reads, EVERYTHING);
  for (const { request, footprint } of requests) {
    // A remedy may have looked at anything before it let the request through.
    const seen = block.run.intercept !== undefined && w.intercepts(request);
    addReads(w, reads, seen ? EVERYTHING : footprint);
  }
  return reads;
}

function addReads({ cells }: WorldWalk, reads: Set<number>, footprint: Footprint): void {
  for (const cell of footprint.cells) reads.add(cell);
  for (const domid of footprint.domids) reads.add(cells.domainAt.get(domid) ?? DOMAINS - domid);
  if (footprint.domainsFrom !== undefined) reads.add(DOMAINS - footprint.domainsFrom);
  if (footprint.watches === true) reads.add(WATCHES);
  if (footprint.others === true) reads.add(OTHERS);
}

const populateOf = (requests: Made['requests']): MemoryReservation | null => {
  const calls = requests.filter(({ request }) => request.kind === 'hypercall');
  const [first] = calls;
  if (calls.length !== 1 || first!.request.kind !== 'hypercall') return null;
  return first!.request.name === 'XENMEM_populate_physmap' ? first!.request.args : null;
};

/** Makes a populate whose part in the domain is known, for what the heap gives. False: it has to be made whole. */
function askHeap(w: WorldWalk, { populate }: StepNode, place: number): boolean {
  if (populate === null) return false;
  const { trail, cells, block } = w;
  const { xen } = block.run.world;
  const at = stateAt(trail, place);
  const asked = askedAt(w, populate, trail.states[at + populate.domainCell]!);
  const before = trail.states[at + HEAP]!;
  const op = populate.op;
  if (asked < 0 || op === null || w.heapMemo.has(asked * RADIX + before)) return false;
  takeXenTo(trail, xen, place, (p) => makeAgain(w, p));
  if (w.gaveBack.size > 0 && heapText(cells.canon, xen, cells.ownership) !== standing(cells.heap, before))
    return false;
  const args = populate.args;
  const { totPages } = xen.heap.domains.get(args.domid)!;
  hypercall(xen, op.by, op.call as never);
  const extents = (xen.heap.domains.get(args.domid)!.totPages - totPages) / 2 ** args.extentOrder;
  const heap = heapForm(cells, miscountNow(xen));
  w.heapMemo.set(asked * RADIX + before, { extents, heap });
  noteHeapAfter(w, before, heap, false, args.extentOrder > 0);
  xenArrived(trail, xen, place + 1);
  return true;
}

/** Takes apart a step that was a populate and nothing else. */
function notePopulate(
  w: WorldWalk,
  node: StepNode,
  place: number,
  before: Int32Array,
  requests: Made['requests'],
  reads: ReadonlySet<number>,
  effect: Effect,
): void {
  const { cells } = w;
  const args = populateOf(requests);
  if (args === null || cells.ownership !== 'class') return;
  const domainCell = cells.domainAt.get(args.domid);
  if (domainCell === undefined || requests.some(({ by }) => by.caller !== 0)) return;
  node.populate ??= { domainCell, args, op: null, asked: [], effects: new Map() } satisfies PopulateNode;
  const domain = before[domainCell]!;
  const table = cells.domains.get(args.domid)!;
  const after = table.values[w.seen[domainCell]!] ?? null;
  const asked = askedAt(w, node.populate, domain);
  if (asked < 0 || after === null) return;
  const got = after.heap.totPages - standing(table, domain).heap.totPages;
  const extents = got / 2 ** args.extentOrder;
  const isAlone = [...reads].every((cell) => cell === HEAP || cell === domainCell || cell === CLOCK);
  const key = domain * RADIX + extents;
  if (!isAlone || w.trail.states[stateAt(w.trail, place) + CLOCK] !== 1) node.populate.effects.set(key, null);
  else {
    const rest = effect.cells.flatMap((cell, i) =>
      cell === HEAP ? [] : [[cell, effect.values[i]!] as const],
    );
    const own = {
      cells: rest.map(([cell]) => cell),
      values: rest.map(([, value]) => value),
      ops: effect.ops,
    };
    node.populate.effects.set(key, own);
    node.populate.op ??= effect.ops?.[0] ?? null;
  }
  w.heapMemo.set(asked * RADIX + before[HEAP]!, { extents, heap: w.seen[HEAP]! });
}

/** Remembers how forms of the heap follow each other, to tell whether it may matter whose page lies where. */
function noteHeap(w: WorldWalk, before: Int32Array, requests: Made['requests'], gaveBack: boolean): void {
  const isAsked = requests.some(({ request }) => isLarge(request));
  noteHeapAfter(w, before[HEAP]!, w.seen[HEAP]!, gaveBack, isAsked);
}

function noteHeapAfter(
  w: WorldWalk,
  from: number,
  to: number,
  gaveBack: boolean,
  isLargeAsked: boolean,
): void {
  if (isLargeAsked) w.askedLarge.add(from);
  if (from === to) return;
  if (gaveBack) w.gaveBack.add(to);
  const after = w.heapAfter.get(from) ?? new Set();
  w.heapAfter.set(from, after.add(to));
}

const isLarge = (request: Request): boolean =>
  request.kind === 'hypercall' &&
  (request.name === 'XENMEM_populate_physmap' || request.name === 'XENMEM_increase_reservation') &&
  request.args.extentOrder > 0;

/** Whether on some path memory was given back and more than single pages were asked for afterwards. */
export function mayMatterWhose({ gaveBack, heapAfter, askedLarge, strayed }: WorldWalk): boolean {
  if (strayed) return true;
  const seen = new Set(gaveBack);
  for (const heap of seen) {
    if (askedLarge.has(heap)) return true;
    for (const next of heapAfter.get(heap) ?? []) seen.add(next);
  }
  return false;
}
