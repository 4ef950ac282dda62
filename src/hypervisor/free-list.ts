/**
 * Free lists: queueing buddies, finding and unlinking them.
 *
 * Models page_list_add_scrub() and the heap() lists, xen/common/page_alloc.c.
 */
import { ASSERT } from './bug.ts';
import {
  type Buddy,
  CLEAN,
  freeListId,
  type Heap,
  KIND_FREE,
  NR_ORDERS,
  REGION_ORDER,
  RUN_BASE,
  spanOf,
  zoneOf,
} from './heap-state.ts';
import { linkHead, linkTail } from './page-list.ts';
import {
  dropSlot,
  freeMeta,
  metaDirty,
  metaFd,
  metaKind,
  metaOrder,
  setMeta,
  slotMfn,
  slotOf,
} from './page-region.ts';
import {
  blockBase,
  blockIndex,
  freeRunAt,
  joinHead,
  joinTail,
  newRun,
  runAt,
  takeFromRun,
} from './page-run.ts';
import { sizeOfOrder } from './units.ts';

/** Free list of the buddy at `mfn`. */
const listOfBuddy = (h: Heap, mfn: number, order: number): number =>
  freeListId(h.spanNode[spanOf(h, mfn)]!, zoneOf(mfn), order);

/** Queues one buddy: a clean one at the head, a dirty one at the tail. Models page_list_add_scrub(), xen/common/page_alloc.c. */
export function queueBuddy(h: Heap, mfn: number, order: number, fd: number, dirty: number): void {
  const list = listOfBuddy(h, mfn, order);
  const slot = order < REGION_ORDER ? slotOf(h, mfn) : -1;
  if (slot >= 0) {
    setMeta(h, slot, freeMeta(order, fd, dirty));
    if (fd === -1) linkHead(h, list, slot);
    else linkTail(h, list, slot);
    return;
  }
  queueRun(h, list, mfn, 1, sizeOfOrder(order), sizeOfOrder(order), fd, dirty);
}

/** Queues the buddies of a run one after the other. No region of theirs is kept page by page. */
export function queueRun(
  h: Heap,
  list: number,
  first: number,
  count: number,
  stride: number,
  size: number,
  fd: number,
  dirty: number,
): void {
  const kind = KIND_FREE | (dirty << 3);
  if (fd === -1) {
    const last = first + (count - 1) * stride;
    if (joinHead(h, list, last, count, -stride, size, kind, fd)) return;
    const id = newRun(h, last, count, -stride, size, kind, fd);
    h.runList[id] = list;
    linkHead(h, list, RUN_BASE - id);
    return;
  }
  if (joinTail(h, list, first, count, stride, size, kind, fd)) return;
  const id = newRun(h, first, count, stride, size, kind, fd);
  h.runList[id] = list;
  linkTail(h, list, RUN_BASE - id);
}

/** firstDirty of the part `[offset, offset + size)` of a buddy after splitting. */
const fdOfPart = (fd: number, offset: number, size: number): number => {
  if (fd === -1) return -1;
  const rest = fd > offset ? fd - offset : 0;
  return rest < size ? rest : -1;
};

/** The first buddy of a free list, which is not empty. */
export function headBuddy(h: Heap, list: number, out: Buddy): void {
  const node = h.listHead[list]!;
  out.order = list % NR_ORDERS;
  if (node >= 0) {
    const meta = h.pgMeta[node]!;
    out.mfn = slotMfn(h, node);
    out.fd = metaFd(meta);
    out.dirty = metaDirty(meta);
    return;
  }
  const id = RUN_BASE - node;
  out.mfn = h.runFirst[id]!;
  out.fd = h.runVal[id]!;
  out.dirty = h.runKind[id]! >>> 3;
}

