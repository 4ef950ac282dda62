/** Hypercalls of which one that was made tells what comes of it elsewhere: they are what the host makes, and few are made. */
import { describe, expect, it } from 'vitest';
import { atBlock, checkedSpaceOf, spaceOf } from '../../src/explorer/explore-how.ts';
import { footprintOf } from '../../src/explorer/footprint.ts';
import { newWorldSpace, type WalkedSpace } from '../../src/explorer/world-space.ts';
import { HOW, subjectOf } from './explore-fixture.ts';
import { walkAll } from './walk-all.ts';

/** The second guest is refused, and ends while the first one is built. */
const REFUSED = `
host: { memory: 256M, dom0: 64M }
xlconf: { claim_mode: 1, autoballoon: "off" }
guests:
  a: { type: pvh, memory: 100, vcpus: 2 }
  b: { type: pv, memory: 100, vcpus: 1 }
steps:
  - parallel: [xl create a, xl create b]
`;
describe('hypercalls that are worked out', () => {
  it('are what the host makes of them, in every order', () => {
    const subject = subjectOf(REFUSED);
    const alone = spaceOf(subject, HOW, 'sums');
    const { states, transitions } = walkAll(alone);
    expect(alone.bySums).toBe(true);
    const checked = checkedSpaceOf(subject, HOW, 'sums') as WalkedSpace;
    expect(walkAll(checked)).toMatchObject({ states, transitions });
  });

  it('are not, if one tells of a page more than it took, which is found', () => {
    const checked = checkedSpaceOf(subjectOf(REFUSED), HOW, 'sums') as WalkedSpace;
    const { walk } = checked;
    const { footprint } = walk;
    Object.assign(walk, {
      footprint: ((request, caller, now) => {
        for (const { apart } of walk.calls.values())
          for (const [key, gave] of apart?.gave ?? [])
            if (gave.taken > 0) apart!.gave.set(key, { ...gave, taken: gave.taken + 1 });
        return footprint(request, caller, now);
      }) satisfies typeof footprint,
    });
    expect(() => walkAll(checked)).toThrow();
  });

  it('need the host a few times each, however many states they are made from', () => {
    const space = spaceOf(subjectOf(REFUSED), HOW, 'sums');
    const { states } = walkAll(space);
    const all = space.walk.called;
    expect(states).toBeGreaterThan(2000);
    expect(all).toBeLessThan(states / 20);
    const exact = spaceOf(subjectOf(REFUSED), HOW, 'exact');
    walkAll(exact, 2000);
    expect(exact.walk.called).toBeGreaterThan(all);
  });
});

/** Who lists the domains of a pool, beside those who make and end some and move one. */
const POOLS = `
host: { memory: 64M, dom0: 0, cpus: 4 }
steps:
  - xl cpupool-cpu-remove Pool-0 3
  - 'xl cpupool-create name="other" cpus="3"'
  - { hypercall: XEN_DOMCTL_createdomain, args: { name: a, type: pv } }
  - parallel:
      - xl cpupool-list
      - xl cpupool-migrate a other
      - repeat: 1
        steps:
          - { hypercall: XEN_DOMCTL_createdomain, args: { name: b, type: pv } }
          - { hypercall: XEN_DOMCTL_destroydomain, args: { domid: b } }
`;

describe('a look at a CPU pool', () => {
  const at = (): Parameters<typeof newWorldSpace>[0] => atBlock(subjectOf(POOLS));
  const how = { grain: 'hypercall', ownership: 'class', isChecked: true } as const;

  it('reads which domains there are, and in which pool', () => {
    expect(walkAll(newWorldSpace(at(), how)).states).toBeGreaterThan(20);
  });

  it('reads more than which pools there are', () => {
    const blind: typeof footprintOf = (...asked) => ({ ...footprintOf(...asked), pools: false });
    expect(() => walkAll(newWorldSpace(at(), { ...how, footprint: blind }))).toThrow(/looked up|made/);
  });
});
