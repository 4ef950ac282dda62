/**
 * What happens to a new domain before and after its memory is built: limits, affinities, the paging pool; then its
 * memory's places in xenstore.
 *
 * Models libxl__build_pre() and libxl__build_post(), tools/libs/light/libxl_dom.c, and libxl__arch_domain_create(),
 * libxl_x86.c.
 */
import { EAGAIN } from '../hypervisor/errno.ts';
import { type Bytes, bytes, domId, kib, nodeId } from '../hypervisor/units.ts';
import { ERROR_FAIL } from './libxl-errno.ts';
import { domainNeedMemory, type SettledConfig } from './libxl-setdefault.ts';
import { ask, call, done, type Flow, flow, goto, hypercall, type Request, xs, xsReply } from './task.ts';
import { u64, u64Number, u64Text } from './u64.ts';
import { libxlError } from './xl-log.ts';

/** What a domain may own beyond its target, in KiB. Xen: LIBXL_MAXMEM_CONSTANT. */
export const LIBXL_MAXMEM_CONSTANT = 1024;

/** A request that changes nothing the simulator keeps: it is only seen in a trace. */
export const traced = (line: string): Request => hypercall('traced', { line });

/** DOMCTL_max_mem; a size that wrapped below zero goes along as text too, as no number holds it exactly. */
export function setmaxmem(domid: number, memkb: bigint): Request {
  const wrapped = u64(memkb);
  return hypercall('XEN_DOMCTL_max_mem', {
    domid: domId(domid),
    maxMemkb: kib(u64Number(wrapped)),
    ...(wrapped > BigInt(Number.MAX_SAFE_INTEGER) ? { exactMaxMemkb: wrapped.toString() } : {}),
  });
}

/** C's `value=%#x`. */
const value = (n: number): string => (n === 0 ? '0' : `0x${n.toString(16)}`);

/** An HVM parameter set by the toolstack. */
export const setParam = (domid: number, index: number, n: number): Request =>
  traced(`hvm_op set_param dom=${domid} index=${index} value=${value(n)}`);

const TIMER_MODES: Readonly<Record<string, number>> = {
  unknown: 1,
  delay_for_missed_ticks: 0,
  no_delay_for_missed_ticks: 1,
  no_missed_ticks_pending: 2,
  one_missed_tick_pending: 3,
};
const ALTP2M_MODES: Readonly<Record<string, number>> = { disabled: 0, mixed: 1, external: 2, limited: 3 };

/** Parameters set while the domain is still empty. Models hvm_set_conf_params(), libxl_x86.c. */
function hvmSetConfParams(s: SettledConfig, domid: number): Request[] {
  const b = s.config.bInfo;
  const params: Request[] = [];
  if (b.type !== null && b.type.tag === 'hvm') {
    const hvm = b.type.info;
    params.push(setParam(domid, HVM_PARAM_HPET_ENABLED, hvm.hpet === false ? 0 : 1));
    params.push(setParam(domid, HVM_PARAM_VPT_ALIGN, hvm.vptAlign === false ? 0 : 1));
  }
  params.push(setParam(domid, HVM_PARAM_TIMER_MODE, TIMER_MODES[b.timerMode] ?? 1));
  params.push(setParam(domid, HVM_PARAM_ALTP2M, ALTP2M_MODES[b.altp2m] ?? 0));
  return params;
}
const HVM_PARAM_TIMER_MODE = 10;
const HVM_PARAM_HPET_ENABLED = 11;
const HVM_PARAM_VPT_ALIGN = 16;
const HVM_PARAM_ALTP2M = 35;

interface BuildPreVars {
  readonly settled: SettledConfig;
  readonly domid: number;
}

const affinity = (domid: number, vcpu: number, flags: number, cpus: readonly number[]): Request =>
  hypercall('XEN_DOMCTL_setvcpuaffinity', { domid: domId(domid), vcpu, flags, cpus });

