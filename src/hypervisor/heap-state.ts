/**
 * The heap's state as data: what page_alloc.c keeps in its static variables, at the cost of runs instead of pages.
 *
 * Numbers are plain here (MFN, pages) because they live in typed-array columns; a page count is always in 4 KiB pages.
 */
import { sizeOfOrder } from './units.ts';

/** The boot memory of one NUMA node. */
interface BootNode {
  readonly node: number;
  /** Boot regions `[first, endExclusive]` in MFNs. Adjacent ones stay separate regions. */
  readonly ranges: readonly (readonly [number, number])[];
  /** The spanned frames, for the DMA width only; absent: lowest start to highest end. */
  readonly span?: readonly [number, number];
  /** false: a memory-only node. */
  readonly cpus?: boolean;
}

/**
 * What distinguishes the releases' claim rules (xen/common/page_alloc.c through the years).
 * The default is Xen 4.22.
 */
export interface ClaimRules {
  /** Where a claim shrinks: in alloc_heap_pages (4.22) or in domain_adjust_tot_pages (before). */
  readonly consumeAt: 'alloc' | 'assign';
  /** 4.3 to 4.20: lowering tot_pages raises the claim again while it is above 0. */
  readonly freeReplenishes: boolean;
  /** 4.22: a claim for a dying domain is refused. */
  readonly refuseDying: boolean;
  /** 4.6 and later: MEMF_no_refcount allocations of a domain pass the gate like anonymous ones. */
  readonly noRefcountGatedAsAnonymous: boolean;
  /** 4.14 and later: extra pages are counted in tot_pages, limits look at the difference. Xen: domain_tot_pages(). */
  readonly totMinusExtra: boolean;
}

/** What a heap is started from. */
export interface HeapBoot {
  readonly nodes: readonly BootNode[];
  /** Node of the CPU that issues requests without a domain. */
  readonly cpuNode: number;
  /** idle: boot memory enters the heap dirty. */
  readonly bootscrub: 'idle' | 'off';
  /** low_mem_virq_limit in bytes; absent: not given. */
  readonly lowMemVirqLimit?: number;
  /** The dma_bits option; absent: Xen's own choice. */
  readonly dmaBitsOption?: number;
  /** Pages given back by live domains are scrubbed too. Xen: opt_scrub_domheap. */
  readonly scrubDomheap?: boolean;
  /** Node distances by node id; absent: 10 own, 20 other. */
  readonly distances?: readonly (readonly number[])[];
  /** false: the low-memory threshold is set up only by a later heapInitLate(). */
  readonly heapInitLate?: boolean;
  readonly rules?: ClaimRules;
}

/** Extents an allocation returned. The i-th extent of a run is number `index + i * step` of the call's extents. */
export interface ExtentRun {
  /** First frame of the run's first extent. */
  readonly first: number;
  readonly count: number;
  /** In pages; may be negative; 0 for a run of one. */
  readonly stride: number;
  readonly index: number;
  /** 1, or the number of nodes that serve in turn. */
  readonly step: number;
}

/** The answer of a batched allocation: how many extents succeeded and where they are. */
export interface Extents {
  readonly done: number;
  readonly runs: readonly ExtentRun[];
}

/** A request for `count` equal extents, as alloc_domheap_pages() is called in a loop. */
export interface DomheapRequest {
  readonly order: number;
  readonly count: number;
  /** MEMF_node; null: none. */
  readonly node: number | null;
  /** MEMF_exact_node. */
  readonly exact: boolean;
  readonly noRefcount?: boolean;
  readonly noScrub?: boolean;
  /** MEMF_no_owner; implies noRefcount. The pages belong to nobody and are not on any list. */
  readonly noOwner?: boolean;
  /** MEMF_bits: address width. */
  readonly bits?: number | undefined;
}

/** Equal blocks `mfn + i * stride`, i below count, each of 2^order pages. */
export interface PageBlocks {
  readonly mfn: number;
  readonly order: number;
  readonly count: number;
  readonly stride: number;
}

