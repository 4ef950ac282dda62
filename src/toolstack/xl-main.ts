/**
 * xl itself: global options, context, xl.conf, and the way to a command. Models main(), tools/xl/xl.c.
 *
 * A command that has a flow of its own is found by Xen's name for it; every other one of the table answers for its
 * words and is then refused by name.
 */
import { strerror } from '../hypervisor/errno.ts';
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
import { cmdtableLookup, helpAll, helpCommand } from './xl-cmdtable.ts';
import type { XlConf } from './xl-conf.ts';
import { type CommandArgs, moreVerbose, type XlEnv } from './xl-env.ts';
import { getoptLong } from './xl-getopt.ts';
import { parseGlobalConfig, XL_GLOBAL_CONFIG } from './xl-global-config.ts';
import { libxlError, stderrText, stdoutText } from './xl-log.ts';
import { cpurangeParse } from './xl-parse-cpus.ts';

/** The flow behind each command that is answered. Xen: cmd_impl of cmd_table. */
export const COMMAND_FLOWS: Readonly<Record<string, string>> = {
  create: 'main_create',
  'config-update': 'main_config_update',
  list: 'main_list',
  destroy: 'main_destroy',
  shutdown: 'main_shutdown',
  reboot: 'main_reboot',
  'pci-assignable-list': 'main_pciassignable_list',
  pause: 'main_pause',
  unpause: 'main_unpause',
  save: 'main_save',
  migrate: 'main_migrate',
  restore: 'main_restore',
  'mem-max': 'main_memmax',
  'mem-set': 'main_memset',
  'vcpu-list': 'main_vcpulist',
  'vcpu-pin': 'main_vcpupin',
  'vcpu-set': 'main_vcpuset',
  'vm-list': 'main_vm_list',
  info: 'main_info',
  sharing: 'main_sharing',
  'sched-credit': 'main_sched_credit',
  'sched-credit2': 'main_sched_credit2',
  'sched-rtds': 'main_sched_rtds',
  domid: 'main_domid',
  domname: 'main_domname',
  rename: 'main_rename',
  'debug-keys': 'main_debug_keys',
  dmesg: 'main_dmesg',
  top: 'main_top',
  'network-list': 'main_networklist',
  'block-list': 'main_blocklist',
  uptime: 'main_uptime',
  claims: 'main_claims',
  'cpupool-create': 'main_cpupoolcreate',
  'cpupool-list': 'main_cpupoollist',
  'cpupool-numa-split': 'main_cpupoolnumasplit',
  getenforce: 'main_getenforce',
  'psr-hwinfo': 'main_psr_hwinfo',
};

/** `argv` is everything after `xl`; `env` is the surroundings: profile, uname, and defaults of the rest. */
type MainVars = CommandArgs & {
  readonly command?: string;
  /** How often a cpu map has been asked for. */
  readonly maps?: number;
  /** What is said of xl.conf once the maps are there. */
  readonly afterMasks?: string;
};

type Globals = { env: XlEnv; words: readonly string[]; bad: string | null };

/** The options before the command word, `+vftTN`. `bad` is the first letter that is none of them. */
function globalOptions(argv: readonly string[], base: XlEnv): Globals {
  const { options, bad, args } = getoptLong(argv, 'vftTN', []);
  let env = base;
  for (const { opt } of options) {
    if (opt === 'v') env = { ...env, minLevel: moreVerbose(env.minLevel) };
    if (opt === 'N') env = { ...env, dryrun: true };
    if (opt === 'f') env = { ...env, force: true };
    if (opt === 't') env = { ...env, progressUseCr: true };
    if (opt === 'T') env = { ...env, timestamps: true };
  }
  return { env, words: args, bad };
}

/** Says why libxl has no context, and ends. */
function noContext(vars: MainVars, site: `libxl.c:${number}:libxl_ctx_alloc`, what: string): Next<MainVars> {
  return ask([libxlError(site, null, what), stderrText('cannot init xl context\n')], 'failed', vars);
}

/** What is wrong with the masks of xl.conf; xl says so and goes on. */
const maskErrors = (xlconf: XlConf, maxCpus: number): string =>
  [xlconf.vmCpumask, xlconf.vmHvmCpumask, xlconf.vmPvCpumask]
    .map((mask) => (mask === null ? '' : (cpurangeParse(mask, { maxCpus, nodeCpus: [] }).error ?? '')))
    .join('');

