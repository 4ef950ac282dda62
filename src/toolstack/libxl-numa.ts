/**
 * Automatic NUMA placement: which nodes a new domain should prefer.
 *
 * Models tools/libs/light/libxl_numa.c and numa_place_domain(), libxl_dom.c.
 */
import type { HypercallReply } from '../hypervisor/privcmd.ts';
import { type DomId, domId } from '../hypervisor/units.ts';
import { ERROR_FAIL } from './libxl-errno.ts';
import { newMemo } from './memo.ts';
import { ask, done, type Flow, flow, goto, hypercall, hypercallReply } from './task.ts';
import { libxlLog } from './xl-log.ts';

/** A host's nodes as the search sees them. */
export interface NumaHost {
  /** Free memory of each node in KiB, claims not subtracted. */
  readonly freeMemkb: readonly number[];
  /** Cpus of each node, by cpu number. */
  readonly cpus: readonly (readonly number[])[];
  /** Online vcpus that may run on each node. */
  readonly vcpus: readonly number[];
}

/** A set of nodes and what it offers. Xen: libxl__numa_candidate. */
export interface NumaCandidate {
  readonly nodes: readonly number[];
  readonly nrCpus: number;
  readonly nrVcpus: number;
  readonly freeMemkb: number;
}

/** The next k-subset of n in lexicographic order, in place; false after the last. Models comb_next(). */
function combNext(comb: number[], n: number): boolean {
  const k = comb.length;
  let i = k - 1;
  while (i >= 0 && comb[i] === n - k + i) i--;
  if (i < 0) return false;
  comb[i]! += 1;
  for (let j = i + 1; j < k; j++) comb[j] = comb[j - 1]! + 1;
  return true;
}

/** Fewer vcpus wins, then more free memory. Models numa_cmpf(). */
const better = (a: NumaCandidate, b: NumaCandidate): boolean =>
  a.nrVcpus !== b.nrVcpus ? a.nrVcpus < b.nrVcpus : a.freeMemkb > b.freeMemkb;

/**
 * The best of the smallest sets of nodes that hold `needMemkb` and `vcpus`; null when no set does.
 * Models libxl__get_numa_candidate().
 */
export function getNumaCandidate(
  host: NumaHost,
  need: { readonly memkb: bigint; readonly vcpus: number },
): NumaCandidate | null {
  const suitable = host.freeMemkb.map((_, node) => node).filter((node) => (host.cpus[node]?.length ?? 0) > 0);
  const cpusPerNode = Math.max(0, ...host.cpus.map((c) => c.length));
  const minNodes = cpusPerNode === 0 ? 1 : Math.ceil(need.vcpus / cpusPerNode);
  for (let size = Math.max(1, Math.min(minNodes, suitable.length)); size <= suitable.length; size++) {
    let best: NumaCandidate | null = null;
    const comb = Array.from({ length: size }, (_, i) => i);
    do {
      const nodes = comb.map((i) => suitable[i]!);
      const sum = (of: (node: number) => number): number => nodes.reduce((a, node) => a + of(node), 0);
      const candidate: NumaCandidate = {
        nodes,
        nrCpus: sum((node) => host.cpus[node]!.length),
        nrVcpus: sum((node) => host.vcpus[node] ?? 0),
        freeMemkb: sum((node) => host.freeMemkb[node]!),
      };
      const feasible = BigInt(candidate.freeMemkb) >= need.memkb && candidate.nrCpus >= need.vcpus;
      if (feasible && (best === null || better(candidate, best))) best = candidate;
    } while (combNext(comb, suitable.length));
    if (best !== null) return best;
  }
  return null;
}

/** Above this many nodes the search is not tried: the number of sets explodes. */
const MAX_PLACEMENT_NODES = 16;

interface PlaceVars {
  readonly domid: DomId;
  readonly needMemkb: string;
  readonly vcpus: number;
  /** The domain's cpupool: only nodes with cpus of it are looked at. */
  readonly poolid: number;
  readonly poolCpus?: readonly number[];
  readonly nrNodes?: number;
  readonly host?: NumaHost;
  /** The vcpus still to be looked at, last first. */
  readonly todo?: readonly (readonly [domid: number, vcpu: number])[];
}

/** Every node of the bitmap libxl allocates: whole bytes. Models libxl_bitmap_set_any(). */
const anyNode = (nrNodes: number): number[] =>
  Array.from({ length: Math.ceil(nrNodes / 8) * 8 }, (_, node) => node);

/** The cpus of a pool by node. */
function poolCpusByNode(
  topology: HypercallReply<'XEN_SYSCTL_cputopoinfo'>['cpus'],
  poolCpus: readonly number[],
): readonly (readonly number[])[] {
  const cpus: number[][] = [];
  topology.forEach((c, cpu) => {
    if (c === null || !poolCpus.includes(cpu)) return;
    cpus[c.node] ??= [];
    cpus[c.node]!.push(cpu);
  });
  return Array.from(cpus, (c) => c ?? []);
}

/** Looks at the next vcpu, or judges when all have been seen. */
function nextVcpu(v: PlaceVars) {
  const todo = v.todo ?? [];
  const last = todo[todo.length - 1];
  if (last === undefined) return goto('choose', v);
  const args = { domid: domId(last[0]), vcpu: last[1] };
  return ask(hypercall('XEN_DOMCTL_getvcpuinfo', args), 'vcpuinfo', v);
}

/**
 * Chooses the nodes of a new domain. Done value { rc, nodes, cpus }: the preferred nodes and their cpus, which
 * become the domain's soft affinity; every node and cpu where none was found. Models numa_place_domain().
 */
