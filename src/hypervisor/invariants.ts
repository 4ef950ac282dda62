/** What must hold of the heap after every step, whatever happened. Tests run it; it costs as much as the heap has runs and pages. */
import { forEachFreeRun } from './heap-report.ts';
import {
  chunkOf,
  FULL,
  type Heap,
  type HeapDomain,
  KIND_FREE,
  KIND_POD,
  MIXED,
  NIL,
  NR_ORDERS,
  NR_ZONES,
  REGION,
  RUN_BASE,
  spanOf,
  zoneOf,
} from './heap-state.ts';
import { countDirty } from './page-dirty.ts';
import { nextOf, prevOf } from './page-list.ts';
import { checkOverlap } from './page-overlap.ts';
import { metaDirty, metaFd, metaKind, metaOrder, metaOwner, slotMfn } from './page-region.ts';
import { runHigh, runLow } from './page-run.ts';

/** Says what is wrong; empty: nothing. */
export function checkInvariants(h: Heap): string[] {
  const wrong: string[] = [];
  checkLinks(h, wrong);
  checkFreeLists(h, wrong);
  checkOrderOfLists(h, wrong);
  const pod = podPages(h);
  for (const d of h.domains.values()) checkDomain(h, d, pod.get(d.domid) ?? 0, wrong);
  checkClaims(h, wrong);
  checkChunks(h, wrong);
  checkSpareRegions(h, wrong);
  checkOverlap(h, wrong);
  return wrong;
}

/** Lists are linked both ways, and head, tail and masks agree. */
function checkLinks(h: Heap, wrong: string[]): void {
  for (let list = 0; list < h.listLimit; list++) {
    let before = NIL;
    for (let node = h.listHead[list]!; node !== NIL; node = nextOf(h, node)) {
      if (prevOf(h, node) !== before) wrong.push(`list ${list}: a node is not linked back`);
      if (node < NIL && h.runList[RUN_BASE - node] !== list)
        wrong.push(`list ${list}: a run names another list`);
      before = node;
      if (wrong.length > 20) return;
    }
    if (h.listTail[list] !== before) wrong.push(`list ${list}: the tail is not the last node`);
    if (list >= h.orderMask.length * NR_ORDERS) continue;
    const order = list % NR_ORDERS;
    const bit = (h.orderMask[(list - order) / NR_ORDERS]! >>> order) & 1;
    if ((bit === 1) !== (before !== NIL)) wrong.push(`list ${list}: the mask of orders is wrong`);
  }
}

/** Free buddies are aligned, on the list of their node, zone and order, and add up to the counters. */
function checkFreeLists(h: Heap, wrong: string[]): void {
  const zones = new Float64Array(h.zoneAvail.length);
  forEachFreeRun(h, (node, zone, order, first, count, stride, fd) => {
    const size = 2 ** order;
    const idx = h.nodeIndex[node]!;
    for (let i = 0; i < count; i++) {
      const mfn = first + i * stride;
      const span = spanOf(h, mfn);
      if (span < 0 || h.spanNode[span] !== idx) wrong.push(`buddy ${mfn}: not memory of node ${node}`);
      else if (mfn + size > h.spanEnd[span]!) wrong.push(`buddy ${mfn}: reaches beyond its memory`);
      if (zoneOf(mfn) !== zone) wrong.push(`buddy ${mfn}: in zone ${zone}`);
      if (mfn % size !== 0) wrong.push(`buddy ${mfn}: not aligned to order ${order}`);
      if (fd < -1 || fd >= size) wrong.push(`buddy ${mfn}: first_dirty ${fd}`);
    }
    zones[idx * NR_ZONES + zone] = zones[idx * NR_ZONES + zone]! + count * size;
  });
  let total = 0;
  for (let i = 0; i < h.nodeIds.length; i++) {
    let sum = 0;
    for (let z = 0; z < NR_ZONES; z++) {
      const n = zones[i * NR_ZONES + z]!;
      if (n !== h.zoneAvail[i * NR_ZONES + z]) wrong.push(`node ${h.nodeIds[i]} zone ${z}: avail is wrong`);
      sum += n;
    }
    if (sum !== h.nodeAvail[i]) wrong.push(`node ${h.nodeIds[i]}: node_avail_pages is wrong`);
    total += sum;
  }
  if (total !== h.totalAvailPages)
    wrong.push(`total_avail_pages is ${h.totalAvailPages}, lists hold ${total}`);
}

