/**
 * xenstored: serves requests on a tree that is replaced, never changed in place.
 *
 * A write copies the nodes on its path and shares the rest, so a transaction is a root that was kept, and comparing
 * two trees costs what differs. Models tools/xenstored/core.c and transaction.c without permissions and quotas.
 */
import { EAGAIN, EINVAL, ENOENT } from '../hypervisor/errno.ts';
import type { XsCall, XsReply } from '../toolstack/xenstore.ts';

/** A node: its value and, in order of creation, its children: name and node at the same place of two lists. */
export interface XsNode {
  readonly value: string;
  readonly names: readonly string[];
  readonly nodes: readonly XsNode[];
}

/** A store: the tree, what is open on it, and which domains it was introduced to. */
export interface XsState {
  readonly root: XsNode;
  /** Rises with every change of `root`. */
  readonly generation: number;
  /** Those that are open, by number. */
  readonly transactions: readonly (readonly [tx: number, transaction: XsTransaction])[];
  readonly nextTx: number;
  readonly introduced: readonly number[];
}

interface XsTransaction {
  readonly root: XsNode;
  /** The generation it started from. */
  readonly base: number;
  /** Paths it wrote or removed: their watches fire when it commits. */
  readonly touched: readonly string[];
}

/** What a request led to: the store after it, the reply, and the paths whose watches fire. */
export interface XsServed {
  readonly state: XsState;
  readonly reply: XsReply;
  readonly fired: readonly string[];
}

const NO_NAMES: readonly string[] = [];
const NO_NODES: readonly XsNode[] = [];
export const xsLeaf = (value: string): XsNode => ({ value, names: NO_NAMES, nodes: NO_NODES });

export const emptyXsState: XsState = {
  root: xsLeaf(''),
  generation: 0,
  transactions: [],
  nextTx: 1,
  introduced: [],
};

const SLASH = 47;

/** Where the next name on a path begins, from `at` on; the path's length: there is none. */
function nameAt(path: string, at: number): number {
  let from = at;
  while (path.charCodeAt(from) === SLASH) from++;
  return from;
}

/** Where the name that begins at `from` ends. */
function nameEnd(path: string, from: number): number {
  const slash = path.indexOf('/', from);
  return slash < 0 ? path.length : slash;
}

/** The node at `path`, or null. */
export function xsFind(root: XsNode, path: string): XsNode | null {
  let node: XsNode | undefined = root;
  for (let from = nameAt(path, 0); from < path.length; ) {
    const end = nameEnd(path, from);
    node = node.nodes[node.names.indexOf(path.slice(from, end))];
    if (node === undefined) return null;
    from = nameAt(path, end);
  }
  return node;
}

/**
 * The tree with `value` at `path`, from the name at `from` on; null: with what is there, or an empty node. Parents are
 * made as xenstored makes them, with empty values.
 */
function written(node: XsNode | undefined, path: string, from: number, value: string | null): XsNode {
  if (from >= path.length) {
    if (node === undefined) return xsLeaf(value ?? '');
    return value === null ? node : { value, names: node.names, nodes: node.nodes };
  }
  const end = nameEnd(path, from);
  const name = path.slice(from, end);
  const rest = nameAt(path, end);
  if (node === undefined) return { value: '', names: [name], nodes: [written(undefined, path, rest, value)] };
  const place = node.names.indexOf(name);
  if (place >= 0) return withChild(node, place, written(node.nodes[place], path, rest, value));
  const next = written(undefined, path, rest, value);
  return { value: node.value, names: appended(node.names, name), nodes: appended(node.nodes, next) };
}

function appended<T>(list: readonly T[], last: T): readonly T[] {
  const longer = list.slice();
  longer.push(last);
  return longer;
}

function withChild(node: XsNode, place: number, child: XsNode): XsNode {
  const nodes = node.nodes.slice();
  nodes[place] = child;
  return { value: node.value, names: node.names, nodes };
}

/** The tree without the node at `path`, which is there; the root itself stays. */
function removed(node: XsNode, path: string, from: number): XsNode {
  if (from >= path.length) return node;
  const end = nameEnd(path, from);
  const place = node.names.indexOf(path.slice(from, end));
  const rest = nameAt(path, end);
  if (rest < path.length) return withChild(node, place, removed(node.nodes[place]!, path, rest));
  return { value: node.value, names: without(node.names, place), nodes: without(node.nodes, place) };
}

function without<T>(list: readonly T[], place: number): readonly T[] {
  const shorter = list.slice();
  shorter.splice(place, 1);
  return shorter;
}

