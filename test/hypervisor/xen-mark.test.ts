/** Marks and going back, on the whole of Xen: any calls, marks and ways back against a host that never did what was undone. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Heap, KIND_OWNED } from '../../src/hypervisor/heap-state.ts';
import { hypercall } from '../../src/hypervisor/hypercall.ts';
import { offlinePage, onlinePage } from '../../src/hypervisor/offline.ts';
import { metaKind } from '../../src/hypervisor/page-region.ts';
import type { Hypercall } from '../../src/hypervisor/privcmd.ts';
import { scrubFreePages } from '../../src/hypervisor/scrub.ts';
import { domId, gfn, order } from '../../src/hypervisor/units.ts';
import type { Xen } from '../../src/hypervisor/xen.ts';
import { checkXenInvariants } from '../../src/hypervisor/xen-invariants.ts';
import { markXen, rollbackXen, type XenMark } from '../../src/hypervisor/xen-mark.ts';
import { bootRandom, type RandomHost, randomCall, randomHost, twoGuests } from './random-calls.ts';
import { firstDifference, xenCells } from './xen-cells.ts';

/** What can be done to a host besides marking. */
type Deed =
  | { readonly kind: 'call'; readonly caller: number; readonly call: Hypercall }
  | { readonly kind: 'offline' | 'online'; readonly mfn: number }
  | { readonly kind: 'scrub' };
type Step = Deed | { readonly kind: 'mark' } | { readonly kind: 'back'; readonly to: number };

const memory = (name: string, domid: number, first: number, count: number, stride: number): Deed => ({
  kind: 'call',
  caller: 0,
  call: {
    name,
    args: {
      domid: domId(domid),
      extentOrder: order(0),
      nrExtents: count,
      extentStart: [{ first: gfn(first), count, stride }],
      memFlags: {},
    },
  } as unknown as Hypercall,
});

/** Pages given back at no regular distance, so that a chunk gets crowded and parts of it are kept page by page. */
const scattered = (domid: number, from: number): Deed[] =>
  Array.from({ length: 160 }, (_, i) =>
    memory('XENMEM_decrease_reservation', domid, from + 5 * i + (i % 3), 1, 1),
  );
const guests: readonly Deed[] = [
  ...twoGuests.map((c) => ({ kind: 'call' as const, ...c })),
  memory('XENMEM_populate_physmap', 1, 0, 12_000, 1),
  memory('XENMEM_populate_physmap', 2, 0, 9000, 1),
];

const deeds: fc.Arbitrary<readonly Deed[]> = fc.oneof(
  { weight: 20, arbitrary: randomCall.map((c) => [{ kind: 'call' as const, ...c }]) },
  {
    weight: 3,
    arbitrary: fc.record({ d: fc.constantFrom(1, 2), from: fc.nat(5000) }).map((x) => scattered(x.d, x.from)),
  },
  { weight: 1, arbitrary: fc.nat(130_000).map((mfn) => [{ kind: 'offline' as const, mfn }]) },
  { weight: 1, arbitrary: fc.nat(130_000).map((mfn) => [{ kind: 'online' as const, mfn }]) },
  { weight: 1, arbitrary: fc.constant([{ kind: 'scrub' as const }]) },
);
const steps: fc.Arbitrary<readonly Step[]> = fc
  .array(
    fc.oneof(
      { weight: 4, arbitrary: deeds as fc.Arbitrary<readonly Step[]> },
      { weight: 2, arbitrary: fc.constant([{ kind: 'mark' as const }]) },
      { weight: 2, arbitrary: fc.nat(5).map((to) => [{ kind: 'back' as const, to }]) },
    ),
    { minLength: 8, maxLength: 40 },
  )
  .map((list) => list.flat());

function act(xen: Xen, deed: Deed): unknown {
  switch (deed.kind) {
    case 'call':
      return hypercall(xen, { caller: deed.caller }, deed.call as Parameters<typeof hypercall>[2]);
    case 'offline':
      return offlinePage(xen.heap, deed.mfn, false);
    case 'online':
      return onlinePage(xen.heap, deed.mfn);
    case 'scrub':
      return scrubFreePages(xen.heap, 0, true);
  }
}

/** Takes the steps; returns the host and the deeds that were not undone. */
function walk(
  config: RandomHost,
  list: readonly Step[],
): { xen: Xen; done: readonly Deed[]; regions: number } {
  const xen = bootRandom(config);
  let done: Deed[] = [];
  const marks: { point: XenMark; cells: Record<string, unknown>; done: number }[] = [];
  for (const deed of guests) {
    act(xen, deed);
    done.push(deed);
  }
  let regions = 0;
  for (const step of list) {
    if (step.kind === 'mark') marks.push({ point: markXen(xen), cells: xenCells(xen), done: done.length });
    else if (step.kind === 'back') {
      if (marks.length === 0) continue;
      marks.length = 1 + (step.to % marks.length);
      const to = marks[marks.length - 1]!;
      rollbackXen(xen, to.point);
      expect(firstDifference(xenCells(xen), to.cells)).toBeNull();
      done = done.slice(0, to.done);
    } else {
      act(xen, step);
      done.push(step);
    }
    regions = Math.max(regions, xen.heap.regionMfn.length);
  }
  return { xen, done, regions };
}