/** An extent whose scrubbing was interrupted. Xen: d->pending_scrub, pending_scrub_order, pending_scrub_index. */
export interface PendingScrub {
  readonly mfn: number;
  readonly order: number;
  /** Next page to look at. */
  readonly index: number;
  /** Dirty pages of the extent as `[start, end)` offsets, ascending. */
  readonly dirty: readonly (readonly [number, number])[];
}

/** An extent between alloc_heap_pages() and the guest's map: only the CPU that serves its hypercall knows of it. */
export interface ExtentInFlight {
  /** Whose hypercall it is: a number that tells those under way apart. Each has one extent at a time. */
  readonly by: number;
  /** The domain whose vcpu makes that hypercall, and the one that is to get the extent. */
  readonly caller: number;
  readonly domid: number;
  readonly mfn: number;
  readonly order: number;
  readonly dirtyPages: number;
  /** It was taken unscrubbed, for a domain that has not run yet. */
  readonly noScrub: boolean;
  /** It is the domain's already; until then it is nobody's. */
  readonly isAssigned: boolean;
}

/** The heap-side part of struct domain. Read it freely; change it only through the heap's functions. */
export interface HeapDomain {
  readonly domid: number;
  /** Xen: d->tot_pages, extra pages included. */
  totPages: number;
  /** Xen: d->extra_pages. */
  extraPages: number;
  maxPages: number;
  /** Xen: d->outstanding_pages, the claim not yet consumed. */
  outstandingPages: number;
  lastAllocNode: number;
  /** Node ids, ascending; null: all. */
  nodeAffinity: readonly number[] | null;
  /** Online nodes by index that the affinity allows; null: all. */
  nodeMask: Uint8Array | null;
  /** Unpaused at least once. Xen: d->creation_finished. */
  creationFinished: boolean;
  isDying: boolean;
  pendingScrub: PendingScrub | null;
  /** List id of page_list per node index. Pages on different nodes never meet in the heap, so each node has its own. */
  readonly pageList: readonly number[];
  /** The same for extra pages. */
  readonly extraList: readonly number[];
  /** Both lists as heap-save.ts wrote them last; null once a page has come or gone. Whoever changes a list clears it. */
  savedPages: SavedPages | null;
  /** The record heap-save.ts wrote last, or null. */
  saved: SavedHeapDomain | null;
}

/** A domain's part. Blocks are flat `first, count, stride, size`, by node index where they are on a list. */
export interface SavedHeapDomain {
  readonly domid: number;
  readonly totPages: number;
  readonly extraPages: number;
  readonly maxPages: number;
  readonly outstandingPages: number;
  readonly lastAllocNode: number;
  readonly nodeAffinity: readonly number[] | null;
  readonly creationFinished: boolean;
  readonly isDying: boolean;
  readonly pendingScrub: PendingScrub | null;
  readonly pages: readonly (readonly number[])[];
  readonly extras: readonly (readonly number[])[];
  readonly pod: readonly number[];
}

/** A domain's pages by node index as flat `first, count, stride, size`, in list order. */
export interface SavedPages {
  readonly pages: readonly (readonly number[])[];
  readonly extras: readonly (readonly number[])[];
}

/**
 * The whole heap. Columns belong together by prefix: run* describe runs of equal blocks, pg* single pages of
 * irregular regions. A node of any list is a page slot (0 and up), NIL, or a run (RUN_BASE - id).
 */
