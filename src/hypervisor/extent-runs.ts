/** Gathering the extents of one request as runs, joining what continues. */
import type { ExtentRun } from './heap-state.ts';

interface OpenRun {
  first: number;
  count: number;
  stride: number;
  index: number;
  step: number;
}

export interface ExtentList {
  readonly runs: OpenRun[];
}

export const newExtentList = (): ExtentList => ({ runs: [] });

/** Adds `count` extents that are number `index`, `index + step`, … of the request. */
export function addExtents(
  list: ExtentList,
  first: number,
  count: number,
  stride: number,
  index: number,
  step: number,
): void {
  const runs = list.runs;
  // One run of each lane is open; they are the last `step` ones.
  for (let i = runs.length - 1; i >= 0 && i >= runs.length - step; i--) {
    const run = runs[i]!;
    if (run.step !== step || run.index + run.count * step !== index) continue;
    const gap = first - (run.first + (run.count - 1) * run.stride);
    if ((run.count > 1 && run.stride !== gap) || (count > 1 && stride !== gap)) break;
    run.stride = gap;
    run.count += count;
    return;
  }
  runs.push({ first, count, stride: count === 1 ? 0 : stride, index, step });
}

export const extentsOf = (list: ExtentList): readonly ExtentRun[] => list.runs;
