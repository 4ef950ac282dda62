/** The guest's balloon driver against a small Xen that has only so much memory. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { flows } from '../../src/toolstack/flows.ts';
import { newTask, type Reply, type Request, step, type Task } from '../../src/toolstack/task.ts';

interface Toy {
  target: number;
  word: string;
  /** Pages Xen still has. */
  free: number;
  readonly asked: {
    readonly name: string;
    readonly frames: number;
    readonly first: number;
    readonly order: number;
  }[];
  readonly waits: (number | undefined)[];
  shutdown: number | null;
}

function answer(toy: Toy, request: Request): Reply {
  if (request.kind === 'xs') {
    const { call } = request;
    if (call.op === 'write' && call.path.endsWith('control/shutdown')) toy.word = call.value;
    if (call.op !== 'read') return { rc: 0 };
    if (call.path.endsWith('memory/target')) return { rc: 0, value: String(toy.target * 4) };
    if (call.path.endsWith('memory/static-max')) return { rc: 0, value: '4096' };
    return { rc: 0, value: toy.word };
  }
  if (request.kind !== 'hypercall') return { rc: 0 };
  if (request.name === 'SCHEDOP_shutdown') {
    toy.shutdown = request.args.reason;
    return { rc: 0 };
  }
  if (request.name !== 'XENMEM_populate_physmap' && request.name !== 'XENMEM_decrease_reservation')
    return { rc: 0 };
  const { nrExtents, extentStart, extentOrder } = request.args;
  toy.asked.push({
    name: request.name,
    frames: nrExtents,
    first: extentStart?.[0]?.first ?? -1,
    order: extentOrder,
  });
  if (request.name === 'XENMEM_decrease_reservation') {
    toy.free += nrExtents;
    return { rc: nrExtents };
  }
  const got = Math.min(nrExtents, toy.free);
  toy.free -= got;
  return { rc: got };
}

/** Runs the guest until it waits, or ends. */
function settle(toy: Toy, from: Task | null): Task {
  let task = from ?? newTask('guest', 'guest', { domid: 1, type: 'pvh', ram: [[0, 1024]] });
  let reply: Reply = { rc: 0, fired: 'timeout' };
  for (let n = 0; n < 10_000; n++) {
    const stepped = step(flows, task, reply);
    task = stepped.task;
    if (stepped.request === null) return task;
    if (stepped.request.kind === 'wait') {
      toy.waits.push(stepped.request.ns);
      return task;
    }
    reply = answer(toy, stepped.request);
  }
  throw new Error('the guest does not come to rest');
}

const toyOf = (target: number, free = 0): Toy => ({
  target,
  word: '',
  free,
  asked: [],
  waits: [],
  shutdown: null,
});

describe('balloon_thread', () => {
  it('gives back its highest frames, page by page, and waits for a new target', () => {
    const toy = toyOf(1000);
    settle(toy, null);
    expect(toy.asked).toEqual([{ name: 'XENMEM_decrease_reservation', frames: 24, first: 1000, order: 0 }]);
    expect(toy.waits).toEqual([undefined]);
  });

  it('takes the same frames again when the target rises', () => {
    const toy = toyOf(1000);
    const task = settle(toy, null);
    toy.target = 1024;
    settle(toy, task);
    expect(toy.asked[1]).toEqual({ name: 'XENMEM_populate_physmap', frames: 24, first: 1000, order: 0 });
    expect(toy.free).toBe(0);
  });

  it('keeps what it got, and tries again after 1, 2, 4, … at most 32 seconds', () => {
    const toy = toyOf(1000);
    let task = settle(toy, null);
    toy.target = 1024;
    toy.free = 10;
    for (let n = 0; n < 8; n++) task = settle(toy, task);
    expect(toy.waits.slice(1).map((ns) => (ns ?? 0) / 1e9)).toEqual([1, 2, 4, 8, 16, 32, 32, 32]);
    expect(toy.asked.slice(1, 3).map((a) => a.frames)).toEqual([24, 14]);
  });

  it('holds exactly its target after any targets, when Xen has the memory', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 1024 }), { minLength: 1, maxLength: 6 }), (targets) => {
        const toy = toyOf(1024);
        let task: Task | null = null;
        for (const target of targets) {
          toy.target = target;
          task = settle(toy, task);
        }
        expect(1024 - toy.free).toBe(targets[targets.length - 1]);
      }),
    );
  });
});

describe('control/shutdown', () => {
  it('is acknowledged before the guest stops with the reason asked for', () => {
    const toy = { ...toyOf(1024), word: 'reboot' };
    const task = settle(toy, null);
    expect([toy.word, toy.shutdown, task.frames.length]).toEqual(['', 1, 0]);
  });

  it('leaves a suspended guest where it can go on', () => {
    const toy = { ...toyOf(1024), word: 'suspend' };
    const task = settle(toy, null);
    expect([toy.shutdown, task.frames.length]).toEqual([2, 1]);
  });
});
