/** Whether all that was asked in a walk by sums was certain to be answered as it was: see dust.ts. */
import { NR_ORDERS } from '../hypervisor/heap-state.ts';
import { forEachChild } from './circles.ts';
import { boundAfter, type Dust, isBelow, lastAfter } from './dust.ts';
import type { Search } from './exhaustive.ts';
import { followedOrder } from './state-graph.ts';
import { viewState } from './state-table.ts';
import { dustOfForm, HEAP } from './world-cells.ts';
import type { WalkedSpace } from './world-space.ts';
import { cellsOfState } from './world-walk.ts';

/** Times that all states are gone through: in a circle in which memory comes back there is no bound. */
const MOST_ROUNDS = 64;

/** No way leads there. */
const NONE = -1;

/** Looks at all ways of a finished walk. False is allowed where it is certain all the same. */
export function isServed({ walk }: WalkedSpace, search: Search): boolean {
  const { dust } = walk;
  if (dust === null || walk.owners.unsure.size === 0) return true;
  if (dust.isLost) return false;
  const orders = ordersAsked(dust);
  if (orders.length === 0) return true;
  const { order, hasCircles } = followedOrder(search);
  const forms = new Int32Array(search.table.count);
  for (const id of order) {
    const state = viewState(search.table, id, search.scratch)[search.table.at]!;
    forms[id] = cellsOfState(walk, state)[walk.at + HEAP]!;
  }
  const graph = { search, order, forms, rounds: hasCircles ? MOST_ROUNDS : 1 };
  return orders.every((k) => isServedAt(k, walk, dust, graph));
}

function ordersAsked({ questions }: Dust): number[] {
  const asked = [...questions.values()];
  const orders = Array.from({ length: NR_ORDERS }, (_, k) => k);
  return orders.filter((k) => asked.some((below) => below[k]! < Number.POSITIVE_INFINITY));
}

interface Graph {
  readonly search: Search;
  readonly order: Int32Array;
  /** By state: the heap's form. */
  readonly forms: Int32Array;
  readonly rounds: number;
}

/** The same for extents of order `k`. */
function isServedAt(k: number, walk: WalkedSpace['walk'], dust: Dust, graph: Graph): boolean {
  const bounds = boundsOf(k, walk, dust, graph);
  if (bounds === null) return false;
  const { order, forms } = graph;
  for (const id of order) {
    const form = forms[id]!;
    const below = dust.questions.get(form)?.[k] ?? Number.POSITIVE_INFINITY;
    if (!walk.owners.unsure.has(form)) continue;
    for (const known of bounds.values()) if (!isBelow(k, known[id]!, below)) return false;
  }
  return true;
}

/**
 * By order that was taken last (see lastAfter()), then by state that tells sums: a bound on the dust of `k`, but for what
 * single pages make. Null: there is none.
 */
function boundsOf(
  k: number,
  { cells, owners }: WalkedSpace['walk'],
  { start, moves }: Dust,
  { search, order, forms, rounds }: Graph,
): ReadonlyMap<number, Float64Array> | null {
  const none = (): Float64Array => new Float64Array(forms.length).fill(NONE);
  const bounds = new Map([[0, none()]]);
  const byClass = new Map<number, number>();
  let isOver = true;
  const raise = (last: number, child: number, bound: number): void => {
    const known = bounds.get(last) ?? none();
    bounds.set(last, known);
    if (bound <= known[child]!) return;
    known[child] = bound;
    isOver = false;
  };
  const lead = (id: number, child: number, last: number, bound: number): void => {
    // A form may stay what it is in a step that is not about memory, too.
    raise(last, child, bound);
    for (const move of moves.get(forms[id]!)?.get(forms[child]!) ?? [])
      raise(lastAfter(k, move), child, boundAfter(k, last, bound, move));
  };
  if (owners.unsure.has(forms[0]!)) raise(0, 0, start![k]!);
  for (let round = 0; round < rounds; round++) {
    isOver = true;
    for (const id of order) {
      const form = forms[id]!;
      const isSums = owners.unsure.has(form);
      if (!isSums && !byClass.has(form)) byClass.set(form, dustOfForm(cells, form)[k]!);
      forEachChild(search, id, (child) => {
        if (!owners.unsure.has(forms[child]!)) return;
        if (!isSums) return lead(id, child, 0, byClass.get(form)!);
        for (const [last, known] of bounds) if (known[id]! !== NONE) lead(id, child, last, known[id]!);
      });
    }
    if (isOver || rounds === 1) return bounds;
  }
  return null;
}