/** The affinities a config states, vcpu by vcpu. XEN_VCPUAFFINITY_HARD is 1, SOFT is 2. */
function statedAffinities({ settled: s, domid }: BuildPreVars): Request[] {
  const b = s.config.bInfo;
  const requests: Request[] = [];
  if (b.nodemap.length > 0) {
    requests.push(
      hypercall('XEN_DOMCTL_setnodeaffinity', { domid: domId(domid), nodes: b.nodemap.map(nodeId) }),
    );
  }
  if (b.vcpuHardAffinity.length > 0 || b.vcpuSoftAffinity.length > 0) {
    for (let vcpu = 0; vcpu < s.maxVcpus; vcpu++) {
      const hard = b.vcpuHardAffinity[vcpu];
      const soft = b.vcpuSoftAffinity[vcpu];
      if (hard !== undefined && hard.length > 0) requests.push(affinity(domid, vcpu, 1, hard));
      if (soft !== undefined && soft.length > 0) requests.push(affinity(domid, vcpu, 2, soft));
    }
  } else if (b.cpumap.length > 0) {
    for (let vcpu = 0; vcpu < s.maxVcpus; vcpu++) requests.push(affinity(domid, vcpu, 1, b.cpumap));
  }
  return requests;
}

/** Reserves the event channels and sets what an empty domain needs before its paging pool. */
function archDomainCreate({ settled: s, domid }: BuildPreVars): Request[] {
  const memmap = hypercall('XENMEM_set_memory_map', { domid: domId(domid), entries: 1 });
  return [
    // Event channels for xenstore and the console.
    traced('evtchn_op cmd=6'),
    traced('evtchn_op cmd=6'),
    ...(s.type === 'pv' ? [memmap] : hvmSetConfParams(s, domid)),
    // tsc mode
    traced(`domctl cmd=60 dom=${domid} ok`),
  ];
}

/** The pool's size in bytes, or null when it does not fit 64 bits. */
function mempoolSize(shadowMemkb: string): Bytes | null {
  const size = u64(u64(shadowMemkb) * 1024n);
  return size / 1024n === u64(shadowMemkb) ? bytes(u64Number(size)) : null;
}

/**
 * Limits, placement and the paging pool of a new domain. Done value { rc }: 0 or ERROR_FAIL.
 * Models libxl__build_pre().
 */
const buildPre = flow<BuildPreVars>({
  name: 'libxl__build_pre',
  steps: {
    start: (v) =>
      ask(
        hypercall('XEN_DOMCTL_max_vcpus', { domid: domId(v.domid), max: v.settled.maxVcpus }),
        'maxVcpus',
        v,
      ),
    maxVcpus: (v, reply) => {
      if (reply.rc < 0) {
        return ask(
          libxlError('libxl_dom.c:354:libxl__build_pre', v.domid, "Couldn't set max vcpu count"),
          'failed',
          v,
        );
      }
      if (!v.settled.numaPlacement) return goto('stated', v);
      const needMemkb = u64Text(domainNeedMemory(v.settled));
      return call(
        'numa_place_domain',
        { domid: v.domid, needMemkb, vcpus: v.settled.maxVcpus, poolid: v.settled.poolid },
        'placed',
        v,
      );
    },
    placed: (v, reply) => {
      if (reply.rc !== 0) return done({ rc: reply.rc });
      const nodes = (reply.nodes as readonly number[]).map(nodeId);
      const soft = Array.from({ length: v.settled.maxVcpus }, (_, vcpu) =>
        affinity(v.domid, vcpu, 2, reply.cpus as readonly number[]),
      );
      return ask(
        [...soft, hypercall('XEN_DOMCTL_setnodeaffinity', { domid: domId(v.domid), nodes })],
        'stated',
        v,
      );
    },
    stated: (v) =>
      ask(
        [
          ...statedAffinities(v),
          setmaxmem(v.domid, u64(v.settled.targetMemkb) + BigInt(LIBXL_MAXMEM_CONSTANT)),
        ],
        'maxmem',
        v,
      ),
    maxmem: (v, reply) => {
      if (reply.rc < 0) {
        return ask(
          libxlError('libxl_dom.c:475:libxl__build_pre', v.domid, "Couldn't set max memory", -reply.rc),
          'failed',
          v,
        );
      }
      return ask(archDomainCreate(v), 'mempool', v);
    },
    mempool: (v) => {
      if (v.settled.type === 'pv') return done({ rc: 0 });
      const size = mempoolSize(v.settled.shadowMemkb);
      if (size === null) {
        const message = `shadow_memkb value ${v.settled.shadowMemkb}kB too large`;
        const site = 'libxl_dom.c:1462:libxl__domain_set_paging_mempool_size';
        return ask(libxlError(site, v.domid, message, 2), 'failed', v);
      }
      return ask(
        hypercall('XEN_DOMCTL_set_paging_mempool_size', { domid: domId(v.domid), size }),
        'pooled',
        v,
      );
    },
    pooled: (v, reply) => {
      if (reply.rc >= 0) return done({ rc: 0 });
      const message = `Failed to set paging mempool size to ${v.settled.shadowMemkb}kB`;
      const site = 'libxl_dom.c:1470:libxl__domain_set_paging_mempool_size';
      return ask(libxlError(site, v.domid, message, -reply.rc), 'failed', v);
    },
    failed: () => done({ rc: ERROR_FAIL }),
  },
});

