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
  readonly transactions: ReadonlyMap<number, XsTransaction>;
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
  transactions: new Map(),
  nextTx: 1,
  introduced: [],
};

/** The names on a path. Every request takes its path apart, and this is faster than split() for short ones. */
function partsOf(path: string): string[] {
  const parts: string[] = [];
  let from = 0;
  for (;;) {
    const slash = path.indexOf('/', from);
    const end = slash < 0 ? path.length : slash;
    if (end > from) parts.push(path.slice(from, end));
    if (slash < 0) return parts;
    from = slash + 1;
  }
}

/** The node at `path`, or null. */
export function xsFind(root: XsNode, path: string): XsNode | null {
  let node: XsNode | undefined = root;
  for (const part of partsOf(path)) {
    node = node.nodes[node.names.indexOf(part)];
    if (node === undefined) return null;
  }
  return node;
}

/** The tree with `change` applied at `path`; parents are made as xenstored makes them, with empty values. */
function replaced(
  node: XsNode,
  parts: readonly string[],
  at: number,
  change: (old: XsNode | null) => XsNode,
): XsNode {
  const name = parts[at];
  if (name === undefined) return change(node);
  const place = node.names.indexOf(name);
  const child = node.nodes[place];
  const isLast = at + 1 === parts.length;
  const next = isLast ? change(child ?? null) : replaced(child ?? xsLeaf(''), parts, at + 1, change);
  if (place < 0) return { value: node.value, names: [...node.names, name], nodes: [...node.nodes, next] };
  return withChild(node, place, next);
}

function withChild(node: XsNode, place: number, child: XsNode): XsNode {
  const nodes = node.nodes.slice();
  nodes[place] = child;
  return { value: node.value, names: node.names, nodes };
}

function removed(node: XsNode, parts: readonly string[], at: number): XsNode {
  const name = parts[at];
  if (name === undefined) return node;
  const place = node.names.indexOf(name);
  const child = node.nodes[place];
  if (child === undefined) return node;
  if (at + 1 < parts.length) return withChild(node, place, removed(child, parts, at + 1));
  const names = node.names.slice();
  const nodes = node.nodes.slice();
  names.splice(place, 1);
  nodes.splice(place, 1);
  return { value: node.value, names, nodes };
}

/** Serves one request. */
export function serveXs(state: XsState, call: XsCall): XsServed {
  switch (call.op) {
    case 'read': {
      const node = withRoot(state, call.tx, (root) => xsFind(root, call.path));
      if (node === undefined) return refused(state, EINVAL);
      return node === null ? refused(state, ENOENT) : unchanged(state, { rc: 0, value: node.value });
    }
    case 'directory': {
      const node = withRoot(state, call.tx, (root) => xsFind(root, call.path));
      if (node === undefined) return refused(state, EINVAL);
      return node === null ? refused(state, ENOENT) : unchanged(state, { rc: 0, entries: node.names });
    }
    case 'write':
      return change(state, call.tx, call.path, (root, parts) =>
        replaced(root, parts, 0, (old) => ({
          value: call.value,
          names: old?.names ?? NO_NAMES,
          nodes: old?.nodes ?? NO_NODES,
        })),
      );
    case 'mkdir':
      if (withRoot(state, call.tx, (root) => xsFind(root, call.path)) != null)
        return unchanged(state, { rc: 0 });
      return change(state, call.tx, call.path, (root, parts) =>
        replaced(root, parts, 0, (old) => old ?? xsLeaf('')),
      );
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

const unchanged = (state: XsState, reply: XsReply): XsServed => ({ state, reply, fired: [] });
const refused = (state: XsState, errno: number): XsServed => unchanged(state, { rc: -errno });

/** Looks at the tree that a request sees; undefined for a transaction that is not open. */
function withRoot<T>(state: XsState, tx: number | undefined, look: (root: XsNode) => T): T | undefined {
  if (tx === undefined) return look(state.root);
  const transaction = state.transactions.get(tx);
  return transaction === undefined ? undefined : look(transaction.root);
}

function change(
  state: XsState,
  tx: number | undefined,
  path: string,
  apply: (root: XsNode, parts: readonly string[]) => XsNode,
): XsServed {
  const parts = partsOf(path);
  if (tx === undefined) {
    const root = apply(state.root, parts);
    return { state: { ...state, root, generation: state.generation + 1 }, reply: { rc: 0 }, fired: [path] };
  }
  const transaction = state.transactions.get(tx);
  if (transaction === undefined) return refused(state, EINVAL);
  const next = {
    ...transaction,
    root: apply(transaction.root, parts),
    touched: [...transaction.touched, path],
  };
  return unchanged({ ...state, transactions: new Map(state.transactions).set(tx, next) }, { rc: 0 });
}

/** Removing what is not there succeeds as long as its parent is. Models do_rm(). */
function remove(state: XsState, tx: number | undefined, path: string): XsServed {
  const found = withRoot(state, tx, (root) => xsFind(root, path));
  if (found === undefined) return refused(state, EINVAL);
  if (found === null) {
    const parent = path.slice(0, Math.max(0, path.lastIndexOf('/')));
    const hasParent = withRoot(state, tx, (root) => xsFind(root, parent)) != null;
    return hasParent ? unchanged(state, { rc: 0 }) : refused(state, ENOENT);
  }
  return change(state, tx, path, (root, parts) => removed(root, parts, 0));
}

function startTransaction(state: XsState): XsServed {
  const tx = state.nextTx;
  const transactions = new Map(state.transactions);
  transactions.set(tx, { root: state.root, base: state.generation, touched: [] });
  return unchanged({ ...state, transactions, nextTx: tx + 1 }, { rc: 0, tx });
}

/** A commit fails with EAGAIN when anybody else wrote since the start. */
function endTransaction(state: XsState, tx: number, abort: boolean): XsServed {
  const transaction = state.transactions.get(tx);
  if (transaction === undefined) return refused(state, EINVAL);
  const transactions = new Map(state.transactions);
  transactions.delete(tx);
  if (abort) return unchanged({ ...state, transactions }, { rc: 0 });
  if (transaction.touched.length === 0) return unchanged({ ...state, transactions }, { rc: 0 });
  if (transaction.base !== state.generation) return refused({ ...state, transactions }, EAGAIN);
  return {
    state: { ...state, transactions, root: transaction.root, generation: state.generation + 1 },
    reply: { rc: 0 },
    fired: transaction.touched,
  };
}
