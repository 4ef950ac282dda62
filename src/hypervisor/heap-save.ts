/**
 * The heap as plain data, at the size of its runs.
 *
 * Lists are written in their order; irregular regions are written as the runs they happen to hold. What can be derived
 * (masks, available pages by zone, the sum of claims) is not written. heap-load.ts is the way back.
 */
import {
  chunkOf,
  type ExtentInFlight,
  type Heap,
  type HeapBoot,
  type HeapDomain,
  KIND_POD,
  KIND_XEN,
  MIXED,
  NIL,
  NR_ORDERS,
  REGION,
  RUN_BASE,
  type SavedHeapDomain,
  type SavedPages,
} from './heap-state.ts';
import { dirtyRanges } from './page-dirty.ts';
import { nextOf } from './page-list.ts';
import { metaDirty, metaFd, metaKind, metaOwner, slotMfn } from './page-region.ts';

/** The format of SavedHeap; a reader refuses others. */
export const HEAP_FORMAT = 1;

/** The heap without functions, typed arrays or cycles. */
export interface SavedHeap {
  readonly version: number;
  readonly boot: HeapBoot;
  readonly started: readonly number[];
  /** total_avail_pages, outstanding_claims, dma_bitsize, then the virq's th, high, th_order, th_orig and count. */
  readonly counters: readonly number[];
  readonly needScrub: readonly number[];
  /** Non-empty free lists: the list's number, then flat `first, count, stride, firstDirty, kind of dirty flags`. */
  readonly free: readonly (readonly number[])[];
  /** Dirty pages of buddies that are partly dirty: flat `first, length`. */
  readonly dirty: readonly number[];
  /** Xen heap blocks: flat `first, count, stride, size`. */
  readonly xen: readonly number[];
  /** Pages with offline flags: flat `mfn, flags`. */
  readonly special: readonly number[];
  /** Absent: no hypercall holds any. */
  readonly inFlight?: readonly ExtentInFlight[];
  readonly domains: readonly SavedHeapDomain[];
}

/** Writes the heap down. The result shares nothing with it but `boot`. */
export function saveHeap(h: Heap): SavedHeap {
  const dirty: number[] = [];
  const off = offList(h);
  return {
    version: HEAP_FORMAT,
    boot: h.boot,
    started: [...h.started],
    counters: [
      h.totalAvailPages,
      h.outstandingClaims,
      h.dmaBits,
      h.virqTh,
      h.virqHigh,
      h.virqThOrder,
      h.virqThOrig,
      h.virqCount,
    ],
    needScrub: [...h.needScrub],
    free: freeLists(h, dirty),
    dirty,
    xen: off.get(KIND_XEN) ?? [],
    special: [...h.special].sort((a, b) => a[0] - b[0]).flat(),
    ...(h.inFlight.length === 0 ? {} : { inFlight: h.inFlight }),
    domains: [...h.domains.values()].sort((a, b) => a.domid - b.domid).map((d) => saveDomain(h, d, off)),
  };
}

/** A domain's record; the very same object as last time where nothing in it has changed. */
function saveDomain(h: Heap, d: HeapDomain, off: ReadonlyMap<number, number[]>): SavedHeapDomain {
  const pod = off.get(podKey(d.domid)) ?? NO_POD;
  const now: SavedHeapDomain = {
    domid: d.domid,
    totPages: d.totPages,
    extraPages: d.extraPages,
    maxPages: d.maxPages,
    outstandingPages: d.outstandingPages,
    lastAllocNode: d.lastAllocNode,
    nodeAffinity: d.nodeAffinity,
    creationFinished: d.creationFinished,
    isDying: d.isDying,
    pendingScrub: d.pendingScrub === null ? null : { ...d.pendingScrub },
    ...savedPages(h, d),
    pod,
  };
  const before = d.saved;
  if (before !== null && pod === NO_POD && d.pendingScrub === null && isSame(before, now)) return before;
  d.saved = now;
  return now;
}

const NO_POD: readonly number[] = [];

const FIELDS = [
  'totPages',
  'extraPages',
  'maxPages',
  'outstandingPages',
  'lastAllocNode',
  'nodeAffinity',
  'creationFinished',
  'isDying',
  'pendingScrub',
  'pages',
  'extras',
  'pod',
] as const satisfies readonly (keyof SavedHeapDomain)[];

const isSame = (a: SavedHeapDomain, b: SavedHeapDomain): boolean =>
  FIELDS.every((field) => a[field] === b[field]);

