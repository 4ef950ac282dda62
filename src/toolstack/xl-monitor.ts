/**
 * xl's daemon: waits for a domain to stop and does what its config says.
 *
 * Models the event loop of create_domain(), handle_domain_death() and preserve_domain(), tools/xl/xl_vmcontrol.c.
 * Its words go to the daemon's own log; with -F they are xl's stderr.
 */

import { domId } from '../hypervisor/units.ts';
import { gmtime, twoDigits } from './calendar.ts';
import { type DomainConfig, domainConfigType } from './domain-config.ts';
import { LIBXL_JSON } from './libxl-create.ts';
import { fromJson } from './libxl-json.ts';
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
  type Task,
  xs,
} from './task.ts';
import type { CreateOptions } from './xl-create-args.ts';
import type { XlEnv } from './xl-env.ts';
import { stderrText } from './xl-log.ts';

interface MonitorVars {
  readonly env: XlEnv;
  readonly config: DomainConfig;
  readonly options: CreateOptions;
  readonly domid: number;
  /** Forked off: nobody reads its stderr. */
  readonly daemon: boolean;
  readonly action?: string;
  /** The text of a config-update, to be used once. */
  readonly update?: string;
  readonly uuid?: string;
  readonly name?: string;
}

/** xl's LOG(): a line on stderr, or in /var/log/xen/xl-NAME.log once daemonised. */
const log = (v: MonitorVars, text: string): Request =>
  v.daemon ? { kind: 'log', level: 'info', text: `${text}\n` } : stderrText(`${text}\n`);

/** What on_* says for a shutdown reason, in xl.cfg's words. Xen: libxl_shutdown_reason. */
function actionFor(config: DomainConfig, reason: number): string {
  switch (reason) {
    case 0:
      return config.onPoweroff;
    case 1:
      return config.onReboot;
    case 2:
      return 'suspend';
    case 4:
      return config.onWatchdog;
    case 5:
      return config.onSoftReset;
    default:
      return config.onCrash;
  }
}

/** How xl's log names an action. Xen: action_on_shutdown_names. */
const ACTION_NAMES: Readonly<Record<string, string>> = {
  restart_rename: 'rename-restart',
  coredump_destroy: 'coredump-destroy',
  coredump_restart: 'coredump-restart',
  soft_reset: 'soft-reset',
};

const REBOOT_DELAY_NS = 2e9;

/** `-%Y%m%dT%H%MZ` of a time in seconds since 1970, the suffix of a domain that is kept. */
export function renameSuffix(seconds: number): string {
  const { year, month, day, hour, minute } = gmtime(seconds);
  return `-${year}${twoDigits(month)}${twoDigits(day)}T${twoDigits(hour)}${twoDigits(minute)}Z`;
}

/** Destroys the domain; `at` decides what follows. */
function cleanUp(v: MonitorVars, at: 'gone' | 'reboot'): Next<MonitorVars> {
  const text = `Domain ${v.domid} needs to be cleaned up: destroying the domain`;
  return ask(log(v, text), 'destroy', { ...v, action: at });
}

