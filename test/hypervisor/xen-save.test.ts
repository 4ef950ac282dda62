import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { hypercall } from '../../src/hypervisor/hypercall.ts';
import type { Xen } from '../../src/hypervisor/xen.ts';
import { loadXen, saveXen } from '../../src/hypervisor/xen-save.ts';
import { bootRandom, randomCall, randomHost, stateOf, twoGuests } from './random-calls.ts';
import { TestHost } from './test-host.ts';

type AnyCall = Parameters<typeof hypercall>[2];
type Json = { [key: string]: unknown };

const reloaded = (xen: Xen): Xen => loadXen(JSON.parse(JSON.stringify(saveXen(xen))));
const calls = fc.array(randomCall, { minLength: 3, maxLength: 20 }).map((list) => [...twoGuests, ...list]);

describe('a saved Xen', () => {
  it('goes on as if it had never been saved', () => {
    fc.assert(
      fc.property(randomHost, calls, calls, (config, before, after) => {
        const xen = bootRandom(config);
        for (const { caller, call } of before) hypercall(xen, { caller }, call as AnyCall);
        const again = reloaded(xen);
        expect(stateOf(again)).toBe(stateOf(xen));
        for (const { caller, call } of after) {
          const reply = hypercall(xen, { caller }, call as AnyCall);
          expect(hypercall(again, { caller }, call as AnyCall)).toEqual(reply);
        }
        expect(stateOf(again)).toBe(stateOf(xen));
      }),
      { numRuns: 30, seed: 5 },
    );
  });

  it('costs what its runs cost: 1 TiB in 100 domains is small', () => {
    const host = new TestHost({ memoryPages: 1024 * 262144, nodes: 2, cpus: 16 });
    for (let i = 0; i < 100; i++) {
      const a = host.create('pv', 2 ** 22);
      expect(host.populate(a, 0, 2 ** 21, 0)).toBe(2 ** 21);
    }
    expect(JSON.stringify(saveXen(host.xen)).length).toBeLessThan(500_000);
  });

  it('is refused when it is damaged, with the place and what is wrong there', () => {
    const host = new TestHost();
    host.populate(host.create(), 0, 100, 0);
    const damaged = (change: (saved: Json) => void): (() => Xen) => {
      const saved = JSON.parse(JSON.stringify(saveXen(host.xen))) as Json;
      change(saved);
      return () => loadXen(saved);
    };
    const domain = (saved: Json, id: number): Json => (saved.domains as Json[])[id]!;
    expect(damaged((s) => Object.assign(s, { version: 2 }))).toThrow(/made by a newer xlsim/);
    expect(damaged((s) => Object.assign(s, { format: 'x' }))).toThrow(/xen.format is not one of xlsim-xen/);
    expect(damaged((s) => delete s.cpupools)).toThrow('xen.cpupools is not there');
    expect(damaged((s) => Object.assign(domain(s, 1), { type: 'hvn' }))).toThrow('domains[1].type');
    expect(damaged((s) => Object.assign(domain(s, 1), { p2m: [[0, 0, 0]] }))).toThrow(
      'is not a group of extents',
    );
    expect(damaged((s) => Object.assign(domain(s, 1), { p2m: [[0, 0, 200, 5, 1]] }))).toThrow(
      /contradicts itself/,
    );
    expect(() => loadXen(null)).toThrow('xen.format is not there');
    expect(() => loadXen([])).toThrow('xen.format is not there');
  });
});
