/** Memory operations on one domain. Models do_memory_op(), xen/common/memory.c, and arch_memory_op(), xen/arch/x86/mm.c. */

import { domainTotPages } from './claims.ts';
import { EACCES, EINVAL, ENOENT, EPERM, ESRCH } from './errno.ts';
import { p2mLookup, p2mRemove } from './p2m.ts';
import { p2mMfn } from './p2m-run.ts';
import { breakMappingAt } from './paging-pool.ts';
import { podSetMemTarget } from './pod.ts';
import type { HypercallArgs, HypercallName, HypercallReply } from './privcmd.ts';
import { domainByAnyId, type HypercallContext, isPrivileged, mayTarget } from './reservation.ts';
import { pages } from './units.ts';
import { domainOf, heapDomainOf, updateDomain, type Xen } from './xen.ts';

type Op<N extends HypercallName> = (
  xen: Xen,
  ctx: HypercallContext,
  args: HypercallArgs<N>,
) => HypercallReply<N>;

/** Finds the domain (DOMID_SELF allowed), asks XSM, then runs `op`. */
function onTarget(
  xen: Xen,
  ctx: HypercallContext,
  asked: number,
  op: (domid: number) => number,
): { readonly rc: number } {
  const domid = domainByAnyId(xen, ctx.caller, asked);
  if (domid === undefined) return { rc: -ESRCH };
  return { rc: mayTarget(ctx.caller, domid) ? op(domid) : -EPERM };
}

/** XENMEM_current_reservation: domain_tot_pages(). */
export const currentReservation: Op<'XENMEM_current_reservation'> = (xen, ctx, args) =>
  onTarget(xen, ctx, args.domid, (domid) => domainTotPages(heapDomainOf(xen, domid)));

/** XENMEM_maximum_reservation: max_pages. */
export const maximumReservation: Op<'XENMEM_maximum_reservation'> = (xen, ctx, args) =>
  onTarget(xen, ctx, args.domid, (domid) => heapDomainOf(xen, domid).maxPages);

/** XENMEM_maximum_gpfn: the highest guest frame that ever was mapped. */
export const maximumGpfn: Op<'XENMEM_maximum_gpfn'> = (xen, ctx, args) =>
  onTarget(xen, ctx, args.domid, (domid) => domainOf(xen, domid).maxMappedPfn);

/** XENMEM_maximum_ram_page: the highest frame of RAM + 1. */
export const maximumRamPage: Op<'XENMEM_maximum_ram_page'> = (xen) => ({ rc: xen.layout.maxPage });

/** XENMEM_set_memory_map: checked and forgotten; nothing here reads the map. PV and PVH and HVM take one each. */
export const setMemoryMap: Op<'XENMEM_set_memory_map'> = (xen, ctx, args) =>
  onTarget(xen, ctx, args.domid, () => (args.entries > E820_MAX ? -EINVAL : 0));

/** Entries a memory map may have. Xen: E820MAX. */
const E820_MAX = 1024;

/** XENMEM_remove_from_physmap: the page stays owned, mapped nowhere. */
export const removeFromPhysmap: Op<'XENMEM_remove_from_physmap'> = (xen, ctx, { domid: asked, gpfn }) => {
  const domid = domainByAnyId(xen, ctx.caller, asked);
  if (domid === undefined) return { rc: -ESRCH };
  const d = domainOf(xen, domid);
  if (d.type === 'pv') return { rc: -EACCES };
  if (!mayTarget(ctx.caller, domid)) return { rc: -EPERM };
  const run = p2mLookup(d.p2m, gpfn);
  if (run === null || p2mMfn(run, gpfn) === null) return { rc: -ENOENT };
  breakMappingAt(xen, domid, gpfn);
  breakMappingAt(xen, domid, gpfn + 1);
  updateDomain(xen, domid, { p2m: p2mRemove(domainOf(xen, domid).p2m, gpfn, gpfn + 1).p2m });
  return { rc: 0 };
};

type PodReply = HypercallReply<'XENMEM_get_pod_target'>;

/** Also told after a refusal, where no caller looks at it. */
function podReply(xen: Xen, domid: number | undefined, rc: number): PodReply {
  if (domid === undefined) return { rc, totPages: pages(0), podCachePages: pages(0), podEntries: pages(0) };
  const { pod } = domainOf(xen, domid);
  return {
    rc,
    totPages: pages(heapDomainOf(xen, domid).totPages),
    podCachePages: pages(pod.count),
    podEntries: pages(pod.entryCount),
  };
}

/** XENMEM_set_pod_target: ESRCH, EINVAL for PV, EPERM, EINVAL above max_pages, then the cache grows: 0 or ENOMEM. */
export const setPodTarget: Op<'XENMEM_set_pod_target'> = (xen, ctx, { domid: asked, targetPages }) => {
  const domid = domainByAnyId(xen, ctx.caller, asked);
  if (domid === undefined) return podReply(xen, domid, -ESRCH);
  if (domainOf(xen, domid).type === 'pv') return podReply(xen, domid, -EINVAL);
  if (!isPrivileged(ctx.caller)) return podReply(xen, domid, -EPERM);
  if (targetPages > heapDomainOf(xen, domid).maxPages) return podReply(xen, domid, -EINVAL);
  return podReply(xen, domid, podSetMemTarget(xen, domid, targetPages));
};

/** XENMEM_get_pod_target: ESRCH, EINVAL for PV, EPERM. */
export const getPodTarget: Op<'XENMEM_get_pod_target'> = (xen, ctx, { domid: asked }) => {
  const domid = domainByAnyId(xen, ctx.caller, asked);
  if (domid === undefined) return podReply(xen, domid, -ESRCH);
  if (domainOf(xen, domid).type === 'pv') return podReply(xen, domid, -EINVAL);
  return podReply(xen, domid, isPrivileged(ctx.caller) ? 0 : -EPERM);
};
