/** Extents between their allocation and the guest's map: counted once, saved, undone, and never lost. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { extentInFlight } from '../../src/hypervisor/extents-in-flight.ts';
import { type HypercallTask, hypercallStart, hypercallStep } from '../../src/hypervisor/hypercall-step.ts';
import { checkInvariants } from '../../src/hypervisor/invariants.ts';
import type { Hypercall } from '../../src/hypervisor/privcmd.ts';
import { domId, gfn, order } from '../../src/hypervisor/units.ts';
import { checkXenInvariants } from '../../src/hypervisor/xen-invariants.ts';
import { markXen, rollbackXen } from '../../src/hypervisor/xen-mark.ts';
import { loadXen, saveXen } from '../../src/hypervisor/xen-save.ts';
import { TestHost } from './test-host.ts';

const populate = (domid: number, first: number, n: number, o: number): Hypercall => ({
  name: 'XENMEM_populate_physmap',
  args: {
    domid: domId(domid),
    extentOrder: order(o),
    nrExtents: n,
    extentStart: [{ first: gfn(first), count: n, stride: 2 ** o }],
    memFlags: {},
  },
});

const wrongIn = ({ xen }: TestHost): string[] => [...checkInvariants(xen.heap), ...checkXenInvariants(xen)];

/** A populate of a domain's that has taken its first extent. */
function inFlight(host: TestHost, domid: number, { caller = 0, n = 2, o = 9, by = 7 } = {}): HypercallTask {
  const task = hypercallStart(host.xen, { caller }, populate(domid, 0, n, o), by);
  return hypercallStep(host.xen, task).task;
}

/** Steps a task to its end. */
function finish(host: TestHost, task: HypercallTask): number {
  for (let at = task; ; ) {
    const stepped = hypercallStep(host.xen, at);
    expect(wrongIn(host)).toEqual([]);
    if (stepped.reply !== null) return stepped.reply.rc;
    at = stepped.task;
  }
}

describe('an extent in flight', () => {
  it("is nobody's, and counted once all the same", () => {
    const host = new TestHost();
    const a = host.create('pv');
    const free = host.free();
    const task = inFlight(host, a);
    expect(task.at).toBe('assign');
    expect(host.info(a).totPages).toBe(0);
    expect(host.free()).toBe(free - 512);
    expect(wrongIn(host)).toEqual([]);
    host.xen.heap.inFlight = [];
    expect(wrongIn(host)).toEqual([expect.stringMatching(/accounted for/)]);
  });

  it('is found out if it is somewhere else as well', () => {
    const host = new TestHost();
    const a = host.create('pv');
    inFlight(host, a);
    const { inFlight: extents } = host.xen.heap;
    host.xen.heap.inFlight = [...extents, { ...extents[0]!, by: 8 }];
    expect(checkInvariants(host.xen.heap)).toEqual([expect.stringMatching(/in two places/)]);
  });

  it('goes back where its domain turns out to be dying, gone, or full, and a claim it used up is lost', () => {
    const deeds: ((host: TestHost, a: number) => void)[] = [
      (host, a) => host.destroy(a),
      (host, a) => host.maxMem(a, 400),
    ];
    for (const deed of deeds) {
      const host = new TestHost();
      const before = host.free();
      const a = host.create('pv');
      expect(host.claim(a, 1024)).toBe(0);
      const task = inFlight(host, a);
      deed(host, a);
      expect(finish(host, task)).toBe(0);
      expect(host.xen.heap.inFlight).toEqual([]);
      if (host.xen.domains.has(a)) {
        expect(host.info(a).outstandingPages).toBe(512);
        host.destroy(a);
      }
      expect(host.free()).toBe(before);
    }
  });

  it('is saved with the heap, and undone with it', () => {
    const host = new TestHost();
    const a = host.create('pv');
    const mark = markXen(host.xen);
    const task = inFlight(host, a);
    const saved = JSON.parse(JSON.stringify(saveXen(host.xen)));
    const again = loadXen(saved);
    expect(again.heap.inFlight).toEqual(host.xen.heap.inFlight);
    expect(hypercallStep(again, task).task.at).toBe('map');
    expect(checkXenInvariants(again)).toEqual([]);
    rollbackXen(host.xen, mark);
    expect(host.xen.heap.inFlight).toEqual([]);
    saved.heap.inFlight[0].order = 77;
    expect(() => loadXen(saved)).toThrow(/in flight/);
  });

  it('has whoever pauses its vcpu wait until it is assigned; the vcpu goes on to map it', () => {
    const host = new TestHost();
    const a = host.create('pv');
    const task = inFlight(host, a, { caller: a });
    host.call('XEN_DOMCTL_pausedomain', { domid: domId(a) });
    expect(host.info(a).totPages).toBe(512);
    expect(extentInFlight(host.xen.heap, 7)).toMatchObject({ isAssigned: true });
    expect(finish(host, task)).toBe(2);
    expect(host.xen.heap.inFlight).toEqual([]);
  });

  it('leaves nothing behind where its own domain is destroyed: that vcpu never goes on', () => {
    const host = new TestHost();
    const free = host.free();
    const a = host.create('pv');
    inFlight(host, a, { caller: a });
    host.destroy(a);
    expect(host.xen.heap.inFlight).toEqual([]);
    expect(host.free()).toBe(free);
  });

  it('does not keep a PV guest that dies from dying', () => {
    const host = new TestHost();
    const a = host.create('pv');
    const { task } = hypercallStep(host.xen, inFlight(host, a));
    expect(task.at).toBe('map');
    let kill = hypercallStart(
      host.xen,
      { caller: 0 },
      { name: 'XEN_DOMCTL_destroydomain', args: { domid: domId(a) } },
      8,
    );
    while (kill.at !== 'free') kill = hypercallStep(host.xen, kill).task;
    // The page that it is about to map is free by now.
    expect(finish(host, task)).toBe(1);
    expect(hypercallStep(host.xen, kill).reply).toEqual({ rc: 0 });
  });
});

