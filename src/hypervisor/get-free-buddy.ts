/**
 * Finding the free buddy a request gets: node by node, zone by zone, order by order.
 *
 * Models get_free_buddy(), xen/common/page_alloc.c. A walk either looks only, or rotates dirty heads out of the way as
 * Xen does.
 */

import { headBuddy, newBuddy, popHead, queueBuddy } from './free-list.ts';
import { type Heap, type HeapDomain, NIL, NR_ORDERS, NR_ZONES, RUN_BASE } from './heap-state.ts';
import { metaFd } from './page-region.ts';

/** The walk's answers besides a node index: no buddy; lists must be rotated, so look again in earnest. */
export const NOT_FOUND = -1;
export const MUST_ROTATE = -2;

/** What a walk does at a dirty head in its way: answer MUST_ROTATE, put it at the tail as Xen does, or leave it. */
export type Walk = 'look' | 'rotate' | 'pass';

/** What get_free_buddy() is asked for, zones included. */
export interface BuddyRequest {
  readonly order: number;
  zoneLo: number;
  zoneHi: number;
  noScrub: boolean;
  /** Requested node index; -1: none; -2: a node that is not online. */
  readonly node: number;
  readonly exact: boolean;
  readonly d: HeapDomain | null;
}

/** First allowed node with an id above `id`, else the first allowed one. Models cycle_node(). */
function cycleNode(h: Heap, mask: Uint8Array | null, id: number): number {
  const n = h.nodeIds.length;
  let first = -1;
  for (let i = 0; i < n; i++) {
    if (mask !== null && mask[i] === 0) continue;
    if (h.nodeIds[i]! > id) return i;
    if (first < 0) first = i;
  }
  return first;
}

/** Node index where the walk starts for a domain whose last allocation came from `lastNode` (an id). */
const startNode = (h: Heap, r: BuddyRequest, lastNode: number): number => {
  if (r.node !== -1) return r.node;
  if (r.d !== null) return cycleNode(h, r.d.nodeMask, lastNode);
  return h.nodeIndex[h.boot.cpuNode]!;
};

/**
 * Walks the nodes. Answers the index of the node that serves, with h.foundList set to the free list whose head is the
 * buddy; NOT_FOUND; or, when it only looks, MUST_ROTATE. Models get_free_buddy(), xen/common/page_alloc.c.
 */
export function getFreeBuddy(h: Heap, r: BuddyRequest, lastNode: number, walk: Walk): number {
  let mask = r.d === null ? null : r.d.nodeMask;
  let node = startNode(h, r, lastNode);
  const asked = r.node !== -1;
  let first = node;
  let second = false;
  for (;;) {
    if (node >= 0) {
      const found = searchNode(h, r, node, walk);
      if (found !== NOT_FOUND) return found === MUST_ROTATE ? MUST_ROTATE : node;
    }
    if (asked && r.exact) return NOT_FOUND;
    if (node < 0 || (mask !== null && mask[node] === 0)) {
      // Only the requested first node can be outside the mask.
      node = cycleNode(h, mask, -1);
      first = node;
      continue;
    }
    node = cycleNode(h, mask, h.nodeIds[node]!);
    if (node !== first) continue;
    if (r.exact || second || mask === null) return NOT_FOUND;
    second = true;
    mask = mask.map((x) => 1 - x);
    node = cycleNode(h, mask, -1);
    if (node < 0) return NOT_FOUND;
    first = node;
  }
}

/** The nodes that a walk leaves without a buddy before the one it was found on; null where that cannot be told. */
export function nodesPassed(h: Heap, r: BuddyRequest, lastNode: number, found: number): number[] | null {
  const passed: number[] = [];
  const first = startNode(h, r, lastNode);
  if (first === found) return passed;
  if (r.node !== -1 || first < 0) return null;
  let mask = r.d === null ? null : r.d.nodeMask;
  for (let node = first; node !== found; ) {
    passed.push(node);
    node = cycleNode(h, mask, h.nodeIds[node]!);
    if (!passed.includes(node)) continue;
    if (mask === null || passed.length === h.nodeIds.length) return null;
    mask = mask.map((x) => 1 - x);
    node = cycleNode(h, mask, -1);
    if (node < 0) return null;
  }
  return passed;
}

/** Looks on one node, zones from high to low, orders from small to large. */
export function searchNode(h: Heap, r: BuddyRequest, node: number, walk: Walk): number {
  const base = node * NR_ZONES;
  const top = Math.min(r.zoneHi, h.topZone[node]!);
  const wanted = ~((1 << r.order) - 1);
  const any = r.order === 0 || r.noScrub;
  for (let zone = top; zone >= r.zoneLo; zone--) {
    let orders = h.orderMask[base + zone]! & wanted;
    while (orders !== 0) {
      const order = 31 - Math.clz32(orders & -orders);
      const list = (base + zone) * NR_ORDERS + order;
      if (any || headIsClean(h, list)) {
        h.foundList = list;
        return node;
      }
      if (walk !== 'pass' && (h.listHead[list] !== h.listTail[list] || isLongRun(h, list))) {
        if (walk === 'look') return MUST_ROTATE;
        rotateHead(h, list);
      }
      orders &= orders - 1;
    }
  }
  return NOT_FOUND;
}

const headIsClean = (h: Heap, list: number): boolean => {
  const node = h.listHead[list]!;
  return node >= 0 ? metaFd(h.pgMeta[node]!) === -1 : h.runVal[RUN_BASE - node] === -1;
};

const isLongRun = (h: Heap, list: number): boolean => {
  const node = h.listHead[list]!;
  return node < NIL && h.runCount[RUN_BASE - node]! > 1;
};

/** Puts the dirty head of a list back at its tail. */
function rotateHead(h: Heap, list: number): void {
  const buddy = newBuddy();
  headBuddy(h, list, buddy);
  popHead(h, list);
  queueBuddy(h, buddy.mfn, buddy.order, buddy.fd, buddy.dirty);
}
