/**
 * What the answer to a request, and its effect, may depend on: the cells that are read.
 *
 * A table by Xen's name; whatever is not in it reads everything. What a request changes is not stated but seen. A
 * search that checks itself makes every step for real and so finds a row that claims too little.
 */
import { DOMID_SELF } from '../hypervisor/xen.ts';
import type { Request } from '../toolstack/task.ts';
import type { TurnGrain } from './turn-order.ts';
import { BORN, CLOCK, HEAP, LOCKS, MISC, REST, USERDATA, XS } from './world-cells.ts';

/** What a request reads. */
export interface Footprint {
  /** Cells by number. */
  readonly cells: readonly number[];
  /** Domains by id. */
  readonly domids: readonly number[];
  /** All domains from this id on, in which the ones that are not there count as well. */
  readonly domainsFrom?: number;
  /** Which domains there are, and in which CPU pool each of them is. */
  readonly pools?: boolean;
  /** Who watches what in xenstore. */
  readonly watches?: boolean;
  /** The tasks inside domains, and all others that are no lanes. */
  readonly others?: boolean;
}

/** What is asked of a domain that a request names, before it is served. */
export interface DomainsNow {
  readonly lives: (domid: number) => boolean;
  /** It was promised pages that it has not got. */
  readonly hasPod: (domid: number) => boolean;
}

/** Looks at a request of a task inside domain `caller` (0: dom0's) before it is served. */
export type FootprintOf = (request: Request, caller: number, now: DomainsNow) => Footprint;

const NOTHING: Footprint = { cells: [], domids: [] };

/** Who holds which lock, and since when. */
export const OF_LOCKS: Footprint = { cells: [LOCKS, CLOCK], domids: [] };

/** All there is but the other lanes. */
export const EVERYTHING: Footprint = {
  cells: [CLOCK, HEAP, MISC, XS, USERDATA, LOCKS, REST, BORN],
  domids: [],
  domainsFrom: 0,
  watches: true,
  others: true,
};

/**
 * xenstored hears of a domain's end, forgets that it was introduced, and wakes who watches for it; what runs inside ends
 * with it.
 */
const TOLD = { cells: [CLOCK, XS], watches: true, others: true };

type Kind = 'nothing' | 'domain' | 'domain+pools' | 'domain+heap' | 'heap' | 'domains' | 'pools+heap' | 'end';

const HYPERCALLS: Readonly<Record<string, Kind>> = {
  traced: 'nothing',
  XENVER_info: 'nothing',
  XEN_SYSCTL_cputopoinfo: 'nothing',
  XENMEM_maximum_ram_page: 'nothing',
  XENMEM_set_memory_map: 'domain',
  XENMEM_current_reservation: 'domain',
  XENMEM_maximum_reservation: 'domain',
  XENMEM_maximum_gpfn: 'domain',
  XENMEM_get_pod_target: 'domain',
  XEN_DOMCTL_getnodeaffinity: 'domain',
  XEN_DOMCTL_setnodeaffinity: 'domain+pools',
  XEN_DOMCTL_getvcpuaffinity: 'domain+pools',
  XEN_DOMCTL_setvcpuaffinity: 'domain+pools',
  XEN_DOMCTL_getvcpuinfo: 'domain+pools',
  XEN_DOMCTL_max_mem: 'domain',
  XEN_DOMCTL_setvnumainfo: 'domain',
  XEN_DOMCTL_pausedomain: 'domain',
  XEN_DOMCTL_unpausedomain: 'domain',
  VCPUOP_up: 'domain',
  VCPUOP_down: 'domain',
  foreign_map: 'domain+heap',
  XENMEM_claim_pages: 'domain+heap',
  XENMEM_populate_physmap: 'domain+heap',
  XENMEM_increase_reservation: 'domain+heap',
  XENMEM_decrease_reservation: 'domain+heap',
  XENMEM_set_pod_target: 'domain+heap',
  XENMEM_remove_from_physmap: 'domain+heap',
  XEN_DOMCTL_max_vcpus: 'domain+heap',
  XEN_DOMCTL_set_paging_mempool_size: 'domain+heap',
  XEN_SYSCTL_physinfo: 'heap',
  XEN_SYSCTL_numainfo: 'heap',
  XEN_DOMCTL_getdomaininfo: 'domains',
  XEN_SYSCTL_getdomaininfolist: 'domains',
  XEN_SYSCTL_cpupool_op: 'domains',
  XEN_DOMCTL_createdomain: 'pools+heap',
  XEN_DOMCTL_destroydomain: 'end',
  SCHEDOP_shutdown: 'end',
};

