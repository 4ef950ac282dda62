/** xl's vcpus: vcpu-list, vcpu-pin. Models tools/xl/xl_vcpu.c and libxl_list_vcpu(), tools/libs/light/libxl_domain.c. */
import type { HypercallReply } from '../hypervisor/privcmd.ts';
import { type DomId, domId } from '../hypervisor/units.ts';
import { foundDomid, foundNames, listedInfos } from './libxl-list.ts';
import { sprintf } from './printf.ts';
import { ask, call, done, type Flow, flow, hypercall, hypercallReply, type Next } from './task.ts';
import { printBitmap } from './xl-bitmap.ts';
import type { CommandArgs } from './xl-env.ts';
import { endWith } from './xl-exit.ts';
import { defGetopt } from './xl-getopt.ts';
import { libxlError, stderrText, stdoutText } from './xl-log.ts';

type VcpuReply = HypercallReply<'XEN_DOMCTL_getvcpuinfo'>;

/** Xen: libxl_vcpuinfo. */
export interface VcpuInfo extends VcpuReply {
  readonly vcpuid: number;
  /** cpumap and cpumap_soft. */
  readonly hard: readonly number[];
  readonly soft: readonly number[];
}

interface ListVcpuVars {
  readonly domid: DomId;
  readonly maxVcpuId?: number;
  readonly vcpus?: readonly VcpuInfo[];
  readonly current?: VcpuReply;
}

/** Asks for the next vcpu, or ends with all. */
function nextVcpu(vars: ListVcpuVars): Next<ListVcpuVars> {
  const vcpu = vars.vcpus?.length ?? 0;
  if (vcpu > (vars.maxVcpuId ?? -1)) return done({ rc: 0, vcpus: vars.vcpus ?? [] });
  return ask(hypercall('XEN_DOMCTL_getvcpuinfo', { domid: vars.domid, vcpu }), 'info', vars);
}

/** Xen: libxl_list_vcpu. `{ domid }`; done `{ rc: 0, vcpus }`, or `{ rc: -1 }` after a log line. */
const listVcpu = flow<ListVcpuVars>({
  name: 'libxl_list_vcpu',
  steps: {
    start: (vars) => {
      const args = { firstDomain: vars.domid, maxDomains: 1 };
      return ask(hypercall('XEN_SYSCTL_getdomaininfolist', args), 'domain', vars);
    },
    domain: (vars, reply) => {
      const { rc, infos } = hypercallReply('XEN_SYSCTL_getdomaininfolist', reply);
      const info = infos?.[0];
      if (rc < 0 || info === undefined) return fail(vars, 1667, 'Getting infolist', rc < 0 ? -rc : undefined);
      return nextVcpu({ domid: vars.domid, maxVcpuId: info.maxVcpuId, vcpus: [] });
    },
    info: (vars, reply) => {
      const current = hypercallReply('XEN_DOMCTL_getvcpuinfo', reply);
      if (current.rc < 0) return fail(vars, 1691, 'Getting vcpu info', -current.rc);
      const vcpu = vars.vcpus?.length ?? 0;
      return ask(hypercall('XEN_DOMCTL_getvcpuaffinity', { domid: vars.domid, vcpu }), 'affinity', {
        ...vars,
        current,
      });
    },
    affinity: (vars, reply) => {
      const { rc, hard, soft } = hypercallReply('XEN_DOMCTL_getvcpuaffinity', reply);
      if (rc < 0 || vars.current === undefined) return fail(vars, 1698, 'Getting vcpu affinity', -rc);
      const vcpus = vars.vcpus ?? [];
      return nextVcpu({ ...vars, vcpus: [...vcpus, { ...vars.current, vcpuid: vcpus.length, hard, soft }] });
    },
    failed: () => done({ rc: -1 }),
  },
});

const fail = (vars: ListVcpuVars, line: number, message: string, errno?: number): Next<ListVcpuVars> =>
  ask(libxlError(`libxl_domain.c:${line}:libxl_list_vcpu`, vars.domid, message, errno), 'failed', vars);

