/** How much of a buddy is looked at when it is scrubbed bit by bit. */
import { describe, expect, it } from 'vitest';
import { bootHeap } from '../../src/hypervisor/boot-heap.ts';
import type { Heap } from '../../src/hypervisor/heap-state.ts';
import { countDirty, fillDirty, isDirty, pagesUpToDirty } from '../../src/hypervisor/page-dirty.ts';
import { type ScrubPlace, scrubPages } from '../../src/hypervisor/scrub-pages.ts';

const GIB = 2 ** 18;
const idleHeap = (pages: number): Heap =>
  bootHeap({ nodes: [{ node: 0, ranges: [[GIB, GIB + pages]] }], cpuNode: 0, bootscrub: 'idle' });

/** Words of the chunk's flags that are read or written one by one from now on. */
function watchedWords(h: Heap, chunk: number): { seen: number } {
  const count = { seen: 0 };
  const words = h.dirtyBits[chunk]!;
  h.dirtyBits[chunk] = new Proxy(words, {
    get(target, key) {
      if (typeof key === 'string' && /^\d+$/.test(key)) count.seen++;
      const value = Reflect.get(target, key, target) as unknown;
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
  return count;
}

describe('scrub_free_pages in bits', () => {
  it('looks at a buddy of 1 GiB a few times in all, however many bits it is scrubbed in', () => {
    const h = idleHeap(GIB);
    let place: ScrubPlace | null = scrubPages(h, 0, null, 1).place;
    const words = watchedWords(h, 1);
    let bits = 0;
    for (; place !== null; bits++) place = scrubPages(h, 0, place, 16).place;
    expect([bits, h.needScrub[0]]).toEqual([GIB / 16, 0]);
    // A buddy has 2^13 words, in each of which scrubbing stands twice and is looked for, found and cleared.
    expect(words.seen).toBeLessThan(10 * 2 ** 13);
  });
});

describe('flags of pages', () => {
  it('are counted as far as is enough, and found by their number', () => {
    const h = idleHeap(1024);
    fillDirty(h, GIB, 1024, false);
    for (let page = 3; page < 1024; page += page % 64 < 40 ? 1 : 37) fillDirty(h, GIB + page, 1, true);
    const dirty = Array.from({ length: 1024 }, (_, i) => i).filter((i) => isDirty(h, GIB + i));
    for (const from of [0, 3, 31, 32, 100]) {
      const rest = dirty.filter((i) => i >= from);
      expect(countDirty(h, GIB + from, 1024 - from)).toBe(rest.length);
      for (let k = 1; k <= rest.length; k++) {
        expect(pagesUpToDirty(h, GIB + from, k)).toBe(rest[k - 1]! - from + 1);
        const counted = countDirty(h, GIB + from, 1024 - from, k - 1);
        expect(counted).toBeGreaterThan(k - 1);
        expect(counted).toBeLessThanOrEqual(rest.length);
      }
    }
  });
});
