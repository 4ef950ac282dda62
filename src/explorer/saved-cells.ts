/** A world's values under keys: how they are handed to the state on disk and taken from it again. */

/** A world's saved values by key. A value is parsed when it is asked for: most commands look at few. */
export interface LoadedCells {
  readonly keys: () => Iterable<string>;
  /** undefined where there is none. Throws WorldDamage for a text that is not JSON. */
  readonly get: (key: string) => unknown;
}

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

/** Saved texts as values. */
export function parsedCells(texts: ReadonlyMap<string, string>): LoadedCells {
  return {
    keys: () => texts.keys(),
    get: (key) => {
      const text = texts.get(key);
      if (text === undefined) return undefined;
      try {
        return JSON.parse(text);
      } catch (error) {
        throw new WorldDamage(`${key} is not JSON (${String(error)})`);
      }
    },
  };
}

export function putCell(cells: SavedCells, key: string, value: unknown, ref: SavedCell['ref'] = null): void {
  cells.set(key, { ref, plain: () => value });
}

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** The record under `key`. Throws WorldDamage when there is none. */
export function cellRecord(cells: LoadedCells, key: string): Record<string, unknown> {
  const value = cells.get(key);
  if (!isRecord(value)) throw new WorldDamage(`${key} is missing`);
  return value;
}

/** A number in a record. Throws WorldDamage when it is not there. */
export function cellCount(from: Record<string, unknown>, field: string): number {
  const value = from[field];
  if (typeof value !== 'number') throw new WorldDamage(`${field} is missing`);
  return value;
}
