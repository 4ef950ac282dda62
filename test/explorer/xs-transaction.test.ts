/** Requests of a transaction served as a list, beside the same requests one by one. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { emptyXsState, serveXs, serveXsInside, type XsState } from '../../src/explorer/xenstored.ts';
import type { XsCall } from '../../src/toolstack/xenstore.ts';

const path = fc
  .array(fc.constantFrom('a', 'b', 'ab', '0', '10', ''), { minLength: 1, maxLength: 4 })
  .map((parts) => `/${parts.join('/')}`);
const call = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      op: fc.constant('write' as const),
      path,
      value: fc.string(),
      tx: fc.constant(2),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      op: fc.constantFrom('mkdir' as const, 'rm' as const, 'read' as const, 'directory' as const),
      path,
      tx: fc.constant(2),
    }),
  },
);
const calls = fc.array(call, { minLength: 1, maxLength: 30 });
const written = fc.array(fc.record({ path, value: fc.string() }), { maxLength: 10 });
const conflicts = fc.constantFrom('any change' as const, 'node changed' as const);

/** A store with two open transactions. */
function opened(
  writes: readonly { path: string; value: string }[],
  rule: 'any change' | 'node changed',
): XsState {
  let state = emptyXsState;
  for (const { path, value } of writes) state = serveXs(state, { op: 'write', path, value }).state;
  for (let i = 0; i < 2; i++) state = serveXs(state, { op: 'transaction_start' }, rule).state;
  return serveXs(state, { op: 'write', path: '/other', value: '', tx: 1 }).state;
}

const oneByOne = (state: XsState, list: readonly XsCall[]) =>
  list.reduce((at, next) => serveXs(at.state, next), serveXs(state, { op: 'directory', path: '/' }));

describe('serveXsInside', () => {
  it('leaves the store and the last reply of the requests one by one, and so does the commit', () => {
    fc.assert(
      fc.property(written, calls, calls, conflicts, (writes, first, second, rule) => {
        const before = opened(writes, rule);
        const kept = JSON.stringify(before);
        let state = before;
        for (const list of [first, second]) {
          const slow = oneByOne(state, list);
          const fast = serveXsInside(state, 2, list);
          expect(fast).toEqual(slow);
          state = slow.state;
        }
        const end: XsCall = { op: 'transaction_end', tx: 2, abort: false };
        const fast = serveXsInside(serveXsInside(before, 2, first)!.state, 2, second)!;
        expect(serveXs(fast.state, end)).toEqual(serveXs(state, end));
        // Whoever keeps the store as it was has it as it was.
        expect(JSON.stringify(before)).toBe(kept);
      }),
      { numRuns: 500 },
    );
  });

  it('serves nobody whose transaction is not open', () => {
    expect(serveXsInside(emptyXsState, 9, [{ op: 'mkdir', path: '/a', tx: 9 }])).toBeNull();
  });
});
