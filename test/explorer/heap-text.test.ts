/** The text of a heap says what its lists say, whatever runs the heap keeps them in. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { canonText, newCanon } from '../../src/explorer/canonical.ts';
import { heapText } from '../../src/explorer/heap-text.ts';
import { bootHeap } from '../../src/hypervisor/boot-heap.ts';
import { createHeapDomain } from '../../src/hypervisor/heap-domain.ts';
import { saveHeap } from '../../src/hypervisor/heap-save.ts';
import type { Heap } from '../../src/hypervisor/heap-state.ts';
import {
  allocDomheapPages,
  allocXenheapPages,
  freeDomheapPages,
  freeXenheapPages,
} from '../../src/hypervisor/page-alloc.ts';
import type { Xen } from '../../src/hypervisor/xen.ts';
import { heapState } from '../model/heap-drive.ts';
import { explored, subjectOf } from './explore-fixture.ts';

/** The pages of two domains and of Xen, as lists of blocks in the order in which they were taken. */
interface Held {
  readonly heap: Heap;
  readonly blocks: { readonly mfn: number; readonly order: number }[][];
}

const XEN = 2;

function fewPages(): Held {
  const heap = bootHeap({ nodes: [{ node: 0, ranges: [[256, 280]] }], cpuNode: 0, bootscrub: 'off' });
  for (const domid of [1, 2]) createHeapDomain(heap, { domid, maxPages: 1000, nodeAffinity: null });
  return { heap, blocks: [[], [], []] };
}

/** Somebody takes `count` blocks or, where `order` is below 0, gives one back. */
function act({ heap, blocks }: Held, who: number, order: number, count: number): void {
  const own = blocks[who]!;
  const d = who === XEN ? null : heap.domains.get(who + 1)!;
  if (order < 0) {
    const [block] = own.splice(count % Math.max(1, own.length), 1);
    if (block === undefined) return;
    const pages = { ...block, count: 1, stride: 0 };
    if (who === XEN) freeXenheapPages(heap, pages);
    else freeDomheapPages(heap, d, pages);
    return;
  }
  const asked = { order, count, node: null, exact: false };
  const { runs } = who === XEN ? allocXenheapPages(heap, asked) : allocDomheapPages(heap, d, asked);
  for (const run of runs)
    for (let i = 0; i < run.count; i++) own.push({ mfn: run.first + i * run.stride, order });
}

/** Pages of flat blocks, one by one. */
function pagesOf(flat: readonly number[]): number[] {
  const pages: number[] = [];
  for (let at = 0; at < flat.length; at += 4) {
    const [first, count, stride, size] = [flat[at]!, flat[at + 1]!, flat[at + 2]!, flat[at + 3]!];
    for (let i = 0; i < count; i++)
      for (let k = 0; k < Math.abs(size); k++) pages.push(first + i * stride + k * Math.sign(size));
  }
  return pages;
}

/** All that the text is to tell, page by page. */
function stateOf({ heap, blocks }: Held): string {
  const { counters, dirty, domains } = saveHeap(heap);
  const owned = domains.map(({ pages, extras, pod, ...rest }) => [
    rest,
    [pages, extras, [pod]].map((lists) => lists.map(pagesOf)),
  ]);
  const xen = blocks[XEN]!.flatMap(({ mfn, order }) => Array.from({ length: 2 ** order }, (_, i) => mfn + i));
  return JSON.stringify([heapState(heap), xen.sort((a, b) => a - b), counters, dirty, owned]);
}

const sessions = fc.array(
  fc.tuple(fc.nat(2), fc.constantFrom(-1, -1, -1, 0, 0, 0, 1, 2), fc.integer({ min: 1, max: 3 })),
  { minLength: 1, maxLength: 30 },
);

describe('the text of a heap', () => {
  it('is the same for the same lists, and another for others, whatever happened before', () => {
    const canon = newCanon();
    const texts = new Map<string, string>();
    const states = new Map<string, string>();
    const saved = new Map<string, Set<string>>();
    fc.assert(
      fc.property(sessions, (session) => {
        const held = fewPages();
        for (const [who, order, count] of session) {
          act(held, who, order, count);
          const state = stateOf(held);
          const text = heapText(canon, { heap: held.heap } as Xen);
          expect(texts.get(state) ?? text).toBe(text);
          expect(states.get(text) ?? state).toBe(state);
          texts.set(state, text);
          states.set(text, state);
          const ways = saved.get(state) ?? new Set();
          saved.set(state, ways.add(canonText(canon, saveHeap(held.heap))));
        }
      }),
      { numRuns: 400 },
    );
    // The heap does keep the same pages in different runs.
    expect([...saved.values()].some((ways) => ways.size > 1)).toBe(true);
  });

  it('leaves the number of states to what can be done, not to who was met first', () => {
    const text = `
host: { memory: 2G, dom0: 0, bootscrub: "off", nodes: 2, xen: "4.21" }
steps:
  - { hypercall: XEN_DOMCTL_createdomain, args: { name: a, type: pv } }
  - { hypercall: XEN_DOMCTL_max_mem, args: { domid: a, max_memkb: 1048576 } }
  - { hypercall: XEN_DOMCTL_createdomain, args: { name: b, type: pvh } }
  - { hypercall: XEN_DOMCTL_createdomain, args: { name: c, type: pv } }
  - { hypercall: XEN_DOMCTL_max_mem, args: { domid: c, max_memkb: 1048576 } }
  - set: { hold: { leave: 17 pages, as: others } }
  - parallel:
      - repeat: 1
        steps:
          - { hypercall: XENMEM_claim_pages, args: { domid: a, nr_extents: 8 } }
          - { hypercall: XENMEM_populate_physmap, args: { domid: a, nr_extents: 1, extent_order: 2, extent_start: 0 } }
      - repeat: 1
        steps:
          - { hypercall: XENMEM_populate_physmap, args: { domid: b, nr_extents: 2, extent_order: 0, extent_start: 8 } }
          - { hypercall: XENMEM_populate_physmap, args: { domid: c, nr_extents: 1, extent_order: 0, extent_start: 0 } }
          - { hypercall: XEN_DOMCTL_createdomain, args: { name: late, type: pv } }
`;
    const [dfs, bfs] = (['dfs', 'bfs'] as const).map(
      (order) => explored(subjectOf(text), { ownership: 'exact', order }).walk,
    );
    expect(dfs!.states).toBe(17);
    expect(bfs!.states).toBe(17);
    expect(bfs!.transitions).toBe(dfs!.transitions);
  });
});
