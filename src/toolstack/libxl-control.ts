/**
 * Asking a guest to stop itself: a word in control/shutdown, and the guest's sign that it has read it.
 *
 * Models libxl__domain_pvcontrol() and domain_pvcontrol's wait, tools/libs/light/libxl_domain.c.
 */
import { EAGAIN } from '../hypervisor/errno.ts';
import { domId } from '../hypervisor/units.ts';
import { ERROR_DOMAIN_NOTFOUND, ERROR_NOPARAVIRT, ERROR_TIMEDOUT } from './libxl-errno.ts';
import { ask, done, type Flow, flow, goto, hypercall, hypercallReply, xs, xsReply } from './task.ts';
import { libxlError } from './xl-log.ts';

/** How long a guest has to acknowledge. Xen: LIBXL_GUEST_ACK_TIMEOUT, 60 s. */
const ACK_NS = 60e9;
const LOOK_NS = 1e9;

interface ControlVars {
  readonly domid: number;
  /** poweroff, reboot, suspend. */
  readonly word: string;
  readonly deadline?: number;
  readonly tx?: number;
}

const node = (v: ControlVars): string => `/local/domain/${v.domid}/control/shutdown`;

/**
 * Writes `word` and waits until the guest clears it. Done { rc }: 0; ERROR_NOPARAVIRT for an HVM guest without PV
 * drivers; ERROR_TIMEDOUT when the guest does not answer.
 */
const domainControl = flow<ControlVars>({
  name: 'libxl_domain_control',
  clock: ['deadline'],
  steps: {
    start: (v) =>
      ask(
        hypercall('XEN_SYSCTL_getdomaininfolist', { firstDomain: domId(v.domid), maxDomains: 1 }),
        'info',
        v,
      ),
    info: (v, reply) => {
      const info = reply.rc > 0 ? hypercallReply('XEN_SYSCTL_getdomaininfolist', reply).infos[0] : undefined;
      if (info?.domid !== v.domid) {
        const site = 'libxl_domain.c:1490:libxl__domain_pvcontrol';
        return ask(libxlError(site, v.domid, 'Non-existant domain'), 'missing', v);
      }
      if (info.type !== 'hvm') return goto('write', v);
      // PV drivers are there when the guest has asked for the callback. Without QEMU, a shut down guest has none either.
      return ask(xs({ op: 'read', path: `/local/domain/${v.domid}/control/feature-poweroff` }), 'drivers', v);
    },
    drivers: (v, reply) =>
      xsReply(reply).value === '1' || v.word === 'suspend'
        ? goto('write', v)
        : done({ rc: ERROR_NOPARAVIRT }),
    missing: () => done({ rc: ERROR_DOMAIN_NOTFOUND }),
    write: (v) => ask([xs({ op: 'write', path: node(v), value: v.word }), { kind: 'now' }], 'written', v),
    written: (v, reply) => goto('wait', { ...v, deadline: Number(reply.ns) + ACK_NS }),
    wait: (v) => ask(xs({ op: 'read', path: node(v) }), 'look', v),
    look: (v, reply) => {
      const value = xsReply(reply).value;
      // The node goes away with the domain: that answers as well.
      return value === undefined || value === '' ? done({ rc: 0 }) : ask({ kind: 'now' }, 'time', v);
    },
    time: (v, reply) => {
      const left = (v.deadline ?? 0) - Number(reply.ns);
      if (left <= 0) return goto('timeout', v);
      // An answer between the look and the wait is not missed for long.
      return ask({ kind: 'wait', paths: [node(v)], ns: Math.min(left, LOOK_NS) }, 'wait', v);
    },
    // A last look in a transaction, so that a late answer is not taken for none.
    timeout: (v) => ask([xs({ op: 'transaction_start' })], 'timeoutTx', v),
    timeoutTx: (v, reply) => {
      const tx = xsReply(reply).tx ?? 0;
      return ask(xs({ op: 'read', path: node(v), tx }), 'timeoutRead', { ...v, tx });
    },
    timeoutRead: (v, reply) => {
      const answered = xsReply(reply).value === undefined || xsReply(reply).value === '';
      const clear = answered ? [] : [xs({ op: 'write', path: node(v), value: '', tx: v.tx! })];
      const next = { ...v, deadline: answered ? 1 : 0 };
      return ask([...clear, xs({ op: 'transaction_end', tx: v.tx!, abort: false })], 'timeoutEnd', next);
    },
    timeoutEnd: (v, reply) => {
      if (reply.rc === -EAGAIN) return goto('timeout', v);
      if (v.deadline === 1) return done({ rc: 0 });
      const site = 'libxl_domain.c:1545:domain_pvcontrol_timeout';
      const message = `guest didn't acknowledge control request: ${ERROR_TIMEDOUT}`;
      return ask(libxlError(site, v.domid, message), 'failed', v);
    },
    failed: () => done({ rc: ERROR_TIMEDOUT }),
  },
});

export const libxlControlFlows: Readonly<Record<string, Flow>> = { libxl_domain_control: domainControl };
