/**
 * Several domains populated in turn, extent by extent, as one allocation for each node dealt out like cards.
 *
 * The heap's answer to a request does not depend on who asks as long as it passes the claim gate and the order of nodes
 * is known. Then n domains taking turns for k rounds get what one domain would get for n × k extents: on each node for
 * itself, since lists of different nodes know nothing of each other. Models n processors in populate_physmap(),
 * xen/common/memory.c, one heap_lock section each.
 */
import { allocHeapPages, newScratch } from './alloc-heap-pages.ts';
import { ASSERT } from './bug.ts';
import { addExtents, type ExtentList, extentsOf, newExtentList } from './extent-runs.ts';
import { getFreeBuddy } from './get-free-buddy.ts';
import { type Heap, type HeapDomain, KIND_OWNED, NIL, NR_ORDERS, NR_ZONES, RUN_BASE } from './heap-state.ts';
import { noteDomain } from './heap-undo.ts';
import { appendOwned } from './owned-pages.ts';
import { assignable, heapRequest } from './page-alloc.ts';
import { nextOf } from './page-list.ts';
import { framesTold, mapExtents, mappableExtents } from './populate.ts';
import type { MemoryReservation, MfnRun } from './privcmd.ts';
import { constructMemop, type Memop, maxOrder } from './reservation.ts';
import { domainOf, heapDomainOf, type Xen } from './xen.ts';

/** Who asks, and the extents of all its turns. */
export interface Turns {
  readonly caller: number;
  readonly reservation: MemoryReservation;
}

/** Whole rounds that were done, and the machine frames that the builder of each member is told, if it is a PV guest's. */
export interface TurnsDone {
  readonly rounds: number;
  readonly frames: readonly (readonly MfnRun[])[];
}

/**
 * Domains that take turns at extents of one order, and the nodes (by index) that serve each of them, over and over; all
 * cycles are of one length.
 */
export interface TurnPlan {
  readonly order: number;
  readonly domains: readonly HeapDomain[];
  readonly cycles: readonly (readonly number[])[];
}

/**
 * Gives every member up to `rounds` extents in turn, in the order of `members`. Returns how many whole rounds were
 * done and what each member is told; null where they would not go alike, and nothing has changed then.
 */
export function populateInTurns(xen: Xen, members: readonly Turns[], rounds: number): TurnsDone | null {
  const h = xen.heap;
  const memops: Memop[] = [];
  for (const { caller, reservation } of members) {
    const op = constructMemop(xen, { caller }, reservation);
    if (op === null || op.extents === null || op.order > maxOrder(caller) || op.bits !== undefined)
      return null;
    memops.push(op);
  }
  const domains = memops.map((op) => heapDomainOf(xen, op.domid));
  const plan = planTurns(h, domains, memops);
  if (plan === null) return null;
  let n = Math.min(rounds, sureRounds(h, plan));
  domains.forEach((d, i) => {
    const op = memops[i]!;
    n = Math.min(n, assignable(d, 2 ** op.order), mappableExtents(xen, op, op.extents!));
  });
  n -= n % plan.cycles[0]!.length;
  if (n <= 0) return null;
  const lists = allocInTurns(h, plan, n);
  const frames = memops.map((op, i) => {
    const runs = extentsOf(lists[i]!);
    mapExtents(xen, op, runs, n);
    return domainOf(xen, op.domid).type === 'pv' ? framesTold(runs, op.order) : [];
  });
  return { rounds: n, frames };
}

/** What a member asks for. */
type Wish = Pick<Memop, 'order' | 'node' | 'exact'>;

/** Who is served from where; null where that cannot be told for longer than one turn. */
export function planTurns(h: Heap, domains: readonly HeapDomain[], wishes: readonly Wish[]): TurnPlan | null {
  const { order } = wishes[0]!;
  if (new Set(domains).size < domains.length || wishes.some((wish) => wish.order !== order)) return null;
  // Who wants scrubbed memory passes dirty buddies by, unless they are single pages.
  const anyBuddy = order === 0 || h.needScrub.every((n) => n === 0);
  const cycles: (readonly number[])[] = [];
  for (const [i, d] of domains.entries()) {
    if (d.pendingScrub !== null || d.isDying || (d.creationFinished && !anyBuddy)) return null;
    const cycle = nodeCycle(h, d, wishes[i]!);
    if (cycle === null) return null;
    cycles.push(cycle);
  }
  const longest = Math.max(...cycles.map((cycle) => cycle.length));
  if (cycles.some((cycle) => longest % cycle.length !== 0)) return null;
  return { order, domains, cycles: cycles.map((cycle) => repeated(cycle, longest)) };
}

/** A cycle as often as it takes to be as long as another's. */
const repeated = (cycle: readonly number[], length: number): number[] =>
  Array.from({ length }, (_, i) => cycle[i % cycle.length]!);

/** The lowest zone that serves without the memory kept for DMA being touched. */
const firstZone = (h: Heap): number => (h.dmaBits === 0 ? 1 : Math.max(1, h.dmaBits - 11));

/** The nodes that serve a domain from now on, in their order; null if they do not come round again. */
function nodeCycle(h: Heap, d: HeapDomain, { order, node, exact }: Wish): number[] | null {
  const r = heapRequest(h, d, { order, count: 1, node, exact: exact && node !== null, noScrub: true });
  r.zoneLo = firstZone(h);
  const found: number[] = [];
  for (let last = d.lastAllocNode; found.length <= h.nodeIds.length; last = h.nodeIds[found.at(-1)!]!) {
    const next = getFreeBuddy(h, r, last, 'look');
    if (next < 0) return null;
    if (next === found[0]) return found;
    if (found.includes(next)) return null;
    found.push(next);
  }
  return null;
}

