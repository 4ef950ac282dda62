/** Explorations of real hosts: every verdict has a scenario that ends in it, and what is found can be shown again. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { continueExploring, stopExploring } from '../../src/explorer/explore.ts';
import { finishExploring } from '../../src/explorer/explore-found.ts';
import type { ExploreHow } from '../../src/explorer/explore-how.ts';
import { atOnce } from '../../src/explorer/sliced.ts';
import {
  explorationOf,
  explored,
  exploring,
  givesBack,
  populates,
  smallRace,
  subjectOf,
} from './explore-fixture.ts';

const host = 'host: { memory: 256M, dom0: 64M }';
const guest = 'guests: { a: { type: pv, memory: 100, vcpus: 1, on_poweroff: preserve } }';
/** A guest beside somebody who takes 90 MiB in one go: both do not fit. A claim protects the guest, not the other. */
const beside = (claimMode: number): string => `
${host}
xlconf: { claim_mode: ${claimMode}, autoballoon: "off" }
${guest}
steps:
  - { hypercall: XEN_DOMCTL_createdomain, args: { name: d1, type: pv } }
  - { hypercall: XEN_DOMCTL_max_mem, args: { domid: d1, max_memkb: 131072 } }
  - name: both
    parallel:
      - xl create a
      - { hypercall: XENMEM_populate_physmap, args: { domid: d1, nr_extents: 45, extent_order: 9 } }
`;

describe('every verdict has a scenario that ends in it', () => {
  const random: Partial<ExploreHow> = { strategy: 'random' };
  const cases: readonly [string, string, Partial<ExploreHow>][] = [
    ['safe', populates(12), {}],
    ['early refusal', populates(3, 3, 1), {}],
    ['late failure', populates(11), {}],
    ['early refusal', smallRace('claim_mode: 1, autoballoon: "off"'), {}],
    ['late failure', beside(1), {}],
    ['late failure', beside(0), {}],
    [
      'none started',
      readFileSync('scenarios/race-2012.xlsim.yaml', 'utf8'),
      { ...random, samples: { from: 0, to: 30 } },
    ],
    [
      // A restore builds a guest, too, and claims nothing.
      'none started',
      `${host}
xlconf: { claim_mode: 1, autoballoon: "off" }
${guest}
steps:
  - xl create a
  - xl save a one
  - xl create a 'name="b"'
  - xl save b two
  - parallel: [xl rest one, xl restore two]
`,
      { grain: 'extents:4096', ...random },
    ],
    ['stuck', `${host}\n${guest}\nsteps: [{ parallel: [xl create -F a, xl list] }]`, {}],
    [
      'invariant broken',
      `host: { memory: 256M, dom0: 64M, xen: "4.21" }
guests: { victim: { type: pv, memory: 16 } }
steps:
  - run: xl create victim
  - parallel:
      - xl destroy victim
      - { hypercall: XENMEM_claim_pages, args: { domid: 1, nr_extents: 17M } }
`,
      { grain: 'extents:1' },
    ],
    ['undecided', smallRace('claim_mode: 1, autoballoon: "off"'), random],
  ];
  it.each(cases)('%s', (verdict, text, how) => {
    const found = explored(subjectOf(text), { ownership: 'auto', ...how });
    expect(found.verdict).toBe(verdict);
    if (found.counterexample === null) return;
    expect(found.exit).toBe(1);
    expect(found.counterexample.replays_as).toBe(verdict);
    expect(found.counterexample.story.length).toBeGreaterThan(0);
    expect(found.counterexample.story.length).toBeLessThan(20);
  });
});

describe('an early refusal', () => {
  it('fulfils, unless it is forbidden: then the smallest order that ends so is shown', () => {
    const subject = subjectOf(populates(3, 3, 1));
    expect(explored(subject)).toMatchObject({ exit: 0, counterexample: null });
    const forbidden = explored(subject, { forbidRefusal: true });
    expect(forbidden).toMatchObject({ verdict: 'early refusal', exit: 1 });
    expect(forbidden.counterexample).toMatchObject({ switches: 1, steps: 2 });
  });
});

describe('ends and shares', () => {
  it('are those of all orders', () => {
    // A and B take 3 pages each, twice; of 11 whoever comes last goes short. Of the 6 orders in half it is A.
    const { outcomes, walk } = explored(subjectOf(populates(11)));
    expect(outcomes.map(({ lanes, share }) => [lanes.map(({ ends }) => ends[0]!.kind), share])).toEqual([
      [['done', 'short'], 0.5],
      [['short', 'done'], 0.5],
    ]);
    expect(walk).toMatchObject({ finished: true, depth: 4 });
  });

  it('do not depend on how the space is walked', () => {
    const subject = subjectOf(populates(11));
    const [dfs, bfs] = (['dfs', 'bfs'] as const).map((order) =>
      explored(subject, { order, forbidRefusal: true }),
    );
    expect({ ...dfs, walk: { ...dfs!.walk, order: null } }).toEqual({
      ...bfs,
      walk: { ...bfs!.walk, order: null },
    });
  });

  it('are told by name and reason where orders that end alike are left out, without shares', () => {
    const subject = subjectOf(populates(11));
    const [all, reduced] = [explored(subject), explored(subject, { reduction: true })];
    expect(reduced.verdict).toBe(all.verdict);
    expect(reduced.outcomes.map(({ lanes }) => lanes)).toEqual(
      expect.arrayContaining(all.outcomes.map(({ lanes }) => lanes)),
    );
    expect(reduced.outcomes.every(({ share }) => share === null)).toBe(true);
  });
});

