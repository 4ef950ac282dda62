import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { countsSpace } from '../../src/explorer/counts-space.ts';
import { drawBelow, sampleStream } from '../../src/explorer/sample-stream.ts';
import { EMPTY_TALLY, mergeTallies, type Tally, wilsonInterval } from '../../src/explorer/sample-tally.ts';
import { replayChoices } from '../../src/explorer/schedule-replay.ts';
import { shortenSchedule } from '../../src/explorer/schedule-shorten.ts';
import { atOnce } from '../../src/explorer/sliced.ts';
import type { Space } from '../../src/explorer/space.ts';
import {
  continueDrawing,
  drawnSoFar,
  pctGuarantee,
  sampleRange,
  sampleSchedule,
  startDrawing,
  type WalkOptions,
} from '../../src/explorer/walks.ts';
import { switchesOf, walkAllOrders } from './slow-walk.ts';
import { growingSpace, programSpace, programs, smallRaces } from './small-spaces.ts';

const random = (seed: number): WalkOptions => ({ strategy: { kind: 'random' }, seed, maxSteps: 10_000 });
const pct = (seed: number, depth: number, steps: number): WalkOptions => ({
  strategy: { kind: 'pct', depth, steps },
  seed,
  maxSteps: 10_000,
});

const countOf = (tally: Tally, outcome: number): number =>
  tally.outcomes.find((row) => row.outcome === outcome)?.samples ?? 0;

describe('random walks', () => {
  it('end as often as the share of orders says, within chance, for all small races', () => {
    for (const [name, space] of smallRaces()) {
      const { shares } = walkAllOrders(space);
      const tally = sampleRange(space, random(5), 0, 400);
      for (const { outcome } of tally.outcomes) expect(shares.has(outcome), name).toBe(true);
      for (const [outcome, share] of shares) {
        // Six standard deviations: one in a billion.
        const far = 6 * Math.sqrt((share * (1 - share)) / 400) + 0.01;
        expect(Math.abs(countOf(tally, outcome) / 400 - share), name).toBeLessThan(far);
      }
    }
  });

  it('are the same however the range is cut and shared out', () => {
    const space = countsSpace({ free: 9, units: 6, claims: [false, false, true] });
    for (const options of [random(11), pct(11, 3, 40)]) {
      const whole = sampleRange(space, options, 0, 300);
      const parts = [0, 1, 50, 51, 299].map((from, i, cuts) =>
        sampleRange(space, options, from, cuts[i + 1] ?? 300),
      );
      expect(parts.reduce(mergeTallies, EMPTY_TALLY)).toStrictEqual(whole);
      for (const budget of [1, 2, 7, 1000]) {
        const drawing = startDrawing(space, options, 0, 300);
        let slices = 1;
        while (!continueDrawing(drawing, budget)) slices++;
        expect(drawnSoFar(drawing)).toStrictEqual(whole);
        // One that ends with its slice is seen to be over in the next.
        expect([0, 1]).toContain(slices - Math.ceil(whole.steps / budget));
      }
      expect(parts.reduceRight((sum, part) => mergeTallies(sum, part), EMPTY_TALLY)).toStrictEqual(whole);
      expect(JSON.parse(JSON.stringify(whole))).toStrictEqual(whole);
      expect(sampleRange(space, { ...options, seed: 12 }, 0, 300)).not.toStrictEqual(whole);
    }
  });

  it('say where the first of an outcome is, and that one replays to it', () => {
    const space = countsSpace({ free: 9, units: 6, claims: [false, false] });
    for (const options of [random(3), pct(3, 2, 26)]) {
      const tally = sampleRange(space, options, 100, 400);
      expect(tally.outcomes.length).toBeGreaterThan(1);
      for (const { outcome, first } of tally.outcomes) {
        expect(first).toBeGreaterThanOrEqual(100);
        expect(countOf(sampleRange(space, options, 100, first), outcome)).toBe(0);
        expect(replayChoices(space, atOnce(sampleSchedule(space, options, first))!).outcome).toBe(outcome);
      }
    }
  });

  it('are the same where steps are written over the state they are made from', () => {
    for (const counts of [
      { free: 9, units: 6, claims: [false, false, true] },
      { free: 20, units: 6, claims: [true, true, true] },
    ]) {
      const space = countsSpace(counts);
      for (const options of [random(4), pct(4, 3, 40)])
        expect(sampleRange({ ...space, inPlace: false }, options, 0, 100)).toEqual(
          sampleRange(space, options, 0, 100),
        );
    }
  });

  it('give up where a walk does not end', () => {
    const endless: Space = {
      width: 1,
      tasks: 1,
      start: (into, at) => into.fill(0, at, at + 1),
      enabled: (_state, _at, tasks) => {
        tasks[0] = 0;
        return 1;
      },
      step: (_state, _at, _task, into, intoAt) => into.fill(0, intoAt, intoAt + 1),
      outcome: () => 0,
    };
    expect(sampleRange(endless, { ...random(1), maxSteps: 50 }, 0, 3)).toEqual({
      samples: 3,
      steps: 150,
      longest: 50,
      tasks: 0,
      unfinished: 3,
      outcomes: [],
    });
  });

  it('walk a space that grows as one that is wide from the start', () => {
    for (const options of [random(2), pct(2, 3, 30)]) {
      for (let index = 0; index < 20; index++) {
        const schedule = atOnce(sampleSchedule(growingSpace(6, 1), options, index))!;
        expect(schedule).toHaveLength(30);
        expect(atOnce(sampleSchedule(growingSpace(6, 5), options, index))!).toEqual(schedule);
        expect(replayChoices(growingSpace(6, 1), schedule).outcome).toBe(0);
      }
    }
  });
});

