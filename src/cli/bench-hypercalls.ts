/** What a search does hundreds of thousands of times a second: one small hypercall, and taking it back. */
import { ASSERT } from '../hypervisor/bug.ts';
import { bootHost } from '../hypervisor/host-boot.ts';
import { hypercall } from '../hypervisor/hypercall.ts';
import type { HypercallArgs } from '../hypervisor/privcmd.ts';
import { bytes, domId, gfn, kib, order, pages } from '../hypervisor/units.ts';
import type { Xen } from '../hypervisor/xen.ts';
import { markXen, rollbackXen } from '../hypervisor/xen-mark.ts';
import { cell, missed } from './bench-measure.ts';

const TARGET_UNDO_NS = 1500;
const TARGET_CALL_NS = 1000;
const GIB = 2 ** 18;
const REPEATS = 7;
const ROUNDS = 20_000;
/** Calls in a row: so many GiB there are left. */
const ROW = 16;

const CREATE: HypercallArgs<'XEN_DOMCTL_createdomain'> = {
  type: 'pvh',
  hap: true,
  handle: '00112233-4455-4677-8899-aabbccddeeff',
  maxVcpus: 2,
  maxEvtchnPort: 1023,
  maxGrantFrames: -1,
  maxMaptrackFrames: -1,
  grantOpts: 2,
  emulationFlags: 0,
  flags: 0,
  iommuOpts: 0,
  miscFlags: 0,
};
const DOM0 = { caller: 0 };
const ONE = domId(1);

const populate = (xen: Xen, domid: number, at: number, o: number, count: number): number => {
  const first = gfn(at);
  const extentStart = [{ first, count, stride: 2 ** o }];
  const args = { domid: domId(domid), extentOrder: order(o), nrExtents: count, extentStart, memFlags: {} };
  return hypercall(xen, DOM0, { name: 'XENMEM_populate_physmap', args }).rc;
};

/** A 64 GiB host on which two guests of 40 GiB have been built in turn until 20 GiB each. */
function halfBuilt(): Xen {
  const xen = bootHost({
    memoryPages: 64 * GIB,
    nodes: 1,
    cpus: 8,
    dom0Pages: 4 * GIB,
    xen: '4.22',
    bootscrub: 'off',
  });
  for (const domid of [1, 2]) {
    ASSERT(
      hypercall(xen, DOM0, { name: 'XEN_DOMCTL_createdomain', args: CREATE }).rc === 0,
      'a domain is made',
    );
    const d = domId(domid);
    hypercall(xen, DOM0, { name: 'XEN_DOMCTL_max_vcpus', args: { domid: d, max: 2 } });
    hypercall(xen, DOM0, { name: 'XEN_DOMCTL_max_mem', args: { domid: d, maxMemkb: kib(41 * GIB * 4) } });
    const pool = bytes(90_000 * 1024);
    hypercall(xen, DOM0, { name: 'XEN_DOMCTL_set_paging_mempool_size', args: { domid: d, size: pool } });
  }
  for (let i = 0; i < 19; i++)
    for (const d of [1, 2]) ASSERT(populate(xen, d, (i + 4) * GIB, 18, 1) === 1, 'there is room');
  for (let i = 0; i < 128; i++)
    for (const d of [1, 2]) ASSERT(populate(xen, d, 2048 * i, 9, 4) === 4, 'there is room');
  return xen;
}

/** The least nanoseconds of several repeats. */
function leastNs(work: () => void): number {
  let least = Number.POSITIVE_INFINITY;
  for (let r = 0; r < REPEATS; r++) {
    const start = process.hrtime.bigint();
    for (let i = 0; i < ROUNDS; i++) work();
    least = Math.min(least, Number(process.hrtime.bigint() - start) / ROUNDS);
  }
  return least;
}

const CALLS: readonly (readonly [label: string, call: (xen: Xen, i: number) => void])[] = [
  ['populate_physmap, 1 extent of order 18', (xen, i) => populate(xen, 1, (23 + i) * GIB, 18, 1)],
  ['populate_physmap, 4 extents of order 9', (xen, i) => populate(xen, 1, GIB + 2048 * i, 9, 4)],
  ['populate_physmap, 1 extent of order 0', (xen, i) => populate(xen, 1, GIB + i, 0, 1)],
  [
    'claim_pages',
    (xen) =>
      hypercall(xen, DOM0, { name: 'XENMEM_claim_pages', args: { domid: ONE, nrExtents: pages(22 * GIB) } }),
  ],
  [
    'max_mem',
    (xen) =>
      hypercall(xen, DOM0, { name: 'XEN_DOMCTL_max_mem', args: { domid: ONE, maxMemkb: kib(40 * GIB * 4) } }),
  ],
  [
    'getdomaininfo',
    (xen) => hypercall(xen, DOM0, { name: 'XEN_DOMCTL_getdomaininfo', args: { domid: ONE } }),
  ],
  ['physinfo', (xen) => hypercall(xen, DOM0, { name: 'XEN_SYSCTL_physinfo', args: {} })],
  ['createdomain', (xen) => hypercall(xen, DOM0, { name: 'XEN_DOMCTL_createdomain', args: CREATE })],
];

/** A row a hypercall: as a search does it, by itself, and what of that is for going back. */
export function benchHypercalls(print: (line: string) => void): void {
  print(`  a 64 GiB host, two PVH guests of 40 GiB half built; the least of ${REPEATS} times ${ROUNDS}`);
  print(`  targets: ${TARGET_CALL_NS} ns a hypercall, ${TARGET_UNDO_NS} ns for mark and rollback around it`);
  print('  hypercall                               with mark and rollback, ns   itself, ns   difference');
  const xen = halfBuilt();
  for (const [label, call] of CALLS) {
    const all = leastNs(() => {
      const point = markXen(xen);
      call(xen, 0);
      rollbackXen(xen, point);
    });
    const itself = inARow(xen, call);
    const undo = all - itself;
    const cells = [cell(all.toFixed(0), 26), cell(itself.toFixed(0), 13), cell(undo.toFixed(0), 13)];
    print(`  ${label.padEnd(42)}${cells.join('')}`);
    missed(print, undo, TARGET_UNDO_NS, 'ns');
    missed(print, itself, TARGET_CALL_NS, 'ns');
  }
}

/** Nanoseconds of one call of several in a row, which are taken back together while the clock stands. */
function inARow(xen: Xen, call: (xen: Xen, i: number) => void): number {
  let least = Number.POSITIVE_INFINITY;
  for (let r = 0; r < REPEATS; r++) {
    let sum = 0;
    for (let i = 0; i < ROUNDS / ROW; i++) {
      const point = markXen(xen);
      const start = performance.now();
      for (let k = 0; k < ROW; k++) call(xen, k);
      sum += performance.now() - start;
      rollbackXen(xen, point);
    }
    least = Math.min(least, (sum * 1e6) / ROUNDS);
  }
  return least;
}
