/**
 * Transactions of xenstore: what they see, what they change, and when their end fails with EAGAIN.
 *
 * Since 4.9 a transaction has nodes of its own: each is copied when it is looked at first, and the end fails if any of
 * those has changed since. That makes a node's generation: every write gives a new one to the node, making or removing
 * a child gives one to the parent. Here the generations are not kept; whoever changes a node tells the transactions that
 * have looked at it. Before 4.9 a transaction had a copy of the whole store and failed after any change of it.
 *
 * Models access_node() and finalize_transaction(), tools/xenstored/transaction.c, and the reads that get_node() and
 * construct_node() of core.c make on the way.
 */
import { EAGAIN, EINVAL, ENOENT } from '../hypervisor/errno.ts';
import type { XsCall, XsReply } from '../toolstack/xenstore.ts';
import { appended, parentPath, plainPath, withOwnParts, type XsNode, xsFind } from './xs-tree.ts';

/** When the end of a transaction fails: after any change of the store, or of a node it has looked at. */
export type XsConflicts = 'any change' | 'node changed';

/** A node as a transaction sees it. */
interface SeenNode {
  /** In its plain form. */
  readonly path: string;
  /** Null: it is not there. */
  readonly own: OwnPart | null;
  /** By this transaction. */
  readonly isModified: boolean;
}

/** What of a node has the node's generation: its value and its children's names. */
type OwnPart = Pick<XsNode, 'value' | 'names'>;

/** An open transaction: a value. */
export interface XsTransaction {
  /** In the order in which they were looked at first. */
  readonly seen: readonly SeenNode[];
  /** Paths it wrote or removed, in order: their watches fire when it commits. */
  readonly touched: readonly string[];
  /** Somebody else made a change with which its end fails. */
  readonly isStale: boolean;
  /** The store at its start, where it has a copy of all of it; null: it looks at the store as it is. */
  readonly copy: XsNode | null;
}

/** A transaction that begins. */
export const newTransaction = (root: XsNode, conflicts: XsConflicts): XsTransaction => ({
  seen: [],
  touched: [],
  isStale: false,
  copy: conflicts === 'any change' ? root : null,
});

/** What a request inside a transaction led to. */
export interface XsInside {
  readonly transaction: XsTransaction;
  readonly reply: XsReply;
}

type TreeCall = Extract<XsCall, { readonly op: 'read' | 'directory' | 'write' | 'mkdir' | 'rm' }>;

/** A transaction while it serves requests: what it has seen, changed in place. */
interface View {
  readonly live: XsNode;
  readonly seen: SeenNode[];
  /** Where each path is in `seen`; null: few requests are served, and it is looked for. */
  readonly places: Map<string, number> | null;
  /** The path that was looked for last, and its place. */
  lastPath: string;
  lastPlace: number;
}

/** So many requests are worth a map. */
const MANY = 4;

function viewOf({ copy, seen }: XsTransaction, root: XsNode, requests: number): View {
  const places = requests < MANY ? null : new Map<string, number>();
  if (places !== null) for (let i = 0; i < seen.length; i++) places.set(seen[i]!.path, i);
  return { live: copy ?? root, seen: seen.slice(), places, lastPath: '', lastPlace: -1 };
}

/** The place of a path among the nodes seen; -1: it has not been looked at. */
function placeOf(view: View, path: string): number {
  if (view.places !== null) return view.places.get(path) ?? -1;
  // One and the same parent is looked at again and again while it gets a child.
  if (path === view.lastPath) return view.lastPlace;
  const { seen } = view;
  // The youngest are asked for most.
  let place = seen.length - 1;
  while (place >= 0 && seen[place]!.path !== path) place--;
  view.lastPath = path;
  view.lastPlace = place;
  return place;
}

/** Serves requests of a transaction one after the other; `root` is the store. The reply is the last one's. */
export function serveInside(transaction: XsTransaction, root: XsNode, calls: readonly TreeCall[]): XsInside {
  const view = viewOf(transaction, root, calls.length);
  const touched = transaction.touched.slice();
  let reply: XsReply = { rc: 0 };
  for (const call of calls) {
    const served = serveView(view, plainPath(call.path), call);
    if (served.isChange) touched.push(call.path);
    reply = served.reply;
  }
  return { transaction: { ...transaction, seen: view.seen, touched }, reply };
}

const DONE = { reply: { rc: 0 }, isChange: true };
const SAME = { reply: { rc: 0 }, isChange: false };
const MISSING = { reply: { rc: -ENOENT }, isChange: false };

