/** What is served in one go equals what is served one by one: the heap, the clock, the locks, the tasks. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { reportHost } from '../../src/cli/host-report.ts';
import type { Play, Surroundings } from '../../src/explorer/play.ts';
import { play } from '../../src/explorer/replay.ts';
import { parseScenario } from '../../src/explorer/scenario-file.ts';
import { saveDomain } from '../../src/hypervisor/domain-save.ts';
import type { Domain } from '../../src/hypervisor/domain-state.ts';
import { hypercall } from '../../src/hypervisor/hypercall.ts';
import { p2mLookup, p2mRuns } from '../../src/hypervisor/p2m.ts';
import { p2mMfn } from '../../src/hypervisor/p2m-run.ts';
import { populateInTurns } from '../../src/hypervisor/populate-in-turns.ts';
import { domId, gfn, order } from '../../src/hypervisor/units.ts';
import type { Xen } from '../../src/hypervisor/xen.ts';
import { heapState } from '../model/heap-drive.ts';

const around = (batches: boolean): Surroundings => ({
  readFile: () => -2,
  observe: reportHost,
  tables: () => '',
  readOutput: () => null,
  batches,
});

function played(text: string, batches: boolean): Play {
  const scenario = parseScenario(text, 'test');
  if (!scenario.ok) throw new Error(JSON.stringify(scenario.problems));
  return play(scenario.value.stage, scenario.value.limits, around(batches), false);
}

/** Which frame each extent of a domain is at, in order. */
function mapped(domain: Domain): string[] {
  return p2mRuns(domain.p2m).flatMap((run) =>
    Array.from({ length: run.count }, (_, i) => {
      const gfn = run.gfn + i * 2 ** run.order;
      return `${gfn}: ${p2mMfn(run, gfn)} by ${run.order}`;
    }),
  );
}

/** Xen as it is, however its runs are cut; and its heap once all guests are gone, which tells the order of their pages. */
function xenSeen(xen: Xen): object {
  // Not of those that only hold memory: they were there before.
  const isBuilt = (d: Domain): boolean => d.domid < 0x7000;
  const domains = [...xen.domains.values()].map((d) => ({
    ...saveDomain(d),
    p2m: isBuilt(d) ? mapped(d) : [],
  }));
  const before = { domains, heap: heapState(xen.heap) };
  for (const domid of xen.domains.keys()) {
    if (domid > 0)
      hypercall(
        xen,
        { caller: 0, node: 0 },
        { name: 'XEN_DOMCTL_destroydomain', args: { domid: domId(domid) } },
      );
  }
  return { ...before, after: heapState(xen.heap) };
}

const seen = ({ world, machine, log, failures, hung, run }: Play): object => ({
  xen: xenSeen(world.xen),
  now: world.now,
  tasks: world.tasks,
  heapLock: [machine.heapLockFreeAt, machine.heapLockWait, machine.longestHeapLock],
  events: log.events.map(({ task, kind, what, rc, extents, free }) => ({
    task,
    kind,
    what,
    rc,
    extents,
    free,
  })),
  failures: failures.length,
  hung,
  ended: [...run.ended.values()],
});

interface Builders {
  readonly host?: string;
  readonly order?: number;
  /** Extents of each; a claim in pages; when it starts. */
  readonly each: readonly {
    readonly extents: number;
    readonly claim?: number;
    readonly at?: string;
    readonly more?: string;
  }[];
  readonly before?: string;
}

