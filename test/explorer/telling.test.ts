/** What is told of an exploration that is over: in slices as in one go, and of what nobody waits for as much as is known. */
import { describe, expect, it } from 'vitest';
import { exploreText } from '../../src/cli/explore-report.ts';
import { paint } from '../../src/cli/paint.ts';
import { countsSpace } from '../../src/explorer/counts-space.ts';
import { continueExploring, endSampling, stopExploring } from '../../src/explorer/explore.ts';
import { cannotConfirm } from '../../src/explorer/explore-confirm.ts';
import type { ExploreHow } from '../../src/explorer/explore-how.ts';
import type { Exploration } from '../../src/explorer/explore-record.ts';
import { tellExploration } from '../../src/explorer/explore-result.ts';
import { spreadOf, spreadOver } from '../../src/explorer/explore-sample.ts';
import { tellOrder } from '../../src/explorer/explore-story.ts';
import { type Exploring, verdictOf } from '../../src/explorer/exploring.ts';
import { replayChoices } from '../../src/explorer/schedule-replay.ts';
import { shortenSchedule } from '../../src/explorer/schedule-shorten.ts';
import { selfCheck } from '../../src/explorer/self-check.ts';
import { atOnce, continueSliced, endSliced, type Sliced, underway } from '../../src/explorer/sliced.ts';
import { grainOf } from '../../src/explorer/turn-order.ts';
import { sampleSchedule, type WalkOptions } from '../../src/explorer/walks.ts';
import { report } from '../cli/explore-fixture.ts';
import { explorationOf, exploring, smallRace, subjectOf } from './explore-fixture.ts';
import { switchesOf } from './slow-walk.ts';

const SOME = { strategy: 'random', samples: { from: 0, to: 20 } } as const;

const over = (how: Partial<ExploreHow>): Exploring => {
  const e = exploring(subjectOf(smallRace()), how);
  while (!continueExploring(e, 1000));
  return e;
};

/** What is known after so many slices of a step each, and how many there were. */
function cutAfter<T>(work: Sliced<T>, slices: number): { readonly result: T; readonly made: number } {
  const way = underway(work);
  let made = 0;
  while (made < slices && !continueSliced(way, 1)) made++;
  return { result: endSliced(way), made };
}

/** Numbers below `most`, a dozen or so, the last of them always. */
const spread = (most: number): number[] =>
  Array.from({ length: most }, (_, n) => n).filter((n) => (most - 1 - n) % Math.ceil(most / 12) === 0);

/** Where orders are left out, looking for one that was met makes steps, too. */
const facts = ({ walk, ...rest }: Exploration) => ({ ...rest, walk: { ...walk, transitions: 0 } });

/** Null: its order ends on a host as it says. */
const unfit = ({ subject, how, fits }: Exploring, { counterexample }: Exploration): string | null =>
  counterexample === null
    ? null
    : atOnce(
        cannotConfirm(subject, how, { ...counterexample, replays_as: null }, { ownership: 'exact', fits }),
      );

describe.each<[string, Partial<ExploreHow>]>([
  ['samples', SOME],
  ['a walk of all orders', {}],
  ['a walk with orders left out', { reduction: true }],
  ['a walk that was stopped', { maxStates: 200 }],
])('the record of %s', (_of, how) => {
  it('is the same in slices, and leaves out what nobody waits for', () => {
    const e = over(how);
    const whole = explorationOf(e);
    expect(whole).toMatchObject({ exit: 1, not_confirmed: null });
    expect(unfit(e, whole)).toBeNull();
    const { result, made } = cutAfter(tellExploration(e), Number.POSITIVE_INFINITY);
    expect(facts(result)).toEqual(facts(whole));
    expect(made).toBeGreaterThan(5);
    const seen = new Set<string>();
    for (const slices of spread(made)) {
      const cut = cutAfter(tellExploration(e), slices).result;
      const { counterexample: found } = cut;
      seen.add(found === null ? 'none' : found.replays_as === null ? 'not played' : 'played');
      if (cut.not_confirmed === null) expect(cut).toMatchObject({ verdict: whole.verdict, exit: 1 });
      else expect(cut).toMatchObject({ verdict: 'undecided', exit: 4, walk: { ownership: 'class' } });
      expect([null, whole.counterexample!.replays_as]).toContain(found?.replays_as ?? null);
      expect(unfit(e, cut)).toBeNull();
      expect(cut.clock).toBeNull();
      const { walk, outcomes } = facts(whole);
      expect(facts(cut)).toMatchObject({ walk, outcomes });
    }
    expect(seen).toContain('not played');
    expect(seen).toContain('played');
  });
});

