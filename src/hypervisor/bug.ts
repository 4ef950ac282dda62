/** Assertions: what holds if xlsim itself is right. A failed one is never the user's mistake. */

/** xlsim is wrong. Only cli/main.ts catches it, prints how to reproduce it and exits 70. Xen: BUG(). */
export class XenBug extends Error {
  override readonly name = 'XenBug';
}

/** Throws XenBug with `what` unless `condition` holds. Xen: ASSERT(). */
export function ASSERT(condition: boolean, what: string): asserts condition {
  if (!condition) throw new XenBug(what);
}

/** Closes a switch over a union: a new member breaks the build here, not the run. */
export function unreachable(value: never): never {
  throw new XenBug(`unreachable: ${JSON.stringify(value)}`);
}