describe('probabilistic concurrency testing', () => {
  it('meets an outcome that needs d constraints at least as often as it promises, where chance alone does not', () => {
    // The second task sets a flag, with its first step and no later one, that the first must meet in its last step.
    const length = 12;
    const late: Space = {
      width: 3,
      tasks: 2,
      start: (into, at) => into.fill(0, at, at + 3),
      enabled: (state, at, tasks) => {
        let n = 0;
        for (const task of [0, 1]) if (state[at + task]! < length) tasks[n++] = task;
        return n;
      },
      step: (state, at, task, into, intoAt) => {
        for (let i = 0; i < 3; i++) into[intoAt + i] = state[at + i]!;
        into[intoAt + task]!++;
        if (task === 1 && state[at + 1] === 0 && state[at] === length - 1) into[intoAt + 2] = 1;
      },
      outcome: (state, at) => state[at + 2]!,
    };
    const samples = 20_000;
    const promised = pctGuarantee(2, 2 * length, 2);
    expect(promised).toBeCloseTo(1 / 48, 12);
    const met = countOf(sampleRange(late, pct(1, 2, 2 * length), 0, samples), 1);
    expect(wilsonInterval(met, samples)[1]).toBeGreaterThan(promised);
    expect(countOf(sampleRange(late, random(1), 0, samples), 1)).toBeLessThan(met / 20);
    // With depth 1 nobody ever falls behind: the outcome cannot be met.
    expect(countOf(sampleRange(late, pct(1, 1, 2 * length), 0, samples), 1)).toBe(0);
  });

  it('runs one task after the other at depth 1, each order of tasks equally likely', () => {
    const space = countsSpace({ free: 30, units: 3, claims: [false, false, false] });
    const orders = new Map<string, number>();
    for (let index = 0; index < 1200; index++) {
      const schedule = atOnce(sampleSchedule(space, pct(9, 1, 18), index))!;
      expect(switchesOf(schedule, -1)).toBe(2);
      const order = `${schedule[0]}${schedule[6]}${schedule[12]}`;
      orders.set(order, (orders.get(order) ?? 0) + 1);
    }
    expect(orders.size).toBe(6);
    for (const count of orders.values()) expect(Math.abs(count - 200)).toBeLessThan(80);
  });
});

describe('the streams of samples', () => {
  it('differ for each seed and index, and are the same again', () => {
    const seen = new Set<string>();
    const pairs = [0, 1, 2, 2 ** 31, 2 ** 32, 2 ** 32 + 1, 2 ** 53 - 1];
    for (const seed of [...pairs, -1, -2])
      for (const index of pairs) {
        const words = sampleStream(seed, index).getState().join(' ');
        expect(sampleStream(seed, index).getState().join(' ')).toBe(words);
        seen.add(words);
      }
    expect(seen.size).toBe(9 * 7);
  });

  it('draw each number equally often', () => {
    for (const n of [2, 3, 7, 50]) {
      const counts = new Array<number>(n).fill(0);
      // One number of each stream: neighbours do not depend on each other.
      for (let index = 0; index < 1000 * n; index++) counts[drawBelow(sampleStream(42, index), n)]!++;
      // The statistic has mean n - 1 and variance 2 (n - 1).
      const chi2 = counts.reduce((sum, count) => sum + (count - 1000) ** 2 / 1000, 0);
      expect(chi2).toBeLessThan(n - 1 + 6 * Math.sqrt(2 * (n - 1)));
    }
    expect(drawBelow(sampleStream(1, 1), 1)).toBe(0);
  });
});

