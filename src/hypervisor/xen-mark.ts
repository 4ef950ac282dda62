/** Going back to an earlier state of a running Xen, at the cost of what happened since. */
import { ASSERT } from './bug.ts';
import type { Cpupool } from './domain-state.ts';
import { type HeapMark, mark, rollback } from './heap-mark.ts';
import { setRecord, type Xen } from './xen.ts';

/** A point to go back to, as often as wanted. Marks nest: going back to one forgets those made after it. */
export interface XenMark {
  readonly heap: HeapMark;
  readonly undoLength: number;
  readonly lastDomid: number;
  readonly cpupools: readonly Cpupool[];
  readonly consoleRing: string;
}

/** Remembers this state. From here on every change is noted so that it can be undone. */
export function markXen(xen: Xen): XenMark {
  xen.undo ??= [];
  return {
    heap: mark(xen.heap),
    undoLength: xen.undo.length,
    lastDomid: xen.lastDomid,
    cpupools: xen.cpupools,
    consoleRing: xen.consoleRing,
  };
}

/** Makes `xen` what it was at `to`, at the cost of what happened since. A mark that was forgotten is a bug. */
export function rollbackXen(xen: Xen, to: XenMark): void {
  rollback(xen.heap, to.heap);
  const undo = xen.undo;
  ASSERT(
    undo !== null && undo.length >= to.undoLength,
    'the mark is of this Xen and still ahead of no other',
  );
  while (undo.length > to.undoLength) {
    const { domid, before } = undo.pop()!;
    setRecord(xen, domid, before);
  }
  xen.lastDomid = to.lastDomid;
  xen.cpupools = to.cpupools;
  xen.consoleRing = to.consoleRing;
}
