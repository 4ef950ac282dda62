/**
 * Idle CPUs scrub free memory while virtual time passes.
 *
 * Simplified: each node is scrubbed at scrub_page a page as long as any CPU of the host is idle, and its pages become
 * clean together, at the moment when there has been time for all of them. Models scrub_free_pages(),
 * xen/common/page_alloc.c, as called by the idle loop; one CPU at a time scrubs a node there, too.
 */
import type { Heap } from '../hypervisor/heap-state.ts';
import { scrubFreePages } from '../hypervisor/scrub.ts';
import type { Machine } from './machine.ts';
import type { World } from './world.ts';

/** Whether any free page is not scrubbed. */
export function hasDirtyPages(heap: Heap): boolean {
  for (const n of heap.needScrub) if (n > 0) return true;
  return false;
}

/** Free pages that are not scrubbed. */
export const dirtyPages = (heap: Heap): number => heap.needScrub.reduce((sum, n) => sum + n, 0);

/** Does what idle CPUs have had time for since they were last looked at. */
export function scrubIdle({ xen, now }: World, machine: Machine): void {
  const { heap } = xen;
  if (!hasDirtyPages(heap)) {
    machine.scrubbedSince = now;
    machine.scrubSeen = now;
    return;
  }
  // Nobody was idle meanwhile.
  if (machine.onCpu.size >= machine.cpus) machine.scrubbedSince += now - machine.scrubSeen;
  machine.scrubSeen = now;
  const pages = (now - machine.scrubbedSince) / Math.max(1, machine.costs.scrub_page);
  heap.nodeIds.forEach((node, i) => {
    const dirty = heap.needScrub[i]!;
    if (dirty > 0 && dirty <= pages) scrubFreePages(heap, node, false);
  });
}

/** Scrubs all free memory: a host that has been up for a while. */
export function scrubAll(heap: Heap): void {
  for (const node of heap.nodeIds) {
    let before = Number.POSITIVE_INFINITY;
    // Nodes without CPUs are left to those of others.
    for (let left = dirtyPages(heap); left > 0 && left < before; left = dirtyPages(heap)) {
      before = left;
      scrubFreePages(heap, node, false);
    }
  }
}
