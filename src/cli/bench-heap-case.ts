/** One case of the heap bench: what is built, in this process or in one of its own. */
import { spawnSync } from 'node:child_process';
import { bootHeap } from '../hypervisor/boot-heap.ts';
import { ASSERT } from '../hypervisor/bug.ts';
import { createHeapDomain, setCreationFinished } from '../hypervisor/heap-domain.ts';
import type { HeapBoot } from '../hypervisor/heap-state.ts';
import { populateExtents } from '../hypervisor/populate-extents.ts';
import { allocInTurns, planTurns } from '../hypervisor/populate-in-turns.ts';
import { destroyHeapDomain } from '../hypervisor/relinquish.ts';
import { median } from './bench-measure.ts';

const GIB = 2 ** 18;
const FLAG = '--case=';

/** A guest, or several that are populated in turn, on a host with a little more memory. */
export interface HeapCase {
  readonly gib: number;
  readonly order: number;
  readonly nodes: number;
  readonly bootscrub: 'idle' | 'off';
  readonly unpaused: boolean;
  /** 1: one guest has it all. */
  readonly builders: number;
}

/** What one run took. */
export interface CaseCost {
  /** Set-up, populate and destroy. */
  readonly ms: number;
  /** Each builder's end, in milliseconds. */
  readonly ends: readonly number[];
  /** Resident memory of the whole process afterwards. */
  readonly mib: number;
}

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

const now = (): number => Number(process.hrtime.bigint()) / 1e6;

/** Runs the case in this process. */
export function runCase(c: HeapCase): CaseCost {
  const start = now();
  const h = bootHeap(benchHost(c.gib, c.nodes, c.bootscrub));
  // Not the last 8 GiB of the largest host: it has no room for more than its frames.
  const pages = Math.min(c.gib * GIB, 2 ** 32 - 8 * GIB);
  const doms = Array.from({ length: c.builders }, (_, i) =>
    createHeapDomain(h, { domid: i + 1, maxPages: 2 ** 32 - 2, nodeAffinity: null }),
  );
  if (c.unpaused) for (const d of doms) setCreationFinished(h, d);
  if (c.builders > 1) {
    const plan = planTurns(
      h,
      doms,
      doms.map(() => ({ order: 0, node: null, exact: false })),
    );
    ASSERT(plan !== null, 'equal guests go through the nodes alike');
    const turns = Math.floor(pages / c.builders);
    allocInTurns(h, plan, turns - (turns % plan.cycles[0]!.length));
  } else {
    const count = Math.floor(pages / 2 ** c.order);
    const got = populateExtents(h, doms[0]!, { order: c.order, count, node: null, exact: false });
    ASSERT(got.done === count, `the guest was given ${got.done} of ${count} extents`);
  }
  const ends = doms.map((d) => {
    const begin = now();
    destroyHeapDomain(h, d);
    return now() - begin;
  });
  ASSERT(h.domains.size === 0, 'the guests are gone');
  return { ms: now() - start, ends, mib: process.memoryUsage.rss() / 2 ** 20 };
}

/** Runs the case `repeats` times, each in a new process, and returns the medians. */
export function coldCase(c: HeapCase, repeats: number, section: string): CaseCost {
  const runs: CaseCost[] = [];
  for (let i = 0; i < repeats; i++) {
    const child = spawnSync(process.execPath, [process.argv[1]!, section, FLAG + JSON.stringify(c)], {
      encoding: 'utf8',
    });
    ASSERT(child.status === 0, `a case in a process of its own: ${child.stderr}`);
    runs.push(JSON.parse(child.stdout.trimEnd().split('\n').at(-1)!));
  }
  return {
    ms: median(runs.map((r) => r.ms)),
    ends: runs[0]!.ends.map((_, i) => median(runs.map((r) => r.ends[i]!))),
    mib: Math.max(...runs.map((r) => r.mib)),
  };
}

/** The case that this process was started for; null: it is the bench itself. */
export function ownCase(): HeapCase | null {
  const arg = process.argv.find((a) => a.startsWith(FLAG));
  return arg === undefined ? null : JSON.parse(arg.slice(FLAG.length));
}