describe('what is said of an order', () => {
  const textOf = (result: Exploration): string => exploreText(report([result]), result, null, paint(false));

  it('that could not be taken again, or not played, in time', () => {
    const e = over(SOME);
    const none = { ...explorationOf(e), counterexample: null };
    expect(textOf(none)).toContain('there was no time to find an order that ends so: a larger --time-budget');
    const later = cutAfter(tellExploration(e), 10).result;
    expect(later.counterexample).toMatchObject({ replays_as: null, story: [], moments: [] });
    expect(textOf(later)).toContain('there was no time to play it on the clock');
    expect(textOf(explorationOf(e))).not.toContain('no time');
  });

  it('that is too long to be told: its choices and its end', () => {
    const e = over(SOME);
    const whole = explorationOf(e);
    const { choices, verdict, ...rest } = whole.counterexample!;
    const told = (most?: number) =>
      atOnce(tellOrder(e.subject, { grain: grainOf(e.how.grain), choices }, verdict, e.fits, most));
    expect(told()).toEqual(whole.counterexample);
    const cut = told(10);
    expect(cut).toEqual({ verdict, choices, ...rest, story: [], moments: [] });
    expect(textOf({ ...whole, counterexample: cut })).toContain('more happens in it than can be told');
  });
});

describe('samples drawn elsewhere', () => {
  const HOW_PCT = { strategy: 'pct', samples: { from: 0, to: 40 } } as const;
  /** Whoever tells of them has drawn none, and knows no more than `spread`. */
  const told = ({ sampling }: Exploring, spread: number | null): Exploration => {
    const e = exploring(subjectOf(smallRace()), HOW_PCT);
    spreadOver(e.sampling!, spread);
    endSampling(e, sampling!.tally, 40, null);
    while (!continueExploring(e, 1000));
    return explorationOf(e);
  };

  it('are told as by who drew them, and without an order where nobody knows what they were spread over', () => {
    const e = over(HOW_PCT);
    const whole = explorationOf(e);
    expect(whole.walk.guarantee).not.toBeNull();
    expect(told(e, spreadOf(e.sampling!))).toEqual(whole);
    const less = told(e, null);
    expect(less).toMatchObject({ verdict: whole.verdict, outcomes: whole.outcomes, counterexample: null });
    expect(less.walk).toMatchObject({ samples: 40, guarantee: null, pct_steps: null });
  });
});

describe('shortening', () => {
  const random: WalkOptions = { strategy: { kind: 'random' }, seed: 7, maxSteps: 10_000 };

  it('comes to something smaller the longer it goes on, and always to what ends as is wanted', () => {
    const space = countsSpace({ free: 90, units: 60, claims: [false, false] });
    const choices = atOnce(sampleSchedule(space, random, 3))!;
    const { outcome } = replayChoices(space, choices);
    const shorten = (onSmaller = (_choices: readonly number[]): void => {}) =>
      shortenSchedule(space, choices, {
        wanted: (o) => o === outcome,
        attempts: 50,
        maxSteps: 1000,
        onSmaller,
      });
    const { result, made } = cutAfter(shorten(), Number.POSITIVE_INFINITY);
    expect(result.tried).toBeGreaterThan(3);
    let before = switchesOf(choices, -1);
    expect(switchesOf(result.choices, -1)).toBeLessThan(before);
    for (const slices of spread(made)) {
      let last: readonly number[] = choices;
      const cut = cutAfter(
        shorten((smaller) => {
          last = smaller;
        }),
        slices,
      );
      expect(cut.made).toBe(slices);
      expect(cut.result.choices).toEqual(last);
      expect(replayChoices(space, last).outcome).toBe(outcome);
      const now = switchesOf(last, -1);
      expect(now).toBeLessThanOrEqual(before);
      before = now;
    }
  });
});

describe('whether a builder would have fitted alone', () => {
  it('is known before a smaller order is looked for, which may lead to where that is asked', () => {
    const e = exploring(subjectOf(smallRace()));
    while (verdictOf(e) === 'undecided') continueExploring(e, 20);
    expect([verdictOf(e), e.phase, e.alone.trial]).toEqual(['late failure', 'walk', null]);
    stopExploring(e, 'states');
    expect(e.phase).toBe('alone');
    while (e.phase === 'alone') continueExploring(e, 20);
    expect([e.phase, e.alone.starts]).toEqual(['find', true]);
  });

  it('takes nothing from a failure that does not depend on it where it is given up', () => {
    const e = exploring(subjectOf(smallRace()));
    while (verdictOf(e) === 'undecided') continueExploring(e, 20);
    stopExploring(e, 'interrupted');
    stopExploring(e, 'interrupted');
    while (!continueExploring(e, 1000));
    expect(explorationOf(e)).toMatchObject({ verdict: 'late failure', exit: 1 });
  });
});

describe('a self-check', () => {
  it('that nobody waits for ends', () => {
    const e = over(SOME);
    const check = (slices: number): number =>
      cutAfter(selfCheck(e.subject, e.how, 'class', null), slices).made;
    const all = check(Number.POSITIVE_INFINITY);
    expect(all).toBeGreaterThan(1000);
    expect(check(100)).toBe(100);
  });
});
