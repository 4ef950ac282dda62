/** Remembering what pure functions made of a thing: the same config is read by every one of a thousand creations. */

/**
 * `make()`, or what it was for the same `what` and `key`, of which it must be a function: a text, or an object that
 * nobody changes, which is the same only if it is that very one. Nobody changes the result.
 */
export type Memo = <T>(what: string, key: string | object, make: () => T) => T;

/** Remembers nothing. */
export const noMemo: Memo = (_what, _key, make) => make();

/** Results of texts kept at once for each `what`, and the longest text that is worth it, in characters. */
const MOST = 64;
const LONGEST = 65_536;

/** Remembers the last results for as long as its owner keeps it. */
export function newMemo(): Memo {
  const texts = new Map<string, Map<string, unknown>>();
  const objects = new Map<string, WeakMap<object, unknown>>();
  return <T>(what: string, key: string | object, make: () => T): T => {
    if (typeof key !== 'string') return madeOnce(of(objects, what, newObjects), key, make);
    if (key.length > LONGEST) return make();
    const kept = of(texts, what, newTexts);
    if (kept.size >= MOST && !kept.has(key)) kept.clear();
    return madeOnce(kept, key, make);
  };
}

const newObjects = () => new WeakMap<object, unknown>();
const newTexts = () => new Map<string, unknown>();

function of<K>(all: Map<string, K>, what: string, make: () => K): K {
  const known = all.get(what);
  if (known !== undefined) return known;
  const made = make();
  all.set(what, made);
  return made;
}

interface Kept<K> {
  readonly get: (key: K) => unknown;
  readonly set: (key: K, value: unknown) => unknown;
}

function madeOnce<K, T>(kept: Kept<K>, key: K, make: () => T): T {
  const known = kept.get(key) as T | undefined;
  if (known !== undefined) return known;
  const made = make();
  kept.set(key, made);
  return made;
}
