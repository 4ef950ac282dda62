/** Drives the fast heap with a recording's operations and describes its state as the model describes its own. */

import { parseHeader, parseOp } from '../../src/cli/conform-format.ts';
import { dumpLists, replayOp, startReplay } from '../../src/cli/conform-replay.ts';
import type { ClaimRules, ExtentRun, Heap } from '../../src/hypervisor/heap-state.ts';
import { allocDomheapPages, allocXenheapPages } from '../../src/hypervisor/page-alloc.ts';
import { populateExtents } from '../../src/hypervisor/populate-extents.ts';
import { beginDestroy, relinquishPages } from '../../src/hypervisor/relinquish.ts';

type Fields = Record<string, unknown>;

/** A header as recordings have it; `rules`, which they do not have, are the claim rules of another release. */
export function startHeap(header: Fields): Heap {
  const { rules, ...recorded } = header;
  const checked = parseHeader(recorded);
  if (typeof checked === 'string') throw new Error(checked);
  return startReplay(rules === undefined ? checked : { ...checked, rules: rules as ClaimRules }).heap;
}

/** First frames of extents in the order of allocation. */
export function framesOf(runs: readonly ExtentRun[], done: number): number[] {
  const all = new Array<number>(done).fill(-1);
  for (const r of runs) for (let i = 0; i < r.count; i++) all[r.index + i * r.step] = r.first + i * r.stride;
  return all;
}

/** Performs one operation; allocations answer `mfns`, one frame an extent. */
export function applyHeap(h: Heap, fields: Fields): Fields {
  if (fields.op === 'kill') {
    beginDestroy(h, h.domains.get(Number(fields.id))!);
    return {};
  }
  if (fields.op === 'relinquish')
    return { pages: relinquishPages(h, h.domains.get(Number(fields.id))!, Number(fields.pages)) };
  const op = parseOp(fields);
  if (typeof op === 'string') throw new Error(`${op}: ${JSON.stringify(fields)}`);
  if (op.op === 'alloc') {
    const got = allocDomheapPages(h, h.domains.get(op.id)!, op);
    return { done: got.done, mfns: framesOf(got.runs, got.done) };
  }
  if (op.op === 'populate') {
    const got = populateExtents(h, h.domains.get(op.id)!, op);
    return { done: got.done, mfns: framesOf(got.runs, got.done), preempted: got.preempted };
  }
  if (op.op === 'xalloc') {
    const got = allocXenheapPages(h, op);
    return { done: got.done, mfns: framesOf(got.runs, got.done) };
  }
  const answers: Fields = { ...replayOp(h, op) };
  delete answers.freeListSha256;
  return answers;
}

/** Everything that can be seen of the heap: counters and lists. */
export const heapState = (h: Heap): Fields => ({ ...applyHeap(h, { op: 'check' }), lists: dumpLists(h) });
