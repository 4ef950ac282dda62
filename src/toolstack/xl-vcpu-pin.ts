/** `xl vcpu-pin`. Models main_vcpupin(), tools/xl/xl_vcpu.c, and libxl_set_vcpuaffinity(), tools/libs/light/libxl_sched.c. */
import { domId, type NodeId } from '../hypervisor/units.ts';
import { foundDomid } from './libxl-list.ts';
import { strtol } from './strtol.ts';
import { ask, call, done, type Flow, flow, hypercall, hypercallReply, type Next } from './task.ts';
import { printBitmap } from './xl-bitmap.ts';
import type { CommandArgs } from './xl-env.ts';
import { endWith } from './xl-exit.ts';
import { defGetopt } from './xl-getopt.ts';
import { libxlError, stderrText, stdoutText } from './xl-log.ts';
import { cpurangeParse } from './xl-parse-cpus.ts';
import type { VcpuInfo } from './xl-vcpu.ts';

/** XEN_VCPUAFFINITY_HARD, XEN_VCPUAFFINITY_SOFT. */
const HARD = 1;
const SOFT = 2;

type PinVars = CommandArgs & {
  readonly words?: readonly string[];
  readonly force?: boolean;
  readonly domid?: number;
  /** -1 is all of them. */
  readonly vcpuid?: number;
  readonly maxCpus?: number;
  readonly nrCpus?: number;
  /** Null leaves the map alone. */
  readonly hard?: readonly number[] | null;
  readonly soft?: readonly number[] | null;
  /** Vcpus still to be pinned. */
  readonly left?: readonly number[];
  readonly failures?: number;
};

const fail = (text: string, vars: PinVars): Next<PinVars> => ask(stderrText(text), 'failed', vars);

/** Which vcpu a word means: a number, or -1 for `all`; a text is what is wrong with it. */
function whichVcpu(word: string, force: boolean): number | string {
  const { value, end } = strtol(word, 10);
  if (end > 0 && value >= 0n) return Number(value);
  if (word !== 'all') return `Error: Invalid argument ${word} as VCPU.\n`;
  return force ? "Error: --force and 'all' as VCPU not allowed.\n" : -1;
}

/** Pins the next vcpu. Models libxl__set_vcpuaffinity(). */
function nextVcpu(vars: PinVars): Next<PinVars> {
  const vcpu = vars.left?.[0];
  if (vcpu === undefined) {
    // With `all`, a failure is said and the command still succeeds.
    return (vars.failures ?? 0) > 0
      ? ask(stderrText('Could not set affinity.\n'), 'done', vars)
      : done({ rc: 0 });
  }
  const [hard, soft] = [vars.hard ?? null, vars.soft ?? null];
  const flags = (hard === null ? 0 : HARD) + (soft === null ? 0 : SOFT);
  if (flags === 0) return nextVcpu({ ...vars, left: vars.left?.slice(1) ?? [] });
  const domid = domId(vars.domid ?? 0);
  const pin = (f: number, cpus: readonly number[]) =>
    hypercall('XEN_DOMCTL_setvcpuaffinity', { domid, vcpu, flags: f, cpus });
  if (hard !== null && soft !== null) return ask([pin(HARD, hard), pin(SOFT, soft)], 'pinned', vars);
  return ask(pin(flags, hard ?? soft ?? []), 'pinned', vars);
}

