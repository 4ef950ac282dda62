/** One task advanced by one transition, whoever's turn somebody else says it is. */
import { describe, expect, it } from 'vitest';
import { requestTask } from '../../src/explorer/request-flow.ts';
import { startCommand } from '../../src/explorer/run.ts';
import { newRun, type Run } from '../../src/explorer/run-state.ts';
import { addTask } from '../../src/explorer/task-life.ts';
import { canTakeTurn, takeTurn } from '../../src/explorer/turn.ts';
import type { TurnGrain } from '../../src/explorer/turn-order.ts';
import { saveXen } from '../../src/hypervisor/xen-save.ts';
import type { Request } from '../../src/toolstack/task.ts';
import { modelHost } from '../toolstack/model-host.ts';

const GUEST = 'name="vm"\ntype="pvh"\nmemory=256\nvcpus=1\nkernel="/boot/vmlinuz"\n';
const outside = { absolute: (path: string) => path, readFile: () => GUEST };
const quiet = { write: () => {} };

function runOn(): Run {
  return newRun(modelHost().world, outside, null);
}

/** Lets the task with the lowest id go on until nobody can; returns the turns it took. */
function toTheEnd(run: Run, grain: TurnGrain, limit = 100_000): number {
  for (let turns = 0; turns < limit; turns++) {
    const [first] = canTakeTurn(run);
    if (first === undefined) return turns;
    takeTurn(run, first, grain);
  }
  return limit;
}

const populate = (domid: number, nrExtents: number): Request =>
  ({
    kind: 'hypercall',
    name: 'XENMEM_populate_physmap',
    args: {
      domid,
      nrExtents,
      extentOrder: 0,
      memFlags: {},
      extentStart: [{ first: 0, count: nrExtents, stride: 1 }],
    },
  }) as unknown as Request;

describe('takeTurn', () => {
  it.each(['hypercall', 'request', 'sections', { extents: 3 }] as const)(
    'ends a create where time ends it: %j',
    (grain) => {
      const run = runOn();
      const id = startCommand(run, ['create', 'cfg'], quiet, 0);
      while (!run.ended.has(id)) takeTurn(run, id, grain);
      const other = modelHost();
      expect(other.xl(['create', 'cfg'], GUEST, 'none').rc).toBe(run.ended.get(id));
      expect(saveXen(run.world.xen)).toEqual(saveXen(other.world.xen));
      expect(run.world.userdata).toEqual(other.world.userdata);
    },
  );

  it('leaves a populate after as many extents as the grain says', () => {
    const run = runOn();
    const create = newDomain(run);
    const before = run.world.xen.heap.totalAvailPages;
    const id = addTask(run.world, requestTask('populate', [populate(create, 7)]), null);
    takeTurn(run, id, { extents: 3 });
    expect(before - run.world.xen.heap.totalAvailPages).toBe(3);
    takeTurn(run, id, { extents: 3 });
    expect(before - run.world.xen.heap.totalAvailPages).toBe(6);
    expect(takeTurn(run, id, { extents: 3 }).ended).toBe(7);
  });

  it('tells a PV guest of the frames that a populate in one go tells of', () => {
    const told = (grain: TurnGrain): unknown => {
      const run = newRun(modelHost().world, { ...outside, readFile: () => GUEST.replace('pvh', 'pv') }, null);
      const domid = newDomain(run);
      const id = addTask(run.world, requestTask('populate', [populate(domid, 7)]), null);
      let frames: unknown = null;
      const served = (_request: Request, reply: object): void => {
        frames = (reply as { frames?: unknown }).frames;
      };
      run.observers.set(id, { served });
      while (run.world.tasks.some((task) => task.id === id)) takeTurn(run, id, grain);
      return frames;
    };
    expect(told('hypercall')).toEqual([expect.objectContaining({ count: 7 })]);
    expect(told('sections')).toEqual(told('hypercall'));
  });

  it('lets a sleeper go on only when nobody else can', () => {
    const run = runOn();
    const a = addTask(run.world, requestTask('sleeper', [{ kind: 'sleep', ns: 5 }]), null);
    const b = addTask(run.world, requestTask('worker', [populate(1, 1), populate(1, 1)]), null);
    takeTurn(run, a, 'hypercall');
    expect(canTakeTurn(run)).not.toContain(a);
    while (run.world.tasks.some((task) => task.id === b)) takeTurn(run, b, 'hypercall');
    const rest = canTakeTurn(run).filter((id) => id !== a);
    for (const id of rest) takeTurn(run, id, 'hypercall');
    expect(canTakeTurn(run)).toEqual([a]);
    takeTurn(run, a, 'hypercall');
    expect(run.world.now).toBe(5);
  });
});

function newDomain(run: Run): number {
  const before = new Set(run.world.xen.domains.keys());
  const id = startCommand(run, ['create', '-p', 'cfg'], quiet, 0);
  while (!run.ended.has(id)) takeTurn(run, id, 'hypercall');
  const made = [...run.world.xen.domains.keys()].find((domid) => !before.has(domid))!;
  const max = { domid: made, maxMemkb: 2 ** 30 };
  const request = { kind: 'hypercall', name: 'XEN_DOMCTL_max_mem', args: max } as unknown as Request;
  takeTurn(run, addTask(run.world, requestTask('max', [request]), null), 'hypercall');
  return made;
}

describe('intercept', () => {
  const withLock = (run: Run): void => {
    run.intercept = (_world, _task, _domid, request) =>
      request.kind === 'hypercall' && request.name === 'XENMEM_populate_physmap' ? { lock: 'heap' } : null;
  };
  const twoBuilders = (run: Run): readonly [number, number] => {
    const dom = newDomain(run);
    const both = [populate(dom, 2), populate(dom, 2)];
    return [
      addTask(run.world, requestTask('a', both), null),
      addTask(run.world, requestTask('b', both), null),
    ];
  };

  it('keeps others out while a lock is held, and lets the next one ask again', () => {
    const run = runOn();
    const [a, b] = twoBuilders(run);
    withLock(run);
    takeTurn(run, a, 'hypercall');
    const held = run.world.xen.heap.totalAvailPages;
    takeTurn(run, b, 'hypercall');
    expect(run.world.xen.heap.totalAvailPages).toBe(held);
    expect(canTakeTurn(run)).not.toContain(b);
    takeTurn(run, a, 'hypercall');
    expect(run.world.locks.get('heap')).toEqual([b]);
    takeTurn(run, b, 'hypercall');
    expect(run.world.xen.heap.totalAvailPages).toBe(held - 4);
    expect(toTheEnd(run, 'hypercall', 50)).toBeLessThan(50);
  });

  it('is what keeps them out', () => {
    const run = runOn();
    const [a, b] = twoBuilders(run);
    takeTurn(run, a, 'hypercall');
    const held = run.world.xen.heap.totalAvailPages;
    takeTurn(run, b, 'hypercall');
    expect(run.world.xen.heap.totalAvailPages).toBe(held - 2);
  });

  it('answers instead of the world', () => {
    const run = runOn();
    const [a] = twoBuilders(run);
    run.intercept = () => ({ reply: { rc: -12 } });
    expect(takeTurn(run, a, 'hypercall').ended).toBe(null);
    expect(takeTurn(run, a, 'hypercall').ended).toBe(-12);
  });
});
