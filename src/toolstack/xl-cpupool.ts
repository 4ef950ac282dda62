/** `xl cpupool-list` and `xl cpupool-create`. Models tools/xl/xl_cpupool.c. */
import { strerror } from '../hypervisor/errno.ts';
import { type CpupoolInfo, listedPools } from './libxl-cpupool.ts';
import { sprintf } from './printf.ts';
import { atoi } from './strtol.ts';
import { ask, call, done, type Flow, flow, hypercall, hypercallReply, type Next } from './task.ts';
import { helpCommand } from './xl-cmdtable.ts';
import type { CommandArgs } from './xl-env.ts';
import { endWith } from './xl-exit.ts';
import { defGetopt } from './xl-getopt.ts';
import { stderrText, stdoutText } from './xl-log.ts';
import { cpurangeParse } from './xl-parse-cpus.ts';
import { getList, getString, newXluConfig, type XluConfig } from './xlu-cfg.ts';
import { xluCfgReaddata } from './xlu-cfg-parse.ts';
import { leadingStrings } from './xlu-cfg-value.ts';

type ListVars = CommandArgs & { readonly cpus?: boolean; readonly pool?: string; readonly poolid?: number };

function poolRow(pool: CpupoolInfo, cpus: boolean): string {
  const name = sprintf('%-19s', pool.name);
  if (cpus) return `${name}${pool.cpus.join(',')}\n`;
  return name + sprintf('%3d %9s       y       %4d\n', pool.cpus.length, pool.sched, pool.nDom);
}

/** Xen: main_cpupoollist. `xl cpupool-list [-c] [Pool]`. */
const mainCpupoollist = flow<ListVars>({
  name: 'main_cpupoollist',
  steps: {
    start: (vars) => {
      const long = [{ name: 'cpus', val: 'c' }];
      const parsed = defGetopt(vars.argv, { command: 'cpupool-list', short: 'c', long, minArgs: 0 });
      if (!parsed.ok) return endWith(parsed, vars);
      const [pool] = parsed.args;
      const next = { ...vars, cpus: parsed.options.length > 0 };
      if (pool === undefined) return call('libxl_list_cpupool', {}, 'listed', next);
      return call('libxl_name_to_cpupoolid', { name: pool }, 'found', { ...next, pool });
    },
    found: (vars, reply) =>
      reply.rc === 0
        ? call('libxl_list_cpupool', {}, 'listed', { ...vars, poolid: reply.poolid as number })
        : ask(stderrText(`Pool '${vars.pool}' does not exist\n`), 'failed', vars),
    listed: (vars, reply) => {
      if (reply.rc !== 0) return ask(stderrText('error getting cpupool info\n'), 'failed', vars);
      const pools = listedPools(reply).filter((p) => vars.poolid === undefined || p.poolid === vars.poolid);
      const head = `${'Name'.padEnd(19)}${vars.cpus ? 'CPU list' : 'CPUs   Sched     Active   Domain count'}\n`;
      const rows = pools.map((pool) => poolRow(pool, vars.cpus === true));
      return ask(stdoutText(head + rows.join('')), 'printed', vars);
    },
    printed: () => done({ rc: 0 }),
    failed: () => done({ rc: 1 }),
    exit: (_vars, reply) => done({ rc: reply.rc }),
  },
});

type CreateVars = CommandArgs & {
  readonly dryrun?: boolean;
  readonly filename?: string;
  readonly extra?: string;
  readonly text?: string;
  readonly name?: string;
  readonly sched?: string;
  readonly freeCpus?: readonly number[];
  readonly cpus?: readonly number[];
};

const fail = (text: string, vars: CreateVars): Next<CreateVars> => ask(stderrText(text), 'failed', vars);

const source = (vars: CreateVars): string => vars.filename ?? 'command line';

/** Xen: the members of libxl_scheduler. */
const SCHEDULERS = ['unknown', 'sedf', 'credit', 'credit2', 'arinc653', 'rtds', 'null'];

/** The settings again: a task keeps text, not a parsed config. */
function settings(vars: CreateVars): XluConfig {
  const read = xluCfgReaddata({ source: source(vars), text: vars.text ?? '' });
  return read.ok ? read.cfg : newXluConfig(source(vars));
}

/** Takes the words apart: the config file and the overrides. */
function words(vars: CreateVars, args: readonly string[], file: string | undefined): Next<CreateVars> {
  let filename = file;
  let extra = '';
  for (const word of args) {
    if (word.includes('=')) extra += `\n${word}`;
    else if (filename === undefined) filename = word;
    else return ask(stdoutText(helpCommand('cpupool-create')), 'failed', vars);
  }
  if (filename === undefined) return parse({ ...vars, extra }, '');
  return ask({ kind: 'file', op: 'read', path: filename }, 'read', { ...vars, extra, filename });
}

