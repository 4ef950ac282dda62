/** `xl cpupool-numa-split`: one pool per NUMA node. Models main_cpupoolnumasplit(), tools/xl/xl_cpupool.c. */
import { domId } from '../hypervisor/units.ts';
import { listedPools, poolNamePath } from './libxl-cpupool.ts';
import { oneInfo } from './libxl-list.ts';
import { ask, call, done, type Flow, flow, hypercall, hypercallReply, type Next, xs } from './task.ts';
import type { CommandArgs } from './xl-env.ts';
import { endWith } from './xl-exit.ts';
import { defGetopt } from './xl-getopt.ts';
import { stderrText } from './xl-log.ts';

type SplitVars = CommandArgs & {
  /** The node of each cpu, null for one that is not there. */
  readonly nodes?: readonly (number | null)[];
  /** Nodes that still need a pool of their own. */
  readonly left?: readonly number[];
  /** How many cpus, and so vcpus of dom0, pool 0 keeps. */
  readonly kept?: number;
  readonly tries?: number;
};

const fail = (vars: SplitVars, text: string): Next<SplitVars> => ask(stderrText(text), 'failed', vars);

const cpusOf = (vars: SplitVars, node: number): number[] =>
  (vars.nodes ?? []).flatMap((n, cpu) => (n === node ? [cpu] : []));

const firstNode = (vars: SplitVars): number => vars.nodes?.find((node) => node !== null) ?? 0;

/** Goes on with the next node, or ends. */
function nextNode(vars: SplitVars): Next<SplitVars> {
  const node = vars.left?.[0];
  if (node === undefined) return done({ rc: 0 });
  const requests = cpusOf(vars, node).map((cpu) =>
    hypercall('XEN_SYSCTL_cpupool_op', { sub: 'rmcpu', id: 0, cpu }),
  );
  return ask(requests, 'removed', vars);
}

/** Adds a node's free cpus to a pool; those another pool has are passed over. Models libxl_cpupool_cpuadd_node(). */
const freeOf = (vars: SplitVars, node: number, free: readonly number[]): readonly number[] =>
  cpusOf(vars, node).filter((cpu) => free.includes(cpu));

/** Xen: main_cpupoolnumasplit. `xl cpupool-numa-split`; Pool-0 becomes the pool of the first node. */
const mainCpupoolnumasplit = flow<SplitVars>({
  name: 'main_cpupoolnumasplit',
  steps: {
    start: (vars) => {
      const parsed = defGetopt(vars.argv, { command: 'cpupool-numa-split', short: '', minArgs: 0 });
      return parsed.ok ? call('libxl_list_cpupool', {}, 'listed', vars) : endWith(parsed, vars);
    },
    listed: (vars, reply) => {
      if (reply.rc !== 0) return fail(vars, 'error getting cpupool info\n');
      if (listedPools(reply).length > 1) {
        return fail(vars, 'splitting not possible, already cpupools in use\n');
      }
      return ask(hypercall('XEN_SYSCTL_cputopoinfo', {}), 'topology', vars);
    },
    topology: (vars, reply) => {
      const { rc, cpus } = hypercallReply('XEN_SYSCTL_cputopoinfo', reply);
      if (rc < 0) return fail(vars, 'libxl_get_topologyinfo failed\n');
      const nodes = cpus.map((cpu) => cpu?.node ?? null);
      const first = nodes.find((node) => node !== null) ?? 0;
      const left = [...new Set(nodes)].filter((node) => node !== null && node !== first) as number[];
      const next = { ...vars, nodes, left, kept: nodes.filter((node) => node === first).length };
      return ask(hypercall('XEN_SYSCTL_cpupool_op', { sub: 'freeinfo' }), 'free', next);
    },
    free: (vars, reply) => {
      const { rc, cpus } = hypercallReply('XEN_SYSCTL_cpupool_op', reply);
      if (rc < 0) return fail(vars, 'error on adding cpu to Pool 0\n');
      const node = firstNode(vars);
      const adds = freeOf(vars, node, cpus).map((cpu) =>
        hypercall('XEN_SYSCTL_cpupool_op', { sub: 'addcpu', id: 0, cpu }),
      );
      const rename = xs({ op: 'write', path: poolNamePath(0), value: `Pool-node${node}` });
      return ask([...adds, rename], 'renamed', vars);
    },
    renamed: (vars, reply) =>
      reply.rc < 0
        ? fail(vars, 'error on renaming Pool 0\n')
        : call('libxl_domain_info', { domid: domId(0) }, 'dom0', vars),
    dom0: (vars, reply) => {
      if (reply.rc !== 0) return fail(vars, 'error on getting info for Domain-0\n');
      const count = vars.kept ?? 0;
      if (oneInfo(reply).nrOnlineVcpus <= count) return nextNode(vars);
      return call('libxl_set_vcpuonline', { domid: domId(0), count }, 'offlining', { ...vars, tries: 0 });
    },
    offlining: (vars, reply) =>
      reply.rc === 0
        ? call('libxl_domain_info', { domid: domId(0) }, 'waited', vars)
        : fail(vars, 'error on removing vcpus for Domain-0\n'),
    waited: (vars, reply) => {
      if (reply.rc !== 0) return fail(vars, 'error on getting info for Domain-0\n');
      if (oneInfo(reply).nrOnlineVcpus <= (vars.kept ?? 0)) return nextNode(vars);
      const tries = vars.tries ?? 0;
      if (tries === 10) return fail(vars, 'failed to offline vcpus\n');
      return ask({ kind: 'sleep', ns: 1e9 }, 'slept', { ...vars, tries: tries + 1 });
    },
    slept: (vars) => call('libxl_domain_info', { domid: domId(0) }, 'waited', vars),
    removed: (vars, reply) =>
      reply.rc < 0 ? fail(vars, 'error on removing cpu from Pool 0\n') : ask({ kind: 'uuid' }, 'uuid', vars),
    // The pool's cpus are free by now, so creating it with them is the same as adding them to an empty one.
    uuid: (vars, reply) => {
      const node = vars.left?.[0] ?? 0;
      const args = { name: `Pool-node${node}`, cpus: cpusOf(vars, node), uuid: reply.uuid };
      return call('libxl_cpupool_create', args, 'created', vars);
    },
    created: (vars, reply) =>
      reply.rc === 0
        ? nextNode({ ...vars, left: vars.left?.slice(1) ?? [] })
        : fail(vars, 'error on creating cpupool\n'),
    failed: () => done({ rc: 1 }),
    exit: (_vars, reply) => done({ rc: reply.rc }),
  },
});

/** The flows of this file by name. */
export const xlNumaSplitFlows: Readonly<Record<string, Flow>> = {
  main_cpupoolnumasplit: mainCpupoolnumasplit,
};
