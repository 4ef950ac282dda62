import { describe, expect, it } from 'vitest';
import { census, type Owner } from '../../src/cli/heap-census.ts';
import { reportHost } from '../../src/cli/host-report.ts';
import { initDom0 } from '../../src/explorer/init-dom0.ts';
import { runCommand } from '../../src/explorer/run.ts';
import { newWorld, type World } from '../../src/explorer/world.ts';
import { ownerOf } from '../../src/hypervisor/heap-report.ts';
import { bootHost } from '../../src/hypervisor/host-boot.ts';
import { guestConfig } from './built-cli.ts';

/** A 512 MiB host of two nodes on which the given lines were run; `g.cfg` is a 64 MiB guest, `p.cfg` one with a PoD cache. */
function hostAfter(lines: readonly string[]): World {
  const xen = bootHost({
    memoryPages: 131072,
    nodes: 2,
    cpus: 2,
    dom0Pages: 16384,
    xen: '4.22',
    bootscrub: 'idle',
    nodeMemoryPages: [65536, 65536],
  });
  const world = newWorld(xen, { seed: 1, xlConf: '', missingFiles: [] });
  initDom0(world, 16384);
  const files: Readonly<Record<string, string>> = {
    'g.cfg': guestConfig('g', 48),
    'p.cfg': `${guestConfig('p', 32)}maxmem=64\n`,
  };
  const outside = { readFile: (path: string) => files[path] ?? -2, absolute: (path: string) => path };
  for (const line of lines) {
    const end = runCommand(world, outside, { write: () => undefined }, line.split(' '), 'idle');
    expect(end.rc).toBe(0);
  }
  return world;
}

const BUSY = ['create g.cfg', 'create p.cfg', 'mem-set g 30', 'create g.cfg name="h"', 'destroy g'];

describe('census', () => {
  it('counts every frame as ownerOf() names it, block by block', () => {
    const world = hostAfter(BUSY);
    const { layout } = world.xen;
    for (const { span, ranges } of layout.nodes) {
      const size = 1000;
      const blocks = { span, first: span[0], size, count: Math.ceil((span[1] - span[0]) / size) };
      const counts = census(world.xen, blocks, ranges);
      for (let block = 0; block < blocks.count; block++) {
        const slow = new Map<Owner, number>();
        for (let mfn = blocks.first + block * size; mfn < blocks.first + (block + 1) * size; mfn++) {
          if (!ranges.some(([from, to]) => mfn >= from && mfn < to)) continue;
          const found = ownerOf(world.xen.heap, mfn);
          const owner: Owner = found === 'anon' || found === 'none' ? 'around' : found;
          slow.set(owner, (slow.get(owner) ?? 0) + 1);
        }
        const fast = [...counts].map(([owner, column]) => [owner, column[block]] as const);
        expect(new Map(fast.filter(([, frames]) => frames !== 0))).toEqual(slow);
      }
    }
  });
});

describe('reportHost', () => {
  it('splits a domain by node into just what it has, its populate-on-demand cache included', () => {
    const { domains } = reportHost(hostAfter(BUSY));
    expect(domains.some((d) => d.podCachePages > 0)).toBe(true);
    for (const d of domains) expect(d.nodes.reduce((a, b) => a + b, 0)).toBe(d.totPages);
  });
});
