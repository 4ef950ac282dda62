/** What is served in one go equals what is served one by one: the heap, the clock, the locks, the tasks. */
import { describe, expect, it } from 'vitest';
import { reportHost } from '../../src/cli/host-report.ts';
import type { Play, Surroundings } from '../../src/explorer/play.ts';
import { play } from '../../src/explorer/replay.ts';
import { parseScenario } from '../../src/explorer/scenario-file.ts';
import { saveXen } from '../../src/hypervisor/xen-save.ts';

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

const seen = ({ world, machine, log, failures, hung, run }: Play): object => ({
  xen: saveXen(world.xen),
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

const twoBuilders = (at: string, sizes: readonly [number, number]): string => `
host: { memory: 256M, dom0: 64M }
steps:
  - { hypercall: XEN_DOMCTL_createdomain, args: { name: a, type: pv } }
  - { hypercall: XEN_DOMCTL_createdomain, args: { name: b, type: pv } }
  - { hypercall: XEN_DOMCTL_max_mem, args: { domid: a, max_memkb: 1048576 } }
  - { hypercall: XEN_DOMCTL_max_mem, args: { domid: b, max_memkb: 1048576 } }
  - parallel:
      - { hypercall: XENMEM_populate_physmap, args: { domid: a, nr_extents: ${sizes[0]} } }
      - { at: ${at}, hypercall: XENMEM_populate_physmap, args: { domid: b, nr_extents: ${sizes[1]} } }
`;

describe('populate_physmap by builders that take turns', () => {
  it.each([
    ['from the same moment on', '0s', [3000, 3000]],
    ['out of step', '700ns', [3000, 2500]],
    ['until memory ends', '1100ns', [30000, 30000]],
    ['one of them much shorter', '4us', [9000, 17]],
  ] as const)('ends like turns one by one: %s', (_what, at, sizes) => {
    const text = twoBuilders(at, sizes);
    const [batched, single] = [played(text, true), played(text, false)];
    expect(seen(batched)).toEqual(seen(single));
    expect(batched.run.steps).toBeLessThan(single.run.steps);
  });

  it('ends like turns one by one for whole creations on a host in pieces', () => {
    const text = `
host: { memory: 512M, dom0: 64M }
xlconf: { claim_mode: 0, autoballoon: "off" }
guests: { one: { type: pvh, memory: 64 }, two: { type: pv, memory: 48 }, three: { type: pv, memory: 200 } }
steps:
  - set: { fragment: { largest: 4K } }
  - parallel: [xl create one, { at: 3us, run: xl create two }, { at: 40us, run: xl create three }]
`;
    expect(seen(played(text, true))).toEqual(seen(played(text, false)));
  });
});
