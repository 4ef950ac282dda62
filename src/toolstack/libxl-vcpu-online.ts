/** `xl vcpu-set`. Models libxl_set_vcpuonline(), tools/libs/light/libxl_domain.c, and vcpuset(), tools/xl/xl_vcpu.c. */
import type { GetDomainInfo } from '../hypervisor/privcmd.ts';
import type { DomId } from '../hypervisor/units.ts';
import { ERROR_DOMAIN_NOTFOUND, ERROR_FAIL } from './libxl-errno.ts';
import { foundDomid, oneInfo } from './libxl-list.ts';
import { strtoul } from './strtol.ts';
import {
  ask,
  call,
  done,
  type Flow,
  flow,
  hypercall,
  hypercallReply,
  type Next,
  xs,
  xsReply,
} from './task.ts';
import type { CommandArgs } from './xl-env.ts';
import { endWith } from './xl-exit.ts';
import { defGetopt } from './xl-getopt.ts';
import { libxlError, stderrText } from './xl-log.ts';

interface OnlineVars {
  readonly domid: DomId;
  /** The first so many vcpus are to be online. */
  readonly count: number;
  readonly info?: GetDomainInfo;
  readonly rc?: number;
}

const SITE = 'libxl_set_vcpuonline';

const fail = (vars: OnlineVars, line: number, message: string, rc: number): Next<OnlineVars> =>
  ask(libxlError(`libxl_domain.c:${line}:${SITE}`, vars.domid, message), 'failed', { ...vars, rc });

/** Says in xenstore which vcpus the guest is to use. Models libxl__set_vcpuonline_xenstore(). */
const begin = (vars: OnlineVars): Next<OnlineVars> => ask(xs({ op: 'transaction_start' }), 'started', vars);

/** Xen: libxl_set_vcpuonline. `{ domid, count }`; done `{ rc }`: 0, or an ERROR_* after a log line. */
const setVcpuonline = flow<OnlineVars>({
  name: 'libxl_set_vcpuonline',
  steps: {
    start: (vars) => call('libxl_domain_info', { domid: vars.domid }, 'info', vars),
    info: (vars, reply) => {
      if (reply.rc < 0) return fail(vars, 1856, 'Getting domain info list', reply.rc);
      const info = oneInfo(reply);
      if (vars.count === 0) return fail(vars, 1863, 'Requested 0 VCPUs!', ERROR_FAIL);
      const max = info.maxVcpuId + 1;
      if (vars.count > max) {
        return fail(vars, 1869, `Requested ${vars.count} VCPUs, however maxcpus is ${max}!`, ERROR_FAIL);
      }
      const next = { ...vars, info };
      if (info.type !== 'hvm') return begin(next);
      return ask(xs({ op: 'read', path: `/libxl/${vars.domid}/dm-version` }), 'dmVersion', next);
    },
    dmVersion: (vars, reply) =>
      xsReply(reply).value === 'qemu_xen'
        ? ask({ kind: 'file', op: 'stat', path: `/var/run/xen/qmp-libxl-${vars.domid}` }, 'qmp', vars)
        : begin(vars),
    // The device model plugs the vcpus in; here it is enough that it is there.
    qmp: (vars, reply) => {
      if (reply.rc >= 0) return begin(vars);
      const message = `Failed to connect to QMP socket /var/run/xen/qmp-libxl-${vars.domid}`;
      const line = libxlError('libxl_qmp.c:1334:qmp_ev_lock_aquired', vars.domid, message, -reply.rc);
      return ask(line, 'failed', { ...vars, rc: ERROR_FAIL });
    },
    started: (vars, reply) => {
      const tx = xsReply(reply).tx ?? 0;
      const max = (vars.info?.maxVcpuId ?? -1) + 1;
      const writes = Array.from({ length: max }, (_, vcpu) => {
        const path = `/local/domain/${vars.domid}/cpu/${vcpu}/availability`;
        return xs({ op: 'write', path, value: vcpu < vars.count ? 'online' : 'offline', tx });
      });
      return ask([...writes, xs({ op: 'transaction_end', tx, abort: false })], 'ended', vars);
    },
    // Somebody else wrote meanwhile: once more.
    ended: (vars, reply) => (reply.rc < 0 ? begin(vars) : done({ rc: 0 })),
    failed: (vars) => done({ rc: vars.rc ?? ERROR_FAIL }),
  },
});

type SetVars = CommandArgs & {
  readonly word?: string;
  readonly checkHost?: boolean;
  readonly domid?: DomId;
  readonly count?: number;
  readonly maxCpus?: number;
};

const refuse = (vars: SetVars, text: string): Next<SetVars> => ask(stderrText(text), 'failed', vars);

const INT_MAX = 2n ** 31n - 1n;

/** Xen: main_vcpuset. `xl vcpu-set [-i] Domain N`. */
const mainVcpuset = flow<SetVars>({
  name: 'main_vcpuset',
  steps: {
    start: (vars) => {
      const long = [{ name: 'ignore-host', val: 'i' }];
      const parsed = defGetopt(vars.argv, { command: 'vcpu-set', short: 'i', long, minArgs: 2 });
      if (!parsed.ok) return endWith(parsed, vars);
      const [domain = '', word = ''] = parsed.args;
      return call('find_domain', { p: domain }, 'found', {
        ...vars,
        word,
        checkHost: parsed.options.length === 0,
      });
    },
    found: (vars, reply) => {
      if (reply.rc !== 0) return done({ rc: reply.rc });
      const { value, end } = strtoul(vars.word ?? '', 10);
      if (end === 0 || value > INT_MAX) return refuse(vars, 'Error: Invalid argument.\n');
      const next = { ...vars, domid: foundDomid(reply), count: Number(value) };
      if (!vars.checkHost) return call('libxl_set_vcpuonline', online(next), 'set', next);
      return ask(hypercall('XEN_SYSCTL_physinfo', {}), 'physinfo', next);
    },
    physinfo: (vars, reply) => {
      const { rc, info } = hypercallReply('XEN_SYSCTL_physinfo', reply);
      const maxCpus = rc < 0 ? 0 : info.maxCpuId + 1;
      return call('libxl_domain_info', { domid: vars.domid }, 'info', { ...vars, maxCpus });
    },
    info: (vars, reply) => {
      if (reply.rc !== 0) return done({ rc: 1 });
      const [count, host] = [vars.count ?? 0, vars.maxCpus ?? 0];
      if (count > oneInfo(reply).nrOnlineVcpus && count > host) {
        const text = `You are overcommmitting! You have ${host} physical CPUs and want ${count} vCPUs! Aborting, use --ignore-host to continue\n`;
        return refuse(vars, text);
      }
      return call('libxl_set_vcpuonline', online(vars), 'set', vars);
    },
    set: (vars, reply) => {
      if (reply.rc === 0) return done({ rc: 0 });
      const text =
        reply.rc === ERROR_DOMAIN_NOTFOUND
          ? `Domain ${vars.domid} does not exist.\n`
          : `libxl_set_vcpuonline failed domid=${vars.domid} max_vcpus=${vars.count}, rc: ${reply.rc}\n`;
      return refuse(vars, text);
    },
    failed: () => done({ rc: 1 }),
    exit: (_vars, reply) => done({ rc: reply.rc }),
  },
});

const online = (vars: SetVars): object => ({ domid: vars.domid, count: vars.count });

/** The flows of this file by name. */
export const libxlVcpuOnlineFlows: Readonly<Record<string, Flow>> = {
  libxl_set_vcpuonline: setVcpuonline,
  main_vcpuset: mainVcpuset,
};
