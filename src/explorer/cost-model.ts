/**
 * What things cost on the virtual clock: every number with its source and how strong that source is.
 *
 * A scenario may replace any of them. docs/cost-model.md is this table in print.
 */
import { parseDuration, timeForm } from './amount.ts';
import { didYouMean } from './did-you-mean.ts';

/** How much a number can be trusted. */
type Strength = 'measured' | 'derived' | 'one report' | 'assumed';

interface Cost {
  /** Nanoseconds. */
  readonly ns: number;
  readonly what: string;
  readonly source: string;
  readonly strength: Strength;
}

export const COSTS = {
  hypercall: {
    ns: 1_000,
    what: 'entering and leaving Xen for a call that only looks something up',
    source: 'no published figure',
    strength: 'assumed',
  },
  claim: {
    ns: 5_000,
    what: 'XENMEM_claim_pages: two locks and some arithmetic',
    source: 'no published figure; thought to lie between 1 and 10 us',
    strength: 'assumed',
  },
  create_domain: {
    ns: 200_000,
    what: 'XEN_DOMCTL_createdomain with all it allocates',
    source: 'no published figure',
    strength: 'assumed',
  },
  extent_4k: {
    ns: 2_000,
    what: 'one 4 KiB extent of populate_physmap: allocate, assign, map',
    source: 'Xen 415b58c184: 128 GiB of PV memory by order 9 instead of 0 saves about 60 s, 1.8 us a page',
    strength: 'derived',
  },
  extent_2m: {
    ns: 45_000,
    what: 'one 2 MiB extent: 20 us, and 50 ns a page to initialise its struct pages',
    source: 'no published figure; thought to lie between 5 and 20 us besides the pages',
    strength: 'assumed',
  },
  extent_1g: {
    ns: 1_000_000,
    what: 'one 1 GiB extent',
    source: 'no published figure',
    strength: 'assumed',
  },
  heap_lock_4k: {
    ns: 300,
    what: 'of a 4 KiB extent, the part under heap_lock',
    source: 'no published figure',
    strength: 'assumed',
  },
  heap_lock_2m: {
    ns: 26_000,
    what: 'of a 2 MiB extent, the part under heap_lock: all its struct pages are initialised there',
    source: 'follows from extent_2m and alloc_heap_pages()',
    strength: 'assumed',
  },
  heap_lock_1g: {
    ns: 900_000,
    what: 'of a 1 GiB extent, the part under heap_lock',
    source: 'follows from extent_1g and alloc_heap_pages()',
    strength: 'assumed',
  },
  pool_page: {
    ns: 1_000,
    what: 'one page for the paging pool',
    source: 'no published figure',
    strength: 'assumed',
  },
  free_page: {
    ns: 230,
    what: 'one page given back by a domain that dies; idle CPUs scrub it later',
    source: 'xen-devel 2017-02: 1 TiB takes about a minute with idle-time scrubbing, 17.7 GB/s',
    strength: 'one report',
  },
  scrub_page: {
    ns: 2_000,
    what: 'scrubbing one page on the CPU that allocates it',
    source: 'xen-devel 2017-02: 1 TiB in about 9 minutes, 2.0 GB/s',
    strength: 'one report',
  },
  balloon_page: {
    ns: 39_000,
    what: 'one page of a balloon driver, in or out, within the guest',
    source: 'Qubes qmemman counts on 100 MB/s; Linux 2021: 16 GB take 64 s or more',
    strength: 'one report',
  },
  touch_page: {
    ns: 1_000,
    what: 'a guest writes to a page',
    source: 'no published figure',
    strength: 'assumed',
  },
  migrate_page: {
    ns: 3_300,
    what: 'one page of a guest on its way to another host',
    source: '4 KiB over 10 Gbit/s, nothing else on the wire',
    strength: 'assumed',
  },
  time_slice: {
    ns: 10_000_000,
    what: 'how long a task keeps its CPU while others wait for one',
    source: "credit2's longest slice, xen/common/sched/credit2.c; dom0's own scheduler is not modelled",
    strength: 'assumed',
  },
  xenstore: {
    ns: 20_000,
    what: 'one request to xenstored',
    source: 'no published figure',
    strength: 'assumed',
  },
  file: {
    ns: 100_000,
    what: 'reading or writing a small file',
    source: 'no published figure',
    strength: 'assumed',
  },
} as const satisfies Readonly<Record<string, Cost>>;

type CostName = keyof typeof COSTS;

/** Nanoseconds by name. */
export type CostModel = Readonly<Record<CostName, number>>;

export const defaultCosts: CostModel = Object.fromEntries(
  Object.entries(COSTS).map(([name, cost]) => [name, cost.ns]),
) as unknown as CostModel;

/** A model, and what is wrong with the entries that were to be replaced. */
export interface CostsResult {
  readonly costs: CostModel;
  readonly problems: readonly { readonly key: string; readonly message: string }[];
}

/** The model with some entries replaced: nanoseconds, or durations such as 3us. What is wrong is left as it was. */
export function costsWith(
  base: CostModel,
  changes: Readonly<Record<string, string | number>> | undefined,
): CostsResult {
  const costs: Record<string, number> = { ...base };
  const problems: { key: string; message: string }[] = [];
  for (const [key, value] of Object.entries(changes ?? {})) {
    if (!(key in base)) {
      const meant = didYouMean(key, Object.keys(base));
      const hint = meant === null ? `known are ${Object.keys(base).join(', ')}` : `did you mean "${meant}"?`;
      problems.push({ key, message: `unknown cost "${key}": ${hint}` });
      continue;
    }
    const ns = typeof value === 'number' ? value : parseDuration(value);
    if (ns === null || !Number.isSafeInteger(ns) || ns < 0) {
      problems.push({ key, message: `cost "${key}" is a number of ns or ${timeForm(value)}` });
    } else costs[key] = ns;
  }
  return { costs: costs as unknown as CostModel, problems };
}

/** The cost of one extent of `order` and the part of it under the heap lock; orders between go by their pages. */
export function extentCosts(
  costs: CostModel,
  order: number,
): { readonly all: number; readonly lock: number } {
  if (order === 0) return { all: costs.extent_4k, lock: costs.heap_lock_4k };
  if (order === 9) return { all: costs.extent_2m, lock: costs.heap_lock_2m };
  if (order >= 18) return { all: costs.extent_1g, lock: costs.heap_lock_1g };
  const share = (small: number, large: number): number =>
    Math.round(small + ((large - small) * (2 ** order - 1)) / 511);
  if (order < 9) {
    return {
      all: share(costs.extent_4k, costs.extent_2m),
      lock: share(costs.heap_lock_4k, costs.heap_lock_2m),
    };
  }
  const large = (2 ** (order - 9) - 1) / 511;
  return {
    all: Math.round(costs.extent_2m + (costs.extent_1g - costs.extent_2m) * large),
    lock: Math.round(costs.heap_lock_2m + (costs.heap_lock_1g - costs.heap_lock_2m) * large),
  };
}
