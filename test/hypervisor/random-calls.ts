/** Random but reproducible hypercalls on small hosts, and a host's state as text. */
import fc from 'fast-check';
import { type ExtentGroup, extentMfn, groupBlocks } from '../../src/hypervisor/extent-group.ts';
import { forEachFreeRun, ownerOf } from '../../src/hypervisor/heap-report.ts';
import { bootHost } from '../../src/hypervisor/host-boot.ts';
import { p2mRuns } from '../../src/hypervisor/p2m.ts';
import { isPod, p2mEnd, p2mMfn } from '../../src/hypervisor/p2m-run.ts';
import type { Hypercall } from '../../src/hypervisor/privcmd.ts';
import { bytes, domId, gfn, kib, nodeId, order, pages } from '../../src/hypervisor/units.ts';
import { domainOf, domids, heapDomainOf, type Xen } from '../../src/hypervisor/xen.ts';

/** A hypercall and who makes it. */
export interface RandomCall {
  readonly caller: number;
  readonly call: Hypercall;
}

export interface RandomHost {
  readonly nodes: number;
  readonly bootscrub: 'idle' | 'off';
  readonly xen: string;
}

export const randomHost: fc.Arbitrary<RandomHost> = fc.record({
  nodes: fc.constantFrom(1, 2),
  bootscrub: fc.constantFrom('idle', 'off'),
  xen: fc.constantFrom('4.3', '4.12', '4.17', '4.20', '4.21', '4.22'),
});

/** Node 0 is small so that it runs out, node 1 where there is one too. */
export const bootRandom = ({ nodes, bootscrub, xen }: RandomHost): Xen =>
  bootHost({
    memoryPages: nodes * 65536,
    nodes,
    nodeMemoryPages: Array.from({ length: nodes }, () => 65536),
    cpus: 2 * nodes,
    dom0Pages: 1000,
    xen,
    bootscrub,
  });

const domid = fc.integer({ min: 1, max: 4 }).map(domId);
const size = fc.constantFrom(0, 0, 0, 1, 3, 9, 9, 10).map(order);
const memFlags = fc.constantFrom<object>(
  {},
  {},
  {},
  { node: nodeId(0) },
  { node: nodeId(1), exactNode: true },
  { addressBits: 28 },
);

const reservation = fc
  .record({
    domid,
    size,
    first: fc.nat(20),
    n: fc.integer({ min: 1, max: 1500 }),
    down: fc.boolean(),
    memFlags,
  })
  .map(({ domid, size, first, n, down, memFlags }) => {
    const step = 2 ** size;
    const count = Math.max(1, Math.floor(n / (size > 3 ? 100 : 1)));
    const start = down ? (first + count - 1) * step : first * step;
    return {
      domid,
      extentOrder: size,
      nrExtents: count,
      extentStart: [{ first: gfn(start), count, stride: down ? -step : step }],
      memFlags,
    };
  });

const createdomain = fc.constantFrom('pv', 'pvh', 'hvm').map((type) => ({
  name: 'XEN_DOMCTL_createdomain' as const,
  args: {
    type: type as 'pv' | 'hvm' | 'pvh',
    hap: type === 'pvh',
    handle: '00112233-4455-4677-8899-aabbccddeeff',
    maxVcpus: 2,
    maxEvtchnPort: -1,
    maxGrantFrames: -1,
    maxMaptrackFrames: -1,
    grantOpts: 0,
    emulationFlags: 0,
    flags: 0,
    iommuOpts: 0,
    miscFlags: 0,
  },
}));

const named = <A>(name: string, args: fc.Arbitrary<A>) => args.map((a) => ({ name, args: a }));

const someCall = fc.oneof(
  { weight: 3, arbitrary: createdomain },
  {
    weight: 2,
    arbitrary: named(
      'XEN_DOMCTL_max_vcpus',
      domid.map((d) => ({ domid: d, max: 2 })),
    ),
  },
  {
    weight: 4,
    arbitrary: named(
      'XEN_DOMCTL_max_mem',
      fc.record({ domid, maxMemkb: fc.constantFrom(40000, 400000).map(kib) }),
    ),
  },
  {
    weight: 2,
    arbitrary: named(
      'XEN_DOMCTL_set_paging_mempool_size',
      fc.record({ domid, size: fc.constantFrom(2, 5, 300, 1500).map((n) => bytes(n * 4096)) }),
    ),
  },
  {
    weight: 1,
    arbitrary: named(
      'XEN_DOMCTL_setnodeaffinity',
      fc.record({ domid, nodes: fc.constantFrom([0], [1], [0, 1]) }),
    ),
  },
  { weight: 1, arbitrary: named('XEN_DOMCTL_unpausedomain', fc.record({ domid })) },
  { weight: 1, arbitrary: named('XEN_DOMCTL_destroydomain', fc.record({ domid })) },
  {
    weight: 3,
    arbitrary: named(
      'XENMEM_claim_pages',
      fc.record({ domid, nrExtents: fc.constantFrom(0, 700, 9000, 40000).map(pages) }),
    ),
  },
  { weight: 6, arbitrary: named('XENMEM_populate_physmap', reservation) },
  {
    weight: 2,
    arbitrary: named(
      'XENMEM_populate_physmap',
      reservation.map((r) => ({ ...r, memFlags: { populateOnDemand: true } })),
    ),
  },
  { weight: 1, arbitrary: named('XENMEM_increase_reservation', reservation) },
  { weight: 5, arbitrary: named('XENMEM_decrease_reservation', reservation) },
  {
    weight: 2,
    arbitrary: named(
      'XENMEM_set_pod_target',
      fc.record({ domid, targetPages: fc.constantFrom(100, 3000, 9000).map(pages) }),
    ),
  },
  {
    weight: 1,
    arbitrary: named('XENMEM_remove_from_physmap', fc.record({ domid, gpfn: fc.nat(2000).map(gfn) })),
  },
);

