/**
 * The hypervisor's side of the door: one table from a hypercall's name to the function that answers it.
 *
 * Xen's refusals are replies. What xlsim does not model is refused by its Xen name, never answered with a default.
 */
import { claimPages } from './claim-pages.ts';
import { cpupoolOp } from './cpupool.ts';
import { decreaseReservation } from './decrease.ts';
import * as domctl from './domctl.ts';
import { ENOSYS, EPERM } from './errno.ts';
import { foreignMap } from './foreign-map.ts';
import * as memory from './memory.ts';
import { increaseReservation, populatePhysmap } from './populate.ts';
import type { HypercallArgs, HypercallName, HypercallReply } from './privcmd.ts';
import { type HypercallContext, isPrivileged } from './reservation.ts';
import { cputopoinfo, debugKeys, numainfo, physinfo, readconsole } from './sysctl.ts';
import { vcpuOp } from './vcpu-op.ts';
import type { Xen } from './xen.ts';
import { xenVersion } from './xen-version.ts';

type Table = {
  readonly [N in HypercallName]: (
    xen: Xen,
    ctx: HypercallContext,
    args: HypercallArgs<N>,
  ) => HypercallReply<N>;
};

const TABLE: Table = {
  XEN_DOMCTL_createdomain: domctl.domctlCreatedomain,
  XEN_DOMCTL_max_vcpus: domctl.domctlMaxVcpus,
  XEN_DOMCTL_max_mem: domctl.domctlMaxMem,
  XEN_DOMCTL_setnodeaffinity: domctl.domctlSetnodeaffinity,
  XEN_DOMCTL_getnodeaffinity: domctl.domctlGetnodeaffinity,
  XEN_DOMCTL_setvcpuaffinity: domctl.domctlSetvcpuaffinity,
  XEN_DOMCTL_getvcpuaffinity: domctl.domctlGetvcpuaffinity,
  XEN_DOMCTL_getvcpuinfo: domctl.domctlGetvcpuinfo,
  XEN_DOMCTL_set_paging_mempool_size: domctl.domctlSetPagingMempoolSize,
  XEN_DOMCTL_setvnumainfo: domctl.domctlSetvnumainfo,
  XEN_DOMCTL_pausedomain: domctl.domctlPausedomain,
  XEN_DOMCTL_unpausedomain: domctl.domctlUnpausedomain,
  XEN_DOMCTL_resumedomain: domctl.domctlResumedomain,
  XEN_DOMCTL_destroydomain: domctl.domctlDestroydomain,
  XEN_DOMCTL_getdomaininfo: domctl.domctlGetdomaininfo,
  XEN_SYSCTL_getdomaininfolist: domctl.sysctlGetdomaininfolist,
  XEN_SYSCTL_physinfo: (xen) => physinfo(xen),
  XEN_SYSCTL_numainfo: (xen) => numainfo(xen),
  XEN_SYSCTL_cputopoinfo: (xen) => cputopoinfo(xen),
  XEN_SYSCTL_debug_keys: (xen, ctx, args) => ({ rc: debugKeys(xen, ctx, args.keys) }),
  XEN_SYSCTL_readconsole: (xen, _ctx, args) => readconsole(xen, args.clear),
  XEN_SYSCTL_cpupool_op: (xen, _ctx, args) => cpupoolOp(xen, args),
  XENVER_info: (xen) => xenVersion(xen),
  XENMEM_claim_pages: (xen, ctx, args) => ({ rc: claimPages(xen, ctx, args) }),
  XENMEM_populate_physmap: populatePhysmap,
  XENMEM_increase_reservation: (xen, ctx, args) => ({ rc: increaseReservation(xen, ctx, args) }),
  XENMEM_decrease_reservation: (xen, ctx, args) => ({ rc: decreaseReservation(xen, ctx, args) }),
  XENMEM_set_pod_target: memory.setPodTarget,
  XENMEM_get_pod_target: memory.getPodTarget,
  XENMEM_current_reservation: memory.currentReservation,
  XENMEM_maximum_reservation: memory.maximumReservation,
  XENMEM_maximum_gpfn: memory.maximumGpfn,
  XENMEM_maximum_ram_page: memory.maximumRamPage,
  XENMEM_set_memory_map: memory.setMemoryMap,
  XENMEM_remove_from_physmap: memory.removeFromPhysmap,
  foreign_map: (xen, ctx, args) => ({ rc: foreignMap(xen, ctx, args) }),
  traced: () => ({ rc: 0 }),
  VCPUOP_up: (xen, ctx, args) => ({ rc: vcpuOp(xen, ctx, args, true) }),
  VCPUOP_down: (xen, ctx, args) => ({ rc: vcpuOp(xen, ctx, args, false) }),
  SCHEDOP_shutdown: domctl.schedopShutdown,
};

/** What a hypercall that is not modelled gets: -ENOSYS, and a sentence with its Xen name. */
interface Refusal {
  readonly rc: number;
  readonly refused: string;
}

/**
 * Runs one hypercall to its end and returns Xen's reply. Sysctls from anybody but dom0 are -EPERM. A name that is
 * not in the table is refused, with the sentence in `refused`.
 */
export function hypercall<N extends HypercallName>(
  xen: Xen,
  ctx: HypercallContext,
  call: { readonly name: N; readonly args: HypercallArgs<N> },
): HypercallReply<N> {
  const op = Object.hasOwn(TABLE, call.name) ? TABLE[call.name] : undefined;
  if (op === undefined) return refusal(call.name) as unknown as HypercallReply<N>;
  if (call.name.startsWith('XEN_SYSCTL_') && !isPrivileged(ctx.caller)) {
    return { rc: -EPERM } as HypercallReply<N>;
  }
  return op(xen, ctx, call.args);
}

/** The refusal of a hypercall that is not modelled, by its Xen name. */
function refusal(name: string): Refusal {
  return { rc: -ENOSYS, refused: `${name} is not modelled` };
}
