/**
 * Watched paths and who watches them, name by name: finding those that a change concerns costs the length of its path
 * and their number, not the number of watches.
 */

/** A place in the tree of watched paths. Nodes without watches at or below them are not kept. */
export interface WatchNode {
  readonly tasks: Set<number>;
  readonly below: Map<string, WatchNode>;
}

export const newWatchNode = (): WatchNode => ({ tasks: new Set(), below: new Map() });

/** Where the name that begins at `from` ends. */
function nameEnd(path: string, from: number): number {
  const slash = path.indexOf('/', from);
  return slash < 0 ? path.length : slash;
}

export function addWatch(root: WatchNode, path: string, task: number): void {
  let node = root;
  for (let from = 0; from <= path.length; ) {
    const end = nameEnd(path, from);
    const name = path.slice(from, end);
    let next = node.below.get(name);
    if (next === undefined) {
      next = newWatchNode();
      node.below.set(name, next);
    }
    node = next;
    from = end + 1;
  }
  node.tasks.add(task);
}

export function removeWatch(node: WatchNode, path: string, task: number, from = 0): void {
  if (from > path.length) {
    node.tasks.delete(task);
    return;
  }
  const end = nameEnd(path, from);
  const name = path.slice(from, end);
  const next = node.below.get(name);
  if (next === undefined) return;
  removeWatch(next, path, task, end + 1);
  if (next.tasks.size === 0 && next.below.size === 0) node.below.delete(name);
}

/** Adds to `found` who watches the path, anything above it, or anything below it. */
export function findWatchers(root: WatchNode, path: string, found: Set<number>): void {
  let node: WatchNode | undefined = root;
  for (let from = 0; from <= path.length; ) {
    const end = nameEnd(path, from);
    node = node.below.get(path.slice(from, end));
    if (node === undefined) return;
    for (const task of node.tasks) found.add(task);
    from = end + 1;
  }
  addBelow(node, found);
}

function addBelow(node: WatchNode, found: Set<number>): void {
  for (const below of node.below.values()) {
    for (const task of below.tasks) found.add(task);
    addBelow(below, found);
  }
}
