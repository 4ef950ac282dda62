/**
 * What populate_physmap, increase_reservation and decrease_reservation have in common: the checks before the first
 * extent. Models construct_memop_from_reservation() and do_memory_op(), xen/common/memory.c.
 */
import type { GfnRun, MemFlags, MemoryReservation } from './privcmd.ts';
import { DOMID_SELF, type Xen } from './xen.ts';

/** Who issues a hypercall, and from which node's CPU. */
export interface HypercallContext {
  readonly caller: number;
  /** Default 0. */
  readonly node?: number;
  /** Virtual time in ns, printed by some debug keys. Default 0. */
  readonly now?: number;
}

/** A checked reservation request. */
export interface Memop {
  readonly domid: number;
  readonly order: number;
  /** Extents wanted. */
  readonly count: number;
  /** Where, or null. */
  readonly extents: readonly GfnRun[] | null;
  readonly node: number | null;
  readonly exact: boolean;
  readonly bits: number | undefined;
}

/** Extents in one request at most. Xen: UINT_MAX >> MEMOP_EXTENT_SHIFT. */
const MAX_EXTENTS = 0x3ffffff;
const MAX_NUMNODES = 64;
const PAGE_SHIFT = 12;

/** Dom0 is the control and the hardware domain. Xen: is_control_domain(), is_hardware_domain(). */
export const isPrivileged = (caller: number): boolean => caller === 0;

/** The largest extent a caller may ask for, by its class. Models max_order(), xen/common/memory.c. */
export const maxOrder = (caller: number): number => (isPrivileged(caller) ? 18 : 9);

/** The domain a request names; undefined: none. Models rcu_lock_domain_by_any_id(). */
export function domainByAnyId(xen: Xen, caller: number, domid: number): number | undefined {
  const id = domid === DOMID_SELF ? caller : domid;
  return xen.domains.has(id) ? id : undefined;
}

/** XSM_TARGET without a device model's rights: a domain acts for itself, dom0 for all. */
export const mayTarget = (caller: number, domid: number): boolean => isPrivileged(caller) || caller === domid;

/** The request with its flags resolved; null where Xen gives up before the first extent (which reads as 0 done). */
export function constructMemop(xen: Xen, ctx: HypercallContext, r: MemoryReservation): Memop | null {
  if (r.nrExtents > MAX_EXTENTS || r.nrExtents <= 0) return null;
  const domid = domainByAnyId(xen, ctx.caller, r.domid);
  if (domid === undefined) return null;
  const bits = addressBits(xen, r.memFlags);
  if (bits === null) return null;
  const node = nodeOf(xen, ctx, domid, r.memFlags);
  if (node === 'refused') return null;
  if (!mayTarget(ctx.caller, domid)) return null;
  // A list that ends early reads as a fault at its end, which stops the request there.
  const listed = r.extentStart === null ? r.nrExtents : extentsIn(r.extentStart);
  return {
    domid,
    order: r.extentOrder,
    count: Math.min(r.nrExtents, listed),
    extents: r.extentStart,
    node,
    exact: node !== null && r.memFlags.exactNode === true,
    bits,
  };
}

function extentsIn(runs: readonly GfnRun[]): number {
  let listed = 0;
  for (const { count } of runs) listed += count;
  return listed;
}

/** The width to pass on; undefined: any frame will do; null: refused. */
function addressBits(xen: Xen, { addressBits: asked }: MemFlags): number | undefined | null {
  if (asked === undefined || asked === 0) return undefined;
  const whole = PAGE_SHIFT + Math.ceil(Math.log2(xen.layout.maxPage));
  if (asked >= whole) return undefined;
  return asked <= PAGE_SHIFT ? null : asked;
}

/** Models propagate_node() and the XENMEMF_vnode branch of construct_memop_from_reservation(). */
function nodeOf(xen: Xen, ctx: HypercallContext, domid: number, flags: MemFlags): number | null | 'refused' {
  const { node } = flags;
  if (flags.vnode === true) {
    const vnodes = xen.domains.get(domid)?.vnodes ?? null;
    if (vnodes === null) return null;
    return node === undefined || node >= vnodes.length ? 'refused' : vnodes[node]!;
  }
  if (node === undefined) return null;
  if (isPrivileged(ctx.caller)) return node >= MAX_NUMNODES ? 'refused' : node;
  // A guest may not choose; its wish is dropped, its demand refused.
  return flags.exactNode === true ? 'refused' : null;
}
