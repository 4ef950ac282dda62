/** What must hold of a host after every hypercall, beyond what the heap checks of itself. */
import type { Domain } from './domain-state.ts';
import { groupBlocks, listPages } from './extent-group.ts';
import { pagesInFlight } from './extents-in-flight.ts';
import { findHeapDomain } from './heap-domain.ts';
import { offlinedPages, ownerOf } from './heap-report.ts';
import type { Intervals } from './intervals.ts';
import { p2mMix, p2mPopulated, p2mRuns } from './p2m.ts';
import { isPod, p2mEnd } from './p2m-run.ts';
import { domainOf, domids, heapDomainOf, type Xen } from './xen.ts';

/** Pages of node data that the heap keeps for each node but the first. */
const NODE_METADATA_PAGES = 4;

/** Everything that is wrong with the host, as sentences; empty when all is well. Costs what the runs cost. */
export function checkXenInvariants(xen: Xen): string[] {
  return [
    ...domids(xen).flatMap((domid) => p2mInvariants(xen, domainOf(xen, domid))),
    ...checkXenCounts(xen),
  ];
}

/** Whether the counts agree with each other: all that can be said without looking at each run. Cheap: asked at every step. */
export function checkXenCounts(xen: Xen): string[] {
  const wrong: string[] = [];
  let claims = 0;
  for (const domid of domids(xen)) {
    addDomainInvariants(xen, domainOf(xen, domid), wrong);
    if (wrong.length === 0) claims += heapDomainOf(xen, domid).outstandingPages;
  }
  if (wrong.length > 0) return wrong;
  if (claims !== xen.heap.outstandingClaims) {
    wrong.push(`claims: domains hold ${claims}, the host counts ${xen.heap.outstandingClaims}`);
  }
  addAvailability(xen, wrong);
  addConservation(xen, wrong);
  return wrong;
}

/** Free pages by zone, by node and in all are the same pages. */
function addAvailability({ heap }: Xen, wrong: string[]): void {
  const { nodeIds, nodeAvail, zoneAvail, totalAvailPages } = heap;
  const zones = zoneAvail.length / nodeIds.length;
  let total = 0;
  for (let node = 0; node < nodeIds.length; node++) {
    let free = 0;
    for (let zone = 0; zone < zones; zone++) free += zoneAvail[node * zones + zone]!;
    if (free !== nodeAvail[node]) {
      wrong.push(
        `node ${nodeIds[node]}: its zones have ${free} pages free, the node counts ${nodeAvail[node]}`,
      );
    }
    total += nodeAvail[node]!;
  }
  if (total !== totalAvailPages) {
    wrong.push(`pages: nodes have ${total} free, total_avail_pages is ${totalAvailPages}`);
  }
}

/** Every page the heap was given is free or somebody's. */
function addConservation(xen: Xen, wrong: string[]): void {
  const { nodes } = xen.layout;
  let given = -NODE_METADATA_PAGES * (nodes.length - 1);
  for (const { heapRanges } of nodes) for (const [first, end] of heapRanges) given += end - first;
  let held = xen.heap.totalAvailPages;
  for (const domid of domids(xen)) {
    const { paging, structures } = domainOf(xen, domid);
    const heapDomain = heapDomainOf(xen, domid);
    const stash = heapDomain.pendingScrub === null ? 0 : 2 ** heapDomain.pendingScrub.order;
    held += heapDomain.totPages + stash + paging.totalPages + paging.p2mPagesCount + listPages(structures);
  }
  const { offlined, broken } = offlinedPages(xen.heap);
  held += offlined + broken + pagesInFlight(xen.heap);
  if (held !== given) wrong.push(`pages: the heap was given ${given}, ${held} are accounted for`);
}

function addDomainInvariants(xen: Xen, d: Domain, wrong: string[]): void {
  const heapDomain = findHeapDomain(xen.heap, d.domid);
  if (heapDomain === undefined) {
    wrong.push(`d${d.domid}: the heap does not know it`);
    return;
  }
  const { pod, paging, p2m, tables } = d;
  // Nothing is made where all is well: this is asked at every step.
  const say = (what: string): unknown => wrong.push(`d${d.domid}: ${what}`);
  const mapped = p2mPopulated(p2m) + pod.count;
  if (mapped > heapDomain.totPages - heapDomain.extraPages) say('maps and caches more pages than it owns');
  if (pod.entryCount !== p2mMix(p2m).pod) say('owes more or fewer pages than its map says');
  if (pod.count !== listPages(pod.super) + listPages(pod.single))
    say('the PoD cache is not what its lists hold');
  if (paging.freePages !== listPages(paging.freelist)) say('the pool is not what its list holds');
  if (paging.p2mPagesCount !== listPages(paging.p2mPages))
    say('the page tables are not what their list holds');
  const regions = covered(tables.l3) + covered(tables.l2) + covered(tables.l1);
  const root = paging.p2mPagesCount > 0 ? 1 : 0;
  if (paging.p2mPagesCount !== regions + root) say('has more or fewer page tables than it needs');
}

function covered(set: Intervals): number {
  let n = 0;
  for (const [first, end] of set) n += end - first;
  return n;
}

/** The map is in order, and the first and last page of every stretch belongs to the domain. */
function p2mInvariants(xen: Xen, d: Domain): string[] {
  const wrong: string[] = [];
  let end = 0;
  for (const run of p2mRuns(d.p2m)) {
    if (run.gfn < end) wrong.push(`d${d.domid}: guest frame ${run.gfn} is mapped twice`);
    end = p2mEnd(run);
    if (isPod(run)) continue;
    for (const { mfn, count, stride } of groupBlocks(run)) {
      const last = mfn + (count - 1) * stride + 2 ** run.order - 1;
      for (const frame of [mfn, last]) {
        if (ownerOf(xen.heap, frame) !== d.domid) {
          wrong.push(`d${d.domid}: frame ${frame} behind guest frame ${run.gfn} is not its own`);
        }
      }
    }
  }
  if (end - 1 > d.maxMappedPfn && end > 0) wrong.push(`d${d.domid}: maps ${end - 1} above its highest frame`);
  return wrong;
}
