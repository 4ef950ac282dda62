/**
 * Random operations for small hosts: each is drawn from a number and the model's present state, so that a list of
 * numbers is a whole session and dropping some of them leaves a session.
 */

import type { Heap } from '../../src/hypervisor/heap-state.ts';
import { checkInvariants } from '../../src/hypervisor/invariants.ts';
import { applyHeap, heapState } from './heap-drive.ts';
import type { Dom, Model } from './heap-model.ts';
import { applyModel, dumpModel } from './heap-model-ops.ts';

type Op = Record<string, unknown>;
type Draw = (below: number) => number;

/** A generator for one operation. Xorshift32. */
function drawsOf(seed: number): Draw {
  let s = (seed * 2654435761 + 1) >>> 0 || 1;
  return (below) => {
    s ^= s << 13;
    s >>>= 0;
    s ^= s >>> 17;
    s ^= s << 5;
    s >>>= 0;
    return s % below;
  };
}

const one = <T>(draw: Draw, of: readonly T[]): T => of[draw(of.length)]!;

const MEMORY: readonly Op[][] = [
  [
    {
      node: 0,
      ranges: [
        [1, 159],
        [256, 5000],
      ],
    },
  ],
  [
    {
      node: 0,
      ranges: [
        [1, 159],
        [256, 3000],
      ],
    },
    { node: 1, ranges: [[3000, 9000]] },
  ],
  [
    { node: 0, ranges: [[16, 2048]] },
    {
      node: 1,
      ranges: [
        [2048, 4096],
        [4100, 5000],
      ],
    },
    { node: 2, ranges: [[8192, 9192]], cpus: false },
  ],
  // Across a multiple of 2^18, the largest buddy.
  [{ node: 0, ranges: [[259144, 267144]] }],
  [
    { node: 0, ranges: [[0, 600]] },
    { node: 3, ranges: [[600, 1603]] },
  ],
  [{ node: 0, ranges: [[8192, 20480]] }],
];

/** The header of a small host. */
export function hostOf(seed: number): Op {
  const draw = drawsOf(seed);
  const header: Op = {
    format: 'xen-heap-trace',
    version: 1,
    maxOrder: 18,
    nrZones: 41,
    cpuNode: 0,
    bootscrub: one(draw, ['idle', 'off']),
    nodes: one(draw, MEMORY),
  };
  if (draw(4) === 0) header.lowMemVirqLimit = one(draw, [0, 8192, 2 ** 18, 4_096_000]);
  if (draw(5) === 0) header.scrubDomheap = true;
  if (draw(5) === 0) header.dmaBitsOption = 20 + draw(6);
  return header;
}

const nodesOf = (m: Model): number[] => (m.header.nodes as { node: number }[]).map((n) => n.node);
const someNode = (m: Model, draw: Draw): number | null =>
  draw(3) > 0 ? null : draw(10) === 0 ? 7 : one(draw, nodesOf(m));
const someCount = (draw: Draw): number => one(draw, [1, 1, 2, 3, 5, 8, 16, 33, 64, 100, 200, 500, 1000]);

/** The operation a number stands for in this state; null: none that makes sense. */
export function opOf(m: Model, seed: number): Op | null {
  const draw = drawsOf(seed);
  const kind = draw(100);
  const ids = [...m.doms.keys()];
  if (ids.length === 0 || (kind < 6 && ids.length < 5)) {
    const id = 1 + draw(8);
    const some = nodesOf(m).filter(() => draw(2) === 0);
    const affinity = draw(3) > 0 || some.length === 0 ? null : some;
    return m.doms.has(id) ? null : { op: 'domain', id, maxPages: one(draw, [50, 500, 3000, 1e6]), affinity };
  }
  const id = one(draw, ids);
  const d = m.doms.get(id)!;
  if (d.dying) return dyingOp(m, draw, d);
  if (kind < 10) return { op: 'claim', id, pages: draw(4) === 0 ? 0 : draw(3000) };
  if (kind < 12) return { op: 'maxmem', id, maxPages: draw(3000) };
  if (kind < 14) return { op: 'affinity', id, nodes: draw(2) === 0 ? null : [one(draw, nodesOf(m))] };
  // A domain with a stash cannot be unpaused; Xen destroys it instead.
  if (kind < 17) return m.doms.get(id)!.stash === null ? { op: 'unpause', id } : null;
  if (kind < 42) return populateOp(m, draw, id);
  if (kind < 50) return allocOp(m, draw, id);
  if (kind < 56)
    return {
      op: 'xalloc',
      order: one(draw, [0, 0, 1, 2, 6]),
      count: 1 + draw(40),
      node: someNode(m, draw),
      exact: draw(3) === 0,
    };
  if (kind < 80) return freeOp(m, draw, id);
  if (kind < 82) return { op: 'destroy', id };
  if (kind < 84) return { op: 'kill', id };
  if (kind < 88) return { op: 'offline', mfn: draw(m.maxPage + 20), broken: draw(3) === 0 };
  if (kind < 91) return onlineOp(m, draw);
  if (kind < 98)
    return {
      op: 'scrub',
      calls: one(draw, [1, 1, 2, 10, 100]),
      node: one(draw, nodesOf(m)),
      pending: draw(3) > 0,
    };
  return { op: 'heapinitlate' };
}

