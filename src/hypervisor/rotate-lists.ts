/**
 * Dirty heads put back at the tail, many times at once: what repeated searches for a clean buddy leave behind.
 *
 * Models the part of get_free_buddy(), xen/common/page_alloc.c, that passes over a dirty buddy.
 */
import type { BuddyRequest } from './get-free-buddy.ts';
import { type Heap, NIL, NR_ORDERS, NR_ZONES, RUN_BASE } from './heap-state.ts';
import { noteList } from './heap-undo.ts';
import { nextOf, prevOf, setNext, setPrev } from './page-list.ts';
import { splitRun } from './page-run.ts';

/** Turns every list that a search passes which finds nothing clean at all, `times` over. No head is clean. */
export function rotateAll(h: Heap, r: BuddyRequest, times: number): void {
  for (let node = 0; node < h.nodeIds.length; node++) {
    if (!r.exact || node === r.node) rotateAbove(h, r, node, r.zoneLo - 1, times);
  }
}

/** Turns the lists that a search on `node` passes in the zones above `zone`, `times` over. No head is clean. */
export function rotateAbove(h: Heap, r: BuddyRequest, node: number, zone: number, times: number): void {
  if (times === 0) return;
  const wanted = ~((1 << r.order) - 1);
  const top = Math.min(r.zoneHi, h.topZone[node]!);
  for (let z = top; z > zone; z--) {
    const at = node * NR_ZONES + z;
    for (let orders = h.orderMask[at]! & wanted; orders !== 0; orders &= orders - 1) {
      rotate(h, at * NR_ORDERS + 31 - Math.clz32(orders & -orders), times);
    }
  }
}

const buddiesAt = (h: Heap, node: number): number => (node >= 0 ? 1 : h.runCount[RUN_BASE - node]!);

/** Turns a list until its buddy number `times`, counted around, is its head. */
function rotate(h: Heap, list: number, times: number): void {
  let left = times;
  let node = h.listHead[list]!;
  let seen = 0;
  for (let at = node; at !== NIL && seen <= times; at = nextOf(h, at)) seen += buddiesAt(h, at);
  if (seen <= times) left = times % seen;
  while (left >= buddiesAt(h, node)) {
    left -= buddiesAt(h, node);
    node = nextOf(h, node);
  }
  if (left > 0) node = RUN_BASE - splitRun(h, RUN_BASE - node, left);
  makeHead(h, list, node);
}

/** Lets a list begin at `node`, with what was before it behind its tail. */
function makeHead(h: Heap, list: number, node: number): void {
  const head = h.listHead[list]!;
  if (node === head) return;
  const tail = h.listTail[list]!;
  const last = prevOf(h, node);
  setNext(h, tail, head);
  setPrev(h, head, tail);
  setNext(h, last, NIL);
  setPrev(h, node, NIL);
  noteList(h, list);
  h.listHead[list] = node;
  h.listTail[list] = last;
}
