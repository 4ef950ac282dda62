/** The sums of a heap by its form: how many pages are free and how many claimed, whatever else is told of it. */
import { readClass } from './class-take.ts';
import { CLASS_CLAIMS, CLASS_OFFLINING, CLASS_SPECIAL, type HeapSums, readSums } from './memory-class.ts';
import { viewState } from './state-table.ts';
import type { WorldWalk } from './world-walk.ts';

/**
 * The sums of a heap of that form. `isAll`: it tells no more; else its class stands in `w.lists` from now on. Null: it is out
 * of the ordinary, or told exactly. For hosts of one node.
 */
export function sumsOfForm(w: WorldWalk, form: number): (HeapSums & { readonly isAll: boolean }) | null {
  const { cells, lists } = w;
  const { heapClasses } = cells;
  if (w.classRoom.length < heapClasses.width) w.classRoom = new Int32Array(2 * heapClasses.width);
  const words = viewState(heapClasses, form - 1, w.classRoom);
  const { at, width } = heapClasses;
  const sums = readSums(words, at);
  if (sums !== null) return { ...sums, isAll: true };
  if (!readClass(lists, words, at, width)) return null;
  const { head, pages } = lists;
  return {
    claims: head[CLASS_CLAIMS]!,
    free: pages,
    special: head[CLASS_SPECIAL]!,
    offlining: head[CLASS_OFFLINING]!,
    isAll: false,
  };
}