/** Of XEN_SYSCTL_cpupool_op, what changes nothing. */
const POOL_LOOKS: readonly string[] = ['info', 'freeinfo'];

/** What a request reads. */
export function footprintOf(request: Request, caller: number, now: DomainsNow): Footprint {
  switch (request.kind) {
    case 'hypercall':
      if (request.name === 'XEN_SYSCTL_getdomaininfolist') {
        // Domains at or after the one named: if one is enough and that one lives, no other is looked at.
        const { firstDomain, maxDomains } = request.args;
        if (maxDomains === 1 && now.lives(firstDomain)) return { cells: [], domids: [firstDomain] };
        return { cells: [], domids: [], domainsFrom: firstDomain };
      }
      if (request.name === 'XEN_SYSCTL_cpupool_op' && POOL_LOOKS.includes(request.args.sub))
        return { cells: [MISC], domids: [], pools: true };
      // A frame that is there is only looked up; one that was promised is allocated.
      if (request.name === 'foreign_map' && !now.hasPod(request.args.domid))
        return { cells: [], domids: [request.args.domid] };
      return hypercallFootprint(request.name, request.args, caller);
    case 'xs':
      return request.call.op === 'read' || request.call.op === 'directory'
        ? { cells: [XS], domids: [] }
        : { cells: [XS, CLOCK], domids: [], watches: true };
    case 'userdata':
      return { cells: [USERDATA], domids: [] };
    case 'lock':
    case 'unlock':
      return OF_LOCKS;
    case 'spawn':
      return { cells: [BORN, CLOCK], domids: [] };
    case 'uuid':
    case 'file':
      return { cells: [REST], domids: [] };
    case 'recent-domid':
      return { cells: [REST, CLOCK], domids: [] };
    case 'now':
    case 'sleep':
    case 'wait':
      return { cells: [CLOCK], domids: [] };
    case 'remote':
      return EVERYTHING;
    default:
      return NOTHING;
  }
}

/**
 * The same where others come between the sections of hypercalls: who pauses a domain waits until what its vcpus have in
 * hand is assigned.
 */
const footprintOfSections: FootprintOf = (request, caller, now) => {
  const known = footprintOf(request, caller, now);
  return request.kind === 'hypercall' && request.name === 'XEN_DOMCTL_pausedomain'
    ? { ...known, cells: [HEAP, ...known.cells] }
    : known;
};

/** What requests read at a grain. */
export const footprintAt = (grain: TurnGrain): FootprintOf =>
  grain === 'sections' ? footprintOfSections : footprintOf;

function hypercallFootprint(name: string, args: object, caller: number): Footprint {
  const { domid } = args as { domid?: number };
  const named = domid === DOMID_SELF ? caller : domid;
  const domids = named === undefined ? [] : [named];
  switch (HYPERCALLS[name]) {
    case 'nothing':
      return NOTHING;
    case 'domain':
      return { cells: [], domids };
    case 'domain+pools':
      return { cells: [MISC], domids };
    case 'domain+heap':
      return { cells: [HEAP], domids };
    case 'heap':
      return { cells: [HEAP], domids: [] };
    case 'domains':
      return { cells: [MISC], domids: [], domainsFrom: 0 };
    case 'pools+heap':
      return { cells: [MISC, HEAP], domids: [], pools: true };
    case 'end':
      return { ...TOLD, cells: [...TOLD.cells, MISC, HEAP], domids };
    default:
      return EVERYTHING;
  }
}

const XEN_CELLS: readonly number[] = [HEAP, MISC];

/** Xen's part of what is read; the domains always are. */
export const xenCellsOf = ({ cells }: Footprint): number[] =>
  cells.filter((cell) => XEN_CELLS.includes(cell));

/** What is read outside of Xen. */
export const restOfFootprint = ({ cells, ...rest }: Footprint): Footprint => ({
  cells: cells.filter((cell) => !XEN_CELLS.includes(cell)),
  domids: [],
  ...(rest.watches === undefined ? {} : { watches: rest.watches }),
  ...(rest.others === undefined ? {} : { others: rest.others }),
});
