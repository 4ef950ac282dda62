/**
 * Xen taken along the way to a state, as far as anybody needs it.
 *
 * Most steps are looked up, and Xen has no part in them. It stands at one of the states on the way to that one which
 * needed it last: going back costs what was changed since, going on means making the hypercalls of the steps between again.
 */
import { hypercall } from '../hypervisor/hypercall.ts';
import type { Xen } from '../hypervisor/xen.ts';
import { markXen, rollbackXen, type XenMark } from '../hypervisor/xen-mark.ts';
import { type Asked, NOTHING, WHOLE, type XenOp } from './call-memo.ts';
import { askingFor, extentsIn, extentsOfBoth } from './joined-populates.ts';
import { askedBy, parentOf, reachedBy, START, type Trail } from './world-trail.ts';

/** A step from a state. */
interface XenStep {
  readonly from: number;
  readonly by: number;
  readonly asked: Asked;
}

/** See the file's header. */
export interface XenWay {
  /** Populates on the way may be made as one. Who looks at frames would see that: a guest's map is cut otherwise then. */
  readonly joins: boolean;
  /** By number. */
  readonly ops: (readonly XenOp[])[];
  /** The steps on the way, and Xen's marks after as many: null where it went by without a stop. It stands at the last one. */
  readonly steps: XenStep[];
  readonly marks: (XenMark | null)[];
  /** By mark: the number of the heap's form as it is there; 0: nobody looked yet. */
  readonly heapIs: number[];
  /** By the low bits of a state's number: where the step from such a state was last. So few that they are always at hand. */
  readonly placed: Int32Array;
}

/** A power of two, many times the length of a way. */
const PLACED = 2 ** 12;

/** Xen stands at the start. */
export const newXenWay = (xen: Xen, joins: boolean): XenWay => ({
  joins,
  ops: [[], []],
  steps: [],
  marks: [markXen(xen)],
  heapIs: [0],
  placed: new Int32Array(PLACED),
});

/** The number of what a step asks. */
export const numberAsked = ({ ops }: XenWay, asked: readonly XenOp[]): Asked =>
  asked.length === 0 ? NOTHING : ops.push(asked) - 1;

/** How many steps of Xen's way are on the way to a state, and those that lead on, the last one first. */
function wayTo({ steps, placed }: XenWay, trail: Trail, id: number): { shared: number; on: XenStep[] } {
  const on: XenStep[] = [];
  for (let state = id; state !== START; ) {
    const from = parentOf(trail, state);
    const by = reachedBy(trail, state);
    const at = placed[from & (PLACED - 1)]!;
    if (steps[at]?.from === from && steps[at].by === by) return { shared: at + 1, on };
    on.push({ from, by, asked: askedBy(trail, state) });
    state = from;
  }
  return { shared: 0, on };
}

/** Takes Xen to a state. `again` makes a step as a whole. */
export function takeXenTo(
  way: XenWay,
  trail: Trail,
  xen: Xen,
  id: number,
  again: (from: number, by: number) => void,
): void {
  const { marks, steps } = way;
  const { shared, on } = wayTo(way, trail, id);
  let last = shared;
  while (marks[last] === null) last--;
  const left = [...steps.slice(last, shared), ...on.reverse()];
  if (last < marks.length - 1) goBack(way, xen, last);
  // A populate that may be part of a larger one: it is made once it is clear what follows.
  let open: XenOp | null = null;
  let extents = 0;
  for (const step of left) {
    const ops = way.ops[step.asked]!;
    if (way.joins && step.asked !== WHOLE && (open !== null || ops.length === 1) && ops.length <= 1) {
      const [op] = ops;
      if (op !== undefined) {
        const all: number = open === null ? 0 : extentsOfBoth(xen, open, extents, op);
        if (all === 0 && open !== null) makeOpen(way, xen, askingFor(open, extents));
        if (all === 0) open = op;
        extents = all === 0 ? extentsIn(op) : all;
      }
      arrive(way, step, null, 0);
      continue;
    }
    if (open !== null) makeOpen(way, xen, askingFor(open, extents));
    open = null;
    if (step.asked === WHOLE) again(step.from, step.by);
    else for (const op of ops) make(xen, op);
    arrive(way, step, markXen(xen), 0);
  }
  if (open !== null) makeOpen(way, xen, askingFor(open, extents));
}

function goBack({ steps, marks, heapIs }: XenWay, xen: Xen, to: number): void {
  rollbackXen(xen, marks[to]!);
  steps.length = to;
  marks.length = to + 1;
  heapIs.length = to + 1;
}

function arrive(way: XenWay, step: XenStep, mark: XenMark | null, heap: number): void {
  way.placed[step.from & (PLACED - 1)] = way.steps.length;
  way.steps.push(step);
  way.marks.push(mark);
  way.heapIs.push(heap);
}

/** Makes what is left to be made of the last step on the way. */
function makeOpen({ marks }: XenWay, xen: Xen, op: XenOp): void {
  make(xen, op);
  marks[marks.length - 1] = markXen(xen);
}

function make(xen: Xen, { by, call }: XenOp): void {
  hypercall(xen, by, call as never);
}

/** Xen stood at a state and made a step from there itself, which left the heap in the form `heap`. */
export function xenArrived(way: XenWay, xen: Xen, from: number, by: number, heap: number): void {
  arrive(way, { from, by, asked: WHOLE }, markXen(xen), heap);
}
