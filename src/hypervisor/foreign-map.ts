/** A toolstack maps a guest's memory. Models the look-up of foreign frames in mod_l1_entry(), xen/arch/x86/mm.c. */
import { EINVAL, EPERM, ESRCH } from './errno.ts';
import { p2mLookup } from './p2m.ts';
import { isPod, p2mEnd } from './p2m-run.ts';
import { markWritten, podDemandPopulate } from './pod.ts';
import type { HypercallArgs } from './privcmd.ts';
import { type HypercallContext, mayTarget } from './reservation.ts';
import { domainOf, type Xen } from './xen.ts';

/**
 * Maps guest frames for writing: 0, -ESRCH, -EPERM, or -EINVAL at a frame without a page. What was only promised is
 * given, as for a touch by the guest (Xen: P2M_ALLOC); a PV guest's frames are machine frames, and there is nothing to do.
 */
export function foreignMap(xen: Xen, ctx: HypercallContext, args: HypercallArgs<'foreign_map'>): number {
  const { domid, pages } = args;
  if (!xen.domains.has(domid)) return -ESRCH;
  if (!mayTarget(ctx.caller, domid)) return -EPERM;
  if (domainOf(xen, domid).type === 'pv') return 0;
  const end = args.first + pages;
  for (let gfn: number = args.first; gfn < end; ) {
    const run = p2mLookup(domainOf(xen, domid).p2m, gfn);
    if (run === null || (isPod(run) && !podDemandPopulate(xen, domid, gfn, true))) return -EINVAL;
    if (isPod(run)) gfn++;
    else {
      const upto = Math.min(end, p2mEnd(run));
      if (domainOf(xen, domid).pod.entryCount > 0) markWritten(xen, domid, gfn, upto - gfn);
      gfn = upto;
    }
  }
  return 0;
}
