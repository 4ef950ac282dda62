import { describe, expect, it } from 'vitest';
import { EEXIST, EINVAL, ENOMEM, EOPNOTSUPP, EPERM, ESRCH } from '../../src/hypervisor/errno.ts';
import { hypercallStart, hypercallStep } from '../../src/hypervisor/hypercall-step.ts';
import { bytes, domId, nodeId } from '../../src/hypervisor/units.ts';
import { domainOf, heapDomainOf } from '../../src/hypervisor/xen.ts';
import { checkXenInvariants } from '../../src/hypervisor/xen-invariants.ts';
import { domainStructurePages, vcpuStructurePages } from '../../src/hypervisor/xen-private.ts';
import { TestHost } from './test-host.ts';

describe('createdomain', () => {
  it('gives the next id after the last one given, and wraps to 1', () => {
    const host = new TestHost();
    expect([host.create(), host.create()]).toEqual([1, 2]);
    expect(host.destroy(2)).toBe(0);
    expect(host.create()).toBe(3);
    host.xen.lastDomid = 0x7fef;
    expect(host.destroy(1)).toBe(0);
    expect(host.create()).toBe(1);
    expect(host.create()).toBe(2);
    expect(host.create()).toBe(4);
  });

  it('takes an id that is asked for, without moving on from it', () => {
    const host = new TestHost();
    expect(host.create('pv', 1, 1, 100)).toBe(100);
    expect(host.create('pv', 1, 1, 100)).toBe(-EEXIST);
    expect(host.create()).toBe(1);
  });

  it('uses an id up although there was no memory for the domain', () => {
    const host = new TestHost();
    const a = host.create('pv', 2 ** 20);
    expect(host.claim(a, host.free())).toBe(0);
    expect(host.create()).toBe(-ENOMEM);
    expect(host.claim(a, 0)).toBe(0);
    expect(host.create()).toBe(3);
  });

  it('takes structures and, with a HAP pool, 256 pages more, and gives all back in the end', () => {
    const host = new TestHost();
    const free = host.free();
    const a = host.create('pvh', 0, 2);
    expect(free - host.free()).toBe(domainStructurePages() + 2 * vcpuStructurePages('pvh') + 256);
    const pv = host.create('pv', 0, 2);
    expect(host.destroy(a)).toBe(0);
    expect(free - host.free()).toBe(domainStructurePages() + 2 * vcpuStructurePages('pv'));
    expect(host.destroy(pv)).toBe(0);
    expect(host.free()).toBe(free);
  });
});

describe('max_vcpus', () => {
  it('must say what createdomain said', () => {
    const host = new TestHost();
    const a = host.create('pvh', 0, 2);
    expect(host.call('XEN_DOMCTL_max_vcpus', { domid: domId(a), max: 3 }).rc).toBe(-EINVAL);
    expect(host.call('XEN_DOMCTL_max_vcpus', { domid: domId(a), max: 1 }).rc).toBe(-EINVAL);
    expect(host.call('XEN_DOMCTL_max_vcpus', { domid: domId(a), max: 2 }).rc).toBe(0);
  });
});

describe('pause and unpause', () => {
  it('count, up to 255, and never below 0', () => {
    const host = new TestHost();
    const a = domId(host.create());
    for (let i = 1; i < 255; i++) expect(host.call('XEN_DOMCTL_pausedomain', { domid: a }).rc).toBe(0);
    expect(host.call('XEN_DOMCTL_pausedomain', { domid: a }).rc).toBe(-EINVAL);
    for (let i = 0; i < 255; i++) expect(host.unpause(a)).toBe(0);
    expect(host.unpause(a)).toBe(-EINVAL);
  });

  it('ends the creation with the first unpause only', () => {
    const host = new TestHost();
    const a = host.create();
    expect(heapDomainOf(host.xen, a).creationFinished).toBe(false);
    expect(host.unpause(a)).toBe(0);
    expect(heapDomainOf(host.xen, a).creationFinished).toBe(true);
    expect(host.info(a)).toMatchObject({ paused: false, blocked: true, nrOnlineVcpus: 1 });
  });
});

describe('destroydomain', () => {
  it('refuses the caller itself, and knows no dead', () => {
    const host = new TestHost();
    expect(host.destroy(0)).toBe(-EINVAL);
    expect(host.destroy(9)).toBe(-ESRCH);
    const a = host.create();
    host.caller = a;
    expect(host.destroy(0)).toBe(-EPERM);
  });
});

