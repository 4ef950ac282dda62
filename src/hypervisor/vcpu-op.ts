/** A guest takes one of its own vcpus off line, or brings it back. Models do_vcpu_op(), xen/common/domain.c. */
import { ENOENT, EPERM, ESRCH } from './errno.ts';
import type { HypercallContext } from './reservation.ts';
import { domainOf, updateDomain, type Xen } from './xen.ts';

/** VCPUOP_up and VCPUOP_down: a domain does this to itself only. -ENOENT for a vcpu that does not exist. */
export function vcpuOp(
  xen: Xen,
  ctx: HypercallContext,
  args: { readonly domid: number; readonly vcpu: number },
  online: boolean,
): number {
  if (!xen.domains.has(args.domid)) return -ESRCH;
  if (args.domid !== ctx.caller) return -EPERM;
  const { vcpus } = domainOf(xen, args.domid);
  if (args.vcpu >= vcpus.length) return -ENOENT;
  updateDomain(xen, args.domid, {
    vcpus: vcpus.map((vcpu, id) => (id === args.vcpu ? { ...vcpu, online } : vcpu)),
  });
  return 0;
}
