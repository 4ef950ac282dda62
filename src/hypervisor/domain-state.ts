/** What Xen keeps about a domain beside the heap's own record, as values. Models struct domain, xen/include/xen/sched.h. */
import type { ExtentGroup } from './extent-group.ts';
import type { Intervals } from './intervals.ts';
import type { P2m } from './p2m.ts';
import type { P2mTables } from './p2m-tables.ts';
import type { DomainType } from './privcmd.ts';

/** A HAP or shadow pool. Xen: d->arch.paging. */
export interface PagingPool {
  /** Free pages, head first. Xen: d->arch.paging.freelist. */
  readonly freelist: readonly ExtentGroup[];
  readonly freePages: number;
  /** Free and used pages without those of the p2m. */
  readonly totalPages: number;
  /** Pages that hold the p2m, oldest first; the root is the very first. */
  readonly p2mPages: readonly ExtentGroup[];
  readonly p2mPagesCount: number;
}

/** The hard and soft affinity of a vcpu; null: all CPUs. */
export interface VcpuAffinity {
  readonly hard: readonly number[] | null;
  readonly soft: readonly number[] | null;
}

/** What Xen keeps about a domain beside the heap's own record (HeapDomain). Xen: struct domain. */
export interface Domain {
  readonly domid: number;
  readonly type: DomainType;
  readonly hap: boolean;
  /** The toolstack's UUID. */
  readonly handle: string;
  /** What createdomain said; max_vcpus must say the same. */
  readonly maxVcpus: number;
  /** Vcpus that exist; [online, affinity] each. */
  readonly vcpus: readonly { readonly online: boolean; readonly affinity: VcpuAffinity }[];
  readonly cpupool: number;
  /** The nodes follow the CPUs. Xen: d->auto_node_affinity. */
  readonly autoNodeAffinity: boolean;
  readonly controllerPauseCount: number;
  /** Xen: d->shutdown_code; null until the domain shuts down. */
  readonly shutdownCode: number | null;
  readonly isShutDown: boolean;
  readonly p2m: P2m;
  /** The highest guest frame that was ever mapped. Xen: p2m->max_mapped_pfn. */
  readonly maxMappedPfn: number;
  readonly tables: P2mTables;
  readonly paging: PagingPool;
  readonly pod: PodState;
  /** Virtual node → physical node (null: none). Xen: d->vnuma->vnode_to_pnode. */
  readonly vnodes: readonly (number | null)[] | null;
  /** Xen's own pages around the domain, oldest first. */
  readonly structures: readonly ExtentGroup[];
}

/** Xen: p2m->pod. */
export interface PodState {
  /** Pages promised to the guest and not yet given. */
  readonly entryCount: number;
  /** Pages in the cache. */
  readonly count: number;
  /** 2 MiB pages, head first. */
  readonly super: readonly ExtentGroup[];
  /** 4 KiB pages, head first. */
  readonly single: readonly ExtentGroup[];
  /** The highest guest frame given on demand. */
  readonly maxGuest: number;
  /** Where the next emergency sweep begins; 0: at maxGuest. */
  readonly reclaimSingle: number;
  /** The most recently given frames, -1 for none; a 2 MiB page has 0.5 added. Xen: pod.mrp. */
  readonly recent: readonly number[];
  readonly recentIndex: number;
  /** Guest frames the guest wrote to; all others hold zeroes. */
  readonly written: Intervals;
}

/** A pool of CPUs with a scheduler of its own. Xen: struct cpupool. */
export interface Cpupool {
  readonly id: number;
  readonly sched: string;
  /** Ascending. */
  readonly cpus: readonly number[];
}
