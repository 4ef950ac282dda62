/**
 * The heap's write log: what a record was before it is first written after a mark, so that going back costs what changed.
 *
 * Whoever writes a column says so beforehand with one of the note functions; they do nothing until somebody has made a
 * mark. A record is a run, a list, a chunk, a zone, a node, a page entry or a domain; each is noted once between two
 * marks, which its stamp tells. heap-mark.ts puts back what the log holds.
 */
import type { Heap, HeapDomain, HeapSeen, HeapUndo } from './heap-state.ts';
import { chunkOf, NR_ORDERS, REGION } from './heap-state.ts';

/** What a log entry holds. Its words are the old values, then the index, then the kind, so that it is read backwards. */
export const LOG_RUN = 1;
export const LOG_LIST = 2;
export const LOG_CHUNK = 3;
export const LOG_ZONE = 4;
export const LOG_NODE = 5;
export const LOG_PAGE = 6;
/** Words of a chunk's dirtyBits. */
export const LOG_BITS = 7;
/** Which region a part of a chunk has; part -1: the chunk had none at all. */
export const LOG_CHUNK_REGION = 8;
export const LOG_REGION_MFN = 9;
export const LOG_SPARE_REGION_TAKEN = 10;
export const LOG_SPARE_REGION_GIVEN = 11;
export const LOG_SPARE_LIST_TAKEN = 12;
export const LOG_SPARE_LIST_GIVEN = 13;
/** The flags on top of `specials`. */
export const LOG_SPECIAL = 14;
/** The domain on top of `domains`, with the copy below it. */
export const LOG_DOMAIN = 15;
export const LOG_DOMAIN_MADE = 16;
/** The domains on top of `removals` were all there were. */
export const LOG_DOMAIN_GONE = 17;
/** A ticket of pages on no list. */
export const LOG_LOOSE = 18;

const FIRST_WORDS = 4096;
/** Words of the longest entry of fixed length. */
const MOST_WORDS = 13;

/** An empty log. */
export const newUndo = (h: Heap): HeapUndo => ({
  log: new Int32Array(FIRST_WORDS),
  at: 0,
  epoch: 0,
  runStamp: new Int32Array(h.runFirst.length),
  listStamp: new Int32Array(h.listHead.length),
  chunkStamp: new Int32Array(h.chunkHead.length),
  zoneStamp: new Int32Array(h.zoneAvail.length),
  nodeStamp: new Int32Array(h.nodeAvail.length),
  pageStamp: new Int32Array(h.pgMeta.length),
  domainStamp: new Int32Array(0),
  seen: newSeen(h),
  domains: [],
  removals: [],
  specials: [],
  marks: [],
  serial: 0,
});

const newSeen = (h: Heap): HeapSeen => ({
  lists: new Int32Array(h.listHead.length),
  zones: new Int32Array(h.zoneAvail.length),
  chunks: new Int32Array(h.chunkHead.length + 1),
  chunkStamp: new Int32Array(h.chunkHead.length + 1),
  domains: new Int32Array(0),
  last: 0,
});

/** Before a run's columns change, those that say which blocks it has only by noteBlocks(). */
export function noteRun(h: Heap, id: number): void {
  const u = h.undo;
  if (u !== null && u.runStamp[id] !== u.epoch) logRun(h, u, id);
}

/** Before a run has other blocks, or other dirty pages: before what its list says changes. */
export function noteBlocks(h: Heap, id: number): void {
  const u = h.undo;
  if (u === null) return;
  noteRun(h, id);
  const list = h.runList[id]!;
  if (list >= 0) noteList(h, list);
  else noteLoose(h, h.runFirst[id]!);
}

/** Before a page that is on no list, and is not free, becomes somebody's or nobody's. */
export function noteLoose(h: Heap, mfn: number): void {
  const u = h.undo;
  if (u === null) return;
  const chunk = chunkOf(mfn);
  const { chunks, chunkStamp } = u.seen;
  if (chunkStamp[chunk] === u.epoch) return;
  const all = chunks.length - 1;
  chunkStamp[chunk] = u.epoch;
  log3(u, LOG_LOOSE, chunk, chunks[chunk]!, chunks[all]!, 0);
  chunks[chunk] = 0;
  chunks[all] = 0;
}

/** A run beyond all that were ever used: nothing is to be put back. */
export function noteFreshRun(h: Heap, id: number): void {
  const u = h.undo;
  if (u === null) return;
  if (id >= u.runStamp.length) u.runStamp = grown(u.runStamp, h.runFirst.length);
  u.runStamp[id] = u.epoch;
}

