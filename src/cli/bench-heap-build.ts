/** Set-up, populate and destroy of large guests, by size, order, nodes and state of the memory. */
import { bootHeap } from '../hypervisor/boot-heap.ts';
import { ASSERT } from '../hypervisor/bug.ts';
import { createHeapDomain, setCreationFinished } from '../hypervisor/heap-domain.ts';
import type { HeapBoot } from '../hypervisor/heap-state.ts';
import { populateExtents } from '../hypervisor/populate-extents.ts';
import { destroyHeapDomain } from '../hypervisor/relinquish.ts';
import { cell, medianMs, ms, residentMib } from './bench-measure.ts';

const GIB = 2 ** 18;
const REPEATS = 15;
/** Xen's own code, compiled natively on a 2-core x86-64 machine, 1028 GiB host, one 4 KiB page at a time. */
const NATIVE_MS = 21_000 + 19_000 + 14_000;

/** A host with the PCI hole, 4 GiB more than the guest; the highest frame stays below 2^32 - 1. */
export function benchHost(gib: number, nodes: number, bootscrub: 'idle' | 'off'): HeapBoot {
  const total = Math.min((gib + 4) * GIB, 2 ** 32 - 2 - 4 * GIB) + 262144;
  const cut = Math.floor(total / 2 / GIB) * GIB;
  const low = [
    [1, 159],
    [256, 786432],
  ] as const;
  if (nodes === 1)
    return { nodes: [{ node: 0, ranges: [...low, [1048576, total + 786432]] }], cpuNode: 0, bootscrub };
  return {
    nodes: [
      { node: 0, ranges: [...low, [1048576, cut]] },
      { node: 1, ranges: [[cut, total + 786432]] },
    ],
    cpuNode: 0,
    bootscrub,
  };
}

function buildOnce(boot: HeapBoot, order: number, pages: number, unpaused: boolean): void {
  const h = bootHeap(boot);
  const d = createHeapDomain(h, { domid: 1, maxPages: 2 ** 32 - 2, nodeAffinity: null });
  if (unpaused) setCreationFinished(h, d);
  const count = Math.floor(pages / 2 ** order);
  const got = populateExtents(h, d, { order, count, node: null, exact: false });
  ASSERT(got.done === count, `the guest was given ${got.done} of ${count} extents`);
  destroyHeapDomain(h, d);
  ASSERT(h.domains.size === 0, 'the guest is gone');
}

/** The table. */
export function benchHeapBuild(print: (line: string) => void): void {
  const boot = benchHost(1024, 1, 'idle');
  const first = medianMs(1, () => buildOnce(boot, 0, 1024 * GIB, false));
  print(`  the very first one, before node has compiled anything: ${ms(first)} ms`);
  print('    guest  order  nodes  boot memory        ms  against Xen native');
  for (const nodes of [1, 2])
    for (const scrub of ['idle', 'off'] as const)
      for (const order of [0, 9, 18]) row(print, 1024, order, nodes, scrub, false);
  row(print, 1024, 0, 1, 'idle', true);
  print(`  resident after all 1 TiB guests: ${residentMib().toFixed(0)} MiB (whole process)`);
  for (const gib of [64, 256, 1024, 16384]) row(print, gib, 0, 1, 'idle', false);
  print(`  resident after 16 TiB: ${residentMib().toFixed(0)} MiB (whole process)`);
}

function row(
  print: (line: string) => void,
  gib: number,
  order: number,
  nodes: number,
  scrub: 'idle' | 'off',
  unpaused: boolean,
): void {
  const boot = benchHost(gib, nodes, scrub);
  // Not the last 8 GiB of the largest host: it has no room for more than its frames.
  const pages = Math.min(gib * GIB, 2 ** 32 - 8 * GIB);
  const time = medianMs(REPEATS, () => buildOnce(boot, order, pages, unpaused));
  const state = scrub === 'idle' ? 'dirty' : 'clean';
  const ratio = gib === 1024 && order === 0 ? `1 / ${Math.round(NATIVE_MS / time)}` : '';
  print(
    `${cell(`${gib} GiB`, 9)}${cell(order, 7)}${cell(nodes, 7)}  ${(unpaused ? `${state}, unpaused` : state).padEnd(15)}${cell(ms(time), 6)}  ${ratio}`,
  );
}
