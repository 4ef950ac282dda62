/**
 * Commands that end, stop or rename a domain: destroy, pause, unpause, shutdown, reboot, rename.
 *
 * Models tools/xl/xl_vmcontrol.c, xl_misc.c; libxl_domain_pause() and its like, tools/libs/light/libxl_domain.c.
 */
import { domId } from '../hypervisor/units.ts';
import { ERROR_NOPARAVIRT } from './libxl-errno.ts';
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
  type Reply,
} from './task.ts';
import type { CommandArgs } from './xl-env.ts';
import { endWith } from './xl-exit.ts';
import { defGetopt } from './xl-getopt.ts';
import { libxlError, stderrText } from './xl-log.ts';

type DomainVars = CommandArgs & { readonly force?: boolean; readonly domid?: number; readonly word?: string };

/** `xl destroy`. */
const mainDestroy = flow<DomainVars>({
  name: 'main_destroy',
  steps: {
    start: (v) => {
      const parsed = defGetopt(v.argv, { command: 'destroy', short: 'f', minArgs: 1 });
      if (!parsed.ok) return endWith(parsed, v);
      const force = parsed.options.some((o) => o.opt === 'f');
      return call('find_domain', { p: parsed.args[0] ?? '' }, 'found', { ...v, force });
    },
    found: (v, reply) => {
      if (reply.rc !== 0) return done({ rc: reply.rc });
      const domid = reply.domid as number;
      if (domid === 0 && v.force !== true) {
        const text =
          'Not destroying domain 0; use -f to force.\nThis can only be done when using a disaggregated hardware domain and toolstack.\n\n';
        return ask(stderrText(text), 'failed', v);
      }
      return call('libxl_domain_destroy', { domid }, 'destroyed', { ...v, domid });
    },
    destroyed: (v, reply) =>
      reply.rc === 0 ? done({ rc: 0 }) : ask(stderrText(`destroy failed (rc=${reply.rc})\n`), 'failed', v),
    failed: () => done({ rc: 1 }),
    exit: (_v, reply) => done({ rc: reply.rc }),
  },
});

/** `xl pause` and `xl unpause`: libxl logs a failure, xl's status stays 0. */
function pauseCommand(command: 'pause' | 'unpause'): Flow {
  const name = command === 'pause' ? 'XEN_DOMCTL_pausedomain' : 'XEN_DOMCTL_unpausedomain';
  return flow<DomainVars>({
    name: `main_${command}`,
    steps: {
      start: (v) => {
        const parsed = defGetopt(v.argv, { command, short: '', minArgs: 1 });
        if (!parsed.ok) return endWith(parsed, v);
        return call('find_domain', { p: parsed.args[0] ?? '' }, 'found', v);
      },
      found: (v, reply) => {
        if (reply.rc !== 0) return done({ rc: reply.rc });
        const domid = reply.domid as number;
        return ask(hypercall(name, { domid: domId(domid) }), 'asked', { ...v, domid });
      },
      asked: (v, reply) => {
        if (reply.rc >= 0) return done({ rc: 0 });
        const line = command === 'pause' ? 495 : 600;
        const message = command === 'pause' ? `pausing domain ${v.domid}` : `unpausing domain ${v.domid}`;
        const site = `libxl_domain.c:${line}:libxl_domain_${command}` as const;
        return ask(libxlError(site, v.domid ?? null, message, -reply.rc), 'end', v);
      },
      end: () => done({ rc: 0 }),
      exit: (_v, reply) => done({ rc: reply.rc }),
    },
  });
}

/** `xl rename`. */
const mainRename = flow<DomainVars & { readonly newName?: string }>({
  name: 'main_rename',
  steps: {
    start: (v) => {
      const parsed = defGetopt(v.argv, { command: 'rename', short: '', minArgs: 2 });
      if (!parsed.ok) return endWith(parsed, v);
      const word = parsed.args[0] ?? '';
      return call('find_domain', { p: word }, 'found', { ...v, word, newName: parsed.args[1] ?? '' });
    },
    found: (v, reply) => {
      if (reply.rc !== 0) return done({ rc: reply.rc });
      const args = { domid: reply.domid as number, oldName: null, newName: v.newName };
      return call('libxl__domain_rename', args, 'renamed', v);
    },
    renamed: (v, reply) =>
      reply.rc === 0 ? done({ rc: 0 }) : ask(stderrText(`Can't rename domain '${v.word}'.\n`), 'failed', v),
    failed: () => done({ rc: 1 }),
    exit: (_v, reply) => done({ rc: reply.rc }),
  },
});

type StopVars = CommandArgs & {
  readonly all?: boolean;
  /** 0 for not at all, 1 for shut down or gone, 2 for gone. */
  readonly wait?: number;
  readonly fallback?: boolean;
  readonly todo?: readonly number[];
  readonly waiting?: readonly number[];
  readonly count?: number;
};

/** Goes to the next domain, then to waiting. */
function nextStop(v: StopVars): Next<StopVars> {
  if ((v.todo ?? []).length > 0) return goto('stop', v);
  const count = v.waiting?.length ?? 0;
  if ((v.wait ?? 0) === 0 || count === 0) return done({ rc: 0 });
  return ask(stderrText(`Waiting for ${count} domains\n`), 'look', { ...v, count });
}

type StopCommand = 'shutdown' | 'reboot';

