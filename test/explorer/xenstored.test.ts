import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { emptyXsState, serveXs, type XsState, xsFind } from '../../src/explorer/xenstored.ts';
import { EAGAIN, EINVAL, ENOENT } from '../../src/hypervisor/errno.ts';
import type { XsCall } from '../../src/toolstack/xenstore.ts';

const storeAfter = (calls: readonly XsCall[], from: XsState = emptyXsState): XsState =>
  calls.reduce((state, call) => serveXs(state, call).state, from);
const write = (path: string, value: string, tx?: number): XsCall =>
  tx === undefined ? { op: 'write', path, value } : { op: 'write', path, value, tx };

/** The same store as a flat map: a path's parents are there as soon as it is. */
function slowly(store: Map<string, string>, call: XsCall): void {
  if (call.op === 'write' || call.op === 'mkdir') {
    const parts = call.path.split('/');
    for (let i = 2; i < parts.length; i++) {
      const parent = parts.slice(0, i).join('/');
      if (!store.has(parent)) store.set(parent, '');
    }
    if (call.op === 'write') store.set(call.path, call.value);
    else if (!store.has(call.path)) store.set(call.path, '');
  } else if (call.op === 'rm') {
    for (const path of [...store.keys()]) {
      if (path === call.path || path.startsWith(`${call.path}/`)) store.delete(path);
    }
  }
}

const path = fc
  .array(fc.constantFrom('a', 'b', 'c', '0', '10'), { minLength: 1, maxLength: 4 })
  .map((parts) => `/${parts.join('/')}`);
const change = fc.oneof(
  fc.record({ op: fc.constant('write' as const), path, value: fc.string() }),
  fc.record({ op: fc.constant('mkdir' as const), path }),
  fc.record({ op: fc.constant('rm' as const), path }),
);

describe('do_write, do_mkdir, do_rm', () => {
  it('leave what a flat map of paths would hold', () => {
    fc.assert(
      fc.property(fc.array(change, { maxLength: 40 }), fc.array(path), (calls, looks) => {
        const store = new Map<string, string>();
        for (const call of calls) slowly(store, call);
        const state = storeAfter(calls);
        for (const at of [...store.keys(), ...looks]) {
          expect(xsFind(state.root, at)?.value ?? null).toBe(store.get(at) ?? null);
          const names = serveXs(state, { op: 'directory', path: at }).reply.entries;
          const wanted = [...store.keys()].filter((p) => p.slice(0, p.lastIndexOf('/')) === at);
          if (store.has(at))
            expect((names ?? []).map((name) => `${at}/${name}`).sort()).toEqual(wanted.sort());
        }
      }),
    );
  });

  it('never touch a state that somebody keeps', () => {
    const before = storeAfter([write('/a/b', '1')]);
    storeAfter([write('/a/b', '2'), { op: 'rm', path: '/a' }], before);
    expect(xsFind(before.root, '/a/b')?.value).toBe('1');
  });

  it('refuse what is not there', () => {
    expect(serveXs(emptyXsState, { op: 'read', path: '/a' }).reply.rc).toBe(-ENOENT);
    expect(serveXs(emptyXsState, { op: 'rm', path: '/a/b' }).reply.rc).toBe(-ENOENT);
    expect(serveXs(emptyXsState, write('/a', '', 5)).reply.rc).toBe(0 - EINVAL);
  });
});

describe('do_transaction_end', () => {
  it('commits all at once and fires what was written', () => {
    const open = storeAfter([{ op: 'transaction_start' }, write('/a', '1', 1)]);
    expect(xsFind(open.root, '/a')).toBeNull();
    const { state, reply, fired } = serveXs(open, { op: 'transaction_end', tx: 1, abort: false });
    expect(reply.rc).toBe(0);
    expect(fired).toEqual(['/a']);
    expect(xsFind(state.root, '/a')?.value).toBe('1');
  });

  it('fails with EAGAIN when somebody else wrote meanwhile', () => {
    const open = storeAfter([{ op: 'transaction_start' }, write('/a', '1', 1), write('/b', '2')]);
    const { state, reply } = serveXs(open, { op: 'transaction_end', tx: 1, abort: false });
    expect(reply.rc).toBe(-EAGAIN);
    expect(xsFind(state.root, '/a')).toBeNull();
  });
});
