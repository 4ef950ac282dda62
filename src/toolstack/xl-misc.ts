/** xl's small commands towards Xen: debug-keys, dmesg, and three that report a feature the host lacks. */
import { ask, done, type Flow, flow, hypercall, hypercallReply } from './task.ts';
import type { CommandArgs } from './xl-env.ts';
import { endWith } from './xl-exit.ts';
import { defGetopt, type OptionSpec } from './xl-getopt.ts';
import { libxlError, stderrText, stdoutText } from './xl-log.ts';

type KeysVars = CommandArgs & { readonly keys?: string };

/** Xen: main_debug_keys, tools/xl/xl_misc.c. `xl debug-keys KEYS`; what Xen says about them is in `xl dmesg`. */
const mainDebugKeys = flow<KeysVars>({
  name: 'main_debug_keys',
  steps: {
    start: (vars) => {
      const parsed = defGetopt(vars.argv, { command: 'debug-keys', short: '', minArgs: 1 });
      if (!parsed.ok) return endWith(parsed, vars);
      const keys = parsed.args[0] ?? '';
      return ask(hypercall('XEN_SYSCTL_debug_keys', { keys }), 'sent', { ...vars, keys });
    },
    sent: (vars, reply) => {
      const { rc } = hypercallReply('XEN_SYSCTL_debug_keys', reply);
      if (rc >= 0) return done({ rc: 0 });
      const line = libxlError('libxl_console.c:829:libxl_send_debug_keys', null, 'sending debug keys', -rc);
      return ask([line, stderrText(`cannot send debug keys: ${vars.keys}\n`)], 'failed', vars);
    },
    failed: () => done({ rc: 1 }),
    exit: (_vars, reply) => done({ rc: reply.rc }),
  },
});

/** Xen: main_dmesg, tools/xl/xl_info.c. `xl dmesg [-c]`. */
const mainDmesg = flow<CommandArgs>({
  name: 'main_dmesg',
  steps: {
    start: (vars) => {
      const long = [{ name: 'clear', val: 'c' }];
      const parsed = defGetopt(vars.argv, { command: 'dmesg', short: 'c', long, minArgs: 0 });
      if (!parsed.ok) return endWith(parsed, vars);
      return ask(hypercall('XEN_SYSCTL_readconsole', { clear: parsed.options.length > 0 }), 'read', vars);
    },
    read: (vars, reply) => {
      const { rc, text } = hypercallReply('XEN_SYSCTL_readconsole', reply);
      if (rc >= 0) return ask(text === '' ? [] : stdoutText(text), 'printed', vars);
      const site = 'libxl_console.c:772:libxl_xen_console_read_line';
      return ask(libxlError(site, null, 'reading console ring buffer', -rc), 'failed', vars);
    },
    printed: () => done({ rc: 0 }),
    failed: () => done({ rc: 1 }),
    exit: (_vars, reply) => done({ rc: reply.rc }),
  },
});

interface Absent {
  readonly spec: OptionSpec;
  readonly stdout?: string;
  readonly stderr?: string;
  readonly rc: number;
}

/** A command whose answer on a host without the feature is always the same. */
function absentFeature(name: string, absent: Absent): Flow {
  return flow<CommandArgs>({
    name,
    steps: {
      start: (vars) => {
        const parsed = defGetopt(vars.argv, absent.spec);
        if (!parsed.ok) return endWith(parsed, vars);
        const texts = [];
        if (absent.stdout !== undefined) texts.push(stdoutText(absent.stdout));
        if (absent.stderr !== undefined) texts.push(stderrText(absent.stderr));
        return ask(texts, 'said', vars);
      },
      said: () => done({ rc: absent.rc }),
      exit: (_vars, reply) => done({ rc: reply.rc }),
    },
  });
}

/** Xen: main_getenforce, tools/xl/xl_flask.c: no Flask here. */
const mainGetenforce = absentFeature('main_getenforce', {
  spec: { command: 'getenforce', short: '', minArgs: 0 },
  stdout: 'Flask XSM Disabled\n',
  rc: -1,
});

/** Xen: main_psr_hwinfo, tools/xl/xl_psr.c: a processor without monitoring and allocation of its cache. */
const mainPsrHwinfo = absentFeature('main_psr_hwinfo', {
  spec: {
    command: 'psr-hwinfo',
    short: 'mab',
    long: [
      { name: 'cmt', val: 'm' },
      { name: 'cat', val: 'a' },
      { name: 'mba', val: 'b' },
    ],
    minArgs: 0,
  },
  stdout: 'Cache Monitoring Technology (CMT):\nEnabled         : 0\n',
  rc: -3,
});

/** Xen: main_pciassignable_list, tools/xl/xl_pci.c: dom0 has no pciback. */
const mainPciassignableList = absentFeature('main_pciassignable_list', {
  spec: {
    command: 'pci-assignable-list',
    short: 'n',
    long: [{ name: 'show-names', val: 'n' }],
    minArgs: 0,
  },
  stderr:
    'libxl: error: libxl_pci.c:444:libxl_device_pci_assignable_list: Looks like pciback driver not loaded\n',
  rc: 0,
});

/** The flows of this file by name. */
export const xlMiscFlows: Readonly<Record<string, Flow>> = {
  main_debug_keys: mainDebugKeys,
  main_dmesg: mainDmesg,
  main_getenforce: mainGetenforce,
  main_psr_hwinfo: mainPsrHwinfo,
  main_pciassignable_list: mainPciassignableList,
};
