/**
 * Making room for a guest by shrinking dom0, before the guest is created.
 *
 * Models freemem(), tools/xl/xl_vmcontrol.c, libxl_wait_for_memory_target() and libxl_wait_for_free_memory(),
 * tools/libs/light/libxl_mem.c, in the forms they had over the releases.
 */

import { domId } from '../hypervisor/units.ts';
import type { DomainConfig } from './domain-config.ts';
import { ERROR_FAIL, ERROR_NOMEM } from './libxl-errno.ts';
import { domainConfigSetdefault, domainNeedMemory } from './libxl-setdefault.ts';
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
  xs,
  xsReply,
} from './task.ts';
import type { XlEnv } from './xl-env.ts';

/** How a release goes about it. Plain data, one row per change. */
export interface FreememPolicy {
  /** The first release of this form, as [major, minor]. */
  readonly since: readonly [number, number];
  /** Tries in all, or null where time decides. */
  readonly retries: number | null;
  /** Seconds of waiting in all, or null where tries decide. */
  readonly credit: number | null;
  /** Whether free memory up to `freemem-slack` (at most 15 % of the host) is left alone. */
  readonly slack: boolean;
  /** Seconds to wait for Xen's free memory before looking at dom0's target, 0 for not at all. */
  readonly waitFree: number;
  /** Seconds to wait for dom0 to come nearer to its target. */
  readonly waitTarget: number;
}

/** Newest first. */
const FREEMEM_POLICIES: readonly FreememPolicy[] = [
  { since: [4, 17], retries: null, credit: 30, slack: false, waitFree: 0, waitTarget: 10 },
  { since: [4, 6], retries: 3, credit: null, slack: false, waitFree: 0, waitTarget: 10 },
  { since: [4, 1], retries: 3, credit: null, slack: true, waitFree: 10, waitTarget: 1 },
];

/** The form a profile's release has; a profile that is no release has the newest. */
export function freememPolicy(profile: string): FreememPolicy {
  const found = /^([0-9]+)\.([0-9]+)/.exec(profile);
  const newest = FREEMEM_POLICIES[0]!;
  if (found === null) return newest;
  const version = Number(found[1]) * 1000 + Number(found[2]);
  return FREEMEM_POLICIES.find((p) => version >= p.since[0] * 1000 + p.since[1]) ?? newest;
}

const SECOND = 1e9;
const KIB_PER_PAGE = 4;
/** 15 % of the host. Xen: LIBXL's limit of freemem-slack. */
const SLACK_PERCENT = 15n;

interface FreememVars {
  readonly env: XlEnv;
  readonly config: DomainConfig;
  /** KiB as decimal text. */
  readonly need?: string;
  readonly free?: string;
  readonly slack?: string;
  readonly credit?: number;
  readonly retries?: number;
  readonly startNs?: number;
}

const physinfo = hypercall('XEN_SYSCTL_physinfo', {});

/** Another round, or failure when tries or time are used up. */
function again(v: FreememVars, elapsed: number): Next<FreememVars> {
  const credit = (v.credit ?? 0) - elapsed;
  return ask(physinfo, 'free', { ...v, credit, retries: (v.retries ?? 0) - 1 });
}

/**
 * Frees what the guest of `config` needs. Done { rc }: 0 when there is enough, ERROR_FAIL when not.
 * The lock is the caller's. Claims are not subtracted from what is free: that is upstream's flaw, kept.
 */
