/**
 * Hypercalls made aside from the host: on a Xen that has no more than the one domain that they look at and change.
 *
 * They are Xen's own functions, so the reply and what becomes of the domain are those of the host. That has not to be taken
 * to a state, then, for somebody to map a page or to let go of a claim there. By class only: with every frame in its place
 * a domain is a part of the heap.
 */

import type { Heap } from '../hypervisor/heap-state.ts';
import { hypercall } from '../hypervisor/hypercall.ts';
import type { Xen } from '../hypervisor/xen.ts';
import type { Reply } from '../toolstack/task.ts';
import type { CallNode } from './call-memo.ts';
import { isWhole } from './class-take.ts';
import { domainIn } from './domain-cells.ts';
import { type DomainCell, formOfRecords } from './domain-forms.ts';
import { sumsOfForm } from './heap-sums.ts';
import { CLASS_CLAIMS, type HeapSums } from './memory-class.ts';
import { isInParts } from './turn-order.ts';
import { formOfClass, HEAP } from './world-cells.ts';
import { stateAt } from './world-trail.ts';
import type { WorldWalk } from './world-walk.ts';

/** They look at and change one domain, and nothing else in Xen. */
const OWN: readonly string[] = [
  'XENMEM_set_memory_map',
  'XENMEM_current_reservation',
  'XENMEM_maximum_reservation',
  'XENMEM_maximum_gpfn',
  'XEN_DOMCTL_max_mem',
  'XEN_DOMCTL_pausedomain',
  'XEN_DOMCTL_unpausedomain',
  'foreign_map',
];

/** It looks at the sums of free and of claimed memory besides, and changes the latter. */
const CLAIM = 'XENMEM_claim_pages';

/** They look at the sums of free and of claimed memory. */
const SUMS: readonly string[] = ['XEN_SYSCTL_physinfo', 'XEN_SYSCTL_numainfo'];

/** What Xen made of a call, and the forms of the domain in its cell and of the heap afterwards. */
export interface MadeAside {
  readonly reply: Reply;
  /** Null: it is about none. */
  readonly domain: { readonly cell: number; readonly form: number } | null;
  readonly heap: number;
  /** The class of the heap afterwards is not all that matters: see ownership-seen.ts. */
  readonly isUnsure: boolean;
}

/** Makes a call from a place aside from the host; null: it needs the host. */
export function callAside(w: WorldWalk, { request, by }: CallNode, place: number): MadeAside | null {
  const { cells, trail, block } = w;
  const { name } = request;
  const isClaim = name === CLAIM;
  if (cells.ownership !== 'class' || isInParts(block.grain) || by.caller !== 0) return null;
  if (SUMS.includes(name)) return lookAside(w, { request, by }, place);
  if (!isClaim && !OWN.includes(name)) return null;
  const { domid } = request.args as { readonly domid: number };
  const domainCell = cells.domainAt.get(domid);
  const at = stateAt(trail, place);
  const form = domainCell === undefined ? 0 : trail.states[at + domainCell]!;
  if (domainCell === undefined || form === 0) return null;
  const cell = domainIn(cells, domid, form);
  // What it was promised, or has half scrubbed, lies in the heap.
  if (cell.record.pod.entryCount > 0 || cell.heap.pendingScrub !== null) return null;
  const { xen } = block.run.world;
  const heap = trail.states[at + HEAP]!;
  const sums = isClaim ? sumsAt(w, heap) : { claims: 0, free: 0, isAll: false };
  if (sums === null || sums.isAll) return null;
  const aside = withOnly(xen, cell, sums);
  const reply = hypercall(aside, by, request) as unknown as Reply;
  const after = { record: aside.domains.get(domid)!, heap: aside.heap.domains.get(domid)! };
  return {
    reply,
    domain: { cell: domainCell, form: formOfRecords(cells.domainForms, after) },
    heap: isClaim ? claimed(w, heap, aside.heap.outstandingClaims) : heap,
    isUnsure: isClaim && !isWhole(w.lists),
  };
}

/** The sums of a heap of that form; null: it does not say. */
const sumsAt = (w: WorldWalk, heap: number): ReturnType<typeof sumsOfForm> =>
  w.block.run.world.xen.heap.nodeIds.length > 1 ? null : sumsOfForm(w, heap);

type Sums = Pick<HeapSums, 'claims' | 'free'>;

/** A heap of one node with these sums. */
const heapWith = (heap: Heap, { claims, free }: Sums, domains: Heap['domains']): Heap => ({
  ...heap,
  totalAvailPages: free,
  nodeAvail: heap.nodeAvail.map(() => free),
  outstandingClaims: claims,
  domains,
  undo: null,
});

/** A Xen with one domain, whose records are its own, and these sums of memory. */
function withOnly(xen: Xen, { record, heap }: DomainCell, sums: Sums): Xen {
  const { domid } = record;
  return {
    ...xen,
    heap: heapWith(xen.heap, sums, new Map([[domid, { ...heap }]])),
    domains: new Map([[domid, record]]),
    domainList: [domid],
    toldInfos: new Map(),
    undo: null,
  };
}

function lookAside(
  w: WorldWalk,
  { request, by }: Pick<CallNode, 'request' | 'by'>,
  place: number,
): MadeAside | null {
  const heap = w.trail.states[stateAt(w.trail, place) + HEAP]!;
  const sums = sumsAt(w, heap);
  if (sums === null) return null;
  const { xen } = w.block.run.world;
  const aside = { ...xen, heap: heapWith(xen.heap, sums, new Map()) };
  const reply = hypercall(aside, by, request) as unknown as Reply;
  return { reply, domain: null, heap, isUnsure: false };
}

/** The form of the heap in `w.lists` with so many pages claimed. */
function claimed({ cells, lists }: WorldWalk, form: number, pages: number): number {
  if (lists.head[CLASS_CLAIMS] === pages) return form;
  lists.head[CLASS_CLAIMS] = pages;
  return formOfClass(cells, lists);
}
