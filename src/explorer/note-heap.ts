/** What steps that were made did to the heap, as far as it tells whether memory by class is enough: see ownership-seen.ts. */
import { type HypercallRequest, isLook } from './call-memo.ts';
import { noteDust } from './dust.ts';
import {
  asksWhere,
  isHeld,
  isPlainTake,
  isTake,
  isUnsure,
  noteHeapStep,
  takesClean,
} from './ownership-seen.ts';
import type { Action } from './scenario.ts';
import type { Asked } from './step-asked.ts';
import { dustOfForm, HEAP } from './world-cells.ts';
import type { WorldWalk } from './world-walk.ts';

/** A step that was made, as far as it is about the heap: its form before and after. */
export interface HeapNote {
  readonly from: number;
  readonly to: number;
  /** Pages that were free before. */
  readonly free: number;
  readonly asked: readonly Pick<Asked, 'request' | 'footprint'>[];
  /** What the scenario itself did to the host; null: nothing. */
  readonly byHand: Action | null;
}

/**
 * Remembers what a step that was made did to the heap. By class only: with every frame in its place there is nothing to
 * remember.
 */
export function noteHeap(w: WorldWalk, { from, to, free, asked, byHand }: HeapNote): void {
  const { cells, block, owners, dust } = w;
  if (cells.ownership === 'exact') return;
  const { heap } = block.run.world.xen;
  const freeAfter = heap.totalAvailPages;
  const calls: HypercallRequest[] = [];
  let asks = byHand !== null && isAboutMemory(byHand);
  let asksElse = asks;
  for (const { request, footprint } of asked) {
    if (request.kind !== 'hypercall' || !footprint.cells.includes(HEAP)) continue;
    if (!isLook(request.name)) calls.push(request);
    const isAsking = asksWhere(request, footprint, heap.nodeIds.length);
    asks ||= isAsking;
    asksElse ||= isAsking && !isPlainTake(request);
  }
  if (calls.length === 0 && freeAfter !== free) asks = asksElse = true;
  const isFromSums = dust !== null && owners.unsure.has(from);
  const isNowUnsure = isFromSums || freeAfter > free || isUnsure(heap);
  noteHeapStep(owners, { from, to, isUnsure: isNowUnsure, asks });
  if (dust === null) return;
  const isToSums = owners.unsure.has(to);
  dust.isLost ||= (isFromSums && asksElse) || (isToSums && isHeld(heap));
  const isByHand = byHand !== null;
  const isClean = calls.some((call) => isTake(call) && takesClean(heap, call));
  const step = { from, to, freeBefore: free, freeAfter, calls, isClean, isByHand, isFromSums, isToSums };
  noteDust(dust, step, () => dustOfForm(cells, from));
}

/** The same of a hypercall that was worked out, on a heap that told by its form what became of it. It asks for sums only. */
export function noteHeapApart(
  { owners, dust, cells }: WorldWalk,
  {
    from,
    to,
    free,
    freeAfter,
    request,
  }: Pick<HeapNote, 'from' | 'to' | 'free'> & {
    readonly freeAfter: number;
    readonly request: HypercallRequest;
  },
): void {
  const isFromSums = dust !== null && owners.unsure.has(from);
  noteHeapStep(owners, { from, to, isUnsure: isFromSums || freeAfter > free, asks: false });
  if (dust === null) return;
  const isToSums = owners.unsure.has(to);
  const known = { freeBefore: free, freeAfter, calls: [request], isClean: false, isByHand: false };
  noteDust(dust, { from, to, ...known, isFromSums, isToSums }, () => dustOfForm(cells, from));
}

/** Whether what a scenario does to a host by no hypercall depends on where its memory lies. */
function isAboutMemory(action: Action): boolean {
  if (action.do !== 'set') return true;
  const { xlconf: _, ...memory } = action.conditions;
  return Object.keys(memory).length > 0;
}

/**
 * Before the heap's form is read after a step from form `from`, with `free` pages free then: whether it is told by its
 * sums from here on.
 */
export function tellBySums(w: WorldWalk, from: number, free: number): void {
  const { heap } = w.block.run.world.xen;
  w.cells.bySums =
    w.dust !== null && (w.owners.unsure.has(from) || heap.totalAvailPages > free || isUnsure(heap));
}
