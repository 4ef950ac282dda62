/** Batches on a heap of clean and dirty memory: searches that turn lists on their way, at once and one by one. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { bootHeap } from '../../src/hypervisor/boot-heap.ts';
import { createHeapDomain, setCreationFinished } from '../../src/hypervisor/heap-domain.ts';
import type { Heap, HeapBoot, HeapDomain } from '../../src/hypervisor/heap-state.ts';
import { checkInvariants } from '../../src/hypervisor/invariants.ts';
import { allocDomheapPages, freeDomheapPages } from '../../src/hypervisor/page-alloc.ts';
import { framesOf, heapState } from '../model/heap-drive.ts';

const GIB = 2 ** 18;

/** Equal shares of 5 GiB each, none of them aligned. */
const nodesOf = (count: number): HeapBoot['nodes'] =>
  Array.from({ length: count }, (_, node) => ({
    node,
    ranges: [
      [node * 5 * GIB + 256, node * 5 * GIB + 3 * GIB],
      [node * 5 * GIB + 3 * GIB + 777, (node + 1) * 5 * GIB],
    ] as [number, number][],
  }));

const setting = fc.record({
  nodes: fc.constantFrom(1, 1, 2, 3),
  idle: fc.boolean(),
  // What has been used and given back dirty, or clean, before: [order, count, dirty].
  before: fc.array(
    fc.tuple(fc.constantFrom(0, 5, 9, 9, 12, 18), fc.integer({ min: 1, max: 700 }), fc.boolean()),
    { maxLength: 6 },
  ),
  mask: fc.constantFrom<readonly number[] | null>(null, null, [0], [1], [0, 1]),
  node: fc.constantFrom(null, null, null, 0),
  exact: fc.boolean(),
  order: fc.constantFrom(1, 4, 9, 9, 9, 13),
  count: fc.integer({ min: 1, max: 3000 }),
});
type Setting = typeof setting extends fc.Arbitrary<infer T> ? T : never;

/** A heap on which others have been, half of whose blocks are back: every second one first, then part of the rest. */
function host(s: Setting): { h: Heap; d: HeapDomain } {
  const h = bootHeap({ nodes: nodesOf(s.nodes), cpuNode: 0, bootscrub: s.idle ? 'idle' : 'off' });
  const other = createHeapDomain(h, { domid: 2, maxPages: 2 ** 30, nodeAffinity: null });
  for (const [order, count, dirty] of s.before) {
    const { done, runs } = allocDomheapPages(h, other, {
      order,
      count,
      node: null,
      exact: false,
      noScrub: true,
    });
    const frames = framesOf(runs, done);
    other.isDying = dirty;
    frames.forEach((mfn, i) => {
      if (i % 3 !== 1) freeDomheapPages(h, other, { mfn, order, count: 1, stride: 2 ** order });
    });
    other.isDying = false;
  }
  const here = s.mask?.filter((node) => node < s.nodes) ?? [];
  const nodeAffinity = here.length === 0 ? null : here;
  const d = createHeapDomain(h, { domid: 1, maxPages: 2 ** 30, nodeAffinity });
  setCreationFinished(h, d);
  return { h, d };
}

function taken(h: Heap, d: HeapDomain, s: Setting, count: number): number[] {
  const { order, node } = s;
  const got = allocDomheapPages(h, d, { order, count, node, exact: s.exact && node !== null });
  return framesOf(got.runs, got.done);
}

describe('get_free_buddy', () => {
  it('leaves lists turned as far after a batch as after the same number of single requests', () => {
    fc.assert(
      fc.property(setting, (s) => {
        const a = host(s);
        const b = host(s);
        const batch = taken(a.h, a.d, s, s.count);
        const single: number[] = [];
        for (let i = 0; i < s.count; i++) {
          const got = taken(b.h, b.d, s, 1);
          if (got.length === 0) break;
          single.push(...got);
        }
        expect(batch).toEqual(single);
        expect(heapState(a.h)).toEqual(heapState(b.h));
        expect(checkInvariants(a.h)).toEqual([]);
      }),
      { seed: 2026, numRuns: 120 },
    );
  }, 60_000);
});
