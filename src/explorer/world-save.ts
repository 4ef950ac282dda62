/**
 * A world as keyed plain values and back: what the state on disk is made of.
 *
 * A change of the world changes few values, so that only those need to be written. Values are replaced, never changed in
 * place, wherever that is possible: the same object under a key means that nothing changed there.
 */

import { saveDomain } from '../hypervisor/domain-save.ts';
import { loadXen, saveXen } from '../hypervisor/xen-save.ts';
import { cellCount, cellRecord, type LoadedCells, putCell, type SavedCells } from './saved-cells.ts';
import { noUserdata, userdataEntries, withUserdata } from './userdata.ts';
import type { RunningTask, World } from './world.ts';
import { loadStore, saveStore } from './xs-save.ts';

/** Every value of the world by key. */
export function saveWorld(world: World): SavedCells {
  const cells: SavedCells = new Map();
  spread(
    cells,
    'xen',
    saveXen(world.xen, (d) => d),
    3,
  );
  for (const d of world.xen.domains.values()) {
    cells.set(`xen/domains/${d.domid}`, { ref: d, plain: () => saveDomain(d) });
  }
  saveStore(cells, world.store);
  for (const task of world.tasks) putCell(cells, `task/${task.id}`, task, task);
  for (const [key, text] of userdataEntries(world.userdata)) putCell(cells, `userdata/${key}`, text, text);
  for (const [path, text] of world.files) putCell(cells, `file/${path}`, text, text);
  putCell(cells, 'locks', [...world.locks]);
  saveRecent(cells, world.recentDomids);
  // Numbers that move on even when a command is refused.
  const { generation, nextTx } = world.store;
  const { now, nextTask, uuids } = world;
  putCell(cells, 'clock', { now, nextTask, uuids, generation, nextTx });
  putCell(cells, 'config', { seed: world.seed, xlConf: world.xlConf, missingFiles: world.missingFiles });
  return cells;
}

/** The domids of one virtual second are one value: they only ever grow, and are forgotten together. */
function saveRecent(cells: SavedCells, recent: World['recentDomids']): void {
  let at = 0;
  while (at < recent.length) {
    const second = Math.floor(recent[at]!.at / 1e9);
    let end = at + 1;
    while (end < recent.length && Math.floor(recent[end]!.at / 1e9) === second) end += 1;
    const entries = recent.slice(at, end);
    cells.set(`recent/${second}`, { ref: recent[end - 1]!, plain: () => entries });
    at = end;
  }
}

/** Puts what an object or a list of records is made of, down to `depth`, under keys of their own. */
function spread(cells: SavedCells, key: string, value: unknown, depth: number): void {
  const names = depth === 0 ? null : partNames(value);
  if (names === null) {
    // What Xen hands out is made anew when it changes, so the same object says the same.
    putCell(cells, key, value, typeof value === 'string' || typeof value === 'object' ? value : null);
    return;
  }
  const parts = Array.isArray(value) ? value : names.map((name) => (value as Record<string, unknown>)[name]);
  putCell(cells, key, [Array.isArray(value) ? 'list' : 'object', ...names]);
  // A domain is one value, whichever list it is in.
  for (const [i, part] of parts.entries()) {
    spread(cells, `${key}/${names[i]}`, part, Array.isArray(value) ? 0 : depth - 1);
  }
}

/** What the parts of a value are called: an object's fields, a record's domid or its place. Null: it has no parts. */
function partNames(value: unknown): readonly string[] | null {
  if (typeof value !== 'object' || value === null) return null;
  // In an order that does not depend on how the object was made.
  if (!Array.isArray(value)) return Object.keys(value).sort();
  const entries: readonly unknown[] = value;
  const isKeyed = entries.every(
    (entry) => typeof entry === 'object' && entry !== null && !Array.isArray(entry),
  );
  if (!isKeyed || entries.length === 0) return null;
  return entries.map((entry, i) => String((entry as { readonly domid?: number }).domid ?? i));
}

/** The inverse of spread(): takes the parts of `key` together again. */
function gather(cells: LoadedCells, key: string): unknown {
  const value = cells.get(key);
  if (!Array.isArray(value) || (value[0] !== 'object' && value[0] !== 'list')) return value;
  const names: readonly string[] = value.slice(1).map(String);
  const parts = names.map((name) => gather(cells, `${key}/${name}`));
  return value[0] === 'list' ? parts : Object.fromEntries(names.map((name, i) => [name, parts[i]]));
}

/** The world that was saved. Throws WorldDamage when something is missing or is not what it must be. */
export function loadWorld(cells: LoadedCells): World {
  const config = cellRecord(cells, 'config');
  const clock = cellRecord(cells, 'clock');
  const tasks: RunningTask[] = [];
  let userdata = noUserdata;
  const files = new Map<string, string>();
  const recentDomids: World['recentDomids'][number][] = [];
  for (const key of cells.keys()) {
    if (key.startsWith('task/')) tasks.push(cells.get(key) as RunningTask);
    else if (key.startsWith('userdata/')) {
      const [, domid, ...name] = key.split('/');
      userdata = withUserdata(userdata, Number(domid), name.join('/'), String(cells.get(key)));
    } else if (key.startsWith('recent/')) recentDomids.push(...(cells.get(key) as World['recentDomids']));
    else if (key.startsWith('file/')) files.set(key.slice('file/'.length), String(cells.get(key)));
  }
  return {
    xen: loadXen(gather(cells, 'xen')),
    store: loadStore(cells),
    now: cellCount(clock, 'now'),
    tasks: tasks.sort((a, b) => a.id - b.id),
    nextTask: cellCount(clock, 'nextTask'),
    locks: new Map((cells.get('locks') ?? []) as readonly (readonly [string, number[]])[]),
    userdata,
    recentDomids: recentDomids.sort((a, b) => a.at - b.at),
    seed: cellCount(config, 'seed'),
    uuids: cellCount(clock, 'uuids'),
    xlConf: String(config.xlConf),
    missingFiles: config.missingFiles as readonly string[],
    files,
  };
}
