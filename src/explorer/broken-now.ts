/**
 * What must hold of a host at every moment between two requests, and does not.
 *
 * What counters say can go wrong and be put right again before anybody looks, so it is looked at after every step that is
 * made. Where pages lie is looked at in the end: a page that is lost or in two places stays so, or trips an assertion of
 * the heap's own when it is next touched.
 */
import { checkInvariants } from '../hypervisor/invariants.ts';
import type { Xen } from '../hypervisor/xen.ts';
import { checkXenCounts, checkXenInvariants } from '../hypervisor/xen-invariants.ts';

/** The first counter that does not agree with the others, in a sentence; null: all do. Costs what the domains are. */
export function miscountNow(xen: Xen): string | null {
  const [first = null] = checkXenCounts(xen);
  return first;
}

/** The first invariant that does not hold, in a sentence; null: all do. Costs what the heap has runs and pages. */
export function brokenNow(xen: Xen): string | null {
  const [first = null] = [...checkInvariants(xen.heap), ...checkXenInvariants(xen)];
  return first;
}