/** Reads the words of the command: which domains, and what to wait for. */
function stopBegin(v: StopVars, command: StopCommand): Next<StopVars> {
  const long = [
    { name: 'all', val: 'a' },
    { name: 'wait', val: 'w' },
  ];
  const parsed = defGetopt(v.argv, { command, short: 'awF', long, minArgs: 0 });
  if (!parsed.ok) return endWith(parsed, v);
  const all = parsed.options.some((o) => o.opt === 'a');
  const wait = parsed.options.filter((o) => o.opt === 'w').length;
  const fallback = parsed.options.some((o) => o.opt === 'F');
  const next = { ...v, all, wait, fallback, waiting: [] };
  if (parsed.args[0] === undefined && !all) {
    return ask(stderrText('You must specify -a or a domain id.\n\n'), 'failed', next);
  }
  if (all) return call('libxl_list_domain', {}, 'listed', next);
  return call('find_domain', { p: parsed.args[0] ?? '' }, 'found', next);
}

/** A domain was asked to stop, or cannot be asked. */
function stopControlled(v: StopVars, reply: Reply, command: StopCommand): Next<StopVars> {
  const reboot = command === 'reboot';
  const [domid, ...todo] = v.todo ?? [];
  if (reply.rc === 0) return nextStop({ ...v, todo, waiting: [...(v.waiting ?? []), domid!] });
  if (reply.rc === ERROR_NOPARAVIRT && v.fallback === true) {
    const text = `PV control interface not available: sending ACPI ${reboot ? 'reset' : 'power'} button event.\n`;
    return ask(stderrText(text), 'acpi', v);
  }
  const hint =
    reply.rc === ERROR_NOPARAVIRT
      ? `PV control interface not available: external graceful ${command} not possible.\nUse "-F" to fallback to ACPI ${reboot ? 'reset' : 'power'} event.\n`
      : '';
  return ask(stderrText(`${hint}${command} failed (rc=${reply.rc})\n`), 'failed', v);
}

/** Tells which of the awaited domains have stopped, and waits for the others. */
function stopLooked(v: StopVars, reply: Reply): Next<StopVars> {
  const infos = reply.rc < 0 ? [] : hypercallReply('XEN_SYSCTL_getdomaininfolist', reply).infos;
  const texts: string[] = [];
  const waiting = (v.waiting ?? []).filter((domid) => {
    const info = infos.find((i) => i.domid === domid);
    if (info === undefined) texts.push(`Domain ${domid} has been destroyed.\n`);
    else if (info.shutdown && v.wait === 1) {
      texts.push(`Domain ${domid} has been shut down, reason code ${info.shutdownReason}\n`);
    } else return true;
    return false;
  });
  const said = texts.map(stderrText);
  if (waiting.length === 0) return ask(said, 'ended', v);
  return ask([...said, { kind: 'wait', paths: ['@releaseDomain'] }], 'look', { ...v, waiting });
}

/** `xl shutdown` and `xl reboot`. Models main_shutdown_or_reboot(). */
function stopCommand(command: StopCommand): Flow {
  const reboot = command === 'reboot';
  return flow<StopVars>({
    name: `main_${command}`,
    steps: {
      start: (v) => stopBegin(v, command),
      found: (v, reply) =>
        reply.rc === 0 ? nextStop({ ...v, todo: [reply.domid as number] }) : done({ rc: reply.rc }),
      listed: (v, reply) => {
        if (reply.rc !== 0) return done({ rc: 1 });
        const infos = reply.infos as readonly { readonly domid: number }[];
        return nextStop({ ...v, todo: infos.map((i) => i.domid).filter((domid) => domid !== 0) });
      },
      stop: (v) => {
        const domid = v.todo?.[0];
        const verb = reboot ? 'Rebooting' : 'Shutting down';
        return ask(stderrText(`${verb} domain ${domid}\n`), 'control', v);
      },
      control: (v) => {
        const args = { domid: v.todo![0]!, word: reboot ? 'reboot' : 'poweroff' };
        return call('libxl_domain_control', args, 'controlled', v);
      },
      controlled: (v, reply) => stopControlled(v, reply, command),
      acpi: (v) => {
        const [domid, ...todo] = v.todo ?? [];
        // A guest without PV drivers answers the button by stopping; a reset is the same to Xen.
        const request = hypercall('SCHEDOP_shutdown', { domid: domId(domid!), reason: reboot ? 1 : 0 });
        return ask(request, 'next', { ...v, todo, waiting: [...(v.waiting ?? []), domid!] });
      },
      next: (v) => nextStop(v),
      look: (v) =>
        ask(
          hypercall('XEN_SYSCTL_getdomaininfolist', { firstDomain: domId(0), maxDomains: 0x7ff0 }),
          'looked',
          v,
        ),
      looked: (v, reply) => stopLooked(v, reply),
      ended: () => done({ rc: 0 }),
      failed: () => done({ rc: 1 }),
      exit: (_v, reply) => done({ rc: reply.rc }),
    },
  });
}

export const xlLifecycleFlows: Readonly<Record<string, Flow>> = {
  main_destroy: mainDestroy,
  main_pause: pauseCommand('pause'),
  main_unpause: pauseCommand('unpause'),
  main_rename: mainRename,
  main_shutdown: stopCommand('shutdown'),
  main_reboot: stopCommand('reboot'),
};