/** Before a list's head or tail changes, or anything that it says. */
export function noteList(h: Heap, list: number): void {
  const u = h.undo;
  if (u !== null && u.listStamp[list] !== u.epoch) logList(h, u, list);
}

/** Before a chunk's list of runs changes. */
export function noteChunk(h: Heap, chunk: number): void {
  const u = h.undo;
  if (u !== null && u.chunkStamp[chunk] !== u.epoch) logChunk(h, u, chunk);
}

/** Before the counters of a node, or those of one of its zones, change. `zone` is node index * NR_ZONES + zone. */
export function noteZone(h: Heap, zone: number): void {
  const u = h.undo;
  if (u !== null && u.zoneStamp[zone] !== u.epoch) logZone(h, u, zone);
}

/** Before a node's counters change. */
export function noteNode(h: Heap, node: number): void {
  const u = h.undo;
  if (u !== null && u.nodeStamp[node] !== u.epoch) logNode(h, u, node);
}

/** Before a page entry changes. */
export function notePage(h: Heap, slot: number): void {
  const u = h.undo;
  if (u !== null && u.pageStamp[slot] !== u.epoch) logPage(h, u, slot);
}

/** Before the page entries `from … to - 1` change. */
export function notePages(h: Heap, from: number, to: number): void {
  const u = h.undo;
  if (u === null) return;
  for (let slot = from; slot < to; slot++) if (u.pageStamp[slot] !== u.epoch) logPage(h, u, slot);
}

/** Before a domain's fields change. */
export function noteDomain(h: Heap, d: HeapDomain): void {
  const u = h.undo;
  if (u !== null && u.domainStamp[d.domid] !== u.epoch) logDomain(h, u, d);
}

const grown = (old: Int32Array, size: number): Int32Array => {
  const wide = new Int32Array(size);
  wide.set(old);
  return wide;
};

/** Makes room for `words` more and returns the place of the first. */
function room(u: HeapUndo, words: number): number {
  if (u.at + words > u.log.length) u.log = grown(u.log, Math.max(2 * u.log.length, u.at + words));
  return u.at;
}

function logRun(h: Heap, u: HeapUndo, id: number): void {
  if (id >= u.runStamp.length) u.runStamp = grown(u.runStamp, h.runFirst.length);
  u.runStamp[id] = u.epoch;
  const at = room(u, MOST_WORDS);
  const { log } = u;
  log[at] = h.runFirst[id]!;
  log[at + 1] = h.runCount[id]!;
  log[at + 2] = h.runStride[id]!;
  log[at + 3] = h.runSize[id]!;
  log[at + 4] = h.runVal[id]!;
  log[at + 5] = h.runKind[id]!;
  log[at + 6] = h.runList[id]!;
  log[at + 7] = h.runNext[id]!;
  log[at + 8] = h.runPrev[id]!;
  log[at + 9] = h.runChunkNext[id]!;
  log[at + 10] = h.runChunkPrev[id]!;
  log[at + 11] = id;
  log[at + 12] = LOG_RUN;
  u.at = at + 13;
}

/** An entry of three old values at most. */
function log3(u: HeapUndo, kind: number, index: number, a: number, b: number, c: number): void {
  const at = room(u, MOST_WORDS);
  const { log } = u;
  log[at] = a;
  log[at + 1] = b;
  log[at + 2] = c;
  log[at + 3] = index;
  log[at + 4] = kind;
  u.at = at + 5;
}

function logList(h: Heap, u: HeapUndo, list: number): void {
  if (list >= u.listStamp.length) {
    u.listStamp = grown(u.listStamp, h.listHead.length);
    u.seen.lists = grown(u.seen.lists, h.listHead.length);
  }
  u.listStamp[list] = u.epoch;
  log3(u, LOG_LIST, list, h.listHead[list]!, h.listTail[list]!, u.seen.lists[list]!);
  u.seen.lists[list] = 0;
  const zone = Math.floor(list / NR_ORDERS);
  if (zone < h.orderMask.length) noteZone(h, zone);
}

function logChunk(h: Heap, u: HeapUndo, chunk: number): void {
  u.chunkStamp[chunk] = u.epoch;
  log3(u, LOG_CHUNK, chunk, h.chunkHead[chunk]!, h.chunkCount[chunk]!, h.chunkCrowd[chunk]!);
}

function logZone(h: Heap, u: HeapUndo, zone: number): void {
  u.zoneStamp[zone] = u.epoch;
  log3(u, LOG_ZONE, zone, h.zoneAvail[zone]!, h.orderMask[zone]!, u.seen.zones[zone]!);
  u.seen.zones[zone] = 0;
}

