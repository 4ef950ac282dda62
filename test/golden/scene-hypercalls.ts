/**
 * The hypercalls of a scene.
 *
 * Populating does not change free_pages, and a claim is judged by the recordings' own rule (free_pages less
 * outstanding_pages): nothing here is a heap.
 */
import { EINVAL, ENOENT, ENOMEM, ENOSYS, EOPNOTSUPP, ESRCH } from '../../src/hypervisor/errno.ts';
import type { Hypercall } from '../../src/hypervisor/privcmd.ts';
import type { Reply } from '../../src/toolstack/task.ts';
import { domainInfo, num, type SceneState } from './scene-state.ts';

const FAIL_KEYS: Partial<Record<Hypercall['name'], string>> = {
  XEN_DOMCTL_createdomain: 'domctl.1',
  XEN_DOMCTL_destroydomain: 'domctl.2',
  XEN_DOMCTL_pausedomain: 'domctl.3',
  XEN_DOMCTL_unpausedomain: 'domctl.4',
  XEN_DOMCTL_getdomaininfo: 'domctl.5',
  XEN_DOMCTL_setvcpuaffinity: 'domctl.9',
  XEN_DOMCTL_max_mem: 'domctl.11',
  XEN_DOMCTL_getvcpuinfo: 'domctl.14',
  XEN_DOMCTL_max_vcpus: 'domctl.15',
  XEN_DOMCTL_getvcpuaffinity: 'domctl.25',
  XEN_DOMCTL_resumedomain: 'domctl.27',
  XEN_DOMCTL_setnodeaffinity: 'domctl.68',
  XEN_DOMCTL_getnodeaffinity: 'domctl.69',
  XEN_DOMCTL_setvnumainfo: 'domctl.74',
  XEN_DOMCTL_set_paging_mempool_size: 'domctl.86',
  XEN_SYSCTL_readconsole: 'sysctl.1',
  XEN_SYSCTL_physinfo: 'sysctl.3',
  XEN_SYSCTL_getdomaininfolist: 'sysctl.6',
  XEN_SYSCTL_debug_keys: 'sysctl.7',
  XEN_SYSCTL_cputopoinfo: 'sysctl.16',
  XEN_SYSCTL_numainfo: 'sysctl.17',
  XEN_SYSCTL_cpupool_op: 'sysctl.18',
  XENMEM_increase_reservation: 'memory.0',
  XENMEM_decrease_reservation: 'memory.1',
  XENMEM_maximum_ram_page: 'memory.2',
  XENMEM_current_reservation: 'memory.3',
  XENMEM_maximum_reservation: 'memory.4',
  XENMEM_populate_physmap: 'memory.6',
  XENMEM_set_memory_map: 'memory.13',
  XENMEM_maximum_gpfn: 'memory.14',
  XENMEM_remove_from_physmap: 'memory.15',
  XENMEM_set_pod_target: 'memory.16',
  XENMEM_get_pod_target: 'memory.17',
  XENMEM_claim_pages: 'memory.24',
};

const cpusOf = (s: SceneState): number => num(s.scene.host.nr_cpus, 16);
const nodesOf = (s: SceneState): number => num(s.scene.host.nr_nodes, 1);
const allCpus = (s: SceneState): number[] => Array.from({ length: cpusOf(s) }, (_, i) => i);

function physinfo(s: SceneState): Reply {
  const h = s.scene.host;
  const hwCap = (h.hw_cap ?? 'bfebfbff:77fef3ff:2c100800:00000121:00000001:001cbfbb:00000000:00000100').split(
    ':',
  );
  return {
    rc: 0,
    info: {
      threadsPerCore: num(h.threads_per_core, 1),
      coresPerSocket: num(h.cores_per_socket, 1),
      nrCpus: cpusOf(s),
      maxCpuId: num(h.max_cpu_id, cpusOf(s) - 1),
      nrNodes: nodesOf(s),
      maxNodeId: nodesOf(s) - 1,
      cpuKhz: num(h.cpu_khz, 2394454),
      totalPages: num(h.total_pages),
      freePages: num(h.free_pages),
      scrubPages: num(h.scrub_pages),
      outstandingPages: num(h.outstanding_pages),
      sharingFreedPages: num(h.sharing_freed),
      sharingUsedFrames: num(h.sharing_used),
      hwCap: hwCap.map((x) => Number.parseInt(x, 16)),
      capabilities: (
        h.capabilities ??
        'pv hvm hvm_directio pv_directio hap shadow iommu_hap_pt_share vmtrace vpmu gnttab-v1 gnttab-v2'
      ).split(' '),
    },
  };
}

