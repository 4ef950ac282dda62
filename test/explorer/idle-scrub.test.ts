/** Dirty memory on the virtual clock: idle CPUs scrub it, or whoever is in a hurry does. */
import { describe, expect, it } from 'vitest';
import { reportHost } from '../../src/cli/host-report.ts';
import { dirtyPages, scrubIdle, scrubIdleOften } from '../../src/explorer/idle-scrub.ts';
import type { Play } from '../../src/explorer/play.ts';
import { play } from '../../src/explorer/replay.ts';
import { parseScenario } from '../../src/explorer/scenario-file.ts';
import { heapState } from '../model/heap-drive.ts';

const around = {
  readFile: () => -2,
  observe: reportHost,
  tables: () => '',
  readOutput: () => null,
  batches: true,
};
function played(steps: string, host: string, more = ''): Play {
  const guests = 'guests: { a: { type: pv, memory: 256 }, b: { type: pv, memory: 2560 } }';
  const scenario = parseScenario(`host: { ${host} }\n${guests}\n${more}\nsteps: [${steps}]\n`, 'test');
  if (!scenario.ok) throw new Error(JSON.stringify(scenario.problems));
  return play(scenario.value.stage, scenario.value.limits, around, false);
}

/** Failed expectations of a run of `steps`, and how long it took on the virtual clock. */
function run(steps: string, host = 'memory: 4G, dom0: 1G', more = ''): { failed: string[]; ns: number } {
  const { failures, world } = played(steps, host, more);
  return { failed: failures.map((f) => `${f.what}: ${f.expected}, ${f.got}`), ns: world.now };
}

describe('free memory', () => {
  it('is clean when a scenario begins, dirty on a host that has just booted', () => {
    expect(run('{ expect: { free_list: { dirty_pages: 0 } } }').failed).toEqual([]);
    const booted = 'memory: 4G, dom0: 1G, bootscrub: idle';
    expect(run('{ expect: { free_list: { dirty_pages: "> 700000" } } }', booted).failed).toEqual([]);
    expect(run('{ wait: 2s, expect: { free_list: { dirty_pages: 0 } } }', booted).failed).toEqual([]);
  });

  it('is dirty after a guest has gone, and clean once idle CPUs had the time', () => {
    const steps = `xl create a, { run: xl destroy a, expect: { free_list: { dirty_pages: "50000..60000" } } },
      { wait: 60ms, expect: { free_list: { dirty_pages: "20000..30000" } } },
      { wait: 90ms, expect: { free_list: { dirty_pages: 0 } } }`;
    expect(run(steps).failed).toEqual([]);
  });

  it('becomes clean block by block: some are while others are not', () => {
    const booted = 'memory: 4G, dom0: 1G, bootscrub: idle';
    const dirtyAt = (ns: number): number =>
      dirtyPages(
        played(`{ wait: ${ns}ns, expect: { free_list: { dirty_pages: ">= 1" } } }`, booted).world.xen.heap,
      );
    expect(dirtyAt(1) - dirtyAt(300e6)).toBe(150_000);
    expect(dirtyAt(1) - dirtyAt(300e6 + 1999)).toBe(150_000);
    expect(dirtyAt(1) - dirtyAt(300e6 + 2000)).toBe(150_001);
  });

  it('is as clean as time allows, whoever looks in between', () => {
    const host = 'memory: 4G, dom0: 1G, bootscrub: idle';
    const steps = (look: string): string =>
      `xl create a, { wait: 33333us }${look}, xl destroy a, { wait: 70001us }${look}, { guest: Domain-0 balloon-to 900M }${look}, xl create b`;
    const ends = [
      '',
      ', { expect: { invariants: ok } }, { expect: { free_list: { dirty_pages: ">= 1" } } }',
    ].map((look) => {
      const { world, failures } = played(steps(look), host);
      return { failed: failures.map((f) => f.got), now: world.now, heap: heapState(world.xen.heap) };
    });
    expect(ends[0]).toEqual(ends[1]);
  });

  it('is scrubbed by the builder that cannot wait, page by page', () => {
    const again = (pause: string): number => run(`xl create b, xl destroy b, ${pause} xl create b`).ns;
    const clean = again('{ wait: 5s },') - 5e9;
    const dirty = again('');
    // 2.5 GiB: idle CPUs clean as much at the same time as the builder, who takes what is clean first.
    const pages = (dirty - clean) / 2000;
    expect(pages).toBeGreaterThan(250_000);
    expect(pages).toBeLessThan(400_000);
    const alone = run('xl create b, xl destroy b, xl create b', 'memory: 4G, dom0: 1G, cpus: 1').ns;
    expect(alone).toBeGreaterThan(dirty);
  });

  it('stays dirty while every CPU is busy', () => {
    const { world, machine } = played('xl create a, xl destroy a', 'memory: 4G, dom0: 1G, cpus: 1');
    const dirty = dirtyPages(world.xen.heap);
    machine.onCpu.set(7, 0);
    world.now += 10e9;
    scrubIdle(world, machine);
    expect(dirtyPages(world.xen.heap)).toBe(dirty);
    machine.onCpu.delete(7);
    world.now += 10e9;
    scrubIdle(world, machine);
    expect([dirty > 0, dirtyPages(world.xen.heap)]).toEqual([true, 0]);
  });

  it('is where looks one by one leave it when many are made at once, to the one that ends the work', () => {
    const dirty = (): Play => played('xl create a, xl destroy a', 'memory: 4G, dom0: 1G, nodes: 2');
    const once = dirty();
    const often = dirty();
    // Work begins with the first look.
    for (const { machine } of [once, often]) machine.scrubs.length = 0;
    const left = dirtyPages(once.world.xen.heap);
    expect(left).toBeGreaterThan(20_000);
    // A page takes 2 us: the last three bring both nodes to the end of their work, and beyond.
    const series = [7, 1, 2, 3, 1000, 1, 400].map((looks, i) => ({ looks, every: 1 + 997 * i }));
    for (const { looks, every } of [
      ...series,
      ...[3, 2, 1, 4].map((looks) => ({ looks, every: left * 500 })),
    ]) {
      scrubIdleOften(once.world, once.machine, looks, every);
      for (let look = 0; look < looks; look++) {
        if (look > 0) often.world.now += every;
        scrubIdle(often.world, often.machine);
      }
      expect(once.world.now).toBe(often.world.now);
      expect(once.machine.scrubs).toEqual(often.machine.scrubs);
      expect(heapState(once.world.xen.heap)).toEqual(heapState(often.world.xen.heap));
    }
    expect(dirtyPages(once.world.xen.heap)).toBe(0);
  });

  it('costs the same page by page at either grain', () => {
    const steps = 'xl create b, xl destroy b, xl create b';
    const extents = run(steps, undefined, 'grain: extents').ns;
    expect(run(steps, undefined, 'grain: steps').ns / extents).toBeCloseTo(1, 1);
  });
});
