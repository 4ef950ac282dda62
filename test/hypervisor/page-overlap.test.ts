/** A page in two places is found, and only such a one: held against a count page by page. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { bootHeap } from '../../src/hypervisor/boot-heap.ts';
import { createHeapDomain } from '../../src/hypervisor/heap-domain.ts';
import { chunkOf, type Heap, KIND_FREE, OFFLINED, REGION } from '../../src/hypervisor/heap-state.ts';
import { allocDomheapPages, freeDomheapPages } from '../../src/hypervisor/page-alloc.ts';
import { checkOverlap } from '../../src/hypervisor/page-overlap.ts';
import { runHigh, runLow } from '../../src/hypervisor/page-run.ts';

const FIRST = 2 ** 18 - 4096;
const PAGES = 3 * 4096;

/** A heap of two chunks in which two domains have taken pages in turns, so that some of it is kept page by page. */
function worn(turns: readonly (readonly [who: number, order: number, gap: number])[]): Heap {
  const h = bootHeap({
    nodes: [{ node: 0, ranges: [[FIRST, FIRST + PAGES]] }],
    cpuNode: 0,
    bootscrub: 'off',
  });
  for (const domid of [1, 2]) createHeapDomain(h, { domid, maxPages: PAGES, nodeAffinity: null });
  for (const [who, order, gap] of turns) {
    const d = h.domains.get(1 + (who % 2))!;
    const asked = { order, count: 16, node: null, exact: false };
    for (const { first, count, stride } of allocDomheapPages(h, d, asked).runs)
      for (let i = 0; i < count; i += 1 + gap)
        freeDomheapPages(h, d, { mfn: first + i * stride, order, count: 1, stride: 0 });
  }
  return h;
}

/** How often each page is in something. */
function holders(h: Heap): Map<number, number> {
  const held = new Map<number, number>();
  const hold = (mfn: number): unknown => held.set(mfn, (held.get(mfn) ?? 0) + 1);
  for (let id = 0; id < h.runLimit; id++) {
    const [first, stride, size] = [h.runFirst[id]!, h.runStride[id]!, h.runSize[id]!];
    if (h.runKind[id] === 0) continue;
    for (let i = 0; i < h.runCount[id]!; i++)
      for (let k = 0; k < Math.abs(size); k++) hold(first + i * stride + k * Math.sign(size));
  }
  h.regionMfn.forEach((first, region) => {
    for (let i = 0; first >= 0 && i < REGION; i++) {
      const meta = h.pgMeta[region * REGION + i]!;
      const pages = (meta & 7) === KIND_FREE ? 2 ** ((meta >>> 3) & 15) : Math.sign(meta);
      for (let k = 0; k < pages; k++) hold(first + i + k);
    }
  });
  return held;
}

const wrongIn = (h: Heap): string[] => {
  const wrong: string[] = [];
  checkOverlap(h, wrong);
  return wrong;
};

const turns = fc.array(fc.tuple(fc.nat(1), fc.nat(2), fc.nat(2)), { minLength: 1, maxLength: 40 });

describe('pages in two places', () => {
  it('are those that a count page by page finds in two, wherever a run is put', () => {
    let found = 0;
    fc.assert(
      fc.property(turns, fc.nat(), fc.integer({ min: -40, max: 40 }), (session, which, by) => {
        const h = worn(session);
        expect(wrongIn(h)).toEqual([]);
        const used = [...h.runKind.keys()].filter((id) => h.runKind[id] !== 0);
        const id = used[which % used.length]!;
        const chunk = chunkOf(h.runFirst[id]!);
        h.runFirst[id] = h.runFirst[id]! + by;
        // Of a run that lies outside of its chunk checkInvariants() says so.
        if (chunkOf(runLow(h, id)) !== chunk || chunkOf(runHigh(h, id) - 1) !== chunk) return;
        const twice = [...holders(h)].flatMap(([mfn, n]) => (n > 1 ? [mfn] : []));
        const said = wrongIn(h).map((text) => Number(/^page (\d+) is in two places$/.exec(text)![1]));
        for (const mfn of said) expect(twice).toContain(mfn);
        expect(said.length > 0).toBe(twice.length > 0);
        if (twice.length > 0) found++;
      }),
      { numRuns: 300 },
    );
    expect(found).toBeGreaterThan(20);
  });

  it('and those that are offlined are in none', () => {
    const h = worn([[0, 0, 1]]);
    const free = h.runFirst[h.runKind.findIndex((kind) => (kind & 7) === KIND_FREE)]!;
    h.special.set(free, OFFLINED);
    expect(wrongIn(h)).toEqual([`page ${free} is offlined and in use`]);
  });
});