function numainfo(s: SceneState): Reply {
  const ids = Array.from({ length: nodesOf(s) }, (_, i) => i);
  return {
    rc: 0,
    nodes: ids.map((n) => ({
      memsize: num(s.scene.host[`node${n}_size`]),
      memfree: num(s.scene.host[`node${n}_free`]),
    })),
    distances: ids.map((a) => ids.map((b) => (a === b ? 10 : 21))),
  };
}

function cputopoinfo(s: SceneState): Reply {
  const threads = num(s.scene.host.threads_per_core, 1);
  const perSocket = threads * num(s.scene.host.cores_per_socket, 1);
  const perNode = Math.ceil(cpusOf(s) / nodesOf(s));
  return {
    rc: 0,
    cpus: allCpus(s).map((cpu) => ({
      core: Math.floor((cpu % perSocket) / threads),
      socket: Math.floor(cpu / perSocket),
      node: Math.floor(cpu / perNode),
    })),
  };
}

function version(s: SceneState): Reply {
  const h = s.scene.host;
  return {
    rc: 0,
    major: num(h.xen_major, 4),
    minor: num(h.xen_minor, 17),
    extra: h.xen_extra ?? '.7',
    capabilities: h.caps ?? 'xen-3.0-x86_64 hvm-3.0-x86_32 hvm-3.0-x86_32p hvm-3.0-x86_64 ',
    changeset: h.changeset ?? 'none',
    commandline: h.cmdline ?? 'placeholder dom0_mem=4096M,max:4096M loglvl=all',
    compiler: h.cc ?? 'gcc (FakeHost 1.0) 12.2.0',
    compileBy: 'builder',
    compileDomain: 'example.invalid',
    compileDate: 'Thu Jan  1 00:00:00 UTC 2026',
    buildId: '00070e151c232a31383f464d545b626970777e85',
    pagesize: 4096,
    virtStart: '0xffff800000000000',
    scheduler: h.sched ?? 'credit2',
  };
}

function createdomain(s: SceneState, call: Extract<Hypercall, { name: 'XEN_DOMCTL_createdomain' }>): Reply {
  const domid = Math.max(...s.doms.keys()) + 1;
  s.doms.set(domid, {
    ...domainInfo(s.scene, { id: String(domid), flags: 'paused', uuid: call.args.handle }),
    type: call.args.type,
    hap: call.args.hap,
  });
  return { rc: 0, domid };
}

function populate(s: SceneState, call: Extract<Hypercall, { name: 'XENMEM_populate_physmap' }>): Reply {
  const { extentOrder, nrExtents, extentStart } = call.args;
  if (extentOrder >= num(s.scene.host.fail_order, Number.POSITIVE_INFINITY)) return { rc: 0 };
  const size = 2 ** extentOrder;
  const done = Math.min(nrExtents, Math.floor(s.populateLeft / size));
  s.populateLeft -= done * size;
  // The shim hands out frame 0x100000 + gfn.
  const frames = (extentStart ?? []).map((run) => ({ ...run, first: run.first + 0x100000 }));
  return { rc: done, frames };
}

function claim(s: SceneState, call: Extract<Hypercall, { name: 'XENMEM_claim_pages' }>): Reply {
  const free = num(s.scene.host.free_pages) - num(s.scene.host.outstanding_pages);
  return { rc: call.args.nrExtents > free ? -ENOMEM : 0 };
}

