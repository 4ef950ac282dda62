import { describe, expect, it } from 'vitest';
import { domainKill } from '../../src/hypervisor/domain.ts';
import { p2mLookup, p2mMix } from '../../src/hypervisor/p2m.ts';
import { p2mMappedOrder, p2mMfn } from '../../src/hypervisor/p2m-run.ts';
import { domId, gfn, nodeId, order } from '../../src/hypervisor/units.ts';
import { domainOf } from '../../src/hypervisor/xen.ts';
import { TestHost } from './test-host.ts';

const mixOf = (host: TestHost, domid: number): readonly number[] => {
  const { pages1G, pages2M, pages4K, pod } = p2mMix(domainOf(host.xen, domid).p2m);
  return [pages1G, pages2M, pages4K, pod];
};

describe('populate_physmap', () => {
  it('returns a count, 0 where Xen refuses before the first extent', () => {
    const host = new TestHost();
    const a = host.create();
    expect(host.populate(77, 0, 1, 0)).toBe(0);
    expect(host.populate(a, 0, 0, 0)).toBe(0);
    expect(host.populate(a, 0, 0x4000000, 0)).toBe(0);
    expect(host.populate(a, 0, 1, 0, { addressBits: 12 })).toBe(0);
    expect(host.populate(a, 0, 1, 0, { node: nodeId(64) })).toBe(0);
    expect(host.populate(a, 0, 1, 19)).toBe(0);
    expect(host.info(a).totPages).toBe(0);
  });

  it('limits the order by the class of the caller: dom0 18, a guest 9', () => {
    const host = new TestHost({ memoryPages: 4 * 262144 });
    const a = host.create('pvh', 2 ** 20);
    expect(host.populate(a, 0, 1, 18)).toBe(1);
    host.caller = a;
    expect(host.populate(a, 2 ** 18, 1, 10)).toBe(0);
    expect(host.populate(a, 2 ** 18, 1, 9)).toBe(1);
  });

  it('gives nothing to a domain that is dying, whoever asks', () => {
    const host = new TestHost();
    const a = host.create('pv');
    domainKill(host.xen, a);
    const free = host.free();
    expect(host.populate(a, 0, 4, 0)).toBe(0);
    expect(host.populate(a, 0, 2, 9)).toBe(0);
    expect(host.increase(a, 1, 0)).toBe(0);
    expect(host.free()).toBe(free);
  });

  it('lets a guest ask for itself only, and drops its wish for a node but refuses its demand', () => {
    const host = new TestHost();
    const a = host.create();
    const b = host.create();
    host.caller = a;
    expect(host.populate(b, 0, 1, 0)).toBe(0);
    expect(host.populate(a, 0, 1, 0, { node: nodeId(63) })).toBe(1);
    expect(host.populate(a, 1, 1, 0, { node: nodeId(0), exactNode: true })).toBe(0);
  });

  it('stops where max_pages is reached, and judges an extent as a whole', () => {
    const host = new TestHost();
    const a = host.create('pvh', 1000);
    expect(host.populate(a, 0, 2, 9)).toBe(1);
    expect(host.populate(a, 512, 1000, 0)).toBe(488);
    expect(host.populate(a, 2000, 1, 0)).toBe(0);
    expect(host.info(a).totPages).toBe(1000);
  });

  it('maps the guest frames in the order given, also downwards', () => {
    const host = new TestHost();
    const a = host.create();
    expect(host.populate(a, 100, 3, 0)).toBe(3);
    const b = host.create();
    const args = { domid: domId(b), extentOrder: order(0), nrExtents: 3, memFlags: {} };
    const extentStart = [{ first: gfn(102), count: 3, stride: -1 }];
    expect(host.call('XENMEM_populate_physmap', { ...args, extentStart }).rc).toBe(3);
    const frames = (domid: number): (number | null)[] =>
      [100, 101, 102].map((g) => p2mMfn(p2mLookup(domainOf(host.xen, domid).p2m, g)!, g));
    const [first, second, third] = frames(a) as number[];
    expect([second, third]).toEqual([first! - 1, first! - 2]);
    const [b100, b101, b102] = frames(b) as number[];
    expect([b101, b100]).toEqual([b102! - 1, b102! - 2]);
  });

  it('ends at the end of a list that is too short', () => {
    const host = new TestHost();
    const a = host.create();
    const args = { domid: domId(a), extentOrder: order(0), nrExtents: 10, memFlags: {} };
    const extentStart = [{ first: gfn(0), count: 4, stride: 1 }];
    expect(host.call('XENMEM_populate_physmap', { ...args, extentStart }).rc).toBe(4);
  });

  it('leaves the page owned that it replaces', () => {
    const host = new TestHost();
    const a = host.create();
    expect(host.populate(a, 5, 1, 0)).toBe(1);
    expect(host.populate(a, 5, 1, 0)).toBe(1);
    expect(host.info(a).totPages).toBe(2);
    expect(mixOf(host, a)).toEqual([0, 0, 1, 0]);
    const free = host.free();
    expect(host.destroy(a)).toBe(0);
    expect(host.free()).toBeGreaterThan(free + 2);
  });

  it('counts by mapped size, and a 2 MiB extent partly given back as 4 KiB pages', () => {
    const host = new TestHost({ memoryPages: 8 * 262144 });
    const a = host.create('pvh', 2 ** 20);
    expect(host.populate(a, 0, 2, 18)).toBe(2);
    expect(host.populate(a, 2 ** 19, 4, 9)).toBe(4);
    expect(mixOf(host, a)).toEqual([2 ** 19, 2048, 0, 0]);
    expect(host.decrease(a, 2 ** 19 + 512, 1)).toBe(1);
    expect(mixOf(host, a)).toEqual([2 ** 19, 1536, 511, 0]);
    expect(host.decrease(a, 700, 1)).toBe(1);
    expect(mixOf(host, a)).toEqual([2 ** 18, 1536 + 2 ** 18 - 512, 511 + 511, 0]);
  });

  it('maps a superpage at an odd guest frame with small pages', () => {
    const host = new TestHost();
    const a = host.create();
    expect(host.populate(a, 256, 1, 9)).toBe(1);
    expect(p2mMappedOrder(p2mLookup(domainOf(host.xen, a).p2m, 256)!)).toBe(0);
  });

  it('alternates between nodes, extent by extent, starting after the last one used', () => {
    const host = new TestHost({ memoryPages: 2 * 1048576, nodes: 2, cpus: 4 });
    const a = host.create('pv', 2 ** 20);
    expect(host.populate(a, 0, 6, 9)).toBe(6);
    const boundary = host.xen.layout.nodes[1]!.ranges[0]![0];
    const nodes = [0, 1, 2, 3, 4, 5].map((i) => {
      const run = p2mLookup(domainOf(host.xen, a).p2m, i * 512)!;
      return p2mMfn(run, i * 512)! >= boundary ? 1 : 0;
    });
    expect(nodes).toEqual([1, 0, 1, 0, 1, 0]);
  });

  it('keeps a page it cannot map: the pool has no page table left', () => {
    const host = new TestHost();
    const a = host.create('pvh');
    // The root is taken; three tables for the first page, one more for each further 2 MiB.
    expect(host.pool(a, 1 + 3 + 1)).toBe(0);
    expect(host.populate(a, 0, 1200, 0)).toBe(1024);
    expect(host.info(a).totPages).toBe(1025);
  });

  it('is O(runs) in the map', () => {
    const host = new TestHost({ memoryPages: 1024 * 262144, cpus: 8 });
    const a = host.create('pv', 2 ** 28);
    expect(host.populate(a, 0, 2 ** 25, 0)).toBe(2 ** 25);
    const { p2m } = domainOf(host.xen, a);
    let runs = 0;
    const count = (node: typeof p2m): void => {
      if (node === null) return;
      runs++;
      count(node.left);
      count(node.right);
    };
    count(p2m);
    expect(runs).toBeLessThan(200);
  });
});

