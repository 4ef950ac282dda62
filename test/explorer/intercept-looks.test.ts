/** What an interceptor looks at is found out by the world that it is shown. */
import { describe, expect, it } from 'vitest';
import type { Interceptor } from '../../src/explorer/intercept.ts';
import { isLetThrough, lookedAtNothing, noting } from '../../src/explorer/intercept-looks.ts';
import { heapLock } from '../../src/explorer/remedies/heap-lock.ts';
import { maxPages } from '../../src/explorer/remedies/max-pages.ts';
import { domId, kib } from '../../src/hypervisor/units.ts';
import { hypercall } from '../../src/toolstack/task.ts';
import { blockOf, twoBuilders } from './space-fixture.ts';

const { world } = blockOf(twoBuilders(1)).play;
const TASK = 7;
const held = (...ids: readonly number[]): typeof world.locks => new Map([['heap_lock', ids]]);
const pause = hypercall('XEN_DOMCTL_pausedomain', { domid: domId(1) });
const maxMem = hypercall('XEN_DOMCTL_max_mem', { domid: domId(1), maxMemkb: kib(2 ** 30) });
const destroy = hypercall('XEN_DOMCTL_destroydomain', { domid: domId(1) });

describe('a request that somebody may come between', () => {
  it.each([
    ['nobody holds the lock', heapLock.intercept!, new Map(), destroy, true],
    ['another holds the lock it needs', heapLock.intercept!, held(3), destroy, false],
    ['another holds a lock that it does not need', heapLock.intercept!, held(3), pause, true],
    ['it holds the lock itself and lets it go', heapLock.intercept!, held(TASK), pause, false],
    ['it is looked at with the heap in view', maxPages.intercept!, new Map(), maxMem, false],
    ['it is none of theirs', maxPages.intercept!, new Map(), pause, true],
  ] as const)('is let through by the locks alone, or not: %s', (_what, intercept, locks, request, isLet) => {
    expect(isLetThrough(intercept, locks, TASK, null, request)).toBe(isLet);
  });

  it.each([
    ['nothing', maxPages.intercept!, pause, { locks: false, more: false, came: false }],
    ['the locks', heapLock.intercept!, pause, { locks: true, more: false, came: false }],
    ['the heap, and an answer', maxPages.intercept!, maxMem, { locks: false, more: true, came: true }],
  ] as const)('has noted what was looked at: %s', (_what, intercept, request, seen) => {
    const looked = lookedAtNothing();
    noting(intercept, looked)(world, TASK, null, request);
    expect(looked).toEqual(seen);
  });

  it('does not hide a fault of who comes between', () => {
    const faulty: Interceptor = () => {
      throw new TypeError('a fault');
    };
    expect(() => isLetThrough(faulty, new Map(), TASK, null, pause)).toThrow('a fault');
  });
});