/** KiB that memory/target leaves out: video memory, and 1 MiB for a PoD guest. Models libxl__get_targetmem_fudge(). */
function targetmemFudge(s: SettledConfig): bigint {
  const pod = s.type === 'hvm' && u64(s.maxMemkb) > u64(s.targetMemkb);
  return u64(s.videoMemkb) + (pod ? BigInt(LIBXL_MAXMEM_CONSTANT) : 0n);
}

interface BuildPostVars {
  readonly settled: SettledConfig;
  readonly domid: number;
  /** Frames of the xenstore and console rings: gfns for HVM and PVH, mfns for PV. */
  readonly storeMfn: number;
  /** More nodes below the domain's and the vm's path that its builder wants written, in order. */
  readonly localEntries: readonly (readonly [string, string])[];
  readonly vmEntries: readonly (readonly [string, string])[];
  readonly tx?: number;
  readonly startTime?: string;
}

/** The writes that tell the guest and its toolstack what it has. */
function postNodes(v: BuildPostVars, tx: number): Request[] {
  const { settled: s, domid } = v;
  const dom = `/local/domain/${domid}`;
  const write = (path: string, text: string): Request => xs({ op: 'write', path, value: text, tx });
  const available = s.config.bInfo.availVcpus;
  const online = (vcpu: number): boolean => available.length === 0 || available.includes(vcpu);
  return [
    write(`${dom}/memory/static-max`, u64Text(u64(s.maxMemkb))),
    write(`${dom}/memory/target`, u64Text(u64(s.targetMemkb) - targetmemFudge(s))),
    write(`${dom}/memory/videoram`, u64Text(u64(s.videoMemkb))),
    write(`${dom}/domid`, String(domid)),
    write(`${dom}/store/port`, '1'),
    write(`${dom}/store/ring-ref`, String(v.storeMfn)),
    ...Array.from({ length: s.maxVcpus }, (_, vcpu) =>
      write(`${dom}/cpu/${vcpu}/availability`, online(vcpu) ? 'online' : 'offline'),
    ),
    ...v.localEntries.map(([path, text]) => write(`${dom}/${path}`, text)),
    ...v.vmEntries.map(([path, text]) => write(`/vm/${s.uuid}/${path}`, text)),
    write(`/vm/${s.uuid}/start_time`, v.startTime ?? ''),
  ];
}

/** Writes what is now known of the domain, and introduces it to xenstored. Done value { rc }. Models libxl__build_post(). */
const buildPost = flow<BuildPostVars>({
  name: 'libxl__build_post',
  clock: [],
  steps: {
    start: (v) => ask([traced(`domctl scheduler_op put dom=${v.domid}`), { kind: 'now' }], 'now', v),
    now: (v, reply) => goto('begin', { ...v, startTime: String(reply.date) }),
    begin: (v) => ask(xs({ op: 'transaction_start' }), 'started', v),
    started: (v, reply) => {
      const tx = xsReply(reply).tx ?? 0;
      return ask([...postNodes(v, tx), xs({ op: 'transaction_end', tx, abort: false })], 'committed', v);
    },
    committed: (v, reply) =>
      reply.rc === -EAGAIN ? goto('begin', v) : ask(xs({ op: 'introduce', domid: v.domid }), 'introduced', v),
    introduced: () => done({ rc: 0 }),
  },
});

export const libxlDomFlows: Readonly<Record<string, Flow>> = {
  libxl__build_pre: buildPre,
  libxl__build_post: buildPost,
};
