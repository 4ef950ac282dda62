/** Steps that are looked up lead where steps made for real lead: against a slow space, and against themselves. */
import { describe, expect, it } from 'vitest';
import { EVERYTHING, footprintOf } from '../../src/explorer/footprint.ts';
import { REMEDIES } from '../../src/explorer/remedy-table.ts';
import type { WorldSpace, WorldSpaceHow } from '../../src/explorer/world-space.ts';
import { newSlowSpace } from './slow-space.ts';
import { blockOf, spaceOf, twoBuilders } from './space-fixture.ts';
import { walkAll } from './walk-all.ts';

const head = 'host: { memory: 256M, dom0: 160M, bootscrub: "off" }\n';
const domains = `${head}steps:
  - { hypercall: XEN_DOMCTL_createdomain, args: { name: a, type: pv } }
  - { hypercall: XEN_DOMCTL_createdomain, args: { name: b, type: pvh } }
  - { hypercall: XEN_DOMCTL_max_mem, args: { domid: a, max_memkb: 1048576 } }
  - { hypercall: XEN_DOMCTL_max_mem, args: { domid: b, max_memkb: 1048576 } }
  - { hypercall: XENMEM_populate_physmap, args: { domid: a, nr_extents: 300 } }
`;

const MODELS: Readonly<Record<string, string>> = {
  'two builders of single pages': twoBuilders(3),
  'claims, populates and a destruction': `${domains}
  - parallel:
      - { hypercall: XENMEM_claim_pages, args: { domid: a, nr_extents: 9000 } }
      - { hypercall: XENMEM_populate_physmap, args: { domid: a, nr_extents: 12, extent_order: 9 } }
      - { hypercall: XEN_DOMCTL_destroydomain, args: { domid: b } }
`,
  'a give-back between builders': `${domains}
  - parallel:
      - { hypercall: XENMEM_decrease_reservation, args: { domid: a, nr_extents: 100, extent_start: 0 } }
      - { hypercall: XENMEM_populate_physmap, args: { domid: a, nr_extents: 64, extent_start: 4096 } }
      - { hypercall: XEN_DOMCTL_max_mem, args: { domid: a, max_memkb: 1400 } }
`,
  'rounds of claims': `${domains}
  - parallel:
      - repeat: 2
        steps:
          - { hypercall: XENMEM_claim_pages, args: { domid: a, nr_extents: 15000 } }
          - { hypercall: XENMEM_claim_pages, args: { domid: a, nr_extents: 0 } }
      - { repeat: 2, steps: [{ hypercall: XENMEM_populate_physmap, args: { domid: a, nr_extents: 6000 } }] }
`,
  'steps that begin later, and one that waits': `${domains}
  - parallel:
      - { hypercall: XENMEM_populate_physmap, args: { domid: a, nr_extents: 9000 } }
      - { at: 1ms, hypercall: XENMEM_claim_pages, args: { domid: b, nr_extents: 9000 } }
      - { at: 2ms, repeat: 2, steps: [{ wait: 1ms }, { hypercall: XENMEM_populate_physmap, args: { domid: a, nr_extents: 6000 } }] }
`,
  'a balloon that tries again, and a step that begins before it does': `${head}
guests: { vm: { type: pv, memory: 24, maxmem: 40 } }
xlconf: { autoballoon: "off" }
steps:
  - xl create vm
  - { guest: vm balloon-to 10M }
  - set: { hold: { leave: 6M, as: others } }
  - parallel:
      - { guest: vm balloon-to 24M }
      - { at: 500ms, run: xl list }
      - { at: 3s, guest: vm balloon-to 12M }
`,
};

const create = (type: string, claimMode: number): string => `${head}
xlconf: { claim_mode: ${claimMode}, autoballoon: "off" }
guests: { vm: { type: ${type}, memory: 20 } }
steps:
  - { hypercall: XEN_DOMCTL_createdomain, args: { name: a, type: pv } }
  - { hypercall: XEN_DOMCTL_max_mem, args: { domid: a, max_memkb: 1048576 } }
  - parallel:
      - xl create vm
      - { repeat: 3, steps: [{ hypercall: XENMEM_populate_physmap, args: { domid: a, nr_extents: 5000 } }] }
`;

const destroyed = `${head}
guests: { vm: { type: pvh, memory: 20 } }
steps:
  - parallel: [xl create vm, xl destroy vm]
`;

