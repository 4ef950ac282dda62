/** Replaying a recording of real Xen's allocator against the model and comparing every recorded answer. */
import { createHash } from 'node:crypto';
import { bootHeap, heapInitLate } from '../hypervisor/boot-heap.ts';
import { domainSetOutstandingPages, domainTotPages } from '../hypervisor/claims.ts';
import {
  createHeapDomain,
  setCreationFinished,
  setMaxPages,
  setNodeAffinity,
} from '../hypervisor/heap-domain.ts';
import { forEachFreeRun, offlinedPages } from '../hypervisor/heap-report.ts';
import type { Extents, Heap, HeapDomain } from '../hypervisor/heap-state.ts';
import { offlinePage, onlinePage } from '../hypervisor/offline.ts';
import {
  allocDomheapPages,
  allocXenheapPages,
  freeDomheapPages,
  freeXenheapPages,
} from '../hypervisor/page-alloc.ts';
import { populateExtents } from '../hypervisor/populate-extents.ts';
import { destroyHeapDomain } from '../hypervisor/relinquish.ts';
import { scrubFreePages } from '../hypervisor/scrub.ts';
import { cutRuns, framesDigest } from './conform-extents.ts';
import type { HeaderLine, OpLine } from './conform-format.ts';

/** The answers of one operation, by the names a recording gives them. */
export type Answers = Readonly<Record<string, unknown>>;

/** A heap made from a recording's first line. */
export function startReplay(header: HeaderLine): { heap: Heap; answers: Answers } {
  const heap = bootHeap(header);
  return { heap, answers: { dmaBits: heap.dmaBits, virqTh: heap.virqTh } };
}

/** The operation names a domain that does not exist, or the like: the recording is not one. */
export class InvalidRecording extends Error {}

function domainOf(heap: Heap, id: number): HeapDomain {
  const d = heap.domains.get(id);
  if (d === undefined) throw new InvalidRecording(`there is no domain ${id}`);
  return d;
}

/** Performs one operation from its inputs and returns its answers. */
export function replayOp(heap: Heap, op: OpLine): Answers {
  switch (op.op) {
    case 'domain':
      if (heap.domains.has(op.id)) throw new InvalidRecording(`there is a domain ${op.id} already`);
      createHeapDomain(heap, { domid: op.id, maxPages: op.maxPages, nodeAffinity: op.affinity });
      return {};
    case 'affinity':
      setNodeAffinity(heap, domainOf(heap, op.id), op.nodes);
      return {};
    case 'maxmem':
      setMaxPages(heap, domainOf(heap, op.id), op.maxPages);
      return {};
    case 'unpause':
      setCreationFinished(heap, domainOf(heap, op.id));
      return {};
    case 'claim':
      return { rc: domainSetOutstandingPages(heap, domainOf(heap, op.id), op.pages) };
    case 'alloc':
      return extentAnswers(op, allocDomheapPages(heap, domainOf(heap, op.id), op));
    case 'populate': {
      const got = populateExtents(heap, domainOf(heap, op.id), op);
      const preempted = op.preempt === undefined && !got.preempted ? {} : { preempted: got.preempted };
      return { ...extentAnswers(op, got), ...preempted };
    }
    case 'xalloc':
      return extentAnswers(op, allocXenheapPages(heap, op));
    case 'xfree':
      freeXenheapPages(heap, op);
      return {};
    case 'free':
      freeDomheapPages(heap, op.anon === true ? null : domainOf(heap, op.id ?? -1), op);
      return {};
    case 'destroy':
      destroyHeapDomain(heap, domainOf(heap, op.id));
      return {};
    case 'offline':
      return { ...offlinePage(heap, op.mfn, op.broken) };
    case 'online':
      return { ...onlinePage(heap, op.mfn) };
    case 'scrub': {
      let more = false;
      for (let i = 0; i < op.calls; i++) more = scrubFreePages(heap, op.node, op.pending);
      return { more };
    }
    case 'heapinitlate':
      heapInitLate(heap);
      return { virqTh: heap.virqTh };
    case 'check':
      return checkAnswers(heap);
    case 'dump':
      return { lists: dumpLists(heap) };
  }
}

function extentAnswers(
  op: { lanes?: number | undefined; mfnSha256?: string | undefined },
  got: Extents,
): Answers {
  if (op.mfnSha256 !== undefined)
    return { done: got.done, mfnSha256: got.done > 2 ** 27 ? 'too many' : framesDigest(got.runs, got.done) };
  return { done: got.done, runs: cutRuns(got.runs, got.done, op.lanes ?? 1) };
}

function checkAnswers(heap: Heap): Answers {
  const { offlined, broken } = offlinedPages(heap);
  const domains = [...heap.domains.values()].sort((a, b) => a.domid - b.domid);
  return {
    totalAvail: heap.totalAvailPages,
    outstandingClaims: heap.outstandingClaims,
    nodeAvail: [...heap.nodeAvail],
    nodeNeedScrub: [...heap.needScrub],
    domains: domains.map((d) => ({
      id: d.domid,
      totPages: domainTotPages(d),
      outstanding: d.outstandingPages,
      extraPages: d.extraPages,
    })),
    virqEnomem: heap.virqCount,
    virqTh: heap.virqTh,
    virqHigh: heap.virqHigh,
    offlined,
    broken,
    freeListSha256: freeListDigest(heap),
  };
}

/** SHA-256 over every free buddy in list order. */
function freeListDigest(heap: Heap): string {
  const hash = createHash('sha256');
  let text = '';
  forEachFreeRun(heap, (node, zone, order, first, count, stride, fd) => {
    const head = `${node} ${zone} ${order} `;
    for (let i = 0; i < count; i++) {
      text += `${head}${first + i * stride} ${fd}\n`;
      if (text.length < 1 << 16) continue;
      hash.update(text);
      text = '';
    }
  });
  return hash.update(text).digest('hex');
}

/** Every free buddy as `[node, zone, order, mfn, firstDirty]`. */
export function dumpLists(heap: Heap): number[][] {
  const rows: number[][] = [];
  forEachFreeRun(heap, (node, zone, order, first, count, stride, fd) => {
    for (let i = 0; i < count; i++) rows.push([node, zone, order, first + i * stride, fd]);
  });
  return rows;
}
