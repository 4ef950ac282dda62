import { describe, expect, it } from 'vitest';
import { type Gauge, isOver } from '../../src/cli/explore-memory.ts';

/** A heap of 1,000 bytes at most, of which `garbage` goes when it is collected. */
function heap(used: number, garbage: number, arrays = 0): Gauge & { collections: number } {
  let left = used;
  const gauge = {
    before: 100,
    collections: 0,
    collect: () => {
      left = used - garbage;
      gauge.collections++;
    },
    look: () => ({ used_heap_size: left, external_memory: arrays, heap_size_limit: 1000 }),
  };
  return gauge;
}

describe('isOver', () => {
  it('collects nothing while there is room', () => {
    const gauge = heap(600, 0);
    expect(isOver(gauge, 1e6, 400)).toBe(false);
    expect(gauge.collections).toBe(0);
  });

  it('believes what was counted without a look', () => {
    expect(isOver(heap(0, 0), 500, 501)).toBe(true);
    expect(isOver(heap(0, 0), 500, 500)).toBe(false);
  });

  it('takes garbage for room once it is gone', () => {
    const gauge = heap(700, 400);
    expect(isOver(gauge, 500, 0)).toBe(false);
    expect(gauge.collections).toBe(1);
    expect(isOver(heap(700, 100), 500, 0)).toBe(true);
  });

  it('counts the arrays that hang on a heap', () => {
    expect(isOver(heap(200, 0, 900), 500, 0)).toBe(true);
    expect(isOver(heap(200, 0, 300), 500, 0)).toBe(false);
  });

  it('stops where a collection frees little of a nearly full heap, which would be collected for ever', () => {
    // A walk of 8 GiB on a heap of 4: V8 ends a process that collects four times in a row beyond 0.8 of its heap.
    expect(isOver(heap(760, 70), 1e6, 0)).toBe(true);
    expect(isOver(heap(760, 100), 1e6, 0)).toBe(false);
    const least = Array.from({ length: 1000 }, (_, used) => used).find((used) =>
      isOver(heap(used, 0), 1e6, 0),
    );
    expect(least).toBeLessThan(800);
  });
});
