/** Memory kept page by page: filled and torn down in bulk as one page after the other, and as memory kept in runs. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { bootHeap } from '../../src/hypervisor/boot-heap.ts';
import { createHeapDomain } from '../../src/hypervisor/heap-domain.ts';
import type { Heap, HeapDomain } from '../../src/hypervisor/heap-state.ts';
import { checkInvariants } from '../../src/hypervisor/invariants.ts';
import { allocDomheapPages, freeDomheapPages } from '../../src/hypervisor/page-alloc.ts';
import { relieve } from '../../src/hypervisor/page-region.ts';
import { beginDestroy, relinquishPages } from '../../src/hypervisor/relinquish.ts';
import { framesOf, heapState } from '../model/heap-drive.ts';

interface Host {
  readonly h: Heap;
  readonly doms: HeapDomain[];
}

const GUESTS = 3;
const PAGES = 14_000;

/** A host whose memory the first domain has taken page by page, and given back where `holes` says so. */
function frayed(holes: readonly boolean[], inRuns: boolean): Host {
  const h = bootHeap({
    nodes: [{ node: 0, ranges: [[1, PAGES + 1]] }],
    cpuNode: 0,
    bootscrub: 'off',
    scrubDomheap: false,
  });
  if (inRuns) h.chunkCrowd.fill(PAGES);
  const doms = Array.from({ length: GUESTS }, (_, i) =>
    createHeapDomain(h, { domid: i + 1, maxPages: PAGES, nodeAffinity: null }),
  );
  const got = allocDomheapPages(h, doms[0]!, { order: 0, count: 6000, node: null, exact: false });
  framesOf(got.runs, got.done).forEach((mfn, i) => {
    if (holes[i % holes.length]) freeDomheapPages(h, doms[0]!, { mfn, order: 0, count: 1, stride: 0 });
  });
  return { h, doms };
}

const act = fc.oneof(
  fc.record({
    do: fc.constant('populate' as const),
    who: fc.integer({ min: 1, max: GUESTS - 1 }),
    order: fc.integer({ min: 0, max: 9 }),
    count: fc.integer({ min: 1, max: 40 }),
  }),
  fc.record({ do: fc.constant('free' as const), who: fc.nat(GUESTS - 1), pages: fc.nat(3000) }),
);

/** Tears down up to `pages` pages, `step` at a time. */
function relinquish({ h, doms }: Host, who: number, pages: number, step: number): void {
  const d = doms[who]!;
  if (!d.isDying) beginDestroy(h, d);
  for (let done = 0; done < pages; ) {
    const n = relinquishPages(h, d, Math.min(step, pages - done));
    if (n === 0) return;
    done += n;
  }
}

describe('page_list', () => {
  it('takes and gives neighbouring pages in bulk as page by page, and as runs do', () => {
    let regions = 0;
    fc.assert(
      fc.property(
        fc.array(fc.boolean(), { minLength: 2, maxLength: 9 }),
        fc.array(act, { maxLength: 8 }),
        (holes, acts) => {
          const bulk = frayed(holes, false);
          const single = frayed(holes, false);
          const runs = frayed(holes, true);
          regions += bulk.h.regionMfn.length;
          for (const a of acts) {
            if (a.do === 'free') {
              relinquish(bulk, a.who, a.pages, Number.POSITIVE_INFINITY);
              relinquish(single, a.who, a.pages, 1);
              relinquish(runs, a.who, a.pages, 97);
            } else
              for (const { h, doms } of [bulk, single, runs]) {
                const q = { order: a.order, count: a.count, node: null, exact: false };
                if (!doms[a.who]!.isDying) allocDomheapPages(h, doms[a.who]!, q);
                relieve(h);
              }
            expect(heapState(bulk.h)).toEqual(heapState(single.h));
            expect(heapState(bulk.h)).toEqual(heapState(runs.h));
            expect(checkInvariants(bulk.h)).toEqual([]);
          }
          expect(runs.h.regionMfn).toEqual([]);
        },
      ),
      { seed: 2033, numRuns: 15 },
    );
    expect(regions).toBeGreaterThan(15);
  });
});

