/**
 * Populates that go on from one another, made as one.
 *
 * Builders ask for their memory in hundreds of hypercalls. populate_physmap() takes extents one after the other, so whether
 * they are asked for in one call or in several makes no difference to Xen, as long as nothing but a lack of memory ends it.
 */

import { tablesAtMost } from '../hypervisor/p2m-tables.ts';
import type { MemFlags, MemoryReservation } from '../hypervisor/privcmd.ts';
import { sizeOfOrder } from '../hypervisor/units.ts';
import type { Xen } from '../hypervisor/xen.ts';
import type { XenOp } from './call-memo.ts';

/**
 * Extents of both, if an op goes on from `extents` of those that `first` asks for and more; 0: they are two ops. `xen`
 * stands before the first.
 */
export function extentsOfBoth(xen: Xen, first: XenOp, extents: number, next: XenOp): number {
  const a = populateIn(first);
  const b = populateIn(next);
  if (a === null || b === null || !isSameAsker(first, next) || !goesOn(a, extents, b)) return 0;
  const all = extents + b.nrExtents;
  return isRoomFor(xen, a, all) ? all : 0;
}

/** Extents that a populate asks for; 0 of other calls. */
export const extentsIn = (op: XenOp): number => populateIn(op)?.nrExtents ?? 0;

/** The populate, asking for so many. */
export function askingFor(op: XenOp, extents: number): XenOp {
  const args = populateIn(op);
  if (args === null || args.nrExtents === extents) return op;
  const [run] = args.extentStart!;
  const extentStart = [{ ...run!, count: extents }];
  return { by: op.by, call: { name: NAME, args: { ...args, nrExtents: extents, extentStart } } };
}

const NAME = 'XENMEM_populate_physmap';

function populateIn({ call: { name, args } }: XenOp): MemoryReservation | null {
  return name === NAME ? (args as MemoryReservation) : null;
}

const isSameAsker = ({ by: a }: XenOp, { by: b }: XenOp): boolean =>
  a.caller === b.caller && a.node === b.node;

/** Whether `b` asks for what comes after so many extents of the kind that `a` asks for. */
function goesOn(a: MemoryReservation, extents: number, b: MemoryReservation): boolean {
  if (a.domid !== b.domid || a.extentOrder !== b.extentOrder) return false;
  const [runA] = a.extentStart ?? [];
  const [runB] = b.extentStart ?? [];
  if (runA === undefined || runB === undefined) return false;
  const size = sizeOfOrder(a.extentOrder);
  return (
    runA.stride === size &&
    runB.stride === size &&
    runA.count === a.nrExtents &&
    runB.count === b.nrExtents &&
    runB.first === runA.first + extents * size &&
    isSameFlags(a.memFlags, b.memFlags)
  );
}

const isSameFlags = (a: MemFlags, b: MemFlags): boolean =>
  a.populateOnDemand === b.populateOnDemand &&
  a.addressBits === b.addressBits &&
  a.node === b.node &&
  a.exactNode === b.exactNode &&
  a.vnode === b.vnode;

/** Whether neither the domain's limit nor its page tables can end the request: the next one would meet that end again. */
function isRoomFor(xen: Xen, r: MemoryReservation, extents: number): boolean {
  const { domid, extentOrder, memFlags } = r;
  const domain = xen.domains.get(domid);
  const heap = xen.heap.domains.get(domid);
  if (domain === undefined || heap === undefined || memFlags.populateOnDemand === true) return false;
  const size = sizeOfOrder(extentOrder);
  if (heap.pendingScrub !== null || heap.maxPages - heap.totPages < extents * size) return false;
  const run = { ...r.extentStart![0]!, count: extents };
  return domain.type === 'pv' || domain.paging.freePages >= tablesAtMost([run], extentOrder);
}
