/** A table of pairs says what a map of texts says. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { getPair, newPairTable, pairId, setPair } from '../../src/explorer/pair-table.ts';

const word = fc.oneof(fc.integer({ min: 0, max: 5 }), fc.integer({ min: 0, max: 2 ** 31 - 1 }));

describe('a table of pairs', () => {
  it('keeps the last number of each pair, however many there are', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(word, word, fc.nat(1000)), { maxLength: 500 }), (entries) => {
        const table = newPairTable();
        const map = new Map<string, number>();
        for (const [a, b, value] of entries) {
          expect(getPair(table, a, b)).toBe(map.get(`${a} ${b}`) ?? -1);
          setPair(table, a, b, value);
          map.set(`${a} ${b}`, value);
        }
        for (const [pair, value] of map) {
          const [a, b] = pair.split(' ').map(Number);
          expect(getPair(table, a!, b!)).toBe(value);
        }
        expect(table.count).toBe(map.size);
      }),
    );
  });

  it('numbers pairs from 1 on, in order of first use', () => {
    const table = newPairTable();
    const ids = [pairId(table, 0, 1), pairId(table, 1, 0), pairId(table, 0, 1), pairId(table, 7, 7)];
    expect(ids).toEqual([1, 2, 1, 3]);
  });
});
