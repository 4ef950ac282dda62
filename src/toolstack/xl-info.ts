/** `xl info`: the host as xl describes it. Models tools/xl/xl_info.c. */
import type { HypercallReply } from '../hypervisor/privcmd.ts';
import { sprintf } from './printf.ts';
import { ask, call, done, type Flow, flow, hypercall, hypercallReply, type Next } from './task.ts';
import type { CommandArgs, Uname } from './xl-env.ts';
import { endWith } from './xl-exit.ts';
import { defGetopt } from './xl-getopt.ts';
import { libxlError, stderrText, stdoutText } from './xl-log.ts';

type PhysInfoReply = HypercallReply<'XEN_SYSCTL_physinfo'>;
type VersionReply = HypercallReply<'XENVER_info'>;

type InfoVars = CommandArgs & {
  readonly numa?: boolean;
  /** A positional word: only lines that begin with it are printed, and only their values. Xen: info_name. */
  readonly infoName?: string;
  readonly physinfo?: PhysInfoReply['info'];
};

/** The lines as printed, or the values of those that `infoName` selects. Models maybe_printf(). */
function maybePrintf(lines: readonly string[], infoName: string | undefined): string {
  if (infoName === undefined) return lines.join('');
  const values = lines
    .filter((line) => line.startsWith(infoName))
    .map((line) => line.slice(line.indexOf(':') + 1));
  return values.flatMap((value) => (value.startsWith(' ') ? [value.slice(1)] : [])).join('');
}

/** Models output_nodeinfo(). */
const nodeinfoLines = (uname: Uname): string[] => [
  `host                   : ${uname.nodename}\n`,
  `release                : ${uname.release}\n`,
  `version                : ${uname.version}\n`,
  `machine                : ${uname.machine}\n`,
];

/** `pages` in MiB as xl's unsigned 64-bit arithmetic has it: a negative difference wraps. */
const pagesMib = (pages: number, pagesize: number): bigint =>
  BigInt.asUintN(64, BigInt(pages)) / BigInt(Math.floor(2 ** 20 / pagesize));

/** Models output_physinfo(); `freeCpus` is null where Xen would not tell. */
function physinfoLines(info: PhysInfoReply['info'], pagesize: number, freeCpus: number | null): string[] {
  const lines = [
    sprintf('nr_cpus                : %d\n', info.nrCpus),
    sprintf('max_cpu_id             : %d\n', info.maxCpuId),
    sprintf('nr_nodes               : %d\n', info.nrNodes),
    sprintf('cores_per_socket       : %d\n', info.coresPerSocket),
    sprintf('threads_per_core       : %d\n', info.threadsPerCore),
    sprintf('cpu_mhz                : %d.%03d\n', Math.floor(info.cpuKhz / 1000), info.cpuKhz % 1000),
    `hw_caps                : ${info.hwCap.map((word) => sprintf('%08x', word)).join(':')}\n`,
    `virt_caps              :${info.capabilities.map((name) => ` ${name}`).join('')}\n`,
    sprintf('total_memory           : %lu\n', pagesMib(info.totalPages, pagesize)),
    sprintf('free_memory            : %lu\n', pagesMib(info.freePages - info.outstandingPages, pagesize)),
    sprintf('sharing_freed_memory   : %lu\n', pagesMib(info.sharingFreedPages, pagesize)),
    sprintf('sharing_used_memory    : %lu\n', pagesMib(info.sharingUsedFrames, pagesize)),
    sprintf('outstanding_claims     : %lu\n', pagesMib(info.outstandingPages, pagesize)),
  ];
  if (freeCpus !== null) lines.push(sprintf('free_cpus              : %d\n', freeCpus));
  return lines;
}

/** Models output_topologyinfo(); the simulated host has no PCI devices with a node. */
function topologyText(cpus: HypercallReply<'XEN_SYSCTL_cputopoinfo'>['cpus']): string {
  const rows = cpus.map((cpu, i) =>
    cpu === null ? '' : sprintf('%3d:    %4d     %4d     %4d\n', i, cpu.core, cpu.socket, cpu.node),
  );
  const head = 'cpu_topology           :\ncpu:    core    socket     node\n';
  const devices = 'device topology        :\ndevice           node\nNo device topology data available\n';
  return head + rows.join('') + devices;
}

/** Models output_numainfo(). memsize counts a node's holes, memfree ignores claims: both are Xen's figures. */
function numainfoText(reply: HypercallReply<'XEN_SYSCTL_numainfo'>): string {
  const rows = reply.nodes.map((node, i) => {
    if (node === null) return '';
    const [size, free] = [Math.floor(node.memsize / 2 ** 20), Math.floor(node.memfree / 2 ** 20)];
    return `${sprintf('%4d:    %6lu     %6lu      ', i, size, free)}${(reply.distances[i] ?? []).join(',')}\n`;
  });
  return `numa_info              :\nnode:    memsize    memfree    distances\n${rows.join('')}`;
}