describe('ownership that is left open', () => {
  const subject = subjectOf(givesBack());
  const open = { ownership: 'auto' } as const;

  it('is exact where memory came back, whatever the order of the search', () => {
    const exact = explored(subject, { ownership: 'exact' });
    for (const how of [{}, { order: 'bfs' }, { forbidRefusal: true }] as const) {
      const { walk, outcomes } = explored(subject, { ...open, ...how });
      expect({ ...walk, order: 'dfs' }).toEqual(exact.walk);
      expect(outcomes).toEqual(exact.outcomes);
    }
    expect(explored(subject, { ...open, reduction: true }).walk.ownership).toBe('exact');
    // By class nobody fails, which proves nothing.
    const byClass = explored(subject, { ownership: 'class' });
    expect(byClass).toMatchObject({ verdict: 'undecided', exit: 4, walk: { finished: true } });
    expect(byClass.outcomes.map((row) => row.verdict)).toEqual(['safe']);
    expect(exact.verdict).toBe('early refusal');
  });

  it('is by class where nothing comes back', () => {
    const { walk } = explored(subjectOf(populates(11)), open);
    expect(walk).toMatchObject({ ownership: 'class', abstract: false, ownership_matters: false });
    expect(walk).toEqual(explored(subjectOf(populates(11)), { ownership: 'class' }).walk);
  });

  it('is by class where exact states are too many, and says so', () => {
    const few = explored(subject, { ...open, maxStates: 30 });
    const { walk, ...rest } = explored(subject, { ownership: 'class' });
    expect(few).toEqual({ ...rest, walk: { ...walk, exactly: { states: 30, stopped: 'states' } } });
    const fewer = explored(subject, { ...open, maxStates: 5 });
    expect(fewer).toMatchObject({ verdict: 'undecided', walk: { states: 5, stopped: 'states' } });
    const reduced = explored(subject, { ...open, maxStates: 12, reduction: true });
    expect(reduced.walk).toMatchObject({ exactly: { states: 12, stopped: 'states' }, ownership: 'class' });
  });

  it('tells what it has met frame by frame when it is interrupted', () => {
    const e = exploring(subject, open);
    while (e.walking.space.how.ownership === 'class') continueExploring(e, 5);
    continueExploring(e, 5);
    stopExploring(e, 'interrupted');
    expect(atOnce(finishExploring(e)).walk).toMatchObject({
      ownership: 'exact',
      stopped: 'interrupted',
      exactly: null,
    });
  });
});

describe('samples', () => {
  it('are the same from the same seed, and others from another', () => {
    const subject = subjectOf(populates(11, 1, 6));
    const drawn = (seed: number) =>
      explored(subject, { strategy: 'random', seed, samples: { from: 0, to: 40 } });
    expect(drawn(1)).toEqual(drawn(1));
    expect(drawn(1).outcomes).not.toEqual(drawn(2).outcomes);
  });

  it('prove nothing: where none fails the verdict is open, with an interval that ends above 0', () => {
    const found = explored(subjectOf(populates(12)), { strategy: 'pct' });
    expect(found).toMatchObject({ verdict: 'undecided', exit: 4 });
    expect(found.outcomes[0]!.interval![0]).toBeLessThan(1);
    expect(found.walk.guarantee).toContain('1 / (');
  });

  it('promise nothing where none was drawn', () => {
    const { walk } = explored(subjectOf(populates(12)), { strategy: 'pct', samples: { from: 0, to: 0 } });
    expect(walk).toMatchObject({ samples: 0, pct_tasks: 0, guarantee: null });
    expect(walk.pct_steps).toBeGreaterThan(0);
  });
});

describe('a walk that is stopped', () => {
  it('is undecided, and says how far it got', () => {
    const e = exploring(subjectOf(populates(12, 1, 6)));
    continueExploring(e, 10);
    stopExploring(e, 'states');
    expect(atOnce(finishExploring(e))).toMatchObject({
      verdict: 'undecided',
      walk: { finished: false, stopped: 'states' },
      worst: null,
    });
  });

  it('goes on with samples where the strategy is left open', () => {
    const e = exploring(subjectOf(populates(12, 1, 6)), { strategy: 'auto' });
    continueExploring(e, 10);
    stopExploring(e, 'states');
    while (!continueExploring(e, 1000));
    expect(atOnce(finishExploring(e)).walk).toMatchObject({
      strategy: 'random',
      finished: true,
      samples: 10,
    });
  });

  it('has a verdict if it has seen a failure, and an order that ends so', () => {
    const e = exploring(subjectOf(smallRace()));
    // Depth first the first end is soon met.
    continueExploring(e, 500);
    while (e.phase !== 'over') stopExploring(e, 'time');
    const found = explorationOf(e);
    expect(found).toMatchObject({ verdict: 'late failure', exit: 1, walk: { finished: false } });
    expect(found.counterexample).toMatchObject({ replays_as: 'late failure' });
  });
});
