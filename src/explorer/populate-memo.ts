/**
 * A populate taken apart: what the heap does with it, and what the domain makes of it.
 *
 * By class the heap's part depends on the heap, on what is asked (order, count, flags) and on little of the domain:
 * whether its claim covers the request, where its memory is to come from, whether it has run. How many extents there
 * were to be had is all that the domain's part depends on. So two builders that took turns in other orders, with the
 * same taken from the heap so far, need no populate of their own.
 */
import type { MemoryReservation } from '../hypervisor/privcmd.ts';
import { type Canon, canonId, canonText } from './canonical.ts';
import type { DomainCell } from './world-cells.ts';

const MAX_ORDER = 18;

/**
 * The number of what a populate asks of the heap, from 1 on; -1 where it cannot be taken apart: a limit is near, page
 * tables might run out, nodes take turns.
 */
export function askedOfHeap(
  canon: Canon,
  args: MemoryReservation,
  { record, heap }: DomainCell,
  isOneNode: boolean,
): number {
  const { nrExtents, extentOrder, extentStart, memFlags } = args;
  if (!isOneNode || extentStart === null || extentStart.length !== 1 || memFlags.populateOnDemand === true)
    return -1;
  if (extentStart[0]!.count !== nrExtents || extentOrder > MAX_ORDER) return -1;
  const pages = nrExtents * 2 ** extentOrder;
  if (heap.isDying || heap.pendingScrub !== null || heap.maxPages - heap.totPages < pages) return -1;
  if (record.type !== 'pv' && record.paging.freePages < tablesAtMost(args)) return -1;
  const claim = heap.outstandingPages >= pages ? 'covered' : String(heap.outstandingPages);
  const from = `${heap.nodeAffinity?.join() ?? ''} ${heap.creationFinished}`;
  const text = `populate ${extentOrder} ${nrExtents} ${canonText(canon, memFlags)} ${claim} ${from}`;
  return canonId(canon, text) + 1;
}

/** Page tables that mapping a reservation of one run can need: for every region of 2 MiB, 1 GiB and 512 GiB it meets. */
function tablesAtMost({ nrExtents, extentOrder, extentStart }: MemoryReservation): number {
  const { stride } = extentStart![0]!;
  const span = Math.max(nrExtents * 2 ** extentOrder, nrExtents * Math.abs(stride));
  return Math.ceil(span / 2 ** 9) + Math.ceil(span / 2 ** 18) + Math.ceil(span / 2 ** 27) + 6;
}
