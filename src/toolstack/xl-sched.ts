/**
 * `xl sched-credit`, `sched-credit2`, `sched-rtds`: what the schedulers of the pools are set to. Models
 * tools/xl/xl_sched.c.
 *
 * Simplified: weights, caps and rate limits are shown as a host boots with them; setting them is refused, since no
 * cpu time is simulated.
 */
import { type CpupoolInfo, listedPools } from './libxl-cpupool.ts';
import { foundDomid, foundNames, listedInfos } from './libxl-list.ts';
import { sprintf } from './printf.ts';
import { ask, call, done, type Flow, flow, type Next } from './task.ts';
import type { CommandArgs } from './xl-env.ts';
import { endWith } from './xl-exit.ts';
import { defGetopt, type FoundOption, type LongOption, type OptionSpec } from './xl-getopt.ts';
import { stderrText, stdoutText } from './xl-log.ts';

/** One command of the three. */
interface Scheduler {
  readonly flow: string;
  /** As libxl_scheduler_to_string() has it. */
  readonly sched: string;
  readonly spec: OptionSpec;
  /** The words that ask for a change. */
  readonly setters: readonly string[];
  readonly head: string;
  readonly row: (name: string | null, domid: number) => string;
  readonly pool: (name: string | null) => string;
}

const required = (name: string, val: string): LongOption => ({ name, arg: 'required', val });

const WEIGHT_CAP = {
  head: sprintf('%-33s %4s %6s %4s\n', 'Name', 'ID', 'Weight', 'Cap'),
  row: (name: string | null, domid: number) => sprintf('%-33s %4d %6d %4d\n', name, domid, 256, 0),
};

const CREDIT: Scheduler = {
  ...WEIGHT_CAP,
  flow: 'main_sched_credit',
  sched: 'credit',
  spec: {
    command: 'sched-credit',
    short: 'd:w:c:p:t:r:m:s',
    long: [
      required('domain', 'd'),
      required('weight', 'w'),
      required('cap', 'c'),
      { name: 'schedparam', val: 's' },
      required('tslice_ms', 't'),
      required('ratelimit_us', 'r'),
      required('migration_delay_us', 'm'),
      required('cpupool', 'p'),
    ],
    minArgs: 0,
  },
  setters: ['w', 'c', 't', 'r', 'm'],
  pool: (name) => sprintf('Cpupool %s: tslice=%dms ratelimit=%dus migration-delay=%dus\n', name, 30, 1000, 0),
};

const CREDIT2: Scheduler = {
  ...WEIGHT_CAP,
  flow: 'main_sched_credit2',
  sched: 'credit2',
  spec: {
    command: 'sched-credit2',
    short: 'd:w:c:p:r:s',
    long: [
      required('domain', 'd'),
      required('weight', 'w'),
      required('cap', 'c'),
      { name: 'schedparam', val: 's' },
      required('ratelimit_us', 'r'),
      required('cpupool', 'p'),
    ],
    minArgs: 0,
  },
  setters: ['w', 'c', 'r'],
  pool: (name) => sprintf('Cpupool %s: ratelimit=%dus\n', name, 1000),
};

const RTDS: Scheduler = {
  flow: 'main_sched_rtds',
  sched: 'rtds',
  spec: {
    command: 'sched-rtds',
    short: 'd:p:b:e:v:c',
    long: [
      required('domain', 'd'),
      required('period', 'p'),
      required('budget', 'b'),
      required('extratime', 'e'),
      required('vcpuid', 'v'),
      required('cpupool', 'c'),
    ],
    minArgs: 0,
  },
  setters: ['p', 'b', 'e'],
  head: sprintf('%-33s %4s %9s %9s %10s\n', 'Name', 'ID', 'Period', 'Budget', 'Extratime'),
  row: (name, domid) => sprintf('%-33s %4d %9d %9d %10s\n', name, domid, 10000, 4000, 'yes'),
  pool: (name) => `Cpupool ${name ?? '(null)'}: sched=RTDS\n`,
};

type SchedVars = CommandArgs & {
  readonly options?: readonly FoundOption[];
  readonly domid?: number;
  readonly poolid?: number;
  readonly domids?: readonly (readonly [domid: number, cpupool: number])[];
  readonly pools?: readonly CpupoolInfo[];
};

const argOf = (vars: SchedVars, opt: string): string | undefined =>
  vars.options?.findLast((o) => o.opt === opt)?.arg;
const has = (vars: SchedVars, opts: readonly string[]): boolean =>
  vars.options?.some((o) => opts.includes(o.opt)) === true;

/** What xl says of options that do not go together; null where they do. */
function conflict(s: Scheduler, vars: SchedVars): string | null {
  const domain = has(vars, ['d']);
  const ofDomain = has(vars, s.sched === 'rtds' ? ['p', 'b', 'e', 'v'] : ['w', 'c']);
  const pool = has(vars, s.sched === 'rtds' ? ['c'] : ['p']);
  if (s.sched === 'credit' && (pool || has(vars, ['s'])) && (domain || ofDomain)) {
    return 'Specifying a cpupool or schedparam is not allowed with domain options.\n';
  }
  if (pool && (domain || ofDomain)) return 'Specifying a cpupool is not allowed with other options.\n';
  if (!domain && ofDomain) return s.sched === 'rtds' ? 'Missing parameters.\n' : 'Must specify a domain.\n';
  if (s.sched === 'credit' && !has(vars, ['s']) && has(vars, ['t', 'r', 'm'])) {
    return 'Must specify schedparam to set schedule parameter values.\n';
  }
  return null;
}

