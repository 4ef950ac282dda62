import { describe, expect, it } from 'vitest';
import { EINVAL, ENOMEM, EPERM } from '../../src/hypervisor/errno.ts';
import { domId, nodeId, order, pages } from '../../src/hypervisor/units.ts';
import { DOMID_SELF } from '../../src/hypervisor/xen.ts';
import { TestHost } from './test-host.ts';

/** Leaves exactly `n` pages free by giving the rest to a domain, page by page. */
function leaveFree(host: TestHost, n: number): void {
  const filler = host.create('pv', 2 ** 20);
  const count = host.free() - n;
  expect(host.populate(filler, 0, count, 0)).toBe(count);
}

describe('XENMEM_claim_pages', () => {
  it('refuses an extent order and memory flags', () => {
    const host = new TestHost();
    const domid = domId(host.create());
    const args = { domid, nrExtents: pages(100) };
    expect(host.call('XENMEM_claim_pages', { ...args, extentOrder: order(1) }).rc).toBe(-EINVAL);
    expect(host.call('XENMEM_claim_pages', { ...args, memFlags: { node: nodeId(0) } }).rc).toBe(-EINVAL);
    expect(host.call('XENMEM_claim_pages', { ...args, extentOrder: order(0), memFlags: {} }).rc).toBe(0);
  });

  it('answers EINVAL, not ESRCH, for an unknown domain, and does not know DOMID_SELF', () => {
    const host = new TestHost();
    expect(host.claim(77, 100)).toBe(-EINVAL);
    expect(host.claim(DOMID_SELF, 100)).toBe(-EINVAL);
  });

  it('looks for the domain before it asks who calls', () => {
    const host = new TestHost();
    const a = host.create();
    host.caller = a;
    expect(host.claim(a, 100)).toBe(-EPERM);
    expect(host.claim(77, 100)).toBe(-EINVAL);
  });

  it('drops the claim with 0, also when there is none', () => {
    const host = new TestHost();
    const a = host.create();
    expect(host.claim(a, 0)).toBe(0);
    expect(host.claim(a, 500)).toBe(0);
    expect(host.outstanding()).toBe(500);
    expect(host.claim(a, 0)).toBe(0);
    expect(host.outstanding()).toBe(0);
  });

  it('takes the number of pages for a total, and never changes a claim', () => {
    // max 1000, has 100: claim(400) stakes 300; 100 and 1001 are out of range; 500 while 300 is outstanding.
    const host = new TestHost();
    const a = host.create('pvh', 1000);
    expect(host.populate(a, 0, 100, 0)).toBe(100);
    expect(host.claim(a, 100)).toBe(-EINVAL);
    expect(host.claim(a, 1001)).toBe(-EINVAL);
    expect(host.claim(a, 400)).toBe(0);
    expect(host.info(a).outstandingPages).toBe(300);
    expect(host.claim(a, 500)).toBe(-EINVAL);
    expect(host.claim(a, 0)).toBe(0);
    expect(host.claim(a, 500)).toBe(0);
  });

  it('is EINVAL before setmaxmem, because a new domain may have no page', () => {
    const host = new TestHost();
    const a = host.create('pvh', 0);
    expect(host.claim(a, 1)).toBe(-EINVAL);
  });

  it('grants exactly what is free and unclaimed, and not one page more', () => {
    const host = new TestHost();
    const a = host.create('pvh', 2 ** 20);
    const b = host.create('pvh', 2 ** 20);
    expect(host.claim(a, 1000)).toBe(0);
    const left = host.free() - 1000;
    expect(host.claim(b, left + 1)).toBe(-ENOMEM);
    expect(host.claim(b, left)).toBe(0);
  });

  it('is released first when the domain dies', () => {
    const host = new TestHost();
    const a = host.create();
    expect(host.claim(a, 5000)).toBe(0);
    expect(host.destroy(a)).toBe(0);
    expect(host.outstanding()).toBe(0);
  });
});

describe('the gate of alloc_heap_pages', () => {
  it('lets a request pass or fail as the worked example says', () => {
    // free 300, claims 200 + 50: anonymous 32 fits (282 <= 300), 64 does not (314 > 300); d2 asking 64 with a claim
    // of 50 gets no partial credit, asking 32 it passes and its claim is 18 then.
    const host = new TestHost();
    const d1 = host.create('pv', 2 ** 20);
    const d2 = host.create('pv', 2 ** 20);
    const none = host.create('pv', 2 ** 20);
    leaveFree(host, 300);
    expect(host.claim(d1, 200)).toBe(0);
    expect(host.claim(d2, 50)).toBe(0);
    expect(host.populate(none, 0, 1, 6)).toBe(0);
    expect(host.populate(d2, 0, 1, 6)).toBe(0);
    expect(host.info(d2).outstandingPages).toBe(50);
    expect(host.populate(d2, 0, 1, 5)).toBe(1);
    expect(host.info(d2).outstandingPages).toBe(18);
    expect([host.outstanding(), host.free()]).toEqual([218, 268]);
    expect(host.claim(none, 51)).toBe(-ENOMEM);
    expect(host.claim(none, 50)).toBe(0);
  });

  it('holds every claim, the own one too, against the paging pool', () => {
    const host = new TestHost();
    const a = host.create('pvh', 2 ** 20);
    expect(host.pool(a, 300)).toBe(0);
    expect(host.claim(a, host.free() - 10)).toBe(0);
    expect(host.pool(a, 310)).toBe(0);
    expect(host.pool(a, 311)).toBe(-ENOMEM);
  });

  it('refuses a new domain whose structures would come out of a claim', () => {
    const host = new TestHost();
    const a = host.create('pvh', 2 ** 20);
    const free = host.free();
    expect(host.claim(a, free)).toBe(0);
    expect(host.create()).toBe(-ENOMEM);
    expect(host.free()).toBe(free);
  });
});
