/** Remembering what pure functions made of a text: the same config is read by every one of a thousand creations. */

/** `make()`, or what it was for the same `what` and `key`, of which it must be a function. Nobody changes the result. */
export type Memo = <T>(what: string, key: string, make: () => T) => T;

/** Remembers nothing. */
export const noMemo: Memo = (_what, _key, make) => make();

/** Results kept at once, and the longest key that is worth it, in characters. */
const MOST = 64;
const LONGEST = 65_536;

/** Remembers the last results for as long as its owner keeps it. */
export function newMemo(): Memo {
  const kept = new Map<string, unknown>();
  return <T>(what: string, key: string, make: () => T): T => {
    if (key.length > LONGEST) return make();
    const name = `${what}\n${key}`;
    const known = kept.get(name) as T | undefined;
    if (known !== undefined) return known;
    if (kept.size >= MOST) kept.clear();
    const made = make();
    kept.set(name, made);
    return made;
  };
}
