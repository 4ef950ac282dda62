/** What must hold of a host after every hypercall, beyond what the heap checks of itself. */
import type { Domain } from './domain-state.ts';
import { groupBlocks, listPages } from './extent-group.ts';
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

/** Whether the counts agree with each other: all that can be said without looking at each run. */
export function checkXenCounts(xen: Xen): string[] {
  const wrong = domids(xen).flatMap((domid) => domainInvariants(xen, domainOf(xen, domid)));
  if (wrong.length > 0) return wrong;
  const claims = domids(xen).reduce((sum, id) => sum + heapDomainOf(xen, id).outstandingPages, 0);
  if (claims !== xen.heap.outstandingClaims) {
    wrong.push(`claims: domains hold ${claims}, the host counts ${xen.heap.outstandingClaims}`);
  }
  return [...wrong, ...availability(xen), ...conservation(xen)];
}

/** Free pages by zone, by node and in all are the same pages. */
function availability({ heap }: Xen): string[] {
  const { nodeIds, nodeAvail, zoneAvail, totalAvailPages } = heap;
  const zones = zoneAvail.length / nodeIds.length;
  const wrong: string[] = [];
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
  return wrong;
}

/** Every page the heap was given is free or somebody's. */
function conservation(xen: Xen): string[] {
  const { nodes } = xen.layout;
  const given =
    nodes.flatMap((n) => n.heapRanges).reduce((sum, [s, e]) => sum + e - s, 0) -
    NODE_METADATA_PAGES * (nodes.length - 1);
  let held = xen.heap.totalAvailPages;
  for (const domid of domids(xen)) {
    const { paging, structures } = domainOf(xen, domid);
    const heapDomain = heapDomainOf(xen, domid);
    const stash = heapDomain.pendingScrub === null ? 0 : 2 ** heapDomain.pendingScrub.order;
    held += heapDomain.totPages + stash + paging.totalPages + paging.p2mPagesCount + listPages(structures);
  }
  const { offlined, broken } = offlinedPages(xen.heap);
  held += offlined + broken;
  return held === given ? [] : [`pages: the heap was given ${given}, ${held} are accounted for`];
}

function domainInvariants(xen: Xen, d: Domain): string[] {
  const heapDomain = findHeapDomain(xen.heap, d.domid);
  if (heapDomain === undefined) return [`d${d.domid}: the heap does not know it`];
  const { pod, paging, p2m, tables } = d;
  const mapped = p2mPopulated(p2m) + pod.count;
  const regions = covered(tables.l3) + covered(tables.l2) + covered(tables.l1);
  const root = paging.p2mPagesCount > 0 ? 1 : 0;
  const checks: readonly (readonly [boolean, string])[] = [
    [mapped <= heapDomain.totPages - heapDomain.extraPages, 'maps and caches more pages than it owns'],
    [pod.entryCount === p2mMix(p2m).pod, 'owes more or fewer pages than its map says'],
    [pod.count === listPages(pod.super) + listPages(pod.single), 'the PoD cache is not what its lists hold'],
    [paging.freePages === listPages(paging.freelist), 'the pool is not what its list holds'],
    [paging.p2mPagesCount === listPages(paging.p2mPages), 'the page tables are not what their list holds'],
    [paging.p2mPagesCount === regions + root, 'has more or fewer page tables than it needs'],
  ];
  return checks.filter(([holds]) => !holds).map(([, what]) => `d${d.domid}: ${what}`);
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
