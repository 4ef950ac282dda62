/**
 * Whether a walk by class leaves out what a later step can see: whose each frame is.
 *
 * As long as memory is only taken, a heap's class says what becomes of it. What comes back merges with what lies beside
 * it, and that the class does not say; nor what a split of a partly dirty buddy leaves. From then on nobody sees the
 * difference who asks for single pages or for sums. Argued in docs/exploration.md, "When the class is not enough".
 */
import { FULL, type Heap, NIL, NR_ORDERS, RUN_BASE } from '../hypervisor/heap-state.ts';
import { nextOf } from '../hypervisor/page-list.ts';
import { metaDirty, metaFd } from '../hypervisor/page-region.ts';
import type { MemoryReservation } from '../hypervisor/privcmd.ts';
import type { HypercallRequest } from './call-memo.ts';
import type { Footprint } from './footprint.ts';
import { makeWordList, pushWord, type WordList, wordAt } from './word-list.ts';
import { HEAP } from './world-cells.ts';

/** Forms of the heap that a walk by class met, as far as this is about them. */
export interface OwnershipSeen {
  /** What comes of them is no matter of their class alone. */
  readonly unsure: Set<number>;
  /** Somebody asked what may depend on where memory lies. */
  readonly asked: Set<number>;
  /** In turns: a form, and one that came of it. */
  readonly after: WordList;
}

export const newOwnershipSeen = (): OwnershipSeen => ({
  unsure: new Set(),
  asked: new Set(),
  after: makeWordList(),
});

/** What a space says whose states leave out nothing. */
export const NO_CLASS = { isAbstract: false, bySums: false, ownershipMatters: false } as const;

/** What a step that was made did to the heap. */
interface HeapStep {
  readonly from: number;
  readonly to: number;
  /** Memory came back, or the heap is as isUnsure() says. */
  readonly isUnsure: boolean;
  readonly asks: boolean;
}

/** Remembers a step from one form of the heap to another. */
export function noteHeapStep(seen: OwnershipSeen, { from, to, isUnsure, asks }: HeapStep): void {
  if (asks) seen.asked.add(from);
  if (isUnsure) seen.unsure.add(to);
  if (from === to) return;
  pushWord(seen.after, from);
  pushWord(seen.after, to);
}

/** Whether states that the walk took for one may be different hosts: then their number depends on who was met first. */
export const isAbstract = ({ unsure }: OwnershipSeen): boolean => unsure.size > 0;

/** Whether somebody asked, on some way behind an unsure form, what may depend on where memory lies. */
export function ownershipMatters({ unsure, asked, after }: OwnershipSeen): boolean {
  if (unsure.size === 0 || asked.size === 0) return false;
  const next = new Map<number, number[]>();
  for (let i = 0; i < after.length; i += 2) {
    const from = wordAt(after, i);
    const known = next.get(from);
    if (known === undefined) next.set(from, [wordAt(after, i + 1)]);
    else known.push(wordAt(after, i + 1));
  }
  const seen = new Set(unsure);
  for (const heap of seen) {
    if (asked.has(heap)) return true;
    for (const to of next.get(heap) ?? []) seen.add(to);
  }
  return false;
}

/**
 * Whether what an allocation leaves behind depends on which buddy it takes, of those that are equal by class: some are
 * partly dirty. Or on who has a page: one that is being offlined does not come back, and a stash does if it is not wanted.
 */
export function isUnsure(h: Heap): boolean {
  if (isHeld(h)) return true;
  return h.needScrub.some((pages) => pages > 0) && hasPartlyDirty(h);
}

/** Whether some pages come back to the heap or not by which they are. */
export function isHeld(h: Heap): boolean {
  if (h.offliningPages > 0) return true;
  for (const { pendingScrub } of h.domains.values()) if (pendingScrub !== null) return true;
  return false;
}

function hasPartlyDirty(h: Heap): boolean {
  for (let place = 0; place < h.orderMask.length; place++) {
    let orders = h.orderMask[place]!;
    while (orders !== 0) {
      const order = 31 - Math.clz32(orders & -orders);
      orders &= orders - 1;
      for (let node = h.listHead[place * NR_ORDERS + order]!; node !== NIL; node = nextOf(h, node))
        if (isPartlyDirty(h, node)) return true;
    }
  }
  return false;
}

function isPartlyDirty(h: Heap, node: number): boolean {
  const run = RUN_BASE - node;
  const firstDirty = node >= 0 ? metaFd(h.pgMeta[node]!) : h.runVal[run]!;
  const kind = node >= 0 ? metaDirty(h.pgMeta[node]!) : h.runKind[run]! >>> 3;
  return firstDirty !== -1 && (firstDirty > 0 || kind !== FULL);
}

/** Hypercalls that look at sums of free memory, take single pages from anywhere, give memory back, or let others do so. */
const BY_SUMS: readonly string[] = [
  'XEN_SYSCTL_physinfo',
  'XENMEM_claim_pages',
  'XENMEM_decrease_reservation',
  'XENMEM_remove_from_physmap',
  'XEN_DOMCTL_pausedomain',
  'XEN_DOMCTL_createdomain',
  'XEN_DOMCTL_max_vcpus',
  'XEN_DOMCTL_set_paging_mempool_size',
  'XEN_DOMCTL_destroydomain',
  'SCHEDOP_shutdown',
];

const TAKES: readonly string[] = ['XENMEM_populate_physmap', 'XENMEM_increase_reservation'];

/** Whether the answer to a request, or what becomes of the host by it, may depend on where free memory lies. */
export function asksWhere({ name, args }: HypercallRequest, { cells }: Footprint, nodes: number): boolean {
  if (!cells.includes(HEAP) || BY_SUMS.includes(name)) return false;
  if (name === 'XEN_SYSCTL_numainfo') return nodes > 1;
  return !TAKES.includes(name) || !isAnyPage(args as MemoryReservation, nodes);
}

/** Whether a request takes extents from anywhere, at once: it is served or refused, and asks nothing more. */
export const isPlainTake = ({ name, args }: HypercallRequest): boolean => {
  if (!TAKES.includes(name)) return false;
  const { memFlags } = args as MemoryReservation;
  return memFlags.addressBits === undefined && memFlags.populateOnDemand !== true;
};

/** Whether a request takes extents. */
export const isTake = ({ name }: HypercallRequest): boolean => TAKES.includes(name);

/** Whether extents have to be clean as long as there are such: those of a domain that is not built yet are scrubbed later. */
export const takesClean = ({ domains }: Heap, { name, args }: HypercallRequest): boolean =>
  name !== 'XENMEM_populate_physmap' ||
  domains.get((args as MemoryReservation).domid)?.creationFinished !== false;

/** Single pages, of which any will do. */
export const isAnyPage = ({ extentOrder, memFlags }: MemoryReservation, nodes: number): boolean =>
  extentOrder === 0 && memFlags.addressBits === undefined && (nodes === 1 || memFlags.node === undefined);
