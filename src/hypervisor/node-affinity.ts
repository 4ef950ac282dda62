/** Which nodes a domain's memory comes from. Models domain_update_node_affinity(), xen/common/sched/core.c. */
import type { Domain } from './domain-state.ts';
import { EINVAL } from './errno.ts';
import { setNodeAffinity } from './heap-domain.ts';
import { domainOf, heapDomainOf, updateDomain, type Xen } from './xen.ts';

/**
 * XEN_DOMCTL_setnodeaffinity. A set without an online node is EINVAL; all nodes go back to following the CPUs.
 * Models domain_set_node_affinity(), xen/common/domain.c.
 */
export function domainSetNodeAffinity(xen: Xen, domid: number, nodes: readonly number[]): number {
  const online = xen.layout.nodes.map(({ node }) => node).filter((node) => nodes.includes(node));
  if (online.length === 0) return -EINVAL;
  // Xen compares with a full mask of 64 nodes; every online node is the most a caller can see.
  const all = online.length === xen.layout.nodes.length;
  updateDomain(xen, domid, { autoNodeAffinity: all });
  if (all) updateNodeAffinity(xen, domid);
  else setNodeAffinity(xen.heap, heapDomainOf(xen, domid), online);
  return 0;
}

/** Lets the nodes follow the CPUs the domain may run on, unless somebody set them. */
export function updateNodeAffinity(xen: Xen, domid: number): void {
  const d = domainOf(xen, domid);
  if (!d.autoNodeAffinity || d.vcpus.length === 0) return;
  const cpus = new Set(cpusToRunOn(xen, d));
  const nodes = xen.layout.nodes.filter((node) => node.cpus.some((cpu) => cpus.has(cpu)));
  const all = nodes.length === xen.layout.nodes.length;
  setNodeAffinity(xen.heap, heapDomainOf(xen, domid), all ? null : nodes.map(({ node }) => node));
}

/** The CPUs the domain may run on: where it prefers to, if those are among where it can. */
function cpusToRunOn(xen: Xen, d: Domain): readonly number[] {
  const online = xen.cpupools.find((pool) => pool.id === d.cpupool)?.cpus ?? [];
  const hard = online.filter((cpu) => d.vcpus.some(({ affinity }) => affinity.hard?.includes(cpu) ?? true));
  const soft = hard.filter((cpu) => d.vcpus.some(({ affinity }) => affinity.soft?.includes(cpu) ?? true));
  return soft.length > 0 ? soft : hard;
}