/** Models output_xeninfo(). */
const xeninfoLines = (v: VersionReply): string[] => [
  `xen_major              : ${v.major}\n`,
  `xen_minor              : ${v.minor}\n`,
  `xen_extra              : ${v.extra}\n`,
  `xen_version            : ${v.major}.${v.minor}${v.extra}\n`,
  `xen_caps               : ${v.capabilities}\n`,
  `xen_scheduler          : ${v.scheduler}\n`,
  `xen_pagesize           : ${v.pagesize}\n`,
  `platform_params        : virt_start=${v.virtStart}\n`,
  `xen_changeset          : ${v.changeset}\n`,
  `xen_commandline        : ${v.commandline}\n`,
  `cc_compiler            : ${v.compiler}\n`,
  `cc_compile_by          : ${v.compileBy}\n`,
  `cc_compile_domain      : ${v.compileDomain}\n`,
  `cc_compile_date        : ${v.compileDate}\n`,
  `build_id               : ${v.buildId}\n`,
];

const NUMA = [{ name: 'numa', val: 'n' }];

/** Prints lines, as far as the filter lets them through, and goes on at `at`. */
const print = (lines: readonly string[], at: string, vars: InfoVars): Next<InfoVars> => {
  const text = maybePrintf(lines, vars.infoName);
  return ask(text === '' ? [] : stdoutText(text), at, vars);
};

/** Xen: main_info. `xl info [-n] [NAME]`; a part that fails says so on stderr and the rest goes on; always 0. */
const mainInfo = flow<InfoVars>({
  name: 'main_info',
  steps: {
    start: (vars) => {
      const parsed = defGetopt(vars.argv, { command: 'info', short: 'n', long: NUMA, minArgs: 0 });
      if (!parsed.ok) return endWith(parsed, vars);
      const numa = parsed.options.length > 0;
      const word = numa ? undefined : parsed.args[0];
      const next = { ...vars, numa, ...(word === undefined ? {} : { infoName: word }) };
      return print(nodeinfoLines(vars.env.uname), 'askPhysinfo', next);
    },
    askPhysinfo: (vars) => ask(hypercall('XEN_SYSCTL_physinfo', {}), 'physinfo', vars),
    physinfo: (vars, reply) => {
      const { rc, info } = hypercallReply('XEN_SYSCTL_physinfo', reply);
      if (rc >= 0) {
        const next = { ...vars, physinfo: info };
        return ask(hypercall('XEN_SYSCTL_cpupool_op', { sub: 'freeinfo' }), 'freecpus', next);
      }
      const line = libxlError('libxl.c:361:libxl_get_physinfo', null, 'getting physinfo', -rc);
      return ask([line, stderrText('libxl_physinfo failed.\n')], 'topology', vars);
    },
    freecpus: (vars, reply) => {
      const { rc, cpus } = hypercallReply('XEN_SYSCTL_cpupool_op', reply);
      if (vars.physinfo === undefined) return done({ rc: 0 });
      return print(physinfoLines(vars.physinfo, 4096, rc < 0 ? null : cpus.length), 'topology', vars);
    },
    topology: (vars) =>
      vars.numa
        ? ask(hypercall('XEN_SYSCTL_cputopoinfo', {}), 'gotTopology', vars)
        : ask(hypercall('XENVER_info', {}), 'version', vars),
    gotTopology: (vars, reply) => {
      const { rc, cpus } = hypercallReply('XEN_SYSCTL_cputopoinfo', reply);
      const text = rc < 0 ? stderrText('libxl_get_cpu_topology failed.\n') : stdoutText(topologyText(cpus));
      return ask([text, hypercall('XEN_SYSCTL_numainfo', {})], 'gotNuma', vars);
    },
    gotNuma: (vars, reply) => {
      const numa = hypercallReply('XEN_SYSCTL_numainfo', reply);
      const text = numa.rc < 0 ? stderrText('libxl_get_numainfo failed.\n') : stdoutText(numainfoText(numa));
      return ask([text, hypercall('XENVER_info', {})], 'version', vars);
    },
    version: (vars, reply) => print(xeninfoLines(hypercallReply('XENVER_info', reply)), 'format', vars),
    format: (vars) => print(['xend_config_format     : 4\n'], 'printed', vars),
    printed: () => done({ rc: 0 }),
    exit: (_vars, reply) => done({ rc: reply.rc }),
  },
});

/** Xen: main_top. xl runs xentop; here one frame of it, as a table of domains. */
const mainTop = flow<CommandArgs>({
  name: 'main_top',
  steps: {
    start: (vars) => {
      const parsed = defGetopt(vars.argv, { command: 'top', short: '', minArgs: 0 });
      if (!parsed.ok) return endWith(parsed, vars);
      return call('xentop', {}, 'shown', vars);
    },
    // system(3)'s status of a program that ended well.
    shown: () => done({ rc: 0 }),
    exit: (_vars, reply) => done({ rc: reply.rc }),
  },
});

/** The flows of this file by name. */
export const xlInfoFlows: Readonly<Record<string, Flow>> = { main_info: mainInfo, main_top: mainTop };
