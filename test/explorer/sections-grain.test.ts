/** Others come between the sections of a hypercall: every order of them, against a slow space and against coarser grains. */
import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { footprintOf } from '../../src/explorer/footprint.ts';
import { REMEDIES } from '../../src/explorer/remedy-table.ts';
import { playOnce } from '../../src/explorer/replay.ts';
import { parseScenario } from '../../src/explorer/scenario-file.ts';
import { pinScenario } from '../../src/explorer/scenario-pin.ts';
import type { WorldSpace, WorldSpaceHow } from '../../src/explorer/world-space.ts';
import { explored, subjectOf } from './explore-fixture.ts';
import { newSlowSpace } from './slow-space.ts';
import { blockOf, kindsOf, spaceOf, twoBuilders } from './space-fixture.ts';
import { walkAll } from './walk-all.ts';

const SECTIONS = { grain: 'sections' } as const;

const domains = (xen: string, scrub = 'off'): string => `
host: { memory: 256M, dom0: 160M, bootscrub: "${scrub}", xen: "${xen}" }
steps:
  - { hypercall: XEN_DOMCTL_createdomain, args: { name: a, type: pv } }
  - { hypercall: XEN_DOMCTL_createdomain, args: { name: b, type: pvh } }
  - { hypercall: XEN_DOMCTL_max_mem, args: { domid: a, max_memkb: 1048576 } }
  - { hypercall: XEN_DOMCTL_max_mem, args: { domid: b, max_memkb: 1048576 } }
  - { hypercall: XENMEM_populate_physmap, args: { domid: a, nr_extents: 300 } }
`;

/** A guest that takes back what it gave, while somebody stops it. */
const balloon = (deed: string): string => `
host: { memory: 256M, dom0: 160M, bootscrub: "off" }
guests: { vm: { type: pv, memory: 24, maxmem: 40 } }
xlconf: { autoballoon: "off" }
steps:
  - xl create vm
  - { guest: vm balloon-to 16372K }
  - parallel:
      - ${deed}
      - { guest: vm balloon-to 16384K }
`;

const MODELS: Readonly<Record<string, string>> = {
  'two builders of single pages': twoBuilders(2),
  'claims before 4.22': `${domains('4.21')}
  - { hypercall: XENMEM_claim_pages, args: { domid: a, nr_extents: 2348 } }
  - parallel:
      - { hypercall: XENMEM_populate_physmap, args: { domid: a, nr_extents: 3, extent_order: 9, extent_start: 1024 } }
      - { hypercall: XENMEM_claim_pages, args: { domid: b, nr_extents: 9000 } }
      - { hypercall: XENMEM_decrease_reservation, args: { domid: a, nr_extents: 2, extent_start: 0 } }
`,
  'a destruction under a builder of a PVH guest': `${domains('4.22', 'idle')}
  - { hypercall: XENMEM_populate_physmap, args: { domid: b, nr_extents: 700 } }
  - parallel:
      - { hypercall: XENMEM_claim_pages, args: { domid: a, nr_extents: 9000 } }
      - { hypercall: XENMEM_populate_physmap, args: { domid: b, nr_extents: 2, extent_order: 9, extent_start: 1024 } }
      - { hypercall: XEN_DOMCTL_destroydomain, args: { domid: b } }
`,
  'a destruction under two builders of a PV guest': `${domains('4.22')}
  - parallel:
      - { hypercall: XENMEM_populate_physmap, args: { domid: a, nr_extents: 1, extent_order: 9, extent_start: 1024 } }
      - { hypercall: XENMEM_populate_physmap, args: { domid: a, nr_extents: 1, extent_order: 0, extent_start: 2048 } }
      - { hypercall: XEN_DOMCTL_destroydomain, args: { domid: a } }
`,
  'a balloon driver whose domain is paused': balloon('xl pause vm'),
  'a balloon driver whose domain is destroyed': balloon(
    '{ hypercall: XEN_DOMCTL_destroydomain, args: { domid: vm } }',
  ),
};

const domid = fc.constantFrom('a', 'b');
const reservation = (name: string, at: number) =>
  fc
    .tuple(domid, fc.integer({ min: 1, max: 2 }), fc.constantFrom(0, 1, 9))
    .map(
      ([d, n, o]) =>
        `{ hypercall: ${name}, args: { domid: ${d}, nr_extents: ${n}, extent_order: ${o}, extent_start: ${at} } }`,
    );
const call = fc.oneof(
  { weight: 4, arbitrary: reservation('XENMEM_populate_physmap', 1024) },
  { weight: 1, arbitrary: reservation('XENMEM_decrease_reservation', 0) },
  {
    weight: 1,
    arbitrary: domid.map((d) => `{ hypercall: XENMEM_claim_pages, args: { domid: ${d}, nr_extents: 900 } }`),
  },
  {
    weight: 1,
    arbitrary: domid.map((d) => `{ hypercall: XEN_DOMCTL_destroydomain, args: { domid: ${d} } }`),
  },
);
/** Hypercalls one after the other. */
const lane = fc
  .array(call, { minLength: 1, maxLength: 2 })
  .map((calls) => `      - repeat: 1\n        steps: [${calls.join(', ')}]\n`);

