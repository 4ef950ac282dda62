/**
 * xenstore's tree: replaced, never changed in place.
 *
 * A write copies the nodes on its path and shares the rest, so that comparing two trees costs what differs.
 */

/** A node: its value and, in order of creation, its children: name and node at the same place of two lists. */
export interface XsNode {
  readonly value: string;
  readonly names: readonly string[];
  readonly nodes: readonly XsNode[];
}

const NO_NAMES: readonly string[] = [];
const NO_NODES: readonly XsNode[] = [];
export const xsLeaf = (value: string): XsNode => ({ value, names: NO_NAMES, nodes: NO_NODES });

const SLASH = 47;

/** Where the next name on a path begins, from `at` on; the path's length: there is none. */
export function nameAt(path: string, at: number): number {
  let from = at;
  while (path.charCodeAt(from) === SLASH) from++;
  return from;
}

/** Where the name that begins at `from` ends. */
function nameEnd(path: string, from: number): number {
  const slash = path.indexOf('/', from);
  return slash < 0 ? path.length : slash;
}

/** Fewer children than this are looked through one by one. */
const FEW = 16;

/** The place of a child's name among its siblings; -1: there is none. The youngest are asked for most. */
function placeOf({ names }: XsNode, name: string): number {
  const last = names.length - 1;
  if (last >= 0 && names[last] === name) return last;
  const near = last < FEW ? -1 : placeOfNumber(names, name);
  return near >= 0 ? near : names.indexOf(name);
}

/** The same where names are numbers that rise, as those of domains do; -1: it was not found so. */
function placeOfNumber(names: readonly string[], name: string): number {
  let low = 0;
  let high = names.length;
  while (low < high) {
    const middle = Math.floor((low + high) / 2);
    const found = names[middle]!;
    if (found === name) return middle;
    // Of two numbers without leading zeros the one with more digits is the larger.
    const isBelow = found.length === name.length ? found < name : found.length < name.length;
    if (isBelow) low = middle + 1;
    else high = middle;
  }
  return -1;
}

/** The node at `path`, or null. */
export function xsFind(root: XsNode, path: string): XsNode | null {
  let node: XsNode | undefined = root;
  for (let from = nameAt(path, 0); from < path.length; ) {
    const end = nameEnd(path, from);
    node = node.nodes[placeOf(node, path.slice(from, end))];
    if (node === undefined) return null;
    from = nameAt(path, end);
  }
  return node;
}

/**
 * The tree with `value` at `path`, from the name at `from` on; null: with what is there, or an empty node. Parents are
 * made as xenstored makes them, with empty values.
 */
export function written(node: XsNode | undefined, path: string, from: number, value: string | null): XsNode {
  if (from >= path.length) {
    if (node === undefined) return xsLeaf(value ?? '');
    return value === null ? node : { value, names: node.names, nodes: node.nodes };
  }
  const end = nameEnd(path, from);
  const name = path.slice(from, end);
  const rest = nameAt(path, end);
  if (node === undefined) return { value: '', names: [name], nodes: [written(undefined, path, rest, value)] };
  const place = placeOf(node, name);
  if (place >= 0) return withChild(node, place, written(node.nodes[place], path, rest, value));
  const next = written(undefined, path, rest, value);
  return { value: node.value, names: appended(node.names, name), nodes: appended(node.nodes, next) };
}

export function appended<T>(list: readonly T[], last: T): readonly T[] {
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
export function removed(node: XsNode, path: string, from: number): XsNode {
  if (from >= path.length) return node;
  const end = nameEnd(path, from);
  const place = placeOf(node, path.slice(from, end));
  const rest = nameAt(path, end);
  if (rest < path.length) return withChild(node, place, removed(node.nodes[place]!, path, rest));
  return { value: node.value, names: without(node.names, place), nodes: without(node.nodes, place) };
}

function without<T>(list: readonly T[], place: number): readonly T[] {
  const shorter = list.slice();
  shorter.splice(place, 1);
  return shorter;
}

/** A path in its plain form: one slash before each name, none at its end; the root's is "/". */
export function plainPath(path: string): string {
  if (!path.includes('//') && (path.length === 1 || !path.endsWith('/'))) return path;
  return `/${path
    .split('/')
    .filter((name) => name !== '')
    .join('/')}`;
}

/** The path above a plain one; null: it is the root's. */
export const parentPath = (path: string): string | null =>
  path.length <= 1 ? null : path.slice(0, Math.max(1, path.lastIndexOf('/')));

/** A node's own part: what is written with it. */
type OwnPart = Pick<XsNode, 'value' | 'names'>;

/** A node that was made here and that nobody has seen yet. */
type Draft = { -readonly [K in keyof XsNode]: XsNode[K] } & { nodes: XsNode[] };

/**
 * The tree with these values and children at these plain paths, parents before what is below them; children that are
 * new are empty. A node is copied once, however many of the paths go through it.
 */
export function withOwnParts(
  root: XsNode,
  parts: readonly (readonly [path: string, own: OwnPart])[],
): XsNode {
  const drafts = new Map<string, Draft>();
  const top = copyOf(root);
  drafts.set('/', top);
  for (const [path, own] of parts) {
    const node = draftAt(drafts, path);
    if (own.names !== node.names) node.nodes = nodesOf(node, own.names);
    node.value = own.value;
    node.names = own.names;
  }
  return top;
}

const copyOf = ({ value, names, nodes }: XsNode): Draft => ({ value, names, nodes: nodes.slice() });

/** The draft at a path whose parent is there. */
function draftAt(drafts: Map<string, Draft>, path: string): Draft {
  const known = drafts.get(path);
  if (known !== undefined) return known;
  const above = path.slice(0, Math.max(1, path.lastIndexOf('/')));
  const parent = draftAt(drafts, above);
  const place = placeOf(parent, path.slice(above.length === 1 ? 1 : above.length + 1));
  const draft = copyOf(parent.nodes[place]!);
  parent.nodes[place] = draft;
  drafts.set(path, draft);
  return draft;
}

/** The nodes of a list of children, of which most are there and in that order. */
function nodesOf(node: XsNode, names: readonly string[]): XsNode[] {
  const nodes: XsNode[] = [];
  let next = 0;
  for (const name of names) {
    const place = node.names[next] === name ? next : node.names.indexOf(name);
    if (place >= 0) next = place + 1;
    nodes.push(node.nodes[place] ?? xsLeaf(''));
  }
  return nodes;
}
