/** A way to an end through what a search has met so far, without making a single step: for walks that were stopped. */
import { outcomeOf, type Search } from './exhaustive.ts';
import type { Choice } from './space.ts';
import { wordAt } from './word-list.ts';

/** The choices of the shortest way known to an end that is `wanted`; null: none was met. */
export function pathWithin(search: Search, wanted: (outcome: number) => boolean): Choice[] | null {
  const { table, first, edges } = search;
  const parent = new Int32Array(table.count).fill(-1);
  const by = new Int32Array(table.count);
  const queue = new Int32Array(table.count);
  let met = 1;
  parent[0] = 0;
  for (let next = 0; next < met; next++) {
    const id = queue[next]!;
    const outcome = outcomeOf(search, id);
    if (outcome !== null && wanted(outcome)) return wayTo(id, parent, by);
    const from = wordAt(first, id);
    // No step of the state was made, or none can be.
    if (from < 0) continue;
    for (let at = from; ; at += 2) {
      const word = wordAt(edges, at);
      const child = wordAt(edges, at + 1);
      if (parent[child] === -1) {
        parent[child] = id;
        by[child] = word >>> 1;
        queue[met++] = child;
      }
      if (word % 2 === 1) break;
    }
  }
  return null;
}

function wayTo(end: number, parent: Int32Array, by: Int32Array): Choice[] {
  const choices: Choice[] = [];
  for (let id = end; id !== 0; id = parent[id]!) choices.push(by[id]!);
  return choices.reverse();
}