describe('rollbackXen', () => {
  it('leaves what a host is that never did what was undone, to the last cell, and goes on alike', () => {
    let regions = 0;
    fc.assert(
      fc.property(randomHost, steps, deeds, (config, list, more) => {
        const a = walk(config, list);
        regions += a.regions;
        const b = bootRandom(config);
        for (const deed of a.done) act(b, deed);
        expect(firstDifference(xenCells(a.xen), xenCells(b))).toBeNull();
        expect(checkXenInvariants(a.xen)).toEqual([]);
        for (const deed of more) expect(act(a.xen, deed)).toEqual(act(b, deed));
        expect(firstDifference(xenCells(a.xen), xenCells(b))).toBeNull();
      }),
      { numRuns: 150, seed: 4 },
    );
    expect(regions).toBeGreaterThan(50);
  });

  it('refuses a mark behind which the host went back', () => {
    const xen = bootRandom({ nodes: 1, bootscrub: 'off', xen: '4.22' });
    const older = markXen(xen);
    const younger = markXen(xen);
    rollbackXen(xen, younger);
    rollbackXen(xen, older);
    expect(() => rollbackXen(xen, younger)).toThrow(/mark/);
    markXen(xen);
    expect(() => rollbackXen(xen, younger)).toThrow(/mark/);
  });

  it('goes on where the stamps run out of numbers', () => {
    const xen = bootRandom({ nodes: 2, bootscrub: 'idle', xen: '4.22' });
    for (const deed of guests) act(xen, deed);
    const first = markXen(xen);
    const cells = xenCells(xen);
    xen.heap.undo!.epoch = 2 ** 31 - 3;
    for (let i = 0; i < 6; i++) {
      const point = markXen(xen);
      const before = xenCells(xen);
      for (const deed of scattered(1, 100 * i)) act(xen, deed);
      rollbackXen(xen, point);
      expect(firstDifference(xenCells(xen), before)).toBeNull();
      for (const deed of scattered(2, 50 * i)) act(xen, deed);
    }
    rollbackXen(xen, first);
    expect(firstDifference(xenCells(xen), cells)).toBeNull();
  });
});

describe('the comparison above', () => {
  const NUMBERS = Object.keys(xenCells(bootRandom({ nodes: 2, bootscrub: 'off', xen: '4.22' }))).filter(
    (name) =>
      !['domains', 'records', 'special', 'chunkRegions', 'dirtyBits', 'cpupools', 'consoleRing'].includes(
        name,
      ),
  );
  /** A host with something in every column, and what it does after its mark. */
  function marked(): { xen: Xen; point: XenMark; cells: Record<string, unknown> } {
    const xen = bootRandom({ nodes: 2, bootscrub: 'off', xen: '4.22' });
    for (const deed of [...guests, ...scattered(1, 0), ...scattered(2, 0)]) act(xen, deed);
    return { xen, point: markXen(xen), cells: xenCells(xen) };
  }

  it.each(NUMBERS)('notices a write to %s of which the log knows nothing', (name) => {
    const { xen, cells, point } = marked();
    expect(xen.heap.regionMfn.length).toBeGreaterThan(0);
    const { heap } = xen;
    // A page, or a run, that is on a list.
    const at = name.startsWith('pg')
      ? heap.pgMeta.findIndex((meta) => metaKind(meta) === KIND_OWNED)
      : name.startsWith('run')
        ? heap.runKind.indexOf(KIND_OWNED)
        : 0;
    const column = (name in xen ? xen : xen.heap)[name as never] as unknown;
    if (ArrayBuffer.isView(column)) (column as Int32Array)[at]! += 1;
    else if (Array.isArray(column)) column.push(77);
    if (typeof column === 'object') expect(firstDifference(xenCells(xen), cells)).not.toBeNull();
    else (xen as unknown as Record<string, number>)[name] = 77;
    rollbackXen(xen, point);
    // What a mark holds itself, and the length of what only grows, is put back whoever wrote it.
    const held = typeof column !== 'object' || ['crowded', 'regionMfn'].includes(name);
    expect(firstDifference(xenCells(xen), cells)).toBe(held ? null : name);
  });

  /** For each kind of record: the log believes that it has it already. */
  const STAMPS = ['runStamp', 'listStamp', 'chunkStamp', 'zoneStamp', 'nodeStamp', 'pageStamp'] as const;
  it.each(STAMPS)('notices records that are not logged: %s', (name) => {
    const { xen, cells, point } = marked();
    const undo = xen.heap.undo as NonNullable<Heap['undo']>;
    undo[name].fill(undo.epoch);
    for (const deed of [...scattered(1, 3000), memory('XENMEM_populate_physmap', 1, 20_000, 3000, 1)])
      act(xen, deed);
    rollbackXen(xen, point);
    expect(firstDifference(xenCells(xen), cells)).not.toBeNull();
  });

  it('notices a domain that is not logged', () => {
    const { xen, cells, point } = marked();
    const undo = xen.heap.undo as NonNullable<Heap['undo']>;
    undo.domainStamp = new Int32Array(64).fill(undo.epoch);
    act(xen, memory('XENMEM_populate_physmap', 1, 20_000, 3, 1));
    rollbackXen(xen, point);
    expect(firstDifference(xenCells(xen), cells)).toBe('domains');
  });
});
