/** Extents in the forms a recording holds them: runs cut greedily, lane by lane, or a digest of all first frames. */
import { createHash } from 'node:crypto';
import type { ExtentRun } from '../hypervisor/heap-state.ts';

type Run = [first: number, count: number, stride: number];

/** Cuts a sequence greedily: the second extent of a run fixes its stride. */
function addRun(runs: Run[], first: number, count: number, stride: number): void {
  let from = first;
  let left = count;
  const last = runs[runs.length - 1];
  if (last !== undefined) {
    const gap = from - (last[0] + (last[1] - 1) * last[2]);
    if (last[1] === 1 || gap === last[2]) {
      last[2] = gap;
      last[1]++;
      from += stride;
      left--;
      if (left > 0 && stride === last[2]) {
        last[1] += left;
        return;
      }
    }
  }
  if (left > 0) runs.push([from, left, left === 1 ? 0 : stride]);
}

/** The runs of the sequence re-ordered into `lanes`: extents 0, p, 2p, …, then 1, p + 1, … */
export function cutRuns(extents: readonly ExtentRun[], done: number, lanes: number): Run[] {
  const runs: Run[] = [];
  if (extents.some((x) => lanes % x.step !== 0 && x.count > 1)) {
    const all = firstFrames(extents, done);
    for (let lane = 0; lane < lanes; lane++)
      for (let i = lane; i < done; i += lanes) addRun(runs, all[i]!, 1, 0);
    return runs;
  }
  for (let lane = 0; lane < lanes; lane++) {
    const parts: { index: number; run: Run }[] = [];
    for (const x of extents) {
      const skip = lanes / x.step;
      const stepsTo = (((lane - x.index) % lanes) + lanes) % lanes;
      if (x.count > 1 && stepsTo % x.step !== 0) continue;
      const from = stepsTo / x.step;
      if (from >= x.count || (x.count === 1 && stepsTo !== 0)) continue;
      const count = Math.floor((x.count - 1 - from) / skip) + 1;
      const run: Run = [x.first + from * x.stride, x.count === 1 ? 1 : count, x.stride * skip];
      parts.push({ index: x.index + from * x.step, run });
    }
    parts.sort((a, b) => a.index - b.index);
    for (const { run } of parts) addRun(runs, run[0], run[1], run[2]);
  }
  return runs;
}

/** The first frame of each extent, in order of allocation. */
function firstFrames(extents: readonly ExtentRun[], done: number): Float64Array {
  const all = new Float64Array(done);
  for (const x of extents)
    for (let i = 0; i < x.count; i++) all[x.index + i * x.step] = x.first + i * x.stride;
  return all;
}

/** SHA-256 over the decimal first frames, one a line. */
export function framesDigest(extents: readonly ExtentRun[], done: number): string {
  const hash = createHash('sha256');
  let text = '';
  for (const mfn of firstFrames(extents, done)) {
    text += `${mfn}\n`;
    if (text.length > 1 << 16) {
      hash.update(text);
      text = '';
    }
  }
  return hash.update(text).digest('hex');
}