export interface Heap {
  readonly boot: HeapBoot;
  readonly rules: ClaimRules;
  /** Online node ids, ascending. A node's index is its place here. */
  readonly nodeIds: readonly number[];
  /** Node index by node id; -1: not online. */
  readonly nodeIndex: Int8Array;
  /** highest RAM frame + 1. Xen: max_page. */
  readonly maxPage: number;
  /** RAM in pieces of one node, one zone and one chunk, ascending. */
  readonly spanStart: Float64Array;
  readonly spanEnd: Float64Array;
  readonly spanNode: Int8Array;
  /** First span that ends after the chunk's start. */
  readonly chunkSpan: Int32Array;
  /** The first chunk has a span for each zone at least: by zone, the first one that ends after the zone's start. */
  readonly zoneSpan: Int32Array;
  /** Nodes whose heap exists, by index. */
  readonly started: Uint8Array;
  /** Xen: dma_bitsize; 0: none. */
  dmaBits: number;
  totalAvailPages: number;
  outstandingClaims: number;
  readonly nodeAvail: Float64Array;
  readonly needScrub: Float64Array;
  /** By node index * NR_ZONES + zone. */
  readonly zoneAvail: Float64Array;
  /** Orders with a non-empty free list, one bit each, by node index * NR_ZONES + zone. */
  readonly orderMask: Int32Array;
  /** Highest zone with RAM, by node index. */
  readonly topZone: Int8Array;
  /** Low-memory virq state; thresholds are unsigned 64 bit, -1 standing for all ones. */
  virqTh: number;
  virqHigh: number;
  virqThOrder: number;
  virqThOrig: number;
  virqCount: number;
  /** Heads and tails of all lists: free lists first, then the domains'. */
  listHead: Int32Array;
  listTail: Int32Array;
  listLimit: number;
  readonly spareLists: number[];
  runFirst: Uint32Array;
  runCount: Int32Array;
  runStride: Int32Array;
  runSize: Int32Array;
  runVal: Int32Array;
  runKind: Int32Array;
  runList: Int32Array;
  runNext: Int32Array;
  runPrev: Int32Array;
  runChunkNext: Int32Array;
  runChunkPrev: Int32Array;
  runLimit: number;
  runSpare: number;
  /** First run of each chunk, the number of runs, and the number that makes it crowded. */
  readonly chunkHead: Int32Array;
  readonly chunkCount: Int32Array;
  readonly chunkCrowd: Int32Array;
  /** Regions of a chunk kept page by page: region number, or -1; null: none. */
  readonly chunkRegions: (Int32Array | null)[];
  /** Chunks with too many runs, to be relieved at the end of the step. */
  readonly crowded: number[];
  pgNext: Int32Array;
  pgPrev: Int32Array;
  pgMeta: Int32Array;
  /** First frame of each region in use; -1: spare. */
  readonly regionMfn: number[];
  readonly regionSpare: number[];
  /** Dirty flags of buddies that are neither all clean nor all dirty, one bitmap a chunk. */
  readonly dirtyBits: (Uint32Array | null)[];
  /** Pages with a flag: OFFLINING, OFFLINED, BROKEN. */
  readonly special: Map<number, number>;
  offliningPages: number;
  /** Extents that hypercalls under way hold, in order of `by`: a value. */
  inFlight: readonly ExtentInFlight[];
  readonly domains: Map<number, HeapDomain>;
  /** Where the last search found its buddy: a list id. */
  foundList: number;
  /** The last search had to rotate lists. */
  rotated: boolean;
  /** Scratch for merging: the heap's own, because nothing may live outside it. */
  readonly merged: Buddy;
  /** Scratch for freeing many blocks at once; null until it is first needed. */
  bulk: BulkScratch | null;
  /** The write log; null until somebody makes a mark. */
  undo: HeapUndo | null;
}

/** Two bits a block for every order of a chunk, and two bits a page. */
export interface BulkScratch {
  /** Blocks that are freed now. */
  readonly freed: Int32Array;
  /** Buddies that were free before. */
  readonly before: Int32Array;
  /** Pages that are the first dirty one of a block. */
  readonly firstDirty: Int32Array;
  /** First pages of blocks that are not dirty throughout. */
  readonly notFull: Int32Array;
  /** The bits of one run, and room to look for regularity. */
  readonly comb: Int32Array;
  readonly spare: Int32Array;
  /** First word of each order. */
  readonly at: Int32Array;
  /** Orders in which buddies were merged away, one bit each. */
  swallowed: number;
}