/** Xen: main_vcpupin. `xl vcpu-pin [-f] Domain VCPU|all HARD [SOFT]`. */
const mainVcpupin = flow<PinVars>({
  name: 'main_vcpupin',
  steps: {
    start: (vars) => {
      const long = [
        { name: 'force', val: 'f' },
        { name: 'ignore-global-affinity-masks', val: 'i' },
      ];
      const parsed = defGetopt(vars.argv, { command: 'vcpu-pin', short: 'fi', long, minArgs: 3 });
      if (!parsed.ok) return endWith(parsed, vars);
      const force = parsed.options.some((o) => o.opt === 'f');
      const next = { ...vars, words: parsed.args, force };
      return call('find_domain', { p: parsed.args[0] ?? '' }, 'found', next);
    },
    found: (vars, reply) => {
      if (reply.rc !== 0) return done({ rc: reply.rc });
      const vcpuid = whichVcpu(vars.words?.[1] ?? '', vars.force === true);
      if (typeof vcpuid === 'string') return fail(vcpuid, vars);
      const next = { ...vars, domid: foundDomid(reply), vcpuid };
      return ask(hypercall('XEN_SYSCTL_physinfo', {}), 'physinfo', next);
    },
    physinfo: (vars, reply) => {
      const { rc, info } = hypercallReply('XEN_SYSCTL_physinfo', reply);
      if (rc < 0) {
        const site = 'libxl_utils.c:815:libxl_cpu_bitmap_alloc';
        return ask(libxlError(site, null, 'failed to retrieve the maximum number of cpus'), 'failed', vars);
      }
      const next = { ...vars, maxCpus: info.maxCpuId + 1, nrCpus: info.nrCpus };
      return ask(hypercall('XEN_SYSCTL_cputopoinfo', {}), 'topology', next);
    },
    topology: (vars, reply) => {
      const { cpus } = hypercallReply('XEN_SYSCTL_cputopoinfo', reply);
      const maps = parseMaps(vars, cpus);
      if (typeof maps === 'string') return fail(maps, vars);
      const next = { ...vars, ...maps };
      if (vars.env.dryrun) return ask(stdoutText(dryrunText(next)), 'done', next);
      const one = vars.vcpuid ?? -1;
      if (one >= 0) return nextVcpu({ ...next, left: [one] });
      return call('libxl_list_vcpu', { domid: vars.domid }, 'vcpus', next);
    },
    vcpus: (vars, reply) => {
      if (reply.rc !== 0) return fail('libxl_list_vcpu failed.\n', vars);
      const left = (reply.vcpus as readonly VcpuInfo[]).map((vcpu) => vcpu.vcpuid);
      return nextVcpu({ ...vars, left });
    },
    pinned: (vars, reply) => {
      const { rc } = hypercallReply('XEN_DOMCTL_setvcpuaffinity', reply);
      const next = { ...vars, left: vars.left?.slice(1) ?? [] };
      if (rc >= 0) return nextVcpu(next);
      const line = libxlError(
        'libxl_sched.c:62:libxl__set_vcpuaffinity',
        vars.domid ?? 0,
        'Setting vcpu affinity',
        -rc,
      );
      if (vars.vcpuid === -1) return ask(line, 'next', { ...next, failures: (vars.failures ?? 0) + 1 });
      return ask([line, stderrText(`Could not set affinity for vcpu \`${vars.vcpuid}'.\n`)], 'failed', vars);
    },
    next: nextVcpu,
    done: () => done({ rc: 0 }),
    failed: () => done({ rc: 1 }),
    exit: (_vars, reply) => done({ rc: reply.rc }),
  },
});

type Maps = { readonly hard: readonly number[] | null; readonly soft: readonly number[] | null };

/** The two maps the words ask for; `-`, or no word for the soft one, leaves a map alone. */
function parseMaps(vars: PinVars, topology: readonly ({ readonly node: NodeId } | null)[]): Maps | string {
  const nodeCpus: number[][] = [];
  topology.forEach((cpu, id) => {
    if (cpu === null) return;
    while (nodeCpus.length <= cpu.node) nodeCpus.push([]);
    nodeCpus[cpu.node]?.push(id);
  });
  const maps: (readonly number[] | null)[] = [];
  for (const word of [vars.words?.[2] ?? '-', vars.words?.[3] ?? '-']) {
    if (word === '-') {
      maps.push(null);
      continue;
    }
    const { cpus, error } = cpurangeParse(word, { maxCpus: vars.maxCpus ?? 0, nodeCpus });
    if (error !== null) return error;
    maps.push([...cpus].filter((cpu) => cpu < (vars.maxCpus ?? 0)).sort((a, b) => a - b));
  }
  return { hard: maps[0] ?? null, soft: maps[1] ?? null };
}

function dryrunText(vars: PinVars): string {
  const size = vars.nrCpus ?? 0;
  const hard = vars.hard === null || vars.hard === undefined ? '-' : printBitmap(vars.hard, size);
  const soft = vars.soft === null || vars.soft === undefined ? '' : ` ${printBitmap(vars.soft, size)}`;
  return `cpumap: ${hard}${soft}\n`;
}

/** The flows of this file by name. */
export const xlVcpuPinFlows: Readonly<Record<string, Flow>> = { main_vcpupin: mainVcpupin };
