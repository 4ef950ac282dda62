/** Blocks of pages cut anew: into the longest series and stretches that there are, whatever they came in. */
import { chunkOf } from '../hypervisor/heap-state.ts';

/**
 * Adds `count` blocks, `stride` apart, to flat series of `width` numbers: the first block, how many, how far apart, and
 * what they have in common (`a`, and `b` where there is room for it). A series goes on for as long as it can, block by
 * block.
 */
export function addSeries(
  out: number[],
  width: number,
  first: number,
  count: number,
  stride: number,
  a: number,
  b: number,
): void {
  if (count === 0) return;
  const at = out.length - width;
  const isAlike = at >= 0 && out[at + 3] === a && (width === 4 || out[at + 4] === b);
  if (isAlike && chunkOf(out[at]!) === chunkOf(first)) {
    const n = out[at + 1]!;
    const gap = first - (out[at]! + (n - 1) * out[at + 2]!);
    if (n === 1 || gap === out[at + 2]) {
      const goesOn = count === 1 || stride === gap;
      out[at + 1] = n + (goesOn ? count : 1);
      out[at + 2] = gap;
      if (!goesOn) addSeries(out, width, first + stride, count - 1, stride, a, b);
      return;
    }
  }
  out.push(first, count, count === 1 ? 0 : stride, a);
  if (width === 5) out.push(b);
}

/** Blocks of `size` pages; below zero: from the last page to the first. */
export function addBlocks(out: number[], first: number, count: number, stride: number, size: number): void {
  if (size < 0) {
    for (let i = 0; i < count; i++) addSpread(out, first + i * stride, -size, -1, 1);
  } else if (count === 1 || stride === size) addStretch(out, first, count * size);
  else addSpread(out, first, count, stride, size);
}

/** Stretches that do not touch each other. */
function addSpread(out: number[], first: number, count: number, stride: number, length: number): void {
  addStretch(out, first, length);
  addSeries(out, 4, first + stride, count - 1, stride, length, 0);
}

/** A stretch that may go on where the last one ends. */
export function addStretch(out: number[], first: number, length: number): void {
  const at = out.length - 4;
  if (at >= 0) {
    const n = out[at + 1]!;
    const start = out[at]! + (n - 1) * out[at + 2]!;
    if (start + out[at + 3]! === first && chunkOf(start) === chunkOf(first)) {
      const joined = out[at + 3]! + length;
      if (n === 1) out.length = at;
      else {
        out[at + 1] = n - 1;
        if (n === 2) out[at + 2] = 0;
      }
      addSeries(out, 4, start, 1, 0, joined, 0);
      return;
    }
  }
  addSeries(out, 4, first, 1, 0, length, 0);
}

/** Pages on no list: in order of their frames. */
export function ofSet(flat: readonly number[]): string {
  const stretches: [first: number, length: number][] = [];
  for (let i = 0; i < flat.length; i += 4) {
    const [first, count, stride, size] = [flat[i]!, flat[i + 1]!, flat[i + 2]!, flat[i + 3]!];
    const low = Math.min(first, first + (count - 1) * stride) - (size < 0 ? -size - 1 : 0);
    const each = Math.abs(size);
    if (count === 1 || Math.abs(stride) === each) stretches.push([low, count * each]);
    else for (let k = 0; k < count; k++) stretches.push([low + k * Math.abs(stride), each]);
  }
  stretches.sort(([a], [b]) => a - b);
  const out: number[] = [];
  for (const [first, length] of stretches) addStretch(out, first, length);
  return out.join();
}
