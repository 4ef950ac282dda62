/**
 * What Xen made of a hypercall, remembered by what it read of Xen.
 *
 * By class a populate is taken apart once more: what the heap does with it depends on the heap, on what is asked (order,
 * count, flags) and on little of the domain: whether its claim covers the request, where its memory is to come from,
 * whether it has run. How many extents there were to be had is all that the domain's part depends on. So two builders
 * that took turns in other orders, with the same taken from the heap so far, need no populate of their own.
 */
import type { Hypercall, MemoryReservation } from '../hypervisor/privcmd.ts';
import type { HypercallContext } from '../hypervisor/reservation.ts';
import type { Request } from '../toolstack/task.ts';

/** A hypercall as a task asks for it. */
export type HypercallRequest = Extract<Request, { readonly kind: 'hypercall' }>;

/** A hypercall that changed Xen, as it can be made again. */
export interface XenOp {
  readonly by: HypercallContext;
  readonly call: Hypercall;
}

/** What a step asked of Xen, by number: of steps that ask the same it is the same. */
export type Asked = number;

/** Nothing that changes Xen. */
export const NOTHING: Asked = 0;
/** What its hypercalls alone do not make again. */
export const WHOLE: Asked = 1;

/** What Xen made of it. */
export interface Gave {
  /** The reply's number. */
  readonly reply: number;
  /** Xen's cells that changed, and what is in them afterwards. */
  readonly cells: readonly number[];
  readonly values: readonly number[];
}

/** A hypercall by somebody, and what came of it so far. */
export interface CallNode {
  readonly request: HypercallRequest;
  readonly by: HypercallContext;
  readonly asked: Asked;
  /** Once it is known to change nothing in Xen, whatever it says. */
  readonly isLook: boolean;
  /** What it reads of Xen, in order of number. Grows; what is remembered is then forgotten. */
  reads: readonly number[];
  readonly gave: Map<number, Gave>;
  /** A populate by dom0 for a domain, by class. */
  readonly populate: PopulateNode | null;
  /** A look by dom0 at domains: all that is told stands in their cells. */
  readonly look: LookNode | null;
  /** By class: what comes of it, the heap aside. */
  readonly apart: ApartNode | null;
}

/** See call-apart.ts. */
export interface ApartNode {
  /** Cells of Xen that are read, but for the heap. */
  reads: readonly number[];
  readonly gave: Map<number, GaveApart>;
}

/** What came of a call, the heap's form aside. */
interface GaveApart {
  readonly gave: Gave;
  /** Pages that were taken; less than 0: given back. */
  readonly taken: number;
  /** Pages that are claimed afterwards, less those before. */
  readonly claimed: number;
}

/** See CallNode.look. */
export interface LookNode {
  /** As many of the domains that live as that, from the first id that is not below. */
  readonly firstDomain: number;
  readonly maxDomains: number;
  /** What was told: of one alone by its id and its form, and by toldNumber(); of several by all their forms. */
  readonly gave: Gave[][];
  readonly alike: Gave[][];
  readonly several: Map<number, Gave>;
}

/** See the file's header. */
export interface PopulateNode {
  /** The cell of the domain that gets the memory. */
  readonly domainCell: number;
  readonly domid: number;
  readonly args: MemoryReservation;
  /** The number of what is asked of the heap, but for the domain's part in it. */
  readonly what: number;
  /** Tells it apart from what else there are numbers for by form of a domain. */
  readonly no: number;
  /** By the number of extents that there were. */
  readonly told: Map<number, PopulateTold>;
}

/** What the heap gave to a populate: extents, and its form afterwards. */
export interface HeapGave {
  readonly extents: number;
  readonly heap: number;
}

/** What the caller makes of a populate that was given so many extents. */
export interface PopulateTold {
  /** As PopulateNode.no. */
  readonly no: number;
  readonly reply: number;
}

/** Hypercalls that change nothing in Xen. */
const LOOKS =
  /^(traced|XENVER_|XEN_SYSCTL_(physinfo|numainfo|cputopoinfo|getdomaininfolist)|XEN_DOMCTL_get|XENMEM_(maximum|current|get|set_memory_map))/;

export const isLook = (name: string): boolean => LOOKS.test(name);

export const lookOf = ({ name, args }: HypercallRequest, caller: number): LookNode | null =>
  caller === 0 && name === 'XEN_SYSCTL_getdomaininfolist'
    ? { ...args, gave: [], alike: [], several: new Map() }
    : null;
