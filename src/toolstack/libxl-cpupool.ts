/** CPU pools as libxl tells them. Models tools/libs/light/libxl_cpupool.c. */
import type { HypercallReply } from '../hypervisor/privcmd.ts';
import { ERROR_FAIL, ERROR_INVAL } from './libxl-errno.ts';
import {
  ask,
  call,
  done,
  type Flow,
  flow,
  hypercall,
  hypercallReply,
  type Next,
  type Reply,
  xs,
  xsReply,
} from './task.ts';

/** Xen: libxl_cpupoolinfo. */
export interface CpupoolInfo {
  readonly poolid: number;
  /** Null where xenstore has none. */
  readonly name: string | null;
  readonly sched: string;
  readonly nDom: number;
  readonly cpus: readonly number[];
}

type PoolReply = HypercallReply<'XEN_SYSCTL_cpupool_op'>;
interface ListVars {
  readonly pools: readonly CpupoolInfo[];
  readonly found?: PoolReply;
}

/** Where xenstore keeps a pool's name. */
export const poolNamePath = (poolid: number): string => `/local/pool/${poolid}/name`;

/** A pool's name from xenstore's answer; pool 0 has one even where nobody wrote it. Models libxl_cpupoolid_to_name(). */
export function poolName(poolid: number, reply: Reply): string | null {
  const { rc, value } = xsReply(reply);
  return rc >= 0 ? (value ?? '') : poolid === 0 ? 'Pool-0' : null;
}

const askPool = (pools: readonly CpupoolInfo[], id: number): Next<ListVars> =>
  ask(hypercall('XEN_SYSCTL_cpupool_op', { sub: 'info', id }), 'got', { pools });

/** Xen: libxl_list_cpupool. No arguments; done `{ rc: 0, pools }` in ascending id, or `{ rc: ERROR_FAIL }` for none. */
const listCpupool = flow<ListVars>({
  name: 'libxl_list_cpupool',
  steps: {
    start: () => askPool([], 0),
    got: (vars, reply) => {
      const found = hypercallReply('XEN_SYSCTL_cpupool_op', reply);
      // Any refusal ends the list, the one past the last pool like any other.
      if (found.rc < 0)
        return done(vars.pools.length === 0 ? { rc: ERROR_FAIL } : { rc: 0, pools: vars.pools });
      return ask(xs({ op: 'read', path: poolNamePath(found.id) }), 'named', { ...vars, found });
    },
    named: (vars, reply) => {
      const { found } = vars;
      if (found === undefined) return done({ rc: ERROR_FAIL });
      const { id, sched, nDom, cpus } = found;
      const pool = { poolid: id, name: poolName(id, reply), sched, nDom, cpus };
      return askPool([...vars.pools, pool], id + 1);
    },
  },
});

/** The `pools` of a finished libxl_list_cpupool. */
export const listedPools = (reply: Reply): readonly CpupoolInfo[] => reply.pools as readonly CpupoolInfo[];

/** Xen: libxl_name_to_cpupoolid. `{ name }`; done `{ rc: 0, poolid }`, or `{ rc: ERROR_INVAL }` for no such name. */
const nameToCpupoolid = flow<{ name: string }>({
  name: 'libxl_name_to_cpupoolid',
  steps: {
    start: (vars) => call('libxl_list_cpupool', {}, 'listed', vars),
    listed: (vars, reply) => {
      const pool = reply.rc === 0 ? listedPools(reply).find((p) => p.name === vars.name) : undefined;
      return pool === undefined ? done({ rc: ERROR_INVAL }) : done({ rc: 0, poolid: pool.poolid });
    },
  },
});

/** Xen: libxl_cpupool_qualifier_to_cpupoolid. `{ p }`, a name or digits; done as libxl_name_to_cpupoolid. */
const qualifierToCpupoolid = flow<{ p: string }>({
  name: 'libxl_cpupool_qualifier_to_cpupoolid',
  steps: {
    start: (vars) =>
      /^[0-9]*$/.test(vars.p)
        ? call('libxl_list_cpupool', {}, 'listed', vars)
        : call('libxl_name_to_cpupoolid', { name: vars.p }, 'found', vars),
    // xl asks whether the id is valid right after: both answers at once.
    listed: (vars, reply) => {
      const poolid = Number(vars.p);
      const there = reply.rc === 0 && listedPools(reply).some((pool) => pool.poolid === poolid);
      return there ? done({ rc: 0, poolid }) : done({ rc: ERROR_INVAL });
    },
    found: (_vars, reply) => done(reply),
  },
});

interface CreateVars {
  readonly name: string;
  readonly cpus: readonly number[];
  readonly uuid: string;
  readonly poolid?: number;
  readonly added?: number;
  readonly tx?: number;
}

/** Adds the next CPU, then writes the pool to xenstore. */
function nextCpu(vars: CreateVars): Next<CreateVars> {
  const cpu = vars.cpus[vars.added ?? 0];
  if (cpu === undefined) return ask(xs({ op: 'transaction_start' }), 'started', vars);
  return ask(hypercall('XEN_SYSCTL_cpupool_op', { sub: 'addcpu', id: vars.poolid ?? 0, cpu }), 'added', vars);
}

/** Xen: libxl_cpupool_create. `{ name, cpus, uuid }`; done `{ rc: 0, poolid }`, or `{ rc: ERROR_FAIL }` with the pool undone. */
const cpupoolCreate = flow<CreateVars>({
  name: 'libxl_cpupool_create',
  steps: {
    start: (vars) => ask(hypercall('XEN_SYSCTL_cpupool_op', { sub: 'create' }), 'created', vars),
    created: (vars, reply) => {
      const { rc, id } = hypercallReply('XEN_SYSCTL_cpupool_op', reply);
      return rc < 0 ? done({ rc: ERROR_FAIL }) : nextCpu({ ...vars, poolid: id, added: 0 });
    },
    added: (vars, reply) => {
      const added = vars.added ?? 0;
      if (reply.rc >= 0) return nextCpu({ ...vars, added: added + 1 });
      const id = vars.poolid ?? 0;
      const undo = vars.cpus
        .slice(0, added)
        .map((cpu) => hypercall('XEN_SYSCTL_cpupool_op', { sub: 'rmcpu', id, cpu }));
      return ask([...undo, hypercall('XEN_SYSCTL_cpupool_op', { sub: 'destroy', id })], 'undone', vars);
    },
    undone: () => done({ rc: ERROR_FAIL }),
    started: (vars, reply) => {
      const { tx } = xsReply(reply);
      const at = { tx: tx ?? 0 };
      const dir = `/local/pool/${vars.poolid}`;
      const requests = [
        xs({ op: 'mkdir', path: dir, ...at }),
        xs({ op: 'write', path: `${dir}/uuid`, value: vars.uuid, ...at }),
        xs({ op: 'write', path: `${dir}/name`, value: vars.name, ...at }),
        xs({ op: 'transaction_end', abort: false, ...at }),
      ];
      return ask(requests, 'ended', vars);
    },
    // Somebody else wrote meanwhile: once more.
    ended: (vars, reply) =>
      reply.rc < 0
        ? ask(xs({ op: 'transaction_start' }), 'started', vars)
        : done({ rc: 0, poolid: vars.poolid }),
  },
});

/** The flows of this file by name. */
export const libxlCpupoolFlows: Readonly<Record<string, Flow>> = {
  libxl_list_cpupool: listCpupool,
  libxl_name_to_cpupoolid: nameToCpupoolid,
  libxl_cpupool_qualifier_to_cpupoolid: qualifierToCpupoolid,
  libxl_cpupool_create: cpupoolCreate,
};
