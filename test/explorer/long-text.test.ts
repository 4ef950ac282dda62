/** Long sequences are named by their pieces: the same ones alike, others otherwise, and a change costs few names. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { canonText, newCanon } from '../../src/explorer/canonical.ts';
import { namesOfPieces } from '../../src/explorer/long-text.ts';

/** A table of names, and what it calls sequences of numbers. */
function newNames() {
  const names = new Map<string, string>();
  const named = (text: string): string => {
    if (!names.has(text)) names.set(text, `#${names.size}`);
    return names.get(text)!;
  };
  const nameOf = (list: readonly number[]): string =>
    named(
      namesOfPieces(
        list.length,
        (i) => list[i]!,
        (from, to) => list.slice(from, to).join(),
        named,
      ),
    );
  return { names, nameOf };
}

const lists = fc.array(fc.nat(40), { minLength: 1, maxLength: 200 });

describe('a long sequence', () => {
  it('has the name of another one if and only if it is the same', () => {
    const { nameOf } = newNames();
    const known = new Map<string, string>();
    fc.assert(
      fc.property(lists, fc.nat(200), fc.nat(40), (list, at, value) => {
        const other = list.with(at % list.length, value);
        for (const one of [list, [...list], other, list.slice(1), [...list, value]]) {
          if (one.length === 0) continue;
          const name = nameOf(one);
          const text = known.get(name) ?? one.join();
          known.set(name, text);
          expect(text).toBe(one.join());
          expect(nameOf(one)).toBe(name);
        }
      }),
    );
  });

  it('costs a few names where another one differs in one place, wherever that is', () => {
    const list = Array.from({ length: 5000 }, (_, i) => (i * 7919) % 65_536);
    const ways: readonly ((at: number) => number[])[] = [
      (at) => list.with(at, 70_000),
      (at) => [...list.slice(0, at), 70_000, ...list.slice(at)],
      (at) => [...list.slice(0, at), ...list.slice(at + 1)],
    ];
    for (const changed of ways)
      for (const at of [0, 1, 2500, 4999]) {
        const { names, nameOf } = newNames();
        nameOf(list);
        const before = [...names.keys()].join('').length;
        const count = names.size;
        nameOf(changed(at));
        expect(names.size - count).toBeLessThanOrEqual(6);
        // As a whole it is 29,000 characters long.
        expect([...names.keys()].join('').length - before).toBeLessThan(3000);
      }
  });
});

describe('a list in plain data', () => {
  const runs = (from: number, to: number) =>
    Array.from({ length: to - from }, (_, i) => ({ first: (from + i) * 3, count: 1 }));

  it('has one name, long or short, and no other data has it', () => {
    const canon = newCanon();
    const all = [0, 1, 31, 32, 33, 34, 100, 101].map((n) => runs(0, n));
    const strings = all.map((list) => list.map(({ first }) => String(first)));
    const nested = [runs(0, 100), [runs(0, 50), runs(50, 100)], [[runs(0, 100)]]];
    const names = [...all, ...strings.slice(1), ...nested.slice(1)].map((list) => canonText(canon, list));
    expect(new Set(names).size).toBe(names.length);
    for (const list of all) expect(names).toContain(canonText(canon, structuredClone(list)));
  });

  it('costs a few names where it goes on', () => {
    const canon = newCanon();
    const list = runs(0, 3000);
    canonText(canon, list);
    const before = [...canon.ids.keys()].join('').length;
    canonText(canon, [...list, { first: 1, count: 1 }]);
    expect([...canon.ids.keys()].join('').length - before).toBeLessThan(1000);
  });
});
