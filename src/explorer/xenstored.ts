/**
 * xenstored: serves requests on a store that is a value. Models tools/xenstored/core.c without permissions and quotas.
 */
import { EINVAL, ENOENT } from '../hypervisor/errno.ts';
import type { XsCall, XsReply } from '../toolstack/xenstore.ts';
import {
  changedPaths,
  committed,
  endReply,
  isModified,
  markStale,
  modifiedPaths,
  newTransaction,
  serveInside,
  type XsConflicts,
  type XsTransaction,
} from './xs-transaction.ts';
import { appended, nameAt, removed, written, type XsNode, xsFind, xsLeaf } from './xs-tree.ts';

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

/** What a request led to: the store after it, the reply, and the paths whose watches fire. */
export interface XsServed {
  readonly state: XsState;
  readonly reply: XsReply;
  readonly fired: readonly string[];
}

export const emptyXsState: XsState = {
  root: xsLeaf(''),
  generation: 0,
  transactions: [],
  nextTx: 1,
  introduced: [],
};

/** Serves one request. `conflicts`: the rule for transactions that begin. */
export function serveXs(state: XsState, call: XsCall, conflicts: XsConflicts = 'node changed'): XsServed {
  switch (call.op) {
    case 'transaction_start':
      return startTransaction(state, conflicts);
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
    default:
      return call.tx === undefined ? serveStore(state, call) : serveTransaction(state, call.tx, call);
  }
}

type TreeCall = Extract<XsCall, { readonly op: 'read' | 'directory' | 'write' | 'mkdir' | 'rm' }>;

/** A request outside of transactions. */
function serveStore(state: XsState, call: TreeCall): XsServed {
  const { root } = state;
  const { path } = call;
  const node = xsFind(root, path);
  switch (call.op) {
    case 'read':
      return node === null ? refused(state, ENOENT) : unchanged(state, { rc: 0, value: node.value });
    case 'directory':
      return node === null ? refused(state, ENOENT) : unchanged(state, { rc: 0, entries: node.names });
    case 'mkdir':
      if (node !== null) return unchanged(state, DONE);
      return changed(state, call, written(root, path, nameAt(path, 0), null));
    case 'write':
      return changed(state, call, written(root, path, nameAt(path, 0), call.value));
    case 'rm': {
      // Removing what is not there succeeds as long as its parent is. Models do_rm().
      if (node !== null) return changed(state, call, removed(root, path, nameAt(path, 0)));
      const parent = path.slice(0, Math.max(0, path.lastIndexOf('/')));
      return xsFind(root, parent) === null ? refused(state, ENOENT) : unchanged(state, DONE);
    }
  }
}

const DONE: XsReply = { rc: 0 };
const NONE: readonly string[] = [];
const unchanged = (state: XsState, reply: XsReply): XsServed => ({ state, reply, fired: NONE });
const refused = (state: XsState, errno: number): XsServed => unchanged(state, { rc: -errno });

/** The store with another tree. */
function changed(
  state: XsState,
  call: Extract<TreeCall, { op: 'write' | 'mkdir' | 'rm' }>,
  root: XsNode,
): XsServed {
  const { generation, nextTx, introduced } = state;
  const open = state.transactions;
  const transactions = open.length === 0 ? open : markStale(open, changedPaths(state.root, call));
  const next = { root, generation: generation + 1, transactions, nextTx, introduced };
  return { state: next, reply: DONE, fired: [call.path] };
}

function openAs(state: XsState, tx: number): XsTransaction | undefined {
  for (const [number, transaction] of state.transactions) if (number === tx) return transaction;
  return undefined;
}

function serveTransaction(state: XsState, tx: number, call: TreeCall): XsServed {
  return serveXsInside(state, tx, [call]) ?? refused(state, EINVAL);
}

/** Serves requests of one transaction one after the other; the reply is the last one's. Null: it is not open. */
export function serveXsInside(state: XsState, tx: number, calls: readonly TreeCall[]): XsServed | null {
  const before = openAs(state, tx);
  if (before === undefined) return null;
  const { transaction, reply } = serveInside(before, state.root, calls);
  const transactions = state.transactions.map((open) =>
    open[0] === tx ? ([tx, transaction] as const) : open,
  );
  return unchanged({ ...state, transactions }, reply);
}

function startTransaction(state: XsState, conflicts: XsConflicts): XsServed {
  const { root, transactions, nextTx: tx } = state;
  const begun = appended(transactions, [tx, newTransaction(root, conflicts)] as const);
  return unchanged({ ...state, transactions: begun, nextTx: tx + 1 }, { rc: 0, tx });
}

/** Models do_transaction_end(). */
function endTransaction(state: XsState, tx: number, abort: boolean): XsServed {
  const transaction = openAs(state, tx);
  if (transaction === undefined) return refused(state, EINVAL);
  const others = state.transactions.filter(([number]) => number !== tx);
  const reply = abort ? DONE : endReply(transaction);
  // Without changes of its own a transaction of the old kind is a change of the store all the same.
  const isChange = isModified(transaction) || transaction.copy !== null;
  if (abort || reply.rc !== 0 || !isChange) return unchanged({ ...state, transactions: others }, reply);
  const root = committed(transaction, state.root);
  const transactions = others.length === 0 ? others : markStale(others, modifiedPaths(transaction));
  const { nextTx, introduced, generation } = state;
  const next = { root, generation: generation + 1, transactions, nextTx, introduced };
  return { state: next, reply, fired: transaction.touched };
}
