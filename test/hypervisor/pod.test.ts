import { describe, expect, it } from 'vitest';
import { EINVAL, ENOMEM, EPERM, ESRCH } from '../../src/hypervisor/errno.ts';
import { listPages } from '../../src/hypervisor/extent-group.ts';
import { p2mMix } from '../../src/hypervisor/p2m.ts';
import { podDemandPopulate } from '../../src/hypervisor/pod.ts';
import { domId, pages } from '../../src/hypervisor/units.ts';
import { domainOf } from '../../src/hypervisor/xen.ts';
import { checkXenInvariants } from '../../src/hypervisor/xen-invariants.ts';
import { TestHost } from './test-host.ts';

const POD = { populateOnDemand: true };

const target = (host: TestHost, domid: number, n: number): number =>
  host.call('XENMEM_set_pod_target', { domid: domId(domid), targetPages: pages(n) }).rc;

const podOf = (host: TestHost, domid: number): readonly number[] => {
  const { pod } = domainOf(host.xen, domid);
  return [pod.entryCount, pod.count];
};

function touch(host: TestHost, domid: number, gfn: number, write = true): boolean {
  const alive = podDemandPopulate(host.xen, domid, gfn, write);
  expect(checkXenInvariants(host.xen)).toEqual([]);
  return alive;
}

/** A guest with `cached` pages that was promised `promised`, in 2 MiB pages from frame 0. */
function podGuest(host: TestHost, cached: number, promised: number): number {
  const a = host.create('hvm', 65536);
  expect(target(host, a, cached)).toBe(0);
  expect(host.populate(a, 0, promised / 512, 9, POD)).toBe(promised / 512);
  return a;
}

describe('set_pod_target', () => {
  it('checks domain, type, caller and limit in this order', () => {
    const host = new TestHost();
    const pv = host.create('pv');
    const a = host.create('hvm', 1000);
    expect(target(host, 77, 10)).toBe(-ESRCH);
    expect(target(host, pv, 10)).toBe(-EINVAL);
    expect(target(host, a, 1001)).toBe(-EINVAL);
    host.caller = a;
    expect(target(host, pv, 10)).toBe(-EINVAL);
    expect(target(host, a, 1001)).toBe(-EPERM);
  });

  it('fills the cache during the build with 2 MiB pages, then single ones, out of the claim', () => {
    // The worked example: memory=512, maxmem=1024: 128992 pages are 251 of 2 MiB and 480 single ones.
    const host = new TestHost({ memoryPages: 4 * 262144 });
    const a = host.create('hvm', 131328);
    expect(host.claim(a, 128992)).toBe(0);
    expect(target(host, a, 128992)).toBe(0);
    const { pod } = domainOf(host.xen, a);
    expect([listPages(pod.super) / 512, listPages(pod.single)]).toEqual([251, 480]);
    expect(host.info(a).outstandingPages).toBe(0);
    expect(host.info(a).totPages).toBe(128992);
    expect(host.populate(a, 0, 160, 0, POD)).toBe(160);
    expect(host.populate(a, 192, 320, 0, POD)).toBe(320);
    expect(host.populate(a, 512, 507, 9, POD)).toBe(507);
    expect(podOf(host, a)).toEqual([160 + 320 + 507 * 512, 128992]);
    expect(host.destroy(a)).toBe(0);
  });

  it('keeps what it got when memory ends', () => {
    const host = new TestHost();
    const a = host.create('hvm', 2 ** 20);
    const free = host.free();
    expect(target(host, a, free + 1)).toBe(-ENOMEM);
    expect(podOf(host, a)).toEqual([0, free]);
    expect(host.xen.consoleRing).toContain('Unable to allocate page for PoD cache');
  });

  it('never shrinks, and never caches more than is owed once the guest has memory', () => {
    const host = new TestHost();
    const a = podGuest(host, 2048, 4096);
    expect(touch(host, a, 0)).toBe(true);
    expect(target(host, a, 1000)).toBe(0);
    expect(podOf(host, a)).toEqual([3584, 1536]);
    expect(target(host, a, 60000)).toBe(0);
    expect(podOf(host, a)).toEqual([3584, 3584]);
  });

  it('does nothing once all is populated', () => {
    const host = new TestHost();
    const a = host.create('hvm');
    expect(host.populate(a, 0, 10, 0)).toBe(10);
    expect(target(host, a, 500)).toBe(0);
    expect(podOf(host, a)).toEqual([0, 0]);
  });
});

describe('marking populate-on-demand', () => {
  it('takes no pages, counts a frame once, and stops at memory', () => {
    const host = new TestHost();
    const a = host.create('hvm');
    const free = host.free();
    expect(host.populate(a, 1024, 1, 0)).toBe(1);
    expect(host.populate(a, 0, 3, 9, POD)).toBe(2);
    expect(host.populate(a, 0, 1, 9, POD)).toBe(1);
    expect(podOf(host, a)).toEqual([1024, 0]);
    expect(host.free()).toBe(free - 1);
  });

  it('is nothing for the caller itself, and a silent success for PV', () => {
    const host = new TestHost();
    const a = host.create('hvm');
    const pv = host.create('pv');
    expect(host.populate(pv, 0, 5, 9, POD)).toBe(5);
    expect(host.info(pv).totPages).toBe(0);
    host.caller = a;
    expect(host.populate(a, 0, 5, 9, POD)).toBe(0);
  });

  it('is forgotten where memory is populated over it', () => {
    const host = new TestHost();
    const a = podGuest(host, 1024, 2048);
    expect(host.populate(a, 512, 1, 9)).toBe(1);
    expect(podOf(host, a)).toEqual([1536, 1024]);
    expect(p2mMix(domainOf(host.xen, a).p2m).pages2M).toBe(512);
  });
});

