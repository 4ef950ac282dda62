/**
 * What cannot be batched: a 16 GiB host of which 12 GiB were taken page by page and every second page given back, then a
 * million single operations.
 */
import { bootHeap } from '../hypervisor/boot-heap.ts';
import { ASSERT } from '../hypervisor/bug.ts';
import { createHeapDomain } from '../hypervisor/heap-domain.ts';
import { mark, rollback } from '../hypervisor/heap-mark.ts';
import { type Heap, type HeapDomain, REGION } from '../hypervisor/heap-state.ts';
import { allocDomheapPages, freeDomheapPages } from '../hypervisor/page-alloc.ts';
import { populateExtents } from '../hypervisor/populate-extents.ts';
import { benchHost } from './bench-heap-case.ts';
import { cell, medianMs, missed, ms, residentMib } from './bench-measure.ts';

const TARGET_NS = 150;
const TARGET_UNDO_MS = 1;
const TARGET_BYTES = 16;
const OPS = 1_000_000;
const TAKEN = 12 * 2 ** 18;
const WINDOW = 4096;
const SEED = 20_121_128;
/** Bytes of the three columns of a page entry. */
const ENTRY_BYTES = 12;

const REQUEST = { order: 0, count: 1, node: null, exact: false } as const;

/** A small generator of our own, so that a run can be repeated: xorshift32. */
function makeNext(seed: number): (below: number) => number {
  let state = seed >>> 0;
  return (below) => {
    state ^= state << 13;
    state >>>= 0;
    state ^= state >>> 17;
    state ^= state << 5;
    state >>>= 0;
    return state % below;
  };
}

/** The host before the operations, and the pages the guest still has. */
function prepare(): { h: Heap; d: HeapDomain; owned: Uint32Array; n: number } {
  const h = bootHeap(benchHost(12, 1, 'off'));
  const d = createHeapDomain(h, { domid: 1, maxPages: 2 ** 32 - 2, nodeAffinity: null });
  const got = populateExtents(h, d, { order: 0, count: TAKEN, node: null, exact: false });
  ASSERT(got.done === TAKEN, 'the guest was built');
  const owned = new Uint32Array(TAKEN + OPS);
  let n = 0;
  for (const run of got.runs) {
    const half = Math.floor(run.count / 2);
    freeDomheapPages(h, d, { mfn: run.first, order: 0, count: half, stride: 2 * run.stride });
    for (let i = 0; i < half; i++) owned[n++] = run.first + (2 * i + 1) * run.stride;
    if (run.count % 2 === 1) owned[n++] = run.first + (run.count - 1) * run.stride;
  }
  return { h, d, owned, n };
}

/** Runs the operations; `window` limits which pages may be freed. Returns nanoseconds an operation. */
function mix(window: number): { ns: number; h: Heap } {
  const { h, d, owned, n: start } = prepare();
  const next = makeNext(SEED);
  let n = start;
  const begin = process.hrtime.bigint();
  for (let i = 0; i < OPS; i++) {
    if (next(2) === 0) {
      const got = allocDomheapPages(h, d, REQUEST);
      owned[n++] = got.runs[0]!.first;
      continue;
    }
    const at = n - 1 - next(Math.min(n, window));
    freeDomheapPages(h, d, { mfn: owned[at]!, order: 0, count: 1, stride: 0 });
    owned[at] = owned[--n]!;
  }
  return { ns: Number(process.hrtime.bigint() - begin) / OPS, h };
}

/** The two mixes. */
export function benchHeapMix(print: (line: string) => void): void {
  print(`  ${OPS} operations on a 16 GiB host, seed ${SEED}, median of 3 runs`);
  print(
    `  targets: ${TARGET_NS} ns an operation (first row), ${TARGET_BYTES} bytes a page that is not in a whole run`,
  );
  print("  Xen's own code natively: 38-54 ns, 36 bytes a page");
  print('  freed page                      ns an operation   bytes a page   pages kept singly');
  mix(WINDOW);
  missed(print, row(print, `one of the last ${WINDOW}`, WINDOW), TARGET_NS, 'ns');
  row(print, 'any, uniformly', Number.MAX_SAFE_INTEGER);
  undo(print);
  print(`  resident: ${residentMib().toFixed(0)} MiB (whole process)`);
}

/** What it costs to try one operation on the most irregular host and take it back. */
function undo(print: (line: string) => void): void {
  const { h } = mix(Number.MAX_SAFE_INTEGER);
  const d = h.domains.get(1)!;
  const attempt = (): void => {
    const point = mark(h);
    allocDomheapPages(h, d, REQUEST);
    rollback(h, point);
  };
  const first = medianMs(1, attempt);
  const next = medianMs(101, attempt);
  const pages = h.regionMfn.length * REGION;
  print(
    `  mark, one page, rollback, where ${pages} pages are kept singly: ${ms(next)} ms; the first time ${ms(first)} ms`,
  );
  missed(print, next, TARGET_UNDO_MS, 'ms');
}

function row(print: (line: string) => void, label: string, window: number): number {
  const results = [mix(window), mix(window), mix(window)].sort((a, b) => a.ns - b.ns);
  const { ns, h } = results[1]!;
  // The most there were at one time: a region given back is used for the next.
  const pages = h.regionMfn.length * REGION;
  const bytes = pages === 0 ? 0 : (h.pgMeta.length * ENTRY_BYTES) / pages;
  print(`  ${label.padEnd(28)}${cell(ns.toFixed(0), 18)}${cell(bytes.toFixed(1), 15)}${cell(pages, 20)}`);
  missed(print, bytes, TARGET_BYTES, 'bytes');
  return ns;
}
