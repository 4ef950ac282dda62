/**
 * Starting the heap from boot memory.
 *
 * Models end_boot_allocator(), init_heap_pages(), init_node_heap() and heap_init_late(), xen/common/page_alloc.c.
 */

import { freeHeapPages } from './free-heap-pages.ts';
import {
  CHUNK,
  CLEAN,
  CURRENT_RULES,
  type Heap,
  type HeapBoot,
  NIL,
  NR_ORDERS,
  NR_ZONES,
  zoneOf,
} from './heap-state.ts';
import { allocXenheapPages } from './page-alloc.ts';
import { CROWD } from './page-region.ts';
import { MAX_NUMNODES, MAX_ORDER } from './units.ts';
import { setupLowMemVirq } from './virq.ts';

/** Pages a node's own bookkeeping takes. Xen: sizeof(*_heap) and avail[], rounded up. */
const NODE_METADATA = 4;

interface Region {
  readonly start: number;
  readonly end: number;
  readonly node: number;
}

/** A heap as it is when the boot allocator has handed over its memory. Models end_boot_allocator(), xen/common/page_alloc.c. */
export function bootHeap(boot: HeapBoot): Heap {
  const nodeIds = boot.nodes.map((n) => n.node).sort((a, b) => a - b);
  const regions = regionsOf(boot);
  const h = emptyHeap(boot, nodeIds, regions);
  // Before the CPU's node is known, allocations come from the first node that has memory; in a recording that is
  // only the metadata of a tiny node.
  const firstAt = regions.findIndex((r) => r.node === nodeIds[0]);
  if (firstAt >= 0) initHeapPages(h, regions[firstAt]!);
  for (let i = regions.length - 1; i >= 0; i--) if (i !== firstAt) initHeapPages(h, regions[i]!);
  h.dmaBits = boot.dmaBitsOption ?? (nodeIds.length > 1 ? defaultDmaBits(boot) : 0);
  if (boot.heapInitLate !== false) setupLowMemVirq(h);
  return h;
}

/** Sets the low-memory threshold up. Models heap_init_late(), xen/common/page_alloc.c. */
export const heapInitLate = (h: Heap): void => setupLowMemVirq(h);

export function regionsOf(boot: HeapBoot): Region[] {
  const regions: Region[] = [];
  for (const n of boot.nodes) for (const [start, end] of n.ranges) regions.push({ start, end, node: n.node });
  return regions.sort((a, b) => a.start - b.start);
}

/** Hands one boot region to the heap. Models init_heap_pages() with init_node_heap(). */
function initHeapPages(h: Heap, region: Region): void {
  let start = region.start === 0 ? 1 : region.start;
  let end = region.end;
  if (start >= end) return;
  const idx = h.nodeIndex[region.node]!;
  if (h.started[idx] === 0) {
    const first = h.started.every((x) => x === 0);
    if (!first && end - start < NODE_METADATA)
      allocXenheapPages(h, { order: 2, count: 1, node: h.nodeIds[0]!, exact: false });
    else if (!first) {
      // The metadata goes where it spoils less: to the tail if the start is well aligned and the end is not.
      if (start % CHUNK === 0 && trailingZeros(end) <= trailingZeros(start)) end -= NODE_METADATA;
      else start += NODE_METADATA;
    }
    h.started[idx] = 1;
  }
  const dirty = h.boot.bootscrub === 'idle';
  while (start < end) {
    let order = start % CHUNK === 0 && start + CHUNK <= end ? MAX_ORDER : 0;
    while (order < MAX_ORDER && start % 2 ** (order + 1) === 0 && start + 2 ** (order + 1) <= end) order++;
    freeHeapPages(h, start, order, dirty);
    start += 2 ** order;
  }
}

function trailingZeros(n: number): number {
  let zeros = 0;
  while (zeros < 52 && n % 2 ** (zeros + 1) === 0) zeros++;
  return zeros;
}

/** Width of the memory held back for devices: the first quarter of the lowest node. Models end_boot_allocator(). */
function defaultDmaBits(boot: HeapBoot): number {
  const nodes = [...boot.nodes].sort((a, b) => a.node - b.node);
  for (const n of nodes) {
    if (n.span === undefined && n.ranges.length === 0) continue;
    const start = n.span?.[0] ?? Math.min(...n.ranges.map((r) => r[0]));
    const end = n.span?.[1] ?? Math.max(...n.ranges.map((r) => r[1]));
    if (start >= 2 ** 20) continue;
    return Math.min(32, zoneOf(start + Math.floor((end - start) / 4) - 1) + 12);
  }
  return 0;
}