/** Clean buddies come before dirty ones, dirty state agrees with first_dirty, and no more is dirty than is counted. */
function checkOrderOfLists(h: Heap, wrong: string[]): void {
  const dirty = new Float64Array(h.nodeIds.length);
  for (let list = 0; list < h.orderMask.length * NR_ORDERS; list++) {
    let dirtySeen = false;
    const size = 2 ** (list % NR_ORDERS);
    const node = Math.floor(list / (NR_ZONES * NR_ORDERS));
    for (let at = h.listHead[list]!; at !== NIL; at = nextOf(h, at)) {
      const id = RUN_BASE - at;
      const fd = at >= 0 ? metaFd(h.pgMeta[at]!) : h.runVal[id]!;
      const kind = at >= 0 ? metaDirty(h.pgMeta[at]!) : h.runKind[id]! >>> 3;
      const count = at >= 0 ? 1 : h.runCount[id]!;
      const first = at >= 0 ? slotMfn(h, at) : h.runFirst[id]!;
      if (at >= 0 && metaOrder(h.pgMeta[at]!) !== list % NR_ORDERS)
        wrong.push(`page ${first}: order on a wrong list`);
      if ((at >= 0 ? metaKind(h.pgMeta[at]!) : h.runKind[id]! & 7) !== KIND_FREE)
        wrong.push(`page ${first}: on a free list and not free`);
      if (fd === -1 && dirtySeen) wrong.push(`list ${list}: a clean buddy behind a dirty one`);
      if (fd !== -1) dirtySeen = true;
      if ((fd === -1) !== (kind === 0)) wrong.push(`buddy ${first}: dirty flags against first_dirty`);
      if (kind === FULL) dirty[node] = dirty[node]! + count * size;
      if (kind !== MIXED) continue;
      for (let i = 0; i < count; i++) {
        const mfn = first + i * h.runStride[id >= 0 ? id : 0]! * (at >= 0 ? 0 : 1);
        dirty[node] = dirty[node]! + countDirty(h, mfn, size);
        if (countDirty(h, mfn, fd) > 0) wrong.push(`buddy ${mfn}: a dirty page before first_dirty`);
      }
    }
  }
  // Offlining a dirty page leaves the counter too high for ever; it is never too low.
  for (let i = 0; i < h.nodeIds.length; i++)
    if (dirty[i]! > h.needScrub[i]!) wrong.push(`node ${h.nodeIds[i]}: node_need_scrub is too low`);
}

const pagesOf = (h: Heap, list: number): number => {
  let sum = 0;
  for (let node = h.listHead[list]!; node !== NIL; node = nextOf(h, node))
    sum += node >= 0 ? 1 : h.runCount[RUN_BASE - node]! * Math.abs(h.runSize[RUN_BASE - node]!);
  return sum;
};

function checkDomain(h: Heap, d: HeapDomain, pod: number, wrong: string[]): void {
  let pages = 0;
  let extras = 0;
  d.pageList.forEach((list) => {
    pages += pagesOf(h, list);
  });
  d.extraList.forEach((list) => {
    extras += pagesOf(h, list);
  });
  if (extras !== d.extraPages) wrong.push(`domain ${d.domid}: extra_pages is wrong`);
  if (pages + pod + extras !== d.totPages) wrong.push(`domain ${d.domid}: tot_pages is wrong`);
}

/** Pages that wait for a guest's populate-on-demand entries, by its domid. */
function podPages(h: Heap): Map<number, number> {
  const pod = new Map<number, number>();
  const add = (domid: number, pages: number) => pod.set(domid, (pod.get(domid) ?? 0) + pages);
  for (let id = 0; id < h.runLimit; id++)
    if (h.runKind[id] === KIND_POD) add(h.runVal[id]!, h.runCount[id]! * Math.abs(h.runSize[id]!));
  forEachSlot(h, (_mfn, meta) => {
    if (metaKind(meta) === KIND_POD) add(metaOwner(meta), 1);
  });
  return pod;
}

function forEachSlot(h: Heap, visit: (mfn: number, meta: number) => void): void {
  h.regionMfn.forEach((first, region) => {
    if (first < 0) return;
    for (let i = 0; i < REGION; i++) visit(first + i, h.pgMeta[region * REGION + i]!);
  });
}

/** outstanding_claims is the sum over domains. Models the assertion in domain_set_outstanding_pages(). */
function checkClaims(h: Heap, wrong: string[]): void {
  let sum = 0;
  for (const d of h.domains.values()) {
    if (d.outstandingPages < 0) wrong.push(`domain ${d.domid}: a claim below 0`);
    sum += d.outstandingPages;
  }
  if (sum !== h.outstandingClaims)
    wrong.push(`outstanding_claims is ${h.outstandingClaims}, domains hold ${sum}`);
}

/** Each run is filed under its chunk and stays inside it. */
function checkChunks(h: Heap, wrong: string[]): void {
  let filed = 0;
  for (let chunk = 0; chunk < h.chunkHead.length; chunk++) {
    let n = 0;
    for (let id = h.chunkHead[chunk]!; id >= 0; id = h.runChunkNext[id]!) {
      n++;
      if (chunkOf(runLow(h, id)) !== chunk || chunkOf(runHigh(h, id) - 1) !== chunk)
        wrong.push(`run ${id}: outside its chunk`);
    }
    if (n !== h.chunkCount[chunk]) wrong.push(`chunk ${chunk}: its number of runs is wrong`);
    filed += n;
  }
  let used = 0;
  for (let id = 0; id < h.runLimit; id++) if (h.runKind[id] !== 0) used++;
  if (used !== filed) wrong.push('a run is in no chunk');
}

/** A region given up has nothing in it, so that it can be taken as it is. */
function checkSpareRegions(h: Heap, wrong: string[]): void {
  for (const region of h.regionSpare) {
    const metas = h.pgMeta.subarray(region * REGION, (region + 1) * REGION);
    if (h.regionMfn[region]! >= 0 || metas.some((meta) => meta !== 0))
      wrong.push(`region ${region}: given up with something in it`);
  }
}