/** What is needed to go back to a mark. heap-undo.ts fills it, heap-mark.ts reads it. */
export interface HeapUndo {
  /** Entries, newest last: old values, index, kind. */
  log: Int32Array;
  /** Words in use. */
  at: number;
  /** Raised by every mark and every going back; what bears it as its stamp is in the log already. */
  epoch: number;
  runStamp: Int32Array;
  listStamp: Int32Array;
  readonly chunkStamp: Int32Array;
  readonly zoneStamp: Int32Array;
  readonly nodeStamp: Int32Array;
  pageStamp: Int32Array;
  /** By domid. */
  domainStamp: Int32Array;
  readonly seen: HeapSeen;
  /** For each change of a domain a copy of what it was and the domain itself. */
  readonly domains: HeapDomain[];
  /** For each domain removed all that there were, in the order of `domains`. */
  readonly removals: (readonly HeapDomain[])[];
  readonly specials: (readonly (readonly [number, number])[])[];
  /** Serial numbers of the marks that can be gone back to, and the last one given. */
  readonly marks: number[];
  serial: number;
}

/**
 * What has changed since somebody looked: whoever does so leaves a ticket at a part, a number that is given once. 0: the part
 * has changed since, or nobody looked. Going back to a mark brings back the tickets of then.
 */
export interface HeapSeen {
  /** Of lists; of all free lists of a zone, by node index * NR_ZONES + zone. */
  lists: Int32Array;
  readonly zones: Int32Array;
  /** By chunk: its pages that are somebody's and on no list; behind the last chunk those of all. */
  readonly chunks: Int32Array;
  readonly chunkStamp: Int32Array;
  /** By domid: the record, without the lists. */
  domains: Int32Array;
  /** The last ticket given. */
  last: number;
}

/** A free buddy: frame, order, lower bound of its first dirty page (-1: clean), how its flags are kept. */
export interface Buddy {
  mfn: number;
  order: number;
  fd: number;
  dirty: number;
}

export const NR_ZONES = 41;
export const NR_ORDERS = 19;
/** No run crosses a multiple of this many pages: the largest buddy. */
export const CHUNK = 2 ** 18;
/** Words of one bit a page for a chunk. */
export const BULK_WORDS = CHUNK / 32;
export const REGION = 4096;
export const REGION_ORDER = 12;
export const NIL = -1;
/** Run `id` is list node `RUN_BASE - id`. */
export const RUN_BASE = -2;

export const KIND_FREE = 1;
export const KIND_OWNED = 2;
export const KIND_EXTRA = 3;
/** Owned, on no list (populate-on-demand cache). */
export const KIND_POD = 4;
export const KIND_XEN = 5;

/** How a free block's dirty flags are kept: none set, all set, or in dirtyBits. */
export const CLEAN = 0;
export const FULL = 1;
export const MIXED = 2;

export const OFFLINING = 1;
export const OFFLINED = 2;
export const BROKEN = 4;
/** On page_broken_list instead of page_offlined_list. */
export const ON_BROKEN_LIST = 8;

/** Xen 4.22. */
export const CURRENT_RULES: ClaimRules = {
  consumeAt: 'alloc',
  freeReplenishes: false,
  refuseDying: true,
  noRefcountGatedAsAnonymous: true,
  totMinusExtra: true,
};

/** Position of the highest set bit, 1-based. Models page_to_zone(), page_alloc.c. */
export const zoneOf = (mfn: number): number => 32 - Math.clz32(mfn);

export const chunkOf = (mfn: number): number => Math.floor(mfn / CHUNK);

/** The span a frame lies in, or -1 if it is no RAM. */
export function spanOf(h: Heap, mfn: number): number {
  if (mfn < 0 || mfn >= h.maxPage) return -1;
  let i = mfn < CHUNK ? h.zoneSpan[zoneOf(mfn)]! : h.chunkSpan[chunkOf(mfn)]!;
  while (i < h.spanEnd.length && h.spanEnd[i]! <= mfn) i++;
  return i < h.spanEnd.length && h.spanStart[i]! <= mfn ? i : -1;
}

/** Free list of (node index, zone, order). Xen: heap(node, zone, order). */
export const freeListId = (nodeIdx: number, zone: number, order: number): number =>
  (nodeIdx * NR_ZONES + zone) * NR_ORDERS + order;

/** Frame ^ 2^order without leaving unsigned arithmetic. */
export const buddyOf = (mfn: number, order: number): number => {
  const size = sizeOfOrder(order);
  return Math.floor(mfn / size) % 2 === 1 ? mfn - size : mfn + size;
};
