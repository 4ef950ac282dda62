/** n at once equals n times one: allocation, giving back and destruction, on two equal heaps. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { bootHeap } from '../../src/hypervisor/boot-heap.ts';
import { domainSetOutstandingPages } from '../../src/hypervisor/claims.ts';
import { createHeapDomain, setCreationFinished, setMaxPages } from '../../src/hypervisor/heap-domain.ts';
import type { Heap, HeapBoot, HeapDomain } from '../../src/hypervisor/heap-state.ts';
import { checkInvariants } from '../../src/hypervisor/invariants.ts';
import { allocDomheapPages, freeDomheapPages } from '../../src/hypervisor/page-alloc.ts';
import { populateExtents } from '../../src/hypervisor/populate-extents.ts';
import { beginDestroy, relinquishPages } from '../../src/hypervisor/relinquish.ts';
import { framesOf, heapState } from '../model/heap-drive.ts';

const ONE_NODE: HeapBoot['nodes'] = [
  {
    node: 0,
    ranges: [
      [1, 159],
      [256, 786432],
      [1048576, 1400000],
    ],
  },
];
const TWO_NODES: HeapBoot['nodes'] = [
  {
    node: 0,
    ranges: [
      [1, 159],
      [256, 500000],
    ],
  },
  {
    node: 1,
    ranges: [
      [500000, 786432],
      [1048576, 1300001],
    ],
  },
];

const setting = fc.record({
  twoNodes: fc.boolean(),
  idle: fc.boolean(),
  unpaused: fc.boolean(),
  order: fc.constantFrom(0, 0, 1, 3, 9),
  // Around the places where a batch must be cut: the claim's end, max_pages, the virq's thresholds.
  claim: fc.constantFrom(0, 0, 700, 5000, 100_000),
  maxPages: fc.constantFrom(900, 4096, 1_000_000, 4_000_000),
  virqLimit: fc.constantFrom(undefined, 0, 2 ** 28, 2 ** 30),
  first: fc.nat(300),
  count: fc.nat(3000),
});
interface Setting {
  readonly twoNodes: boolean;
  readonly idle: boolean;
  readonly unpaused: boolean;
  readonly order: number;
  readonly claim: number;
  readonly maxPages: number;
  readonly virqLimit: number | undefined;
  readonly first: number;
  readonly count: number;
}

function host(s: Setting): { h: Heap; d: HeapDomain } {
  const h = bootHeap({
    nodes: s.twoNodes ? TWO_NODES : ONE_NODE,
    cpuNode: 0,
    bootscrub: s.idle ? 'idle' : 'off',
    ...(s.virqLimit === undefined ? {} : { lowMemVirqLimit: s.virqLimit }),
  });
  const d = createHeapDomain(h, { domid: 1, maxPages: s.maxPages, nodeAffinity: null });
  const other = createHeapDomain(h, { domid: 2, maxPages: 4_000_000, nodeAffinity: null });
  if (s.unpaused) setCreationFinished(h, d);
  domainSetOutstandingPages(h, d, s.claim);
  domainSetOutstandingPages(h, other, Math.floor(h.totalAvailPages / 2));
  return { h, d };
}

const PLAIN = { node: null, exact: false } as const;

/** One at a time, stopping at the first refusal. */
function oneByOne(count: number, step: () => { done: number; frames: number[] }): number[] {
  const frames: number[] = [];
  for (let i = 0; i < count; i++) {
    const got = step();
    if (got.done === 0) break;
    frames.push(...got.frames);
  }
  return frames;
}

const populated = (
  h: Heap,
  d: HeapDomain,
  order: number,
  count: number,
): { done: number; frames: number[] } => {
  const got = populateExtents(h, d, { order, count, ...PLAIN });
  return { done: got.done, frames: framesOf(got.runs, got.done) };
};

describe('alloc_heap_pages', () => {
  it('gives n extents at once as it gives them one after the other', () => {
    fc.assert(
      fc.property(setting, (s) => {
        const a = host(s);
        const b = host(s);
        populated(a.h, a.d, 0, s.first);
        populated(b.h, b.d, 0, s.first);
        const batch = populated(a.h, a.d, s.order, s.count).frames;
        const single = oneByOne(s.count, () => populated(b.h, b.d, s.order, 1));
        expect(batch).toEqual(single);
        expect(heapState(a.h)).toEqual(heapState(b.h));
        expect(checkInvariants(a.h)).toEqual([]);
      }),
      { seed: 2012, numRuns: 60 },
    );
  });

  it('gives single pages by the short way as by the long one', () => {
    const a = host({
      twoNodes: false,
      idle: true,
      unpaused: false,
      order: 0,
      claim: 700,
      maxPages: 900,
      virqLimit: 0,
      first: 0,
      count: 0,
    });
    const b = host({
      twoNodes: false,
      idle: true,
      unpaused: false,
      order: 0,
      claim: 700,
      maxPages: 900,
      virqLimit: 0,
      first: 0,
      count: 0,
    });
    // 900 succeed, the next is refused by max_pages.
    for (let i = 0; i < 901; i++) {
      const short = allocDomheapPages(a.h, a.d, { order: 0, count: 1, ...PLAIN, noScrub: true });
      const long = populated(b.h, b.d, 0, 1);
      expect(framesOf(short.runs, short.done)).toEqual(long.frames);
    }
    expect(heapState(a.h)).toEqual(heapState(b.h));
  });
});

