/**
 * A domain's name and its end.
 *
 * Models libxl__domain_rename(), libxl__domain_destroy() and libxl__destroy_domid(), tools/libs/light/libxl_domain.c.
 */
import { EAGAIN } from '../hypervisor/errno.ts';
import { domId } from '../hypervisor/units.ts';
import { ERROR_DOMAIN_NOTFOUND, ERROR_FAIL, ERROR_INVAL } from './libxl-errno.ts';
import {
  ask,
  call,
  done,
  type Flow,
  flow,
  goto,
  hypercall,
  hypercallReply,
  type Request,
  xs,
  xsReply,
} from './task.ts';
import { libxlError } from './xl-log.ts';

interface RenameVars {
  readonly domid: number;
  /** What the name must be now; null skips the check. */
  readonly oldName: string | null;
  readonly newName: string;
  /** The caller's transaction; without one the flow makes its own. */
  readonly tx?: number;
  readonly own?: boolean;
  readonly uuid?: string;
  readonly rc?: number;
}

const RENAME_SITE = 'libxl__domain_rename';

/** Gives a domain a name nobody else has (an empty one is free). Done value { rc }. */
const domainRename = flow<RenameVars>({
  name: 'libxl__domain_rename',
  steps: {
    start: (v) =>
      v.tx === undefined
        ? ask(xs({ op: 'transaction_start' }), 'started', v)
        : goto('old', { ...v, own: false }),
    started: (v, reply) => goto('old', { ...v, tx: xsReply(reply).tx ?? 0, own: true }),
    old: (v) => ask(xs({ op: 'read', path: `/local/domain/${v.domid}/vm`, tx: v.tx! }), 'vm', v),
    vm: (v, reply) => {
      const vm = xsReply(reply).value ?? '';
      const next = { ...v, uuid: vm.slice('/vm/'.length) };
      return v.oldName === null
        ? goto('unique', next)
        : ask(xs({ op: 'read', path: `/local/domain/${v.domid}/name`, tx: v.tx! }), 'checkOld', next);
    },
    checkOld: (v, reply) => {
      const got = xsReply(reply).value;
      if (got === undefined) {
        const message = `check old name for domain ${v.domid} allegedly named ${v.oldName}`;
        return ask(libxlError(`libxl_domain.c:55:${RENAME_SITE}`, v.domid, message), 'fail', {
          ...v,
          rc: ERROR_FAIL,
        });
      }
      if (got !== v.oldName) {
        const message = `domain ${v.domid} allegedly named ${v.oldName} is actually named ${got} - racing ?`;
        return ask(libxlError(`libxl_domain.c:61:${RENAME_SITE}`, v.domid, message), 'fail', {
          ...v,
          rc: ERROR_FAIL,
        });
      }
      return goto('unique', v);
    },
    unique: (v) =>
      v.newName === ''
        ? goto('write', v)
        : call('libxl_name_to_domid', { name: v.newName }, 'uniqueChecked', v),
    uniqueChecked: (v, reply) => {
      if (reply.rc === ERROR_INVAL) return goto('write', v);
      if (reply.rc === 0 && reply.domid === v.domid) return goto('write', v);
      const message =
        reply.rc === 0
          ? `Domain with name "${v.newName}" already exists.`
          : 'unexpected error checking for existing domain';
      const site =
        reply.rc === 0
          ? (`libxl_domain.c:81:${RENAME_SITE}` as const)
          : (`libxl_domain.c:77:${RENAME_SITE}` as const);
      return ask(libxlError(site, v.domid, message), 'fail', {
        ...v,
        rc: reply.rc === 0 ? ERROR_INVAL : reply.rc,
      });
    },
    write: (v) =>
      ask(
        [
          xs({ op: 'write', path: `/local/domain/${v.domid}/name`, value: v.newName, tx: v.tx! }),
          ...(v.uuid === ''
            ? []
            : [xs({ op: 'write', path: `/vm/${v.uuid}/name`, value: v.newName, tx: v.tx! })]),
        ],
        'commit',
        v,
      ),
    commit: (v) =>
      v.own === true
        ? ask(xs({ op: 'transaction_end', tx: v.tx!, abort: false }), 'committed', v)
        : done({ rc: 0 }),
    committed: (v, reply) =>
      reply.rc === -EAGAIN
        ? goto('start', { domid: v.domid, oldName: v.oldName, newName: v.newName })
        : done({ rc: reply.rc === 0 ? 0 : ERROR_FAIL }),
    fail: (v) =>
      v.own === true
        ? ask(xs({ op: 'transaction_end', tx: v.tx!, abort: true }), 'failed', v)
        : goto('failed', v),
    failed: (v) => done({ rc: v.rc ?? ERROR_FAIL }),
  },
});

interface DestroyVars {
  readonly domid: number;
  /** Kinds of device still to be looked into, and the devices found. */
  readonly kinds?: readonly string[];
  readonly devices?: readonly string[];
  readonly vm?: string;
  /** The directory that held the backend just removed. */
  readonly above?: string;
  readonly rc?: number;
}

const DESTROY_SITE = 'libxl__destroy_domid';

/** Removes what a device has in xenstore: its frontend, libxl's record, its backend. */
function removeDevice(
  device: string,
  domid: number,
  paths: { frontend: string; backend: string },
): Request[] {
  const rm = (path: string): Request => xs({ op: 'rm', path });
  const libxl = `/libxl/${domid}/device/${device}`;
  const gone = [rm(paths.frontend), rm(libxl), rm(paths.backend)];
  // xenconsoled needs no telling; any other backend is told to close first.
  if (device.startsWith('console/')) return gone;
  return [xs({ op: 'write', path: `${paths.backend}/state`, value: '6' }), ...gone];
}

