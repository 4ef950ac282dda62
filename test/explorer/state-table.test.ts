import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  findState,
  keepState,
  keepSummed,
  makeStateTable,
  roomForState,
  type StateTable,
  sumAfter,
  sumOfState,
  viewState,
  widenStates,
} from '../../src/explorer/state-table.ts';

function add(table: StateTable, words: readonly number[]): number {
  const room = roomForState(table);
  for (let i = 0; i < table.width; i++) room[table.at + i] = words[i] ?? 0;
  return keepState(table);
}

function read(table: StateTable, id: number): number[] {
  const page = viewState(table, id, new Int32Array(table.width));
  return [...page.subarray(table.at, table.at + table.width)];
}

describe('a table of states', () => {
  it('numbers a state that stands elsewhere as one in its room, by a sum that follows word by word, whatever is guessed', () => {
    const word = fc.integer({ min: -2, max: 2 });
    const change = fc.tuple(fc.nat(3), fc.oneof(word, fc.integer()), fc.integer({ min: -1, max: 80 }));
    fc.assert(
      fc.property(fc.array(change, { maxLength: 80 }), (changes) => {
        const table = makeStateTable(4);
        const twin = makeStateTable(4);
        const words = new Int32Array(9);
        let sum = sumOfState(table, words, 3);
        for (const [at, value, guess] of changes) {
          sum = sumAfter(table, sum, at, words[3 + at]!, value);
          words[3 + at] = value;
          expect(sum).toBe(sumOfState(table, words, 3));
          const id = keepSummed(table, words, 3, sum, guess);
          expect(id).toBe(add(twin, [...words.subarray(3, 7)]));
          expect(read(table, id)).toEqual([...words.subarray(3, 7)]);
        }
      }),
    );
  });

  it('finds states that are numbers as it finds others', () => {
    const numbers = fc.array(fc.nat({ max: 400 }), { maxLength: 200 });
    fc.assert(
      fc.property(numbers, (all) => {
        const table = makeStateTable(1, true);
        const twin = makeStateTable(1);
        for (const number of all) {
          const room = roomForState(table);
          room[table.at] = number;
          roomForState(twin)[twin.at] = number;
          expect(findState(table)).toBe(findState(twin));
          expect(add(table, [number])).toBe(add(twin, [number]));
        }
        for (let id = 0; id < twin.count; id++) expect(read(table, id)).toEqual(read(twin, id));
      }),
    );
  });

  it('numbers states as a map does, whatever their words, also when they grow wider', () => {
    const words = fc.array(fc.oneof(fc.integer({ min: -2, max: 2 }), fc.integer()), { maxLength: 5 });
    fc.assert(
      fc.property(fc.array(fc.tuple(words, fc.boolean()), { maxLength: 60 }), (rows) => {
        const table = makeStateTable(1);
        const known = new Map<string, number>();
        for (const [row] of rows) {
          if (row.length > table.width) widenStates(table, row.length);
          const full = [...row, ...Array(5 - row.length).fill(0)].join(' ');
          const id = add(table, row);
          expect(id).toBe(known.get(full) ?? known.size);
          known.set(full, id);
        }
        for (const [full, id] of known)
          expect([...read(table, id), ...Array(5 - table.width).fill(0)].join(' ')).toBe(full);
      }),
    );
  });

  it('keeps hundreds of thousands of states on many pages, and knows its memory', () => {
    const table = makeStateTable(3);
    const at = (i: number): number[] => [i % 100, Math.floor(i / 100) % 100, Math.floor(i / 10000)];
    let wrong = 0;
    for (let i = 0; i < 100_000; i++) if (add(table, at(i)) !== i) wrong++;
    widenStates(table, 4);
    for (let i = 100_000; i < 200_000; i++) if (add(table, [...at(i), 1]) !== i) wrong++;
    expect(wrong).toBe(0);
    for (let i = 0; i < 200_000; i += 317) {
      expect(add(table, i < 100_000 ? at(i) : [...at(i), 1])).toBe(i);
      expect(read(table, i)).toEqual([...at(i), i < 100_000 ? 0 : 1]);
    }
    expect(table.count).toBe(200_000);
    const pages = table.pages.reduce((sum, page) => sum + page.byteLength, 0);
    expect(table.bytes).toBe(pages + table.slots.byteLength);
    expect(table.slots.length).toBeGreaterThanOrEqual(400_000);
  });

  it('tells states apart whose hashes are the same', () => {
    const table = makeStateTable(2);
    // Factors that make every state's hash the same: only the words tell them apart.
    table.keys.fill(0);
    for (let i = 0; i < 500; i++) expect(add(table, [i, -i])).toBe(i);
    for (let i = 0; i < 500; i++) expect(add(table, [i, -i])).toBe(i);
  });
});