/** The last buddy of a free list, which is not empty. */
export function tailBuddy(h: Heap, list: number, out: Buddy): void {
  const node = h.listTail[list]!;
  out.order = list % NR_ORDERS;
  if (node >= 0) {
    const meta = h.pgMeta[node]!;
    out.mfn = slotMfn(h, node);
    out.fd = metaFd(meta);
    out.dirty = metaDirty(meta);
    return;
  }
  const id = RUN_BASE - node;
  out.mfn = blockBase(h, id, h.runCount[id]! - 1);
  out.fd = h.runVal[id]!;
  out.dirty = h.runKind[id]! >>> 3;
}

/** Unlinks the first buddy of a list. */
export function popHead(h: Heap, list: number): void {
  const node = h.listHead[list]!;
  if (node >= 0) dropSlot(h, node, list);
  else takeFromRun(h, RUN_BASE - node, 0, 1);
}

/** Unlinks the last buddy of a list. */
export function popTail(h: Heap, list: number): void {
  const node = h.listTail[list]!;
  if (node >= 0) dropSlot(h, node, list);
  else takeFromRun(h, RUN_BASE - node, h.runCount[RUN_BASE - node]! - 1, 1);
}

/** Unlinks the free buddy of exactly this order at `mfn`, if there is one, and describes it. */
export function unlinkBuddy(h: Heap, mfn: number, order: number, out: Buddy): boolean {
  const slot = order < REGION_ORDER ? slotOf(h, mfn) : -1;
  if (slot >= 0) {
    const meta = h.pgMeta[slot]!;
    if (metaKind(meta) !== KIND_FREE || metaOrder(meta) !== order) return false;
    out.fd = metaFd(meta);
    out.dirty = metaDirty(meta);
    dropSlot(h, slot, listOfBuddy(h, mfn, order));
  } else {
    const id = freeRunAt(h, mfn, sizeOfOrder(order));
    if (id < 0) return false;
    out.fd = h.runVal[id]!;
    out.dirty = h.runKind[id]! >>> 3;
    takeFromRun(h, id, blockIndex(h, id, mfn), 1);
  }
  out.mfn = mfn;
  out.order = order;
  return true;
}

/** Describes the free buddy that contains `mfn`; false if there is none. */
export function buddyAround(h: Heap, mfn: number, out: Buddy): boolean {
  const slot = slotOf(h, mfn);
  if (slot < 0) {
    const id = runAt(h, mfn);
    if (id < 0 || (h.runKind[id]! & 7) !== KIND_FREE) return false;
    out.mfn = blockBase(h, id, blockIndex(h, id, mfn));
    out.order = 31 - Math.clz32(h.runSize[id]!);
    out.fd = h.runVal[id]!;
    out.dirty = h.runKind[id]! >>> 3;
    return true;
  }
  for (let order = 0; order < REGION_ORDER; order++) {
    const size = sizeOfOrder(order);
    const head = slot - (mfn % size);
    const meta = h.pgMeta[head]!;
    if (metaKind(meta) !== KIND_FREE || metaOrder(meta) < order) continue;
    if (slot - head >= sizeOfOrder(metaOrder(meta))) continue;
    out.mfn = mfn - (slot - head);
    out.order = metaOrder(meta);
    out.fd = metaFd(meta);
    out.dirty = metaDirty(meta);
    return true;
  }
  return false;
}

export const newBuddy = (): Buddy => ({ mfn: 0, order: 0, fd: -1, dirty: CLEAN });

/** Queues what remains of a buddy below `kept` pages: the largest piece lowest, as repeated halving leaves it. */
export function queueRemainder(h: Heap, buddy: Buddy, kept: number): void {
  let at = 0;
  while (at < kept) {
    const o = 31 - Math.clz32(kept - at);
    const size = 1 << o;
    const fd = fdOfPart(buddy.fd, at, size);
    queueBuddy(h, buddy.mfn + at, o, fd, fd === -1 ? CLEAN : buddy.dirty);
    at += size;
  }
  ASSERT(at === kept, 'the remainder of a buddy is queued whole');
}