/** What may come between the steps of a destruction. */
function dyingOp(m: Model, draw: Draw, d: Dom): Op | null {
  const kind = draw(10);
  if (kind === 0) return { op: 'claim', id: d.id, pages: draw(3000) };
  if (kind === 1) return { op: 'destroy', id: d.id };
  // Pages leave in the order in which they came: on one node the list is one list.
  if (m.online.length > 1) return null;
  return { op: 'relinquish', id: d.id, pages: 1 + draw(400) };
}

function populateOp(m: Model, draw: Draw, id: number): Op {
  const order = one(draw, [0, 0, 0, 1, 2, 3, 5, 8, 9, 10, 12]);
  const op: Op = { op: 'populate', id, order, count: order > 4 ? 1 + draw(12) : someCount(draw) };
  op.node = someNode(m, draw);
  op.exact = draw(3) === 0;
  if (draw(5) === 0) op.preempt = 1 + draw(6);
  if (draw(8) === 0) op.bits = 13 + draw(14);
  return op;
}

function allocOp(m: Model, draw: Draw, id: number): Op {
  const op: Op = { op: 'alloc', id, order: one(draw, [0, 0, 1, 3, 7, 19]), count: someCount(draw) };
  op.node = someNode(m, draw);
  op.exact = draw(3) === 0;
  op.noRefcount = draw(2) === 0;
  op.noScrub = draw(2) === 0;
  if (draw(3) === 0) op.noOwner = true;
  if (draw(6) === 0) op.bits = 12 + draw(14);
  return op;
}

/** Blocks that all belong to the domain, from one of its pages on. */
function freeOp(m: Model, draw: Draw, id: number): Op | null {
  const d = m.doms.get(id)!;
  const all = draw(6) > 0 ? d.pageList : d.extraList;
  if (all.length === 0) return null;
  const has = new Set([...d.pageList, ...d.extraList]);
  const order = one(draw, [0, 0, 0, 0, 1, 2, 3, 5]);
  const size = 2 ** order;
  const page = one(draw, all);
  const mfn = page - (page % size);
  const stride = one(draw, [1, -1, 2, -2, 3, -3, 4, -4, 5, 6, 7, -7, 8, 9, 16, 64, -64]) * size;
  const want = someCount(draw);
  const owned = (at: number): boolean => {
    for (let k = 0; k < size; k++) if (!has.has(at + k)) return false;
    return true;
  };
  let count = 0;
  while (count < want && owned(mfn + count * stride)) count++;
  if (count === 0) return null;
  const op: Op = { op: 'free', id, mfn, order, count, stride: count === 1 && draw(2) === 0 ? 0 : stride };
  const sameNode = Array.from({ length: count }, (_, i) => mfn + i * stride).every(
    (at) => m.nodeOf.get(at) === m.nodeOf.get(at + size - 1),
  );
  if (sameNode && draw(5) === 0) op.whole = true;
  return op;
}

function onlineOp(m: Model, draw: Draw): Op | null {
  const off = [...m.page]
    .filter(([, p]) => p.state === 'offlined' || p.state === 'offlining')
    .map(([mfn]) => mfn);
  const mfn = off.length > 0 && draw(3) > 0 ? one(draw, off) : draw(m.maxPage + 20);
  // Onlining a broken offlined page is a BUG in Xen.
  return m.page.get(mfn)?.broken ? null : { op: 'online', mfn };
}

const sorted = (fields: Op): Op =>
  Object.fromEntries(Object.entries(fields).sort(([a], [b]) => (a < b ? -1 : 1)));

/** Everything that can be seen of the model, in heapState()'s form. */
const modelState = (m: Model): Op => ({ ...applyModel(m, { op: 'check' }), lists: dumpModel(m) });

/** What differs after performing the operation on both; null: nothing. */
export function differsAfter(m: Model, h: Heap, op: Op): unknown {
  const expected = sorted(applyModel(m, op));
  const got = sorted(applyHeap(h, op));
  if (JSON.stringify(got) !== JSON.stringify(expected)) return { op, got, expected };
  const seen = JSON.stringify(sorted(heapState(h)));
  const should = JSON.stringify(sorted(modelState(m)));
  if (seen !== should) return { op, got: seen, expected: should };
  const wrong = checkInvariants(h);
  return wrong.length > 0 ? { op, wrong } : null;
}