/** Kinds of ends, and how many states end so. */
function endsOf(space: WorldSpace): object {
  const { states, transitions, ends } = walkAll(space);
  const named = [...ends].map(([outcome, n]) => `${n} × ${JSON.stringify(space.endOf(outcome))}`);
  return { states, transitions, ends: named.sort() };
}

const slowOf = (text: string, how: Partial<WorldSpaceHow>): WorldSpace =>
  newSlowSpace(blockOf(text), { grain: 'hypercall', ownership: 'class', ...how });

describe('a step that is looked up', () => {
  it.each(Object.entries(MODELS))('leads where the real one leads: %s', (_name, text) => {
    for (const ownership of ['class', 'exact'] as const) {
      const slow = endsOf(slowOf(text, { ownership }));
      expect(endsOf(spaceOf(text, { ownership }))).toEqual(slow);
      expect(endsOf(spaceOf(text, { ownership, isChecked: true }))).toEqual(slow);
    }
    const grain = { extents: 2000 };
    expect(endsOf(spaceOf(text, { grain }))).toEqual(endsOf(slowOf(text, { grain })));
  });

  it.each([
    ['pv', 0],
    ['pvh', 1],
    ['hvm', 0],
  ] as const)('leads where the real one leads: a create of type %s with claim_mode %i', (type, claimMode) => {
    const text = create(type, claimMode);
    const fast = spaceOf(text, { isChecked: true });
    expect(endsOf(fast)).toEqual(endsOf(slowOf(text, {})));
  });

  it('leaves who is due by the time to which it moves the clock as the real one does', () => {
    const text = `${domains}
  - parallel:
      - { at: 13ms, hypercall: XENMEM_populate_physmap, args: { domid: a, nr_extents: 3, extent_start: 4096 } }
      - repeat: 1
        steps:
          - { hypercall: XENMEM_claim_pages, args: { domid: a, nr_extents: 330 } }
          - { wait: 13ms }
          - { hypercall: XENMEM_claim_pages, args: { domid: a, nr_extents: 350 } }
          - { wait: 3ms }
`;
    for (const ownership of ['class', 'exact'] as const)
      expect(endsOf(spaceOf(text, { ownership, isChecked: true }))).toEqual(
        endsOf(spaceOf(text, { ownership })),
      );
  });

  it('leads where the real one leads where it matters whose page lies where', () => {
    const text = `${head}
xlconf: { claim_mode: 1, autoballoon: "off" }
guests: { vm: { type: pv, memory: 20 } }
steps:
  - { hypercall: XEN_DOMCTL_createdomain, args: { name: a, type: pv } }
  - { hypercall: XEN_DOMCTL_max_mem, args: { domid: a, max_memkb: 1048576 } }
  - parallel:
      - xl create vm
      - repeat: 2
        steps:
          - { hypercall: XENMEM_claim_pages, args: { domid: a, nr_extents: 5000 } }
          - { hypercall: XENMEM_claim_pages, args: { domid: a, nr_extents: 0 } }
`;
    const ownership = 'exact';
    expect(endsOf(spaceOf(text, { ownership, isChecked: true }))).toEqual(
      endsOf(slowOf(text, { ownership })),
    );
  });

  it('is found out by the check if it reads more than it is said to', () => {
    const blind = spaceOf(destroyed, {
      isChecked: true,
      footprint: (request, caller, now) =>
        request.kind === 'hypercall' && request.name === 'XENMEM_set_memory_map'
          ? { cells: [], domids: [] }
          : footprintOf(request, caller, now),
    });
    expect(() => walkAll(blind)).toThrow(/looked up/);
  });

  it('leads where the real one leads while a guest is destroyed as it is built', () => {
    for (const ownership of ['class', 'exact'] as const)
      expect(endsOf(spaceOf(destroyed, { ownership, isChecked: true }))).toEqual(
        endsOf(slowOf(destroyed, { ownership })),
      );
  });

  it.each(REMEDIES.filter(({ intercept }) => intercept !== undefined))(
    'leads where the real one leads where somebody comes between: $name',
    ({ intercept }) => {
      // Without a claim nothing asks for the heap lock.
      for (const claimMode of [0, 1]) {
        const text = create('pvh', claimMode);
        const how = { intercept: intercept! };
        expect(endsOf(spaceOf(text, { ...how, isChecked: true }))).toEqual(endsOf(slowOf(text, how)));
      }
    },
  );

  it('may be said to read everything', () => {
    const text = MODELS['rounds of claims']!;
    expect(endsOf(spaceOf(text, { footprint: () => EVERYTHING }))).toEqual(endsOf(spaceOf(text)));
  });
});
