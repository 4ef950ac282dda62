/** Combs of any stride: given back or torn down at once as block by block, and how few runs that leaves. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { bootHeap } from '../../src/hypervisor/boot-heap.ts';
import { createHeapDomain } from '../../src/hypervisor/heap-domain.ts';
import type { Heap, HeapDomain } from '../../src/hypervisor/heap-state.ts';
import { checkInvariants } from '../../src/hypervisor/invariants.ts';
import { allocDomheapPages, freeDomheapPages } from '../../src/hypervisor/page-alloc.ts';
import { beginDestroy, relinquishPages } from '../../src/hypervisor/relinquish.ts';
import { framesOf, heapState } from '../model/heap-drive.ts';

interface Setting {
  readonly builders: number;
  readonly order: number;
  readonly rounds: number;
  readonly idle: boolean;
  readonly scrubDomheap: boolean;
  readonly twoNodes: boolean;
}

const setting = fc.record({
  builders: fc.integer({ min: 2, max: 7 }),
  order: fc.integer({ min: 0, max: 3 }),
  rounds: fc.integer({ min: 1, max: 1500 }),
  idle: fc.boolean(),
  scrubDomheap: fc.boolean(),
  twoNodes: fc.boolean(),
});

/** Builders that took turns, extent by extent. */
function built(s: Setting): { h: Heap; doms: HeapDomain[]; frames: number[][] } {
  const cut = 290_000;
  const h = bootHeap({
    nodes: s.twoNodes
      ? [
          { node: 0, ranges: [[1, cut]] },
          { node: 1, ranges: [[cut, 330_001]] },
        ]
      : [{ node: 0, ranges: [[1, 330_001]] }],
    cpuNode: 0,
    bootscrub: s.idle ? 'idle' : 'off',
    scrubDomheap: s.scrubDomheap,
  });
  const doms = Array.from({ length: s.builders }, (_, i) =>
    createHeapDomain(h, { domid: i + 1, maxPages: 4_000_000, nodeAffinity: null }),
  );
  const frames = doms.map((): number[] => []);
  for (let round = 0; round < s.rounds; round++)
    for (const d of doms) {
      const got = allocDomheapPages(h, d, {
        order: s.order,
        count: 1,
        node: null,
        exact: false,
        noScrub: true,
      });
      frames[d.domid - 1]!.push(...framesOf(got.runs, got.done));
    }
  return { h, doms, frames };
}

/** Numbers below `n` in an order drawn by `seed`. */
function shuffled(n: number, seed: number): number[] {
  const order = Array.from({ length: n }, (_, i) => i);
  let s = seed;
  for (let i = n - 1; i > 0; i--) {
    s = (s * 1103515245 + 12345) % 2 ** 31;
    const j = s % (i + 1);
    [order[i], order[j]] = [order[j]!, order[i]!];
  }
  return order;
}

function destroyed(h: Heap, d: HeapDomain, limit: number): void {
  beginDestroy(h, d);
  while (relinquishPages(h, d, limit) > 0);
}

describe('relinquish_memory', () => {
  it('tears builders down that took turns as page by page, in whatever order they end', () => {
    fc.assert(
      fc.property(setting, fc.nat(10_000), (s, seed) => {
        const a = built(s);
        const b = built(s);
        for (const i of shuffled(s.builders, seed)) {
          destroyed(a.h, a.doms[i]!, Number.POSITIVE_INFINITY);
          destroyed(b.h, b.doms[i]!, 1);
          expect(heapState(a.h)).toEqual(heapState(b.h));
          expect(checkInvariants(a.h)).toEqual([]);
        }
      }),
      { seed: 2031, numRuns: 40 },
    );
  });

  it('leaves few runs where every third page came free', () => {
    const { h, doms } = built({
      builders: 3,
      order: 0,
      rounds: 80_000,
      idle: false,
      scrubDomheap: false,
      twoNodes: false,
    });
    for (const d of doms.slice(0, 2)) {
      destroyed(h, d, Number.POSITIVE_INFINITY);
      // 240,000 pages of one chunk, a third of them single or in pairs: a run for each kind, and the edges.
      expect(Math.max(...h.chunkCount)).toBeLessThan(40);
      expect(h.regionMfn).toEqual([]);
    }
  });
});

describe('free_heap_pages', () => {
  const give = fc.record({
    stride: fc.integer({ min: 1, max: 9 }),
    down: fc.boolean(),
    start: fc.nat(3000),
    count: fc.integer({ min: 1, max: 600 }),
    whole: fc.boolean(),
    who: fc.nat(6),
    order: fc.integer({ min: 0, max: 2 }),
  });

  it('takes combs of any stride back, clean or dirty, as block by block', () => {
    fc.assert(
      fc.property(
        setting,
        fc.array(give, { minLength: 2, maxLength: 12 }),
        fc.nat(10_000),
        (s, gives, seed) => {
          const a = built(s);
          const b = built(s);
          const has = a.frames.map((frames) => {
            const pages = new Set<number>();
            for (const mfn of frames) for (let k = 0; k < 2 ** s.order; k++) pages.add(mfn + k);
            return pages;
          });
          // One of them dies in between, so that dirty and clean meet.
          const dies = seed % gives.length;
          gives.forEach((g, at) => {
            if (at === dies) {
              const last = s.builders - 1;
              destroyed(a.h, a.doms[last]!, Number.POSITIVE_INFINITY);
              destroyed(b.h, b.doms[last]!, 1);
              has[last]!.clear();
              expect(heapState(a.h)).toEqual(heapState(b.h));
            }
            const who = g.who % s.builders;
            const mine = a.frames[who]!;
            const order = Math.min(g.order, s.order);
            const size = 2 ** order;
            const first = mine[g.start % mine.length]!;
            // Multiples of the distance between its own extents, or of the block alone.
            const unit = g.whole ? 2 ** s.order * s.builders : size;
            const stride = g.stride * unit * (g.down ? -1 : 1);
            const owned = (mfn: number): boolean => {
              for (let k = 0; k < size; k++) if (!has[who]!.has(mfn + k)) return false;
              return true;
            };
            let count = 0;
            while (count < g.count && owned(first + count * stride)) count++;
            if (count === 0) return;
            for (let i = 0; i < count; i++)
              for (let k = 0; k < size; k++) has[who]!.delete(first + i * stride + k);
            freeDomheapPages(a.h, a.doms[who]!, { mfn: first, order, count, stride, whole: g.whole });
            for (let i = 0; i < count; i++)
              freeDomheapPages(b.h, b.doms[who]!, {
                mfn: first + i * stride,
                order,
                count: 1,
                stride: 0,
                whole: g.whole,
              });
            expect(heapState(a.h)).toEqual(heapState(b.h));
          });
          expect(checkInvariants(a.h)).toEqual([]);
          for (let i = 0; i < s.builders; i++) {
            if (a.doms[i]!.isDying) continue;
            destroyed(a.h, a.doms[i]!, Number.POSITIVE_INFINITY);
            destroyed(b.h, b.doms[i]!, 1);
          }
          expect(heapState(a.h)).toEqual(heapState(b.h));
          expect(checkInvariants(a.h)).toEqual([]);
        },
      ),
      { seed: 2032, numRuns: 40 },
    );
  });
});
