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
