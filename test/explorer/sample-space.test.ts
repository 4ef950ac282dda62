/** Samples drawn on remembered steps are those of a host that makes every step, whatever was drawn before them. */
import { describe, expect, it } from 'vitest';
import { type FootprintOf, footprintOf } from '../../src/explorer/footprint.ts';
import { newForwardSpace } from '../../src/explorer/forward-space.ts';
import { inPathOrder } from '../../src/explorer/path-order.ts';
import { REMEDIES } from '../../src/explorer/remedy-table.ts';
import { newSampleSpace } from '../../src/explorer/sample-space.ts';
import type { SampleWalkHow } from '../../src/explorer/sample-step.ts';
import { atOnce } from '../../src/explorer/sliced.ts';
import { sampleRange, sampleSchedule, type WalkStrategy } from '../../src/explorer/walks.ts';
import type { WorldSpace, WorldSpaceHow } from '../../src/explorer/world-space.ts';
import { blockOf } from './space-fixture.ts';

const EXACT = { grain: 'hypercall', ownership: 'exact' } as const;

const slowOf = (text: string, how: Partial<WorldSpaceHow> = {}): WorldSpace =>
  newForwardSpace(blockOf(text), { ...EXACT, ...how });
/** Everything is remembered at once. */
const fastOf = (text: string, how: Partial<WorldSpaceHow & SampleWalkHow> = {}): WorldSpace =>
  newSampleSpace(blockOf(text), { ...EXACT, rare: 0, ...how });

const RANDOM: WalkStrategy = { kind: 'random' };
const MAX_STEPS = 3000;

/** Samples one by one: who went on, by path, and how it ended. */
function samplesOf(space: WorldSpace, from: number, to: number, strategy = RANDOM): object[] {
  const ordered = inPathOrder(space);
  const options = { strategy, seed: 7, maxSteps: MAX_STEPS };
  return Array.from({ length: to - from }, (_, i) => {
    const way = atOnce(sampleSchedule(ordered, options, from + i))!.map(
      (task) => `${space.taskPath(task)} ${space.taskName(task)}`,
    );
    const { outcomes, ...tally } = sampleRange(ordered, options, from + i, from + i + 1);
    return { way, tally, ends: outcomes.map(({ outcome }) => space.endOf(outcome)) };
  });
}

const race = (type: string, claimMode: number, more = ''): string => `
host: { memory: 256M, dom0: 160M, bootscrub: "off" }
xlconf: { claim_mode: ${claimMode}, autoballoon: "off" }
guests:
  a: { type: ${type}, memory: 30 }
  b: { type: ${type}, memory: 26 }
steps:
  - parallel: [xl create a, xl create b${more}]
`;

const SCENARIOS: Readonly<Record<string, string>> = {
  'two PVH guests, no claims': race('pvh', 0),
  'two PVH guests, claims': race('pvh', 1),
  'two HVM guests': race('hvm', 0),
  'two PV guests, whose builders are told frames': race('pv', 1),
  'xl locks, and a list beside them': race('pvh', 0, ', xl list').replace(
    '"off" }\nguests',
    '"on" }\nguests',
  ),
  'a guest that is destroyed as another is built': `
host: { memory: 256M, dom0: 160M, bootscrub: "off" }
guests: { vm: { type: pvh, memory: 20 }, other: { type: pv, memory: 24, maxmem: 40 } }
xlconf: { autoballoon: "off" }
steps:
  - xl create other
  - parallel:
      - xl create vm
      - xl destroy vm
      - { guest: other balloon-to 10M }
      - { at: 500ms, run: xl list }
`,
  'bare hypercalls': `
host: { memory: 256M, dom0: 160M, bootscrub: "off" }
steps:
  - { hypercall: XEN_DOMCTL_createdomain, args: { name: a, type: pv } }
  - { hypercall: XEN_DOMCTL_max_mem, args: { domid: a, max_memkb: 1048576 } }
  - parallel:
      - { repeat: 2, steps: [{ hypercall: XENMEM_populate_physmap, args: { domid: a, nr_extents: 9000 } }] }
      - { hypercall: XENMEM_claim_pages, args: { domid: a, nr_extents: 9000 } }
      - { at: 1ms, hypercall: XEN_DOMCTL_destroydomain, args: { domid: a } }
`,
};