function logNode(h: Heap, u: HeapUndo, node: number): void {
  u.nodeStamp[node] = u.epoch;
  log3(u, LOG_NODE, node, h.nodeAvail[node]!, h.needScrub[node]!, 0);
}

function logPage(h: Heap, u: HeapUndo, slot: number): void {
  if (slot >= u.pageStamp.length) u.pageStamp = grown(u.pageStamp, h.pgMeta.length);
  u.pageStamp[slot] = u.epoch;
  log3(u, LOG_PAGE, slot, h.pgNext[slot]!, h.pgPrev[slot]!, h.pgMeta[slot]!);
}

function logDomain(h: Heap, u: HeapUndo, d: HeapDomain): void {
  stampDomain(h, d);
  u.domains.push({ ...d }, d);
  log3(u, LOG_DOMAIN, d.domid, forgetDomain(u, d), 0, 0);
}

/** Takes a domain's ticket away, and returns it. */
function forgetDomain({ seen }: HeapUndo, { domid }: HeapDomain): number {
  const ticket = seen.domains[domid]!;
  seen.domains[domid] = 0;
  return ticket;
}

function stampDomain(h: Heap, { domid }: HeapDomain): void {
  const u = h.undo!;
  if (domid >= u.domainStamp.length) {
    u.domainStamp = grown(u.domainStamp, 2 * domid + 64);
    u.seen.domains = grown(u.seen.domains, 2 * domid + 64);
  }
  u.domainStamp[domid] = u.epoch;
}

/** After a domain was entered into the heap's. */
export function noteDomainMade(h: Heap, d: HeapDomain): void {
  if (h.undo === null) return;
  stampDomain(h, d);
  log3(h.undo, LOG_DOMAIN_MADE, d.domid, forgetDomain(h.undo, d), 0, 0);
}

/** Before a domain is taken out of the heap's. */
export function noteDomainGone(h: Heap, d: HeapDomain): void {
  if (h.undo === null) return;
  h.undo.removals.push([...h.domains.values()]);
  log3(h.undo, LOG_DOMAIN_GONE, d.domid, 0, 0, 0);
}

/** A list of a domain's was taken from the spare ones, or given to them. */
export function noteSpareList(h: Heap, list: number, taken: boolean): void {
  if (h.undo !== null) log3(h.undo, taken ? LOG_SPARE_LIST_TAKEN : LOG_SPARE_LIST_GIVEN, list, 0, 0, 0);
}

/** A region was taken from the spare ones, or given to them. */
export function noteSpareRegion(h: Heap, region: number, taken: boolean): void {
  if (h.undo !== null) log3(h.undo, taken ? LOG_SPARE_REGION_TAKEN : LOG_SPARE_REGION_GIVEN, region, 0, 0, 0);
}

/** Before any page's flags in `special` change. */
export function noteSpecial(h: Heap): void {
  if (h.undo === null) return;
  h.undo.specials.push([...h.special]);
  log3(h.undo, LOG_SPECIAL, 0, 0, 0, 0);
}

/** Before the first frame of a region changes. */
export function noteRegionMfn(h: Heap, region: number): void {
  if (h.undo !== null) log3(h.undo, LOG_REGION_MFN, region, h.regionMfn[region]!, 0, 0);
}

/** Before the region of a part of a chunk changes; -1: before the chunk gets its first. */
export function noteChunkRegion(h: Heap, chunk: number, part: number): void {
  if (h.undo === null) return;
  log3(h.undo, LOG_CHUNK_REGION, chunk, part, part < 0 ? -1 : h.chunkRegions[chunk]![part]!, 0);
}

/** A region beyond all that were ever used: nothing of its page entries is to be put back. */
export function noteFreshRegion(h: Heap, region: number): void {
  const u = h.undo;
  if (u === null) return;
  const to = (region + 1) * REGION;
  if (to > u.pageStamp.length) u.pageStamp = grown(u.pageStamp, h.pgMeta.length);
  u.pageStamp.fill(u.epoch, to - REGION, to);
}

/** Before words `from … to - 1` of a chunk's dirtyBits change. */
export function noteBits(h: Heap, chunk: number, from: number, to: number): void {
  const u = h.undo;
  if (u === null) return;
  const bits = h.dirtyBits[chunk]!;
  const n = to - from;
  const at = room(u, n + 4);
  for (let i = 0; i < n; i++) u.log[at + i] = bits[from + i]!;
  u.log[at + n] = from;
  u.log[at + n + 1] = n;
  u.log[at + n + 2] = chunk;
  u.log[at + n + 3] = LOG_BITS;
  u.at = at + n + 4;
}