describe('blocks on both sides of pages with entries of their own', () => {
  const ORDER = 2;
  const COUNT = 30_000;
  const runsOf = (h: Heap): number => h.chunkCount.reduce((sum, n) => sum + n, 0);

  /** A host with one frayed region in the middle, and a guest that holds the blocks around it. */
  function around(): Host & { readonly frames: readonly number[] } {
    const h = bootHeap({
      nodes: [{ node: 0, ranges: [[1, 2 ** 17]] }],
      cpuNode: 0,
      bootscrub: 'off',
      scrubDomheap: false,
    });
    const doms = [1, 2].map((domid) => createHeapDomain(h, { domid, maxPages: 2 ** 17, nodeAffinity: null }));
    const all = allocDomheapPages(h, doms[0]!, { order: 0, count: 2 ** 17, node: null, exact: false });
    const frames = framesOf(all.runs, all.done);
    // Every third page of one region stays taken: too many runs for one chunk.
    for (const mfn of frames.filter((mfn) => mfn >= 2 ** 16 && mfn < 2 ** 16 + 4096 && mfn % 3 !== 0))
      freeDomheapPages(h, doms[0]!, { mfn, order: 0, count: 1, stride: 0 });
    for (const [first, count] of [
      [1, 2 ** 16 - 1],
      [2 ** 16 + 4096, 2 ** 16 - 4096],
    ] as const)
      freeDomheapPages(h, doms[0]!, { mfn: first, order: 0, count, stride: 1 });
    const blocks = allocDomheapPages(h, doms[1]!, { order: ORDER, count: COUNT, node: null, exact: false });
    return { h, doms, frames: framesOf(blocks.runs, blocks.done) };
  }

  it('stay runs, and so does a comb out of them', () => {
    const bulk = around();
    const single = around();
    expect(bulk.h.regionMfn.length).toBe(1);
    expect(runsOf(bulk.h)).toBeLessThan(60);
    const [top] = [...bulk.frames].sort((a, b) => b - a);
    const stride = -(2 ** ORDER);
    // From the highest block down over the region: those of it that the guest has not got are not given back.
    const held = new Set(bulk.frames);
    const parts: [number, number][] = [];
    for (let mfn = top!; mfn > 0; mfn += stride) {
      if (!held.has(mfn)) continue;
      const part = parts[parts.length - 1];
      if (part !== undefined && part[0] + part[1] * stride === mfn) part[1]++;
      else parts.push([mfn, 1]);
    }
    for (const [mfn, count] of parts) {
      freeDomheapPages(bulk.h, bulk.doms[1]!, { mfn, order: 0, count, stride });
      for (let i = 0; i < count; i++)
        freeDomheapPages(single.h, single.doms[1]!, {
          mfn: mfn + i * stride,
          order: 0,
          count: 1,
          stride: 0,
        });
    }
    expect(heapState(bulk.h)).toEqual(heapState(single.h));
    expect(checkInvariants(bulk.h)).toEqual([]);
    expect(runsOf(bulk.h)).toBeLessThan(150);
    expect(bulk.h.regionMfn.length).toBeLessThan(3);
    expect(single.h.regionMfn.length).toBeGreaterThan(20);
  });
});

describe('relieve()', () => {
  /** Sixteen guests that take blocks of this order in no regular order. */
  function mixed(order: number): Heap {
    const h = bootHeap({
      nodes: [{ node: 0, ranges: [[1, 2 ** 18]] }],
      cpuNode: 0,
      bootscrub: 'off',
      scrubDomheap: false,
    });
    const doms = Array.from({ length: 16 }, (_, i) =>
      createHeapDomain(h, { domid: i + 1, maxPages: 2 ** 18, nodeAffinity: null }),
    );
    for (let i = 0; i < 400; i++)
      allocDomheapPages(h, doms[(i * i * 7 + (i >> 2)) % 16]!, { order, count: 1, node: null, exact: false });
    relieve(h);
    return h;
  }

  it('leaves superpages as they are, however many guests have them', () => {
    const h = mixed(9);
    expect(h.chunkCount[0]).toBeGreaterThan(100);
    // The lowest has the end of the heap, with a buddy of each order.
    expect(h.regionMfn).toEqual([0]);
  });

  it('gives small blocks that nobody has many of in a row entries of their own', () => {
    expect(mixed(2).regionMfn.length).toBe(1);
  });
});
