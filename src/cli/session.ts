/** A host in memory, tied to its files: opened by reading, changed under the lock, saved before anybody hears of it. */

import { saveLook } from '../explorer/look-save.ts';
import { parsedCells, type SavedCell } from '../explorer/saved-cells.ts';
import type { World } from '../explorer/world.ts';
import { loadWorld, saveWorld } from '../explorer/world-save.ts';
import { damaged, StateError } from './state-error.ts';
import { appendChange, cellChanges, type StoredHost } from './state-store.ts';
import type { StoreFs } from './store-fs.ts';
import { version } from './version.ts';

/** An opened host. `saved` remembers which text stands for which value: what did not change costs nothing. */
export interface Session {
  readonly world: World;
  stored: StoredHost;
  saved: ReadonlyMap<string, SavedText>;
}

interface SavedText {
  readonly ref: SavedCell['ref'];
  readonly text: string;
}

/** Builds the world that a stored host describes. Throws StateError when it describes none. */
export function openSession(stored: StoredHost): Session {
  try {
    return { world: loadWorld(parsedCells(stored.cells)), stored, saved: new Map() };
  } catch (error) {
    if (error instanceof StateError || !(error instanceof Error) || error.name === 'XenBug') throw error;
    throw damaged(stored.dir, error.message);
  }
}

/** The texts of a world's cells; those of values that are the same as before are taken from `before`. */
function textsOf(world: World, before: ReadonlyMap<string, SavedText>): Map<string, SavedText> {
  const texts = new Map<string, SavedText>();
  const cells = saveWorld(world);
  saveLook(cells, world, version);
  for (const [key, { ref, plain }] of cells) {
    const old = before.get(key);
    const isSame = ref !== null && old?.ref === ref;
    texts.set(key, isSame ? old : { ref, text: JSON.stringify(plain()) });
  }
  return texts;
}

/** The cells of a world as the state keeps them. */
export function worldCells(world: World): Map<string, string> {
  return plainTexts(textsOf(world, new Map()));
}

const plainTexts = (texts: ReadonlyMap<string, SavedText>): Map<string, string> => {
  const cells = new Map<string, string>();
  for (const [key, { text }] of texts) cells.set(key, text);
  return cells;
};

/** Whether anything but the clock differs from what is on disk. */
export function differs(session: Session): boolean {
  const now = plainTexts(textsOf(session.world, session.saved));
  if (!isOther(session.stored.cells, now)) return false;
  if (session.saved.size > 0) return true;
  // A heap that was loaded may hold the same memory as other runs than were saved; so compare with one that was, too.
  return isOther(worldCells(openSession(session.stored).world), now);
}

function isOther(from: ReadonlyMap<string, string>, to: ReadonlyMap<string, string>): boolean {
  for (const key of cellChanges(from, to).keys()) {
    if (key !== 'clock' && !key.startsWith('look')) return true;
  }
  return false;
}

/** Saves the session's world with the command lines that changed it. Throws StateError; the files are then unchanged. */
export function commitSession(fs: StoreFs, session: Session, history: readonly string[]): void {
  const saved = textsOf(session.world, session.saved);
  session.stored = appendChange(fs, session.stored, plainTexts(saved), history);
  session.saved = saved;
}