describe('set_paging_mempool_size', () => {
  it('is for guests with a p2m, in whole pages', () => {
    const host = new TestHost();
    const pv = host.create('pv');
    const a = host.create();
    expect(host.pool(pv, 100)).toBe(-EOPNOTSUPP);
    const odd = { domid: domId(a), size: bytes(4097) };
    expect(host.call('XEN_DOMCTL_set_paging_mempool_size', odd).rc).toBe(-EINVAL);
  });

  it('counts the page tables in, and keeps what it got when memory ends', () => {
    const host = new TestHost();
    const a = host.create();
    expect(host.populate(a, 0, 1024, 0)).toBe(1024);
    const { paging } = domainOf(host.xen, a);
    // The root, three levels for the first 2 MiB, one more table for the second.
    expect(paging.p2mPagesCount).toBe(5);
    expect(host.pool(a, 1000)).toBe(0);
    expect(domainOf(host.xen, a).paging.totalPages).toBe(995);
    expect(host.pool(a, 2)).toBe(0);
    expect(domainOf(host.xen, a).paging.totalPages).toBe(0);
    const free = host.free();
    expect(host.pool(a, 5 + free + 1)).toBe(-ENOMEM);
    expect(host.free()).toBe(0);
    expect(host.info(a).totPages).toBe(1024);
  });
});

describe('a domain that is dying', () => {
  it('may still be given a pool, which goes with the last of it', () => {
    const host = new TestHost();
    const free = host.free();
    const a = host.create('pvh');
    expect(host.populate(a, 0, 1024, 0)).toBe(1024);
    const call = { name: 'XEN_DOMCTL_destroydomain', args: { domid: domId(a) } } as const;
    let task = hypercallStart(host.xen, { caller: domId(0), node: nodeId(0) }, call, 1);
    while (task.at !== 'relinquish') {
      const stepped = hypercallStep(host.xen, task);
      if (stepped.reply !== null) throw new Error('it is not over yet');
      task = stepped.task;
    }
    expect(host.pool(a, 300)).toBe(0);
    expect(domainOf(host.xen, a).paging.totalPages).toBe(299);
    for (let isOver = false; !isOver; ) {
      const stepped = hypercallStep(host.xen, task);
      isOver = stepped.reply !== null;
      if (stepped.reply === null) task = stepped.task;
    }
    expect(host.free()).toBe(free);
    expect(checkXenInvariants(host.xen)).toEqual([]);
  });
});

describe('node affinity', () => {
  const numa = () => new TestHost({ memoryPages: 4 * 1048576, nodes: 2, cpus: 4 });

  it('refuses nodes that are not there', () => {
    const host = numa();
    const a = domId(host.create());
    expect(host.call('XEN_DOMCTL_setnodeaffinity', { domid: a, nodes: [] }).rc).toBe(-EINVAL);
    expect(host.call('XEN_DOMCTL_setnodeaffinity', { domid: a, nodes: [nodeId(5)] }).rc).toBe(-EINVAL);
  });

  it('follows the soft affinity of the vcpus until somebody sets it', () => {
    const host = numa();
    const a = domId(host.create('pvh', 65536, 1));
    const soft = { domid: a, vcpu: 0, flags: 2, cpus: [2, 3] };
    expect(host.call('XEN_DOMCTL_setvcpuaffinity', soft).rc).toBe(0);
    expect(host.call('XEN_DOMCTL_getnodeaffinity', { domid: a }).nodes).toEqual([1]);
    expect(host.call('XEN_DOMCTL_setnodeaffinity', { domid: a, nodes: [nodeId(0)] }).rc).toBe(0);
    expect(host.call('XEN_DOMCTL_setvcpuaffinity', soft).rc).toBe(0);
    expect(host.call('XEN_DOMCTL_getnodeaffinity', { domid: a }).nodes).toEqual([0]);
  });

  it('decides where memory comes from', () => {
    const host = numa();
    const a = domId(host.create());
    const before = host.call('XEN_SYSCTL_numainfo', {}).nodes.map((n) => n!.memfree);
    expect(host.call('XEN_DOMCTL_setnodeaffinity', { domid: a, nodes: [nodeId(1)] }).rc).toBe(0);
    expect(host.populate(a, 0, 8, 9)).toBe(8);
    const after = host.call('XEN_SYSCTL_numainfo', {}).nodes.map((n) => n!.memfree);
    expect(after[0]).toBe(before[0]);
    expect(before[1]! - after[1]!).toBe(8 * 512 * 4096);
  });
});

describe('shutdown', () => {
  it('keeps the first reason, and resume undoes it', () => {
    const host = new TestHost();
    const a = domId(host.create());
    expect(host.call('SCHEDOP_shutdown', { domid: a, reason: 1 }).rc).toBe(0);
    expect(host.call('SCHEDOP_shutdown', { domid: a, reason: 3 }).rc).toBe(0);
    expect(host.info(a)).toMatchObject({ shutdown: true, shutdownReason: 1 });
    expect(host.call('XEN_DOMCTL_resumedomain', { domid: a }).rc).toBe(0);
    expect(host.info(a).shutdown).toBe(false);
  });
});
