/** What a host's tables and its JSON show: memory by domain, claims, and what is left. In pages. */

import type { World } from '../explorer/world.ts';
import { xsFind } from '../explorer/xs-tree.ts';
import type { ExtentGroup } from '../hypervisor/extent-group.ts';
import { findHeapDomain } from '../hypervisor/heap-domain.ts';
import { domainNodePages } from '../hypervisor/heap-report.ts';
import { hypercall } from '../hypervisor/hypercall.ts';
import { p2mMix } from '../hypervisor/p2m.ts';
import type { GetDomainInfo, HypercallArgs, HypercallName, HypercallReply } from '../hypervisor/privcmd.ts';
import { domId } from '../hypervisor/units.ts';

/** A domain as the tables show it. */
export interface DomainReport {
  readonly domid: number;
  /** Bytes, as the toolstack keeps them; null while it has none. */
  readonly name: string | null;
  readonly uuid: string;
  /** xl's six letters. */
  readonly state: string;
  readonly totPages: number;
  /** memory/target in xenstore, or null where there is none. */
  readonly targetPages: number | null;
  /** null: no limit. */
  readonly maxPages: number | null;
  readonly outstandingPages: number;
  /** Mappings by size: how many, not how many pages. */
  readonly extents: { readonly '1G': number; readonly '2M': number; readonly '4K': number };
  /** Pages held back for what was promised to a populate-on-demand guest. Xen: pod.count. */
  readonly podCachePages: number;
  /** Pages promised to it and not yet given. Xen: pod.entry_count. */
  readonly podEntries: number;
  /** Pages on each node, by node id, those of the PoD cache included. */
  readonly nodes: readonly number[];
}

/** A host and its domains. */
export interface HostReport {
  readonly totalPages: number;
  readonly freePages: number;
  readonly outstandingPages: number;
  readonly nodes: readonly {
    readonly node: number;
    readonly freePages: number;
    readonly spannedPages: number;
  }[];
  readonly timeNs: number;
  readonly domains: readonly DomainReport[];
}

function ask<N extends HypercallName>(world: World, name: N, args: HypercallArgs<N>): HypercallReply<N> {
  const call = { name, args } as unknown as Parameters<typeof hypercall>[2];
  return hypercall(world.xen, { caller: 0, node: 0 }, call) as unknown as HypercallReply<N>;
}

/** Xen's own way to say that there is no limit is UINT_MAX pages, less what it holds for the domain itself. */
const NO_LIMIT = 2 ** 32 - 2 ** 20;

/** The six letters of `xl list`. Models list_domains(), tools/xl/xl_info.c. */
function stateLetters(info: GetDomainInfo): string {
  const reason = info.shutdown ? ('-rscwS'[info.shutdownReason] ?? '?') : '-';
  return [
    info.running ? 'r' : '-',
    info.blocked ? 'b' : '-',
    info.paused ? 'p' : '-',
    info.shutdown ? 's' : '-',
    reason,
    info.dying ? 'd' : '-',
  ].join('');
}

/** Reads everything that tables and JSON show; changes nothing. */
export function reportHost(world: World): HostReport {
  const { info } = ask(world, 'XEN_SYSCTL_physinfo', {});
  const numa = ask(world, 'XEN_SYSCTL_numainfo', {});
  const { infos } = ask(world, 'XEN_SYSCTL_getdomaininfolist', { firstDomain: domId(0), maxDomains: 0x7ff0 });
  const nodes = numa.nodes.map((node, id) => ({
    node: id,
    freePages: (node?.memfree ?? 0) / 4096,
    spannedPages: (node?.memsize ?? 0) / 4096,
  }));
  return {
    totalPages: info.totalPages,
    freePages: info.freePages,
    outstandingPages: info.outstandingPages,
    nodes,
    timeNs: world.now,
    domains: infos.map((domain) => reportDomain(world, domain, nodes.length)),
  };
}

function reportDomain(world: World, info: GetDomainInfo, nodeCount: number): DomainReport {
  const home = `/local/domain/${info.domid}`;
  const target = xsFind(world.store.root, `${home}/memory/target`)?.value ?? '';
  const record = world.xen.domains.get(info.domid);
  const mix = p2mMix(record?.p2m ?? null);
  const heapDomain = findHeapDomain(world.xen.heap, info.domid);
  const nodes: number[] = new Array(nodeCount).fill(0);
  if (heapDomain !== undefined) {
    for (const [node, count] of domainNodePages(world.xen.heap, heapDomain)) nodes[node] = count;
  }
  const pod = record?.pod;
  // The cache is on no list of the domain's pages, but it counts as its memory.
  for (const group of [...(pod?.super ?? []), ...(pod?.single ?? [])]) addGroup(world, nodes, group);
  return {
    domid: info.domid,
    name: xsFind(world.store.root, `${home}/name`)?.value ?? null,
    uuid: info.handle,
    state: stateLetters(info),
    totPages: info.totPages,
    targetPages: /^\d+$/.test(target) ? Math.floor(Number(target) / 4) : null,
    maxPages: info.maxPages >= NO_LIMIT ? null : info.maxPages,
    outstandingPages: info.outstandingPages,
    extents: { '1G': mix.pages1G / 262144, '2M': mix.pages2M / 512, '4K': mix.pages4K },
    podCachePages: pod?.count ?? 0,
    podEntries: pod?.entryCount ?? 0,
    nodes,
  };
}

/** Adds a group's pages to those of the nodes they are on; a lane lies on one node. */
function addGroup(world: World, nodes: number[], group: ExtentGroup): void {
  const { lanes, count, order } = group;
  for (const [i, { mfn }] of lanes.entries()) {
    const node = world.xen.layout.nodes.find(({ span: [start, end] }) => mfn >= start && mfn < end)?.node;
    if (node === undefined) continue;
    const extents = Math.floor((count - i + lanes.length - 1) / lanes.length);
    nodes[node] = (nodes[node] ?? 0) + extents * 2 ** order;
  }
}