/** Runs the command, or says that there is none. */
function dispatch(vars: MainVars): Next<MainVars> {
  const word = vars.command ?? '';
  const { argv, env } = vars;
  const cmd = cmdtableLookup(word);
  if (cmd === null) {
    if (word === 'help') return ask(stdoutText(helpCommand(argv[0] ?? 'help')), 'ended', vars);
    return ask(stderrText('command not implemented\n'), 'failed', vars);
  }
  if (env.dryrun && !cmd.canDryrun) {
    return ask(stderrText('command does not implement -N (dryrun) option\n'), 'failed', vars);
  }
  const implementation = COMMAND_FLOWS[cmd.name];
  if (implementation !== undefined) return call(implementation, { argv, env }, 'returned', vars);
  return call('main_refused', { argv, env, command: cmd.name }, 'returned', vars);
}

/** Xen: main. Done `{ rc }`: the exit status a shell sees, 0 to 255. */
const main = flow<MainVars>({
  name: 'main',
  steps: {
    start: (vars) => {
      const { env, words, bad } = globalOptions(vars.argv, vars.env);
      if (bad !== null) {
        return ask(stderrText(`xl: invalid option -- '${bad}'\nunknown global option\n`), 'failed', vars);
      }
      const [command, ...argv] = words;
      if (command === undefined) return ask(stdoutText(helpAll()), 'failed', vars);
      return ask(hypercall('XENVER_info', {}), 'openedXen', { argv, env, command });
    },
    openedXen: (vars, reply) => {
      const { rc } = hypercallReply('XENVER_info', reply);
      if (rc < 0) {
        return noContext(vars, 'libxl.c:102:libxl_ctx_alloc', `cannot open libxc handle: ${strerror(-rc)}`);
      }
      return ask(xs({ op: 'directory', path: '/' }), 'openedXs', vars);
    },
    openedXs: (vars, reply) => {
      const { rc } = xsReply(reply);
      if (rc < 0) {
        return noContext(vars, 'libxl.c:108:libxl_ctx_alloc', `cannot connect to xenstore: ${strerror(-rc)}`);
      }
      return ask({ kind: 'file', op: 'read', path: XL_GLOBAL_CONFIG }, 'conf', vars);
    },
    conf: (vars, reply, memo) => {
      const unread = `Failed to read config file: ${XL_GLOBAL_CONFIG}: ${strerror(-reply.rc)}\n`;
      const text = reply.rc < 0 ? '' : (reply.text as string);
      const parsed = memo('xl.conf', text, () => parseGlobalConfig(text));
      const said = (reply.rc < 0 ? unread : '') + parsed.stderr;
      const env = { ...vars.env, xlconf: parsed.xlconf };
      const next = { ...vars, maps: 0, env, afterMasks: parsed.stderrAfterMasks };
      const then = parsed.exit === null ? 'map' : parsed.exit === 1 ? 'failed' : 'aborted';
      return ask(said === '' ? [] : stderrText(said), then, next);
    },
    map: (vars) => ask(hypercall('XEN_SYSCTL_physinfo', {}), 'mapped', vars),
    // The three affinity masks need the number of cpus; once Xen has told it, libxc remembers.
    mapped: (vars, reply) => {
      const { rc, info } = hypercallReply('XEN_SYSCTL_physinfo', reply);
      if (rc >= 0) {
        const said = maskErrors(vars.env.xlconf, info.maxCpuId + 1) + (vars.afterMasks ?? '');
        return ask(said === '' ? [] : stderrText(said), 'dispatch', vars);
      }
      const maps = (vars.maps ?? 0) + 1;
      const site = 'libxl_utils.c:815:libxl_cpu_bitmap_alloc';
      const line = libxlError(site, null, 'failed to retrieve the maximum number of cpus');
      if (maps < 3) return ask(line, 'map', { ...vars, maps });
      return ask([line, ...(vars.afterMasks ? [stderrText(vars.afterMasks)] : [])], 'dispatch', vars);
    },
    dispatch: (vars) => dispatch(vars),
    returned: (_vars, reply) => done({ rc: ((reply.rc % 256) + 256) % 256 }),
    failed: () => done({ rc: 1 }),
    aborted: () => done({ rc: 134 }),
    ended: () => done({ rc: 0 }),
  },
});

/** The flows of this file by name. */
export const xlMainFlows: Readonly<Record<string, Flow>> = { main };
