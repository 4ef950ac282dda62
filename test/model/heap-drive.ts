/** Drives the fast heap with a recording's operations and describes its state as the model describes its own. */

import { parseHeader, parseOp } from '../../src/cli/conform-format.ts';
import { dumpLists, replayOp, startReplay } from '../../src/cli/conform-replay.ts';
import type { ExtentRun, Heap } from '../../src/hypervisor/heap-state.ts';
import { allocDomheapPages, allocXenheapPages } from '../../src/hypervisor/page-alloc.ts';
import { populateExtents } from '../../src/hypervisor/populate-extents.ts';

type Fields = Record<string, unknown>;

export function startHeap(header: Fields): Heap {
  const checked = parseHeader(header);
  if (typeof checked === 'string') throw new Error(checked);
  return startReplay(checked).heap;
}

/** First frames of extents in the order of allocation. */
export function framesOf(runs: readonly ExtentRun[], done: number): number[] {
  const all = new Array<number>(done).fill(-1);
  for (const r of runs) for (let i = 0; i < r.count; i++) all[r.index + i * r.step] = r.first + i * r.stride;
  return all;
}

/** Performs one operation; allocations answer `mfns`, one frame an extent. */
export function applyHeap(h: Heap, fields: Fields): Fields {
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
