/**
 * A domain's configuration as it is now: the stored one, brought up to date. Models
 * libxl_retrieve_domain_configuration(), tools/libs/light/libxl_domain.c.
 *
 * Simplified: devices are those of the stored configuration (nothing attaches or detaches them here), and the vcpus a
 * device model has are those xenstore calls online.
 */
import type { GetDomainInfo } from '../hypervisor/privcmd.ts';
import { type DomId, type KiB, kib } from '../hypervisor/units.ts';
import { type DomainConfig, type DomainConfigDraft, domainConfigType } from './domain-config.ts';
import { ERROR_FAIL } from './libxl-errno.ts';
import { fromJson, genJson } from './libxl-json.ts';
import { foundNames, oneInfo } from './libxl-list.ts';
import { ask, call, done, type Flow, flow, type Next, xs, xsReply } from './task.ts';
import { MEMKB_DEFAULT, u64, u64Number } from './u64.ts';
import { libxlError } from './xl-log.ts';

interface RetrieveVars {
  readonly domid: DomId;
  /** The stored JSON; parsed anew where it is needed. */
  readonly json?: string;
  readonly name?: string;
  readonly info?: GetDomainInfo;
  readonly availVcpus?: readonly number[];
  /** How many vcpus have been looked at. */
  readonly vcpu?: number;
  readonly targetMemkb?: string;
}

const stored = (vars: RetrieveVars): DomainConfigDraft | null => fromJson(domainConfigType, vars.json ?? '');

const fail = (vars: RetrieveVars, where: string, message: string, errno?: number): Next<RetrieveVars> =>
  ask(libxlError(where as `${string}.c:${number}:${string}`, vars.domid, message, errno), 'failed', vars);

const LOCKED = 'libxl_domain.c:2336:retrieve_domain_configuration_lock_acquired';
const END = 'libxl_domain.c:2479:retrieve_domain_configuration_end';

/** Asks whether the next vcpu is online, or for memory when all are known. Models libxl__update_avail_vcpus_xenstore(). */
function nextVcpu(vars: RetrieveVars): Next<RetrieveVars> {
  const vcpu = vars.vcpu ?? 0;
  if (vcpu >= (stored(vars)?.bInfo.maxVcpus ?? 0)) {
    return ask(xs({ op: 'read', path: `/local/domain/${vars.domid}/memory/target` }), 'target', vars);
  }
  return ask(xs({ op: 'read', path: `/local/domain/${vars.domid}/cpu/${vcpu}/availability` }), 'vcpu', vars);
}

/** KiB that memory/target leaves out, of a stored configuration. Models libxl__get_targetmem_fudge(). */
function storedFudge(config: DomainConfig): bigint {
  const { videoMemkb, maxMemkb, targetMemkb } = config.bInfo;
  const value = (memkb: KiB | null): bigint => (memkb === null ? MEMKB_DEFAULT : u64(memkb));
  const pod = config.cInfo.type === 'hvm' && value(maxMemkb) > value(targetMemkb);
  return value(videoMemkb) + (pod ? 1024n : 0n);
}

/** The nil UUID counts as none. Models libxl_uuid_is_nil(). */
const isNil = (uuid: string): boolean => /^[0-]*$/.test(uuid);

/** The stored configuration with what Xen and xenstore say now. */
function current(vars: RetrieveVars, config: DomainConfigDraft, maxMemkb: string): DomainConfigDraft {
  const { weight, cap } = config.bInfo.schedParams;
  const target = u64Number(u64(vars.targetMemkb ?? '0') + storedFudge(config));
  return {
    ...config,
    cInfo: {
      ...config.cInfo,
      name: vars.name ?? null,
      uuid: isNil(vars.info?.handle ?? '') ? null : (vars.info?.handle ?? null),
    },
    bInfo: {
      ...config.bInfo,
      availVcpus: [...(vars.availVcpus ?? [])],
      targetMemkb: kib(target),
      maxMemkb: kib(u64Number(u64(maxMemkb))),
      schedParams: {
        ...config.bInfo.schedParams,
        sched: 'credit2',
        weight: weight === -1 ? 256 : weight,
        cap: cap === -1 ? 0 : cap,
      },
    },
  };
}