describe('p2m_pod_demand_populate', () => {
  it('gives a page of the size that was promised', () => {
    const host = new TestHost();
    const a = podGuest(host, 2048, 2048);
    expect(touch(host, a, 700)).toBe(true);
    expect(p2mMix(domainOf(host.xen, a).p2m)).toMatchObject({ pages2M: 512, pod: 1536 });
    expect(podOf(host, a)).toEqual([1536, 1536]);
    expect(host.info(a).totPages).toBe(2048);
  });

  it('breaks the promise into small pages when the cache has no 2 MiB page', () => {
    const host = new TestHost();
    const a = podGuest(host, 100, 1024);
    expect(touch(host, a, 513)).toBe(true);
    expect(p2mMix(domainOf(host.xen, a).p2m)).toEqual({ pages1G: 0, pages2M: 0, pages4K: 1, pod: 1023 });
  });

  it('takes pages back that the guest never wrote', () => {
    const host = new TestHost();
    const a = podGuest(host, 512, 2048);
    expect(touch(host, a, 0, false)).toBe(true);
    // The first 2 MiB page was only read: the eager look finds it zero, and it serves the next fault.
    expect(touch(host, a, 600)).toBe(true);
    expect(podOf(host, a)).toEqual([1536, 0]);
    expect(p2mMix(domainOf(host.xen, a).p2m)).toEqual({ pages1G: 0, pages2M: 512, pages4K: 0, pod: 1536 });
  });

  it('crashes a guest that wrote to more than it was given', () => {
    const host = new TestHost();
    const a = podGuest(host, 64, 512);
    for (let gfn = 0; gfn < 64; gfn++) expect(touch(host, a, gfn)).toBe(true);
    expect(touch(host, a, 64)).toBe(false);
    expect(host.info(a)).toMatchObject({ shutdown: true, shutdownReason: 3 });
    expect(host.xen.consoleRing).toContain(`Dom${a} out of PoD memory! (tot=64 ents=448 dom${a})`);
  });

  it('finds zero pages far below in an emergency', () => {
    const host = new TestHost();
    const a = podGuest(host, 40, 512);
    // 40 pages are read, frames 40 … 1; frames written later push the zero ones out of the recent ones.
    for (let gfn = 1; gfn <= 4; gfn++) expect(touch(host, a, gfn, false)).toBe(true);
    for (let gfn = 5; gfn <= 200; gfn++) if (!touch(host, a, gfn)) break;
    expect(p2mMix(domainOf(host.xen, a).p2m).pages4K).toBe(40);
    expect(host.info(a).shutdown).toBe(true);
  });
});

describe('p2m_pod_decrease_reservation', () => {
  it('cancels promises before memory returns to Xen', () => {
    const host = new TestHost();
    const a = podGuest(host, 1024, 2048);
    const free = host.free();
    expect(host.decrease(a, 1024, 512)).toBe(512);
    expect(podOf(host, a)).toEqual([1536, 1024]);
    expect(host.free()).toBe(free);
    expect(host.decrease(a, 512, 512)).toBe(512);
    expect(podOf(host, a)).toEqual([1024, 1024]);
    expect(host.decrease(a, 1536, 100)).toBe(100);
    expect(podOf(host, a)).toEqual([924, 924]);
    expect(host.free()).toBeGreaterThanOrEqual(free + 100 - 1);
    expect(host.info(a).totPages).toBe(924);
  });

  it('keeps pages given back for the cache while more is owed than cached', () => {
    const host = new TestHost();
    const a = podGuest(host, 512, 1024);
    for (let gfn = 0; gfn < 512; gfn++) expect(touch(host, a, gfn)).toBe(true);
    expect(podOf(host, a)).toEqual([512, 0]);
    expect(host.decrease(a, 0, 10)).toBe(10);
    expect(podOf(host, a)).toEqual([512, 10]);
    expect(host.info(a).totPages).toBe(512);
  });

  it('takes a whole 2 MiB page back when one page of it is given and all of it is zero', () => {
    const host = new TestHost();
    const a = podGuest(host, 512, 1024);
    expect(touch(host, a, 0, false)).toBe(true);
    expect(host.decrease(a, 5, 1)).toBe(1);
    expect(podOf(host, a)).toEqual([1023, 512]);
  });

  it('equals Xen one page at a time: a batch leaves the same host as single calls', () => {
    const run = (batch: boolean): readonly unknown[] => {
      const host = new TestHost();
      const a = podGuest(host, 1024, 2048);
      for (let gfn = 0; gfn < 300; gfn++) touch(host, a, gfn);
      if (batch) expect(host.decrease(a, 100, 1900)).toBe(1900);
      else for (let gfn = 100; gfn < 2000; gfn++) expect(host.decrease(a, gfn, 1)).toBe(1);
      const d = domainOf(host.xen, a);
      return [podOf(host, a), p2mMix(d.p2m), host.free(), d.pod.super, d.pod.single];
    };
    expect(run(true)).toEqual(run(false));
  });
});
