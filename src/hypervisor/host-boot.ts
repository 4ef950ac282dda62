/** Booting a host: the heap is filled, dom0 is built and unpaused. Models __start_xen(), xen/arch/x86/setup.c. */

import { bootHeap } from './boot-heap.ts';
import { ASSERT } from './bug.ts';
import { printk } from './console-ring.ts';
import { SCHEDULER } from './cpupool.ts';
import { domainCreate, maxVcpus, unpauseDomain } from './domain.ts';
import { setMaxPages } from './heap-domain.ts';
import {
  type HostConfig,
  type HostLayout,
  hostConfigErrors,
  hostLayout,
  hostProfile,
} from './host-config.ts';
import { hypercall } from './hypercall.ts';
import { domId, gfn, order, pages, pagesOfOrder, pagesToKib } from './units.ts';
import { heapDomainOf, type Xen } from './xen.ts';

/** Node of CPU 0, which boots the host. */
const BOOT_NODE = 0;
const UINT_MAX = 2 ** 32 - 1;
/** Dom0's memory when dom0_mem= is absent: all but this much, at most. Models dom0_compute_nr_pages(). */
const DOM0_RESERVE_PAGES = 32768;
/** The sizes dom0 is populated with. */
const DOM0_ORDERS = [18, 9, 0] as const;

/** Boots a host that hostConfigErrors() finds nothing wrong with. */
export function bootHost(config: HostConfig): Xen {
  const profile = hostProfile(config);
  ASSERT(profile !== null && hostConfigErrors(config).length === 0, 'the host was checked before it boots');
  const layout = hostLayout(config);
  const heap = bootHeap({
    nodes: layout.nodes.map(({ node, heapRanges, span, cpus }) => ({
      node,
      ranges: heapRanges,
      span,
      cpus: cpus.length > 0,
    })),
    cpuNode: BOOT_NODE,
    bootscrub: config.bootscrub,
    distances: layout.distances,
    rules: profile.claimRules,
  });
  const xen: Xen = {
    heap,
    layout,
    profile,
    commandLine: commandLine(config),
    domains: new Map(),
    domainList: [],
    toldInfos: new Map(),
    lastDomid: 0,
    cpupools: [{ id: 0, sched: SCHEDULER, cpus: Array.from({ length: config.cpus }, (_, cpu) => cpu) }],
    consoleRing: '',
    undo: null,
  };
  xen.consoleRing = printk('', bootText(xen, layout));
  constructDom0(xen, config);
  return xen;
}

function commandLine({ dom0Pages, bootscrub }: HostConfig): string {
  // Xen's own stand-in for its file name, which xl info shows: the boot loader's name of the image is not passed on.
  const words = ['placeholder'];
  if (dom0Pages !== undefined) {
    const kib = pagesToKib(pages(dom0Pages));
    words.push(`dom0_mem=${kib % 1024 === 0 ? `${kib / 1024}M` : `${kib}K`}`);
  }
  if (bootscrub === 'off') words.push('bootscrub=off');
  return words.join(' ');
}

function bootText(xen: Xen, { totalPages }: HostLayout): string {
  const { major, minor, point } = xen.profile;
  const kib = pagesToKib(pages(totalPages));
  return [
    `Xen version ${major}.${minor}.${point} (xlsim@example.invalid)`,
    `Command line: ${xen.commandLine}`,
    `System RAM: ${Math.floor(kib / 1024)}MB (${kib}kB)`,
    `Using scheduler: SMP Credit Scheduler rev2 (${SCHEDULER})`,
  ].join('\n');
}

/** Builds dom0 with 1 GiB, 2 MiB, then 4 KiB extents and lets it run. Models create_dom0() and construct_dom0(). */
function constructDom0(xen: Xen, { cpus, dom0Pages }: HostConfig): void {
  const domid = domainCreate(
    xen,
    0,
    {
      type: 'pv',
      hap: false,
      handle: '00000000-0000-0000-0000-000000000000',
      maxVcpus: cpus,
      maxEvtchnPort: -1,
      maxGrantFrames: -1,
      maxMaptrackFrames: -1,
      grantOpts: 0,
      emulationFlags: 0,
      flags: 0,
      iommuOpts: 0,
      miscFlags: 0,
    },
    BOOT_NODE,
  );
  ASSERT(domid === 0 && maxVcpus(xen, 0, cpus, BOOT_NODE) === 0, 'a host has memory for dom0 itself');
  const avail = xen.heap.totalAvailPages;
  const own = avail - Math.min(Math.floor(avail / 16), DOM0_RESERVE_PAGES);
  setMaxPages(xen.heap, heapDomainOf(xen, 0), UINT_MAX);
  populateDom0(xen, Math.min(dom0Pages ?? own, avail));
  ASSERT(unpauseDomain(xen, 0) === 0, 'dom0 starts');
}

function populateDom0(xen: Xen, count: number): void {
  let done = 0;
  for (const o of DOM0_ORDERS) {
    const size = pagesOfOrder(order(o));
    while (count - done >= size) {
      const nrExtents = Math.min(Math.floor((count - done) / size), MAX_BATCH);
      const extents = [{ first: gfn(done), count: nrExtents, stride: size }];
      const args = { domid: domId(0), extentOrder: order(o), nrExtents, extentStart: extents, memFlags: {} };
      const { rc } = hypercall(xen, { caller: 0 }, { name: 'XENMEM_populate_physmap', args });
      done += rc * size;
      if (rc < nrExtents) break;
    }
  }
}

/** Extents asked for at once: what one reservation may name. */
const MAX_BATCH = 0x3ffffff;
