/** A walk by class is a proof where it says so: against hosts on which every frame is in its place. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { continueSearch, type SearchOrder, startSearch } from '../../src/explorer/exhaustive.ts';
import { asksWhere } from '../../src/explorer/ownership-seen.ts';
import { censusOf } from '../../src/explorer/state-graph.ts';
import type { TurnGrain } from '../../src/explorer/turn-order.ts';
import { HEAP } from '../../src/explorer/world-cells.ts';
import { newWorldSpace } from '../../src/explorer/world-space.ts';
import { type Quotient, slowQuotient } from './slow-quotient.ts';
import { blockOf } from './space-fixture.ts';

interface ByClass extends Pick<Quotient, 'classes' | 'shares' | 'longest'> {
  readonly isAbstract: boolean;
  readonly matters: boolean;
}

function byClass(text: string, order: SearchOrder, grain: TurnGrain): ByClass {
  const space = newWorldSpace(blockOf(text), { grain, ownership: 'class' });
  const search = startSearch(space, order);
  while (!continueSearch(search, 10_000));
  const { states, longest, endings } = censusOf(search);
  return {
    classes: states,
    longest: longest!,
    shares: new Map(
      endings.map(({ outcome, share }) => [JSON.stringify(space.endOf(outcome).lanes), share!]),
    ),
    isAbstract: space.isAbstract,
    matters: space.ownershipMatters,
  };
}

const sharesOf = ({ shares }: Pick<Quotient, 'shares'>): readonly (readonly [string, string])[] =>
  [...shares].map(([end, share]) => [end, share.toFixed(9)] as const).sort();

/** What a walk by class says is so; what it does not say need not be. Returns whether it is all the same. */
function check(
  text: string,
  grain: TurnGrain = 'hypercall',
): {
  readonly isSame: boolean;
  readonly matters: boolean;
  readonly isAbstract: boolean;
} {
  const slow = slowQuotient(text, grain);
  let isSame = true;
  let matters = false;
  let isAbstract = false;
  for (const order of ['dfs', 'bfs'] as const) {
    const fast = byClass(text, order, grain);
    const what = `${order} ${text}`;
    if (!fast.isAbstract) expect(fast.classes, what).toBe(slow.classes);
    if (!fast.matters) {
      expect(sharesOf(fast), what).toEqual(sharesOf(slow));
      expect(fast.longest, what).toBe(slow.longest);
    }
    isSame &&= JSON.stringify(sharesOf(fast)) === JSON.stringify(sharesOf(slow));
    matters ||= fast.matters;
    isAbstract ||= fast.isAbstract;
  }
  return { isSame, matters, isAbstract };
}

const hypercall = (name: string, args: object): string =>
  `{ hypercall: ${name}, args: ${JSON.stringify(args)} }`;

interface Shape {
  readonly nodes: number;
  readonly scrubbed: boolean;
  readonly left: number;
  readonly before: readonly (readonly [string, number, number])[];
  readonly lanes: readonly (readonly (readonly [string, object])[])[];
}

const scenario = ({ nodes, scrubbed, left, before, lanes }: Shape): string => `
host: { memory: ${nodes === 1 ? '64M' : '4G'}, nodes: ${nodes}, dom0: 0, bootscrub: "${scrubbed ? 'off' : 'idle'}" }
steps:
  - { hypercall: XEN_DOMCTL_createdomain, args: { name: a, type: pv } }
  - { hypercall: XEN_DOMCTL_createdomain, args: { name: b, type: pv } }
  - { hypercall: XEN_DOMCTL_max_mem, args: { domid: a, max_memkb: 1048576 } }
  - { hypercall: XEN_DOMCTL_max_mem, args: { domid: b, max_memkb: 1048576 } }
${before.map(([domid, order, gfn]) => `  - ${hypercall('XENMEM_populate_physmap', { domid, nr_extents: 1, extent_order: order, extent_start: gfn })}\n`).join('')}  - set: { hold: { leave: ${left} pages, as: others } }
  - parallel:
${lanes
  .map(
    (steps) => `      - repeat: 1
        steps: [${steps.map(([name, args]) => hypercall(name, args)).join(', ')}]\n`,
  )
  .join('')}`;

/** What one domain goes through: some single pages, of which some come back, and more is asked for. */
const stepsOf = (domid: string): fc.Arbitrary<readonly (readonly [string, object])[]> => {
  const single = fc
    .tuple(fc.constantFrom(1, 1, 2), fc.integer({ min: 0, max: 2 }))
    .map(([nr_extents, extent_start]) => ['XENMEM_populate_physmap', { domid, nr_extents, extent_start }]);
  const larger = fc
    .tuple(fc.constantFrom(1, 1, 2), fc.constantFrom(0, 1, 1, 2))
    .map(([nr_extents, extent_order]) => [
      'XENMEM_populate_physmap',
      { domid, nr_extents, extent_order, extent_start: 8 },
    ]);
  const back = fc
    .tuple(fc.constantFrom(1, 2, 2), fc.integer({ min: 0, max: 1 }))
    .map(([nr_extents, extent_start]) => [
      'XENMEM_decrease_reservation',
      { domid, nr_extents, extent_start },
    ]);
  const claim = fc.integer({ min: 0, max: 6 }).map((n) => ['XENMEM_claim_pages', { domid, nr_extents: n }]);
  const gone = fc.constant(['XEN_DOMCTL_destroydomain', { domid }]);
  const some = (one: fc.Arbitrary<readonly unknown[]>, maxLength: number, minLength = 0) =>
    fc.array(one as fc.Arbitrary<readonly [string, object]>, { minLength, maxLength });
  return fc
    .tuple(some(single, 2, 1), some(fc.oneof(back, back, claim, gone), 1), some(fc.oneof(larger, single), 1))
    .map((parts) => parts.flat());
};
const shapes: fc.Arbitrary<Shape> = fc.record({
  nodes: fc.constantFrom(1, 1, 1, 2),
  scrubbed: fc.boolean(),
  left: fc.integer({ min: 3, max: 7 }),
  before: fc.array(fc.tuple(fc.constantFrom('a', 'b'), fc.constantFrom(0, 1), fc.constant(16)), {
    maxLength: 2,
  }),
  lanes: fc.tuple(stepsOf('a'), stepsOf('b')),
});