export const randomCall: fc.Arbitrary<RandomCall> = fc
  .record({ caller: fc.constantFrom(0, 0, 0, 0, 1), call: someCall })
  .map(({ caller, call }) => ({ caller, call: call as unknown as Hypercall }));

/** Two domains that can take memory, so that few random calls are wasted. */
export const twoGuests: readonly RandomCall[] = (['pvh', 'hvm'] as const).flatMap((type, i) =>
  [
    {
      name: 'XEN_DOMCTL_createdomain',
      args: {
        type,
        hap: true,
        handle: '00112233-4455-4677-8899-aabbccddeeff',
        maxVcpus: 1,
        maxEvtchnPort: -1,
        maxGrantFrames: -1,
        maxMaptrackFrames: -1,
        grantOpts: 0,
        emulationFlags: 0,
        flags: 0,
        iommuOpts: 0,
        miscFlags: 0,
      },
    },
    { name: 'XEN_DOMCTL_max_mem', args: { domid: i + 1, maxMemkb: 200000 } },
  ].map((call) => ({ caller: 0, call: call as unknown as Hypercall })),
);

/** Everything a hypercall could tell apart: free lists in order, and each domain. */
export function stateOf(xen: Xen): string {
  const lines: string[] = [];
  forEachFreeRun(xen.heap, (node, zone, o, first, count, stride, fd) => {
    for (let i = 0; i < count; i++) lines.push(`${node} ${zone} ${o} ${first + i * stride} ${fd}`);
  });
  for (const id of domids(xen)) {
    const { p2m, paging, pod, structures, ...rest } = domainOf(xen, id);
    const { totPages, extraPages, outstandingPages, maxPages, lastAllocNode } = heapDomainOf(xen, id);
    lines.push(JSON.stringify({ rest, totPages, extraPages, outstandingPages, maxPages, lastAllocNode }));
    lines.push(
      `pool ${extents(paging.freelist)}`,
      `tables ${extents(paging.p2mPages)}`,
      `own ${extents(structures)}`,
    );
    const { super: supers, single, ...podRest } = pod;
    lines.push(`pod ${extents(supers)} / ${extents(single)} ${JSON.stringify(podRest)}`);
    for (const run of p2mRuns(p2m)) {
      for (let g = run.gfn; g < p2mEnd(run); g++) lines.push(`${g} ${p2mMfn(run, g) ?? 'pod'}`);
    }
  }
  lines.push(String(xen.heap.totalAvailPages), String(xen.heap.outstandingClaims), xen.consoleRing);
  return lines.join('\n');
}

/** A list's extents one by one: how they are grouped into runs is nobody's business. */
const extents = (list: readonly ExtentGroup[]): string =>
  list.map((group) => Array.from({ length: group.count }, (_, i) => extentMfn(group, i)).join(' ')).join(' ');

/** Page by page: every mapped frame belongs to its domain and is mapped once on the whole host. */
export function ownershipErrors(xen: Xen): string[] {
  const wrong: string[] = [];
  const seen = new Map<number, string>();
  const take = (frame: number, what: string): void => {
    const before = seen.get(frame);
    if (before !== undefined) wrong.push(`frame ${frame} is ${before} and ${what}`);
    seen.set(frame, what);
  };
  for (const id of domids(xen)) {
    const { p2m, pod, paging, structures } = domainOf(xen, id);
    for (const run of p2mRuns(p2m).filter((r) => !isPod(r))) {
      for (let g = run.gfn; g < p2mEnd(run); g++) take(p2mMfn(run, g)!, `d${id} gfn ${g}`);
    }
    for (const group of [
      ...pod.super,
      ...pod.single,
      ...paging.freelist,
      ...paging.p2mPages,
      ...structures,
    ]) {
      for (const { mfn, order: o, count, stride } of groupBlocks(group)) {
        for (let i = 0; i < count; i++) {
          for (let k = 0; k < 2 ** o; k++) take(mfn + i * stride + k, `d${id}'s own`);
        }
      }
    }
  }
  for (const [frame, what] of seen) {
    if (ownerOf(xen.heap, frame) === 'free') wrong.push(`frame ${frame} is free and ${what}`);
  }
  return wrong;
}
