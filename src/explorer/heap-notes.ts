/** How the forms of the heap followed each other in one thread, told so that those of several add up. */

import { mayMatterWhose } from './world-step.ts';
import type { WorldWalk } from './world-walk.ts';

/** Plain data; forms by their texts, which name nothing. */
export interface HeapNotes {
  readonly forms: readonly string[];
  readonly gaveBack: readonly number[];
  readonly askedLarge: readonly number[];
  readonly after: readonly (readonly [form: number, next: readonly number[]])[];
  readonly strayed: boolean;
}

export function heapNotesOf({ cells, gaveBack, askedLarge, heapAfter, strayed }: WorldWalk): HeapNotes {
  const isOpen = cells.ownership === 'class';
  return {
    forms: isOpen ? [...cells.heap.ids.keys()] : [],
    gaveBack: isOpen ? [...gaveBack] : [],
    askedLarge: isOpen ? [...askedLarge] : [],
    after: isOpen ? [...heapAfter].map(([form, next]) => [form, [...next]] as const) : [],
    strayed,
  };
}

/** Whether in all of them together it may matter whose page lies where; see mayMatterWhose(). */
export function mayMatterOfAll(all: readonly HeapNotes[]): boolean {
  const ids = new Map<string, number>();
  const gaveBack = new Set<number>();
  const askedLarge = new Set<number>();
  const heapAfter = new Map<number, Set<number>>();
  for (const notes of all) {
    const here = notes.forms.map((text) => {
      const id = ids.get(text) ?? ids.size;
      ids.set(text, id);
      return id;
    });
    for (const form of notes.gaveBack) gaveBack.add(here[form]!);
    for (const form of notes.askedLarge) askedLarge.add(here[form]!);
    for (const [form, next] of notes.after) {
      const known = heapAfter.get(here[form]!) ?? new Set();
      for (const one of next) known.add(here[one]!);
      heapAfter.set(here[form]!, known);
    }
  }
  return mayMatterWhose({ gaveBack, askedLarge, heapAfter, strayed: all.some(({ strayed }) => strayed) });
}
