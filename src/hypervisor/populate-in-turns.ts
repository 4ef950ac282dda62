/**
 * Several domains populated in turn, extent by extent, as one allocation dealt out like cards.
 *
 * The heap's answer to a request for a page does not depend on who asks as long as nobody has a claim, there is
 * enough for all, there is one node, and all of them scrub alike. Then n domains taking turns for k rounds get what one domain would get
 * for n × k extents. Models n processors in populate_physmap(), xen/common/memory.c, one heap_lock section each.
 */
import { allocHeapPages, newScratch } from './alloc-heap-pages.ts';
import { ASSERT } from './bug.ts';
import { addExtents, type ExtentList, extentsOf, newExtentList } from './extent-runs.ts';
import { type Heap, type HeapDomain, KIND_OWNED } from './heap-state.ts';
import { noteDomain } from './heap-undo.ts';
import { appendOwned } from './owned-pages.ts';
import { assignable, countAssigned, heapRequest } from './page-alloc.ts';
import { mapExtents, mappableExtents } from './populate.ts';
import type { MemoryReservation } from './privcmd.ts';
import { constructMemop, type Memop, maxOrder } from './reservation.ts';
import { heapDomainOf, type Xen } from './xen.ts';

/** Who asks, and the extents of all its turns. */
export interface Turns {
  readonly caller: number;
  readonly reservation: MemoryReservation;
}

/**
 * Gives every member up to `rounds` extents in turn, in the order of `members`. Returns how many whole rounds were
 * done; 0 where they would not go alike, and nothing has changed then.
 */
export function populateInTurns(xen: Xen, members: readonly Turns[], rounds: number): number {
  const h = xen.heap;
  if (h.nodeIds.length !== 1) return 0;
  const memops: Memop[] = [];
  const domains: HeapDomain[] = [];
  for (const { caller, reservation } of members) {
    const op = constructMemop(xen, { caller }, reservation);
    if (op === null || op.extents === null || op.order > maxOrder(caller) || op.bits !== undefined) return 0;
    memops.push(op);
    domains.push(heapDomainOf(xen, op.domid));
  }
  // Larger extents may run out before memory does, and a refusal is a step of its own.
  if (!alike(domains) || memops.some((op) => op.order !== 0)) return 0;
  let n = Math.floor((h.totalAvailPages - h.outstandingClaims) / members.length);
  domains.forEach((d, i) => {
    const op = memops[i]!;
    n = Math.min(n, rounds, assignable(h, d, 1), mappableExtents(xen, op, op.extents!));
  });
  if (n <= 0) return 0;
  const lists = allocInTurns(h, domains, n);
  memops.forEach((op, i) => {
    mapExtents(xen, op, extentsOf(lists[i]!), n);
  });
  return n;
}

/** Nobody claims, everybody scrubs at the same moment, and no stash is waiting. */
const alike = (domains: readonly HeapDomain[]): boolean =>
  new Set(domains).size === domains.length &&
  domains.every(
    (d) =>
      d.outstandingPages === 0 &&
      d.pendingScrub === null &&
      !d.isDying &&
      d.creationFinished === domains[0]!.creationFinished,
  );

/** The heap part: `rounds` single pages for each of `domains` in turn, which must be alike and find room. Returns what each got. */
export function allocInTurns(h: Heap, domains: readonly HeapDomain[], rounds: number): ExtentList[] {
  const m = domains.length;
  const of = domains.map(() => newExtentList());
  const noScrub = !domains[0]!.creationFinished;
  const r = heapRequest(h, domains[0]!, { order: 0, count: m * rounds, node: null, exact: false, noScrub });
  const s = newScratch();
  const sink = (first: number, count: number, stride: number, index: number): void => {
    for (let i = 0; i < m && i < count; i++) {
      const who = (index + i) % m;
      const n = Math.ceil((count - i) / m);
      const every = n === 1 ? 0 : stride * m;
      addExtents(of[who]!, first + i * stride, n, every, Math.floor((index + i) / m), 1);
      appendOwned(h, domains[who]!, KIND_OWNED, first + i * stride, n, every, 1);
    }
  };
  let done = 0;
  while (done < m * rounds) {
    const n = allocHeapPages(h, r, m * rounds - done, done, s, sink);
    ASSERT(n > 0, 'an unclaimed free page is there for a domain without a claim');
    done += n;
  }
  for (const d of domains) {
    countAssigned(h, d, rounds, false);
    noteDomain(h, d);
    d.lastAllocNode = domains[0]!.lastAllocNode;
  }
  return of;
}
