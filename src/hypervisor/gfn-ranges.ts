/** Extent lists as dense stretches, so that a batch costs what its runs cost. */
import type { GfnRun } from './privcmd.ts';
import { sizeOfOrder } from './units.ts';

/** Stretches of an extent list that are dense: consecutive extents upwards or downwards, or single ones. */
interface GfnRange {
  readonly first: number;
  readonly count: number;
  readonly descending: boolean;
  /** The lowest frame of the first n extents. */
  readonly lowest: (n: number) => number;
}

/** The first `count` extents of a list as dense stretches. */
export function gfnRanges(extents: readonly GfnRun[], order: number, count: number): GfnRange[] {
  const size = sizeOfOrder(order);
  const out: GfnRange[] = [];
  const add = (first: number, n: number, descending: boolean): void => {
    const lowest = (k: number): number => (descending ? first - (k - 1) * size : first);
    out.push({ first, count: n, descending, lowest });
  };
  let left = count;
  for (const run of extents) {
    const n = Math.min(left, run.count);
    left -= n;
    if (n <= 0) continue;
    if (n === 1 || run.stride === size) add(run.first, n, false);
    else if (run.stride === -size) add(run.first, n, true);
    else for (let i = 0; i < n; i++) add(run.first + i * run.stride, 1, false);
  }
  return out;
}
