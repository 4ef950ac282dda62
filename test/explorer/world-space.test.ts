/** A host with a parallel block on it as a space: what its states are, who can go on, how it ends. */
import { describe, expect, it } from 'vitest';
import { continueSearch, startSearch } from '../../src/explorer/exhaustive.ts';
import { newWorldSpace } from '../../src/explorer/world-space.ts';
import { hypercall } from '../../src/hypervisor/hypercall.ts';
import { domId, gfn, order } from '../../src/hypervisor/units.ts';
import { markXen, rollbackXen } from '../../src/hypervisor/xen-mark.ts';
import { saveXen } from '../../src/hypervisor/xen-save.ts';
import { blockOf, kindsOf, spaceOf, twoBuilders } from './space-fixture.ts';
import { walkAll } from './walk-all.ts';

const creates = (claimMode: number): string => `
host: { memory: 256M, dom0: 64M }
xlconf: { claim_mode: ${claimMode}, autoballoon: "off" }
guests:
  a: { type: pv, memory: 110 }
  b: { type: pv, memory: 110 }
steps:
  - parallel: [xl create a, xl create b]
`;

/** Without any search: how many hosts come of all the ways in which two domains can get up to `n` pages each, one by one. */
function hostsOf(n: number): number {
  const { xen } = blockOf(twoBuilders(n)).play.world;
  const hosts = new Set<string>();
  const got = [0, 0];
  const follow = (): void => {
    hosts.add(JSON.stringify(saveXen(xen)));
    for (const i of [0, 1]) {
      if (got[i] === n) continue;
      const mark = markXen(xen);
      const extentStart = [{ first: gfn(got[i]!), count: 1, stride: 1 }];
      const args = { domid: domId(i + 1), extentOrder: order(0), nrExtents: 1, extentStart, memFlags: {} };
      const { rc } = hypercall(xen, { caller: 0, node: 0 }, { name: 'XENMEM_populate_physmap', args });
      expect(rc).toBe(1);
      got[i]!++;
      follow();
      got[i]!--;
      rollbackXen(xen, mark);
    }
  };
  follow();
  return hosts.size;
}

describe('a world as a space', () => {
  it('counts by class who has how much, and exactly who got which frame in which order', () => {
    const grain = { extents: 1 };
    for (const n of [4, 5]) {
      // (n + 1)^2 pairs of progress.
      expect(walkAll(spaceOf(twoBuilders(n), { grain })).states).toBe((n + 1) ** 2);
      // The sum of the binomials (i + j over i), which is (2n + 2 over n + 1) - 1; 705,431 where n is 10.
      const exact = n === 4 ? 251 : 923;
      expect(walkAll(spaceOf(twoBuilders(n), { grain, ownership: 'exact' })).states).toBe(exact);
      expect(hostsOf(n)).toBe(exact);
    }
  });

  it('has one transition for each hypercall at the grain of hypercalls', () => {
    expect(walkAll(spaceOf(twoBuilders(4)))).toMatchObject({ states: 4, transitions: 4 });
  });

  it('goes to any state from any other', () => {
    const space = spaceOf(twoBuilders(3), { grain: { extents: 1 } });
    const steps = (order: readonly number[]): string => {
      const state = new Int32Array(space.width + 64);
      const next = new Int32Array(space.width + 64);
      space.start(state, 0);
      for (const task of order) {
        space.step(state, 0, task, next, 0);
        state.set(next);
      }
      return state.join();
    };
    const met = steps([0, 1, 0, 1]);
    expect(steps([1, 1, 1])).not.toBe(met);
    expect(steps([1, 1, 0, 0])).toBe(met);
    expect(steps([0, 0, 1, 1])).toBe(met);
  });

  it('lets a step that begins later begin at any moment, but after those that begin before it', () => {
    const begins = (...at: readonly string[]): string =>
      at.reduce(
        (text, time, i) =>
          `${text}      - { at: ${time}, hypercall: XENMEM_populate_physmap, args: { domid: ${i % 2 === 0 ? 'b' : 'a'}, nr_extents: 1 } }\n`,
        twoBuilders(2),
      );
    // Two lanes side by side have 2 * 2 states; a third and a fourth, of which one comes before the other, 3 times as many.
    expect(walkAll(spaceOf(twoBuilders(2)))).toMatchObject({ states: 4, transitions: 4 });
    expect(walkAll(spaceOf(begins('1ms', '2ms')))).toMatchObject({ states: 12, transitions: 20 });
    expect(walkAll(spaceOf(begins('1ms', '1ms')))).toMatchObject({ states: 16, transitions: 32 });
  });

  it('learns what Xen made of a call where the call brings more cells than there was room for', () => {
    const space = spaceOf(`
host: { memory: 256M, dom0: 64M }
xlconf: { autoballoon: "off" }
guests: { a: { type: pv, memory: 4 } }
steps:
  - parallel:
      - { times: 40, run: "xl create a 'name=\\"a{i}\\"'" }
      - { times: 50, run: xl info }
`);
    let state = new Int32Array(1);
    const go = (task: number): void => {
      const next = new Int32Array(1);
      space.step(state, 0, task, next, 0);
      state = next;
    };
    space.start(state, 0);
    const start = state;
    // Places behind those at which the domains come are written: an answer must not be filed under what is there.
    for (let i = 0; i < 5 * 50; i++) go(40 + Math.floor(i / 5));
    state = start;
    for (let i = 0; i < 6 * 40; i++) go(Math.floor(i / 6));
    expect(space.enabled(state, 0, new Int32Array(space.tasks))).toBe(90);
  });

  it('has as many cells as a block has steps', () => {
    const space = spaceOf('steps:\n  - parallel:\n      - { times: 4200, run: xl list }\n');
    const state = new Int32Array(1);
    const tasks = new Int32Array(space.tasks);
    space.start(state, 0);
    expect(space.enabled(state, 0, tasks)).toBe(4200);
  });

  it.each(['hypercall', { extents: 64 }] as const)('lets two destroy one guest, by %j', (grain) => {
    const space = spaceOf(
      `
host: { memory: 256M, dom0: 64M }
guests: { a: { type: pv, memory: 4 } }
steps:
  - xl create a
  - parallel: [xl destroy a, { guest: a crash }]
`,
      { grain, isChecked: true },
    );
    // The other one is the daemon that looks after the guest.
    expect(kindsOf(space, walkAll(space, 400))).toEqual(['done done', 'done failed', 'failed done']);
  });

  it('tells a create that was refused from one that failed late', () => {
    const walk = (claimMode: number): string[] => {
      const space = spaceOf(creates(claimMode));
      return kindsOf(space, walkAll(space, 400));
    };
    expect(walk(1)).toEqual(['started refused']);
    expect(walk(0)).toEqual(['started late']);
  });

  it('asks the host of few populates, claims and maps where no frame has its place', () => {
    const text = `
host: { memory: 256M, dom0: 64M }
xlconf: { claim_mode: 1, autoballoon: "off" }
guests: { a: { type: pvh, memory: 20 }, b: { type: pvh, memory: 20 } }
steps: [{ parallel: [xl create a, xl create b] }]
`;
    const asked = (ownership: 'class' | 'exact'): number => {
      const space = newWorldSpace(blockOf(text), { grain: 'hypercall', ownership });
      continueSearch(startSearch(space, 'dfs'), 5000);
      return space.walk.called;
    };
    expect(asked('class')).toBeLessThan(asked('exact') / 2);
  });
});
