/**
 * Circles that nobody leaves: states of a finished search from which no end can be reached, whatever the order.
 *
 * Whoever is in one goes on for ever without coming to anything: a retry that can never succeed. A circle that some order
 * leaves is none. In a finite graph each state without a way to an end leads to a set of states that lead to each other
 * and nowhere else; those are the circles.
 */
import { outcomeOf, type Search } from './exhaustive.ts';
import { wordAt } from './word-list.ts';

/** The circles, each as its states; states and circles in the order of `order`, which holds all states. */
export function circlesOf(search: Search, order: Int32Array): number[][] {
  const lost = lostStates(search);
  return lost === null ? [] : bottoms(search, order, lost);
}

/** Calls `visit` for each state that a step of `id` leads to. */
export function forEachChild({ first, edges }: Search, id: number, visit: (child: number) => void): void {
  let at = wordAt(first, id);
  if (at < 0) return;
  for (; ; at += 2) {
    visit(wordAt(edges, at + 1));
    if (wordAt(edges, at) % 2 === 1) return;
  }
}

/** By state: 1 if no end can be reached from it; null: there is none. */
function lostStates(search: Search): Uint8Array | null {
  const { count } = search.table;
  const begins = new Int32Array(count + 1);
  for (let id = 0; id < count; id++) forEachChild(search, id, (child) => begins[child + 1]!++);
  for (let id = 0; id < count; id++) begins[id + 1]! += begins[id]!;
  const parents = new Int32Array(begins[count]!);
  const next = begins.slice();
  for (let id = 0; id < count; id++)
    forEachChild(search, id, (child) => {
      parents[next[child]!++] = id;
    });
  const lost = new Uint8Array(count).fill(1);
  const stack: number[] = [];
  for (let id = 0; id < count; id++) {
    if (outcomeOf(search, id) === null) continue;
    lost[id] = 0;
    stack.push(id);
  }
  let left = count - stack.length;
  for (let id = stack.pop(); id !== undefined; id = stack.pop()) {
    for (let at = begins[id]!; at < begins[id + 1]!; at++) {
      const parent = parents[at]!;
      if (lost[parent] === 0) continue;
      lost[parent] = 0;
      left--;
      stack.push(parent);
    }
  }
  return left === 0 ? null : lost;
}

/** Sets of lost states that lead to each other and to no others: strongly connected components without a way out. */
function bottoms(search: Search, order: Int32Array, lost: Uint8Array): number[][] {
  const component = components(search, order, lost);
  const isLeft = new Set<number>();
  const members = new Map<number, number[]>();
  for (const id of order) {
    if (lost[id] === 0) continue;
    const own = component[id]!;
    const known = members.get(own);
    if (known === undefined) members.set(own, [id]);
    else known.push(id);
    forEachChild(search, id, (child) => {
      if (component[child] !== own) isLeft.add(own);
    });
  }
  return [...members].flatMap(([own, ids]) => (isLeft.has(own) ? [] : [ids]));
}

/** By lost state the number of its component. Tarjan's algorithm, without recursion. */
function components(search: Search, order: Int32Array, lost: Uint8Array): Int32Array {
  const { count } = search.table;
  const index = new Int32Array(count).fill(-1);
  const low = new Int32Array(count);
  const component = new Int32Array(count).fill(-1);
  const open: number[] = [];
  const path: { readonly id: number; readonly children: readonly number[]; next: number }[] = [];
  let seen = 0;
  let found = 0;
  const enter = (id: number): void => {
    index[id] = seen;
    low[id] = seen++;
    open.push(id);
    const children: number[] = [];
    forEachChild(search, id, (child) => children.push(child));
    path.push({ id, children, next: 0 });
  };
  const leave = (id: number): void => {
    path.pop();
    const parent = path[path.length - 1];
    if (parent !== undefined) low[parent.id] = Math.min(low[parent.id]!, low[id]!);
    if (low[id] !== index[id]) return;
    for (let member = open.pop(); member !== undefined; member = open.pop()) {
      component[member] = found;
      if (member === id) break;
    }
    found++;
  };
  for (const root of order) {
    if (lost[root] === 0 || index[root] !== -1) continue;
    enter(root);
    for (let top = path[path.length - 1]; top !== undefined; top = path[path.length - 1]) {
      const { id, children } = top;
      const child = children[top.next++];
      if (child === undefined) leave(id);
      else if (index[child] === -1) enter(child);
      else if (component[child] === -1) low[id] = Math.min(low[id]!, index[child]!);
    }
  }
  return component;
}
