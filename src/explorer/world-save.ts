/**
 * A world as keyed plain values and back: what the state on disk is made of.
 *
 * A change of the world changes few values, so that only those need to be written. Values are replaced, never changed in
 * place, wherever that is possible: the same object under a key means that nothing changed there.
 */

import { loadXen, saveXen } from '../hypervisor/xen-save.ts';
import type { Plain } from '../toolstack/task.ts';
import type { RunningTask, World } from './world.ts';
import { type XsNode, type XsState, xsFind, xsLeaf } from './xenstored.ts';

/** A world's values by key, as JSON holds them. */
export type LoadedCells = Map<string, unknown>;

/** A value to be saved. The same `ref` as at the last saving means that nothing changed; null: it may have. */
export interface SavedCell {
  readonly ref: object | string | null;
  readonly plain: () => unknown;
}

export type SavedCells = Map<string, SavedCell>;

/** The saved world is not one: which key, and what is wrong with it. */
export class WorldDamage extends Error {
  override readonly name = 'WorldDamage';
}

/** Directories of xenstore whose children are saved one by one, for there is one for each domain. */
const SPLIT: readonly string[] = ['/local/domain', '/libxl', '/vm'];

/** The plain form of a node: its value alone, or its value and then name and node for each child. */
type SavedNode = string | readonly unknown[];

/** Every value of the world by key. */
export function saveWorld(world: World): SavedCells {
  const cells: SavedCells = new Map();
  spread(cells, 'xen', saveXen(world.xen), 2);
  saveStore(cells, world.store);
  for (const task of world.tasks) put(cells, `task/${task.id}`, task, task);
  for (const [key, text] of world.userdata) put(cells, `userdata/${key}`, text, text);
  for (const [path, text] of world.files) put(cells, `file/${path}`, text, text);
  put(cells, 'locks', [...world.locks]);
  put(cells, 'recent', world.recentDomids, world.recentDomids);
  // Numbers that move on even when a command is refused.
  const { generation, nextTx } = world.store;
  const { now, nextTask, uuids } = world;
  put(cells, 'clock', { now, nextTask, uuids, generation, nextTx });
  put(cells, 'config', { seed: world.seed, xlConf: world.xlConf, missingFiles: world.missingFiles });
  return cells;
}

function put(cells: SavedCells, key: string, value: unknown, ref: SavedCell['ref'] = null): void {
  cells.set(key, { ref, plain: () => value });
}

/** Puts an object's fields, down to `depth`, under keys of their own. */
function spread(cells: SavedCells, key: string, value: unknown, depth: number): void {
  const isObject = typeof value === 'object' && value !== null;
  if (!isObject || depth === 0 || (Array.isArray(value) && !isKeyed(value))) {
    put(cells, key, value);
    return;
  }
  put(cells, key, Array.isArray(value) ? ['array', value.length] : 'object');
  for (const [name, field] of Object.entries(value)) spread(cells, `${key}/${name}`, field, depth - 1);
}

/** Lists of records (domains) are spread, lists of numbers are not. */
const isKeyed = (value: readonly unknown[]): boolean =>
  value.length > 0 &&
  value.every((entry) => typeof entry === 'object' && entry !== null && !Array.isArray(entry));

/** The inverse of spread(): takes the keys below `key` together again. */
function gather(groups: ReadonlyMap<string, readonly string[]>, cells: LoadedCells, key: string): unknown {
  const value = cells.get(key);
  if (value !== 'object' && !(Array.isArray(value) && value[0] === 'array')) return value;
  const entries = (groups.get(key) ?? []).map((name): [string, unknown] => [
    name,
    gather(groups, cells, `${key}/${name}`),
  ]);
  if (value === 'object') return Object.fromEntries(entries);
  const list: unknown[] = new Array(Number(value[1])).fill(null);
  for (const [name, entry] of entries) list[Number(name)] = entry;
  return list;
}

/** The names right below each key that begins with `xen`. */
function xenGroups(cells: LoadedCells): Map<string, string[]> {
  const groups = new Map<string, string[]>();
  for (const key of cells.keys()) {
    const slash = key.startsWith('xen/') ? key.lastIndexOf('/') : -1;
    if (slash < 0) continue;
    const parent = key.slice(0, slash);
    const names = groups.get(parent) ?? [];
    names.push(key.slice(slash + 1));
    groups.set(parent, names);
  }
  return groups;
}