function domctl(s: SceneState, call: Hypercall): Reply {
  const domid = (call.args as { domid: number }).domid;
  const info = s.doms.get(domid);
  if (info === undefined) return { rc: -ESRCH };
  switch (call.name) {
    case 'XEN_DOMCTL_destroydomain':
      s.doms.delete(domid);
      s.destroyed.push(domid);
      return { rc: 0 };
    case 'XEN_DOMCTL_max_vcpus':
      s.doms.set(domid, { ...info, maxVcpuId: call.args.max - 1 });
      return { rc: 0 };
    case 'XEN_DOMCTL_getnodeaffinity':
      return { rc: 0, nodes: Array.from({ length: nodesOf(s) }, (_, i) => i) };
    case 'XEN_DOMCTL_getvcpuaffinity': {
      const pin = (kind: string) => s.vcpuPins.get(`${domid}/${call.args.vcpu}/${kind}`) ?? allCpus(s);
      return { rc: 0, hard: pin('hard'), soft: pin('soft') };
    }
    case 'XEN_DOMCTL_setvcpuaffinity':
      if (call.args.flags % 2 === 1) s.vcpuPins.set(`${domid}/${call.args.vcpu}/hard`, call.args.cpus);
      if (call.args.flags >= 2) s.vcpuPins.set(`${domid}/${call.args.vcpu}/soft`, call.args.cpus);
      return { rc: 0 };
    case 'XEN_DOMCTL_getvcpuinfo': {
      const online = call.args.vcpu < info.nrOnlineVcpus;
      return {
        rc: call.args.vcpu > info.maxVcpuId ? -EINVAL : 0,
        online,
        blocked: online && info.blocked,
        running: online && info.running && call.args.vcpu === 0,
        cpuTime: online ? Math.floor(info.cpuTime / info.nrOnlineVcpus) : 0,
        cpu: call.args.vcpu % cpusOf(s),
      };
    }
    default:
      return { rc: 0 };
  }
}

/** Answers one hypercall from the scene. */
export function hypercallReply(s: SceneState, call: Hypercall): Reply {
  const n = s.hypercalls;
  s.hypercalls += 1;
  if (s.options.failAt?.n === n) return { rc: -s.options.failAt.errno };
  const fail = s.scene.fails.xencall_open ?? s.scene.fails[FAIL_KEYS[call.name] ?? ''];
  if (fail !== undefined) return { rc: -fail };
  const infos = [...s.doms.values()].sort((a, b) => a.domid - b.domid);
  switch (call.name) {
    case 'XEN_SYSCTL_physinfo':
      return physinfo(s);
    case 'XEN_SYSCTL_numainfo':
      return numainfo(s);
    case 'XEN_SYSCTL_cputopoinfo':
      return cputopoinfo(s);
    case 'XENVER_info':
      return version(s);
    case 'XEN_SYSCTL_getdomaininfolist': {
      const from = infos.filter((i) => i.domid >= call.args.firstDomain).slice(0, call.args.maxDomains);
      return { rc: from.length, infos: from };
    }
    case 'XEN_DOMCTL_getdomaininfo': {
      const info = infos.find((i) => i.domid >= call.args.domid);
      return info === undefined ? { rc: -ESRCH } : { rc: 0, info };
    }
    case 'XEN_SYSCTL_cpupool_op':
      if (call.args.sub === 'freeinfo') return { rc: 0, id: 0, sched: 'credit2', nDom: 0, cpus: freeCpus(s) };
      if (call.args.sub !== 'info') return { rc: -EOPNOTSUPP };
      if (call.args.id > 0) return { rc: -ENOENT };
      return { rc: 0, id: 0, sched: s.scene.host.sched ?? 'credit2', nDom: s.doms.size, cpus: allCpus(s) };
    case 'XEN_SYSCTL_readconsole':
    case 'XEN_SYSCTL_debug_keys':
      // What the recordings' shim did not handle.
      return { rc: -ENOSYS };
    case 'XEN_DOMCTL_createdomain':
      return createdomain(s, call);
    case 'XENMEM_populate_physmap':
      return populate(s, call);
    case 'XENMEM_claim_pages':
      return claim(s, call);
    case 'XENMEM_increase_reservation':
    case 'XENMEM_decrease_reservation':
      return { rc: call.args.nrExtents };
    case 'XENMEM_current_reservation':
      return { rc: s.doms.get(call.args.domid)?.totPages ?? -ESRCH };
    case 'XENMEM_maximum_reservation':
      return { rc: s.doms.get(call.args.domid)?.maxPages ?? -ESRCH };
    case 'XENMEM_maximum_ram_page':
      return { rc: num(s.scene.host.max_mfn, 0x87ffff) };
    default:
      return call.name.startsWith('XEN_DOMCTL_')
        ? domctl(s, call)
        : { rc: 0, totPages: 0, podCachePages: 0, podEntries: 0 };
  }
}

function freeCpus(s: SceneState): number[] {
  return Array.from({ length: num(s.scene.host.free_cpus) }, (_, i) => i);
}