/** RAM in pieces of one node, one zone, one chunk; touching ranges of a node are joined first. */
function spansOf(regions: readonly Region[], index: Int8Array): [number[], number[], number[]] {
  const starts: number[] = [];
  const ends: number[] = [];
  const nodes: number[] = [];
  const joined: Region[] = [];
  for (const r of regions) {
    if (r.start >= r.end) continue;
    const last = joined[joined.length - 1];
    if (last !== undefined && last.end === r.start && last.node === r.node)
      joined[joined.length - 1] = { start: last.start, end: r.end, node: r.node };
    else joined.push(r);
  }
  for (const r of joined)
    for (let at = r.start; at < r.end; ) {
      const chunkEnd = (Math.floor(at / CHUNK) + 1) * CHUNK;
      const stop = Math.min(r.end, at < CHUNK ? 2 ** zoneOf(at) : chunkEnd);
      starts.push(at);
      ends.push(stop);
      nodes.push(index[r.node]!);
      at = stop;
    }
  return [starts, ends, nodes];
}

/** A heap without any free page. */
export function emptyHeap(boot: HeapBoot, nodeIds: readonly number[], regions: readonly Region[]): Heap {
  const n = nodeIds.length;
  const nodeIndex = new Int8Array(MAX_NUMNODES).fill(-1);
  nodeIds.forEach((id, i) => {
    nodeIndex[id] = i;
  });
  const [starts, ends, nodes] = spansOf(regions, nodeIndex);
  const maxPage = regions.reduce((max, r) => Math.max(max, r.end), 0);
  const chunks = Math.ceil(maxPage / CHUNK);
  const chunkSpan = new Int32Array(chunks);
  for (let c = 0, s = 0; c < chunks; c++) {
    while (s < ends.length && ends[s]! <= c * CHUNK) s++;
    chunkSpan[c] = s;
  }
  const zoneSpan = Int32Array.from({ length: zoneOf(CHUNK) }, (_, zone) => {
    const start = zone === 0 ? 0 : 2 ** (zone - 1);
    const span = ends.findIndex((end) => end > start);
    return span < 0 ? ends.length : span;
  });
  const topZone = new Int8Array(n);
  starts.forEach((start, i) => {
    topZone[nodes[i]!] = Math.max(topZone[nodes[i]!]!, zoneOf(start));
  });
  return {
    boot,
    rules: boot.rules ?? CURRENT_RULES,
    nodeIds,
    nodeIndex,
    maxPage,
    spanStart: Float64Array.from(starts),
    spanEnd: Float64Array.from(ends),
    spanNode: Int8Array.from(nodes),
    chunkSpan,
    zoneSpan,
    topZone,
    ...emptyCounters(n),
    ...emptyRuns(),
    chunkHead: new Int32Array(chunks).fill(NIL),
    chunkCount: new Int32Array(chunks),
    chunkCrowd: new Int32Array(chunks).fill(CROWD),
    chunkRegions: new Array<null>(chunks).fill(null),
    crowded: [],
    pgNext: new Int32Array(0),
    pgPrev: new Int32Array(0),
    pgMeta: new Int32Array(0),
    regionMfn: [],
    regionSpare: [],
    dirtyBits: new Array<null>(chunks).fill(null),
    special: new Map(),
    offliningPages: 0,
    inFlight: [],
    domains: new Map(),
    foundList: NIL,
    rotated: false,
    merged: { mfn: 0, order: 0, fd: -1, dirty: CLEAN },
    bulk: null,
    undo: null,
  };
}

const emptyCounters = (n: number) => ({
  started: new Uint8Array(n),
  dmaBits: 0,
  totalAvailPages: 0,
  outstandingClaims: 0,
  nodeAvail: new Float64Array(n),
  needScrub: new Float64Array(n),
  zoneAvail: new Float64Array(n * NR_ZONES),
  orderMask: new Int32Array(n * NR_ZONES),
  virqTh: 0,
  virqHigh: -1,
  virqThOrder: 0,
  virqThOrig: 0,
  virqCount: 0,
  listHead: new Int32Array(n * NR_ZONES * NR_ORDERS).fill(NIL),
  listTail: new Int32Array(n * NR_ZONES * NR_ORDERS).fill(NIL),
  listLimit: n * NR_ZONES * NR_ORDERS,
  spareLists: [],
});

const emptyRuns = () => ({
  runFirst: new Uint32Array(0),
  runCount: new Int32Array(0),
  runStride: new Int32Array(0),
  runSize: new Int32Array(0),
  runVal: new Int32Array(0),
  runKind: new Int32Array(0),
  runList: new Int32Array(0),
  runNext: new Int32Array(0),
  runPrev: new Int32Array(0),
  runChunkNext: new Int32Array(0),
  runChunkPrev: new Int32Array(0),
  runLimit: 0,
  runSpare: NIL,
});
