/**
 * Taking from a heap of which the class is known, without a heap.
 *
 * Where every free buddy is clean or dirty from its first page to its last, the class says what alloc_heap_pages() takes
 * and what it leaves (docs/exploration.md, "When the class is enough"); where some are not, it says so as long as clean
 * ones are taken. So what a populate makes of a class is worked out
 * on the words that stand for it (memory-class.ts), and no host has to be taken there.
 */
import { NR_ORDERS } from '../hypervisor/heap-state.ts';
import { MAX_ORDER, sizeOfOrder } from '../hypervisor/units.ts';
import {
  CLASS_CLAIMS,
  CLASS_DMA_BITS,
  CLASS_IN_FLIGHT,
  CLASS_LISTS,
  CLASS_MARK,
  CLASS_NEED_SCRUB,
  CLASS_OFFLINING,
} from './memory-class.ts';

/** What is asked of the heap: extents for a domain, from anywhere. */
export interface ClassTake {
  readonly order: number;
  readonly extents: number;
  /** The domain scrubs for itself what it gets. Xen: MEMF_no_scrub. */
  readonly noScrub: boolean;
  /** The domain's claim, in pages. Xen: d->outstanding_pages. */
  readonly claimed: number;
}

/** The free lists of a class of one node while blocks are taken; lists ascend. Use it again and again. */
export interface ClassLists {
  /** Words before the lists. */
  readonly head: number[];
  /** Of each list: its number, buddies, and how many of them are dirty. */
  readonly lists: number[];
  readonly free: number[];
  readonly dirty: number[];
  /** Pages that are free; and if all dirty buddies are dirty throughout, those that are dirty. */
  pages: number;
  dirtyPages: number;
}

export const newClassLists = (): ClassLists => ({
  head: [],
  lists: [],
  free: [],
  dirty: [],
  pages: 0,
  dirtyPages: 0,
});

/** Reads a class of a heap of one node, `room` words from `at` on. False: something in it is out of the ordinary. */
export function readClass(into: ClassLists, words: Int32Array, at: number, room: number): boolean {
  if (words[at + CLASS_MARK] !== 0 || words[at + CLASS_IN_FLIGHT] !== 0) return false;
  const { head, lists, free, dirty } = into;
  head.length = 0;
  lists.length = 0;
  free.length = 0;
  dirty.length = 0;
  for (let i = 0; i < CLASS_LISTS; i++) head.push(words[at + i]!);
  into.pages = 0;
  into.dirtyPages = 0;
  for (let i = CLASS_LISTS; i + 2 < room && words[at + i + 1] !== 0; i += 3) {
    const list = words[at + i]!;
    const size = sizeOfOrder(list % NR_ORDERS);
    lists.push(list);
    free.push(words[at + i + 1]!);
    dirty.push(words[at + i + 2]!);
    into.pages += size * words[at + i + 1]!;
    into.dirtyPages += size * words[at + i + 2]!;
  }
  // Words have 32 bits.
  return head[CLASS_CLAIMS]! >= 0;
}

/** Whether a class that was read just now says what becomes of it while memory is taken. */
export const isWhole = ({ head, dirtyPages }: ClassLists): boolean =>
  // Buddies that are dirty in part hold fewer dirty pages than pages.
  head[CLASS_OFFLINING] === 0 && dirtyPages === head[CLASS_NEED_SCRUB];

/** How many words the class has as it is now. */
export const wordsOfClass = ({ lists }: ClassLists): number => CLASS_LISTS + 3 * lists.length;

/** Writes them from `at` on. Returns where they end. */
export function writeClass({ head, lists, free, dirty }: ClassLists, words: Int32Array, at: number): number {
  let to = at;
  for (let i = 0; i < CLASS_LISTS; i++) words[to++] = head[i]!;
  for (let i = 0; i < lists.length; i++) {
    words[to++] = lists[i]!;
    words[to++] = free[i]!;
    words[to++] = dirty[i]!;
  }
  return to;
}

/**
 * Takes extents as alloc_heap_pages() does one after the other; returns how many there were. -1: the class does not say,
 * for one would come from a dirty buddy, and some are dirty in part.
 */