/** Models print_vcpuinfo(). */
function vcpuRow(name: string | null, domid: number, vcpu: VcpuInfo, nrCpus: number): string {
  const where = vcpu.online
    ? sprintf('%5u %3c%c- ', vcpu.cpu, vcpu.running ? 'r' : '-', vcpu.blocked ? 'b' : '-')
    : sprintf('%5c %3c%cp ', '-', '-', '-');
  const time = sprintf('%9.1f  ', Math.fround(vcpu.cpuTime) / 1e9);
  const affinity = `${printBitmap(vcpu.hard, nrCpus)} / ${printBitmap(vcpu.soft, nrCpus)}`;
  return `${sprintf('%-32s %5u %5u', name, domid, vcpu.vcpuid)}${where}${time}${affinity}\n`;
}

type VcpuListVars = CommandArgs & {
  readonly nrCpus?: number;
  /** Words still to be looked up; null once the list of all domains is used. */
  readonly words?: readonly string[];
  readonly domids?: readonly number[];
  readonly vcpus?: readonly VcpuInfo[];
};

/** Goes on with the next domain or the next word. */
function nextDomain(vars: VcpuListVars): Next<VcpuListVars> {
  const domid = vars.domids?.[0];
  if (domid !== undefined) return call('libxl_list_vcpu', { domid: domId(domid) }, 'vcpus', vars);
  const word = vars.words?.[0];
  return word === undefined ? done({ rc: 0 }) : call('find_domain', { p: word }, 'found', vars);
}

/** Xen: main_vcpulist. `xl vcpu-list [Domain…]`; 0 even where a part failed. */
const mainVcpulist = flow<VcpuListVars>({
  name: 'main_vcpulist',
  steps: {
    start: (vars) => {
      const parsed = defGetopt(vars.argv, { command: 'vcpu-list', short: '', minArgs: 0 });
      if (!parsed.ok) return endWith(parsed, vars);
      return ask(hypercall('XEN_SYSCTL_physinfo', {}), 'physinfo', { ...vars, words: parsed.args });
    },
    physinfo: (vars, reply) => {
      const { rc, info } = hypercallReply('XEN_SYSCTL_physinfo', reply);
      if (rc < 0) {
        const line = libxlError('libxl.c:361:libxl_get_physinfo', null, 'getting physinfo', -rc);
        return ask([line, stderrText('libxl_physinfo failed.\n')], 'failed', vars);
      }
      const head = ['Name', 'ID', 'VCPU', 'CPU', 'State', 'Time(s)', 'Affinity (Hard / Soft)'] as const;
      const text = sprintf('%-32s %5s %5s %5s %5s %9s %s\n', ...head);
      return ask(stdoutText(text), 'headed', { ...vars, nrCpus: info.nrCpus });
    },
    headed: (vars) =>
      (vars.words ?? []).length === 0
        ? call('libxl_list_domain', {}, 'listed', vars)
        : nextDomain({ ...vars, domids: [] }),
    listed: (vars, reply) => {
      if (reply.rc !== 0) return ask(stderrText('libxl_list_domain failed.\n'), 'failed', vars);
      return nextDomain({ ...vars, domids: listedInfos(reply).map((info) => info.domid) });
    },
    found: (vars, reply) => {
      if (reply.rc !== 0) return done({ rc: 1 });
      return nextDomain({ ...vars, words: vars.words?.slice(1) ?? [], domids: [foundDomid(reply)] });
    },
    vcpus: (vars, reply) => {
      const domid = vars.domids?.[0] ?? 0;
      if (reply.rc !== 0) return nextDomain({ ...vars, domids: vars.domids?.slice(1) ?? [] });
      const next = { ...vars, vcpus: reply.vcpus as readonly VcpuInfo[] };
      return call('libxl_domid_to_name', { domids: [domid] }, 'named', next);
    },
    named: (vars, reply) => {
      const name = foundNames(reply)[0] ?? null;
      const rows = (vars.vcpus ?? []).map((v) => vcpuRow(name, vars.domids?.[0] ?? 0, v, vars.nrCpus ?? 0));
      return ask(rows.length === 0 ? [] : stdoutText(rows.join('')), 'printed', vars);
    },
    printed: (vars) => nextDomain({ ...vars, domids: vars.domids?.slice(1) ?? [] }),
    failed: () => done({ rc: 0 }),
    exit: (_vars, reply) => done({ rc: reply.rc }),
  },
});

/** The flows of this file by name. */
export const xlVcpuFlows: Readonly<Record<string, Flow>> = {
  libxl_list_vcpu: listVcpu,
  main_vcpulist: mainVcpulist,
};
