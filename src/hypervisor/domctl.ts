/** Operations on one domain. Models do_domctl(), xen/common/domctl.c and xen/arch/x86/domctl.c. */

import { cpupoolCpus } from './cpupool.ts';
import { createDomain, destroyDomain, maxVcpus, pauseDomain, resumeDomain, unpauseDomain } from './domain.ts';
import { domainShutdown } from './domain-crash.ts';
import { getDomainInfo } from './domain-info.ts';
import type { VcpuAffinity } from './domain-state.ts';
import { E2BIG, EINVAL, EPERM, ESRCH } from './errno.ts';
import { setMaxPages } from './heap-domain.ts';
import { domainSetNodeAffinity, updateNodeAffinity } from './node-affinity.ts';
import { setPagingMempoolSize } from './paging-pool.ts';
import type { GetDomainInfo, HypercallArgs, HypercallName, HypercallReply } from './privcmd.ts';
import { type HypercallContext, isPrivileged } from './reservation.ts';
import { domId, nodeId, ns, pages } from './units.ts';
import { domainOf, domidPlace, domids, heapDomainOf, updateDomain, type Xen } from './xen.ts';

type Op<N extends HypercallName> = (
  xen: Xen,
  ctx: HypercallContext,
  args: HypercallArgs<N>,
) => HypercallReply<N>;

const UINT_MAX = 2 ** 32 - 1;
/** Xen: NUMA_NO_NODE is null here; a node id must be below this. */
const MAX_NUMNODES = 64;
const VCPUAFFINITY_HARD = 1;
const VCPUAFFINITY_SOFT = 2;

/** Runs `op` if the domain lives and the caller may: ESRCH comes before EPERM. */
function onDomain(xen: Xen, ctx: HypercallContext, domid: number, op: () => number): { rc: number } {
  if (!xen.domains.has(domid)) return { rc: -ESRCH };
  return { rc: isPrivileged(ctx.caller) ? op() : -EPERM };
}

/** XEN_DOMCTL_createdomain. */
export const domctlCreatedomain: Op<'XEN_DOMCTL_createdomain'> = (xen, ctx, args) => {
  if (!isPrivileged(ctx.caller)) return { rc: -EPERM, domid: domId(0) };
  const rc = createDomain(xen, args, ctx.node ?? 0);
  return { rc: Math.min(rc, 0), domid: domId(Math.max(rc, 0)) };
};

/** XEN_DOMCTL_max_vcpus: not on the caller itself. */
export const domctlMaxVcpus: Op<'XEN_DOMCTL_max_vcpus'> = (xen, ctx, { domid, max }) =>
  onDomain(xen, ctx, domid, () =>
    domid === ctx.caller ? -EINVAL : maxVcpus(xen, domid, max, ctx.node ?? 0),
  );

/** XEN_DOMCTL_max_mem: never fails; may go below what the domain has, which then gets nothing more. */
export const domctlMaxMem: Op<'XEN_DOMCTL_max_mem'> = (xen, ctx, args) =>
  onDomain(xen, ctx, args.domid, () => {
    const kib = args.exactMaxMemkb === undefined ? args.maxMemkb : Number(BigInt(args.exactMaxMemkb));
    setMaxPages(xen.heap, heapDomainOf(xen, args.domid), Math.min(Math.floor(kib / 4), UINT_MAX));
    return 0;
  });

/** XEN_DOMCTL_setnodeaffinity. */
export const domctlSetnodeaffinity: Op<'XEN_DOMCTL_setnodeaffinity'> = (xen, ctx, { domid, nodes }) =>
  onDomain(xen, ctx, domid, () => domainSetNodeAffinity(xen, domid, nodes));

/** XEN_DOMCTL_getnodeaffinity. */
export const domctlGetnodeaffinity: Op<'XEN_DOMCTL_getnodeaffinity'> = (xen, ctx, { domid }) => {
  const { rc } = onDomain(xen, ctx, domid, () => 0);
  if (rc !== 0) return { rc, nodes: [] };
  const all = xen.layout.nodes.map(({ node }) => node);
  return { rc, nodes: (heapDomainOf(xen, domid).nodeAffinity ?? all).map(nodeId) };
};

