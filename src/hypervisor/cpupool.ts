/** CPU pools. Models cpupool_do_sysctl(), xen/common/sched/cpupool.c. */
import type { Cpupool } from './domain-state.ts';
import { EADDRNOTAVAIL, EBUSY, EINVAL, ENODEV, ENOENT, ESRCH } from './errno.ts';
import { updateNodeAffinity } from './node-affinity.ts';
import type { HypercallArgs, HypercallReply } from './privcmd.ts';
import { updateDomain, type Xen } from './xen.ts';

type Args = HypercallArgs<'XEN_SYSCTL_cpupool_op'>;
type Reply = HypercallReply<'XEN_SYSCTL_cpupool_op'>;

/** The scheduler a host boots with, and every pool gets. */
export const SCHEDULER = 'credit2';

const answer = (rc: number): Reply => ({ rc, id: 0, sched: SCHEDULER, nDom: 0, cpus: [] });

/** XEN_SYSCTL_cpupool_op: ENOENT for an unknown pool, EBUSY for one in use, ENODEV for a CPU that is not free. */
export function cpupoolOp(xen: Xen, args: Args): Reply {
  switch (args.sub) {
    case 'create':
      return create(xen);
    case 'destroy':
      return answer(destroy(xen, args.id));
    case 'info':
      return info(xen, args.id);
    case 'addcpu':
      return answer(addCpu(xen, args.id, args.cpu));
    case 'rmcpu':
      return answer(removeCpu(xen, args.id, args.cpu));
    case 'movedomain':
      return answer(moveDomain(xen, args.id, args.domid));
    case 'freeinfo':
      return { ...answer(0), cpus: freeCpus(xen) };
  }
}

/** The CPUs of a pool, ascending; none for an unknown one. */
export const cpupoolCpus = (xen: Xen, id: number): readonly number[] => find(xen, id)?.cpus ?? [];

const find = (xen: Xen, id: number): Cpupool | undefined => xen.cpupools.find((pool) => pool.id === id);

/** The domains of a pool. */
const domainsIn = (xen: Xen, id: number): number[] =>
  [...xen.domains.values()].filter((d) => d.cpupool === id).map((d) => d.domid);

function freeCpus(xen: Xen): number[] {
  const taken = new Set(xen.cpupools.flatMap((pool) => pool.cpus));
  return xen.layout.nodes.flatMap((node) => node.cpus).filter((cpu) => !taken.has(cpu));
}

function put(xen: Xen, pool: Cpupool): void {
  xen.cpupools = [...xen.cpupools.filter(({ id }) => id !== pool.id), pool].sort((a, b) => a.id - b.id);
}

function create(xen: Xen): Reply {
  let id = 0;
  while (find(xen, id) !== undefined) id++;
  put(xen, { id, sched: SCHEDULER, cpus: [] });
  return { ...answer(0), id };
}

function destroy(xen: Xen, id: number): number {
  const pool = find(xen, id);
  if (pool === undefined) return -ENOENT;
  if (pool.cpus.length > 0 || domainsIn(xen, id).length > 0) return -EBUSY;
  xen.cpupools = xen.cpupools.filter((other) => other.id !== id);
  return 0;
}

/** Answers for the first pool at or after `id`. */
function info(xen: Xen, id: number): Reply {
  const pool = xen.cpupools.find((candidate) => candidate.id >= id);
  if (pool === undefined) return answer(-ENOENT);
  return { rc: 0, id: pool.id, sched: pool.sched, nDom: domainsIn(xen, pool.id).length, cpus: pool.cpus };
}

function addCpu(xen: Xen, id: number, cpu: number): number {
  if (cpu < 0 || cpu >= xen.layout.config.cpus) return -EINVAL;
  if (!freeCpus(xen).includes(cpu)) return -ENODEV;
  const pool = find(xen, id);
  if (pool === undefined) return -ENOENT;
  put(xen, { ...pool, cpus: [...pool.cpus, cpu].sort((a, b) => a - b) });
  updateNodeAffinities(xen, id);
  return 0;
}

function removeCpu(xen: Xen, id: number, cpu: number): number {
  const pool = find(xen, id);
  if (pool === undefined) return -ENOENT;
  if (cpu < 0 || cpu >= xen.layout.config.cpus) return -EINVAL;
  if (!pool.cpus.includes(cpu)) return -EADDRNOTAVAIL;
  if (pool.cpus.length === 1 && domainsIn(xen, id).length > 0) return -EBUSY;
  put(xen, { ...pool, cpus: pool.cpus.filter((other) => other !== cpu) });
  updateNodeAffinities(xen, id);
  return 0;
}

function moveDomain(xen: Xen, id: number, domid: number): number {
  const d = xen.domains.get(domid);
  if (d === undefined) return -ESRCH;
  if (d.cpupool === id) return 0;
  const pool = find(xen, id);
  if (pool === undefined) return -ENOENT;
  if (pool.cpus.length === 0) return -EBUSY;
  updateDomain(xen, domid, { cpupool: id });
  updateNodeAffinity(xen, domid);
  return 0;
}

function updateNodeAffinities(xen: Xen, id: number): void {
  for (const domid of domainsIn(xen, id)) updateNodeAffinity(xen, domid);
}
