/** A heap from its saved form, with everything checked that a damaged form could break. heap-save.ts wrote it. */
import { emptyHeap, regionsOf } from './boot-heap.ts';
import { createHeapDomain } from './heap-domain.ts';
import { HEAP_FORMAT, type SavedHeap } from './heap-save.ts';
import {
  CHUNK,
  chunkOf,
  type ExtentInFlight,
  type Heap,
  KIND_EXTRA,
  KIND_FREE,
  KIND_OWNED,
  KIND_POD,
  KIND_XEN,
  NR_ORDERS,
  NR_ZONES,
  OFFLINING,
  REGION_ORDER,
  RUN_BASE,
  type SavedHeapDomain,
  spanOf,
  zoneOf,
} from './heap-state.ts';
import { appendOwned } from './owned-pages.ts';
import { fillDirty } from './page-dirty.ts';
import { linkTail } from './page-list.ts';
import { freeMeta, hasRegion, relieve, setMeta, slotOf } from './page-region.ts';
import { newRun } from './page-run.ts';
import { MAX_ORDER } from './units.ts';

/** The data is no saved heap, of another version, or damaged. */
class HeapDamage extends Error {
  override readonly name = 'HeapDamage';
}

function need(condition: boolean, what: string): asserts condition {
  if (!condition) throw new HeapDamage(what);
}

const isInt = (x: unknown, lo: number, hi: number): x is number =>
  typeof x === 'number' && Number.isInteger(x) && x >= lo && x <= hi;
const LARGE = 2 ** 53 - 1;

function ints(x: unknown, what: string, multiple: number): asserts x is number[] {
  need(Array.isArray(x) && x.length % multiple === 0, `${what}: not a list of numbers`);
  for (const value of x) need(isInt(value, -LARGE, LARGE), `${what}: not a whole number`);
}

/** The heap that saveHeap() wrote. Throws HeapDamage, naming what is wrong. */
export function loadHeap(data: unknown): Heap {
  need(typeof data === 'object' && data !== null && 'version' in data, 'heap: not a saved heap');
  need(
    data.version === HEAP_FORMAT,
    `heap: format ${String(data.version)}, this program reads ${HEAP_FORMAT}`,
  );
  const saved = data as SavedHeap;
  const boot = saved.boot;
  need(typeof boot === 'object' && boot !== null && Array.isArray(boot.nodes), 'heap: no boot memory');
  const regions = regionsOf(boot);
  for (const r of regions)
    need(
      isInt(r.start, 0, 2 ** 32 - 1) && isInt(r.end, r.start, 2 ** 32 - 1),
      'heap: boot memory out of range',
    );
  const nodeIds = boot.nodes.map((n) => n.node).sort((a, b) => a - b);
  for (const id of nodeIds) need(isInt(id, 0, 63), 'heap: node out of range');
  const h = emptyHeap(boot, nodeIds, regions);
  loadCounters(h, saved);
  need(Array.isArray(saved.free) && Array.isArray(saved.domains), 'heap: lists are missing');
  for (const flat of saved.free) loadFreeList(h, flat);
  ints(saved.dirty, 'heap: dirty pages', 2);
  for (let i = 0; i < saved.dirty.length; i += 2) loadDirty(h, saved.dirty[i]!, saved.dirty[i + 1]!);
  ints(saved.special, 'heap: offlined pages', 2);
  for (let i = 0; i < saved.special.length; i += 2) {
    const flags = saved.special[i + 1]!;
    need(spanOf(h, saved.special[i]!) >= 0 && isInt(flags, 0, 15), 'heap: an offlined page is no RAM');
    h.special.set(saved.special[i]!, flags);
    if (flags & OFFLINING) h.offliningPages++;
  }
  loadOwned(h, null, KIND_XEN, saved.xen, 'Xen heap');
  for (const d of saved.domains) loadDomain(h, d);
  loadInFlight(h, saved.inFlight ?? []);
  relieve(h);
  need(h.totalAvailPages === saved.counters[0], 'heap: free pages do not add up');
  need(h.outstandingClaims === saved.counters[1], 'heap: claims do not add up');
  return h;
}

