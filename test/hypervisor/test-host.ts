/** A host and its hypercalls in few words, for tests of the hypervisor. */
import { expect } from 'vitest';
import { bootHost } from '../../src/hypervisor/host-boot.ts';
import type { HostConfig } from '../../src/hypervisor/host-config.ts';
import { hypercall } from '../../src/hypervisor/hypercall.ts';
import type {
  GetDomainInfo,
  HypercallArgs,
  HypercallName,
  HypercallReply,
  MemFlags,
} from '../../src/hypervisor/privcmd.ts';
import { bytes, domId, gfn, kib, order, pages } from '../../src/hypervisor/units.ts';
import type { Xen } from '../../src/hypervisor/xen.ts';
import { checkXenInvariants } from '../../src/hypervisor/xen-invariants.ts';

/** 512 MiB, one node, no memory for dom0: small enough to draw. */
const SMALL: HostConfig = {
  memoryPages: 131072,
  nodes: 1,
  cpus: 4,
  dom0Pages: 0,
  xen: '4.22',
  bootscrub: 'off',
};

export class TestHost {
  readonly xen: Xen;
  caller = 0;

  constructor(config: Partial<HostConfig> = {}) {
    this.xen = bootHost({ ...SMALL, ...config });
  }

  call<N extends HypercallName>(name: N, args: HypercallArgs<N>): HypercallReply<N> {
    const reply = hypercall(this.xen, { caller: this.caller }, { name, args });
    expect(checkXenInvariants(this.xen)).toEqual([]);
    return reply;
  }

  /** A domain with a limit: what a toolstack has before it populates. */
  create(type: 'pv' | 'hvm' | 'pvh' = 'pvh', maxPages = 65536, vcpus = 1, domid?: number): number {
    const reply = this.call('XEN_DOMCTL_createdomain', {
      ...(domid === undefined ? {} : { domid: domId(domid) }),
      type,
      hap: type !== 'pv',
      handle: '00112233-4455-4677-8899-aabbccddeeff',
      maxVcpus: vcpus,
      maxEvtchnPort: 1023,
      maxGrantFrames: -1,
      maxMaptrackFrames: -1,
      grantOpts: 2,
      emulationFlags: 0,
      flags: 0,
      iommuOpts: 0,
      miscFlags: 0,
    });
    if (reply.rc < 0) return reply.rc;
    expect(this.call('XEN_DOMCTL_max_vcpus', { domid: reply.domid, max: vcpus }).rc).toBe(0);
    if (maxPages > 0) this.maxMem(reply.domid, maxPages);
    return reply.domid;
  }

  maxMem(domid: number, n: number): void {
    expect(this.call('XEN_DOMCTL_max_mem', { domid: domId(domid), maxMemkb: kib(n * 4) }).rc).toBe(0);
  }

  claim(domid: number, n: number): number {
    return this.call('XENMEM_claim_pages', { domid: domId(domid), nrExtents: pages(n) }).rc;
  }

  /** `n` extents of order `o` at consecutive guest frames. */
  populate(domid: number, first: number, n: number, o: number, memFlags: MemFlags = {}): number {
    return this.call('XENMEM_populate_physmap', reservation(domid, first, n, o, memFlags)).rc;
  }

  increase(domid: number, n: number, o: number, memFlags: MemFlags = {}): number {
    return this.call('XENMEM_increase_reservation', {
      ...reservation(domid, 0, n, o, memFlags),
      extentStart: null,
    }).rc;
  }

  decrease(domid: number, first: number, n: number, o = 0, stride = 2 ** o): number {
    return this.call('XENMEM_decrease_reservation', reservation(domid, first, n, o, {}, stride)).rc;
  }

  pool(domid: number, n: number): number {
    return this.call('XEN_DOMCTL_set_paging_mempool_size', { domid: domId(domid), size: bytes(n * 4096) }).rc;
  }

  destroy(domid: number): number {
    return this.call('XEN_DOMCTL_destroydomain', { domid: domId(domid) }).rc;
  }

  unpause(domid: number): number {
    return this.call('XEN_DOMCTL_unpausedomain', { domid: domId(domid) }).rc;
  }

  info(domid: number): GetDomainInfo {
    return this.call('XEN_DOMCTL_getdomaininfo', { domid: domId(domid) }).info;
  }

  free(): number {
    return this.call('XEN_SYSCTL_physinfo', {}).info.freePages;
  }

  outstanding(): number {
    return this.call('XEN_SYSCTL_physinfo', {}).info.outstandingPages;
  }
}

function reservation(
  domid: number,
  first: number,
  n: number,
  o: number,
  memFlags: MemFlags,
  stride = 2 ** o,
): HypercallArgs<'XENMEM_populate_physmap'> {
  return {
    domid: domId(domid),
    extentOrder: order(o),
    nrExtents: n,
    extentStart: [{ first: gfn(first), count: n, stride }],
    memFlags,
  };
}
