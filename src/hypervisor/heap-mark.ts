/**
 * Going back to an earlier state of the heap, at the cost of what was written since.
 *
 * From the first mark on, heap-undo.ts logs what each record was before its first write after a mark. A mark is the
 * length of that log and the few single numbers. Marks nest: one may be gone back to as often as wanted, and going back
 * to it forgets those made after it.
 */
import { ASSERT } from './bug.ts';
import type { ExtentInFlight, Heap, HeapDomain, HeapSeen, HeapUndo } from './heap-state.ts';
import {
  LOG_BITS,
  LOG_CHUNK,
  LOG_CHUNK_REGION,
  LOG_DOMAIN,
  LOG_DOMAIN_GONE,
  LOG_DOMAIN_MADE,
  LOG_LIST,
  LOG_LOOSE,
  LOG_NODE,
  LOG_PAGE,
  LOG_REGION_MFN,
  LOG_RUN,
  LOG_SPARE_LIST_GIVEN,
  LOG_SPARE_LIST_TAKEN,
  LOG_SPARE_REGION_GIVEN,
  LOG_SPARE_REGION_TAKEN,
  LOG_SPECIAL,
  LOG_ZONE,
  newUndo,
} from './heap-undo.ts';

/** A point to go back to. */
export interface HeapMark {
  /** Its place among the marks, and the number that tells it from others that had this place. */
  readonly depth: number;
  readonly serial: number;
  /** Length of the log. */
  readonly at: number;
  readonly dmaBits: number;
  readonly totalAvailPages: number;
  readonly outstandingClaims: number;
  readonly virqTh: number;
  readonly virqHigh: number;
  readonly virqThOrder: number;
  readonly virqThOrig: number;
  readonly virqCount: number;
  readonly listLimit: number;
  readonly runLimit: number;
  readonly runSpare: number;
  readonly regions: number;
  readonly offliningPages: number;
  readonly inFlight: readonly ExtentInFlight[];
  /** Chunks that wait for relief: as a rule none. */
  readonly crowded: readonly number[] | null;
}

/** The stamps are 32 bits wide. */
const LAST_EPOCH = 2 ** 31 - 1;

/** Remembers this state. From the first mark on, writes are logged. */
export function mark(h: Heap): HeapMark {
  h.undo ??= newUndo(h);
  const u = h.undo;
  const depth = u.marks.length;
  const serial = ++u.serial;
  u.marks.push(serial);
  newEpoch(u);
  return {
    depth,
    serial,
    at: u.at,
    dmaBits: h.dmaBits,
    totalAvailPages: h.totalAvailPages,
    outstandingClaims: h.outstandingClaims,
    virqTh: h.virqTh,
    virqHigh: h.virqHigh,
    virqThOrder: h.virqThOrder,
    virqThOrig: h.virqThOrig,
    virqCount: h.virqCount,
    listLimit: h.listLimit,
    runLimit: h.runLimit,
    runSpare: h.runSpare,
    regions: h.regionMfn.length,
    offliningPages: h.offliningPages,
    inFlight: h.inFlight,
    crowded: h.crowded.length === 0 ? null : [...h.crowded],
  };
}

/** From here on every record is new to the log. */
function newEpoch(u: HeapUndo): void {
  if (u.epoch < LAST_EPOCH) {
    u.epoch++;
    return;
  }
  for (const stamps of [
    u.runStamp,
    u.listStamp,
    u.chunkStamp,
    u.zoneStamp,
    u.nodeStamp,
    u.pageStamp,
    u.domainStamp,
    u.seen.chunkStamp,
  ])
    stamps.fill(0);
  u.epoch = 1;
}

/**
 * Somebody is about to look at the heap: what changes from here on loses its ticket. Null: nobody has made a mark, so
 * changes are not noted.
 */
export function beginLook({ undo }: Heap): HeapSeen | null {
  if (undo === null) return null;
  newEpoch(undo);
  return undo.seen;
}

/** Makes the heap what it was at `to`, which stays a mark; those made after it are none any more. */
export function rollback(h: Heap, to: HeapMark): void {
  const u = h.undo;
  ASSERT(
    u !== null && u.marks[to.depth] === to.serial,
    'the mark is of this heap and was not gone back behind',
  );
  while (u.at > to.at) putBack(h, u);
  // Setting a length takes long even where it is the same.
  if (u.marks.length > to.depth + 1) u.marks.length = to.depth + 1;
  newEpoch(u);
  h.dmaBits = to.dmaBits;
  h.totalAvailPages = to.totalAvailPages;
  h.outstandingClaims = to.outstandingClaims;
  h.virqTh = to.virqTh;
  h.virqHigh = to.virqHigh;
  h.virqThOrder = to.virqThOrder;
  h.virqThOrig = to.virqThOrig;
  h.virqCount = to.virqCount;
  // A list handed out since is empty when it is handed out again.
  h.listLimit = to.listLimit;
  h.runLimit = to.runLimit;
  h.runSpare = to.runSpare;
  if (h.regionMfn.length !== to.regions) h.regionMfn.length = to.regions;
  h.offliningPages = to.offliningPages;
  h.inFlight = to.inFlight;
  if (h.crowded.length > 0) h.crowded.length = 0;
  if (to.crowded !== null) h.crowded.push(...to.crowded);
}