function parse(vars: CreateVars, fileText: string): Next<CreateVars> {
  const text = vars.extra === '' ? fileText : `${fileText}${vars.extra}\n`;
  const read = xluCfgReaddata({ source: source(vars), text });
  if (!read.ok && read.aborted) return ask(stderrText(read.stderr), 'aborted', vars);
  if (!read.ok) return fail(`${read.stderr}Failed to parse config file: Invalid argument\n`, vars);
  const name = getString(read.cfg, 'name').value ?? vars.filename?.replace(/.*\//, '');
  if (name === undefined) return fail('Missing cpupool name!\n', vars);
  return call('libxl_name_to_cpupoolid', { name }, 'unique', { ...vars, text, name });
}

/** What `cpus` asks for; a text says what is wrong with it. */
function chooseCpus(cfg: XluConfig, free: readonly number[], maxCpus: number): readonly number[] | string {
  const list = getList(cfg, 'cpus');
  const text = getString(cfg, 'cpus');
  let wanted: number[] = [];
  if (list.value !== undefined) wanted = leadingStrings(list.value).map(atoi);
  else if (text.value !== undefined) {
    const parsed = cpurangeParse(text.value, { maxCpus, nodeCpus: [] });
    if (parsed.error !== null) return parsed.error;
    wanted = [...parsed.cpus].sort((a, b) => a - b);
  }
  const bad = wanted.find((cpu) => !free.includes(cpu));
  return bad === undefined ? wanted : `cpu ${bad} illegal or not free\n`;
}

/** Xen: main_cpupoolcreate. `xl cpupool-create [-n] [-f FILE] [FILE] [key=value…]`. */
const mainCpupoolcreate = flow<CreateVars>({
  name: 'main_cpupoolcreate',
  steps: {
    start: (vars) => {
      const long = [
        { name: 'defconfig', arg: 'required', val: 'f' },
        { name: 'dryrun', val: 'n' },
      ] as const;
      const parsed = defGetopt(vars.argv, { command: 'cpupool-create', short: 'nf:', long, minArgs: 0 });
      if (!parsed.ok) return endWith(parsed, vars);
      const dryrun = vars.env.dryrun || parsed.options.some((o) => o.opt === 'n');
      const file = parsed.options.findLast((o) => o.opt === 'f')?.arg;
      return words({ ...vars, dryrun }, parsed.args, file);
    },
    read: (vars, reply) => {
      if (reply.rc >= 0) return parse(vars, reply.text as string);
      return fail(`Failed to read config file: ${vars.filename}: ${strerror(-reply.rc)}\n`, vars);
    },
    unique: (vars, reply) => {
      if (reply.rc === 0) return fail(`Pool name "${vars.name}" already exists\n`, vars);
      const sched = getString(settings(vars), 'sched').value;
      if (sched === undefined) return ask(hypercall('XENVER_info', {}), 'scheduler', vars);
      const known = SCHEDULERS.find((s) => s === sched.toLowerCase());
      if (known === undefined) return fail('Unknown scheduler\n', vars);
      return ask(hypercall('XEN_SYSCTL_cpupool_op', { sub: 'freeinfo' }), 'free', { ...vars, sched: known });
    },
    scheduler: (vars, reply) => {
      const { scheduler } = hypercallReply('XENVER_info', reply);
      const next = { ...vars, sched: scheduler };
      return ask(hypercall('XEN_SYSCTL_cpupool_op', { sub: 'freeinfo' }), 'free', next);
    },
    free: (vars, reply) => {
      const { rc, cpus } = hypercallReply('XEN_SYSCTL_cpupool_op', reply);
      if (rc < 0) return fail('libxl_get_freecpus failed\n', vars);
      return ask(hypercall('XEN_SYSCTL_cputopoinfo', {}), 'topology', { ...vars, freeCpus: cpus });
    },
    topology: (vars, reply) => {
      const { cpus: topology } = hypercallReply('XEN_SYSCTL_cputopoinfo', reply);
      const cfg = settings(vars);
      const free = vars.freeCpus ?? [];
      const nodes = getList(cfg, 'nodes');
      if (nodes.value === undefined) {
        const chosen = chooseCpus(cfg, free, topology.length);
        return typeof chosen === 'string' ? fail(chosen, vars) : show({ ...vars, cpus: chosen });
      }
      const ids = leadingStrings(nodes.value).map(atoi);
      const cpus = free.filter((cpu) => ids.some((id) => topology[cpu]?.node === id));
      return cpus.length === 0 ? fail('no free cpu found\n', vars) : show({ ...vars, cpus });
    },
    shown: (vars) => (vars.dryrun ? done({ rc: 0 }) : ask({ kind: 'uuid' }, 'uuid', vars)),
    uuid: (vars, reply) => {
      const { name, cpus } = vars;
      return call('libxl_cpupool_create', { name, cpus, uuid: reply.uuid }, 'created', vars);
    },
    created: (vars, reply) => (reply.rc === 0 ? done({ rc: 0 }) : fail('error on creating cpupool\n', vars)),
    failed: () => done({ rc: 1 }),
    aborted: () => done({ rc: 134 }),
    exit: (_vars, reply) => done({ rc: reply.rc }),
  },
});

function show(vars: CreateVars): Next<CreateVars> {
  const text = [
    `Using config file "${source(vars)}"\n`,
    `cpupool name:   ${vars.name}\n`,
    `scheduler:      ${vars.sched}\n`,
    `number of cpus: ${vars.cpus?.length ?? 0}\n`,
  ].join('');
  return ask(stdoutText(text), 'shown', vars);
}

/** The flows of this file by name. */
export const xlCpupoolFlows: Readonly<Record<string, Flow>> = {
  main_cpupoollist: mainCpupoollist,
  main_cpupoolcreate: mainCpupoolcreate,
};
