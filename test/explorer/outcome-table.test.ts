/** End states put together: which are one row, how rows add up. */
import { describe, expect, it } from 'vitest';
import type { LaneEnd } from '../../src/explorer/lane-end.ts';
import { mergeOutcomes, outcomesOf, type SeenEnd } from '../../src/explorer/outcome-table.ts';

const frame = { steps: ['vm{i}', 'vm{i}', 'other'], fits: () => true };
const seen = (
  kinds: readonly LaneEnd['kind'][],
  count: number,
  share: number | null,
  reason = '',
): SeenEnd => ({
  end: { lanes: kinds.map((kind, i) => ({ label: `l${i}`, kind, rc: 0, reason })), broken: null },
  count,
  share,
});

describe('rows of ends', () => {
  it('do not tell apart which copy of a step fared how', () => {
    const rows = outcomesOf(
      [
        seen(['started', 'late', 'done'], 2, 0.25),
        seen(['late', 'started', 'done'], 3, 0.5),
        seen(['started', 'started', 'done'], 1, 0.25),
      ],
      frame,
      null,
    );
    expect(rows.map(({ verdict, states, share }) => [verdict, states, share])).toEqual([
      ['late failure', 5, 0.75],
      ['safe', 1, 0.25],
    ]);
    expect(rows[0]!.lanes).toEqual([
      {
        step: 'vm{i}',
        ends: [
          { kind: 'started', count: 1, why: [] },
          { kind: 'late', count: 1, why: [] },
        ],
      },
      { step: 'other', ends: [{ kind: 'done', count: 1, why: [] }] },
    ]);
  });

  it('keep every reason, up to three', () => {
    const rows = outcomesOf(
      ['d', 'b', 'a', 'c', 'a'].map((reason) => seen(['late', 'late', 'done'], 1, null, reason)),
      frame,
      null,
    );
    expect(rows).toHaveLength(1);
    expect(rows[0]!.lanes[0]!.ends[0]!.why).toEqual(['a', 'b', 'c']);
    expect(rows[0]!.share).toBeNull();
  });

  it('of samples have a share and its interval', () => {
    const rows = outcomesOf(
      [seen(['started', 'late', 'done'], 25, null), seen(['started', 'started', 'done'], 75, null)],
      frame,
      100,
    );
    expect(rows.map(({ share, samples, states }) => [share, samples, states])).toEqual([
      [0.25, 25, null],
      [0.75, 75, null],
    ]);
    const [low, high] = rows[0]!.interval!;
    expect(low).toBeLessThan(0.25);
    expect(high).toBeGreaterThan(0.25);
  });

  it('of shards add up to those of all', () => {
    const part = (late: number, safe: number) =>
      outcomesOf(
        [seen(['started', 'late', 'done'], late, null), seen(['started', 'started', 'done'], safe, null)],
        frame,
        late + safe,
      );
    expect(mergeOutcomes([part(10, 30), part(15, 45)], 100)).toEqual(part(25, 75));
  });

  it('come worst first, whatever is seen first', () => {
    const all = [seen(['started', 'started', 'done'], 9, 0.9), seen(['stuck', 'late', 'done'], 1, 0.1)];
    expect(outcomesOf(all, frame, null)).toEqual(outcomesOf([...all].reverse(), frame, null));
    expect(outcomesOf(all, frame, null)[0]!.verdict).toBe('stuck');
  });

  it('that are as often but for rounding come by what they say, others by how often', () => {
    const kinds = [
      ['started', 'late', 'done'],
      ['late', 'started', 'failed'],
      ['late', 'late', 'done'],
    ] as const;
    const one = { ...frame, steps: ['a', 'b', 'other'] };
    const orderOf = (shares: readonly number[]) =>
      outcomesOf(
        kinds.map((each, i) => seen(each, 1, shares[i]!)),
        { ...one, fits: () => false },
        null,
      ).map(({ lanes }) => lanes.map(({ ends }) => ends[0]!.kind).join());
    const byText = orderOf([0.3, 0.3, 0.3]);
    expect(0.1 + 0.2).not.toBe(0.3);
    for (const shares of [
      [0.3, 0.1 + 0.2, 0.3],
      [0.1 + 0.2, 0.3, 0.3],
      [0.3, 0.3, 0.1 + 0.2],
    ])
      expect(orderOf(shares)).toEqual(byText);
    expect(orderOf([0.3, 0.3 + 1e-6, 0.3 + 2e-6])).toEqual(kinds.map((each) => each.join()).reverse());
  });
});
