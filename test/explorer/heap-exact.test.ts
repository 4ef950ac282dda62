/** The words of a heap say what its lists say, whatever runs the heap keeps them in and whatever was looked at before. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { canonText, newCanon } from '../../src/explorer/canonical.ts';
import {
  exactWordsOf,
  exactWordsText,
  newPartNames,
  type PartNames,
  writeHeapExact,
} from '../../src/explorer/heap-exact.ts';
import { bootHeap } from '../../src/hypervisor/boot-heap.ts';
import { createHeapDomain } from '../../src/hypervisor/heap-domain.ts';
import { mark } from '../../src/hypervisor/heap-mark.ts';
import { saveHeap } from '../../src/hypervisor/heap-save.ts';
import { type Heap, KIND_FREE } from '../../src/hypervisor/heap-state.ts';
import { noteBlocks } from '../../src/hypervisor/heap-undo.ts';
import { hypercall } from '../../src/hypervisor/hypercall.ts';
import { offlinePage } from '../../src/hypervisor/offline.ts';
import {
  allocDomheapPages,
  allocXenheapPages,
  freeDomheapPages,
  freeXenheapPages,
} from '../../src/hypervisor/page-alloc.ts';
import { scrubFreePages } from '../../src/hypervisor/scrub.ts';
import { scrubPages } from '../../src/hypervisor/scrub-pages.ts';
import type { Xen } from '../../src/hypervisor/xen.ts';
import { markXen, rollbackXen } from '../../src/hypervisor/xen-mark.ts';
import {
  bootRandom,
  type RandomCall,
  randomCall,
  randomHost,
  twoGuests,
} from '../hypervisor/random-calls.ts';
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

/** A heap's words as text; the same ones when there is hardly room for any. */
function wordsOf(names: PartNames, heap: Heap): string {
  const words = new Int32Array(300);
  const count = writeHeapExact(names, heap, 0, words, 7, 200);
  const few = new Int32Array(20).fill(-1);
  expect(writeHeapExact(names, heap, 0, few, 3, 5)).toBe(count);
  expect([...few]).toEqual([-1, -1, -1, ...words.subarray(7, 12), ...new Array(12).fill(-1)]);
  const text = exactWordsText(words, 7, 200);
  expect(exactWordsOf(text)).toEqual([...words.subarray(7, 7 + exactWordsOf(text).length)]);
  return text;
}

describe('the words of a heap', () => {
  it('is the same for the same lists, and another for others, whatever happened before', () => {
    const canon = newCanon();
    const names = newPartNames(canon);
    const texts = new Map<string, string>();
    const states = new Map<string, string>();
    const saved = new Map<string, Set<string>>();
    fc.assert(
      fc.property(sessions, (session) => {
        const held = fewPages();
        mark(held.heap);
        for (const [who, order, count] of session) {
          act(held, who, order, count);
          const state = stateOf(held);
          const text = wordsOf(names, held.heap);
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

/** What may happen to a host. */
type Deed = { readonly call: RandomCall } | 'crumble' | 'scrub' | 'idle' | 'offline' | 'mark' | 'back';

const deeds: fc.Arbitrary<Deed[]> = fc.array(
  fc.oneof(
    { weight: 12, arbitrary: randomCall.map((call) => ({ call })) },
    { weight: 4, arbitrary: fc.constantFrom<Deed>('crumble', 'scrub', 'idle', 'offline') },
    { weight: 6, arbitrary: fc.constantFrom<Deed>('mark', 'back') },
  ),
  { minLength: 5, maxLength: 40 },
);

function doDeed(xen: Xen, deed: Exclude<Deed, 'mark' | 'back'>, at: number): void {
  if (deed === 'scrub') scrubFreePages(xen.heap, 0, true);
  else if (deed === 'idle') scrubPages(xen.heap, 0, null, 1000 + at);
  else if (deed === 'offline') offlinePage(xen.heap, 30_000 + 77 * at, false);
  else if (deed !== 'crumble') hypercall(xen, { caller: deed.call.caller }, deed.call.call as never);
  else {
    // Pages of Xen's own and of nobody's list, at no regular distance.
    const asked = { order: 0, count: 150, node: null, exact: false };
    const { runs } = allocXenheapPages(xen.heap, asked);
    for (const { first, count, stride } of runs)
      for (let i = 0; i < count; i += 2 + (i % 3))
        freeXenheapPages(xen.heap, { mfn: first + i * stride, order: 0, count: 1, stride: 0 });
  }
}

describe('what was named before', () => {
  it('is what it would be named now, whatever happened and was undone since', () => {
    let kept = 0;
    fc.assert(
      fc.property(randomHost, deeds, (host, list) => {
        const xen = bootRandom(host);
        const { heap } = xen;
        for (const { caller, call } of twoGuests) hypercall(xen, { caller }, call as never);
        const canon = newCanon();
        const names = newPartNames(canon);
        const others = newPartNames(canon);
        const marks = [markXen(xen)];
        list.forEach((deed, at) => {
          if (deed === 'mark') marks.push(markXen(xen));
          else if (deed === 'back') {
            if (at % 2 === 0 && marks.length > 1) marks.length -= 1;
            rollbackXen(xen, marks.at(-1)!);
          } else doDeed(xen, deed, at);
          // Not every moment is looked at, and not all that look are one.
          if (at % 3 === 1) return;
          const ids = canon.ids.size;
          const words = wordsOf(at % 5 === 4 ? others : names, heap);
          if (canon.ids.size === ids) kept++;
          // A heap of which nobody keeps a log is looked at as a whole.
          expect(words).toBe(wordsOf(newPartNames(canon), { ...heap, undo: null }));
        });
      }),
      { numRuns: 150 },
    );
    expect(kept).toBeGreaterThan(100);
  });

  it('is not looked at again: a change that nobody notes is not seen', () => {
    const held = fewPages();
    act(held, 0, 1, 3);
    mark(held.heap);
    const names = newPartNames(newCanon());
    const before = wordsOf(names, held.heap);
    const id = held.heap.runKind.findIndex((kind) => (kind & 7) === KIND_FREE);
    held.heap.runFirst[id] = held.heap.runFirst[id]! + 2;
    expect(wordsOf(names, held.heap)).toBe(before);
    expect(wordsOf(names, { ...held.heap, undo: null })).not.toBe(before);
    noteBlocks(held.heap, id);
    expect(wordsOf(names, held.heap)).not.toBe(before);
  });
});