/**
 * Destroys a domain: pauses it, removes its devices and its places in xenstore, then its memory.
 * Done value { rc }: 0 or libxl's error. Models libxl_domain_destroy().
 */
const domainDestroy = flow<DestroyVars>({
  name: 'libxl_domain_destroy',
  steps: {
    start: (v) =>
      ask(
        hypercall('XEN_SYSCTL_getdomaininfolist', { firstDomain: domId(v.domid), maxDomains: 1 }),
        'info',
        v,
      ),
    info: (v, reply) => {
      const found =
        reply.rc >= 0 ? hypercallReply('XEN_SYSCTL_getdomaininfolist', reply).infos[0] : undefined;
      if (found?.domid !== v.domid) {
        const text = 'Non-existant domain';
        return ask(libxlError(`libxl_domain.c:1183:${DESTROY_SITE}`, v.domid, text), 'failed', {
          ...v,
          rc: ERROR_DOMAIN_NOTFOUND,
        });
      }
      return ask(hypercall('XEN_DOMCTL_pausedomain', { domid: domId(v.domid) }), 'paused', v);
    },
    paused: (v, reply) => {
      const list = xs({ op: 'directory', path: `/libxl/${v.domid}/device` });
      if (reply.rc >= 0) return ask(list, 'kinds', v);
      const message = `xc_domain_pause failed for ${v.domid}`;
      return ask(
        [libxlError(`libxl_domain.c:1194:${DESTROY_SITE}`, v.domid, message, -reply.rc), list],
        'kinds',
        v,
      );
    },
    kinds: (v, reply) => goto('kind', { ...v, kinds: xsReply(reply).entries ?? [], devices: [] }),
    kind: (v) => {
      const kind = v.kinds?.[0];
      if (kind === undefined) return goto('device', v);
      return ask(xs({ op: 'directory', path: `/libxl/${v.domid}/device/${kind}` }), 'kindListed', v);
    },
    kindListed: (v, reply) => {
      const [kind, ...kinds] = v.kinds ?? [];
      const found = (xsReply(reply).entries ?? []).map((id) => `${kind}/${id}`);
      return goto('kind', { ...v, kinds, devices: [...(v.devices ?? []), ...found] });
    },
    device: (v) => {
      const device = v.devices?.[0];
      if (device === undefined) return ask(xs({ op: 'read', path: `/local/domain/${v.domid}/vm` }), 'vm', v);
      return ask(xs({ op: 'read', path: `/libxl/${v.domid}/device/${device}/frontend` }), 'frontend', v);
    },
    frontend: (v, reply) => {
      const device = v.devices![0]!;
      const read = xs({ op: 'read', path: `/libxl/${v.domid}/device/${device}/backend` });
      return ask(read, 'backend', { ...v, vm: xsReply(reply).value ?? '' });
    },
    backend: (v, reply) => {
      const [device, ...devices] = v.devices!;
      const paths = { frontend: v.vm ?? '', backend: xsReply(reply).value ?? '' };
      const above = paths.backend.slice(0, Math.max(0, paths.backend.lastIndexOf('/')));
      const requests = removeDevice(device!, v.domid, paths);
      if (above === '') return ask(requests, 'device', { ...v, devices });
      return ask([...requests, xs({ op: 'directory', path: above })], 'above', { ...v, devices, above });
    },
    // The directory of the guest's backends of one kind goes with the last of them. Models libxl__xs_path_cleanup().
    above: (v, reply) => {
      const { above, ...rest } = v;
      const isEmpty = reply.rc === 0 && (xsReply(reply).entries ?? []).length === 0;
      return isEmpty ? ask(xs({ op: 'rm', path: above ?? '' }), 'device', rest) : goto('device', rest);
    },
    vm: (v, reply) => {
      const vm = xsReply(reply).value;
      const rm = (path: string): Request => xs({ op: 'rm', path });
      return ask(
        [
          ...(vm === undefined ? [] : [rm(vm)]),
          rm(`/local/domain/${v.domid}`),
          rm(`/libxl/${v.domid}`),
          rm(`/local/domain/${v.domid}/hvmloader`),
          { kind: 'userdata', op: 'unlink-all', domid: v.domid, name: '' },
          hypercall('XEN_DOMCTL_destroydomain', { domid: domId(v.domid) }),
        ],
        'destroyed',
        v,
      );
    },
    destroyed: (v, reply) => {
      if (reply.rc < 0) {
        const message = `xc_domain_destroy failed for ${v.domid}`;
        return ask(
          libxlError(`libxl_domain.c:1326:domain_destroy_domid_cb`, v.domid, message, -reply.rc),
          'failed',
          { ...v, rc: ERROR_FAIL },
        );
      }
      return ask({ kind: 'recent-domid', op: 'mark', domid: v.domid }, 'marked', v);
    },
    marked: () => done({ rc: 0 }),
    failed: (v) =>
      ask(
        [
          libxlError('libxl_domain.c:1137:domain_destroy_callback', v.domid, 'Unable to destroy guest'),
          libxlError('libxl_domain.c:1064:domain_destroy_cb', v.domid, 'Destruction of domain failed'),
        ],
        'end',
        v,
      ),
    end: (v) => done({ rc: v.rc ?? ERROR_FAIL }),
  },
});

export const libxlDomainFlows: Readonly<Record<string, Flow>> = {
  libxl__domain_rename: domainRename,
  libxl_domain_destroy: domainDestroy,
};