describe('a walk by class', () => {
  it('has the states, ends and shares of exact ones, as far as it says so', () => {
    fc.assert(
      fc.property(shapes, (shape) => {
        check(scenario(shape));
      }),
      { numRuns: 40 },
    );
  });

  const before = { nodes: 1, scrubbed: true, left: 5, before: [] } as const;
  const take = (domid: string, gfn: number, extent_order = 0) =>
    ['XENMEM_populate_physmap', { domid, nr_extents: 1, extent_order, extent_start: gfn }] as const;
  const giveBack = ['XENMEM_decrease_reservation', { domid: 'a', nr_extents: 2, extent_start: 0 }] as const;

  it('has them section by section, too', () => {
    const mostlyShort = shapes.filter(({ lanes, left }) => left < 6 && lanes.flat().length < 6);
    fc.assert(
      fc.property(mostlyShort, (shape) => {
        check(scenario(shape), 'sections');
      }),
      { numRuns: 15 },
    );
  });

  it('is no proof where an extent in flight comes back after others took what lay beside it', () => {
    const lower = ['XEN_DOMCTL_max_mem', { domid: 'a', max_memkb: 0 }] as const;
    const lanes = [[take('a', 8, 1)], [lower], [take('b', 0), take('b', 8, 1)]];
    const text = scenario({ ...before, left: 4, lanes });
    expect(check(text)).toMatchObject({ matters: false, isAbstract: false });
    expect(check(text, 'sections')).toMatchObject({ matters: true, isAbstract: true });
  });

  it('says that it may be wrong where it is: two pages that came back need not lie together', () => {
    const text = scenario({
      ...before,
      lanes: [
        [take('a', 0), take('a', 1), giveBack, take('a', 8, 1)],
        [take('b', 0), take('b', 1)],
      ],
    });
    expect(check(text)).toEqual({ isSame: false, matters: true, isAbstract: true });
    // The proof that is none: by class nobody fails.
    const verdicts = (['dfs', 'bfs'] as const).map((order) => byClass(text, order, 'hypercall').shares.size);
    expect([verdicts, slowQuotient(text).shares.size]).toEqual([[1, 2], 2]);
  });

  it('is a proof of how orders end where no more than single pages are asked for behind it', () => {
    const text = scenario({
      ...before,
      lanes: [
        [take('a', 0), take('a', 1), giveBack, take('a', 8)],
        [take('b', 0), take('b', 1), take('b', 2), take('b', 3)],
      ],
    });
    expect(check(text)).toEqual({ isSame: true, matters: false, isAbstract: true });
  });

  it('has one number of states, whoever is met first, as long as nothing comes back', () => {
    const lanes = [
      [take('a', 0), take('a', 4, 1), take('a', 8)],
      [take('b', 0, 1), take('b', 4), take('b', 8)],
    ];
    expect(check(scenario({ ...before, lanes }))).toEqual({
      isSame: true,
      matters: false,
      isAbstract: false,
    });
  });

  it('knows from the start that a partly dirty buddy is not like another', () => {
    const lanes = [[take('a', 8, 1)], [take('a', 16, 1)]];
    const text = scenario({ ...before, before: [['b', 0, 0]], lanes });
    // What b had comes back dirty, beside what was always free.
    const gone = '  - { hypercall: XEN_DOMCTL_destroydomain, args: { domid: b } }\n';
    const dirty = text.replace(/ {2}- set: .*\n/, gone);
    expect([check(text), check(dirty)]).toMatchObject([{ isAbstract: false }, { isAbstract: true }]);
    expect(check(dirty).matters).toBe(true);
  });
});

describe('asking where memory lies', () => {
  const footprint = { cells: [HEAP], domids: [] };
  const asksOf = (name: string, args: object, nodes = 1): boolean =>
    asksWhere({ kind: 'hypercall', name, args } as never, footprint, nodes);
  const page = { extentOrder: 0, memFlags: {} };

  it('is what depends on more than the sum of free pages', () => {
    expect(asksOf('XENMEM_populate_physmap', page)).toBe(false);
    expect(asksOf('XENMEM_populate_physmap', { ...page, extentOrder: 9 })).toBe(true);
    expect(asksOf('XENMEM_increase_reservation', { ...page, memFlags: { addressBits: 32 } })).toBe(true);
    expect(asksOf('XENMEM_populate_physmap', { ...page, memFlags: { node: 1 } }, 2)).toBe(true);
    expect(asksOf('XEN_SYSCTL_numainfo', {}, 1)).toBe(false);
    expect(asksOf('XEN_SYSCTL_numainfo', {}, 2)).toBe(true);
    expect(asksOf('XENMEM_set_pod_target', {})).toBe(true);
    expect(asksOf('XENMEM_claim_pages', {})).toBe(false);
  });

  it('is whatever is not known, but not what leaves the heap alone', () => {
    expect(asksOf('XENMEM_of_tomorrow', {})).toBe(true);
    expect(
      asksWhere({ kind: 'hypercall', name: 'foreign_map' } as never, { cells: [], domids: [1] }, 1),
    ).toBe(false);
  });
});