/** Serves one request. */
export function serveXs(state: XsState, call: XsCall): XsServed {
  switch (call.op) {
    case 'read': {
      const root = rootOf(state, call.tx);
      if (root === undefined) return refused(state, EINVAL);
      const node = xsFind(root, call.path);
      return node === null ? refused(state, ENOENT) : unchanged(state, { rc: 0, value: node.value });
    }
    case 'directory': {
      const root = rootOf(state, call.tx);
      if (root === undefined) return refused(state, EINVAL);
      const node = xsFind(root, call.path);
      return node === null ? refused(state, ENOENT) : unchanged(state, { rc: 0, entries: node.names });
    }
    case 'write':
    case 'mkdir': {
      const root = rootOf(state, call.tx);
      if (root === undefined) return refused(state, EINVAL);
      if (call.op === 'mkdir' && xsFind(root, call.path) !== null) return unchanged(state, DONE);
      const value = call.op === 'write' ? call.value : null;
      return changed(state, call.tx, call.path, written(root, call.path, nameAt(call.path, 0), value));
    }
    case 'rm':
      return remove(state, call.tx, call.path);
    case 'transaction_start':
      return startTransaction(state);
    case 'transaction_end':
      return endTransaction(state, call.tx, call.abort);
    case 'introduce': {
      const introduced = state.introduced.includes(call.domid)
        ? state.introduced
        : [...state.introduced, call.domid];
      return { state: { ...state, introduced }, reply: { rc: 0 }, fired: ['@introduceDomain'] };
    }
    case 'release': {
      if (!state.introduced.includes(call.domid)) return refused(state, ENOENT);
      const introduced = state.introduced.filter((domid) => domid !== call.domid);
      return { state: { ...state, introduced }, reply: { rc: 0 }, fired: ['@releaseDomain'] };
    }
  }
}

const DONE: XsReply = { rc: 0 };
const NONE: readonly string[] = [];
const unchanged = (state: XsState, reply: XsReply): XsServed => ({ state, reply, fired: NONE });
const refused = (state: XsState, errno: number): XsServed => unchanged(state, { rc: -errno });

/** The tree that a request sees; undefined for a transaction that is not open. */
const rootOf = (state: XsState, tx: number | undefined): XsNode | undefined =>
  tx === undefined ? state.root : openAs(state, tx)?.root;

function openAs(state: XsState, tx: number): XsTransaction | undefined {
  for (const [number, transaction] of state.transactions) if (number === tx) return transaction;
  return undefined;
}

/** The store, or the transaction that is open on it, with another tree, in which `path` is what changed. */
function changed(state: XsState, tx: number | undefined, path: string, root: XsNode): XsServed {
  const { generation, transactions, nextTx, introduced } = state;
  if (tx === undefined) {
    const next = { root, generation: generation + 1, transactions, nextTx, introduced };
    return { state: next, reply: DONE, fired: [path] };
  }
  const { base, touched } = openAs(state, tx)!;
  const after = { root, base, touched: appended(touched, path) };
  const open = transactions.slice();
  open[open.findIndex(([number]) => number === tx)] = [tx, after];
  return unchanged({ root: state.root, generation, transactions: open, nextTx, introduced }, DONE);
}

/** Removing what is not there succeeds as long as its parent is. Models do_rm(). */
function remove(state: XsState, tx: number | undefined, path: string): XsServed {
  const root = rootOf(state, tx);
  if (root === undefined) return refused(state, EINVAL);
  if (xsFind(root, path) !== null) return changed(state, tx, path, removed(root, path, nameAt(path, 0)));
  const parent = path.slice(0, Math.max(0, path.lastIndexOf('/')));
  return xsFind(root, parent) === null ? refused(state, ENOENT) : unchanged(state, DONE);
}

function startTransaction(state: XsState): XsServed {
  const tx = state.nextTx;
  const begun = { root: state.root, base: state.generation, touched: NONE };
  const transactions = appended(state.transactions, [tx, begun] as const);
  return unchanged({ ...state, transactions, nextTx: tx + 1 }, { rc: 0, tx });
}

/** A commit fails with EAGAIN when anybody else wrote since the start. */
function endTransaction(state: XsState, tx: number, abort: boolean): XsServed {
  const transaction = openAs(state, tx);
  if (transaction === undefined) return refused(state, EINVAL);
  const transactions = state.transactions.filter(([number]) => number !== tx);
  if (abort) return unchanged({ ...state, transactions }, { rc: 0 });
  if (transaction.touched.length === 0) return unchanged({ ...state, transactions }, { rc: 0 });
  if (transaction.base !== state.generation) return refused({ ...state, transactions }, EAGAIN);
  return {
    state: { ...state, transactions, root: transaction.root, generation: state.generation + 1 },
    reply: { rc: 0 },
    fired: transaction.touched,
  };
}
