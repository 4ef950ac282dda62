/**
 * Hypercalls taken apart: what becomes of Xen but for the heap, which does not depend on it, and what becomes of the heap.
 *
 * Some take single pages that nobody owns, always as many for a domain in a given form; and the end of a domain gives back
 * as many as it has. So one that was made where the heap was in one form tells what comes of it in all forms whose class, or
 * whose sums, say what they are afterwards. By class only, on one node.
 */
import type { Reply } from '../toolstack/task.ts';
import type { ApartNode, CallNode, Gave } from './call-memo.ts';
import { isWhole, takeFromClass } from './class-take.ts';
import { sumsOfForm } from './heap-sums.ts';
import { noteHeapApart } from './note-heap.ts';
import { withReads } from './step-memo.ts';
import { isInParts } from './turn-order.ts';
import { formOfClass, formOfSums, HEAP } from './world-cells.ts';
import { hasStash } from './world-populate.ts';
import { stateAt } from './world-trail.ts';
import { keyOf, type WorldWalk } from './world-walk.ts';

/** They take pages one by one, as long as they succeed. */
const TAKE: readonly string[] = [
  'XEN_DOMCTL_createdomain',
  'XEN_DOMCTL_max_vcpus',
  'XEN_DOMCTL_set_paging_mempool_size',
];

/** It gives back all that a domain has. */
const END = 'XEN_DOMCTL_destroydomain';

/** Whether a call can be taken apart. */
const isApart = ({ cells, block }: WorldWalk, name: string): boolean =>
  (TAKE.includes(name) || name === END) &&
  cells.ownership === 'class' &&
  !isInParts(block.grain) &&
  block.run.world.xen.heap.nodeIds.length === 1;

const butHeap = (reads: readonly number[]): number[] => reads.filter((cell) => cell !== HEAP);

/** See GaveApart. */
interface SumsMoved {
  readonly taken: number;
  readonly claimed: number;
}

/** Remembers what was made on the host from a place. `reads`: the cells of Xen that the call reads. */
export function noteApart(
  w: WorldWalk,
  { request: { name }, apart }: CallNode,
  place: number,
  actor: number,
  made: { readonly gave: Gave; readonly reply: Reply; readonly reads: readonly number[] } & SumsMoved,
): void {
  const { gave, reply, taken, claimed } = made;
  if (apart === null || reply.rc !== 0 || taken === 0) return;
  if (name === END ? taken > 0 : taken < 0 || claimed !== 0) return;
  const from = stateAt(w.trail, place);
  if (hasStash(w, from)) return;
  const { cells, values } = gave;
  const left = cells.map((cell, i) => [cell, values[i]!] as const).filter(([cell]) => cell !== HEAP);
  // Which domains there are is read by who makes another, so a cell in which there was none tells nothing more.
  const were = cells.filter((cell) => w.trail.states[from + cell] !== 0);
  const reads = withReads(apart.reads, butHeap([...made.reads, ...were]));
  if (reads !== apart.reads) apart.gave.clear();
  apart.reads = reads;
  apart.gave.set(keyOf(w, reads, from, actor), {
    gave: {
      reply: gave.reply,
      cells: left.map(([cell]) => cell),
      values: left.map(([, value]) => value),
    },
    taken,
    claimed,
  });
}

/** What a call gives from a place, by what it gave where the heap was in another form; null: Xen has to be asked. */
export function gaveApart(w: WorldWalk, call: CallNode, place: number, actor: number): Gave | null {
  const { apart } = call;
  if (apart === null || apart.gave.size === 0) return null;
  const { trail } = w;
  const from = stateAt(trail, place);
  const known = apart.gave.get(keyOf(w, apart.reads, from, actor));
  if (known === undefined || hasStash(w, from)) return null;
  const heap = trail.states[from + HEAP]!;
  const after = heapAfter(w, heap, known);
  if (after === null) return null;
  const { form, free } = after;
  noteHeapApart(w, { from: heap, to: form, free, freeAfter: free - known.taken, request: call.request });
  const { gave } = known;
  return { ...gave, cells: [HEAP, ...gave.cells], values: [form, ...gave.values] };
}

/** What a heap has free, and its form once pages were taken or given back; null: the form does not say. */
function heapAfter(
  w: WorldWalk,
  form: number,
  { taken, claimed }: SumsMoved,
): { readonly form: number; readonly free: number } | null {
  const { cells, lists } = w;
  const sums = sumsOfForm(w, form);
  if (sums === null || sums.offlining !== 0 || (!sums.isAll && !isWhole(lists))) return null;
  const { free, claims } = sums;
  if (!sums.isAll && taken > 0) {
    const got = takeFromClass(lists, { order: 0, extents: taken, noScrub: true, claimed: 0 });
    return got === taken ? { form: formOfClass(cells, lists), free } : null;
  }
  // Of what came back no more is told than sums.
  if (!sums.isAll && w.dust === null) return null;
  if (taken > 0 && free - claims < taken) return null;
  return { form: formOfSums(cells, { ...sums, free: free - taken, claims: claims + claimed }), free };
}

/** Of a call with that name; null: it cannot. */
export const newApart = (w: WorldWalk, name: string): ApartNode | null =>
  isApart(w, name) ? { reads: [], gave: new Map() } : null;
