/**
 * A domain's memory target and its limit.
 *
 * Models libxl_set_memory_target(), libxl_domain_setmaxmem() and libxl__fill_dom0_memory_info(),
 * tools/libs/light/libxl_mem.c.
 */
import { EAGAIN, ENOENT } from '../hypervisor/errno.ts';
import { domId, pages } from '../hypervisor/units.ts';
import { userdataLock } from './libxl-create.ts';
import { LIBXL_MAXMEM_CONSTANT, setmaxmem } from './libxl-dom.ts';
import { ERROR_FAIL, ERROR_INVAL, ERROR_LOCK_FAIL } from './libxl-errno.ts';
import {
  ask,
  call,
  done,
  type Flow,
  flow,
  goto,
  hypercall,
  hypercallReply,
  type Next,
  type Request,
  xs,
  xsReply,
} from './task.ts';
import { u64, u64Number, u64Text } from './u64.ts';
import { libxlError } from './xl-log.ts';

/** What dom0 keeps at least, in KiB. Xen: LIBXL_MIN_DOM0_MEM. */
const LIBXL_MIN_DOM0_MEM = 128n * 1024n;

const oneDomain = (domid: number): Request =>
  hypercall('XEN_SYSCTL_getdomaininfolist', { firstDomain: domId(domid), maxDomains: 1 });

interface LockVars {
  readonly domid: number;
}

/**
 * Takes the lock on a domain's stored config; the domain has to exist. Done { rc }: 0 or ERROR_LOCK_FAIL.
 * Models libxl__lock_domain_userdata().
 */
const lockUserdata = flow<LockVars>({
  name: 'libxl__lock_domain_userdata',
  steps: {
    start: (v) => ask(oneDomain(v.domid), 'info', v),
    info: (v, reply) => {
      const found =
        reply.rc > 0 && hypercallReply('XEN_SYSCTL_getdomaininfolist', reply).infos[0]?.domid === v.domid;
      if (found) return ask({ kind: 'lock', path: userdataLock(v.domid) }, 'locked', v);
      const message = `unable to find domain info for domain ${v.domid}`;
      return ask(libxlError('libxl_dom.c:1216:libxl__userdata_path', null, message, ENOENT), 'failed', v);
    },
    locked: (_v, reply) => done({ rc: reply.rc === 0 ? 0 : ERROR_LOCK_FAIL }),
    failed: () => done({ rc: ERROR_LOCK_FAIL }),
  },
});

const SET_TARGET = 'libxl_set_memory_target';

interface TargetVars {
  readonly domid: number;
  /** 64-bit decimal text, signed: the target in KiB, video memory included, or the change of it. */
  readonly target: string;
  readonly relative: boolean;
  readonly enforce: boolean;
  readonly tx?: number;
  readonly current?: string;
  readonly max?: string;
  readonly video?: string;
  readonly wanted?: string;
  readonly rc?: number;
}

const memoryNode = (v: TargetVars, node: string): Request =>
  xs({ op: 'read', path: `/local/domain/${v.domid}/memory/${node}`, tx: v.tx! });

/** strtoull / atoi of a node: digits, else 0. */
const digits = (text: string | undefined): string => /^[0-9]+/.exec(text ?? '')?.[0] ?? '0';

/** Ends the transaction without effect and goes to the end with an error. */
const abort = (v: TargetVars, rc: number, requests: readonly Request[]): Next<TargetVars> =>
  ask([...requests, xs({ op: 'transaction_end', tx: v.tx!, abort: true })], 'unlock', { ...v, rc });

/** The new target in KiB without video memory. */
function newTarget(v: TargetVars): bigint {
  const target = BigInt(v.target);
  const current = BigInt(v.current ?? '0');
  if (!v.relative) return u64(target - BigInt(v.video ?? '0'));
  return target < 0n && -target > current ? 0n : u64(current + target);
}

/**
 * Sets a domain's memory target; its balloon driver has to do the rest. `enforce` sets Xen's limit too.
 * Done { rc }: 0 or libxl's error.
 */