/** Watches a domain until it is gone for good. Done { rc: 0 }. */
const monitor = flow<MonitorVars>({
  name: 'xl_monitor',
  clock: [],
  steps: {
    start: (v) =>
      ask(log(v, `Waiting for domain ${v.config.cInfo.name ?? ''} (domid ${v.domid}) to die`), 'look', v),
    look: (v) =>
      ask(
        hypercall('XEN_SYSCTL_getdomaininfolist', { firstDomain: domId(v.domid), maxDomains: 1 }),
        'looked',
        v,
      ),
    looked: (v, reply) => {
      const info = reply.rc > 0 ? hypercallReply('XEN_SYSCTL_getdomaininfolist', reply).infos[0] : undefined;
      if (info?.domid !== v.domid) return ask(log(v, `Domain ${v.domid} has been destroyed.`), 'gone', v);
      if (!info.shutdown) return ask({ kind: 'wait', paths: ['@releaseDomain'] }, 'look', v);
      const reason = info.shutdownReason;
      const action = actionFor(v.config, reason);
      if (action === 'suspend') {
        return ask([log(v, 'Domain has suspended.'), { kind: 'wait', paths: ['@releaseDomain'] }], 'look', v);
      }
      const shut = `Domain ${v.domid} has shut down, reason code ${reason} 0x${reason.toString(16)}`;
      const named = `Action for shutdown reason code ${reason} is ${ACTION_NAMES[action] ?? action}`;
      return ask([log(v, shut), log(v, named)], 'act', { ...v, action });
    },
    act: (v) => {
      switch (v.action) {
        case 'preserve':
          return done({ rc: 0 });
        case 'restart':
        case 'coredump_restart':
          return goto('reload', v);
        case 'restart_rename':
          return goto('reload', v);
        // Simplified: a soft reset starts the guest afresh; upstream keeps the domain and its memory.
        case 'soft_reset':
          return goto('reload', v);
        default:
          return cleanUp(v, 'gone');
      }
    },
    // What the guest is rebuilt from: a config-update since its start, else what libxl knows of it now.
    reload: (v) => ask({ kind: 'userdata', op: 'retrieve', domid: v.domid, name: 'xl' }, 'updated', v),
    updated: (v, reply) => {
      if (typeof reply.text === 'string' && reply.text !== '') {
        const unlink = { kind: 'userdata', op: 'unlink', domid: v.domid, name: 'xl' } as const;
        return ask(unlink, 'reloaded', { ...v, update: reply.text });
      }
      return call('libxl_retrieve_domain_configuration', { domid: v.domid }, 'retrieved', v);
    },
    retrieved: (v, reply) => {
      const config = reply.rc === 0 ? fromJson(domainConfigType, String(reply.json)) : null;
      return goto('reloaded', config === null ? v : { ...v, config });
    },
    reloaded: (v) =>
      v.action === 'restart_rename' ? ask({ kind: 'uuid' }, 'preserve', v) : cleanUp(v, 'reboot'),
    destroy: (v) => call('libxl_domain_destroy', { domid: v.domid }, 'destroyed', v),
    destroyed: (v) =>
      v.action === 'reboot'
        ? ask(log(v, 'Done. Rebooting now'), 'sleep', v)
        : ask(log(v, 'Done. Exiting now'), 'gone', v),
    gone: () => done({ rc: 0 }),
    // The old domain keeps its memory under another name, the new one gets a name of its own.
    preserve: (v, reply) => ask({ kind: 'now' }, 'preserveName', { ...v, uuid: String(reply.uuid) }),
    preserveName: (v, reply) => {
      const name = `${v.config.cInfo.name ?? ''}${renameSuffix(Number(reply.time))}`;
      return call('libxl_domain_preserve', { domid: v.domid, name, uuid: v.uuid }, 'preserved', {
        ...v,
        name,
      });
    },
    preserved: (v) => ask(log(v, 'Done. Rebooting now'), 'sleep', v),
    sleep: (v) => ask({ kind: 'sleep', ns: REBOOT_DELAY_NS }, 'restart', v),
    restart: (v) => {
      // Only the first start may leave the guest paused.
      const options = { ...v.options, paused: false };
      const { update, ...next } = { ...v, options };
      const source = update === undefined ? { config: v.config } : { text: update, source: 'config-update' };
      const args = { env: v.env, options: { ...options, quiet: true }, again: true, ...source };
      return call('create_domain', args, 'restarted', next);
    },
    restarted: (v, reply) => {
      if (reply.rc !== 0 || typeof reply.domid !== 'number') return done({ rc: reply.rc });
      return goto('start', { ...v, domid: reply.domid });
    },
  },
});

/**
 * The domain of a daemon that stands before or behind its look at it; null: the task is no daemon, or is elsewhere.
 * Before it: it has been told that some domain may have gone, and asks whether its own runs; if so it waits again.
 */
export function xlMonitorWatches({ frames }: Task, at: 'look' | 'looked'): number | null {
  const frame = frames[0];
  if (frame?.flow !== 'xl_monitor' || frame.at !== at || frames.length > 1) return null;
  return frame.queue?.length === 0 ? Number(frame.vars.domid) : null;
}

interface PreserveVars {
  readonly domid: number;
  readonly name: string;
  readonly uuid: string;
  readonly text?: string;
}

/**
 * Keeps a stopped domain under a new name and uuid, so that its successor can have the old ones. Done { rc }.
 * Models libxl_domain_preserve(), tools/libs/light/libxl_domain.c. Simplified: Xen's own handle stays the old one.
 */
const domainPreserve = flow<PreserveVars>({
  name: 'libxl_domain_preserve',
  steps: {
    start: (v) =>
      ask(
        [
          xs({ op: 'write', path: `/vm/${v.uuid}`, value: '' }),
          xs({ op: 'write', path: `/vm/${v.uuid}/uuid`, value: v.uuid }),
          xs({ op: 'write', path: `/local/domain/${v.domid}/vm`, value: `/vm/${v.uuid}` }),
          xs({ op: 'write', path: `/local/domain/${v.domid}/name`, value: v.name }),
          xs({ op: 'write', path: `/vm/${v.uuid}/name`, value: v.name }),
          { kind: 'userdata', op: 'retrieve', domid: v.domid, name: LIBXL_JSON },
        ],
        'stored',
        v,
      ),
    stored: (v, reply) => {
      const text = typeof reply.text === 'string' ? reply.text : '';
      const config = text === '' ? null : fromJson(domainConfigType, text);
      if (config === null) return done({ rc: 0 });
      const renamed = text.replace(JSON.stringify(config.cInfo.name), JSON.stringify(v.name));
      return ask(
        { kind: 'userdata', op: 'store', domid: v.domid, name: LIBXL_JSON, text: renamed },
        'end',
        v,
      );
    },
    end: () => done({ rc: 0 }),
  },
});

export const xlMonitorFlows: Readonly<Record<string, Flow>> = {
  xl_monitor: monitor,
  libxl_domain_preserve: domainPreserve,
};