function saveStore(cells: SavedCells, store: XsState): void {
  cells.set('xs', { ref: store.root, plain: () => saveNode(store.root, '', true) });
  for (const path of SPLIT) {
    const children = xsFind(store.root, path)?.children ?? [];
    for (const [name, child] of children) {
      cells.set(`xs${path}/${name}`, { ref: child, plain: () => saveNode(child, '', false) });
    }
  }
  put(cells, 'introduced', store.introduced, store.introduced);
  // A transaction that a task left open is saved as what it is.
  const open = [...store.transactions].map(([tx, t]) => [tx, t.base, t.touched, saveNode(t.root, '', false)]);
  if (open.length > 0) put(cells, 'xs-transactions', open);
}

/** `split`: children that have keys of their own are left out. */
function saveNode(node: XsNode, path: string, split: boolean): SavedNode {
  if (node.children.size === 0) return node.value;
  const out: unknown[] = [node.value];
  const isSplit = split && SPLIT.includes(path);
  for (const [name, child] of node.children) {
    out.push(name, isSplit ? null : saveNode(child, `${path}/${name}`, split));
  }
  return out;
}

function loadNode(saved: unknown, path: string, cells: LoadedCells): XsNode {
  const found = saved === null ? cells.get(`xs${path}`) : saved;
  if (typeof found === 'string') return xsLeaf(found);
  if (!Array.isArray(found)) throw new WorldDamage(`xenstore's ${path} is missing`);
  const children = new Map<string, XsNode>();
  for (let i = 1; i + 1 < found.length; i += 2) {
    const name = String(found[i]);
    children.set(name, loadNode(found[i + 1], `${path}/${name}`, cells));
  }
  return { value: String(found[0]), children };
}

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

function record(cells: LoadedCells, key: string): Record<string, unknown> {
  const value = cells.get(key);
  if (!isRecord(value)) throw new WorldDamage(`${key} is missing`);
  return value;
}

function count(from: Record<string, unknown>, field: string): number {
  const value = from[field];
  if (typeof value !== 'number') throw new WorldDamage(`${field} is missing`);
  return value;
}

function loadStore(cells: LoadedCells): XsState {
  const state = record(cells, 'clock');
  const open = (cells.get('xs-transactions') ?? []) as readonly (readonly [
    number,
    number,
    string[],
    unknown,
  ])[];
  return {
    root: loadNode(cells.get('xs'), '', cells),
    generation: count(state, 'generation'),
    nextTx: count(state, 'nextTx'),
    introduced: (cells.get('introduced') ?? []) as readonly number[],
    transactions: new Map(
      open.map(([tx, base, touched, root]) => [tx, { base, touched, root: loadNode(root, '', cells) }]),
    ),
  };
}

/** The world that was saved. Throws WorldDamage when something is missing or is not what it must be. */
export function loadWorld(cells: LoadedCells): World {
  const config = record(cells, 'config');
  const clock = record(cells, 'clock');
  const tasks: RunningTask[] = [];
  const userdata = new Map<string, string>();
  const files = new Map<string, string>();
  for (const [key, value] of cells) {
    if (key.startsWith('task/')) tasks.push(value as RunningTask);
    else if (key.startsWith('userdata/')) userdata.set(key.slice('userdata/'.length), String(value));
    else if (key.startsWith('file/')) files.set(key.slice('file/'.length), String(value));
  }
  return {
    xen: loadXen(gather(xenGroups(cells), cells, 'xen') as Plain),
    store: loadStore(cells),
    now: count(clock, 'now'),
    tasks: tasks.sort((a, b) => a.id - b.id),
    nextTask: count(clock, 'nextTask'),
    locks: new Map((cells.get('locks') ?? []) as readonly (readonly [string, number[]])[]),
    userdata,
    recentDomids: (cells.get('recent') ?? []) as World['recentDomids'],
    seed: count(config, 'seed'),
    uuids: count(clock, 'uuids'),
    xlConf: String(config.xlConf),
    missingFiles: config.missingFiles as readonly string[],
    files,
  };
}
