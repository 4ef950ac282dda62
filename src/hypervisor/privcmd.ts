/**
 * The door: every hypercall a toolstack or a guest may issue, its arguments and its reply, as plain data.
 *
 * Toolstack code asks through this and nothing else, as real libxl goes through /dev/xen/privcmd. Who answers
 * (the model in hypercall.ts, or a scene file in tests) cannot be told apart from this side.
 *
 * Every reply has `rc` in Xen's shape: a count or 0 on success, a negative errno on refusal. Counts stay counts:
 * populate_physmap, increase_reservation and decrease_reservation never return a negative number. Output fields
 * are meaningful only when rc >= 0.
 */
import type { Bytes, DomId, Gfn, KiB, Mfn, NodeId, Ns, Order, Pages } from './units.ts';

/** A run of guest frames `first, first + stride, …`: the extent list of a memory_op, never page by page. */
export interface GfnRun {
  readonly first: Gfn;
  readonly count: number;
  /** In pages. Consecutive extents of order o have stride 2^o. */
  readonly stride: number;
}

/** The decoded mem_flags of a memory op. Xen: XENMEMF_*. */
export interface MemFlags {
  /** XENMEMF_node. */
  readonly node?: NodeId;
  /** XENMEMF_exact_node_request. Counts only with a node. */
  readonly exactNode?: boolean;
  /** XENMEMF_address_bits. */
  readonly addressBits?: number;
  /** XENMEMF_vnode: node is a virtual node of the guest. */
  readonly vnode?: boolean;
  /** XENMEMF_populate_on_demand. */
  readonly populateOnDemand?: boolean;
}

/** The shared arguments of populate_physmap, increase_reservation and decrease_reservation. Xen: struct xen_memory_reservation. */
export interface MemoryReservation {
  readonly domid: DomId;
  readonly extentOrder: Order;
  /** nr_extents. */
  readonly nrExtents: number;
  /** Runs that together name nrExtents frames; null is Xen's NULL handle (allowed for increase_reservation). */
  readonly extentStart: readonly GfnRun[] | null;
  readonly memFlags: MemFlags;
}

/** A domain as XEN_DOMCTL_getdomaininfo reports it. Xen: struct xen_domctl_getdomaininfo. */
export interface GetDomainInfo {
  readonly domid: DomId;
  readonly type: DomainType;
  readonly hap: boolean;
  readonly dying: boolean;
  readonly shutdown: boolean;
  readonly shutdownReason: number;
  readonly paused: boolean;
  readonly blocked: boolean;
  readonly running: boolean;
  /** domain_tot_pages(): tot_pages - extra_pages. */
  readonly totPages: Pages;
  readonly maxPages: Pages;
  readonly outstandingPages: Pages;
  readonly shrPages: Pages;
  readonly pagedPages: Pages;
  readonly cpuTime: Ns;
  readonly nrOnlineVcpus: number;
  readonly maxVcpuId: number;
  readonly cpupool: number;
  /** The toolstack's handle: a UUID in its usual text form. */
  readonly handle: string;
}

/** How Xen sees the guest: PVH is HVM to Xen, told apart by its emulation flags. */
export type DomainType = 'pv' | 'hvm' | 'pvh';

/** Xen: struct xen_sysctl_physinfo. */
export interface PhysInfo {
  readonly threadsPerCore: number;
  readonly coresPerSocket: number;
  readonly nrCpus: number;
  readonly maxCpuId: number;
  readonly nrNodes: number;
  readonly maxNodeId: number;
  readonly cpuKhz: number;
  readonly totalPages: Pages;
  /** Claims are not subtracted. */
  readonly freePages: Pages;
  /** Always 0 in Xen. */
  readonly scrubPages: Pages;
  readonly outstandingPages: Pages;
  /** nr_saved_mfns. */
  readonly sharingFreedPages: Pages;
  /** nr_shared_mfns. */
  readonly sharingUsedFrames: Pages;
  readonly hwCap: readonly number[];
  readonly capabilities: readonly string[];
}

/** One node of XEN_SYSCTL_numainfo. memsize is the spanned size, holes included; memfree ignores claims. */
export interface NumaNode {
  readonly memsize: Bytes;
  readonly memfree: Bytes;
}

