/**
 * A guest's physical memory: guest frame → machine frame, as runs. Models struct p2m_domain, xen/arch/x86/mm/p2m.c.
 *
 * The map is a value: a balanced tree of runs, and every change returns a new tree that shares what did not change.
 * A domain record can therefore be kept, compared and put back at no cost. Cost follows runs, never pages. Each node
 * carries the page counts below it, so the superpage mix is read from the root.
 */
import {
  isPod,
  type P2mRun,
  PAGE_ORDER_1G,
  PAGE_ORDER_2M,
  p2mEnd,
  p2mMappedOrder,
  p2mPages,
  splitP2mRun,
  tryJoinP2mRuns,
} from './p2m-run.ts';

interface P2mNode {
  readonly run: P2mRun;
  readonly left: P2m;
  readonly right: P2m;
  /** Decides the tree's shape; a hash of the key, so equal maps have equal trees. */
  readonly priority: number;
  readonly mix: P2mMix;
}

/** A map; null is the empty one. */
export type P2m = P2mNode | null;

/** Pages by the size they are mapped at. `pod` counts populate-on-demand entries, which own no page. */
export interface P2mMix {
  readonly pages1G: number;
  readonly pages2M: number;
  readonly pages4K: number;
  readonly pod: number;
}

const EMPTY_MIX: P2mMix = { pages1G: 0, pages2M: 0, pages4K: 0, pod: 0 };

/** Pages by mapped size. */
export const p2mMix = (p2m: P2m): P2mMix => p2m?.mix ?? EMPTY_MIX;

/** Pages that guest frames are mapped to. */
export function p2mPopulated(p2m: P2m): number {
  const mix = p2mMix(p2m);
  return mix.pages1G + mix.pages2M + mix.pages4K;
}

/** The run that holds guest frame `gfn`, or null for a hole. Xen: get_gfn_type_access(). */
export function p2mLookup(p2m: P2m, gfn: number): P2mRun | null {
  let node = p2m;
  while (node !== null) {
    const { run } = node;
    if (gfn < run.gfn) node = node.left;
    else if (gfn >= p2mEnd(run)) node = node.right;
    else return run;
  }
  return null;
}

/** The runs from `gfn` on, in order, as long as `visit` returns true. The first one may begin below `gfn`. */
export function p2mWalk(p2m: P2m, gfn: number, visit: (run: P2mRun) => boolean): boolean {
  if (p2m === null) return true;
  const end = p2mEnd(p2m.run);
  if (gfn < p2m.run.gfn && !p2mWalk(p2m.left, gfn, visit)) return false;
  if (gfn < end && !visit(p2m.run)) return false;
  return p2mWalk(p2m.right, gfn, visit);
}

/** Every run in order of guest frames. */
export function p2mRuns(p2m: P2m): P2mRun[] {
  const runs: P2mRun[] = [];
  p2mWalk(p2m, 0, (run) => {
    runs.push(run);
    return true;
  });
  return runs;
}

const NO_RUNS: readonly P2mRun[] = [];

/** Maps `run` in place of whatever was there, and returns that too. Xen: p2m_set_entry(). */
export function p2mSet(p2m: P2m, run: P2mRun): { readonly p2m: P2m; readonly replaced: readonly P2mRun[] } {
  const last = lastRun(p2m);
  // Builders go upwards.
  if (last === null || p2mEnd(last) <= run.gfn) return { p2m: append(p2m, run), replaced: NO_RUNS };
  const end = p2mEnd(run);
  const [below, rest] = split(p2m, run.gfn);
  const [inside, above] = split(rest, end);
  return { p2m: join(append(below, run), above), replaced: p2mRuns(inside) };
}

/** Unmaps the frames [first, end) and returns what was there, in order. Xen: p2m_remove_entry(). */
export function p2mRemove(
  p2m: P2m,
  first: number,
  end: number,
): { readonly p2m: P2m; readonly removed: readonly P2mRun[] } {
  const [below, rest] = split(p2m, first);
  const [inside, above] = split(rest, end);
  return { p2m: join(below, above), removed: p2mRuns(inside) };
}