describe('free_heap_pages', () => {
  const comb = fc.record({
    order: fc.constantFrom(0, 0, 1, 2, 5, 9),
    stride: fc.constantFrom(1, -1, 2, -2, 4, -8, 3, 16, -64),
    offset: fc.nat(40_000),
    count: fc.integer({ min: 1, max: 700 }),
    whole: fc.boolean(),
  });

  it('frees a comb at once as block after block, and later combs that meet it', () => {
    fc.assert(
      fc.property(setting, fc.array(comb, { minLength: 1, maxLength: 5 }), (s, combs) => {
        const roomy = { ...s, maxPages: 4_000_000, order: 0, claim: 0 };
        const a = host(roomy);
        const b = host(roomy);
        const top = populated(a.h, a.d, 0, 90_000).frames;
        populated(b.h, b.d, 0, 90_000);
        const owned = new Set(top);
        for (const c of combs) {
          const size = 2 ** c.order;
          const first = top[c.offset]! - (top[c.offset]! % size);
          const stride = c.stride * size;
          let count = 0;
          const whole = (at: number): boolean => {
            for (let k = 0; k < size; k++) if (!owned.has(at + k)) return false;
            return true;
          };
          while (count < c.count && whole(first + count * stride)) count++;
          if (count === 0) continue;
          for (let i = 0; i < count; i++) for (let k = 0; k < size; k++) owned.delete(first + i * stride + k);
          freeDomheapPages(a.h, a.d, { mfn: first, order: c.order, count, stride, whole: c.whole });
          for (let i = 0; i < count; i++)
            freeDomheapPages(b.h, b.d, {
              mfn: first + i * stride,
              order: c.order,
              count: 1,
              stride: 0,
              whole: c.whole,
            });
          expect(heapState(a.h)).toEqual(heapState(b.h));
        }
        expect(checkInvariants(a.h)).toEqual([]);
        // Destruction in one go, and page by page.
        for (const { h, d } of [a, b]) beginDestroy(h, d);
        relinquishPages(a.h, a.d, Number.POSITIVE_INFINITY);
        while (relinquishPages(b.h, b.d, 997) > 0);
        expect(heapState(a.h)).toEqual(heapState(b.h));
        expect(checkInvariants(a.h)).toEqual([]);
      }),
      { seed: 2013, numRuns: 25 },
    );
  });
});

describe('populate_physmap', () => {
  it('continues after every yield where it stopped, ending as an undisturbed call ends', () => {
    fc.assert(
      fc.property(setting, fc.integer({ min: 1, max: 9 }), (s, k) => {
        const roomy = { ...s, maxPages: 4_000_000 };
        const a = host(roomy);
        const b = host(roomy);
        const count = Math.min(s.count, 200);
        const frames = populated(a.h, a.d, s.order, count).frames;
        const got: number[] = [];
        for (let calls = 0; got.length < count && calls < 5000; calls++) {
          const part = populateExtents(b.h, b.d, {
            order: s.order,
            count: count - got.length,
            ...PLAIN,
            preempt: k,
          });
          got.push(...framesOf(part.runs, part.done));
          if (!part.preempted) break;
        }
        expect(got).toEqual(frames);
        expect(heapState(a.h)).toEqual(heapState(b.h));
      }),
      { seed: 2014, numRuns: 40 },
    );
  });
});

describe('max_pages', () => {
  it('gives a refused block back and loses the claim it used up', () => {
    const { h, d } = host({
      twoNodes: false,
      idle: true,
      unpaused: false,
      order: 0,
      claim: 600,
      maxPages: 600,
      virqLimit: undefined,
      first: 0,
      count: 0,
    });
    setMaxPages(h, d, 100);
    expect(populated(h, d, 0, 101).done).toBe(100);
    // 600 claimed, 100 used by pages, 1 by the refused one.
    expect(d.outstandingPages).toBe(499);
  });
});