describe('populates side by side', () => {
  it('leave every count right at every step, whatever comes between', () => {
    const schedule = fc.array(fc.nat(4), { minLength: 5, maxLength: 40 });
    const world = fc.record({
      xen: fc.constantFrom('4.12', '4.21', '4.22'),
      bootscrub: fc.constantFrom('idle' as const, 'off' as const),
      o: fc.constantFrom(0, 3, 9),
      schedule,
    });
    fc.assert(
      fc.property(world, ({ xen, bootscrub, o, schedule }) => {
        const host = new TestHost({ xen, bootscrub });
        const [a, b] = [host.create('pvh', 2 ** 20), host.create('pv', 2 ** 20)];
        host.pool(a, 40);
        host.populate(b, 0, 600, 0);
        host.claim(b, 5000);
        const calls: readonly (readonly [number, Hypercall])[] = [
          [0, populate(a, 4096, 4, o)],
          [0, populate(b, 4096, 4, o)],
          [b, populate(b, 8192, 4, o)],
          [0, { name: 'XEN_DOMCTL_pausedomain', args: { domid: domId(b) } }],
          [0, { name: 'XEN_DOMCTL_destroydomain', args: { domid: domId(b) } }],
        ];
        const tasks = calls.map(([caller, call], by) => hypercallStart(host.xen, { caller }, call, by));
        const left = new Set(tasks.keys());
        const isOut = (at: number): boolean => {
          const { controllerPauseCount = 2 } = host.xen.domains.get(b) ?? {};
          // A guest's vcpu stands still while its domain is paused, and goes with it.
          return at === 2 && (controllerPauseCount > 1 || host.xen.heap.domains.get(b)?.isDying === true);
        };
        for (let i = 0; left.size > 0; i++) {
          const ready = [...left].filter((at) => !isOut(at));
          if (ready.length === 0) break;
          const at = ready[(schedule[i % schedule.length] ?? 0) % ready.length]!;
          const stepped = hypercallStep(host.xen, tasks[at]!);
          tasks[at] = stepped.task;
          if (stepped.reply !== null) left.delete(at);
          expect(wrongIn(host)).toEqual([]);
        }
        expect(host.xen.heap.inFlight).toEqual([]);
      }),
      { numRuns: 60, seed: 6 },
    );
  });
});