/** The arguments and reply of each hypercall by its Xen name. */
export interface HypercallTable {
  XEN_DOMCTL_createdomain: {
    args: {
      /** 0 or absent: Xen picks the next free id. */
      readonly domid?: DomId;
      readonly type: DomainType;
      readonly hap: boolean;
      readonly handle: string;
      readonly maxVcpus: number;
      readonly maxEvtchnPort: number;
      readonly maxGrantFrames: number;
      readonly maxMaptrackFrames: number;
      readonly grantOpts: number;
      readonly emulationFlags: number;
      readonly flags: number;
      readonly iommuOpts: number;
      readonly miscFlags: number;
      readonly cpupoolId?: number;
    };
    reply: { readonly rc: number; readonly domid: DomId };
  };
  XEN_DOMCTL_max_vcpus: {
    args: { readonly domid: DomId; readonly max: number };
    reply: { readonly rc: number };
  };
  XEN_DOMCTL_max_mem: {
    args: {
      readonly domid: DomId;
      readonly maxMemkb: KiB;
      /** The value as 64-bit text where a number cannot hold it exactly (sizes that wrapped below zero). */
      readonly exactMaxMemkb?: string;
    };
    reply: { readonly rc: number };
  };
  XEN_DOMCTL_setnodeaffinity: {
    args: { readonly domid: DomId; readonly nodes: readonly NodeId[] };
    reply: { readonly rc: number };
  };
  XEN_DOMCTL_setvcpuaffinity: {
    args: {
      readonly domid: DomId;
      readonly vcpu: number;
      /** XEN_VCPUAFFINITY_HARD 1, SOFT 2. */
      readonly flags: number;
      readonly cpus: readonly number[];
    };
    reply: { readonly rc: number };
  };
  XEN_DOMCTL_getvcpuinfo: {
    args: { readonly domid: DomId; readonly vcpu: number };
    reply: {
      readonly rc: number;
      readonly online: boolean;
      readonly blocked: boolean;
      readonly running: boolean;
      readonly cpuTime: Ns;
      readonly cpu: number;
    };
  };
  XEN_DOMCTL_getvcpuaffinity: {
    args: { readonly domid: DomId; readonly vcpu: number };
    reply: { readonly rc: number; readonly hard: readonly number[]; readonly soft: readonly number[] };
  };
  XEN_DOMCTL_getnodeaffinity: {
    args: { readonly domid: DomId };
    reply: { readonly rc: number; readonly nodes: readonly NodeId[] };
  };
  XEN_DOMCTL_set_paging_mempool_size: {
    args: { readonly domid: DomId; readonly size: Bytes };
    reply: { readonly rc: number };
  };
  XEN_DOMCTL_setvnumainfo: {
    args: {
      readonly domid: DomId;
      readonly vnodes: readonly { readonly pnode: NodeId | null; readonly memsize: Pages }[];
    };
    reply: { readonly rc: number };
  };
  XEN_DOMCTL_pausedomain: { args: { readonly domid: DomId }; reply: { readonly rc: number } };
  XEN_DOMCTL_unpausedomain: { args: { readonly domid: DomId }; reply: { readonly rc: number } };
  XEN_DOMCTL_resumedomain: { args: { readonly domid: DomId }; reply: { readonly rc: number } };
  XEN_DOMCTL_destroydomain: { args: { readonly domid: DomId }; reply: { readonly rc: number } };
  XEN_DOMCTL_getdomaininfo: {
    /** As in Xen, answers for the first domain at or after domid. */
    args: { readonly domid: DomId };
    reply: { readonly rc: number; readonly info: GetDomainInfo };
  };
  XEN_SYSCTL_getdomaininfolist: {
    args: { readonly firstDomain: DomId; readonly maxDomains: number };
    reply: { readonly rc: number; readonly infos: readonly GetDomainInfo[] };
  };
  XEN_SYSCTL_physinfo: { args: object; reply: { readonly rc: number; readonly info: PhysInfo } };
  XEN_SYSCTL_numainfo: {
    args: object;
    reply: {
      readonly rc: number;
      /** Indexed by node id; null for a node that is not there. */
      readonly nodes: readonly (NumaNode | null)[];
      readonly distances: readonly (readonly number[])[];
    };
  };
  XEN_SYSCTL_cputopoinfo: {
    args: object;
    reply: {
      readonly rc: number;
      readonly cpus: readonly ({
        readonly core: number;
        readonly socket: number;
        readonly node: NodeId;
      } | null)[];
    };
  };
  XEN_SYSCTL_debug_keys: { args: { readonly keys: string }; reply: { readonly rc: number } };
  XEN_SYSCTL_readconsole: {
    args: { readonly clear: boolean };
    reply: { readonly rc: number; readonly text: string };
  };
  XEN_SYSCTL_cpupool_op: {
    args:
      | { readonly sub: 'create' }
      | { readonly sub: 'destroy'; readonly id: number }
      | { readonly sub: 'info'; readonly id: number }
      | { readonly sub: 'addcpu' | 'rmcpu'; readonly id: number; readonly cpu: number }
      | { readonly sub: 'movedomain'; readonly id: number; readonly domid: DomId }
      | { readonly sub: 'freeinfo' };
    reply: {
      readonly rc: number;
      readonly id: number;
      readonly sched: string;
      readonly nDom: number;
      readonly cpus: readonly number[];
    };
  };
  /** xen_version: what xl info prints and what "autoballoon auto" reads. */
  XENVER_info: {
    args: object;
    reply: {
      readonly rc: number;
      readonly major: number;
      readonly minor: number;
      readonly extra: string;
      readonly capabilities: string;
      readonly changeset: string;
      readonly commandline: string;
      readonly compiler: string;
      readonly compileBy: string;
      readonly compileDomain: string;
      readonly compileDate: string;
      readonly buildId: string;
      readonly pagesize: number;
      readonly virtStart: string;
      readonly scheduler: string;
    };
  };
  XENMEM_claim_pages: {
    /** nrExtents is the wanted total of the domain's pages, not the increment. */
    args: {
      readonly domid: DomId;
      readonly nrExtents: Pages;
      readonly extentOrder?: Order;
      readonly memFlags?: MemFlags;
    };
    reply: { readonly rc: number };
  };
  XENMEM_populate_physmap: {
    args: MemoryReservation;
    reply: {
      readonly rc: number;
      /** The first frames of the extents done, in order, where the answerer tells (a PV guest is told). */
      readonly frames?: readonly MfnRun[];
    };
  };
  XENMEM_increase_reservation: { args: MemoryReservation; reply: { readonly rc: number } };
  XENMEM_decrease_reservation: { args: MemoryReservation; reply: { readonly rc: number } };
  XENMEM_set_pod_target: {
    args: { readonly domid: DomId; readonly targetPages: Pages };
    reply: {
      readonly rc: number;
      readonly totPages: Pages;
      readonly podCachePages: Pages;
      readonly podEntries: Pages;
    };
  };
  XENMEM_get_pod_target: {
    args: { readonly domid: DomId };
    reply: {
      readonly rc: number;
      readonly totPages: Pages;
      readonly podCachePages: Pages;
      readonly podEntries: Pages;
    };
  };
  XENMEM_current_reservation: { args: { readonly domid: DomId }; reply: { readonly rc: number } };
  XENMEM_maximum_reservation: { args: { readonly domid: DomId }; reply: { readonly rc: number } };
  XENMEM_maximum_gpfn: { args: { readonly domid: DomId }; reply: { readonly rc: number } };
  XENMEM_maximum_ram_page: { args: object; reply: { readonly rc: number } };
  XENMEM_set_memory_map: {
    args: { readonly domid: DomId; readonly entries: number };
    reply: { readonly rc: number };
  };
  XENMEM_remove_from_physmap: {
    args: { readonly domid: DomId; readonly gpfn: Gfn };
    reply: { readonly rc: number };
  };
  /**
   * A toolstack maps another domain's frames for writing (mmu_update): guest frames, machine frames of a PV guest.
   * What was only promised (populate on demand) is given.
   */
  foreign_map: {
    args: { readonly domid: DomId; readonly first: Gfn; readonly pages: number };
    reply: { readonly rc: number };
  };
  /** Requests that change nothing in the model; kept so that a trace shows what real libxl asks. */
  traced: {
    /** The trace line as real libxl's request reads, e.g. `hvm_op set_param dom=8 index=11 value=0x1`. */
    args: { readonly line: string };
    reply: { readonly rc: number };
  };
  /** A guest's own vcpu goes on line or off. */
  VCPUOP_up: {
    args: { readonly domid: DomId; readonly vcpu: number };
    reply: { readonly rc: number };
  };
  VCPUOP_down: {
    args: { readonly domid: DomId; readonly vcpu: number };
    reply: { readonly rc: number };
  };
  /** SCHEDOP_shutdown, issued by a guest for itself, or SCHEDOP_remote_shutdown. */
  SCHEDOP_shutdown: {
    args: { readonly domid: DomId; readonly reason: number };
    reply: { readonly rc: number };
  };
}

export type HypercallName = keyof HypercallTable;
export type HypercallArgs<N extends HypercallName> = HypercallTable[N]['args'];
export type HypercallReply<N extends HypercallName> = HypercallTable[N]['reply'];

/** One hypercall as plain data. */
export type Hypercall = {
  [N in HypercallName]: { readonly name: N; readonly args: HypercallArgs<N> };
}[HypercallName];

/** The frames an allocation returned, in order of allocation, where a caller may see them (PV, maps, traces). */
export interface MfnRun {
  readonly first: Mfn;
  readonly count: number;
  readonly stride: number;
}
