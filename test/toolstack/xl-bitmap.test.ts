import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { printBitmap } from '../../src/toolstack/xl-bitmap.ts';

/** The bits a printed map means. */
function read(text: string, size: number): number[] {
  if (text === 'none') return [];
  if (text === 'all') return Array.from({ length: size }, (_, i) => i);
  return text.split(',').flatMap((run) => {
    const [first = 0, last = first] = run.split('-').map(Number);
    return Array.from({ length: last - first + 1 }, (_, i) => first + i);
  });
}

describe('print_bitmap', () => {
  it('prints what can be read back, in as few runs as there are', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 70 }), fc.uniqueArray(fc.nat(69)), (size, set) => {
        const bits = set.filter((bit) => bit < size).sort((a, b) => a - b);
        const text = printBitmap(set, size);
        expect(read(text, size)).toEqual(bits);
        const runs = bits.filter((bit) => !bits.includes(bit - 1)).length;
        if (text !== 'none') expect(text.split(',')).toHaveLength(runs);
      }),
    );
  });

  it('says all only of one run from 0 to the end', () => {
    expect(printBitmap([0, 1, 2, 3], 4)).toBe('all');
    expect(printBitmap([0, 1, 2], 4)).toBe('0-2');
    expect(printBitmap([1, 2, 3], 4)).toBe('1-3');
    expect(printBitmap([], 4)).toBe('none');
    expect(printBitmap([0], 1)).toBe('all');
  });
});
