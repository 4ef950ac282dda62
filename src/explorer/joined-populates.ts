/**
 * Populates that go on from one another, made as one.
 *
 * Builders ask for their memory in hundreds of hypercalls. populate_physmap() takes extents one after the other, so whether
 * they are asked for in one call or in several makes no difference to Xen, as long as nothing but a lack of memory ends it.
 */

import { tablesAtMost } from '../hypervisor/p2m-tables.ts';
import type { Hypercall, MemFlags, MemoryReservation } from '../hypervisor/privcmd.ts';
import { sizeOfOrder } from '../hypervisor/units.ts';
import type { Xen } from '../hypervisor/xen.ts';
import type { XenOp } from './call-memo.ts';

/** One op in the place of both, the second following on the first; null: they are two. `xen` stands before the first. */
export function joinedPopulates(xen: Xen, first: XenOp, second: XenOp): XenOp | null {
  const a = populateIn(first.call);
  const b = populateIn(second.call);
  if (a === null || b === null || !isSameAsker(first, second) || !goesOn(a, b)) return null;
  const nrExtents = a.nrExtents + b.nrExtents;
  const [run] = a.extentStart!;
  const extentStart = [{ ...run!, count: nrExtents }];
  if (!isRoomFor(xen, { ...a, nrExtents, extentStart })) return null;
  return { by: first.by, call: { name: 'XENMEM_populate_physmap', args: { ...a, nrExtents, extentStart } } };
}

function populateIn({ name, args }: Hypercall): MemoryReservation | null {
  return name === 'XENMEM_populate_physmap' ? (args as MemoryReservation) : null;
}

const isSameAsker = ({ by: a }: XenOp, { by: b }: XenOp): boolean =>
  a.caller === b.caller && a.node === b.node;

/** Whether `b` asks for what comes next, of the same kind. */
function goesOn(a: MemoryReservation, b: MemoryReservation): boolean {
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
    runB.first === runA.first + runA.count * size &&
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
function isRoomFor(
  xen: Xen,
  { domid, nrExtents, extentOrder, extentStart, memFlags }: MemoryReservation,
): boolean {
  const domain = xen.domains.get(domid);
  const heap = xen.heap.domains.get(domid);
  if (domain === undefined || heap === undefined || memFlags.populateOnDemand === true) return false;
  if (heap.pendingScrub !== null || heap.maxPages - heap.totPages < nrExtents * sizeOfOrder(extentOrder))
    return false;
  return domain.type === 'pv' || domain.paging.freePages >= tablesAtMost(extentStart!, extentOrder);
}
