/** The low-memory virq. Models setup_low_mem_virq() and check_low_mem_virq(), xen/common/page_alloc.c. */
import type { Heap } from './heap-state.ts';
import { PAGE_SIZE } from './units.ts';

/** All ones as an unsigned 64-bit number; other wrapped values are negative as well. */
const ALL_ONES = -1;

/** a >= b for unsigned 64-bit numbers of which those above 2^63 are held negative. */
const atLeast = (a: number, b: number): boolean => (a < 0 === b < 0 ? a >= b : a < 0);

/** Sets the threshold from the memory free now. Models setup_low_mem_virq(), xen/common/page_alloc.c. */
export function setupLowMemVirq(h: Heap): void {
  const limit = h.boot.lowMemVirqLimit;
  if (limit === 0) {
    // As coded the threshold becomes all ones, so that the first allocation fires although 0 is meant as never.
    h.virqTh = ALL_ONES;
    h.virqThOrder = 0;
    h.virqThOrig = 0;
    return;
  }
  const all = h.totalAvailPages * PAGE_SIZE;
  let bytes = Math.min(limit ?? 64 * 2 ** 20, all, 2 ** 30);
  if (limit === undefined && bytes === all) bytes = Math.floor(bytes / 2);
  bytes = Math.max(bytes, PAGE_SIZE);
  h.virqThOrder = Math.floor(Math.log2(Math.floor(bytes / PAGE_SIZE)));
  h.virqTh = 2 ** h.virqThOrder;
  h.virqThOrig = h.virqTh;
  h.virqHigh = ALL_ONES;
}

/** One test with `a` = total_avail_pages - outstanding_claims; true if anything was done. */
function step(h: Heap, a: number): boolean {
  if (atLeast(h.virqTh, a)) {
    h.virqCount++;
    h.virqHigh = 2 ** (h.virqThOrder + 1);
    h.virqThOrder = Math.max(h.virqThOrder - 1, 0);
    h.virqTh = 2 ** h.virqThOrder;
    return true;
  }
  if (!atLeast(a, h.virqHigh)) return false;
  h.virqThOrder++;
  h.virqTh = 2 ** h.virqThOrder;
  h.virqHigh = h.virqTh === h.virqThOrig ? ALL_ONES : 2 ** (h.virqThOrder + 2);
  return true;
}

/** `n` tests in a row, the i-th with `a - i * delta`. Models check_low_mem_virq(), xen/common/page_alloc.c, called n times. */
export function checkLowMemVirq(h: Heap, a: number, delta: number, n: number): void {
  let i = 0;
  while (i < n) {
    const now = a - i * delta;
    const th = h.virqTh;
    const high = h.virqHigh;
    const order = h.virqThOrder;
    const count = h.virqCount;
    const acted = step(h, now);
    i++;
    if (acted && delta === 0 && th === h.virqTh && high === h.virqHigh && order === h.virqThOrder) {
      // A fixed point: every further test does the same.
      h.virqCount += (h.virqCount - count) * (n - i);
      return;
    }
    if (acted || now < 0) continue;
    if (delta === 0) return;
    // Nothing happens before `a` has fallen to the threshold.
    i = Math.max(i, Math.ceil((a - h.virqTh) / delta));
  }
}
