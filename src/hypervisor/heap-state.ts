/**
 * The heap's state as data: what page_alloc.c keeps in its static variables, at the cost of runs instead of pages.
 *
 * Numbers are plain here (MFN, pages) because they live in typed-array columns; a page count is always in 4 KiB pages.
 */

/** The boot memory of one NUMA node. */
export interface BootNode {
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
  /** 4.14 and later: limits and claims look at tot_pages - extra_pages. Xen: domain_tot_pages(). */
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
  /** Unpaused at least once. Xen: d->creation_finished. */
  creationFinished: boolean;
  isDying: boolean;
}