/** XEN_DOMCTL_setvcpuaffinity: EINVAL for a hard affinity outside of the pool. Models vcpu_affinity_domctl(). */
export const domctlSetvcpuaffinity: Op<'XEN_DOMCTL_setvcpuaffinity'> = (xen, ctx, args) =>
  onDomain(xen, ctx, args.domid, () => {
    const d = domainOf(xen, args.domid);
    const vcpu = d.vcpus[args.vcpu];
    if (vcpu === undefined) return args.vcpu >= d.maxVcpus ? -EINVAL : -ESRCH;
    if ((args.flags & (VCPUAFFINITY_HARD | VCPUAFFINITY_SOFT)) === 0) return -EINVAL;
    const online = cpupoolCpus(xen, d.cpupool);
    const all = online.every((cpu) => args.cpus.includes(cpu));
    const cpus = all ? null : [...args.cpus].sort((a, b) => a - b);
    let { affinity } = vcpu;
    if ((args.flags & VCPUAFFINITY_HARD) !== 0) {
      if (!online.some((cpu) => args.cpus.includes(cpu))) return -EINVAL;
      affinity = { ...affinity, hard: cpus };
    }
    if ((args.flags & VCPUAFFINITY_SOFT) !== 0) affinity = { ...affinity, soft: cpus };
    setAffinity(xen, args.domid, args.vcpu, affinity);
    return 0;
  });

function setAffinity(xen: Xen, domid: number, vcpu: number, affinity: VcpuAffinity): void {
  const { vcpus } = domainOf(xen, domid);
  updateDomain(xen, domid, { vcpus: vcpus.with(vcpu, { ...vcpus[vcpu]!, affinity }) });
  updateNodeAffinity(xen, domid);
}

/** XEN_DOMCTL_getvcpuaffinity. */
export const domctlGetvcpuaffinity: Op<'XEN_DOMCTL_getvcpuaffinity'> = (xen, ctx, { domid, vcpu }) => {
  const found = xen.domains.get(domid)?.vcpus[vcpu];
  const { rc } = onDomain(xen, ctx, domid, () => (found === undefined ? -EINVAL : 0));
  const all = xen.layout.nodes.flatMap(({ cpus }) => cpus);
  return { rc, hard: found?.affinity.hard ?? all, soft: found?.affinity.soft ?? all };
};

/** XEN_DOMCTL_getvcpuinfo. Simplified: vcpus sit on the CPUs they may use, one after the other. */
export const domctlGetvcpuinfo: Op<'XEN_DOMCTL_getvcpuinfo'> = (xen, ctx, { domid, vcpu }) => {
  const d = xen.domains.get(domid);
  const found = d?.vcpus[vcpu];
  const none = { online: false, blocked: false, running: false, cpuTime: ns(0), cpu: 0 };
  const rc = onDomain(xen, ctx, domid, () => (vcpu >= (d?.maxVcpus ?? 0) ? -EINVAL : 0)).rc;
  if (rc !== 0) return { rc, ...none };
  if (d === undefined || found === undefined) return { rc: -ESRCH, ...none };
  const info = getDomainInfo(xen, domid);
  const pool = cpupoolCpus(xen, d.cpupool);
  const cpus = pool.filter((cpu) => found.affinity.hard?.includes(cpu) ?? true);
  return {
    rc: 0,
    online: found.online,
    blocked: found.online && (info.blocked || (info.running && vcpu > 0)),
    running: found.online && info.running && vcpu === 0,
    cpuTime: ns(0),
    cpu: cpus[vcpu % Math.max(1, cpus.length)] ?? 0,
  };
};

/** XEN_DOMCTL_set_paging_mempool_size. */
export const domctlSetPagingMempoolSize: Op<'XEN_DOMCTL_set_paging_mempool_size'> = (xen, ctx, args) =>
  onDomain(xen, ctx, args.domid, () => setPagingMempoolSize(xen, args.domid, args.size));

