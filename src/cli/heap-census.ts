/**
 * Who owns how many frames of each block of physical memory, counted by runs: exact, and as cheap as the heap's own
 * description.
 */
import { forEachFreeRun } from '../hypervisor/heap-report.ts';
import { saveHeap } from '../hypervisor/heap-save.ts';
import type { Xen } from '../hypervisor/xen.ts';

/** A domid, or what else a frame is. `xen`: Xen's own. `around`: what Xen keeps for a domain. */
export type Owner = number | 'free' | 'xen' | 'around' | 'offlined';

/** For each owner its frames by block. */
export type Census = ReadonlyMap<Owner, Float64Array>;

/** Blocks of `size` frames from `first` on; only frames in `span` count. */
export interface Blocks {
  readonly span: readonly [start: number, end: number];
  readonly first: number;
  readonly size: number;
  readonly count: number;
}

/** Counts frames by block and owner. `ram`: what of the span is memory; holes belong to nobody. */
export function census(xen: Xen, blocks: Blocks, ram: readonly (readonly [number, number])[]): Census {
  const counts = new Map<Owner, Float64Array>();
  const saved = saveHeap(xen.heap);
  forEachFreeRun(xen.heap, (_node, _zone, order, first, count, stride) => {
    addComb(counts, blocks, 'free', { first, count, stride, size: 2 ** order });
  });
  const flat = (owner: Owner, list: readonly number[]): void => {
    for (let i = 0; i + 3 < list.length; i += 4) {
      const [first = 0, count = 0, stride = 0, size = 0] = list.slice(i, i + 4);
      // A block that was taken page by page downwards is written with its highest page and a negative size.
      const low = size < 0 ? first + size + 1 : first;
      addComb(counts, blocks, owner, { first: low, count, stride, size: Math.abs(size) });
    }
  };
  for (const domain of saved.domains) {
    for (const list of [...domain.pages, ...domain.extras, domain.pod]) flat(domain.domid, list);
  }
  flat('xen', saved.xen);
  for (let i = 0; i < saved.special.length; i += 2) {
    const one = { first: saved.special[i] ?? 0, count: 1, stride: 1, size: 1 };
    addComb(counts, blocks, 'offlined', one);
  }
  addRest(counts, blocks, ram);
  return counts;
}

/** `count` extents of `size` frames, `stride` apart. */
interface Comb {
  readonly first: number;
  readonly count: number;
  readonly stride: number;
  readonly size: number;
}

function columnOf(counts: Map<Owner, Float64Array>, blocks: Blocks, owner: Owner): Float64Array {
  const known = counts.get(owner) ?? new Float64Array(blocks.count);
  counts.set(owner, known);
  return known;
}

function addComb(counts: Map<Owner, Float64Array>, blocks: Blocks, owner: Owner, comb: Comb): void {
  const { count, size } = comb;
  const column = columnOf(counts, blocks, owner);
  const [spanStart, spanEnd] = blocks.span;
  const stride = count === 1 ? size : Math.abs(comb.stride);
  const first = comb.stride < 0 ? comb.first + (count - 1) * comb.stride : comb.first;
  const end = first + (count - 1) * stride + size;
  const below = (frame: number): number => {
    if (frame <= first) return 0;
    const whole = Math.min(count, Math.floor((frame - first) / stride));
    return whole === count ? count * size : whole * size + Math.min(size, frame - first - whole * stride);
  };
  const from = Math.max(0, Math.floor((first - blocks.first) / blocks.size));
  for (let block = from; block < blocks.count; block++) {
    const start = blocks.first + block * blocks.size;
    if (start >= end) return;
    const [low, high] = [Math.max(start, spanStart), Math.min(start + blocks.size, spanEnd)];
    if (low < high) column[block] = (column[block] ?? 0) + below(high) - below(low);
  }
}

/** RAM that nobody above has is what Xen keeps around domains. */
function addRest(
  counts: Map<Owner, Float64Array>,
  blocks: Blocks,
  ram: readonly (readonly [number, number])[],
): void {
  const known = [...counts.values()];
  const whole = new Map<Owner, Float64Array>();
  for (const [start, end] of ram) {
    addComb(whole, blocks, 'around', { first: start, count: 1, stride: 1, size: end - start });
  }
  const rest = columnOf(whole, blocks, 'around').map(
    (frames, block) => frames - known.reduce((sum, column) => sum + (column[block] ?? 0), 0),
  );
  counts.set('around', rest);
}
