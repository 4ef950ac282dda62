/** An invariant that is broken half-way and mended before the end is found where it is broken. */
import { describe, expect, it } from 'vitest';
import type { Subject } from '../../src/explorer/explore-how.ts';
import type { Interceptor } from '../../src/explorer/intercept.ts';
import { explored, populates, subjectOf } from './explore-fixture.ts';
import { newSlowSpace } from './slow-space.ts';
import { blockOf } from './space-fixture.ts';
import { walkAll } from './walk-all.ts';

type Heap = Parameters<Interceptor>[0]['xen']['heap'];

/** Makes the heap wrong, or right again. */
type Spoil = (heap: Heap, by: 1 | -1) => void;

/** When d2 populates while d1 has 3 pages and it has none, the heap is made wrong; the next to populate puts it right. */
const fault =
  (spoil: Spoil, isSpoilt: (heap: Heap) => boolean): Interceptor =>
  ({ xen: { heap } }, _task, _domid, request) => {
    if (request.kind !== 'hypercall' || request.name !== 'XENMEM_populate_physmap') return null;
    const [d1, d2] = [1, 2].map((domid) => heap.domains.get(domid)!.totPages);
    if (isSpoilt(heap)) spoil(heap, -1);
    else if (d1 === 3 && d2 === 0 && request.args.domid === 2) spoil(heap, 1);
    return null;
  };

const claims = fault(
  (heap, by) => {
    heap.outstandingClaims += by;
  },
  (heap) => heap.outstandingClaims > 0,
);
const avail = fault(
  (heap, by) => {
    heap.nodeAvail[0]! += by;
  },
  (heap) => heap.nodeAvail[0] !== heap.totalAvailPages,
);
const pages = fault(
  (heap, by) => {
    heap.domains.get(1)!.totPages += by;
  },
  (heap) => heap.domains.get(1)!.totPages === 4,
);

/** Before 4.22 a domain that is dying could stake a claim, which nobody ever ended. */
const leak = (xen: string): string => `
host: { memory: 64M, dom0: 0, bootscrub: "off", xen: "${xen}" }
steps:
  - { hypercall: XEN_DOMCTL_createdomain, args: { name: a, type: pv } }
  - { hypercall: XEN_DOMCTL_max_mem, args: { domid: a, max_memkb: 1048576 } }
  - { hypercall: XENMEM_populate_physmap, args: { domid: a, nr_extents: 1 } }
  - parallel:
      - repeat: 1
        steps:
          - { hypercall: XENMEM_claim_pages, args: { domid: a, nr_extents: 10 } }
          - { hypercall: XENMEM_populate_physmap, args: { domid: a, nr_extents: 3, extent_start: 8 } }
      - { hypercall: XEN_DOMCTL_destroydomain, args: { domid: a } }
`;

const broken = (intercept: Interceptor): Subject => ({
  ...subjectOf(populates(12)),
  remedy: { name: 'fault', title: 'a fault', source: 'this test', intercept },
});

describe('an invariant that is broken half-way', () => {
  it.each([
    ['outstanding_claims', claims],
    ['node_avail_pages', avail],
    ['tot_pages', pages],
  ])('is found where it breaks, with the smallest order: %s', (_name, intercept) => {
    for (const how of [{}, { ownership: 'exact' }, { order: 'bfs' }, { reduction: true }] as const) {
      const { verdict, exit, counterexample } = explored(broken(intercept), how);
      expect([verdict, exit]).toEqual(['invariant broken', 1]);
      expect(counterexample).toMatchObject({ replays_as: 'invariant broken', switches: 1, steps: 2 });
      expect(counterexample!.moments).toHaveLength(1);
      expect(counterexample!.story).toHaveLength(2);
    }
  });

  it('is found by samples', () => {
    const found = explored(broken(claims), { strategy: 'random', samples: { from: 0, to: 40 } });
    expect(found.verdict).toBe('invariant broken');
    expect(found.counterexample!.replays_as).toBe('invariant broken');
  });

  it('is found where a hypercall goes on that was asked for earlier, by walks and by samples', () => {
    const rows = (xen: string, how: object): unknown[] =>
      explored(subjectOf(leak(xen)), { grain: 'sections', ownership: 'exact', ...how })
        .outcomes.filter(({ verdict }) => verdict === 'invariant broken')
        .map(({ lanes, broken: what }) => [
          lanes.map(({ ends }) => ends.map(({ kind }) => kind)),
          what!.replace(/\d+/g, 'n'),
        ]);
    const samples = { strategy: 'random', samples: { from: 0, to: 300 } };
    const walked = rows('4.21', {});
    expect(walked).toContainEqual([[['under way'], ['done']], 'claims: domains hold n, the host counts n']);
    expect(rows('4.21', samples)).toEqual(walked);
    expect(rows('4.22', {})).toEqual([]);
  });

  it('leaves lanes under way, and one row for all numbers it is told with', () => {
    const rows = explored(broken(pages)).outcomes.filter(({ verdict }) => verdict === 'invariant broken');
    expect(rows).toHaveLength(1);
    expect(rows[0]!.lanes.flatMap(({ ends }) => ends.map(({ kind }) => kind))).toEqual([
      'under way',
      'under way',
    ]);
  });

  it('is not seen by whoever looks at ends only: no end tells of it', () => {
    const slow = newSlowSpace(blockOf(populates(12)), {
      grain: 'hypercall',
      ownership: 'class',
      intercept: claims,
    });
    const { ends } = walkAll(slow);
    expect([...ends.keys()].map((end) => slow.endOf(end).broken)).toEqual([null]);
  });
});