const setMemoryTarget = flow<TargetVars>({
  name: SET_TARGET,
  steps: {
    start: (v) => call('libxl__lock_domain_userdata', { domid: v.domid }, 'locked', v),
    locked: (v, reply) => (reply.rc === 0 ? goto('begin', v) : done({ rc: reply.rc })),
    begin: (v) => ask(xs({ op: 'transaction_start' }), 'started', v),
    started: (v, reply) => {
      const next = { ...v, tx: xsReply(reply).tx ?? 0 };
      return ask(memoryNode(next, 'target'), 'target', next);
    },
    target: (v, reply) => {
      const value = xsReply(reply).value;
      if (value !== undefined)
        return ask(memoryNode(v, 'static-max'), 'staticMax', { ...v, current: digits(value) });
      const end = xs({ op: 'transaction_end', tx: v.tx!, abort: true });
      if (v.domid === 0) return ask(end, 'fillDom0', v);
      const message = `cannot get target memory info from /local/domain/${v.domid}/memory/target`;
      return abort(v, ERROR_FAIL, [libxlError(`libxl_mem.c:230:${SET_TARGET}`, v.domid, message, ENOENT)]);
    },
    fillDom0: (v) => call('libxl__fill_dom0_memory_info', {}, 'filled', v),
    filled: (v, reply) => (reply.rc === 0 ? goto('begin', v) : goto('unlock', { ...v, rc: ERROR_FAIL })),
    staticMax: (v, reply) => {
      const value = xsReply(reply).value;
      if (value !== undefined)
        return ask(memoryNode(v, 'videoram'), 'videoram', { ...v, max: digits(value) });
      const message = `cannot get memory info from /local/domain/${v.domid}/memory/static-max`;
      return abort(v, ERROR_FAIL, [libxlError(`libxl_mem.c:247:${SET_TARGET}`, v.domid, message, ENOENT)]);
    },
    videoram: (v, reply) => {
      const next = { ...v, video: digits(xsReply(reply).value) };
      const wanted = newTarget(next);
      if (wanted > BigInt(v.max ?? '0')) {
        const message = 'memory_dynamic_max must be less than or equal to memory_static_max\n';
        return abort(next, ERROR_INVAL, [libxlError(`libxl_mem.c:278:${SET_TARGET}`, v.domid, message)]);
      }
      if (v.domid === 0 && wanted < LIBXL_MIN_DOM0_MEM) {
        const message = `New target ${wanted} for dom0 is below the minimum threshold`;
        return abort(next, ERROR_INVAL, [libxlError(`libxl_mem.c:287:${SET_TARGET}`, v.domid, message)]);
      }
      return goto('limit', { ...next, wanted: u64Text(wanted) });
    },
    limit: (v) => {
      if (!v.enforce) return ask(oneDomain(v.domid), 'info', v);
      const limit = BigInt(v.wanted!) + BigInt(v.video!) + BigInt(LIBXL_MAXMEM_CONSTANT);
      return ask(setmaxmem(v.domid, limit), 'limited', v);
    },
    limited: (v, reply) => {
      if (reply.rc >= 0) return ask(oneDomain(v.domid), 'info', v);
      const limit = u64(BigInt(v.wanted!) + BigInt(v.video!) + BigInt(LIBXL_MAXMEM_CONSTANT));
      const message = `xc_domain_setmaxmem memkb=${limit} failed rc=-1\n`;
      return abort(v, ERROR_FAIL, [libxlError(`libxl_mem.c:299:${SET_TARGET}`, v.domid, message, -reply.rc)]);
    },
    info: (v, reply) => {
      const info = reply.rc > 0 ? hypercallReply('XEN_SYSCTL_getdomaininfolist', reply).infos[0] : undefined;
      if (info?.domid !== v.domid) return abort(v, ERROR_FAIL, []);
      // Harmless where nothing is populated on demand; PV guests and dom0 are left alone.
      if (v.domid === 0 || info.type === 'pv') return goto('write', { ...v, current: info.handle });
      const target = u64Number((BigInt(v.wanted!) + BigInt(LIBXL_MAXMEM_CONSTANT)) / 4n);
      const request = hypercall('XENMEM_set_pod_target', {
        domid: domId(v.domid),
        targetPages: pages(target),
      });
      return ask(request, 'podTarget', { ...v, current: info.handle });
    },
    podTarget: (v, reply) => {
      if (reply.rc >= 0) return goto('write', v);
      const target = (BigInt(v.wanted!) + BigInt(LIBXL_MAXMEM_CONSTANT)) / 4n;
      const message = `xc_domain_set_pod_target memkb=${target} failed rc=-1\n`;
      return abort(v, ERROR_FAIL, [libxlError(`libxl_mem.c:313:${SET_TARGET}`, v.domid, message, -reply.rc)]);
    },
    write: (v) => {
      const mib = (BigInt(v.wanted!) / 1024n).toString();
      const tx = v.tx!;
      return ask(
        [
          xs({ op: 'write', path: `/local/domain/${v.domid}/memory/target`, value: v.wanted!, tx }),
          xs({ op: 'write', path: `/vm/${v.current}/memory`, value: mib, tx }),
          xs({ op: 'transaction_end', tx, abort: false }),
        ],
        'committed',
        v,
      );
    },
    // Somebody wrote to xenstore in between: everything is done again, the hypercalls included.
    committed: (v, reply) => (reply.rc === -EAGAIN ? goto('begin', v) : goto('unlock', { ...v, rc: 0 })),
    unlock: (v) => ask({ kind: 'unlock', path: userdataLock(v.domid) }, 'end', v),
    end: (v) => done({ rc: v.rc ?? 0 }),
  },
});

