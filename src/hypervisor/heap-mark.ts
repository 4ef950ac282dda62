/**
 * Going back to an earlier state of the heap.
 *
 * A mark is a copy of the columns' used parts: a few tens of KiB for a host of runs, 12 bytes more for each page of a
 * region kept page by page. Nothing is paid while no mark is made. Marks nest, and one may be gone back to repeatedly.
 */
import { type Heap, type HeapDomain, NIL, REGION } from './heap-state.ts';

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
  readonly pages: readonly [Int32Array, Int32Array, Int32Array];
  readonly regionMfn: readonly number[];
  readonly regionSpare: readonly number[];
  readonly dirtyBits: readonly (Uint32Array | null)[];
  readonly special: ReadonlyMap<number, number>;
  readonly domains: readonly (readonly [HeapDomain, HeapDomain])[];
}

/** Remembers this state. */
export function mark(h: Heap): HeapMark {
  const pages = h.regionMfn.length * REGION;
  return {
    columns: COLUMNS.map((name) => h[name].slice(0, h.runLimit)),
    scalars: SCALARS.map((name) => h[name]),
    fixed: FIXED.map((name) => h[name].slice()),
    listHead: h.listHead.slice(0, h.listLimit),
    listTail: h.listTail.slice(0, h.listLimit),
    spareLists: [...h.spareLists],
    chunkRegions: h.chunkRegions.map((r) => r?.slice() ?? null),
    pages: [h.pgNext.slice(0, pages), h.pgPrev.slice(0, pages), h.pgMeta.slice(0, pages)],
    regionMfn: [...h.regionMfn],
    regionSpare: [...h.regionSpare],
    dirtyBits: h.dirtyBits.map((bits) => bits?.slice() ?? null),
    special: new Map(h.special),
    // A domain stays the same object, because others hold it; its fields are put back.
    domains: [...h.domains.values()].map((d) => [d, { ...d }] as const),
  };
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
  h.pgNext.set(to.pages[0]);
  h.pgPrev.set(to.pages[1]);
  h.pgMeta.set(to.pages[2]);
  replace(h.regionMfn, to.regionMfn);
  replace(h.regionSpare, to.regionSpare);
  to.dirtyBits.forEach((bits, i) => {
    h.dirtyBits[i] = bits?.slice() ?? null;
  });
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