const numaPlaceDomain = flow<PlaceVars>({
  name: 'numa_place_domain',
  steps: {
    start: (v) => ask(hypercall('XEN_SYSCTL_cpupool_op', { sub: 'info', id: v.poolid }), 'cpupool', v),
    cpupool: (v, reply) => {
      if (reply.rc < 0) return done({ rc: ERROR_FAIL });
      const poolCpus = hypercallReply('XEN_SYSCTL_cpupool_op', reply).cpus;
      return ask(hypercall('XEN_SYSCTL_cputopoinfo', {}), 'cputopoinfo', { ...v, poolCpus });
    },
    cputopoinfo: (v, reply, memo) => {
      if (reply.rc < 0) return done({ rc: ERROR_FAIL });
      const topo = hypercallReply('XEN_SYSCTL_cputopoinfo', reply);
      const poolCpus = v.poolCpus ?? [];
      const ofPool = memo('cpus of pools', poolCpus, newMemo);
      const cpus = ofPool('by node', topo.cpus, () => poolCpusByNode(topo.cpus, poolCpus));
      const host = { freeMemkb: [], cpus, vcpus: [] };
      return ask(hypercall('XEN_SYSCTL_numainfo', {}), 'numainfo', { ...v, host });
    },
    numainfo: (v, reply) => {
      if (reply.rc < 0) return done({ rc: ERROR_FAIL });
      const info: HypercallReply<'XEN_SYSCTL_numainfo'> = hypercallReply('XEN_SYSCTL_numainfo', reply);
      const nrNodes = info.nodes.length;
      const cpus = info.nodes.map((node, id) => (node === null ? [] : (v.host?.cpus[id] ?? [])));
      // With one node there is nothing to choose, and its memory is not looked at.
      if (nrNodes <= 1) return goto('none', { ...v, nrNodes, host: { freeMemkb: [], cpus, vcpus: [] } });
      const host: NumaHost = {
        freeMemkb: info.nodes.map((node) => (node === null ? 0 : Math.floor(node.memfree / 1024))),
        cpus,
        vcpus: info.nodes.map(() => 0),
      };
      const next = { ...v, nrNodes, host };
      if (nrNodes > MAX_PLACEMENT_NODES) {
        const text = 'NUMA placement is skipped: the host has more than 16 nodes';
        return ask(
          libxlLog('warning', 'libxl_numa.c:330:libxl__get_numa_candidate', null, text),
          'none',
          next,
        );
      }
      const list = { firstDomain: domId(0), maxDomains: 0x7ff0 };
      return ask(hypercall('XEN_SYSCTL_getdomaininfolist', list), 'domains', next);
    },
    domains: (v, reply) => {
      if (reply.rc < 0) return done({ rc: ERROR_FAIL });
      const infos = hypercallReply('XEN_SYSCTL_getdomaininfolist', reply).infos;
      const todo: [number, number][] = [];
      for (const info of infos) {
        if (info.domid === v.domid) continue;
        for (let vcpu = 0; vcpu <= info.maxVcpuId; vcpu++) todo.push([info.domid, vcpu]);
      }
      return nextVcpu({ ...v, todo: todo.reverse() });
    },
    vcpuinfo: (v, reply) => {
      const todo = v.todo ?? [];
      const online = reply.rc >= 0 && hypercallReply('XEN_DOMCTL_getvcpuinfo', reply).online;
      if (!online) return nextVcpu({ ...v, todo: todo.slice(0, -1) });
      const [domid, vcpu] = todo[todo.length - 1]!;
      return ask(hypercall('XEN_DOMCTL_getvcpuaffinity', { domid: domId(domid), vcpu }), 'vcpuaffinity', v);
    },
    vcpuaffinity: (v, reply) => {
      const host = v.host!;
      const todo = (v.todo ?? []).slice(0, -1);
      if (reply.rc < 0) return nextVcpu({ ...v, todo });
      const affinity = hypercallReply('XEN_DOMCTL_getvcpuaffinity', reply);
      const soft = new Set(affinity.soft);
      const mask = new Set(affinity.hard.filter((cpu) => soft.has(cpu)));
      const vcpus = host.vcpus.map((n, node) => n + (host.cpus[node]!.some((cpu) => mask.has(cpu)) ? 1 : 0));
      return nextVcpu({ ...v, todo, host: { ...host, vcpus } });
    },
    choose: (v) => {
      const host = v.host!;
      const found = getNumaCandidate(host, { memkb: BigInt(v.needMemkb), vcpus: v.vcpus });
      if (found === null) {
        const text = 'NUMA placement failed, performance might be affected';
        return ask(libxlLog('notice', 'libxl_numa.c:518:libxl__get_numa_candidate', null, text), 'none', v);
      }
      const text = `NUMA placement candidate with ${found.nodes.length} nodes, ${found.nrCpus} cpus and ${Math.floor(found.freeMemkb / 1024)} KB free selected`;
      return ask(libxlLog('detail', 'libxl_dom.c:231:numa_place_domain', null, text), 'found', {
        ...v,
        todo: [],
        placed: found.nodes,
      });
    },
    found: (v) => {
      const nodes = (v as PlaceVars & { placed: readonly number[] }).placed;
      return done({ rc: 0, nodes, cpus: nodes.flatMap((node) => v.host!.cpus[node]!) });
    },
    none: (v) => done({ rc: 0, nodes: anyNode(v.nrNodes ?? 1), cpus: v.host!.cpus.flat() }),
  },
});

export const libxlNumaFlows: Readonly<Record<string, Flow>> = { numa_place_domain: numaPlaceDomain };
