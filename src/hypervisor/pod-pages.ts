/** Owned pages on and off page_list: what populate-on-demand does with its cache. Models page_list_del() and page_list_add_tail(). */
import { ASSERT } from './bug.ts';
import { sameChunkCount } from './free-blocks.ts';
import { type Heap, type HeapDomain, KIND_OWNED, KIND_POD, type PageBlocks } from './heap-state.ts';
import { noteDomain } from './heap-undo.ts';
import { appendOwned, carveBlocks, carveRange } from './owned-pages.ts';
import { relieve } from './page-region.ts';

/** Takes a domain's pages off its page_list; they stay its own and counted. */
export function pageListDel(h: Heap, d: HeapDomain, blocks: PageBlocks): void {
  moveBlocks(h, d, blocks, KIND_OWNED, KIND_POD);
}

/** Puts such pages back behind the last one of page_list, ascending in each block. */
export function pageListAddTail(h: Heap, d: HeapDomain, blocks: PageBlocks): void {
  moveBlocks(h, d, blocks, KIND_POD, KIND_OWNED);
}

function moveBlocks(h: Heap, d: HeapDomain, b: PageBlocks, from: number, to: number): void {
  const size = 2 ** b.order;
  noteDomain(h, d);
  d.savedPages = null;
  let i = 0;
  while (i < b.count) {
    const first = b.mfn + i * b.stride;
    const n = sameChunkCount(first, b.count - i, b.stride);
    if (!carveBlocks(h, d, from, first, n, b.stride, b.order)) {
      for (let k = 0; k < n; k++) {
        const mfn = first + k * b.stride;
        ASSERT(carveRange(h, d, from, mfn, size) === mfn + size, 'moved pages belong to the domain');
      }
    }
    appendOwned(h, d, to, first, n, b.stride, size);
    relieve(h);
    i += n;
  }
}