/** Puts the newest entry back and takes it off the log. */
function putBack(h: Heap, u: HeapUndo): void {
  const { log } = u;
  const kind = log[u.at - 1]!;
  const index = log[u.at - 2]!;
  if (kind === LOG_RUN) {
    putRunBack(h, u, index);
    return;
  }
  if (kind === LOG_BITS) {
    putBitsBack(h, u, index);
    return;
  }
  u.at -= 5;
  const a = log[u.at]!;
  const b = log[u.at + 1]!;
  switch (kind) {
    case LOG_LIST:
      h.listHead[index] = a;
      h.listTail[index] = b;
      u.seen.lists[index] = log[u.at + 2]!;
      return;
    case LOG_CHUNK:
      h.chunkHead[index] = a;
      h.chunkCount[index] = b;
      h.chunkCrowd[index] = log[u.at + 2]!;
      return;
    case LOG_ZONE:
      h.zoneAvail[index] = unsigned(a);
      h.orderMask[index] = b;
      u.seen.zones[index] = log[u.at + 2]!;
      return;
    case LOG_NODE:
      h.nodeAvail[index] = unsigned(a);
      h.needScrub[index] = unsigned(b);
      return;
    case LOG_PAGE:
      h.pgNext[index] = a;
      h.pgPrev[index] = b;
      h.pgMeta[index] = log[u.at + 2]!;
      return;
    default:
      putRareBack(h, u, kind, index, a, b);
  }
}

/** Pages of a host are fewer than 2^32; the log's words are signed. */
const unsigned = (x: number): number => (x < 0 ? x + 2 ** 32 : x);

function putRareBack(h: Heap, u: HeapUndo, kind: number, index: number, a: number, b: number): void {
  switch (kind) {
    case LOG_CHUNK_REGION:
      if (a < 0) h.chunkRegions[index] = null;
      else h.chunkRegions[index]![a] = b;
      return;
    case LOG_REGION_MFN:
      h.regionMfn[index] = a < 0 && a !== -1 ? unsigned(a) : a;
      return;
    case LOG_SPARE_REGION_TAKEN:
      h.regionSpare.push(index);
      return;
    case LOG_SPARE_REGION_GIVEN:
      h.regionSpare.pop();
      return;
    case LOG_SPARE_LIST_TAKEN:
      h.spareLists.push(index);
      return;
    case LOG_SPARE_LIST_GIVEN:
      h.spareLists.pop();
      return;
    case LOG_SPECIAL:
      h.special.clear();
      for (const [mfn, flags] of u.specials.pop()!) h.special.set(mfn, flags);
      return;
    case LOG_LOOSE:
      u.seen.chunks[index] = a;
      u.seen.chunks[u.seen.chunks.length - 1] = b;
      return;
    case LOG_DOMAIN:
      putDomainBack(u.domains.pop()!, u.domains.pop()!);
      u.seen.domains[index] = a;
      return;
    case LOG_DOMAIN_MADE:
      h.domains.delete(index);
      u.seen.domains[index] = a;
      return;
    default:
      ASSERT(kind === LOG_DOMAIN_GONE, 'the log holds entries of known kinds');
      h.domains.clear();
      for (const d of u.removals.pop()!) h.domains.set(d.domid, d);
  }
}

function putRunBack(h: Heap, u: HeapUndo, id: number): void {
  const { log } = u;
  const at = u.at - 13;
  u.at = at;
  h.runFirst[id] = log[at]!;
  h.runCount[id] = log[at + 1]!;
  h.runStride[id] = log[at + 2]!;
  h.runSize[id] = log[at + 3]!;
  h.runVal[id] = log[at + 4]!;
  h.runKind[id] = log[at + 5]!;
  h.runList[id] = log[at + 6]!;
  h.runNext[id] = log[at + 7]!;
  h.runPrev[id] = log[at + 8]!;
  h.runChunkNext[id] = log[at + 9]!;
  h.runChunkPrev[id] = log[at + 10]!;
}

function putBitsBack(h: Heap, u: HeapUndo, chunk: number): void {
  const n = u.log[u.at - 3]!;
  const from = u.log[u.at - 4]!;
  const at = u.at - 4 - n;
  const bits = h.dirtyBits[chunk]!;
  for (let i = 0; i < n; i++) bits[from + i] = u.log[at + i]!;
  u.at = at;
}

/** A domain stays the same object, because others hold it; its fields are put back. */
function putDomainBack(d: HeapDomain, was: HeapDomain): void {
  d.totPages = was.totPages;
  d.extraPages = was.extraPages;
  d.maxPages = was.maxPages;
  d.outstandingPages = was.outstandingPages;
  d.lastAllocNode = was.lastAllocNode;
  d.nodeAffinity = was.nodeAffinity;
  d.nodeMask = was.nodeMask;
  d.creationFinished = was.creationFinished;
  d.isDying = was.isDying;
  d.pendingScrub = was.pendingScrub;
  d.savedPages = was.savedPages;
  d.saved = was.saved;
}