/**
 * Rounds in which nothing can turn out otherwise: each request passes the gate by its own claim or without one, no
 * low-memory virq is near, no node runs out of buddies.
 */
function sureRounds(h: Heap, { order, domains, cycles }: TurnPlan): number {
  const size = 2 ** order;
  const claimants = domains.filter((d) => d.outstandingPages > 0);
  const free = domains.length - claimants.length;
  const room = h.totalAvailPages - h.outstandingClaims;
  // Before 4.22 the virq's test comes before the claim falls.
  const late = claimants.length > 0 && h.rules.consumeAt === 'assign' ? size : 0;
  const low = Math.max(h.virqTh, 0) + late;
  if (h.virqTh < 0 || room <= low || (h.virqHigh >= 0 && room >= h.virqHigh)) return 0;
  let n = free === 0 ? Number.POSITIVE_INFINITY : Math.floor((room - low - 1) / (free * size));
  for (const d of claimants) n = Math.min(n, Math.floor(d.outstandingPages / size));
  const p = cycles[0]!.length;
  for (const node of new Set(cycles.flat())) {
    const served = cycles.flat().filter((each) => each === node).length;
    const wanted = n === Number.POSITIVE_INFINITY ? n : Math.ceil(n / p) * served;
    n = Math.min(n, p * Math.floor(blocksOn(h, node, order, wanted) / served));
  }
  return n;
}

/** Blocks of `order` that a node has above the memory kept for DMA; counted as far as `wanted`. */
function blocksOn(h: Heap, node: number, order: number, wanted: number): number {
  let sum = 0;
  for (let zone = h.topZone[node]!; zone >= firstZone(h) && sum < wanted; zone--) {
    const at = node * NR_ZONES + zone;
    if (order === 0) {
      sum += h.zoneAvail[at]!;
      continue;
    }
    for (let o = order; o < NR_ORDERS && sum < wanted; o++) {
      if ((h.orderMask[at]! & (1 << o)) === 0) continue;
      const per = 2 ** (o - order);
      for (let e = h.listHead[at * NR_ORDERS + o]!; e !== NIL && sum < wanted; e = nextOf(h, e))
        sum += per * (e >= 0 ? 1 : h.runCount[RUN_BASE - e]!);
    }
  }
  return sum;
}

/** The heap part: `rounds` extents for each domain of the plan in turn, all of which there must be. Returns what each got. */
export function allocInTurns(h: Heap, plan: TurnPlan, rounds: number): ExtentList[] {
  const { order, domains, cycles } = plan;
  const size = 2 ** order;
  const p = cycles[0]!.length;
  ASSERT(rounds % p === 0, 'every node is come to equally often');
  const of = domains.map(() => newExtentList());
  const { outstandingClaims } = h;
  // Before the stand-in is written, which goes by one of their ids.
  for (const d of domains) noteDomain(h, d);
  for (const node of new Set(cycles.flat())) allocOnNode(h, plan, node, rounds / p, of);
  // The stand-in's claim was nobody's: each claim falls by what its own domain got.
  h.outstandingClaims = outstandingClaims;
  domains.forEach((d, i) => {
    const pages = rounds * size;
    if (d.outstandingPages > 0) {
      ASSERT(d.outstandingPages >= pages, 'a claim covers all turns of its domain');
      d.outstandingPages -= pages;
      h.outstandingClaims -= pages;
    }
    d.totPages += pages;
    d.savedPages = null;
    d.lastAllocNode = h.nodeIds[cycles[i]!.at(-1)!]!;
  });
  return of;
}

/** Serves all turns that come to one node, `times` of each cycle. */
function allocOnNode(h: Heap, plan: TurnPlan, node: number, times: number, of: readonly ExtentList[]): void {
  const { order, domains, cycles } = plan;
  const size = 2 ** order;
  const p = cycles[0]!.length;
  // In a round all domains act once; over p rounds this is the order in which they come to this node.
  const visits = cycles
    .flatMap((cycle, who) => cycle.flatMap((each, turn) => (each === node ? [{ who, turn }] : [])))
    .sort((a, b) => a.turn - b.turn || a.who - b.who);
  const m = visits.length;
  const total = m * times;
  const standIn: HeapDomain = { ...domains[0]!, outstandingPages: total * size };
  const request = { order, count: total, node: h.nodeIds[node]!, exact: true, noScrub: true };
  const r = heapRequest(h, standIn, request);
  const s = newScratch();
  const { virqTh, virqHigh, virqThOrder, virqCount } = h;
  const sink = (first: number, count: number, stride: number, index: number): void => {
    for (let i = 0; i < m && i < count; i++) {
      const { who, turn } = visits[(index + i) % m]!;
      const n = Math.ceil((count - i) / m);
      const every = n === 1 ? 0 : stride * m;
      const at = first + i * stride;
      addExtents(of[who]!, at, n, every, Math.floor((index + i) / m) * p + turn, p);
      appendOwned(h, domains[who]!, KIND_OWNED, at, n, every, size);
    }
  };
  let done = 0;
  while (done < total) {
    const n = allocHeapPages(h, r, total - done, done, s, sink);
    ASSERT(n > 0, 'what was counted as free is there');
    done += n;
  }
  // Tests of the virq that saw the stand-in's claim: the true ones do nothing here.
  Object.assign(h, { virqTh, virqHigh, virqThOrder, virqCount });
}