export function takeFromClass(h: ClassLists, asked: ClassTake): number {
  const { order, extents } = asked;
  if (order > MAX_ORDER) return 0;
  const isSure = isWhole(h);
  const size = sizeOfOrder(order);
  let { claimed } = asked;
  let done = 0;
  while (done < extents) {
    const passed = claimGateOfClass(h, size, claimed, extents - done);
    const at = passed === 0 ? -1 : findInClass(h, asked);
    if (at < 0) break;
    if (!isSure && h.free[at] === h.dirty[at]) return -1;
    const taken = takeBlocks(h, at, order, passed);
    const used = Math.min(claimed, taken * size);
    claimed -= used;
    h.head[CLASS_CLAIMS] = h.head[CLASS_CLAIMS]! - used;
    done += taken;
  }
  return done;
}

/** Extents that pass one after the other. Models the test at the start of alloc_heap_pages(): see claimGate(). */
function claimGateOfClass(h: ClassLists, size: number, claimed: number, want: number): number {
  if (claimed >= size) return Math.min(want, Math.floor(claimed / size));
  const room = h.pages - h.head[CLASS_CLAIMS]!;
  if (room < size) return 0;
  return claimed === 0 ? Math.min(want, Math.floor(room / size)) : 1;
}

/** The place of the list that serves, or -1: above the DMA width first, clean buddies before dirty ones. */
function findInClass(h: ClassLists, { order, noScrub }: ClassTake): number {
  const dmaZone = h.head[CLASS_DMA_BITS]! - 12;
  const isAny = noScrub || order === 0;
  const high = dmaZone > 0 ? findCleanFirst(h, order, dmaZone + 1, isAny) : -1;
  return high >= 0 ? high : findCleanFirst(h, order, 1, isAny);
}

function findCleanFirst(h: ClassLists, order: number, zoneLo: number, isAny: boolean): number {
  const first = findInZones(h, order, zoneLo, isAny);
  return first >= 0 || isAny ? first : findInZones(h, order, zoneLo, true);
}

/** Zones from high to low, orders from small to large. Models get_free_buddy(), xen/common/page_alloc.c. */
function findInZones(
  { lists, free, dirty }: ClassLists,
  order: number,
  zoneLo: number,
  any: boolean,
): number {
  let found = -1;
  let zone = -1;
  for (let i = lists.length - 1; i >= 0; i--) {
    const list = lists[i]!;
    const own = Math.floor(list / NR_ORDERS);
    if (own < zoneLo || (found >= 0 && own < zone)) break;
    // Clean buddies come first in a list, so its head is clean if any is.
    if (list % NR_ORDERS < order || free[i] === 0 || (!any && free[i] === dirty[i])) continue;
    found = i;
    zone = own;
  }
  return found;
}

/** Takes blocks off the buddies at the head of a list, at most as many as are as clean as the first; returns how many. */
function takeBlocks(h: ClassLists, at: number, order: number, want: number): number {
  const list = h.lists[at]!;
  const own = list % NR_ORDERS;
  const clean = h.free[at]! - h.dirty[at]!;
  const isDirty = clean === 0;
  const per = sizeOfOrder(own - order);
  const n = Math.min(want, per * (isDirty ? h.dirty[at]! : clean));
  const buddies = Math.ceil(n / per);
  put(h, list, -buddies, isDirty);
  // What is left of the last one are its lower parts, each as large as it can be.
  let kept = (buddies * per - n) * sizeOfOrder(order);
  for (let part = own - 1; kept > 0; part--) {
    const size = sizeOfOrder(part);
    if (kept < size) continue;
    put(h, list - own + part, 1, isDirty);
    kept -= size;
  }
  const taken = n * sizeOfOrder(order);
  h.pages -= taken;
  if (!isDirty) return n;
  h.dirtyPages -= taken;
  h.head[CLASS_NEED_SCRUB] = h.head[CLASS_NEED_SCRUB]! - taken;
  return n;
}

/** Adds buddies to a list, or takes them off. */
function put({ lists, free, dirty }: ClassLists, list: number, n: number, isDirty: boolean): void {
  let at = lists.length;
  while (at > 0 && lists[at - 1]! > list) at--;
  at--;
  if (at < 0 || lists[at] !== list) {
    at++;
    lists.splice(at, 0, list);
    free.splice(at, 0, 0);
    dirty.splice(at, 0, 0);
  }
  free[at] = free[at]! + n;
  if (isDirty) dirty[at] = dirty[at]! + n;
  if (free[at] !== 0) return;
  lists.splice(at, 1);
  free.splice(at, 1);
  dirty.splice(at, 1);
}
