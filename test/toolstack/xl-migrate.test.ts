/** Save, restore and migrate on booted hosts: who holds the memory, and that no claim is staked. */
import { describe, expect, it } from 'vitest';
import { initDom0 } from '../../src/explorer/init-dom0.ts';
import { runFrame } from '../../src/explorer/remote-frame.ts';
import { runCommand } from '../../src/explorer/run.ts';
import type { Outside } from '../../src/explorer/serve.ts';
import { newWorld, type World } from '../../src/explorer/world.ts';
import { bootHost } from '../../src/hypervisor/host-boot.ts';
import type { Request } from '../../src/toolstack/task.ts';

const GIB = 262144;
const CONFIG = 'name="g"\ntype="pvh"\nkernel="/boot/pvh.elf"\nmemory=1024\n';

function boot(gib: number): World {
  const xen = bootHost({
    memoryPages: gib * GIB,
    nodes: 1,
    cpus: 4,
    dom0Pages: GIB,
    xen: '4.22',
    bootscrub: 'idle',
  });
  const world = newWorld(xen, { seed: 1, xlConf: '', missingFiles: [] });
  initDom0(world, GIB);
  return world;
}

const local: Outside = { readFile: (path) => (path === 'g.cfg' ? CONFIG : -2), absolute: (path) => path };

interface Ran {
  readonly rc: number;
  readonly stderr: string;
  readonly claims: number;
}

function run(world: World, command: string, outside: Outside = local): Ran {
  let stderr = '';
  let claims = 0;
  const observer = {
    write: (stream: 'stdout' | 'stderr', text: string) => {
      if (stream === 'stderr') stderr += text;
    },
    served: (request: Request) => {
      if (request.kind === 'hypercall' && request.name === 'XENMEM_claim_pages') claims += 1;
    },
  };
  const { rc } = runCommand(world, outside, observer, command.split(' '), 'idle');
  return { rc, stderr, claims };
}

const free = (world: World): number => world.xen.heap.totalAvailPages;

describe('main_save', () => {
  it('gives the memory back once the guest is saved; restore takes it again without a claim', () => {
    const world = boot(8);
    const before = free(world);
    run(world, 'create g.cfg');
    const running = free(world);
    expect(run(world, 'save g /saved').rc).toBe(0);
    expect(free(world)).toBe(before);
    const restored = run(world, 'restore /saved');
    expect([restored.rc, restored.claims]).toEqual([0, 0]);
    expect(before - free(world)).toBeGreaterThanOrEqual(GIB);
    // The ACPI tables' pages come back with the rest of the stream: a few pages at most.
    expect(Math.abs(free(world) - running)).toBeLessThan(16);
  });

  it('resumes the guest where it was asked to keep it', () => {
    const world = boot(8);
    run(world, 'create g.cfg');
    const running = free(world);
    expect(run(world, 'save -c g /saved').rc).toBe(0);
    expect(free(world)).toBe(running);
    expect(run(world, 'shutdown -w g').rc).toBe(0);
  });
});

describe('main_migrate', () => {
  const towards = (there: World, seen: number[], here: World): Outside => ({
    ...local,
    remote: (_host, frame) => {
      const reply = runFrame(there, local, { write: () => {} }, frame);
      seen.push(free(here), free(there));
      return reply;
    },
  });

  it('holds the memory on both hosts until the receiver has started', () => {
    const [here, there] = [boot(8), boot(8)];
    const [hereFree, thereFree] = [free(here), free(there)];
    run(here, 'create g.cfg');
    const seen: number[] = [];
    const ran = run(here, 'migrate g there', towards(there, seen, here));
    expect([ran.rc, ran.stderr.endsWith('Migration successful.\n')]).toEqual([0, true]);
    expect(seen.every((pages, i) => (i % 2 === 0 ? hereFree : thereFree) - pages >= GIB)).toBe(true);
    expect(free(here)).toBe(hereFree);
    expect(run(there, 'shutdown -w g').rc).toBe(0);
  });

  it('goes on at the sender when the receiver has no memory', () => {
    const [here, there] = [boot(8), boot(2)];
    run(here, 'create g.cfg');
    const running = free(here);
    const ran = run(here, 'migrate g there', towards(there, [], here));
    expect([ran.rc, ran.stderr.includes('Migration failed, resuming at sender.')]).toEqual([1, true]);
    expect(free(here)).toBe(running);
    expect(run(here, 'shutdown -w g').rc).toBe(0);
  });

  it('fails without a host of that name, and the guest goes on', () => {
    const here = boot(8);
    run(here, 'create g.cfg');
    expect(run(here, 'migrate g nowhere').rc).toBe(1);
    expect(run(here, 'shutdown -w g').rc).toBe(0);
  });
});
