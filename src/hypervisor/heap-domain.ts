/** The heap-side part of struct domain: making it, changing its limits, and letting it go. */
import { ASSERT } from './bug.ts';
import { type Heap, type HeapDomain, NIL } from './heap-state.ts';
import { noteDomain, noteDomainGone, noteDomainMade, noteSpareList } from './heap-undo.ts';
import { newList } from './page-list.ts';

/** Most pages a domain may have. Xen: max_pages is an unsigned int whose top values are taken. */
const MAX_PAGES = 2 ** 32 - 2;

const maskOf = (h: Heap, nodes: readonly number[] | null): Uint8Array | null => {
  if (nodes === null) return null;
  const mask = Uint8Array.from(h.nodeIds, (id) => (nodes.includes(id) ? 1 : 0));
  return mask.every((x) => x === 1) ? null : mask;
};

/** A new domain without pages. The id is free, or its last owner was removed. */
export function createHeapDomain(
  h: Heap,
  q: { readonly domid: number; readonly maxPages: number; readonly nodeAffinity: readonly number[] | null },
): HeapDomain {
  ASSERT(!h.domains.has(q.domid), 'a new domain has a free id');
  const pageList: number[] = [];
  const extraList: number[] = [];
  for (let i = 0; i < h.nodeIds.length; i++) {
    pageList.push(newList(h));
    extraList.push(newList(h));
  }
  const d: HeapDomain = {
    domid: q.domid,
    totPages: 0,
    extraPages: 0,
    maxPages: Math.min(q.maxPages, MAX_PAGES),
    outstandingPages: 0,
    lastAllocNode: 0,
    nodeAffinity: q.nodeAffinity,
    nodeMask: maskOf(h, q.nodeAffinity),
    creationFinished: false,
    isDying: false,
    pendingScrub: null,
    pageList,
    extraList,
    savedPages: null,
    saved: null,
  };
  h.domains.set(q.domid, d);
  noteDomainMade(h, d);
  return d;
}

export const findHeapDomain = (h: Heap, domid: number): HeapDomain | undefined => h.domains.get(domid);

/** Models XEN_DOMCTL_max_mem: never fails, and may go below what the domain has. */
export function setMaxPages(h: Heap, d: HeapDomain, pages: number): void {
  noteDomain(h, d);
  d.maxPages = Math.min(pages, MAX_PAGES);
}

/** Nodes (by id) the domain's memory comes from; null: all. Models d->node_affinity. */
export function setNodeAffinity(h: Heap, d: HeapDomain, nodes: readonly number[] | null): void {
  noteDomain(h, d);
  d.nodeAffinity = nodes;
  d.nodeMask = maskOf(h, nodes);
}

/** From now on the domain's pages come scrubbed. Models d->creation_finished, set by the first unpause. */
export function setCreationFinished(h: Heap, d: HeapDomain): void {
  noteDomain(h, d);
  d.creationFinished = true;
}

/** An extent waits for the rest of its scrubbing. */
export const hasStash = (_h: Heap, d: HeapDomain): boolean => d.pendingScrub !== null;

/** Forgets a domain that has no page left. A claim staked while it died is lost to all others until 4.21 (2379ca04fe). */
export function removeHeapDomain(h: Heap, d: HeapDomain): void {
  ASSERT(d.totPages === 0, 'a removed domain owns nothing');
  ASSERT(d.outstandingPages === 0 || !h.rules.refuseDying, 'a removed domain claims nothing');
  for (const list of d.pageList) spare(h, list);
  for (const list of d.extraList) spare(h, list);
  noteDomainGone(h, d);
  h.domains.delete(d.domid);
}

function spare(h: Heap, list: number): void {
  ASSERT(h.listHead[list] === NIL, 'a list given up is empty');
  h.spareLists.push(list);
  noteSpareList(h, list, false);
}
