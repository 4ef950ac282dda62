/** XENMEM_claim_pages. Models do_memory_op(), xen/common/memory.c. */

import { domainSetOutstandingPages } from './claims.ts';
import { EINVAL, EPERM } from './errno.ts';
import type { HypercallArgs } from './privcmd.ts';
import { type HypercallContext, isPrivileged } from './reservation.ts';
import { heapDomainOf, type Xen } from './xen.ts';

/**
 * Stakes, or with 0 drops, a claim of `nrExtents` pages in all, those the domain has included. 0, -EINVAL (also for an
 * unknown domain and for DOMID_SELF), -EPERM or -ENOMEM, checked in Xen's order. Models XENMEM_claim_pages, xen/common/memory.c.
 */
export function claimPages(
  xen: Xen,
  ctx: HypercallContext,
  args: HypercallArgs<'XENMEM_claim_pages'>,
): number {
  if ((args.extentOrder ?? 0) !== 0) return -EINVAL;
  if (args.memFlags !== undefined && Object.values(args.memFlags).some((flag) => flag !== undefined)) {
    return -EINVAL;
  }
  if (!xen.domains.has(args.domid)) return -EINVAL;
  if (!isPrivileged(ctx.caller)) return -EPERM;
  // Dying domains and the amounts are the allocator's own checks, under its locks.
  return domainSetOutstandingPages(xen.heap, heapDomainOf(xen, args.domid), args.nrExtents);
}