describe('a sample on remembered steps', () => {
  it.each(Object.entries(SCENARIOS))('is what a host that makes every step gives: %s', (_name, text) => {
    const slow = samplesOf(slowOf(text), 0, 12);
    expect(samplesOf(fastOf(text), 0, 12)).toEqual(slow);
    const pct: WalkStrategy = { kind: 'pct', depth: 3, steps: 100 };
    expect(samplesOf(fastOf(text), 0, 6, pct)).toEqual(samplesOf(slowOf(text), 0, 6, pct));
  });

  it.each(Object.entries(SCENARIOS))('has every step that is looked up made as well: %s', (_name, text) => {
    const checked = fastOf(text, { isChecked: true });
    expect(samplesOf(checked, 0, 8)).toEqual(samplesOf(slowOf(text), 0, 8));
  });

  it.each(REMEDIES.filter(({ intercept }) => intercept !== undefined))(
    'is the same where somebody comes between: $name',
    ({ intercept }) => {
      for (const text of [race('pvh', 0), race('pvh', 1)]) {
        const slow = samplesOf(slowOf(text, { intercept: intercept! }), 0, 8);
        expect(samplesOf(fastOf(text, { intercept: intercept!, isChecked: true }), 0, 8)).toEqual(slow);
      }
    },
  );

  it('is the same at a grain of extents, where nothing is looked up', () => {
    const grain = { extents: 64 };
    const fast = fastOf(race('pvh', 0), { grain });
    expect(samplesOf(fast, 0, 4)).toEqual(samplesOf(slowOf(race('pvh', 0), { grain }), 0, 4));
  });

  it('does not depend on which were drawn before it', () => {
    const text = race('pvh', 0);
    const forwards = samplesOf(fastOf(text), 0, 10);
    const space = fastOf(text);
    const backwards = Array.from({ length: 10 }, (_, i) => samplesOf(space, 9 - i, 10 - i)[0]!);
    expect(backwards.toReversed()).toEqual(forwards);
    expect(samplesOf(fastOf(text), 5, 6)).toEqual([forwards[5]]);
  });

  it('does not depend on what was forgotten for the sake of memory', () => {
    const text = race('pvh', 0);
    const forgetful = fastOf(text, { mostNames: 300 });
    const mindful = fastOf(text);
    expect(samplesOf(forgetful, 0, 12)).toEqual(samplesOf(mindful, 0, 12));
    expect(forgetful.made).toBeGreaterThan(1.5 * mindful.made);
  });

  it('does not depend on how often a form has to be met to be remembered', () => {
    for (const text of [race('pvh', 0), race('pv', 1)]) {
      const slow = samplesOf(slowOf(text), 0, 14);
      for (const rare of [1, 4, 9]) expect(samplesOf(fastOf(text, { rare }), 0, 14)).toEqual(slow);
    }
  });

  it('does not depend on whether looking for steps was given up on the way', () => {
    const text = SCENARIOS['a guest that is destroyed as another is built']!;
    const slow = samplesOf(slowOf(text), 0, 10);
    for (const mostVain of [0, 10, 40, 60])
      expect(samplesOf(fastOf(text, { mostVain }), 0, 10)).toEqual(slow);
  });

  it('is looked up for the most part', () => {
    const space = fastOf(race('pvh', 0));
    const { steps } = sampleRange(
      inPathOrder(space),
      { strategy: RANDOM, seed: 1, maxSteps: MAX_STEPS },
      0,
      200,
    );
    expect(space.made).toBeLessThan(0.3 * steps);
  });

  it('is found out if a step reads more than it is said to: by the check, and by another end', () => {
    const text = race('pvh', 0, ', xl domid a');
    const footprint: FootprintOf = (request, caller, now) =>
      request.kind === 'xs' ? { cells: [], domids: [] } : footprintOf(request, caller, now);
    expect(() => samplesOf(fastOf(text, { isChecked: true, footprint }), 0, 40)).toThrow(/looked up/);
    const real = samplesOf(slowOf(text), 0, 40);
    expect(samplesOf(fastOf(text, { footprint }), 0, 40)).not.toEqual(real);
    expect(samplesOf(fastOf(text), 0, 40)).toEqual(real);
  });
});
