/**
 * Machine memory as groups of equal extents, in the order in which Xen got them.
 *
 * With several NUMA nodes consecutive extents come from different nodes, one lane per node. Lanes lie on different
 * nodes, and no free list, merge or counter spans two nodes; so a group may be freed lane by lane with the result of
 * freeing it extent by extent.
 */
import { ASSERT } from './bug.ts';
import type { ExtentRun, PageBlocks } from './heap-state.ts';
import { sizeOfOrder } from './units.ts';

/** Every p-th extent of a group: its first machine frame and the distance from one to the next, in pages. */
interface Lane {
  readonly mfn: number;
  readonly stride: number;
}

/** `count` extents of 2^order pages; extent i is at lane.mfn + floor(i / p) * lane.stride in lane i mod p. */
export interface ExtentGroup {
  readonly order: number;
  readonly count: number;
  /** Empty where no page stands behind (populate-on-demand). */
  readonly lanes: readonly Lane[];
}

/** Pages in a group. */
export const groupPages = (group: ExtentGroup): number => group.count * sizeOfOrder(group.order);

/** Pages in a list of groups. */
export function listPages(list: readonly ExtentGroup[]): number {
  let pages = 0;
  for (let i = 0; i < list.length; i++) pages += groupPages(list[i]!);
  return pages;
}

/** The first frame of extent `i`. The group has lanes. */
export function extentMfn(group: ExtentGroup, i: number): number {
  const p = group.lanes.length;
  const lane = group.lanes[i % p]!;
  return lane.mfn + Math.floor(i / p) * lane.stride;
}

/** The lanes of extents [from, to), turned so that the first extent is in the first lane. */
export function sliceLanes(group: ExtentGroup, from: number, to: number): Lane[] {
  const p = group.lanes.length;
  const lanes: Lane[] = [];
  for (let j = 0; j < p && j < to - from; j++) {
    lanes.push({ mfn: extentMfn(group, from + j), stride: group.lanes[(from + j) % p]!.stride });
  }
  return lanes;
}

/** The lanes of a group read backwards: its last extent first. */
export function reverseLanes(group: ExtentGroup): Lane[] {
  const p = group.lanes.length;
  const lanes: Lane[] = [];
  for (let j = 0; j < p && j < group.count; j++) {
    const i = group.count - 1 - j;
    lanes.push({ mfn: extentMfn(group, i), stride: -group.lanes[i % p]!.stride });
  }
  return lanes;
}

/** A group as the heap takes it back, lane by lane. */
export function groupBlocks(group: ExtentGroup): PageBlocks[] {
  const p = group.lanes.length;
  const blocks: PageBlocks[] = [];
  for (let l = 0; l < p && l < group.count; l++) {
    const { mfn, stride } = group.lanes[l]!;
    blocks.push({ mfn, order: group.order, count: Math.ceil((group.count - l) / p), stride });
  }
  return blocks;
}

/** The lanes of `a` if they go on through `b`, else null. The caller has compared everything but the frames. */
export function joinedLanes(a: ExtentGroup, b: ExtentGroup): readonly Lane[] | null {
  const p = a.lanes.length;
  if (p === 0) return b.lanes.length === 0 ? a.lanes : null;
  if (p === 1) return b.lanes.length === 1 ? joinedLane(a, b) : null;
  if (a.count < 2 * p || b.lanes.length !== Math.min(p, b.count)) return null;
  for (let j = 0; j < b.lanes.length; j++) {
    if (extentMfn(a, a.count + j) !== extentMfn(b, j)) return null;
    if (b.count > p + j && a.lanes[(a.count + j) % p]!.stride !== b.lanes[j]!.stride) return null;
  }
  return a.lanes;
}

