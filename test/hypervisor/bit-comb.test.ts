/** Combs of bits against the obvious way, one number at a time. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Comb, countBits, fillComb, nextComb } from '../../src/hypervisor/bit-comb.ts';

const WORDS = 256;
const comb = fc
  .record({
    start: fc.nat(400),
    count: fc.integer({ min: 1, max: 2500 }),
    step: fc.integer({ min: 1, max: 70 }),
  })
  .map((c) => ({ ...c, count: Math.min(c.count, Math.floor((WORDS * 32 - 1 - c.start) / c.step)) }));

const membersOf = (c: Comb): number[] => Array.from({ length: c.count }, (_, i) => c.start + i * c.step);

describe('fillComb', () => {
  it('sets the bits of the comb and no other, whatever was there', () => {
    fc.assert(
      fc.property(comb, fc.nat(3), (c, wider) => {
        const width = 1 + Math.min(wider, c.step - 1);
        const words = new Int32Array(WORDS).fill(-1);
        fillComb(words, c.start, c.count, c.step, width);
        const expected = new Int32Array(WORDS).fill(-1);
        const last = c.start + (c.count - 1) * c.step + width - 1;
        expected.fill(0, c.start >>> 5, (last >>> 5) + 1);
        for (const bit of membersOf(c))
          for (let k = bit; k < bit + width; k++) expected[k >>> 5] = expected[k >>> 5]! | (1 << (k & 31));
        expect(words).toEqual(expected);
      }),
      { seed: 2041, numRuns: 300 },
    );
  });
});

describe('nextComb', () => {
  it('takes a set apart into combs that together are the set, in ascending order', () => {
    fc.assert(
      fc.property(fc.array(comb, { maxLength: 4 }), fc.array(fc.nat(WORDS * 32 - 1)), (combs, flips) => {
        const set = new Set<number>();
        for (const c of combs) for (const bit of membersOf(c)) set.add(bit);
        for (const bit of flips) if (!set.delete(bit)) set.add(bit);
        const words = new Int32Array(WORDS);
        for (const bit of set) words[bit >>> 5] = words[bit >>> 5]! | (1 << (bit & 31));
        const spare = new Int32Array(WORDS);
        const out: Comb = { start: 0, count: 0, step: 1 };
        const found: number[] = [];
        for (let at = 0; nextComb(words, at, WORDS * 32, spare, out); at = found.at(-1)! + 1)
          found.push(...membersOf(out));
        expect(found).toEqual([...set].sort((a, b) => a - b));
        expect(countBits(words, 0, WORDS - 1)).toBe(set.size);
      }),
      { seed: 2042, numRuns: 300 },
    );
  });

  it('ends with the last bit, even where the words behind it are not looked at', () => {
    fc.assert(
      fc.property(comb, (c) => {
        const words = new Int32Array(WORDS);
        fillComb(words, c.start, c.count, c.step, 1);
        const out: Comb = { start: 0, count: 0, step: 1 };
        const end = c.start + (c.count - 1) * c.step + 1;
        expect(nextComb(words, 0, end, new Int32Array(WORDS), out)).toBe(true);
        expect(out).toEqual(c.count === 1 ? { ...c, step: 1 } : c);
      }),
      { seed: 2043, numRuns: 300 },
    );
  });
});
