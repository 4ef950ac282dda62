/**
 * What a populate makes of a heap's class and of a domain, without asking Xen.
 *
 * Where the class of the heap says what comes of it, that is worked out on its words (class-take.ts); what the domain makes
 * of so many extents is worked out on the words that stand for it (domain-forms.ts).
 */

import type { MemoryReservation } from '../hypervisor/privcmd.ts';
import { MAX_ORDER, sizeOfOrder } from '../hypervisor/units.ts';
import type { HeapGave, PopulateNode } from './call-memo.ts';
import { readClass, takeFromClass } from './class-take.ts';
import { domainSeen } from './domain-cells.ts';
import { type DomainSeen, formGivenRun } from './domain-forms.ts';
import { getPair, pairId, setPair } from './pair-table.ts';
import { viewState } from './state-table.ts';
import { formOfClass } from './world-cells.ts';
import type { WorldWalk } from './world-walk.ts';

/** Whether a populate can be taken apart: not where nodes take turns, or pages are promised. */
export const isTakenApart = (
  { nrExtents, extentOrder, extentStart, memFlags }: MemoryReservation,
  nodes: number,
): boolean =>
  nodes === 1 &&
  memFlags.populateOnDemand !== true &&
  extentStart?.length === 1 &&
  extentStart[0]!.count === nrExtents &&
  extentOrder <= MAX_ORDER;

/**
 * The number of what a populate asks of the heap for a domain in this form, from 1 on; 0 where the heap is not all that
 * decides: a limit is near, page tables might run out.
 */
export function askedAt(w: WorldWalk, node: PopulateNode, form: number): number {
  const known = getPair(w.askedOfHeap, node.no, form);
  if (known >= 0) return known;
  const seen = form === 0 ? null : domainSeen(w.cells, node.domid, form);
  const asked = seen === null || !isCertain(node.args, seen) ? 0 : askedBy(w, node, seen);
  setPair(w.askedOfHeap, node.no, form, asked);
  return asked;
}

function askedBy({ pairs }: WorldWalk, { args, what }: PopulateNode, domain: DomainSeen): number {
  const pages = args.nrExtents * sizeOfOrder(args.extentOrder);
  // A claim that covers all of it is as good as any other that does.
  const claim = domain.outstandingPages >= pages ? 0 : domain.outstandingPages + 1;
  return pairId(pairs, pairId(pairs, what, domain.isBuilt ? 1 : 0), claim);
}

function isCertain(args: MemoryReservation, domain: DomainSeen): boolean {
  const pages = args.nrExtents * sizeOfOrder(args.extentOrder);
  if (domain.isDying || domain.hasStash || domain.maxPages - domain.totPages < pages) return false;
  return domain.type === 'pv' || domain.freePages >= tablesAtMost(args);
}

/** Page tables that mapping a reservation of one run can need: for every region of 2 MiB, 1 GiB and 512 GiB it meets. */
function tablesAtMost({ nrExtents, extentOrder, extentStart }: MemoryReservation): number {
  const { stride } = extentStart![0]!;
  const span = Math.max(nrExtents * 2 ** extentOrder, nrExtents * Math.abs(stride));
  return Math.ceil(span / 2 ** 9) + Math.ceil(span / 2 ** 18) + Math.ceil(span / 2 ** 27) + 6;
}

/**
 * What a heap of the form `heap` gives to a populate for the domain in the form `form`; null: Xen has to be asked, for the
 * class does not say, or what is asked for is not just any memory.
 */
export function givenByClass(
  w: WorldWalk,
  { args, domid }: PopulateNode,
  form: number,
  heap: number,
): HeapGave | null {
  const { cells, lists } = w;
  const { addressBits, node, vnode, exactNode } = args.memFlags;
  if (addressBits !== undefined || node !== undefined || vnode === true || exactNode === true) return null;
  const { heapClasses } = cells;
  if (w.classRoom.length < heapClasses.width) w.classRoom = new Int32Array(2 * heapClasses.width);
  const words = viewState(heapClasses, heap - 1, w.classRoom);
  if (!readClass(lists, words, heapClasses.at, heapClasses.width)) return null;
  const { isBuilt, outstandingPages } = domainSeen(cells, domid, form);
  const { extentOrder, nrExtents } = args;
  const extents = takeFromClass(lists, {
    order: extentOrder,
    extents: nrExtents,
    noScrub: !isBuilt,
    claimed: outstandingPages,
  });
  if (extents < 0) return null;
  return { extents, heap: extents === 0 ? heap : formOfClass(cells, lists) };
}

/** The form of a domain once it was given so many extents; -1: Xen has to be asked. */
export function formGiven(
  w: WorldWalk,
  { args, domid }: PopulateNode,
  form: number,
  extents: number,
): number {
  if (extents === 0) return form;
  const { extentOrder, extentStart } = args;
  const { first, stride } = extentStart![0]!;
  const size = sizeOfOrder(extentOrder);
  if (extents > 1 && stride !== size) return -1;
  const { cells, block } = w;
  // Frames that go on as the guest's do, so that neighbours become one run.
  const lanes = [{ mfn: first, stride: size }];
  const run = { gfn: first, order: extentOrder, count: extents, lanes };
  return formGivenRun(cells.domainForms, domid, form, run, block.run.world.xen.heap.nodeIds[0]!);
}