function serveView(view: View, path: string, call: TreeCall): { reply: XsReply; isChange: boolean } {
  const own = getNode(view, path);
  switch (call.op) {
    case 'read':
      return own === null ? MISSING : { ...SAME, reply: { rc: 0, value: own.value } };
    case 'directory':
      return own === null ? MISSING : { ...SAME, reply: { rc: 0, entries: own.names } };
    case 'mkdir':
      if (own !== null) return SAME;
      create(view, path, '');
      return DONE;
    case 'write':
      if (own === null) create(view, path, call.value);
      else put(view, path, { value: call.value, names: own.names });
      return DONE;
    case 'rm': {
      const above = parentPath(path);
      const parent = above === null ? null : look(view, above);
      if (own === null) return parent === null ? MISSING : SAME;
      if (above === null) return DONE;
      // Somebody else has removed the parent since the node was looked at: the end fails.
      if (parent === null) return { reply: { rc: -EINVAL }, isChange: false };
      takeAway(view, path, own);
      const name = path.slice(above.length === 1 ? 1 : above.length + 1);
      put(view, above, { value: parent.value, names: parent.names.filter((other) => other !== name) });
      return DONE;
    }
  }
}

/** Looks at a node. Who misses one is told so after a look at what is there above it. Models get_node(). */
function getNode(view: View, path: string): OwnPart | null {
  const own = look(view, path);
  if (own !== null) return own;
  for (let above = parentPath(path); above !== null; above = parentPath(above)) {
    if (look(view, above) !== null) break;
  }
  return null;
}

/** A node as the transaction sees it; from now on it is one that must not change. Models read_node(). */
function look(view: View, path: string): OwnPart | null {
  const place = placeOf(view, path);
  if (place >= 0) return view.seen[place]!.own;
  const found = xsFind(view.live, path);
  const own = found === null ? null : { value: found.value, names: found.names };
  note(view, { path, own, isModified: false });
  return own;
}

function note(view: View, node: SeenNode): void {
  view.places?.set(node.path, view.seen.length);
  view.lastPath = node.path;
  view.lastPlace = view.seen.length;
  view.seen.push(node);
}

function put(view: View, path: string, own: OwnPart | null): void {
  const place = placeOf(view, path);
  const node = { path, own, isModified: true };
  if (place < 0) note(view, node);
  else view.seen[place] = node;
}

/** Makes a node and the parents it lacks, which are empty. Models construct_node(). */
function create(view: View, path: string, value: string): void {
  const above = parentPath(path);
  if (above !== null) {
    if (look(view, above) === null) create(view, above, '');
    const parent = look(view, above)!;
    const name = path.slice(above.length === 1 ? 1 : above.length + 1);
    put(view, above, { value: parent.value, names: appended(parent.names, name) });
  }
  put(view, path, { value, names: [] });
}

function takeAway(view: View, path: string, own: OwnPart): void {
  for (const name of own.names) {
    const below = path === '/' ? `/${name}` : `${path}/${name}`;
    const child = look(view, below);
    if (child !== null) takeAway(view, below, child);
  }
  put(view, path, null);
}

/** The store after a transaction that is not stale. */
export function committed({ seen }: XsTransaction, root: XsNode): XsNode {
  const parts: [path: string, own: OwnPart][] = [];
  for (const { path, own, isModified } of seen) if (isModified && own !== null) parts.push([path, own]);
  // Parents first: they know which children there are.
  return withOwnParts(
    root,
    parts.sort((a, b) => a[0].length - b[0].length),
  );
}

/** Whether a transaction has changes of its own. */
export const isModified = ({ seen }: XsTransaction): boolean => seen.some((node) => node.isModified);

/** The paths of the nodes to which a transaction that commits gives new generations. */
export const modifiedPaths = ({ seen }: XsTransaction): string[] =>
  seen.flatMap(({ path, isModified }) => (isModified ? [path] : []));

/** The paths of the nodes to which a change outside of transactions gives new generations. `root`: before it. */
export function changedPaths(
  root: XsNode,
  call: Extract<TreeCall, { op: 'write' | 'mkdir' | 'rm' }>,
): string[] {
  const path = plainPath(call.path);
  const found = xsFind(root, path);
  const above = parentPath(path);
  if (call.op === 'rm') {
    return [...(found === null ? [] : below(found, path)), ...(above === null ? [] : [above])];
  }
  const paths = [path];
  let parent = found === null ? above : null;
  while (parent !== null) {
    paths.push(parent);
    parent = xsFind(root, parent) === null ? parentPath(parent) : null;
  }
  return paths;
}

const below = ({ names, nodes }: XsNode, path: string): string[] => [
  path,
  ...names.flatMap((name, i) => below(nodes[i]!, path === '/' ? `/${name}` : `${path}/${name}`)),
];

type Open = readonly (readonly [tx: number, transaction: XsTransaction])[];

/** The open transactions after nodes have changed. */
export function markStale(open: Open, paths: readonly string[]): Open {
  const isHit = ({ isStale, copy, seen }: XsTransaction): boolean =>
    !isStale && (copy !== null || seen.some(({ path }) => paths.includes(path)));
  if (!open.some(([, transaction]) => isHit(transaction))) return open;
  return open.map(([tx, t]) => [tx, isHit(t) ? { ...t, isStale: true } : t] as const);
}

/** What the end of a transaction says. */
export const endReply = ({ isStale }: XsTransaction): XsReply => ({ rc: isStale ? -EAGAIN : 0 });