function loadCounters(h: Heap, saved: SavedHeap): void {
  ints(saved.counters, 'heap: counters', 8);
  ints(saved.needScrub, 'heap: pages to scrub', 1);
  ints(saved.started, 'heap: started nodes', 1);
  need(saved.counters.length === 8, 'heap: counters are missing');
  const n = h.nodeIds.length;
  need(saved.needScrub.length === n && saved.started.length === n, 'heap: counters of nodes are missing');
  h.started.set(saved.started);
  h.needScrub.set(saved.needScrub);
  h.dmaBits = saved.counters[2]!;
  h.virqTh = saved.counters[3]!;
  h.virqHigh = saved.counters[4]!;
  h.virqThOrder = saved.counters[5]!;
  h.virqThOrig = saved.counters[6]!;
  h.virqCount = saved.counters[7]!;
}

/** Blocks that lie in RAM of one chunk. Returns the node index; -1: they lie on several. */
function checkBlocks(
  h: Heap,
  first: number,
  count: number,
  stride: number,
  size: number,
  what: string,
): number {
  const width = Math.abs(size);
  need(isInt(count, 1, CHUNK) && isInt(width, 1, CHUNK), `${what}: sizes out of range`);
  need(count === 1 || Math.abs(stride) >= width, `${what}: blocks overlap`);
  const back = size < 0 ? width - 1 : 0;
  const last = first + (count - 1) * stride;
  const low = Math.min(first, last) - back;
  const high = Math.max(first, last) - back + width - 1;
  const a = spanOf(h, low);
  const b = spanOf(h, high);
  need(a >= 0 && b >= 0 && chunkOf(low) === chunkOf(high), `${what}: blocks outside memory`);
  return h.spanNode[a] === h.spanNode[b] ? h.spanNode[a]! : -1;
}

function loadFreeList(h: Heap, flat: unknown): void {
  ints(flat, 'heap: free list', 1);
  need(flat.length % 5 === 1, 'heap: free list is cut off');
  const list = flat[0]!;
  need(isInt(list, 0, h.orderMask.length * NR_ORDERS - 1), 'heap: no such free list');
  const order = list % NR_ORDERS;
  const nodeZone = (list - order) / NR_ORDERS;
  const node = Math.floor(nodeZone / NR_ZONES);
  const size = 2 ** order;
  need(order <= MAX_ORDER, 'heap: no such order');
  for (let i = 1; i < flat.length; i += 5) {
    const first = flat[i]!;
    const count = flat[i + 1]!;
    const stride = flat[i + 2]!;
    need(
      checkBlocks(h, first, count, stride, size, 'heap: free list') === node,
      'heap: a buddy on a wrong node',
    );
    need(zoneOf(first) === nodeZone % NR_ZONES && first % size === 0, 'heap: a buddy on a wrong list');
    need(isInt(flat[i + 3], -1, size - 1) && isInt(flat[i + 4], 0, 2), 'heap: a buddy without dirty state');
    appendFree(h, list, first, count, stride, size, flat[i + 3]!, flat[i + 4]!);
    const pages = count * size;
    h.totalAvailPages += pages;
    h.nodeAvail[node] = h.nodeAvail[node]! + pages;
    h.zoneAvail[nodeZone] = h.zoneAvail[nodeZone]! + pages;
    if (h.crowded.length > 0) relieve(h);
  }
}

function appendFree(
  h: Heap,
  list: number,
  first: number,
  count: number,
  stride: number,
  size: number,
  fd: number,
  dirty: number,
): void {
  const last = first + (count - 1) * stride;
  const order = list % NR_ORDERS;
  const paged =
    order < REGION_ORDER &&
    h.chunkRegions[chunkOf(first)] !== null &&
    hasRegion(h, Math.min(first, last), Math.max(first, last) + size);
  for (let i = 0; i < (paged ? count : 1); i++) {
    const mfn = first + i * stride;
    const slot = paged ? slotOf(h, mfn) : -1;
    if (slot >= 0) {
      setMeta(h, slot, freeMeta(order, fd, dirty));
      linkTail(h, list, slot);
      continue;
    }
    const id = newRun(h, mfn, paged ? 1 : count, stride, size, KIND_FREE | (dirty << 3), fd);
    h.runList[id] = list;
    linkTail(h, list, RUN_BASE - id);
  }
}