/** The lists as written before, if nothing has changed them: most commands touch one domain of many. */
function savedPages(h: Heap, d: HeapDomain): SavedPages {
  d.savedPages ??= {
    pages: d.pageList.map((list) => ownedList(h, list)),
    extras: d.extraList.map((list) => ownedList(h, list)),
  };
  return d.savedPages;
}

/** Adds one page to flat blocks of four, joining the last if it continues. */
function addPage(flat: number[], mfn: number): void {
  const at = flat.length - 4;
  if (at >= 0 && flat[at + 3] === 1 && chunkOf(flat[at]!) === chunkOf(mfn)) {
    const count = flat[at + 1]!;
    const gap = mfn - (flat[at]! + (count - 1) * flat[at + 2]!);
    if (gap !== 0 && (count === 1 || flat[at + 2] === gap)) {
      flat[at + 1] = count + 1;
      flat[at + 2] = gap;
      return;
    }
  }
  flat.push(mfn, 1, 0, 1);
}

const addRun = (h: Heap, flat: number[], id: number): void => {
  const count = h.runCount[id]!;
  flat.push(h.runFirst[id]!, count, count === 1 ? 0 : h.runStride[id]!, h.runSize[id]!);
};

function ownedList(h: Heap, list: number): number[] {
  const flat: number[] = [];
  for (let node = h.listHead[list]!; node !== NIL; node = nextOf(h, node))
    if (node >= 0) addPage(flat, slotMfn(h, node));
    else addRun(h, flat, RUN_BASE - node);
  return flat;
}

function freeLists(h: Heap, dirty: number[]): number[][] {
  const lists: number[][] = [];
  for (let list = 0; list < h.orderMask.length * NR_ORDERS; list++) {
    if (h.listHead[list] === NIL) continue;
    const flat = [list];
    const size = 2 ** (list % NR_ORDERS);
    for (let node = h.listHead[list]!; node !== NIL; node = nextOf(h, node))
      if (node >= 0) {
        const meta = h.pgMeta[node]!;
        addBuddies(h, flat, dirty, slotMfn(h, node), 1, 0, size, metaFd(meta), metaDirty(meta));
      } else {
        const id = RUN_BASE - node;
        const n = h.runCount[id]!;
        const stride = n === 1 ? 0 : h.runStride[id]!;
        addBuddies(h, flat, dirty, h.runFirst[id]!, n, stride, size, h.runVal[id]!, h.runKind[id]! >>> 3);
      }
    lists.push(flat);
  }
  return lists;
}

/** Adds free buddies to a flat list, joining single ones that continue the last run. */
function addBuddies(
  h: Heap,
  flat: number[],
  dirty: number[],
  first: number,
  count: number,
  stride: number,
  size: number,
  fd: number,
  kind: number,
): void {
  if (kind === MIXED)
    for (let i = 0; i < count; i++)
      for (const [from, to] of dirtyRanges(h, first + i * stride, size, kind))
        dirty.push(first + i * stride + from, to - from);
  const at = flat.length - 5;
  if (count === 1 && at > 0 && flat[at + 3] === fd && flat[at + 4] === kind) {
    const n = flat[at + 1]!;
    const gap = first - (flat[at]! + (n - 1) * flat[at + 2]!);
    if ((n === 1 || flat[at + 2] === gap) && chunkOf(flat[at]!) === chunkOf(first)) {
      flat[at + 1] = n + 1;
      flat[at + 2] = gap;
      return;
    }
  }
  flat.push(first, count, stride, fd, kind);
}

const podKey = (domid: number): number => KIND_XEN + 1 + domid;

/** Blocks on no list: KIND_XEN, and a domain's cached pages under podKey. */
function offList(h: Heap): Map<number, number[]> {
  const found = new Map<number, number[]>();
  const flatOf = (kind: number, owner: number): number[] => {
    const key = kind === KIND_XEN ? KIND_XEN : podKey(owner);
    let flat = found.get(key);
    if (flat === undefined) {
      flat = [];
      found.set(key, flat);
    }
    return flat;
  };
  for (let id = 0; id < h.runLimit; id++) {
    const kind = h.runKind[id]! & 7;
    if (kind === KIND_XEN || kind === KIND_POD) addRun(h, flatOf(kind, h.runVal[id]!), id);
  }
  h.regionMfn.forEach((first, region) => {
    if (first < 0) return;
    for (let i = 0; i < REGION; i++) {
      const meta = h.pgMeta[region * REGION + i]!;
      const kind = metaKind(meta);
      if (kind === KIND_XEN || kind === KIND_POD) addPage(flatOf(kind, metaOwner(meta)), first + i);
    }
  });
  return found;
}