/** Kinds of ends, and how many states end so. */
function endsOf(space: WorldSpace): object {
  const { states, transitions, ends } = walkAll(space);
  const named = [...ends].map(([outcome, n]) => `${n} × ${JSON.stringify(space.endOf(outcome))}`);
  return { states, transitions, ends: named.sort() };
}

const kinds = (text: string, how: Partial<WorldSpaceHow>): string[] => {
  const space = spaceOf(text, how);
  return kindsOf(space, walkAll(space));
};

describe('a section that is looked up', () => {
  it.each(Object.entries(MODELS))('leads where the real one leads: %s', (_name, text) => {
    for (const ownership of ['class', 'exact'] as const) {
      const how = { ...SECTIONS, ownership };
      const slow = endsOf(newSlowSpace(blockOf(text), how));
      expect(endsOf(spaceOf(text, how))).toEqual(slow);
      expect(endsOf(spaceOf(text, { ...how, isChecked: true }))).toEqual(slow);
    }
  });

  it('leads where the real one leads, whatever is called side by side', () => {
    fc.assert(
      fc.property(fc.tuple(lane, lane), fc.constantFrom('class', 'exact'), (lanes, ownership) => {
        const text = `${domains('4.22', 'idle')}  - parallel:\n${lanes.join('')}`;
        const how = { ...SECTIONS, ownership } as const;
        const checked = spaceOf(text, { ...how, isChecked: true });
        const fast = endsOf(checked);
        // A state that stands for several hosts is walked on from the first that was met.
        if (!checked.isAbstract) expect(fast).toEqual(endsOf(newSlowSpace(blockOf(text), how)));
      }),
      { numRuns: 6 },
    );
  });

  it.each(Object.entries(MODELS))('is as telling by class as exactly: %s', (_name, text) => {
    expect(kinds(text, SECTIONS)).toEqual(kinds(text, { ...SECTIONS, ownership: 'exact' }));
  });

  it.each(REMEDIES.filter(({ intercept }) => intercept !== undefined))(
    'leads where the real one leads where somebody comes between: $name',
    ({ intercept }) => {
      const claims = (domid: string): string => `
      - repeat: 1
        steps:
          - { hypercall: XENMEM_claim_pages, args: { domid: ${domid}, nr_extents: 1500 } }
          - { hypercall: XENMEM_populate_physmap, args: { domid: ${domid}, nr_extents: 2, extent_order: 9, extent_start: 1024 } }
          - { hypercall: XENMEM_claim_pages, args: { domid: ${domid}, nr_extents: 0 } }`;
      const text = `${domains('4.21')}  - parallel:${claims('a')}${claims('b')}\n`;
      const how = { ...SECTIONS, ownership: 'class' as const, intercept: intercept! };
      const slow = endsOf(newSlowSpace(blockOf(text), how));
      expect(endsOf(spaceOf(text, { ...how, isChecked: true }))).toEqual(slow);
    },
  );

  it('leads where the real one leads where who ends with a hypercall leaves a lock to others, or has none to leave', () => {
    const { intercept } = REMEDIES.find(({ name }) => name === 'heap-lock')!;
    const text = `
host: { memory: 256M, dom0: 160M, bootscrub: "off" }
xlconf: { claim_mode: 1, autoballoon: "off" }
guests: { vm: { type: pv, memory: 4 } }
steps:
  - { hypercall: XEN_DOMCTL_createdomain, args: { name: d, type: pvh } }
  - { hypercall: XEN_DOMCTL_max_mem, args: { domid: d, max_memkb: 1048576 } }
  - set: { hold: { leave: 4M, as: others } }
  - parallel:
      - xl create vm
      - { hypercall: XENMEM_populate_physmap, args: { domid: d, nr_extents: 1, extent_order: 9 } }
`;
    const how = { ...SECTIONS, ownership: 'exact' as const, intercept: intercept! };
    const slow = endsOf(newSlowSpace(blockOf(text), how));
    expect(endsOf(spaceOf(text, { ...how, isChecked: true }))).toEqual(slow);
    expect(endsOf(spaceOf(text, how))).toEqual(slow);
  });

  it('is found out by the check if who pauses a domain is said not to wait for its vcpus', () => {
    const text = MODELS['a balloon driver whose domain is paused']!;
    const blind = spaceOf(text, { ...SECTIONS, isChecked: true, footprint: footprintOf });
    expect(() => walkAll(blind)).toThrow(/looked up/);
  });
});

