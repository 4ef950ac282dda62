import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  type P2m,
  p2mFromRuns,
  p2mLookup,
  p2mMix,
  p2mRemove,
  p2mRuns,
  p2mSet,
} from '../../src/hypervisor/p2m.ts';
import { isPod, type P2mRun, p2mEnd, p2mMappedOrder, p2mMfn } from '../../src/hypervisor/p2m-run.ts';

/** The obvious map: guest frame → machine frame, or 'pod'. */
type Naive = Map<number, number | 'pod'>;

const SPACE = 4096;

const runArbitrary = fc
  .record({
    gfn: fc.nat(SPACE),
    order: fc.constantFrom(0, 0, 1, 3, 9),
    count: fc.integer({ min: 1, max: 6 }),
    lanes: fc.integer({ min: 0, max: 3 }),
    down: fc.boolean(),
    base: fc.nat(1000),
  })
  .map(({ gfn, order, count, lanes, down, base }): P2mRun => {
    const size = 2 ** order;
    return {
      gfn: order === 9 ? Math.floor(gfn / 512) * 512 : gfn,
      order,
      count,
      lanes: Array.from({ length: Math.min(lanes, count) }, (_, l) => ({
        mfn: (l + 1) * 2 ** 24 + base * 2 ** 12,
        stride: down ? -size : size,
      })),
    };
  });

const removal = fc.record({ first: fc.nat(SPACE + 2000), n: fc.integer({ min: 1, max: 700 }) });

function framesOf(run: P2mRun): [number, number | 'pod'][] {
  const out: [number, number | 'pod'][] = [];
  for (let gfn = run.gfn; gfn < p2mEnd(run); gfn++) out.push([gfn, p2mMfn(run, gfn) ?? 'pod']);
  return out;
}

function expectEqual(p2m: P2m, naive: Naive): void {
  const flat = new Map(p2mRuns(p2m).flatMap(framesOf));
  expect(flat.size).toBe(naive.size);
  for (const [gfn, what] of naive) {
    expect(flat.get(gfn)).toBe(what);
    const run = p2mLookup(p2m, gfn);
    expect(run === null ? null : (p2mMfn(run, gfn) ?? 'pod')).toBe(what);
  }
  const mix = p2mMix(p2m);
  expect(mix.pages1G + mix.pages2M + mix.pages4K + mix.pod).toBe(naive.size);
  expect(mix.pod).toBe([...naive.values()].filter((what) => what === 'pod').length);
}

describe('the p2m', () => {
  it('is the map that one entry per frame would be, through any changes', () => {
    const change = fc.oneof(runArbitrary, removal);
    fc.assert(
      fc.property(fc.array(change, { maxLength: 25 }), (changes) => {
        let p2m: P2m = null;
        const naive: Naive = new Map();
        for (const c of changes) {
          if ('first' in c) {
            const before = [...naive].filter(([gfn]) => gfn >= c.first && gfn < c.first + c.n);
            const result = p2mRemove(p2m, c.first, c.first + c.n);
            expect(result.removed.flatMap(framesOf)).toEqual(before.sort(([a], [b]) => a - b));
            p2m = result.p2m;
            for (const [gfn] of before) naive.delete(gfn);
          } else {
            p2m = p2mSet(p2m, c).p2m;
            for (const [gfn, what] of framesOf(c)) naive.set(gfn, what);
          }
        }
        expectEqual(p2m, naive);
        expectEqual(p2mFromRuns(p2mRuns(p2m)), naive);
      }),
      { numRuns: 100, seed: 16 },
    );
  });

  it('joins what goes on, so that a guest built in pieces is one run', () => {
    let p2m: P2m = null;
    for (let i = 0; i < 1000; i++) {
      p2m = p2mSet(p2m, {
        gfn: i * 2048,
        order: 9,
        count: 4,
        lanes: [{ mfn: 2 ** 24 - i * 2048, stride: -512 }],
      }).p2m;
    }
    expect(p2mRuns(p2m)).toHaveLength(1);
    for (let i = 0; i < 100; i++) {
      const gfn = 2 ** 24 + i * 2048;
      const lanes = [
        { mfn: 2 ** 25 - i * 1024, stride: -512 },
        { mfn: 2 ** 26 - i * 1024, stride: -512 },
      ];
      p2m = p2mSet(p2m, { gfn, order: 9, count: 4, lanes }).p2m;
    }
    expect(p2mRuns(p2m)).toHaveLength(2);
  });

  it('shares what did not change: an old map stays as it was', () => {
    const before = p2mFromRuns([{ gfn: 0, order: 9, count: 4, lanes: [{ mfn: 512, stride: 512 }] }]);
    const { p2m } = p2mRemove(before, 700, 701);
    expect(p2mMix(before).pages2M).toBe(2048);
    expect(p2mMix(p2m)).toMatchObject({ pages2M: 1536, pages4K: 511 });
  });

  it('breaks a 1 GiB page into 2 MiB pages around the one that falls to 4 KiB', () => {
    const whole = p2mFromRuns([{ gfn: 0, order: 18, count: 1, lanes: [{ mfn: 2 ** 18, stride: 0 }] }]);
    const { p2m } = p2mRemove(whole, 1000, 1001);
    expect(p2mMix(p2m)).toEqual({ pages1G: 0, pages2M: 511 * 512, pages4K: 511, pod: 0 });
    expect(p2mRuns(p2m).map(p2mMappedOrder)).toEqual([9, 0, 0, 9]);
    expect(p2mRuns(p2m).some(isPod)).toBe(false);
  });
});