function joinedLane(a: ExtentGroup, b: ExtentGroup): readonly Lane[] | null {
  const first = a.lanes[0]!;
  const next = b.lanes[0]!;
  const stride = a.count > 1 ? first.stride : next.mfn - first.mfn;
  if (b.count > 1 && next.stride !== stride) return null;
  if (next.mfn !== first.mfn + a.count * stride) return null;
  return [{ mfn: first.mfn, stride }];
}

/** A list with `group` behind its last one, as one group where it continues it. Models page_list_add_tail(). */
export function addTail(list: readonly ExtentGroup[], group: ExtentGroup): ExtentGroup[] {
  const last = list[list.length - 1];
  const lanes = last?.order === group.order ? joinedLanes(last, group) : null;
  if (last === undefined || lanes === null) return [...list, group];
  const longer = list.slice();
  longer[list.length - 1] = { order: group.order, count: last.count + group.count, lanes };
  return longer;
}

/** A list of extents of one order without its first `count`, and those. Models page_list_remove_head(). */
export function removeHead(
  list: readonly ExtentGroup[],
  count: number,
): { readonly taken: readonly ExtentGroup[]; readonly rest: readonly ExtentGroup[] } {
  let left = count;
  let i = 0;
  while (i < list.length && left >= list[i]!.count) left -= list[i++]!.count;
  if (left === 0) return { taken: list.slice(0, i), rest: list.slice(i) };
  const group = list[i];
  ASSERT(group !== undefined, 'the list is as long as what is taken from it');
  const { order } = group;
  const taken = list.slice(0, i);
  taken.push({ order, count: left, lanes: sliceLanes(group, 0, left) });
  const rest = list.slice(i);
  rest[0] = { order, count: group.count - left, lanes: sliceLanes(group, left, group.count) };
  return { taken, rest };
}

/** What an allocation of extents of `order` returned, in its order: runs of nodes that took turns become lanes. */
export function weave(runs: readonly ExtentRun[], order: number): ExtentGroup[] {
  const groups: ExtentGroup[] = [];
  if (runs.every((run) => run.step === 1)) {
    for (const { first, count, stride } of runs)
      groups.push({ order, count, lanes: [{ mfn: first, stride }] });
    return groups;
  }
  const starts = new Map<number, ExtentRun>();
  let total = 0;
  for (const run of runs) {
    starts.set(run.index, run);
    total += run.count;
  }
  let active: ExtentRun[] = [];
  for (let i = 0; i < total; ) {
    const turn = nextTurn(starts, active, i, total);
    const end = Math.min(total, ...turn.map((run, l) => afterLane(run, l, i, turn.length)));
    const lanes = turn.map((run, l) => ({
      mfn: run.first + ((i + l - run.index) / run.step) * run.stride,
      stride: run.stride,
    }));
    groups.push({ order, count: end - i, lanes: lanes.slice(0, end - i) });
    // A lane that this turn did not come to goes on all the same.
    active = [...new Set([...turn, ...active])].filter((run) => lastIndex(run) >= end);
    i = end;
  }
  return groups;
}

const lastIndex = (run: ExtentRun): number => run.index + (run.count - 1) * run.step;

/** The first position at or after `i + l` in lane l that `run` does not serve any more. */
function afterLane(run: ExtentRun, l: number, i: number, p: number): number {
  return run.step === p ? lastIndex(run) + p : i + l + p;
}

/** The runs that serve position i, i + 1, … until one of them serves again or none follows. */
function nextTurn(
  starts: ReadonlyMap<number, ExtentRun>,
  active: readonly ExtentRun[],
  i: number,
  total: number,
): ExtentRun[] {
  const turn: ExtentRun[] = [];
  for (let at = i; at < total; at++) {
    const run =
      starts.get(at) ??
      active.find((r) => at >= r.index && at <= lastIndex(r) && (at - r.index) % r.step === 0);
    if (run === undefined || turn.includes(run)) break;
    turn.push(run);
    if (turn.length === turn[0]!.step) break;
  }
  ASSERT(turn.length > 0, `extent ${i} of the allocation has a frame`);
  return turn;
}