/** Raw populates side by side. */
const builders = ({ host, order, each, before }: Builders): string => `
host: { ${host ?? 'memory: 256M, dom0: 64M'} }
steps:
${each
  .map(({ claim }, i) => {
    const domain = `  - { hypercall: XEN_DOMCTL_createdomain, args: { name: d${i}, type: pv } }
  - { hypercall: XEN_DOMCTL_max_mem, args: { domid: d${i}, max_memkb: 1073741824 } }`;
    return claim === undefined
      ? domain
      : `${domain}\n  - { hypercall: XENMEM_claim_pages, args: { domid: d${i}, nr_extents: ${claim} } }`;
  })
  .join('\n')}
${before ?? ''}
  - parallel:
${each
  .map(
    ({ extents, at, more }, i) =>
      `      - { at: ${at ?? '0s'}, hypercall: XENMEM_populate_physmap, args: { domid: d${i}, nr_extents: ${extents}, extent_order: ${order ?? 0}${more ?? ''} } }`,
  )
  .join('\n')}
`;

/** Both runs come to the same end; how many steps each of them took. */
function compared(text: string): { readonly batched: number; readonly single: number } {
  const [batched, single] = [played(text, true), played(text, false)];
  expect(seen(batched)).toEqual(seen(single));
  return { batched: batched.run.steps, single: single.run.steps };
}

