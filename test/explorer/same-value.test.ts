/** Plain values held against each other. */
import { describe, expect, it } from 'vitest';
import { isSameValue } from '../../src/explorer/same-value.ts';

describe('two plain values', () => {
  it.each<[unknown, unknown]>([
    [
      [1, 'a', null],
      [1, 'a', null],
    ],
    [
      { a: 1, b: { c: [] } },
      { b: { c: [] }, a: 1 },
    ],
    [new Map([['a', [1]]]), new Map([['a', [1]]])],
    [Number.NaN, Number.NaN],
  ])('are the same when they say the same: %j', (a, b) => {
    expect(isSameValue(a, b)).toBe(true);
  });

  it.each<[string, unknown, unknown]>([
    ['another number', 1, 2],
    ['a text that looks like it', 1, '1'],
    ['another order', [1, 2], [2, 1]],
    ['one more', [1], [1, 2]],
    ['a field that is there and undefined', { a: undefined }, {}],
    ['another field', { a: undefined }, { b: undefined }],
    [
      'entries in another order',
      new Map(Object.entries({ a: 1, b: 2 })),
      new Map(Object.entries({ b: 2, a: 1 })),
    ],
    ['a list, not a record', [], {}],
    ['null', null, {}],
    // What else they may hold nobody knows.
    ['a set', new Set([1]), new Set([1])],
    ['a function', () => 1, () => 1],
    ['an array of bytes', new Uint8Array(1), new Uint8Array(1)],
    ['an instance of a class', new Error('a'), new Error('a')],
    ['a symbol beside the fields', { [Symbol.for('a')]: 1 }, { [Symbol.for('a')]: 1 }],
  ])('are not with %s', (_what, a, b) => {
    expect(isSameValue(a, b)).toBe(false);
    expect(isSameValue(b, a)).toBe(false);
  });
});
