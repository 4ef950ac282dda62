import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ENOSYS, EPERM } from '../../src/hypervisor/errno.ts';
import { hypercall } from '../../src/hypervisor/hypercall.ts';
import { hypercallRun, hypercallStart } from '../../src/hypervisor/hypercall-step.ts';
import { checkXenInvariants } from '../../src/hypervisor/xen-invariants.ts';
import { markXen, rollbackXen } from '../../src/hypervisor/xen-mark.ts';
import { bootRandom, ownershipErrors, randomCall, randomHost, stateOf, twoGuests } from './random-calls.ts';
import { TestHost } from './test-host.ts';

type AnyCall = Parameters<typeof hypercall>[2];

const calls = fc.array(randomCall, { minLength: 5, maxLength: 30 }).map((list) => [...twoGuests, ...list]);

describe('hypercall', () => {
  it('refuses by its Xen name what is not modelled', () => {
    const host = new TestHost();
    for (const name of ['XENMEM_exchange', 'XENMEM_sharing_op', 'XENMEM_paging_op', 'tmem_op', 'toString']) {
      const reply = hypercall(host.xen, { caller: 0 }, { name, args: {} } as unknown as AnyCall);
      expect(reply).toEqual({ rc: -ENOSYS, refused: `${name} is not modelled` });
    }
  });

  it('answers sysctls to dom0 only', () => {
    const host = new TestHost();
    host.caller = host.create();
    expect(host.call('XEN_SYSCTL_physinfo', {}).rc).toBe(-EPERM);
  });

  it('leaves a sound host behind, whatever is asked', () => {
    fc.assert(
      fc.property(randomHost, calls, (config, list) => {
        const xen = bootRandom(config);
        for (const { caller, call } of list) {
          hypercall(xen, { caller }, call as AnyCall);
          expect(checkXenInvariants(xen)).toEqual([]);
        }
        expect(ownershipErrors(xen)).toEqual([]);
      }),
      { numRuns: 60, seed: 1 },
    );
  });

  it('equals its steps', () => {
    fc.assert(
      fc.property(randomHost, calls, (config, list) => {
        const inOneGo = bootRandom(config);
        const inSteps = bootRandom(config);
        for (const { caller, call } of list) {
          const { rc } = hypercall(inOneGo, { caller }, call as AnyCall);
          expect(hypercallRun(inSteps, hypercallStart(inSteps, { caller }, call, 0)).rc).toBe(rc);
        }
        expect(stateOf(inSteps)).toBe(stateOf(inOneGo));
      }),
      { numRuns: 30, seed: 2 },
    );
  });

  it('can be undone', () => {
    fc.assert(
      fc.property(randomHost, calls, calls, (config, before, after) => {
        const xen = bootRandom(config);
        for (const { caller, call } of before) hypercall(xen, { caller }, call as AnyCall);
        const state = stateOf(xen);
        const mark = markXen(xen);
        for (const { caller, call } of after) hypercall(xen, { caller }, call as AnyCall);
        const then = stateOf(xen);
        rollbackXen(xen, mark);
        expect(stateOf(xen)).toBe(state);
        for (const { caller, call } of after) hypercall(xen, { caller }, call as AnyCall);
        expect(stateOf(xen)).toBe(then);
      }),
      { numRuns: 20, seed: 3 },
    );
  });
});