const freemem = flow<FreememVars>({
  name: 'freemem',
  clock: ['startNs'],
  steps: {
    start: (v) => ask(physinfo, 'settle', v),
    settle: (v, reply) => {
      if (reply.rc < 0) return done({ rc: ERROR_FAIL });
      const info = hypercallReply('XEN_SYSCTL_physinfo', reply).info;
      const settled = domainConfigSetdefault(v.config, info, v.config.cInfo.uuid ?? '');
      if (settled.settled === null) return ask(settled.requests, 'refused', v);
      const policy = freememPolicy(v.env.profile);
      const next = {
        ...v,
        need: domainNeedMemory(settled.settled).toString(),
        credit: policy.credit ?? 0,
        retries: policy.retries ?? 0,
      };
      if (policy.slack)
        return ask(xs({ op: 'read', path: '/local/domain/0/memory/freemem-slack' }), 'slack', next);
      return ask(physinfo, 'free', { ...next, slack: '0' });
    },
    refused: () => done({ rc: ERROR_FAIL }),
    slack: (v, reply) => {
      const value = xsReply(reply).value;
      return ask(physinfo, 'free', { ...v, slack: /^[0-9]+$/.test(value ?? '') ? value! : '-1' });
    },
    free: (v, reply) => {
      if (reply.rc < 0) return done({ rc: ERROR_FAIL });
      const info = hypercallReply('XEN_SYSCTL_physinfo', reply).info;
      const total = BigInt(info.totalPages) * 4n;
      const all = BigInt(info.freePages + info.scrubPages) * 4n;
      const limit = (total * SLACK_PERCENT) / 100n;
      const asked = BigInt(v.slack ?? '0');
      // Without a node, what was free at first is the slack.
      const slack = asked < 0n || asked > limit ? (all < limit ? all : limit) : asked;
      const usable = freememPolicy(v.env.profile).slack ? (all > slack ? all - slack : 0n) : all;
      if (usable >= BigInt(v.need!)) return done({ rc: 0 });
      const policy = freememPolicy(v.env.profile);
      const spent = policy.credit === null ? (v.retries ?? 0) <= 0 : (v.credit ?? 0) <= 0;
      if (spent) return done({ rc: ERROR_FAIL });
      const target = (usable - BigInt(v.need!)).toString();
      const args = { domid: 0, target, relative: true, enforce: false };
      return call('libxl_set_memory_target', args, 'targeted', { ...v, free: usable.toString() });
    },
    targeted: (v, reply) => (reply.rc === 0 ? ask({ kind: 'now' }, 'waiting', v) : done({ rc: ERROR_FAIL })),
    waiting: (v, reply) => {
      const next = { ...v, startNs: Number(reply.ns) };
      const { waitFree } = freememPolicy(v.env.profile);
      if (waitFree > 0)
        return call('libxl_wait_for_free_memory', { need: v.need, seconds: waitFree }, 'freeWaited', next);
      return goto('waitTarget', next);
    },
    freeWaited: (v, reply) => (reply.rc === 0 ? done({ rc: 0 }) : goto('waitTarget', v)),
    waitTarget: (v) =>
      call(
        'libxl_wait_for_memory_target',
        { domid: 0, seconds: freememPolicy(v.env.profile).waitTarget },
        'waited',
        v,
      ),
    waited: (v, reply) => {
      const policy = freememPolicy(v.env.profile);
      if (reply.rc !== 0 && policy.waitFree === 0) return done({ rc: ERROR_FAIL });
      return ask({ kind: 'now' }, 'counted', v);
    },
    counted: (v, reply) => again(v, Math.floor((Number(reply.ns) - (v.startNs ?? 0)) / SECOND)),
  },
});

interface WaitTargetVars {
  readonly domid: number;
  readonly seconds: number;
  readonly target?: number;
  /** KiB at the last look; -1 before the first. */
  readonly previous?: number;
}

/**
 * Waits while a domain comes nearer to its target: two seconds a look, giving up after `seconds` without progress, or
 * at once when it grows. Done { rc }.
 */
const waitForMemoryTarget = flow<WaitTargetVars>({
  name: 'libxl_wait_for_memory_target',
  steps: {
    start: (v) => ask(xs({ op: 'read', path: `/local/domain/${v.domid}/memory/target` }), 'target', v),
    target: (v, reply) => {
      const value = xsReply(reply).value;
      if (value === undefined) return done({ rc: ERROR_FAIL });
      return ask({ kind: 'sleep', ns: 2 * SECOND }, 'look', { ...v, target: Number(value), previous: -1 });
    },
    look: (v) =>
      ask(
        hypercall('XEN_SYSCTL_getdomaininfolist', { firstDomain: domId(v.domid), maxDomains: 1 }),
        'info',
        v,
      ),
    info: (v, reply) => {
      const info = reply.rc > 0 ? hypercallReply('XEN_SYSCTL_getdomaininfolist', reply).infos[0] : undefined;
      if (info?.domid !== v.domid) return done({ rc: ERROR_FAIL });
      const current = (info.totPages + info.outstandingPages) * KIB_PER_PAGE;
      const previous = v.previous ?? -1;
      if (previous >= 0 && current > previous) return done({ rc: ERROR_FAIL });
      const seconds = current === previous ? v.seconds - 2 : v.seconds;
      const target = v.target ?? 0;
      if (current <= target) return done({ rc: 0 });
      if (seconds <= 0) return done({ rc: ERROR_FAIL });
      return ask({ kind: 'sleep', ns: 2 * SECOND }, 'look', { ...v, seconds, previous: current });
    },
  },
});

interface WaitFreeVars {
  readonly need: string;
  readonly seconds: number;
}

/** Looks once a second whether the host has `need` KiB free. Done { rc }: 0 or ERROR_NOMEM. */
const waitForFreeMemory = flow<WaitFreeVars>({
  name: 'libxl_wait_for_free_memory',
  steps: {
    start: (v) => ask(physinfo, 'free', v),
    free: (v, reply) => {
      if (reply.rc < 0) return done({ rc: ERROR_FAIL });
      const free = BigInt(hypercallReply('XEN_SYSCTL_physinfo', reply).info.freePages) * 4n;
      if (free >= BigInt(v.need)) return done({ rc: 0 });
      if (v.seconds <= 0) return done({ rc: ERROR_NOMEM });
      return ask({ kind: 'sleep', ns: SECOND }, 'start', { ...v, seconds: v.seconds - 1 });
    },
  },
});

export const xlFreememFlows: Readonly<Record<string, Flow>> = {
  freemem,
  libxl_wait_for_memory_target: waitForMemoryTarget,
  libxl_wait_for_free_memory: waitForFreeMemory,
};