/** xenstore's number, or null where there is none. */
const decimal = (value: string | undefined): string | null =>
  value !== undefined && /^[0-9]+$/.test(value) ? value : null;

/** `{ domid }`; done `{ rc: 0, json, uuid }`, the configuration as libxl's JSON, or `{ rc: ERROR_FAIL }` after a log line. */
const retrieve = flow<RetrieveVars>({
  name: 'libxl_retrieve_domain_configuration',
  steps: {
    start: (vars) =>
      ask({ kind: 'userdata', op: 'retrieve', domid: vars.domid, name: 'libxl-json' }, 'stored', vars),
    stored: (given, reply) => {
      const vars = { ...given, json: (reply.text as string | null) ?? '' };
      const config = reply.rc < 0 ? null : stored(vars);
      if (config === null) return fail(vars, LOCKED, 'Fail to get domain configuration');
      if (config.cInfo.type !== 'hvm')
        return call('libxl_domid_to_name', { domids: [vars.domid] }, 'named', vars);
      return ask(xs({ op: 'read', path: `/libxl/${vars.domid}/dm-version` }), 'dmVersion', vars);
    },
    dmVersion: (vars, reply) =>
      xsReply(reply).value === 'qemu_xen'
        ? ask({ kind: 'file', op: 'stat', path: `/var/run/xen/qmp-libxl-${vars.domid}` }, 'qmp', vars)
        : call('libxl_domid_to_name', { domids: [vars.domid] }, 'named', vars),
    qmp: (vars, reply) => {
      if (reply.rc >= 0) return call('libxl_domid_to_name', { domids: [vars.domid] }, 'named', vars);
      const message = `Failed to connect to QMP socket /var/run/xen/qmp-libxl-${vars.domid}`;
      return fail(vars, 'libxl_qmp.c:1334:qmp_ev_lock_aquired', message, -reply.rc);
    },
    named: (vars, reply) => {
      const name = foundNames(reply)[0] ?? null;
      if (name === null) return fail(vars, END, 'Fail to get domain name');
      return call('libxl_domain_info', { domid: vars.domid }, 'info', { ...vars, name });
    },
    info: (vars, reply) => {
      if (reply.rc !== 0) return fail(vars, END, 'Fail to get domain info');
      return nextVcpu({ ...vars, info: oneInfo(reply), availVcpus: [], vcpu: 0 });
    },
    vcpu: (vars, reply) => {
      const vcpu = vars.vcpu ?? 0;
      const online = xsReply(reply).value === 'online' ? [vcpu] : [];
      return nextVcpu({ ...vars, vcpu: vcpu + 1, availVcpus: [...(vars.availVcpus ?? []), ...online] });
    },
    target: (vars, reply) => {
      const target = decimal(xsReply(reply).value);
      if (target === null) return fail(vars, END, 'Fail to get memory target');
      const path = `/local/domain/${vars.domid}/memory/static-max`;
      return ask(xs({ op: 'read', path }), 'staticMax', { ...vars, targetMemkb: target });
    },
    staticMax: (vars, reply) => {
      const max = decimal(xsReply(reply).value);
      const config = stored(vars);
      if (max === null || config === null) return fail(vars, END, 'Fail to get memory target');
      const json = genJson(domainConfigType, current(vars, config, max));
      return done({ rc: 0, json, uuid: vars.info?.handle ?? null });
    },
    failed: () => done({ rc: ERROR_FAIL }),
  },
});

/** The flows of this file by name. */
export const libxlRetrieveFlows: Readonly<Record<string, Flow>> = {
  libxl_retrieve_domain_configuration: retrieve,
};
