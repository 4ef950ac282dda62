import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { emptyXsState, serveXs, type XsState } from '../../src/explorer/xenstored.ts';
import type { XsConflicts } from '../../src/explorer/xs-transaction.ts';
import { xsFind } from '../../src/explorer/xs-tree.ts';
import { EAGAIN, EINVAL, ENOENT } from '../../src/hypervisor/errno.ts';
import type { XsCall } from '../../src/toolstack/xenstore.ts';
import { SlowXenstored } from './slow-xenstored.ts';

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

  it('find every one of many children, whether their names are numbers that rise or not', () => {
    const name = fc.oneof(
      { weight: 4, arbitrary: fc.nat(120).map(String) },
      fc.constantFrom('07', 'x', '-1', '1e3'),
    );
    const names = fc.uniqueArray(name, { minLength: 20, maxLength: 60 });
    const inOrder = names.map((list) => [...list].sort((a, b) => Number(a) - Number(b)));
    fc.assert(
      fc.property(fc.oneof(names, inOrder), fc.array(name), fc.array(name), (made, gone, looks) => {
        const at = (each: string): string => `/local/domain/${each}`;
        const rm = gone.map((each): XsCall => ({ op: 'rm', path: at(each) }));
        const state = storeAfter([...made.map((each) => write(at(each), `of ${each}`)), ...rm]);
        for (const each of [...made, ...looks]) {
          const isThere = made.includes(each) && !gone.includes(each);
          expect(xsFind(state.root, at(each))?.value ?? null).toBe(isThere ? `of ${each}` : null);
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

  const codesAfter = (calls: readonly XsCall[], rule?: XsConflicts): readonly number[] => {
    let state = emptyXsState;
    return calls.map((call) => {
      const served = serveXs(state, call, rule);
      state = served.state;
      return served.reply.rc;
    });
  };
  const start: XsCall = { op: 'transaction_start' };
  const end: XsCall = { op: 'transaction_end', tx: 1, abort: false };
  const read = (at: string): XsCall => ({ op: 'read', path: at, tx: 1 });

  it.each([
    ['a node it has read', [read('/a/b'), write('/a/b', '2')]],
    ['a node it has read, even if to the same value', [read('/a/b'), write('/a/b', '1')]],
    ['a node it has written', [write('/a/b', '3', 1), write('/a/b', '2')]],
    ['the children of a node in which it has made one', [write('/a/c', '3', 1), write('/a/d', '2')]],
    ['what it found missing', [read('/a/c'), write('/a/c', '2')]],
  ])('fails with EAGAIN after a change of %s', (_what, calls: readonly XsCall[]) => {
    expect(codesAfter([write('/a/b', '1'), start, ...calls, end]).at(-1)).toBe(-EAGAIN);
  });

  it.each([
    ['another node', [write('/a/b', '3', 1), write('/x', '2')]],
    ['a child of a node it has read', [read('/a'), write('/a/b', '2')]],
    ['a node before it looked at it', [write('/a/b', '2'), read('/a/b')]],
  ])('does not fail after a change of %s; before 4.9 it did', (_what, calls: readonly XsCall[]) => {
    const all = [write('/a/b', '1'), start, ...calls, end];
    expect(codesAfter(all).at(-1)).toBe(0);
    expect(codesAfter(all, 'any change').at(-1)).toBe(-EAGAIN);
  });

  const inside = fc.option(fc.integer({ min: 1, max: 4 }), { nil: undefined });
  const call = fc.oneof(
    {
      weight: 6,
      arbitrary: fc.tuple(change, inside).map(([c, tx]) => (tx === undefined ? c : { ...c, tx })),
    },
    {
      weight: 4,
      arbitrary: fc
        .tuple(fc.constantFrom('read' as const, 'directory' as const), path, inside)
        .map(([op, at, tx]) => (tx === undefined ? { op, path: at } : { op, path: at, tx })),
    },
    { weight: 2, arbitrary: fc.constant<XsCall>(start) },
    {
      weight: 2,
      arbitrary: fc
        .tuple(fc.integer({ min: 1, max: 4 }), fc.boolean())
        .map(([tx, abort]): XsCall => ({ op: 'transaction_end', tx, abort })),
    },
  );

  it.each(['any change', 'node changed'] as const)('answers as nodes with generations do: %s', (rule) => {
    let again = 0;
    fc.assert(
      fc.property(fc.array(call, { minLength: 20, maxLength: 60, size: 'max' }), (calls) => {
        const slow = new SlowXenstored(rule === 'any change');
        let state = emptyXsState;
        for (const each of calls) {
          const served = serveXs(state, each as XsCall, rule);
          state = served.state;
          expect(served.reply).toEqual(slow.serve(each as XsCall));
          if (served.reply.rc === -EAGAIN) again++;
          for (const [at, { value, names }] of slow.nodes) {
            const node = xsFind(state.root, at);
            expect({ value: node?.value, names: node?.names }).toEqual({ value, names });
          }
        }
      }),
      { numRuns: 300 },
    );
    expect(again).toBeGreaterThan(20);
  });
});