/** The map that holds `runs`, which are in order and do not overlap. */
export function p2mFromRuns(runs: readonly P2mRun[]): P2m {
  let p2m: P2m = null;
  for (const run of runs) p2m = mergeTrees(p2m, leaf(run));
  return p2m;
}

/** A bit mixer (not arithmetic on sizes): spreads keys so that the tree is balanced for any order of insertion. */
function priorityOf(run: P2mRun): number {
  let h = Math.imul(run.gfn ^ 0x9e3779b9, 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13) ^ Math.floor(run.gfn / 0x100000000), 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}

function makeNode(run: P2mRun, left: P2m, right: P2m, priority: number): P2mNode {
  const l = p2mMix(left);
  const r = p2mMix(right);
  const n = p2mPages(run);
  const order = isPod(run) ? -1 : p2mMappedOrder(run);
  const mix = {
    pages1G: l.pages1G + r.pages1G + (order === PAGE_ORDER_1G ? n : 0),
    pages2M: l.pages2M + r.pages2M + (order === PAGE_ORDER_2M ? n : 0),
    pages4K: l.pages4K + r.pages4K + (order === 0 ? n : 0),
    pod: l.pod + r.pod + (order === -1 ? n : 0),
  };
  return { run, left, right, priority, mix };
}

const leaf = (run: P2mRun): P2mNode => makeNode(run, null, null, priorityOf(run));

/** All of `a` lies below all of `b`. */
function mergeTrees(a: P2m, b: P2m): P2m {
  if (a === null) return b;
  if (b === null) return a;
  return a.priority >= b.priority
    ? makeNode(a.run, a.left, mergeTrees(a.right, b), a.priority)
    : makeNode(b.run, mergeTrees(a, b.left), b.right, b.priority);
}

/** Cuts at `gfn`, breaking a superpage that spans it. */
function split(node: P2m, gfn: number): readonly [P2m, P2m] {
  if (node === null) return [null, null];
  const { run } = node;
  if (gfn <= run.gfn) {
    const [l, r] = split(node.left, gfn);
    return [l, r === node.left ? node : makeNode(run, r, node.right, node.priority)];
  }
  if (gfn >= p2mEnd(run)) {
    const [l, r] = split(node.right, gfn);
    return [l === node.right ? node : makeNode(run, node.left, l, node.priority), r];
  }
  const [lower, upper] = splitP2mRun(run, gfn);
  let below = node.left;
  for (const piece of lower) below = mergeTrees(below, leaf(piece));
  let above: P2m = null;
  for (const piece of upper) above = mergeTrees(above, leaf(piece));
  return [below, mergeTrees(above, node.right)];
}

function lastRun(node: P2m): P2mRun | null {
  let at = node;
  while (at?.right != null) at = at.right;
  return at?.run ?? null;
}

function firstRun(node: P2m): P2mRun | null {
  let at = node;
  while (at?.left != null) at = at.left;
  return at?.run ?? null;
}

function replaceLast(node: P2mNode, run: P2mRun): P2mNode {
  return node.right === null
    ? makeNode(run, node.left, null, node.priority)
    : makeNode(node.run, node.left, replaceLast(node.right, run), node.priority);
}

function dropFirst(node: P2mNode): P2m {
  return node.left === null
    ? node.right
    : makeNode(node.run, dropFirst(node.left), node.right, node.priority);
}

/** Adds `run` above everything in `tree`, joining it to the last run where it continues that one. */
function append(tree: P2m, run: P2mRun): P2m {
  const last = lastRun(tree);
  const joined = last === null ? null : tryJoinP2mRuns(last, run);
  return tree !== null && joined !== null ? replaceLast(tree, joined) : mergeTrees(tree, leaf(run));
}

/** Joins two trees, and the runs that meet between them. */
function join(below: P2m, above: P2m): P2m {
  const last = lastRun(below);
  const first = firstRun(above);
  if (below === null || above === null || last === null || first === null) return below ?? above;
  const joined = tryJoinP2mRuns(last, first);
  return joined === null
    ? mergeTrees(below, above)
    : mergeTrees(replaceLast(below, joined), dropFirst(above));
}
