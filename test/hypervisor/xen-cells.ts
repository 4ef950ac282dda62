/** Everything a Xen is made of, cell by cell: what going back to a mark must restore. */
import {
  CHUNK,
  type Heap,
  type HeapDomain,
  KIND_EXTRA,
  KIND_FREE,
  REGION,
} from '../../src/hypervisor/heap-state.ts';
import { metaKind } from '../../src/hypervisor/page-region.ts';
import type { Xen } from '../../src/hypervisor/xen.ts';

/** Columns of runs, lists and pages as far as they are in use; of what is not in use nothing is ever read. */
const RUNS = [
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
const LISTS = ['listHead', 'listTail'] as const;
const PAGES = ['pgNext', 'pgPrev', 'pgMeta'] as const;
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
  'rotated',
] as const;

/** A heap's cells by the name of their column. */
export function heapCells(h: Heap): Record<string, unknown> {
  const cells: Record<string, unknown> = {};
  for (const name of RUNS) cells[name] = h[name].slice(0, h.runLimit);
  maskRunLinks(h, cells.runNext as Int32Array, cells.runPrev as Int32Array);
  for (const name of LISTS) cells[name] = h[name].slice(0, h.listLimit);
  for (const name of PAGES) cells[name] = h[name].slice(0, h.regionMfn.length * REGION);
  maskPageLinks(h, cells.pgNext as Int32Array, cells.pgPrev as Int32Array);
  for (const name of FIXED) cells[name] = h[name].slice();
  for (const name of SCALARS) cells[name] = h[name];
  cells.spareLists = [...h.spareLists];
  cells.crowded = [...h.crowded];
  cells.chunkRegions = h.chunkRegions.map((regions) => regions?.slice() ?? null);
  cells.regionMfn = [...h.regionMfn];
  cells.regionSpare = [...h.regionSpare];
  // A bitmap is made when it is first written; one without a bit says what none says.
  cells.dirtyBits = h.dirtyBits.map((bits) => bits?.slice() ?? new Uint32Array(CHUNK / 32));
  cells.special = [...h.special];
  cells.domains = [...h.domains.values()].map(domainCells);
  return cells;
}

/** Runs on no list have no links; of those not in use the next one is the next such run. */
function maskRunLinks(h: Heap, next: Int32Array, prev: Int32Array): void {
  for (let id = 0; id < h.runLimit; id++) {
    const kind = h.runKind[id]!;
    if (kind !== 0 && h.runList[id]! >= 0) continue;
    prev[id] = 0;
    if (kind !== 0) next[id] = 0;
  }
}

/** The same for pages: only the first one of a free buddy, and pages on a domain's list, have links. */
function maskPageLinks(h: Heap, next: Int32Array, prev: Int32Array): void {
  for (let slot = 0; slot < next.length; slot++) {
    const kind = metaKind(h.pgMeta[slot]!);
    if (kind >= KIND_FREE && kind <= KIND_EXTRA) continue;
    next[slot] = 0;
    prev[slot] = 0;
  }
}

/** What saveHeap() remembers of a domain is its own. */
const domainCells = ({ savedPages: _, saved: __, ...fields }: HeapDomain) => structuredClone(fields);

/** A Xen's cells. Records of domains are values, so that they need no copy. */
export const xenCells = (xen: Xen): Record<string, unknown> => ({
  ...heapCells(xen.heap),
  records: [...xen.domains].sort(([a], [b]) => a - b),
  lastDomid: xen.lastDomid,
  cpupools: xen.cpupools,
  consoleRing: xen.consoleRing,
});

/** The first column in which two differ, or null. */
export function firstDifference(
  a: Readonly<Record<string, unknown>>,
  b: Readonly<Record<string, unknown>>,
): string | null {
  return Object.keys(a).find((name) => !isEqual(a[name], b[name])) ?? null;
}

function isEqual(a: unknown, b: unknown): boolean {
  if (Object.is(a, b)) return true;
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false;
  if (ArrayBuffer.isView(a) && ArrayBuffer.isView(b)) {
    const [x, y] = [a as Int32Array, b as Int32Array];
    return x.length === y.length && x.every((value, i) => value === y[i]);
  }
  const keys = Object.keys(a);
  if (keys.length !== Object.keys(b).length) return false;
  return keys.every((key) => isEqual(a[key as keyof typeof a], b[key as keyof typeof b]));
}
