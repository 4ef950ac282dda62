import { describe, expect, it } from 'vitest';
import { bootHost } from '../../src/hypervisor/host-boot.ts';
import { type HostConfig, hostConfigErrors, hostLayout } from '../../src/hypervisor/host-config.ts';
import { heapDomainOf } from '../../src/hypervisor/xen.ts';
import { checkXenInvariants } from '../../src/hypervisor/xen-invariants.ts';

const GIB = 262144;
const host = (change: Partial<HostConfig> = {}): HostConfig => ({
  memoryPages: 64 * GIB,
  nodes: 1,
  cpus: 16,
  dom0Pages: 4 * GIB,
  xen: '4.22',
  bootscrub: 'idle',
  ...change,
});

describe('the memory map', () => {
  it('has low memory, the hole below 4 GiB, and Xen at the top of the first node', () => {
    const [node] = hostLayout(host()).nodes;
    const end = 64 * GIB + GIB;
    expect(node?.ranges).toEqual([
      [1, 159],
      [256, 786432],
      [1048576, end],
    ]);
    // 32 bytes for each of 2^24 pages are 131072 pages; 64 MiB are 16384.
    expect(node?.heapRanges.at(-1)).toEqual([1048576, end - 131072 - 16384]);
  });

  it('gives further nodes equal shares of whole GiB', () => {
    const { nodes } = hostLayout(host({ memoryPages: 10 * GIB, nodes: 3 }));
    expect(nodes.map(({ ranges }) => ranges.at(-1)![1] / GIB)).toEqual([5, 8, 11]);
    expect(nodes.every(({ ranges }) => ranges.at(-1)![0] % GIB === 0)).toBe(true);
  });

  it('deals CPUs out in blocks, and leaves nodes without when there are few', () => {
    const cpus = hostLayout(host({ memoryPages: 64 * GIB, nodes: 4, cpus: 2 })).nodes.map((n) => n.cpus);
    expect(cpus).toEqual([[0], [1], [], []]);
  });
});

describe('host descriptions', () => {
  it('are refused with what to do', () => {
    const first = (change: Partial<HostConfig>): string => hostConfigErrors(host(change))[0] ?? '';
    expect(first({ memoryPages: 16383 })).toMatch(/64 MiB or more/);
    expect(first({ memoryPages: 2 ** 32 - GIB })).toMatch(/16 TiB/);
    expect(first({ nodes: 65 })).toMatch(/between 1 and 64/);
    expect(first({ memoryPages: 2 * GIB, nodes: 3, dom0Pages: 0 })).toMatch(/fewer nodes/);
    expect(first({ memoryPages: 60000 })).toMatch(/--dom0 0/);
    expect(first({ dom0Pages: 64 * GIB })).toMatch(/use less than/);
    expect(first({ nodes: 2, nodeMemoryPages: [64 * GIB] })).toMatch(/one for each/);
    expect(first({ distances: [[10, 20]] })).toMatch(/rows/);
    expect(first({ xen: '5.0' })).toMatch(/known are/);
    expect(first({})).toBe('');
  });

  it('boot from 64 MiB to 16 TiB, and from 1 to 64 nodes', () => {
    const configs = [
      host({ memoryPages: 16384, dom0Pages: 0, cpus: 1 }),
      host({ memoryPages: 65536, dom0Pages: 8192, cpus: 2 }),
      host({ memoryPages: 2 ** 32 - GIB - 1 }),
      host({ memoryPages: 256 * GIB, nodes: 64, cpus: 16 }),
    ];
    for (const config of configs) {
      expect(hostConfigErrors(config)).toEqual([]);
      expect(checkXenInvariants(bootHost(config))).toEqual([]);
    }
  });
});

describe('dom0', () => {
  it('has what dom0_mem says, and may have any amount', () => {
    const xen = bootHost(host());
    expect(heapDomainOf(xen, 0).totPages).toBe(4 * GIB);
    expect(xen.commandLine).toContain('dom0_mem=4096M');
  });

  it('takes all but a sixteenth, or 128 MiB, without dom0_mem', () => {
    const config = host();
    const { dom0Pages: _, ...without } = config;
    const xen = bootHost(without);
    expect(xen.heap.totalAvailPages).toBe(32768);
    expect(xen.commandLine).not.toContain('dom0_mem');
  });
});