/** XEN_DOMCTL_setvnumainfo: EINVAL without a node, E2BIG for a physical node that cannot be. */
export const domctlSetvnumainfo: Op<'XEN_DOMCTL_setvnumainfo'> = (xen, ctx, { domid, vnodes }) =>
  onDomain(xen, ctx, domid, () => {
    if (vnodes.length === 0) return -EINVAL;
    if (vnodes.some(({ pnode }) => pnode !== null && pnode >= MAX_NUMNODES)) return -E2BIG;
    updateDomain(xen, domid, { vnodes: vnodes.map(({ pnode }) => pnode) });
    return 0;
  });

/** XEN_DOMCTL_pausedomain: not on the caller itself. */
export const domctlPausedomain: Op<'XEN_DOMCTL_pausedomain'> = (xen, ctx, { domid }) =>
  onDomain(xen, ctx, domid, () => (domid === ctx.caller ? -EINVAL : pauseDomain(xen, domid)));

/** XEN_DOMCTL_unpausedomain. */
export const domctlUnpausedomain: Op<'XEN_DOMCTL_unpausedomain'> = (xen, ctx, { domid }) =>
  onDomain(xen, ctx, domid, () => unpauseDomain(xen, domid));

/** XEN_DOMCTL_resumedomain: not on the caller itself. */
export const domctlResumedomain: Op<'XEN_DOMCTL_resumedomain'> = (xen, ctx, { domid }) =>
  onDomain(xen, ctx, domid, () => {
    if (domid === ctx.caller) return -EINVAL;
    resumeDomain(xen, domid);
    return 0;
  });

/** XEN_DOMCTL_destroydomain: not on the caller itself. */
export const domctlDestroydomain: Op<'XEN_DOMCTL_destroydomain'> = (xen, ctx, { domid }) =>
  onDomain(xen, ctx, domid, () => {
    if (domid === ctx.caller) return -EINVAL;
    destroyDomain(xen, domid);
    return 0;
  });

/** XEN_DOMCTL_getdomaininfo: the first domain at or after the one named; ESRCH past the last. */
export const domctlGetdomaininfo: Op<'XEN_DOMCTL_getdomaininfo'> = (xen, ctx, { domid }) => {
  const found = domids(xen)[domidPlace(xen, domid)];
  if (found === undefined) return { rc: -ESRCH, info: NO_DOMAIN };
  if (!isPrivileged(ctx.caller) && ctx.caller !== found) return { rc: -EPERM, info: NO_DOMAIN };
  return { rc: 0, info: getDomainInfo(xen, found) };
};

/** XEN_SYSCTL_getdomaininfolist: rc is the number of domains told, from the first id on. */
export const sysctlGetdomaininfolist: Op<'XEN_SYSCTL_getdomaininfolist'> = (xen, ctx, args) => {
  if (!isPrivileged(ctx.caller)) return { rc: -EPERM, infos: [] };
  const first = domidPlace(xen, args.firstDomain);
  const all = domids(xen);
  const end = Math.min(all.length, first + args.maxDomains);
  const infos: GetDomainInfo[] = [];
  for (let i = first; i < end; i++) infos.push(getDomainInfo(xen, all[i]!));
  return { rc: infos.length, infos };
};

/** SCHEDOP_shutdown for the caller itself, SCHEDOP_remote_shutdown for another: dom0 only. */
export const schedopShutdown: Op<'SCHEDOP_shutdown'> = (xen, ctx, { domid, reason }) => {
  if (!xen.domains.has(domid)) return { rc: -ESRCH };
  if (domid !== ctx.caller && !isPrivileged(ctx.caller)) return { rc: -EPERM };
  domainShutdown(xen, domid, reason);
  return { rc: 0 };
};

const NO_DOMAIN: GetDomainInfo = {
  domid: domId(0),
  type: 'pv',
  hap: false,
  dying: false,
  shutdown: false,
  shutdownReason: 0,
  paused: false,
  blocked: false,
  running: false,
  totPages: pages(0),
  maxPages: pages(0),
  outstandingPages: pages(0),
  shrPages: pages(0),
  pagedPages: pages(0),
  cpuTime: ns(0),
  nrOnlineVcpus: 0,
  maxVcpuId: -1,
  cpupool: 0,
  handle: '',
};