/** Gives dom0 the memory nodes it lacks at first. Done { rc, target, max }, KiB. Models libxl__fill_dom0_memory_info(). */
const fillDom0MemoryInfo = flow<{ readonly target?: string; readonly tx?: number; readonly max?: string }>({
  name: 'libxl__fill_dom0_memory_info',
  steps: {
    start: (v) => ask(oneDomain(0), 'info', v),
    info: (v, reply) => {
      const info = reply.rc > 0 ? hypercallReply('XEN_SYSCTL_getdomaininfolist', reply).infos[0] : undefined;
      if (info === undefined) return done({ rc: ERROR_FAIL });
      const current = u64Text((info.totPages + info.outstandingPages) * 4);
      return ask([hypercall('XEN_SYSCTL_physinfo', {})], 'physinfo', {
        ...v,
        target: current,
        max: u64Text(info.maxPages * 4),
      });
    },
    physinfo: (v, reply) => {
      if (reply.rc < 0) return done({ rc: ERROR_FAIL });
      // Without a limit of its own dom0 may grow to the whole host.
      const total = BigInt(hypercallReply('XEN_SYSCTL_physinfo', reply).info.totalPages) * 4n;
      const max = BigInt(v.max ?? '0') < total ? BigInt(v.max ?? '0') : total;
      return ask(xs({ op: 'transaction_start' }), 'started', { ...v, max: max.toString() });
    },
    started: (v, reply) => {
      const tx = xsReply(reply).tx ?? 0;
      const write = (node: string, value: string): Request =>
        xs({ op: 'write', path: `/local/domain/0/memory/${node}`, value, tx });
      return ask(
        [
          write('target', v.target ?? '0'),
          write('static-max', v.max ?? '0'),
          xs({ op: 'transaction_end', tx, abort: false }),
        ],
        'committed',
        v,
      );
    },
    committed: (v, reply) =>
      reply.rc === -EAGAIN
        ? ask(xs({ op: 'transaction_start' }), 'started', v)
        : done({ rc: 0, target: v.target, max: v.max }),
  },
});

const SET_MAXMEM = 'libxl_domain_setmaxmem';

interface MaxmemVars {
  readonly domid: number;
  /** 64-bit decimal text, KiB. */
  readonly maxMemkb: string;
  readonly rc?: number;
}

/** Sets the most a domain may own. Done { rc }: 0 or libxl's error. */
const domainSetmaxmem = flow<MaxmemVars>({
  name: SET_MAXMEM,
  steps: {
    start: (v) => call('libxl__lock_domain_userdata', { domid: v.domid }, 'locked', v),
    locked: (v, reply) =>
      reply.rc === 0
        ? ask(xs({ op: 'read', path: `/local/domain/${v.domid}/memory/target` }), 'target', v)
        : done({ rc: reply.rc }),
    target: (v, reply) => {
      const fail = (line: number, message: string, errno: number): Next<MaxmemVars> =>
        ask(libxlError(`libxl_mem.c:${line}:${SET_MAXMEM}`, v.domid, message, errno), 'unlock', {
          ...v,
          rc: ERROR_FAIL,
        });
      const path = `/local/domain/${v.domid}/memory/target`;
      const value = xsReply(reply).value;
      if (value === undefined) return fail(44, `cannot get memory info from ${path}`, ENOENT);
      if (!/^[0-9]+$/.test(value)) return fail(50, `invalid memory ${value} from ${path}\n`, ENOENT);
      // No system call failed here: the errno shown is one left over.
      if (u64(v.maxMemkb) < u64(value)) {
        return fail(59, 'memory_static_max must be greater than or or equal to memory_dynamic_max', 38);
      }
      return ask(setmaxmem(v.domid, BigInt(v.maxMemkb) + BigInt(LIBXL_MAXMEM_CONSTANT)), 'limited', v);
    },
    limited: (v, reply) => {
      if (reply.rc >= 0) {
        const path = `/local/domain/${v.domid}/memory/static-max`;
        return ask(xs({ op: 'write', path, value: u64Text(BigInt(v.maxMemkb)) }), 'unlock', { ...v, rc: 0 });
      }
      const limit = u64(BigInt(v.maxMemkb) + BigInt(LIBXL_MAXMEM_CONSTANT));
      const message = `xc_domain_setmaxmem domid=${v.domid} memkb=${limit} failed rc=-1\n`;
      return ask(libxlError(`libxl_mem.c:78:${SET_MAXMEM}`, v.domid, message, -reply.rc), 'unlock', {
        ...v,
        rc: ERROR_FAIL,
      });
    },
    unlock: (v) => ask({ kind: 'unlock', path: userdataLock(v.domid) }, 'end', v),
    end: (v) => done({ rc: v.rc ?? ERROR_FAIL }),
  },
});

export const libxlMemFlows: Readonly<Record<string, Flow>> = {
  libxl__lock_domain_userdata: lockUserdata,
  libxl_set_memory_target: setMemoryTarget,
  libxl__fill_dom0_memory_info: fillDom0MemoryInfo,
  libxl_domain_setmaxmem: domainSetmaxmem,
};
