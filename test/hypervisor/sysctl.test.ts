import { describe, expect, it } from 'vitest';
import { EADDRNOTAVAIL, EBUSY, EINVAL, ENODEV, ENOENT, ESRCH } from '../../src/hypervisor/errno.ts';
import type { HypercallArgs } from '../../src/hypervisor/privcmd.ts';
import { domId } from '../../src/hypervisor/units.ts';
import { TestHost } from './test-host.ts';

const GIB = 262144;

describe('physinfo and numainfo', () => {
  it('tell free memory without regard to claims, and spanned memory with its holes', () => {
    const host = new TestHost({ memoryPages: 8 * GIB, nodes: 2 });
    const a = host.create('pvh', 2 ** 20);
    const free = host.free();
    expect(host.claim(a, 1000)).toBe(0);
    expect(host.free()).toBe(free);
    const { nodes } = host.call('XEN_SYSCTL_numainfo', {});
    // Node 0: 4 GiB of RAM from 0 on, with the hole of 1 GiB below 4 GiB.
    expect(nodes.map((n) => n!.memsize / 2 ** 30)).toEqual([5, 4]);
    expect(nodes.reduce((sum, n) => sum + n!.memfree / 4096, 0)).toBe(free);
    expect(host.call('XEN_SYSCTL_physinfo', {}).info.totalPages).toBe(8 * GIB - 98);
  });
});

describe('cputopoinfo', () => {
  it('has one socket a node and threads in pairs', () => {
    const host = new TestHost({ memoryPages: 8 * GIB, nodes: 2, cpus: 8 });
    const { cpus } = host.call('XEN_SYSCTL_cputopoinfo', {});
    expect(cpus.map((c) => [c!.core, c!.socket, c!.node])).toEqual([
      [0, 0, 0],
      [0, 0, 0],
      [1, 0, 0],
      [1, 0, 0],
      [0, 1, 1],
      [0, 1, 1],
      [1, 1, 1],
      [1, 1, 1],
    ]);
  });
});

describe('debug keys', () => {
  it('print memory to the console, which can be read and cleared', () => {
    const host = new TestHost({ memoryPages: 8 * GIB, nodes: 2, bootscrub: 'idle' });
    expect(host.call('XEN_SYSCTL_readconsole', { clear: true }).text).toContain('(XEN) Xen version 4.22.0');
    expect(host.call('XEN_SYSCTL_debug_keys', { keys: 'mH' }).rc).toBe(0);
    const { text } = host.call('XEN_SYSCTL_readconsole', { clear: false });
    expect(text).toMatch(/^\(XEN\) Physical memory information:\n\(XEN\) {5}Xen heap: 0kB free\n/);
    const zones = [...text.matchAll(/heap\[\d\d\]: (\d+)kB free/g)].reduce(
      (sum, [, kb]) => sum + Number(kb),
      0,
    );
    expect(zones / 4).toBe(host.free());
    expect(text).toContain("'H' pressed -> dumping heap info (now = 0)");
    expect(text).toMatch(/heap\[node=1\]\[zone=22\] -> \d+ pages/);
    expect(text).toMatch(/Node 1 has \d+ unscrubbed pages/);
  });
});

describe('cpupool_op', () => {
  const op = (host: TestHost, args: HypercallArgs<'XEN_SYSCTL_cpupool_op'>) =>
    host.call('XEN_SYSCTL_cpupool_op', args);

  it('makes pools, moves CPUs and domains, and refuses what is in use', () => {
    const host = new TestHost();
    const a = domId(host.create());
    const { id } = op(host, { sub: 'create' });
    expect(id).toBe(1);
    expect(op(host, { sub: 'movedomain', id, domid: a }).rc).toBe(-EBUSY);
    expect(op(host, { sub: 'addcpu', id, cpu: 3 }).rc).toBe(-ENODEV);
    expect(op(host, { sub: 'rmcpu', id: 0, cpu: 3 }).rc).toBe(0);
    expect(op(host, { sub: 'freeinfo' }).cpus).toEqual([3]);
    expect(op(host, { sub: 'addcpu', id: 9, cpu: 3 }).rc).toBe(-ENOENT);
    expect(op(host, { sub: 'addcpu', id, cpu: 99 }).rc).toBe(-EINVAL);
    expect(op(host, { sub: 'addcpu', id, cpu: 3 }).rc).toBe(0);
    expect(op(host, { sub: 'movedomain', id, domid: domId(99) }).rc).toBe(-ESRCH);
    expect(op(host, { sub: 'movedomain', id, domid: a }).rc).toBe(0);
    expect(op(host, { sub: 'info', id })).toMatchObject({ rc: 0, nDom: 1, cpus: [3] });
    expect(op(host, { sub: 'rmcpu', id, cpu: 3 }).rc).toBe(-EBUSY);
    expect(op(host, { sub: 'rmcpu', id, cpu: 2 }).rc).toBe(-EADDRNOTAVAIL);
    expect(op(host, { sub: 'destroy', id }).rc).toBe(-EBUSY);
    expect(host.destroy(a)).toBe(0);
    expect(op(host, { sub: 'rmcpu', id, cpu: 3 }).rc).toBe(0);
    expect(op(host, { sub: 'destroy', id }).rc).toBe(0);
    expect(op(host, { sub: 'info', id }).rc).toBe(-ENOENT);
  });

  it('lets the nodes of a domain follow its pool', () => {
    const host = new TestHost({ memoryPages: 8 * GIB, nodes: 2, cpus: 4 });
    const a = domId(host.create());
    const { id } = op(host, { sub: 'create' });
    expect(op(host, { sub: 'rmcpu', id: 0, cpu: 2 }).rc).toBe(0);
    expect(op(host, { sub: 'addcpu', id, cpu: 2 }).rc).toBe(0);
    expect(op(host, { sub: 'movedomain', id, domid: a }).rc).toBe(0);
    expect(host.call('XEN_DOMCTL_getnodeaffinity', { domid: a }).nodes).toEqual([1]);
  });
});