function loadDirty(h: Heap, first: number, pages: number): void {
  need(isInt(pages, 1, CHUNK) && spanOf(h, first) >= 0, 'heap: dirty pages outside memory');
  need(chunkOf(first) === chunkOf(first + pages - 1), 'heap: dirty pages outside memory');
  fillDirty(h, first, pages, true);
}

/** Appends blocks in order; returns their pages. */
function loadOwned(
  h: Heap,
  d: ReturnType<typeof createHeapDomain> | null,
  kind: number,
  flat: unknown,
  what: string,
): number {
  ints(flat, what, 4);
  let pages = 0;
  for (let i = 0; i < flat.length; i += 4) {
    const size = flat[i + 3]!;
    const node = checkBlocks(h, flat[i]!, flat[i + 1]!, flat[i + 2]!, size, what);
    need(node >= 0 || d === null || kind === KIND_POD, `${what}: a list holds pages of two nodes`);
    appendOwned(h, d, kind, flat[i]!, flat[i + 1]!, flat[i + 2]!, size);
    pages += flat[i + 1]! * Math.abs(size);
    if (h.crowded.length > 0) relieve(h);
  }
  return pages;
}

function loadDomain(h: Heap, s: SavedHeapDomain): void {
  need(typeof s === 'object' && s !== null && isInt(s.domid, 0, 0x7fff), 'heap: a domain without an id');
  const what = `heap: domain ${s.domid}`;
  need(!h.domains.has(s.domid), `${what} is there twice`);
  for (const n of [s.totPages, s.extraPages, s.maxPages, s.outstandingPages])
    need(isInt(n, 0, LARGE), `${what}: counters out of range`);
  need(isInt(s.lastAllocNode, 0, 63), `${what}: node out of range`);
  need(s.nodeAffinity === null || Array.isArray(s.nodeAffinity), `${what}: no affinity`);
  const d = createHeapDomain(h, { domid: s.domid, maxPages: s.maxPages, nodeAffinity: s.nodeAffinity });
  d.totPages = s.totPages;
  d.extraPages = s.extraPages;
  d.outstandingPages = s.outstandingPages;
  h.outstandingClaims += s.outstandingPages;
  d.lastAllocNode = s.lastAllocNode;
  d.creationFinished = s.creationFinished === true;
  d.isDying = s.isDying === true;
  d.pendingScrub = s.pendingScrub;
  need(Array.isArray(s.pages) && Array.isArray(s.extras), `${what}: no pages`);
  let pages = loadOwned(h, d, KIND_POD, s.pod, what);
  let extras = 0;
  for (const flat of s.pages) pages += loadOwned(h, d, KIND_OWNED, flat, what);
  for (const flat of s.extras) extras += loadOwned(h, d, KIND_EXTRA, flat, what);
  need(extras === s.extraPages && pages + extras === s.totPages, `${what}: pages do not add up`);
}

function loadInFlight(h: Heap, saved: unknown): void {
  const what = 'heap: an extent in flight';
  need(Array.isArray(saved), `${what}: not a list`);
  for (const extent of saved) {
    need(typeof extent === 'object' && extent !== null, `${what}: not an extent`);
    const { by, caller, domid, mfn, order, dirtyPages } = extent as ExtentInFlight;
    for (const n of [by, caller, domid, dirtyPages])
      need(isInt(n, 0, LARGE), `${what}: numbers out of range`);
    need(isInt(order, 0, MAX_ORDER), `${what}: no such order`);
    checkBlocks(h, mfn, 1, 0, 2 ** order, what);
  }
  h.inFlight = saved as ExtentInFlight[];
}