const fail = (text: string, vars: SchedVars): Next<SchedVars> => ask(stderrText(text), 'failed', vars);

/** The table: one domain, one pool's settings, or every pool of this scheduler with its domains. */
function table(s: Scheduler, vars: SchedVars, names: readonly (string | null)[]): Next<SchedVars> {
  const pools = (vars.pools ?? []).filter((p) => vars.poolid === undefined || p.poolid === vars.poolid);
  if (has(vars, ['s']) && s.sched !== 'rtds') {
    const pool = pools.find((p) => p.poolid === (vars.poolid ?? 0));
    if (pool?.sched === s.sched) return ask(stdoutText(s.pool(pool.name)), 'printed', vars);
    const text = `Cpupool ${pool?.name ?? '(null)'}: [sched params unavailable]\n`;
    const said = stderrText(`libxl_sched_${s.sched}_params_get failed.\n`);
    return ask([said, stdoutText(text)], 'printed', vars);
  }
  const domains = vars.domids ?? [];
  if (vars.domid !== undefined) {
    const at = domains.findIndex(([domid]) => domid === vars.domid);
    const pool = (vars.pools ?? []).find((p) => p.poolid === domains[at]?.[1]);
    if (pool === undefined) {
      return ask([stdoutText(s.head), stderrText('libxl_domain_sched_params_get failed.\n')], 'failed', vars);
    }
    if (pool.sched !== s.sched) {
      const text = `libxl_domain_sched_params_get returned ${pool.sched} not ${s.sched}.\n`;
      return ask([stdoutText(s.head), stderrText(text)], 'failed', vars);
    }
    return ask(stdoutText(s.head + s.row(names[at] ?? null, vars.domid)), 'printed', vars);
  }
  const parts = pools
    .filter((pool) => pool.sched === s.sched)
    .map((pool) => {
      const rows = domains.flatMap(([domid, id], i) =>
        id === pool.poolid ? [s.row(names[i] ?? null, domid)] : [],
      );
      return s.pool(pool.name) + s.head + rows.join('');
    });
  return ask(parts.length === 0 ? [] : stdoutText(parts.join('')), 'printed', vars);
}

/** `xl sched-…`: shows; done `{ rc }`. */
function mainSched(s: Scheduler): Flow {
  return flow<SchedVars>({
    name: s.flow,
    steps: {
      start: (given) => {
        const parsed = defGetopt(given.argv, s.spec);
        if (!parsed.ok) return endWith(parsed, given);
        const vars = { ...given, options: parsed.options };
        const text = conflict(s, vars);
        if (text !== null) return fail(text, vars);
        const pool = argOf(vars, s.sched === 'rtds' ? 'c' : 'p');
        if (pool === undefined)
          return call('select_sched_domain', { word: argOf(vars, 'd') ?? null }, 'chosen', vars);
        return call('libxl_cpupool_qualifier_to_cpupoolid', { p: pool }, 'pool', vars);
      },
      pool: (vars, reply) => {
        const pool = argOf(vars, s.sched === 'rtds' ? 'c' : 'p');
        if (reply.rc !== 0) return fail(`unknown cpupool '${pool}'\n`, vars);
        const next = { ...vars, poolid: reply.poolid as number };
        return call('select_sched_domain', { word: null }, 'chosen', next);
      },
      chosen: (vars, reply) => {
        if (reply.rc !== 0) return done({ rc: 1 });
        if (has(vars, s.setters)) {
          return fail(`xl ${s.spec.command}: setting parameters is not simulated.\n`, vars);
        }
        const domid = reply.domid as number | null;
        const next = domid === null ? vars : { ...vars, domid };
        return call('libxl_list_domain', {}, 'domains', next);
      },
      domains: (vars, reply) => {
        if (reply.rc !== 0) return fail('libxl_list_domain failed.\n', vars);
        const domids = listedInfos(reply).map((info) => [info.domid, info.cpupool] as const);
        return call('libxl_list_cpupool', {}, 'pools', { ...vars, domids });
      },
      pools: (vars, reply) => {
        if (reply.rc !== 0) return fail('error getting cpupool info\n', vars);
        const domids = (vars.domids ?? []).map(([domid]) => domid);
        return call('libxl_domid_to_name', { domids }, 'named', { ...vars, pools: listedPools(reply) });
      },
      named: (vars, reply) => table(s, vars, foundNames(reply)),
      printed: () => done({ rc: 0 }),
      failed: () => done({ rc: 1 }),
      exit: (_vars, reply) => done({ rc: reply.rc }),
    },
  });
}

/** The domain of `-d`, or none. `{ word }`; done `{ rc: 0, domid }` with null for none, or `{ rc: 1 }` after the message. */
const selectSchedDomain = flow<{ word: string | null }>({
  name: 'select_sched_domain',
  steps: {
    start: (vars) =>
      vars.word === null
        ? done({ rc: 0, domid: null })
        : call('find_domain', { p: vars.word }, 'found', vars),
    found: (_vars, reply) => (reply.rc === 0 ? done({ rc: 0, domid: foundDomid(reply) }) : done({ rc: 1 })),
  },
});

/** The flows of this file by name. */
export const xlSchedFlows: Readonly<Record<string, Flow>> = {
  select_sched_domain: selectSchedDomain,
  main_sched_credit: mainSched(CREDIT),
  main_sched_credit2: mainSched(CREDIT2),
  main_sched_rtds: mainSched(RTDS),
};
