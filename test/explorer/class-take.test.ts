/** What a populate makes of a class is what Xen makes of the heap behind it. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  isWhole,
  newClassLists,
  readClass,
  takeFromClass,
  wordsOfClass,
  writeClass,
} from '../../src/explorer/class-take.ts';
import { writeHeapClass } from '../../src/explorer/memory-class.ts';
import { isUnsure } from '../../src/explorer/ownership-seen.ts';
import type { HostConfig } from '../../src/hypervisor/host-config.ts';
import { heapDomainOf, type Xen } from '../../src/hypervisor/xen.ts';
import { TestHost } from '../hypervisor/test-host.ts';

const ROOM = 400;

/** The words of a heap's class. */
function classOf({ heap }: Xen): Int32Array {
  const words = new Int32Array(ROOM);
  expect(writeHeapClass(heap, 0, words, 0, ROOM)).toBeLessThan(ROOM);
  return words;
}

const ORDERS = [0, 0, 1, 3, 9, 9, 12, 18];

type Step =
  | { readonly do: 'populate'; readonly who: number; readonly order: number; readonly n: number }
  | { readonly do: 'decrease'; readonly who: number; readonly first: number; readonly order: number }
  | { readonly do: 'claim'; readonly who: number; readonly n: number }
  | { readonly do: 'unpause' | 'destroy'; readonly who: number };

const who = fc.nat(2);
const populate = fc.record({
  do: fc.constant('populate' as const),
  who,
  order: fc.constantFrom(...ORDERS),
  n: fc.oneof(fc.integer({ min: 1, max: 5 }), fc.integer({ min: 1, max: 700 })),
});
const steps: fc.Arbitrary<Step[]> = fc.array(
  fc.oneof(
    { weight: 5, arbitrary: populate },
    fc.record({
      do: fc.constant('decrease' as const),
      who,
      first: fc.nat(600),
      order: fc.constantFrom(0, 1, 9),
    }),
    fc.record({ do: fc.constant('claim' as const), who, n: fc.nat(30_000) }),
    fc.record({ do: fc.constantFrom('unpause' as const, 'destroy' as const), who }),
  ),
  { maxLength: 30 },
);

const hosts: readonly Partial<HostConfig>[] = [
  { memoryPages: 30_000, bootscrub: 'off' },
  { memoryPages: 30_000, bootscrub: 'idle' },
  { memoryPages: 30_000, bootscrub: 'idle', xen: '4.21' },
  { memoryPages: 2 * 262_144 + 5000, bootscrub: 'off' },
  // Memory above the DMA width comes first.
  { memoryPages: 2 ** 20 + 4096, bootscrub: 'idle', nodes: 1 },
];

/** A host, its guests, and how far each is populated. */
interface Guests {
  readonly host: TestHost;
  readonly domids: number[];
  readonly next: number[];
}

const newGuest = (host: TestHost): number => {
  const domid = host.create('pvh', 2 ** 22);
  host.pool(domid, 400);
  return domid;
};

/** Makes a populate both ways. Returns whether the class said what becomes of it, with dirty pages about. */
function takeBoth({ host, domids, next }: Guests, at: number, order: number, n: number): boolean {
  const { xen } = host;
  const domid = domids[at]!;
  const isDirty = xen.heap.needScrub[0]! > 0;
  const { creationFinished, outstandingPages } = heapDomainOf(xen, domid);
  const lists = newClassLists();
  expect(readClass(lists, classOf(xen), 0, ROOM)).toBe(true);
  // The heap itself may have lost sight of it that a dirty buddy has no clean page.
  if (!isUnsure(xen.heap)) expect(isWhole(lists)).toBe(true);
  const asked = { order, extents: n, noScrub: !creationFinished, claimed: outstandingPages };
  const expected = takeFromClass(lists, asked);
  const done = host.populate(domid, next[at]! * 2 ** 18, n, order);
  next[at]!++;
  if (expected < 0) return false;
  expect(expected).toBe(done);
  const words = new Int32Array(ROOM);
  expect(writeClass(lists, words, 0)).toBe(wordsOfClass(lists));
  expect(words).toEqual(classOf(xen));
  if (!isUnsure(xen.heap)) expect(isWhole(lists)).toBe(true);
  return isDirty;
}

/** Makes a step. Returns whether it was a populate from a heap with dirty pages, and the class said what becomes of it. */
function makeStep(guests: Guests, step: Step): boolean {
  const { host, domids, next } = guests;
  const domid = domids[step.who]!;
  switch (step.do) {
    case 'populate':
      return takeBoth(guests, step.who, step.order, step.n);
    case 'decrease':
      host.decrease(domid, step.first, 1, step.order);
      return false;
    case 'claim':
      host.claim(domid, step.n);
      return false;
    case 'unpause':
      host.unpause(domid);
      return false;
    case 'destroy':
      host.destroy(domid);
      domids[step.who] = newGuest(host);
      next[step.who] = 0;
      return false;
  }
}

describe('taking from a class', () => {
  it.each(hosts)('leaves the class that alloc_heap_pages() leaves: %o', (config) => {
    let said = 0;
    fc.assert(
      fc.property(steps, (all) => {
        const host = new TestHost(config);
        const guests = { host, domids: [0, 1, 2].map(() => newGuest(host)), next: [0, 0, 0] };
        for (const step of all) if (makeStep(guests, step)) said++;
      }),
      { numRuns: 40 },
    );
    // A host that was not scrubbed at boot is dirty from the start.
    if (config.bootscrub === 'idle') expect(said).toBeGreaterThan(10);
  });

  it('is not sure of a heap with a buddy that is dirty in part, where one host goes on otherwise than another', () => {
    const host = new TestHost({ memoryPages: 30_000, bootscrub: 'off' });
    const a = newGuest(host);
    const b = newGuest(host);
    host.populate(a, 0, 1, 0);
    host.populate(b, 0, 1, 0);
    host.destroy(b);
    expect(isUnsure(host.xen.heap)).toBe(true);
    const lists = newClassLists();
    expect(readClass(lists, classOf(host.xen), 0, ROOM)).toBe(true);
    expect(isWhole(lists)).toBe(false);
  });
});
