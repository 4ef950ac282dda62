/**
 * Xen's memory without the names of frames: what is left of a state when it is not asked whose page lies where.
 *
 * Of the heap: how many free buddies each (node, zone, order) has and how many of them are dirty, and the claims. Of a
 * domain: its counters and which guest frames are mapped by extents of which order.
 */
import type { Domain } from '../hypervisor/domain-state.ts';
import { listPages } from '../hypervisor/extent-group.ts';
import { type Heap, type HeapDomain, NIL, NR_ORDERS, RUN_BASE } from '../hypervisor/heap-state.ts';
import { nextOf } from '../hypervisor/page-list.ts';
import { metaFd } from '../hypervisor/page-region.ts';
import { type Canon, canonId, canonText } from './canonical.ts';

/** Where words of a class stand: the mark, claims, the DMA width, pages that were, and are being, offlined; of one node: pages to scrub, extents in flight, lists. */
export const CLASS_MARK = 0;
export const CLASS_CLAIMS = 1;
export const CLASS_DMA_BITS = 2;
export const CLASS_SPECIAL = 3;
export const CLASS_OFFLINING = 4;
export const CLASS_NEED_SCRUB = 5;
export const CLASS_IN_FLIGHT = 6;
export const CLASS_LISTS = 7;

/**
 * Writes the heap by class into `words`, `room` of them from `at` on, 0 behind the last one. Equal words: equal numbers
 * everywhere. `mark` is one of them. Returns how many there are; more than `room` if they did not fit.
 */
export function writeHeapClass(h: Heap, mark: number, words: Int32Array, at: number, room: number): number {
  const end = at + room;
  words.fill(0, at, end);
  let to = at;
  const put = (word: number): void => {
    if (to < end) words[to] = word;
    to++;
  };
  put(mark);
  put(h.outstandingClaims);
  put(h.dmaBits);
  put(h.special.size);
  put(h.offliningPages);
  for (const pages of h.needScrub) put(pages);
  put(h.inFlight.length);
  for (const { by, order, noScrub, isAssigned } of h.inFlight) {
    put(by);
    put(order);
    put((noScrub ? 1 : 0) + (isAssigned ? 2 : 0));
  }
  for (let place = 0; place < h.orderMask.length; place++) {
    let orders = h.orderMask[place]!;
    while (orders !== 0) {
      const order = 31 - Math.clz32(orders & -orders);
      orders &= orders - 1;
      const list = place * NR_ORDERS + order;
      let free = 0;
      let dirty = 0;
      for (let node = h.listHead[list]!; node !== NIL; node = nextOf(h, node)) {
        const id = RUN_BASE - node;
        const count = node >= 0 ? 1 : h.runCount[id]!;
        free += count;
        if ((node >= 0 ? metaFd(h.pgMeta[node]!) : h.runVal[id]!) !== -1) dirty += count;
      }
      // A list that is written has a block, so no list is taken for the 0s behind the last one.
      put(list);
      put(free);
      put(dirty);
    }
  }
  return to - at;
}

/** What is told of a heap of which no more is told than its sums, all in pages. */
export interface HeapSums {
  readonly claims: number;
  readonly free: number;
  /** That were offlined, and that are to be. */
  readonly special: number;
  readonly offlining: number;
}

export const sumsOfHeap = (h: Heap): HeapSums => ({
  claims: h.outstandingClaims,
  free: h.totalAvailPages,
  special: h.special.size,
  offlining: h.offliningPages,
});

/** Writes sums as writeHeapClass() writes a class. No words that that one writes are equal to these. */
export function writeHeapSums(
  { claims, free, special, offlining }: HeapSums,
  mark: number,
  words: Int32Array,
  at: number,
  room: number,
): number {
  words.fill(0, at, at + room);
  const sums = [-1 - mark, claims, free, special, offlining];
  words.set(sums.slice(0, room), at);
  return sums.length;
}

/** The sums that stand from `at` on, without a mark; null: it is something else. */
export const readSums = (words: Int32Array, at: number): HeapSums | null =>
  words[at] === -1
    ? { claims: words[at + 1]!, free: words[at + 2]!, special: words[at + 3]!, offlining: words[at + 4]! }
    : null;

/**
 * By order: free pages that lie in smaller blocks. Of the words that writeHeapClass() wrote, `room` of them from `at` on: of
 * one node, nothing being in flight.
 */
export function dustOfClass(words: Int32Array, at: number, room: number): Float64Array {
  const dust = new Float64Array(NR_ORDERS);
  for (let to = at + CLASS_LISTS; to + 2 < at + room; to += 3) {
    const order = words[to]! % NR_ORDERS;
    for (let above = order + 1; above < NR_ORDERS; above++) dust[above]! += words[to + 1]! * 2 ** order;
  }
  return dust;
}

/** What the heap keeps of a domain, by class. */
export const heapDomainClass = (d: Readonly<HeapDomain>): string =>
  `${d.totPages};${d.outstandingPages};${d.lastAllocNode};${heapDomainRest(d)}`;

/** The same but for what a populate changes. */
export function heapDomainRest(d: Readonly<HeapDomain>): string {
  const flags = `${d.creationFinished ? 'f' : ''}${d.isDying ? 'd' : ''}${d.pendingScrub === null ? '' : 's'}`;
  return `${d.extraPages};${d.maxPages};${flags};${d.nodeAffinity?.join() ?? ''}`;
}

/** Whether heapDomainClass() says the same of both; it may be false where it does. */
export const isSameHeapDomain = (a: HeapDomain, b: HeapDomain): boolean =>
  a.totPages === b.totPages &&
  a.outstandingPages === b.outstandingPages &&
  a.extraPages === b.extraPages &&
  a.maxPages === b.maxPages &&
  a.lastAllocNode === b.lastAllocNode &&
  a.nodeAffinity === b.nodeAffinity &&
  a.creationFinished === b.creationFinished &&
  a.isDying === b.isDying &&
  (a.pendingScrub === null) === (b.pendingScrub === null);

/**
 * A domain's record without what a populate changes, and with every machine frame left out, as text. Records are made of one
 * another, so keys keep their order.
 */
export function domainRest(canon: Canon, d: Domain): string {
  const parts: string[] = [];
  for (const key in d) {
    if (POPULATED.includes(key)) continue;
    const part = FRAMES[key];
    parts.push(part === undefined ? canonText(canon, d[key as keyof Domain]) : part(canon, d));
  }
  // Joined they are one text in memory, put together with + as many as there were parts.
  return parts.join(';');
}

/** The parts of a record that a populate changes. See domain-forms.ts. */
const POPULATED: readonly string[] = ['p2m', 'tables', 'paging', 'maxMappedPfn'];

/** What is left of the other parts that name machine frames. */
const FRAMES: Readonly<Record<string, (canon: Canon, d: Domain) => string>> = {
  pod: (canon, { pod }) =>
    once(canon, pod, () =>
      canonText(canon, { ...pod, super: listPages(pod.super), single: listPages(pod.single) }),
    ),
  structures: (_canon, { structures }) => String(listPages(structures)),
};

/** The text of a value that does not change, made when it is first met. */
function once(canon: Canon, value: object, text: () => string): string {
  const known = canon.known.get(value);
  if (known !== undefined) return known;
  const made = `#${canonId(canon, text())}`;
  canon.known.set(value, made);
  return made;
}