describe('increase_reservation', () => {
  it('needs no list, and owns without mapping', () => {
    const host = new TestHost();
    const a = host.create();
    expect(host.increase(a, 10, 0)).toBe(10);
    expect(host.info(a).totPages).toBe(10);
    expect(mixOf(host, a)).toEqual([0, 0, 0, 0]);
  });
});

describe('decrease_reservation', () => {
  it('stops at a hole, and claims do not grow', () => {
    const host = new TestHost();
    const a = host.create();
    expect(host.claim(a, 3000)).toBe(0);
    expect(host.populate(a, 0, 2, 9)).toBe(2);
    expect(host.decrease(a, 1000, 100)).toBe(24);
    expect(host.decrease(a, 0, 1)).toBe(1);
    expect(host.decrease(a, 0, 1)).toBe(0);
    expect(host.info(a).totPages).toBe(1024 - 25);
    expect(host.info(a).outstandingPages).toBe(3000 - 1024);
  });

  it('goes downwards until the hole', () => {
    const host = new TestHost();
    const a = host.create();
    expect(host.populate(a, 100, 50, 0)).toBe(50);
    expect(host.decrease(a, 149, 60, 0, -1)).toBe(50);
    expect(host.info(a).totPages).toBe(0);
    expect(host.decrease(a, 149, 1, 0, -1)).toBe(0);
  });

  it('gives whole extents back, and an extent with a hole ends it although its pages before the hole are gone', () => {
    const host = new TestHost();
    const a = host.create();
    expect(host.populate(a, 0, 2, 9)).toBe(2);
    expect(host.decrease(a, 520, 1)).toBe(1);
    expect(host.decrease(a, 0, 2, 9)).toBe(1);
    expect(host.info(a).totPages).toBe(512 - 1 - 8);
  });

  it('frees in the order given, so the next page is the last one freed', () => {
    const host = new TestHost();
    const a = host.create('pv');
    expect(host.populate(a, 0, 64, 0)).toBe(64);
    const mfn = (g: number): number => p2mMfn(p2mLookup(domainOf(host.xen, a).p2m, g)!, g)!;
    const [x, y] = [mfn(10), mfn(20)];
    expect(host.decrease(a, 10, 1)).toBe(1);
    expect(host.decrease(a, 20, 1)).toBe(1);
    expect(host.populate(a, 100, 2, 0)).toBe(2);
    expect([mfn(100), mfn(101)]).toEqual([y, x]);
  });
});
