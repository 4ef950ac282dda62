/**
 * Doubly linked lists whose nodes are runs or single pages, linked by index.
 *
 * Models page_list_add, page_list_add_tail, page_list_del (xen/include/xen/mm.h); Xen links struct page_info by
 * 32-bit index as well.
 */
import { type Heap, NIL, NR_ORDERS, RUN_BASE } from './heap-state.ts';
import { noteList, notePage, noteRun, noteSpareList, noteZone } from './heap-undo.ts';

const freeLists = (h: Heap): number => h.orderMask.length * NR_ORDERS;

/** Sets one link; the caller keeps both directions equal. */
export const setNext = (h: Heap, node: number, next: number): void => {
  if (node >= 0) {
    notePage(h, node);
    h.pgNext[node] = next;
    return;
  }
  noteRun(h, RUN_BASE - node);
  h.runNext[RUN_BASE - node] = next;
};
/** The other direction of setNext(). */
export const setPrev = (h: Heap, node: number, prev: number): void => {
  if (node >= 0) {
    notePage(h, node);
    h.pgPrev[node] = prev;
    return;
  }
  noteRun(h, RUN_BASE - node);
  h.runPrev[RUN_BASE - node] = prev;
};

export const nextOf = (h: Heap, node: number): number =>
  node >= 0 ? h.pgNext[node]! : h.runNext[RUN_BASE - node]!;
export const prevOf = (h: Heap, node: number): number =>
  node >= 0 ? h.pgPrev[node]! : h.runPrev[RUN_BASE - node]!;

/** Puts `node` first. Models page_list_add(), xen/include/xen/mm.h. */
export function linkHead(h: Heap, list: number, node: number): void {
  const head = h.listHead[list]!;
  noteList(h, list);
  setPrev(h, node, NIL);
  setNext(h, node, head);
  h.listHead[list] = node;
  if (head === NIL) becameUsed(h, list, node);
  else setPrev(h, head, node);
}

/** Puts `node` last. Models page_list_add_tail(), xen/include/xen/mm.h. */
export function linkTail(h: Heap, list: number, node: number): void {
  const tail = h.listTail[list]!;
  noteList(h, list);
  setNext(h, node, NIL);
  setPrev(h, node, tail);
  h.listTail[list] = node;
  if (tail === NIL) {
    h.listHead[list] = node;
    becameUsed(h, list, node);
  } else setNext(h, tail, node);
}

function becameUsed(h: Heap, list: number, node: number): void {
  h.listTail[list] = node;
  if (list >= freeLists(h)) return;
  const order = list % NR_ORDERS;
  const zone = (list - order) / NR_ORDERS;
  noteZone(h, zone);
  h.orderMask[zone] = h.orderMask[zone]! | (1 << order);
}

/** Puts `node` right behind `before`. */
export function linkAfter(h: Heap, list: number, before: number, node: number): void {
  const next = nextOf(h, before);
  noteList(h, list);
  setPrev(h, node, before);
  setNext(h, node, next);
  setNext(h, before, node);
  if (next === NIL) h.listTail[list] = node;
  else setPrev(h, next, node);
}

/** Takes `node` out. Models page_list_del(), xen/include/xen/mm.h. */
export function unlinkNode(h: Heap, list: number, node: number): void {
  const next = nextOf(h, node);
  const prev = prevOf(h, node);
  noteList(h, list);
  if (prev === NIL) h.listHead[list] = next;
  else setNext(h, prev, next);
  if (next === NIL) h.listTail[list] = prev;
  else setPrev(h, next, prev);
  if (prev !== NIL || next !== NIL || list >= freeLists(h)) return;
  const order = list % NR_ORDERS;
  const zone = (list - order) / NR_ORDERS;
  noteZone(h, zone);
  h.orderMask[zone] = h.orderMask[zone]! & ~(1 << order);
}

/** A list id for a domain's own list. */
export function newList(h: Heap): number {
  const spare = h.spareLists.pop();
  if (spare !== undefined) {
    noteSpareList(h, spare, true);
    return spare;
  }
  if (h.listLimit === h.listHead.length) {
    const size = Math.ceil(h.listLimit * 1.5) + 64;
    const head = new Int32Array(size).fill(NIL);
    const tail = new Int32Array(size).fill(NIL);
    head.set(h.listHead);
    tail.set(h.listTail);
    h.listHead = head;
    h.listTail = tail;
  }
  return h.listLimit++;
}
