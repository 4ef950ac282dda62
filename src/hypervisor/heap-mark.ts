/**
 * Going back to an earlier state of the heap.
 *
 * A mark is a copy of the columns' used parts: a few tens of KiB for a host of runs. What grows with pages, the regions
 * kept page by page and the bitmaps of dirty pages, is copied piece by piece and only where it changed since the last
 * mark; all marks share those copies. Marks nest, and one may be gone back to repeatedly, in any order.
 */
import { type Heap, type HeapDomain, NIL, REGION, type RegionCopy } from './heap-state.ts';

const COLUMNS = [
  'runFirst',
  'runCount',
  'runStride',
  'runSize',
  'runVal',
  'runKind',
  'runList',
  'runNext',
  'runPrev',
  'runChunkNext',
  'runChunkPrev',
] as const;
const SCALARS = [
  'dmaBits',
  'totalAvailPages',
  'outstandingClaims',
  'virqTh',
  'virqHigh',
  'virqThOrder',
  'virqThOrig',
  'virqCount',
  'listLimit',
  'runLimit',
  'runSpare',
  'offliningPages',
] as const;
const FIXED = [
  'started',
  'nodeAvail',
  'needScrub',
  'zoneAvail',
  'orderMask',
  'chunkHead',
  'chunkCount',
  'chunkCrowd',
] as const;

/** A point to go back to. */
export interface HeapMark {
  readonly columns: readonly (Uint32Array | Int32Array)[];
  readonly scalars: readonly number[];
  readonly fixed: readonly (Uint8Array | Int32Array | Float64Array)[];
  readonly listHead: Int32Array;
  readonly listTail: Int32Array;
  readonly spareLists: readonly number[];
  readonly chunkRegions: readonly (Int32Array | null)[];
  readonly regions: readonly (RegionCopy | null)[];
  readonly regionMfn: readonly number[];
  readonly regionSpare: readonly number[];
  readonly dirtyBits: readonly (Uint32Array | null)[];
  readonly special: ReadonlyMap<number, number>;
  readonly domains: readonly (readonly [HeapDomain, HeapDomain])[];
}

/** Remembers this state. */
export function mark(h: Heap): HeapMark {
  copyChanged(h);
  return {
    columns: COLUMNS.map((name) => h[name].slice(0, h.runLimit)),
    scalars: SCALARS.map((name) => h[name]),
    fixed: FIXED.map((name) => h[name].slice()),
    listHead: h.listHead.slice(0, h.listLimit),
    listTail: h.listTail.slice(0, h.listLimit),
    spareLists: [...h.spareLists],
    chunkRegions: h.chunkRegions.map((r) => r?.slice() ?? null),
    regions: h.regionCopies.slice(),
    regionMfn: [...h.regionMfn],
    regionSpare: [...h.regionSpare],
    dirtyBits: h.bitsCopies.slice(),
    special: new Map(h.special),
    // A domain stays the same object, because others hold it; its fields are put back.
    domains: [...h.domains.values()].map((d) => [d, { ...d }] as const),
  };
}

/** Copies the regions and bitmaps that have changed since they were last copied. */
function copyChanged(h: Heap): void {
  for (let region = 0; region < h.regionMfn.length; region++) {
    if (h.regionChanged[region] === 0) continue;
    h.regionChanged[region] = 0;
    const from = region * REGION;
    h.regionCopies[region] =
      h.regionMfn[region]! < 0
        ? null
        : {
            next: h.pgNext.slice(from, from + REGION),
            prev: h.pgPrev.slice(from, from + REGION),
            meta: h.pgMeta.slice(from, from + REGION),
          };
  }
  for (let chunk = 0; chunk < h.dirtyBits.length; chunk++) {
    if (h.bitsChanged[chunk] === 0) continue;
    h.bitsChanged[chunk] = 0;
    h.bitsCopies[chunk] = h.dirtyBits[chunk]?.slice() ?? null;
  }
}

/** Puts back the regions and bitmaps that are not what they were. */
function restoreChanged(h: Heap, to: HeapMark): void {
  for (let region = 0; region < to.regions.length; region++) {
    const copy = to.regions[region]!;
    if (h.regionChanged[region] === 0 && h.regionCopies[region] === copy) continue;
    h.regionChanged[region] = 0;
    h.regionCopies[region] = copy;
    if (copy === null) continue;
    h.pgNext.set(copy.next, region * REGION);
    h.pgPrev.set(copy.prev, region * REGION);
    h.pgMeta.set(copy.meta, region * REGION);
  }
  h.regionCopies.length = to.regions.length;
  for (let chunk = 0; chunk < to.dirtyBits.length; chunk++) {
    const copy = to.dirtyBits[chunk]!;
    if (h.bitsChanged[chunk] === 0 && h.bitsCopies[chunk] === copy) continue;
    h.bitsChanged[chunk] = 0;
    h.bitsCopies[chunk] = copy;
    h.dirtyBits[chunk] = copy?.slice() ?? null;
  }
}

/** Makes the heap what it was at `to`. */
export function rollback(h: Heap, to: HeapMark): void {
  COLUMNS.forEach((name, i) => {
    h[name].set(to.columns[i]!);
  });
  SCALARS.forEach((name, i) => {
    h[name] = to.scalars[i]!;
  });
  FIXED.forEach((name, i) => {
    h[name].set(to.fixed[i]!);
  });
  // A list handed out since is empty when it is handed out again.
  h.listHead.fill(NIL);
  h.listTail.fill(NIL);
  h.listHead.set(to.listHead);
  h.listTail.set(to.listTail);
  replace(h.spareLists, to.spareLists);
  to.chunkRegions.forEach((r, i) => {
    h.chunkRegions[i] = r?.slice() ?? null;
  });
  restoreChanged(h, to);
  replace(h.regionMfn, to.regionMfn);
  replace(h.regionSpare, to.regionSpare);
  h.special.clear();
  for (const [mfn, flags] of to.special) h.special.set(mfn, flags);
  h.domains.clear();
  for (const [d, saved] of to.domains) {
    Object.assign(d, saved);
    h.domains.set(d.domid, d);
  }
  h.crowded.length = 0;
}

function replace(array: number[], by: readonly number[]): void {
  array.length = 0;
  for (const x of by) array.push(x);
}