describe("Wilson's interval", () => {
  it('is what tables say', () => {
    const rounded = (hits: number, samples: number): number[] =>
      wilsonInterval(hits, samples).map((bound) => Math.round(bound * 1e4) / 1e4);
    expect(rounded(0, 0)).toEqual([0, 1]);
    expect(rounded(0, 1000)).toEqual([0, 0.0038]);
    expect(rounded(1000, 1000)).toEqual([0.9962, 1]);
    expect(rounded(5, 10)).toEqual([0.2366, 0.7634]);
    expect(rounded(81, 263)).toEqual([0.2553, 0.3662]);
  });
});

describe('a schedule that is replayed', () => {
  const space = countsSpace({ free: 3, units: 2, claims: [false, false] });

  it('says at which choice it stopped fitting, and why', () => {
    const whole = [0, 0, 0, 0, 1, 1, 1, 1];
    expect(replayChoices(space, whole)).toMatchObject({ outcome: 3, misfit: null });
    const misfit = (choices: number[]) => replayChoices(space, choices).misfit;
    expect(misfit([...whole, 1])).toEqual({ why: 'too long', at: 8, task: 1 });
    expect(misfit(whole.slice(0, 7))).toEqual({ why: 'too short', at: 7, enabled: [1] });
    expect(misfit([0, 0, 0, 0, 0, 1])).toEqual({ why: 'not enabled', at: 4, task: 0, enabled: [1] });
    expect(misfit([7])).toEqual({ why: 'not enabled', at: 0, task: 7, enabled: [0, 1] });
  });
});

describe('a schedule found by chance', () => {
  const shortened = (space: Space, options: WalkOptions, index: number) => {
    const schedule = atOnce(sampleSchedule(space, options, index))!;
    const { outcome } = replayChoices(space, schedule);
    const short = atOnce(
      shortenSchedule(space, schedule, { wanted: (o) => o === outcome, attempts: 10_000, maxSteps: 10_000 }),
    );
    expect(replayChoices(space, short.choices).outcome).toBe(outcome);
    expect(switchesOf(short.choices, -1)).toBeLessThanOrEqual(switchesOf(schedule, -1));
    return { outcome: outcome!, ...short };
  };

  it('gets as few switches as the smallest has, or nearly, for all small races', () => {
    let more = 0;
    let all = 0;
    for (const [, space] of smallRaces()) {
      const { smallest } = walkAllOrders(space);
      for (let index = 0; index < 3; index++) {
        const { outcome, choices } = shortened(space, random(1), index);
        all += switchesOf(smallest.get(outcome)!, -1);
        more += switchesOf(choices, -1) - switchesOf(smallest.get(outcome)!, -1);
      }
    }
    expect(more).toBeGreaterThanOrEqual(0);
    expect(more).toBeLessThan(all / 20);
  });

  it('still ends as it did, for made-up programs', () => {
    fc.assert(
      fc.property(programs(5), fc.nat(1000), (tasks, index) => {
        shortened(programSpace(tasks), random(1), index);
      }),
    );
  });

  it('becomes readable: a hundred switches become three', () => {
    const space = countsSpace({ free: 90, units: 60, claims: [false, false] });
    const options = random(7);
    const none = sampleRange(space, options, 0, 100).outcomes.find(({ outcome }) => outcome === 4)!;
    expect(switchesOf(atOnce(sampleSchedule(space, options, none.first))!, -1)).toBeGreaterThan(60);
    expect(switchesOf(shortened(space, options, none.first).choices, -1)).toBe(3);
  });

  it('is left as it is where no attempt is allowed', () => {
    const space = countsSpace({ free: 9, units: 6, claims: [false, false] });
    const schedule = atOnce(sampleSchedule(space, random(1), 1))!;
    const how = { wanted: () => true, attempts: 0, maxSteps: 1000 };
    expect(atOnce(shortenSchedule(space, schedule, how))).toEqual({ choices: schedule, tried: 0 });
  });
});
