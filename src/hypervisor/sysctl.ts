/** What a host says about itself. Models xen/common/sysctl.c and xen/arch/x86/sysctl.c. */
import { nodeAvailPages } from './heap-report.ts';
import { keyhandler } from './keyhandler.ts';
import type { HypercallReply, NumaNode, PhysInfo } from './privcmd.ts';
import type { HypercallContext } from './reservation.ts';
import { pages, pagesToBytes } from './units.ts';
import type { Xen } from './xen.ts';

/** The processor that every host has: documented data, it decides nothing. */
const CPU_KHZ = 2394454;
const HW_CAP = [
  0xbfebfbff, 0x77fef3ff, 0x2c100800, 0x00000121, 0x00000001, 0x001cbfbb, 0x00000000, 0x00000100,
] as const;
const CAPABILITIES = [
  'pv',
  'hvm',
  'hvm_directio',
  'pv_directio',
  'hap',
  'shadow',
  'iommu_hap_pt_share',
] as const;

/** XEN_SYSCTL_physinfo: free pages without regard to claims, and the claims, read together. */
export function physinfo(xen: Xen): HypercallReply<'XEN_SYSCTL_physinfo'> {
  const { config, nodes, totalPages, threadsPerCore, coresPerSocket } = xen.layout;
  const info: PhysInfo = {
    threadsPerCore,
    coresPerSocket,
    nrCpus: config.cpus,
    maxCpuId: config.cpus - 1,
    nrNodes: nodes.length,
    maxNodeId: nodes.length - 1,
    cpuKhz: CPU_KHZ,
    totalPages: pages(totalPages),
    freePages: pages(xen.heap.totalAvailPages),
    scrubPages: pages(0),
    outstandingPages: pages(xen.heap.outstandingClaims),
    sharingFreedPages: pages(0),
    sharingUsedFrames: pages(0),
    hwCap: HW_CAP,
    capabilities: CAPABILITIES,
  };
  return { rc: 0, info };
}

/** XEN_SYSCTL_numainfo: spanned memory, holes included, and free memory, claims not regarded. */
export function numainfo(xen: Xen): HypercallReply<'XEN_SYSCTL_numainfo'> {
  const nodes: NumaNode[] = xen.layout.nodes.map(({ node, span: [start, end] }) => ({
    memsize: pagesToBytes(pages(end - start)),
    memfree: pagesToBytes(pages(nodeAvailPages(xen.heap, node))),
  }));
  return { rc: 0, nodes, distances: xen.layout.distances };
}

/** XEN_SYSCTL_cputopoinfo. */
export const cputopoinfo = (xen: Xen): HypercallReply<'XEN_SYSCTL_cputopoinfo'> => ({
  rc: 0,
  cpus: xen.layout.cpuTopology,
});

/** XEN_SYSCTL_debug_keys: each key's text goes to the console. */
export function debugKeys(xen: Xen, ctx: HypercallContext, keys: string): number {
  for (const key of keys) keyhandler(xen, key, ctx.now ?? 0);
  return 0;
}

/** XEN_SYSCTL_readconsole. */
export function readconsole(xen: Xen, clear: boolean): HypercallReply<'XEN_SYSCTL_readconsole'> {
  const text = xen.consoleRing;
  if (clear) xen.consoleRing = '';
  return { rc: 0, text };
}