describe('populate_physmap by builders that take turns', () => {
  it.each<[string, Builders]>([
    ['from the same moment on', { each: [{ extents: 3000 }, { extents: 3000 }] }],
    ['out of step', { each: [{ extents: 3000 }, { extents: 2500, at: '700ns' }] }],
    ['until memory ends', { each: [{ extents: 30000 }, { extents: 30000, at: '1100ns' }] }],
    ['one of them much shorter', { each: [{ extents: 9000 }, { extents: 17, at: '4us' }] }],
    [
      'with a claim each',
      {
        each: [
          { extents: 3000, claim: 3000 },
          { extents: 3000, claim: 4000 },
        ],
      },
    ],
    [
      'with a claim that ends on the way',
      {
        each: [
          { extents: 3000, claim: 1000 },
          { extents: 3000, claim: 2000 },
        ],
      },
    ],
    [
      'one with a claim, two without',
      { each: [{ extents: 9000 }, { extents: 20000, claim: 20000 }, { extents: 9000 }] },
    ],
    [
      'with claims, of which the first goes on where the second is refused',
      {
        each: [
          { extents: 25000, claim: 25000 },
          { extents: 40000, at: '500ns' },
        ],
      },
    ],
    [
      'with claims under the rules of 4.17',
      {
        host: 'memory: 256M, dom0: 64M, xen: "4.17"',
        each: [{ extents: 25000, claim: 25000 }, { extents: 40000 }],
      },
    ],
    [
      'by order 3',
      { order: 3, each: [{ extents: 2000 }, { extents: 3000 }, { extents: 1800, claim: 8000 }] },
    ],
    [
      'by order 9 until it ends',
      { host: 'memory: 1G, dom0: 64M', order: 9, each: [{ extents: 300 }, { extents: 300, at: '9us' }] },
    ],
    [
      'by order 9 with a heap lock that all of them wait for',
      {
        host: 'memory: 1G, dom0: 64M',
        order: 9,
        each: [
          { extents: 90, claim: 46080 },
          { extents: 90, at: '3us' },
          { extents: 90, at: '100us' },
          { extents: 80 },
        ],
      },
    ],
    [
      'on two nodes',
      {
        host: 'memory: 2G, nodes: 2, dom0: 64M',
        each: [{ extents: 9000 }, { extents: 9000, at: '300ns', claim: 9000 }],
      },
    ],
    [
      'on two nodes until one and then both are full',
      {
        host: 'memory: 512M, nodes: 2, node_memory: [320M, 192M], dom0: 64M',
        each: [{ extents: 70000 }, { extents: 70000 }, { extents: 70000 }],
      },
    ],
    [
      'on three nodes, each asking for one of them',
      {
        host: 'memory: 3G, nodes: 3, dom0: 64M',
        each: [0, 1, 2, 1].map((node) => ({
          extents: 9000,
          more: `, mem_flags: { node: ${node}, exact_node: true }`,
        })),
      },
    ],
    [
      'on two nodes by order 4, some asking for one of them',
      {
        host: 'memory: 2G, nodes: 2, dom0: 64M',
        order: 4,
        each: [
          { extents: 3000 },
          { extents: 3000, more: ', mem_flags: { node: 1 }' },
          { extents: 3000, claim: 48000 },
        ],
      },
    ],
    [
      'where fragments make room for some orders only',
      {
        order: 3,
        before: '  - set: { fragment: { largest: 4, hold: quarter, of: 100M } }',
        each: [{ extents: 3000 }, { extents: 3000, claim: 24000 }],
      },
    ],
  ])('ends like turns one by one: %s', (_what, story) => {
    const { batched, single } = compared(builders(story));
    expect(batched).toBeLessThan(single);
  });

  it("tells each PV guest's builder the frames that its guest has", () => {
    const { world } = played(builders({ order: 1, each: [{ extents: 3 }, { extents: 5 }] }), true);
    const members = [1, 2].map((domid) => ({
      caller: 0,
      reservation: {
        domid: domId(domid),
        extentOrder: order(1),
        nrExtents: 700,
        extentStart: [{ first: gfn(4096), count: 700, stride: 2 }],
        memFlags: {},
      },
    }));
    const done = populateInTurns(world.xen, members, 700);
    expect(done?.rounds).toBe(700);
    done?.frames.forEach((runs, i) => {
      const told = runs.flatMap(({ first, count, stride }) =>
        Array.from({ length: count }, (_, n) => first + n * stride),
      );
      const { p2m } = world.xen.domains.get(i + 1)!;
      const mapped = Array.from({ length: 700 }, (_, n) =>
        p2mMfn(p2mLookup(p2m, 4096 + 2 * n)!, 4096 + 2 * n),
      );
      expect(told).toEqual(mapped);
    });
  });

  it('ends like turns one by one where a node runs out in the middle of a call', () => {
    const each = [
      { extents: 264, claim: 262 },
      { extents: 1, at: '2100ns' },
      { extents: 1, at: '2100ns' },
    ];
    compared(builders({ host: 'memory: 2G, nodes: 2, dom0: 1900M, xen: "4.17"', each }));
  });

  it('ends like turns one by one for any builders', () => {
    const one = fc.record({
      extents: fc.integer({ min: 1, max: 3000 }),
      claim: fc.option(fc.integer({ min: 1, max: 20000 }), { nil: undefined }),
      at: fc.integer({ min: 0, max: 60 }).map((n) => `${n * 100}ns`),
    });
    const story = fc.record({
      host: fc.constantFrom(
        'memory: 256M, dom0: 160M',
        'memory: 2G, nodes: 2, dom0: 1900M, xen: "4.17"',
        'memory: 3G, nodes: 3, dom0: 2900M',
      ),
      order: fc.constantFrom(0, 0, 1, 3),
      each: fc.array(one, { minLength: 2, maxLength: 4 }),
    });
    fc.assert(
      fc.property(story, (s) => {
        compared(builders(s as Builders));
      }),
      { numRuns: 25 },
    );
  });

  it('ends like turns one by one for whole creations on a host in pieces', () => {
    compared(`
host: { memory: 512M, dom0: 64M }
xlconf: { claim_mode: 0, autoballoon: "off" }
guests: { one: { type: pvh, memory: 64 }, two: { type: pv, memory: 48 }, three: { type: pv, memory: 200 } }
steps:
  - set: { fragment: { largest: 4K } }
  - parallel: [xl create one, { at: 3us, run: xl create two }, { at: 40us, run: xl create three }]
`);
  });

  it('ends like turns one by one where more builders than CPUs claim', () => {
    compared(`
host: { memory: 2G, dom0: 256M, cpus: 3 }
xlconf: { claim_mode: 1, autoballoon: "off" }
guests: { vm: { type: pv, memory: 300 } }
steps:
  - parallel:
      - times: 7
        run: xl create vm 'name="vm{i}"'
    expect: { failed: ">= 0" }
`);
  });
});
