/**
 * Idle CPUs scrub free memory while virtual time passes.
 *
 * Simplified: each node is scrubbed at scrub_page a page as long as any CPU of the host is idle, which nothing
 * interrupts; and they see what a hypercall frees, and others see what they have cleaned, when the next request begins.
 * So what is served in one go equals what is served one by one. Models scrub_free_pages(), xen/common/page_alloc.c, as
 * called by the idle loop; one CPU at a time scrubs a node there, too.
 */
import type { Heap } from '../hypervisor/heap-state.ts';
import { scrubFreePages } from '../hypervisor/scrub.ts';
import { scrubPages } from '../hypervisor/scrub-pages.ts';
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
  const { scrubs, costs } = machine;
  // Nobody was idle meanwhile.
  const busy = machine.onCpu.size >= machine.cpus ? now - machine.scrubSeen : 0;
  machine.scrubSeen = now;
  if (scrubs.length === 0 && !hasDirtyPages(heap)) return;
  for (let i = 0; i < heap.nodeIds.length; i++) {
    const before = scrubs[i];
    if (heap.needScrub[i]! <= 0) {
      scrubs[i] = undefined;
      continue;
    }
    // It was clean when it was last looked at: work begins now.
    const done = before === undefined ? now : before.done + busy;
    const each = Math.max(1, costs.scrub_page);
    const time = Math.floor((now - done) / each);
    const isLater = before !== undefined && before.place !== null && time === 0;
    const { pages, place } = isLater
      ? { pages: 0, place: before.place }
      : scrubPages(heap, i, before?.place ?? null, time);
    // Who found nothing more to do waits for more.
    scrubs[i] = { done: place === null ? now : done + pages * each, place };
  }
}

/**
 * The same `looks` times, the first of them now and each of the others `every` ns after the one before, while nobody
 * changes the heap and no CPU is taken or let go; the clock stands at the last.
 *
 * What was scrubbed when somebody looks depends on the time only. The first look may begin work, and the last one may be
 * the first that finds nothing to do any more, which the last but one tells from the end of work: those between are left out.
 */
export function scrubIdleOften(world: World, machine: Machine, looks: number, every: number): void {
  const { costs, scrubs } = machine;
  // Sums are exact, so it does not matter of how many parts they are made.
  const isExact =
    Number.isSafeInteger(costs.scrub_page) &&
    Number.isSafeInteger(every) &&
    Number.isSafeInteger(world.now + looks * every) &&
    Number.isSafeInteger(machine.scrubSeen) &&
    scrubs.every((scrub) => scrub === undefined || Number.isSafeInteger(scrub.done));
  for (let look = 0; look < looks; look++) {
    if (look > 0) world.now += every;
    if (!isExact || look === 0 || look >= looks - 2) scrubIdle(world, machine);
  }
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
