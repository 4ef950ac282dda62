import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ESRCH } from '../../src/hypervisor/errno.ts';
import { type HypercallTask, hypercallStart, hypercallStep } from '../../src/hypervisor/hypercall-step.ts';
import type { Hypercall } from '../../src/hypervisor/privcmd.ts';
import { domId, gfn, order } from '../../src/hypervisor/units.ts';
import { checkXenInvariants } from '../../src/hypervisor/xen-invariants.ts';
import { ownershipErrors } from './random-calls.ts';
import { TestHost } from './test-host.ts';

const populate = (domid: number, n: number, o: number): Hypercall => ({
  name: 'XENMEM_populate_physmap',
  args: {
    domid: domId(domid),
    extentOrder: order(o),
    nrExtents: n,
    extentStart: [{ first: gfn(0), count: n, stride: 2 ** o }],
    memFlags: {},
  },
});

/** Steps tasks by the schedule, round after round, until all have ended; returns their results. */
function run(host: TestHost, calls: readonly Hypercall[], schedule: readonly number[]): number[] {
  const tasks: (HypercallTask | null)[] = calls.map((call, i) =>
    hypercallStart(host.xen, { caller: 0 }, call, i),
  );
  const results = calls.map(() => -1);
  for (let i = 0; tasks.some((task) => task !== null); i++) {
    const who = (schedule[i % schedule.length] ?? 0) % calls.length;
    const index = tasks[who] === null ? tasks.findIndex((task) => task !== null) : who;
    const stepped = hypercallStep(host.xen, tasks[index]!);
    // A task is plain data: it survives JSON between any two steps.
    tasks[index] =
      stepped.reply === null ? (JSON.parse(JSON.stringify(stepped.task)) as HypercallTask) : null;
    if (stepped.reply !== null) results[index] = stepped.reply.rc;
  }
  return results;
}

describe('two builders at once', () => {
  it('both fail late when each saw enough, and one of them succeeds alone', () => {
    const host = new TestHost();
    const [a, b] = [host.create('pvh', 2 ** 20), host.create('pvh', 2 ** 20)];
    const each = Math.floor((host.free() * 0.75) / 512);
    const [first, second] = run(host, [populate(a, each, 9), populate(b, each, 9)], [0, 1]);
    expect(first).toBeLessThan(each);
    expect(second).toBeLessThan(each);
    host.destroy(b);
    host.destroy(a);
    const c = host.create('pvh', 2 ** 20);
    expect(host.populate(c, 0, each, 9)).toBe(each);
  });

  it('leave the one that claimed unharmed', () => {
    // 4000 pages are free, each wants 3000; the claim guards pages, so they are taken one by one.
    const host = new TestHost();
    const [a, b] = [host.create('pv', 2 ** 20), host.create('pv', 2 ** 20)];
    const filler = host.create('pv', 2 ** 20);
    host.populate(filler, 0, host.free() - 4000, 0);
    expect(host.claim(a, 3000)).toBe(0);
    expect(run(host, [populate(a, 3000, 0), populate(b, 3000, 0)], [0, 1])).toEqual([3000, 1000]);
  });

  it('leave a sound host behind in any order when two destroy one domain: one of them finds it gone', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(2), { minLength: 1, maxLength: 40 }), (schedule) => {
        const host = new TestHost();
        const free = host.free();
        const a = host.create('pvh', 2 ** 20);
        host.populate(a, 0, 2500, 0);
        expect(host.claim(a, 3000)).toBe(0);
        const destroy: Hypercall = { name: 'XEN_DOMCTL_destroydomain', args: { domid: domId(a) } };
        const [, ...rcs] = run(host, [populate(a, 500, 0), destroy, destroy], schedule);
        expect(rcs.sort((x, y) => x - y)).toEqual([-ESRCH, 0]);
        expect(checkXenInvariants(host.xen)).toEqual([]);
        expect([host.free(), host.xen.heap.outstandingClaims]).toEqual([free, 0]);
      }),
      { numRuns: 50, seed: 5 },
    );
  });

  it('leave a sound host behind in any order, also when a domain is destroyed under its builder', () => {
    const schedules = fc.array(fc.nat(2), { minLength: 1, maxLength: 40 });
    fc.assert(
      fc.property(
        schedules,
        fc.constantFrom(0, 3, 9),
        fc.constantFrom('idle', 'off'),
        (schedule, o, bootscrub) => {
          const host = new TestHost({ bootscrub });
          const [a, b] = [host.create('pvh', 2 ** 20), host.create('pvh', 2 ** 20)];
          const n = Math.floor(4096 / 2 ** o);
          const destroy: Hypercall = { name: 'XEN_DOMCTL_destroydomain', args: { domid: domId(b) } };
          const [first] = run(host, [populate(a, n, o), populate(b, n, o), destroy], schedule);
          expect(first).toBe(n);
          expect(checkXenInvariants(host.xen)).toEqual([]);
          expect(ownershipErrors(host.xen)).toEqual([]);
          host.destroy(a);
          expect(host.xen.heap.outstandingClaims).toBe(0);
        },
      ),
      { numRuns: 25, seed: 4 },
    );
  });
});
