/** The idle scrubber. Models scrub_free_pages() and node_to_scrub(), xen/common/page_alloc.c. */
import { newBuddy, popTail, queueBuddy, queueRun, tailBuddy } from './free-list.ts';
import {
  type Buddy,
  CLEAN,
  FULL,
  type Heap,
  MIXED,
  NIL,
  NR_ORDERS,
  NR_ZONES,
  RUN_BASE,
} from './heap-state.ts';
import { noteNode } from './heap-undo.ts';
import { dirtyPages, fillDirty, isDirty } from './page-dirty.ts';
import { linkTail, unlinkNode } from './page-list.ts';
import { freeMeta, relieve, setMeta } from './page-region.ts';
import { dropRun } from './page-run.ts';
import { MAX_ORDER } from './units.ts';

const CLEANED = 100;
const LOOKED_AT = 1;
const BUDGET = 800;

/** A call's progress. */
interface Scrub {
  readonly node: number;
  readonly pending: boolean;
  cnt: number;
  stop: boolean;
}

/**
 * One call on a CPU of node id `cpu`; `pending`: softirqs wait. Answers whether there is more to do.
 * Models scrub_free_pages(), xen/common/page_alloc.c.
 */
export function scrubFreePages(h: Heap, cpu: number, pending: boolean): boolean {
  const node = nodeToScrub(h, cpu);
  if (node >= 0) scrubNode(h, { node, pending, cnt: 0, stop: false });
  const own = h.nodeIndex[cpu] ?? -1;
  return (own >= 0 && h.needScrub[own]! > 0) || h.nodeIds.some((_, i) => isBare(h, i) && h.needScrub[i]! > 0);
}

const isBare = (h: Heap, idx: number): boolean =>
  h.boot.nodes.find((n) => n.node === h.nodeIds[idx])?.cpus === false;

/** The CPU's own node, else the nearest memory-only one with work; -1: none. Models node_to_scrub(). */
function nodeToScrub(h: Heap, cpu: number): number {
  const own = h.nodeIndex[cpu] ?? -1;
  if (own >= 0 && h.needScrub[own]! > 0) return own;
  const n = h.nodeIds.length;
  const start = h.nodeIds.findIndex((id) => id > cpu);
  let best = -1;
  let shortest = Number.POSITIVE_INFINITY;
  for (let k = 0; k < n; k++) {
    const i = ((start < 0 ? 0 : start) + k) % n;
    if (i === own || !isBare(h, i) || h.needScrub[i]! <= 0) continue;
    const distance = h.boot.distances?.[cpu]?.[h.nodeIds[i]!] ?? 20;
    if (distance >= shortest) continue;
    best = i;
    shortest = distance;
  }
  return best;
}

function scrubNode(h: Heap, s: Scrub): void {
  const buddy = newBuddy();
  for (let zone = 0; zone < NR_ZONES; zone++)
    for (let order = MAX_ORDER; order >= 0; order--) {
      const list = (s.node * NR_ZONES + zone) * NR_ORDERS + order;
      while (h.listTail[list] !== NIL) {
        if (scrubWholeRun(h, s, list)) continue;
        tailBuddy(h, list, buddy);
        if (buddy.fd === -1) break;
        scrubBuddy(h, s, list, buddy);
        if (s.stop || h.needScrub[s.node]! <= 0) {
          relieve(h);
          return;
        }
      }
    }
  relieve(h);
}

/** A run of all-dirty buddies at the tail goes to the head in one go, which keeps its order. */
function scrubWholeRun(h: Heap, s: Scrub, list: number): boolean {
  const node = h.listTail[list]!;
  if (s.pending || node >= NIL) return false;
  const id = RUN_BASE - node;
  const count = h.runCount[id]!;
  const size = h.runSize[id]!;
  if (h.runVal[id] === -1 || h.runKind[id]! >>> 3 !== FULL || count === 1) return false;
  if (h.needScrub[s.node]! <= count * size) return false;
  const first = h.runFirst[id]! + (count - 1) * h.runStride[id]!;
  const stride = -h.runStride[id]!;
  dropRun(h, id);
  queueRun(h, list, first, count, stride, size, -1, CLEAN);
  noteNode(h, s.node);
  h.needScrub[s.node] = h.needScrub[s.node]! - count * size;
  return true;
}

/** Looks at the pages of the list's last buddy from its first dirty one on. */
function scrubBuddy(h: Heap, s: Scrub, list: number, b: Buddy): void {
  const size = 2 ** b.order;
  let i = b.fd;
  let cleaned = 0;
  if (!s.pending) {
    cleaned = dirtyPages(h, b.mfn + i, size - i, b.dirty);
    i = size;
  } else {
    for (; i < size; i++) {
      const dirty = b.dirty === FULL || (b.dirty === MIXED && isDirty(h, b.mfn + i));
      if (dirty) cleaned++;
      s.cnt += dirty ? CLEANED : LOOKED_AT;
      if (s.cnt > BUDGET) {
        s.stop = true;
        break;
      }
    }
  }
  noteNode(h, s.node);
  h.needScrub[s.node] = h.needScrub[s.node]! - cleaned;
  if (i >= size - 1) {
    popTail(h, list);
    queueBuddy(h, b.mfn, b.order, -1, CLEAN);
    return;
  }
  keepScrubbing(h, list, b, i + 1);
}

/** The buddy stays where it is with its first pages clean. */
function keepScrubbing(h: Heap, list: number, b: Buddy, fd: number): void {
  const size = 2 ** b.order;
  if (b.dirty === FULL) fillDirty(h, b.mfn, size, true);
  fillDirty(h, b.mfn, fd, false);
  const node = h.listTail[list]!;
  if (node >= 0) {
    setMeta(h, node, freeMeta(b.order, fd, MIXED));
    unlinkNode(h, list, node);
    linkTail(h, list, node);
    return;
  }
  popTail(h, list);
  queueBuddy(h, b.mfn, b.order, fd, MIXED);
}
