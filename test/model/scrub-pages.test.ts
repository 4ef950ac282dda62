/** The scrubber as far as it comes in a given time, beside one that scrubs page by page on plain lists. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type ScrubPlace, scrubPages } from '../../src/hypervisor/scrub-pages.ts';
import { differsAfter, hostOf, opOf } from './heap-commands.ts';
import { heapState, startHeap } from './heap-drive.ts';
import { add, keyOf, type Model, queue, size, unlink } from './heap-model.ts';
import { makeModel } from './heap-model-boot.ts';
import { applyModel, dumpModel } from './heap-model-ops.ts';

/** Page by page: goes on in `from` if that is as it was, else begins anew. */
function slowly(m: Model, node: number, from: ScrubPlace | null, pages: number): ScrubPlace | null {
  const known = from === null ? undefined : m.head.get(from.mfn)?.buddy;
  let at = known !== undefined && known.order === from?.order && known.fd === from.fd ? known : null;
  let zone = 0;
  let order = 18;
  // What the pass over the lists found; null: it did not begin with the first list.
  let found: number | null = at === null ? 0 : null;
  for (let left = pages; ; ) {
    if (at === null) {
      if (m.scrub.get(node) === 0) return null;
      const list = m.lists.get(keyOf(node, zone, order)) ?? [];
      const last = list[list.length - 1];
      if (last !== undefined && last.fd !== -1) {
        at = last;
      } else {
        order--;
        if (order < 0) {
          order = 18;
          zone++;
        }
        if (zone > 40) {
          if (found === 0) return null;
          zone = 0;
          found = 0;
        }
        continue;
      }
    }
    const { mfn, fd } = at;
    zone = mfn === 0 ? 0 : Math.floor(Math.log2(mfn)) + 1;
    order = at.order;
    const dirty = [];
    for (let i = fd; i < size(order); i++) if (m.page.get(mfn + i)!.dirty) dirty.push(i);
    if (dirty.length === 0) {
      unlink(m, mfn);
      queue(m, mfn, order, -1);
      at = null;
      continue;
    }
    if (left === 0) return { mfn, order, fd };
    m.page.get(mfn + dirty[0]!)!.dirty = false;
    add(m.scrub, node, -1);
    left--;
    if (found !== null) found++;
    at.fd = dirty[0]! + 1;
  }
}

const seedOf = fc.integer({ min: 0, max: 2 ** 31 - 1 });
const move = fc.oneof(
  { weight: 2, arbitrary: fc.record({ do: fc.constant('op' as const), seed: seedOf }) },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant('scrub' as const),
      node: fc.integer({ min: 0, max: 5 }),
      pages: fc.oneof(fc.integer({ min: 0, max: 40 }), fc.integer({ min: 0, max: 3000 })),
    }),
  },
);

describe('scrub_free_pages in a given time', () => {
  it.each([1, 2, 3, 4])('cleans the pages that a page by page scrubber cleans, seed %i', (seed) => {
    let stood = 0;
    const moves = fc.array(move, { minLength: 10, maxLength: 60, size: 'max' });
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 10_000 }), moves, (host, all) => {
        const header = { ...hostOf(host), bootscrub: 'idle' };
        const model = makeModel(header);
        const heap = startHeap(header);
        const places = new Map<number, ScrubPlace | null>();
        for (const each of all) {
          if (each.do === 'op') {
            const op = opOf(model, each.seed);
            if (op !== null) expect(differsAfter(model, heap, op)).toBeNull();
            continue;
          }
          const idx = each.node % heap.nodeIds.length;
          const from = places.get(idx) ?? null;
          const before = heap.needScrub[idx]!;
          const place = slowly(model, heap.nodeIds[idx]!, from, each.pages);
          const got = scrubPages(heap, idx, from, each.pages);
          places.set(idx, got.place);
          if (got.place !== null && got.place.fd > 0) stood++;
          expect(got).toEqual({ pages: before - heap.needScrub[idx]!, place });
          expect(heapState(heap)).toEqual({ ...applyModel(model, { op: 'check' }), lists: dumpModel(model) });
        }
      }),
      { seed, numRuns: 5 },
    );
    expect(stood).toBeGreaterThan(5);
  });
});
