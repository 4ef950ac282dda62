/**
 * xenstore's tree as saved values and back.
 *
 * The children of a few directories have values of their own, for there is one for each domain; they are read when
 * somebody looks below them.
 */
import {
  cellCount,
  cellRecord,
  type LoadedCells,
  putCell,
  type SavedCells,
  WorldDamage,
} from './saved-cells.ts';
import type { XsState } from './xenstored.ts';
import type { XsTransaction } from './xs-transaction.ts';
import { type XsNode, xsFind, xsLeaf } from './xs-tree.ts';

/** Directories whose children are saved one by one. */
const SPLIT: readonly string[] = ['/local/domain', '/libxl', '/vm'];

/** The plain form of a node: its value alone, or its value and then name and node for each child. */
type SavedNode = string | readonly unknown[];

export function saveStore(cells: SavedCells, store: XsState): void {
  cells.set('xs', { ref: store.root, plain: () => saveNode(store.root, '', true) });
  for (const path of SPLIT) {
    const parent = xsFind(store.root, path);
    for (const [i, child] of (parent?.nodes ?? []).entries()) {
      cells.set(`xs${path}/${parent?.names[i]}`, { ref: child, plain: () => saveNode(child, '', false) });
    }
  }
  putCell(cells, 'introduced', store.introduced, store.introduced);
  // A transaction that a task left open is saved as what it is.
  const open = store.transactions.map(([tx, { copy, ...t }]) => [
    tx,
    { ...t, copy: copy === null ? null : [saveNode(copy, '', false)] },
  ]);
  if (open.length > 0) putCell(cells, 'xs-transactions', open);
}

/** `split`: children that have keys of their own are left out. */
function saveNode(node: XsNode, path: string, split: boolean): SavedNode {
  if (node.nodes.length === 0) return node.value;
  const out: unknown[] = [node.value];
  const isSplit = split && SPLIT.includes(path);
  for (let i = 0; i < node.nodes.length; i++) {
    const name = node.names[i];
    // Only where children may be left out does the path matter.
    out.push(name, isSplit ? null : saveNode(node.nodes[i]!, split ? `${path}/${name}` : '', split));
  }
  return out;
}

function loadNode(saved: unknown, path: string, cells: LoadedCells): XsNode {
  if (saved === null) return nodeOnDemand(path, cells);
  if (typeof saved === 'string') return xsLeaf(saved);
  if (!Array.isArray(saved)) throw new WorldDamage(`xenstore's ${path} is missing`);
  const names: string[] = [];
  const nodes: XsNode[] = [];
  for (let i = 1; i + 1 < saved.length; i += 2) {
    const name = String(saved[i]);
    names.push(name);
    nodes.push(loadNode(saved[i + 1], `${path}/${name}`, cells));
  }
  return { value: String(saved[0]), names, nodes };
}

/** A node whose value is parsed at the first look. */
function nodeOnDemand(path: string, cells: LoadedCells): XsNode {
  let known: XsNode | null = null;
  const node = (): XsNode => {
    known ??= loadNode(cells.get(`xs${path}`) ?? undefined, path, cells);
    return known;
  };
  return {
    get value() {
      return node().value;
    },
    get names() {
      return node().names;
    },
    get nodes() {
      return node().nodes;
    },
  };
}

/** The root of the tree that was saved. */
const loadXsRoot = (cells: LoadedCells): XsNode => loadNode(cells.get('xs') ?? undefined, '', cells);

/** The inverse of saveStore(). */
export function loadStore(cells: LoadedCells): XsState {
  const state = cellRecord(cells, 'clock');
  const open = (cells.get('xs-transactions') ?? []) as readonly (readonly [
    number,
    Omit<XsTransaction, 'copy'> & { readonly copy: readonly [unknown] | null },
  ])[];
  return {
    root: loadXsRoot(cells),
    generation: cellCount(state, 'generation'),
    nextTx: cellCount(state, 'nextTx'),
    introduced: (cells.get('introduced') ?? []) as readonly number[],
    transactions: open.map(([tx, { copy, ...t }]) => [
      tx,
      { ...t, copy: copy === null ? null : loadNode(copy[0], '', cells) },
    ]),
  };
}
