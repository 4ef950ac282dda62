/** The heap's entry: allocation and freeing of page blocks. Models xen/common/page_alloc.c. */
import { XenBug } from './bug.ts';
import type { DomheapRequest, ExtentRun, Extents, HeapBoot, HeapDomain, PageBlocks } from './heap-state.ts';

export interface Heap {
  totalAvailPages: number;
  outstandingClaims: number;
  /** low-memory virqs sent so far. */
  virqCount: number;
}
const soon = (): never => {
  throw new XenBug('the heap is not built yet');
};

/* boot-heap.ts */
export const bootHeap = (_boot: HeapBoot): Heap => soon();
export const heapInitLate = (_heap: Heap): void => soon();
/* heap-domain.ts */
export const createHeapDomain = (_heap: Heap, _d: { domid: number; maxPages: number; nodeAffinity: readonly number[] | null }): HeapDomain => soon();
export const findHeapDomain = (_heap: Heap, _domid: number): HeapDomain | undefined => soon();
export const setMaxPages = (_heap: Heap, _d: HeapDomain, _pages: number): void => soon();
export const setNodeAffinity = (_heap: Heap, _d: HeapDomain, _nodes: readonly number[] | null): void => soon();
/** Marks creation finished; refuses nothing: the caller looks at hasStash first. */
export const setCreationFinished = (_heap: Heap, _d: HeapDomain): void => soon();
export const hasStash = (_heap: Heap, _d: HeapDomain): boolean => soon();
/* claims.ts: 0, -EINVAL or -ENOMEM */
export const domainSetOutstandingPages = (_heap: Heap, _d: HeapDomain, _pages: number): number => soon();
/* page-alloc.ts (batched) */
export const allocDomheapPages = (_heap: Heap, _d: HeapDomain | null, _request: DomheapRequest): Extents => soon();
/** Page by page, as a guest gives back; `whole`: one free per block. d null: ownerless pages, whole and dirty. */
export const freeDomheapPages = (_heap: Heap, _d: HeapDomain | null, _blocks: PageBlocks & { whole?: boolean }): void => soon();
export const allocXenheapPages = (_heap: Heap, _r: { order: number; count: number; node: number | null; exact: boolean }): Extents => soon();
export const freeXenheapPages = (_heap: Heap, _blocks: PageBlocks): void => soon();
/* populate-extents.ts: the heap part of populate_physmap */
export const populateExtents = (
  _heap: Heap,
  _d: HeapDomain,
  _r: { order: number; count: number; node: number | null; exact: boolean; bits?: number; preempt?: number },
): Extents & { preempted: boolean } => soon();
/* relinquish.ts: destroy = beginDestroy (dying, claim released, stash freed), relinquishPages(k) until 0 left, removeHeapDomain */
export const beginDestroy = (_heap: Heap, _d: HeapDomain): void => soon();
/** Frees up to `limit` pages of the page list (then extra list), dirty; returns how many were freed. */
export const relinquishPages = (_heap: Heap, _d: HeapDomain, _limit: number): number => soon();
export const removeHeapDomain = (_heap: Heap, _d: HeapDomain): void => soon();
/* pod-pages.ts: owned pages off page_list (PoD cache) */
export const pageListDel = (_heap: Heap, _d: HeapDomain, _blocks: PageBlocks): void => soon();
export const pageListAddTail = (_heap: Heap, _d: HeapDomain, _blocks: PageBlocks): void => soon();
/* offline.ts, scrub.ts */
export const offlinePage = (_heap: Heap, _mfn: number, _broken: boolean): { rc: number; status: number | null } => soon();
export const onlinePage = (_heap: Heap, _mfn: number): { rc: number; status: number | null } => soon();
/** One call of the idle scrubber on a CPU of `node`; true: more to do. */
export const scrubFreePages = (_heap: Heap, _node: number, _pending: boolean): boolean => soon();
/* heap-report.ts */
export const nodeAvailPages = (_heap: Heap, _node: number): number => soon();
export const zoneAvailPages = (_heap: Heap, _node: number, _zone: number): number => soon();
export const nodeNeedScrub = (_heap: Heap, _node: number): number => soon();
/** Pages of the domain on each node id, ascending by node: [node, pages]. */
export const domainNodePages = (_heap: Heap, _d: HeapDomain): readonly (readonly [number, number])[] => soon();
/** Who owns a frame: domid, or 'free' | 'xen' | 'anon' | 'offlined' | 'none' (not RAM). */
export const ownerOf = (_heap: Heap, _mfn: number): number | 'free' | 'xen' | 'anon' | 'offlined' | 'none' => soon();
/* heap-save.ts, heap-mark.ts */
export const saveHeap = (_heap: Heap): object => soon();
export const loadHeap = (_data: unknown): Heap => soon();
export type HeapMark = { readonly mark: 'heap' };
export const mark = (_heap: Heap): HeapMark => soon();
export const rollback = (_heap: Heap, _mark: HeapMark): void => soon();
export type { ExtentRun };