describe('the grain of sections', () => {
  it('has three of them in an extent', () => {
    const { states } = walkAll(spaceOf(twoBuilders(3), SECTIONS));
    expect(states).toBe((3 * 3 + 1) ** 2);
  });

  it('ends in all ways in which whole extents end', () => {
    const someBlock = fc.record({
      xen: fc.constantFrom('4.12', '4.21', '4.22'),
      claim: fc.constantFrom(0, 900, 9000),
      other: fc.constantFrom(4000, 9000, 14_000),
      extents: fc.integer({ min: 1, max: 2 }),
      order: fc.constantFrom(0, 9),
      deed: fc.constantFrom(
        '{ hypercall: XEN_DOMCTL_destroydomain, args: { domid: a } }',
        '{ hypercall: XEN_DOMCTL_max_mem, args: { domid: a, max_memkb: 1204 } }',
        '{ hypercall: XENMEM_decrease_reservation, args: { domid: a, nr_extents: 2, extent_start: 0 } }',
      ),
    });
    fc.assert(
      fc.property(someBlock, ({ xen, claim, other, extents, order, deed }) => {
        const text = `${domains(xen)}
  - { hypercall: XENMEM_claim_pages, args: { domid: a, nr_extents: ${claim} } }
  - parallel:
      - { hypercall: XENMEM_populate_physmap, args: { domid: a, nr_extents: ${extents}, extent_order: ${order}, extent_start: 1024 } }
      - { hypercall: XENMEM_claim_pages, args: { domid: b, nr_extents: ${other} } }
      - ${deed}
`;
        const fine = kinds(text, SECTIONS);
        for (const kind of kinds(text, { grain: { extents: 1 } })) expect(fine).toContain(kind);
      }),
      { numRuns: 15, seed: 3 },
    );
  });
});

/** The library's story in small: what is left is enough for both, exactly. */
const windowIn = (xen: string): string => `
host: { memory: 256M, dom0: 64M, xen: "${xen}", bootscrub: "off" }
steps:
  - { hypercall: XEN_DOMCTL_createdomain, args: { name: builder, type: pv } }
  - { hypercall: XEN_DOMCTL_createdomain, args: { name: other, type: pv } }
  - { hypercall: XEN_DOMCTL_max_mem, args: { domid: builder, max_memkb: 1048576 } }
  - { hypercall: XEN_DOMCTL_max_mem, args: { domid: other, max_memkb: 1048576 } }
  - set: { hold: { leave: 24M, order: 9, as: others } }
  - { hypercall: XENMEM_claim_pages, args: { domid: builder, nr_extents: 16M } }
  - name: both
    parallel:
      - { name: builder, hypercall: XENMEM_populate_physmap, args: { domid: builder, nr_extents: 8, extent_order: 9 } }
      - { name: claim, at: 3us, hypercall: XENMEM_claim_pages, args: { domid: other, nr_extents: 8M } }
`;

describe('the window between allocation and assignment', () => {
  const how = { grain: 'sections', forbidRefusal: true };

  it('lets a claim be refused before 4.22, and is not there where a claim is used up as pages are taken', () => {
    expect(explored(subjectOf(windowIn('4.21')), how)).toMatchObject({ verdict: 'early refusal', exit: 1 });
    expect(explored(subjectOf(windowIn('4.22')), how)).toMatchObject({ verdict: 'safe', exit: 0 });
  });

  it('is not seen by whoever looks at whole extents', () => {
    expect(explored(subjectOf(windowIn('4.21')), { ...how, grain: 'extents:1' }).verdict).toBe('safe');
  });

  it('is told in few lines, in an order that ends so on the clock and can be pinned', () => {
    const text = windowIn('4.21');
    const subject = subjectOf(text);
    const { counterexample, walk } = explored(subject, how);
    expect(counterexample).toMatchObject({
      verdict: 'early refusal',
      replays_as: 'early refusal',
      switches: 2,
    });
    expect(counterexample!.story.join('\n')).toMatch(
      /alloc_heap_pages 2 MiB for d1, not yet assigned.*\n.*XENMEM_claim_pages d2 8 MiB -> ENOMEM/,
    );
    const order = { version: '1.2.3', grain: walk.grain, choices: counterexample!.choices };
    const pin = {
      twin: null,
      block: 0,
      remedy: null,
      verdict: 'early refusal' as const,
      cfgPath: (cfg: string) => cfg,
    };
    const pinned = pinScenario(
      text,
      'window.xlsim.yaml',
      { ...pin, order, story: counterexample!.story },
      subject.around,
    );
    const failuresIn = (scenario: string): number => {
      const read = parseScenario(scenario, 'test.xlsim.yaml');
      return read.ok ? playOnce(read.value, subject.around).failures.length : -1;
    };
    const test = pinned.ok ? pinned.text : '';
    expect(test).toContain('grain: sections');
    expect(failuresIn(test)).toBe(0);
    expect(failuresIn(test.replace('"4.21"', '"4.22"'))).toBeGreaterThan(0);
  });

  it('has the verdicts that the library states, on its own host', () => {
    const text = readFileSync('scenarios/window-alloc-assign.xlsim.yaml', 'utf8');
    expect(explored(subjectOf(text), how).verdict).toBe('safe');
  });
});
