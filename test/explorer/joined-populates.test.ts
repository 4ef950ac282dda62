/** Populates that are made as one do what they do one by one. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { XenOp } from '../../src/explorer/call-memo.ts';
import { askingFor, extentsIn, extentsOfBoth } from '../../src/explorer/joined-populates.ts';
import { hypercall } from '../../src/hypervisor/hypercall.ts';
import { bytes, domId, gfn, nodeId, order } from '../../src/hypervisor/units.ts';
import type { Xen } from '../../src/hypervisor/xen.ts';
import {
  bootRandom,
  type RandomCall,
  randomCall,
  randomHost,
  stateOf,
  twoGuests,
} from '../hypervisor/random-calls.ts';

/** A builder that asks for so many extents in each of its calls. */
const builder = fc.record({
  domid: fc.integer({ min: 1, max: 2 }),
  size: fc.constantFrom(0, 3, 9, 9, 10),
  first: fc.nat(40),
  counts: fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 6 }),
  memFlags: fc.constantFrom({}, {}, { node: nodeId(0) }, { populateOnDemand: true }),
  gap: fc.constantFrom(0, 0, 0, 1),
});

type Builder = typeof builder extends fc.Arbitrary<infer T> ? T : never;

function opsOf({ domid, size, first, counts, memFlags, gap }: Builder): XenOp[] {
  let at = first * 1024;
  return counts.map((count) => {
    const args = {
      domid: domId(domid),
      extentOrder: order(size),
      nrExtents: count,
      extentStart: [{ first: gfn(at), count, stride: 2 ** size }],
      memFlags: { ...memFlags },
    };
    at += (count + gap) * 2 ** size;
    return { by: { caller: 0 }, call: { name: 'XENMEM_populate_physmap', args } };
  });
}

const make = (xen: Xen, { by, call }: XenOp): void => {
  hypercall(xen, by, call);
};

const pools: readonly RandomCall[] = [1, 2].map((domid) => ({
  caller: 0,
  call: { name: 'XEN_DOMCTL_set_paging_mempool_size', args: { domid: domId(domid), size: bytes(2 ** 20) } },
}));

describe('populates that go on from one another', () => {
  it('come to the same as one, frame by frame', () => {
    let joins = 0;
    let alone = 0;
    const calls = fc.array(randomCall, { maxLength: 15 });
    const builders = fc.array(builder, { minLength: 1, maxLength: 4 });
    const run = (host: Parameters<typeof bootRandom>[0], before: RandomCall[], asked: Builder[]): void => {
      const [one, other] = [bootRandom(host), bootRandom(host)];
      for (const { caller, call } of [...twoGuests, ...pools, ...before])
        for (const xen of [one, other]) hypercall(xen, { caller }, call);
      for (const ops of asked.map(opsOf)) {
        let [left] = ops;
        let extents = extentsIn(left!);
        make(one, left!);
        for (const op of ops.slice(1)) {
          make(one, op);
          const all = extentsOfBoth(other, left!, extents, op);
          if (all > 0) joins++;
          else {
            make(other, askingFor(left!, extents));
            left = op;
            alone++;
          }
          extents = all > 0 ? all : extentsIn(op);
        }
        make(other, askingFor(left!, extents));
        expect(stateOf(other)).toBe(stateOf(one));
      }
    };
    fc.assert(fc.property(randomHost, calls, builders, run), { numRuns: 60, seed: 3 });
    expect(joins).toBeGreaterThan(60);
    expect(alone).toBeGreaterThan(20);
  });

  it('are not joined where a limit of the domain ends one of them: what is taken and given back shows', () => {
    const xen = bootRandom({ nodes: 1, bootscrub: 'off', xen: '4.22' });
    for (const { caller, call } of [...twoGuests, ...pools]) hypercall(xen, { caller }, call);
    const one = { domid: 1, size: 9, first: 0, memFlags: {}, gap: 0 } as const;
    const [small, larger] = opsOf({ ...one, counts: [40, 40] });
    expect(extentsOfBoth(xen, small!, 40, larger!)).toBe(80);
    const [most, more] = opsOf({ ...one, counts: [97, 1] });
    expect(extentsOfBoth(xen, most!, 97, more!)).toBe(0);
  });
});
