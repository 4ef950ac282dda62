/** Reading saved data that may be damaged: every value is checked, and what is wrong is said with its place. */

/** Saved data is not what was written. The message names the place and what is wrong there. */
export class SavedDataError extends Error {
  override readonly name = 'SavedDataError';
}

/** A value and where it stands, e.g. `domains[3].p2m`. */
export interface Saved {
  readonly value: unknown;
  readonly at: string;
}

function fail(saved: Saved, expected: string): never {
  throw new SavedDataError(`${saved.at} is not ${expected}`);
}

/** A field of an object. */
export function field(saved: Saved, name: string): Saved {
  const { value, at } = saved;
  if (typeof value !== 'object' || value === null || !Object.hasOwn(value, name)) {
    fail({ value, at: `${at}.${name}` }, 'there');
  }
  return { value: (value as Record<string, unknown>)[name], at: `${at}.${name}` };
}

/** The elements of a list. */
export function elements(saved: Saved): Saved[] {
  if (!Array.isArray(saved.value)) fail(saved, 'a list');
  return saved.value.map((value: unknown, i) => ({ value, at: `${saved.at}[${i}]` }));
}

/** A whole number of 0 or more, or of `least` or more. */
export function whole(saved: Saved, least = 0): number {
  const { value } = saved;
  if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < least) {
    fail(saved, `a whole number of ${least} or more`);
  }
  return value;
}

/** A list of whole numbers, each `least` or more. */
export function wholes(saved: Saved, least = 0): number[] {
  if (!Array.isArray(saved.value)) fail(saved, 'a list');
  const list: readonly unknown[] = saved.value;
  for (let i = 0; i < list.length; i++) {
    const value = list[i];
    if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < least) {
      whole({ value, at: `${saved.at}[${i}]` }, least);
    }
  }
  return saved.value as number[];
}

export function text(saved: Saved): string {
  if (typeof saved.value !== 'string') fail(saved, 'text');
  return saved.value;
}

export function flag(saved: Saved): boolean {
  if (typeof saved.value !== 'boolean') fail(saved, 'true or false');
  return saved.value;
}

/** One of a few words. */
export function oneOf<T extends string>(saved: Saved, words: readonly T[]): T {
  const found = words.find((word) => word === saved.value);
  return found ?? fail(saved, `one of ${words.join(', ')}`);
}

/** null, or what `read` makes of it. */
export function orNull<T>(saved: Saved, read: (saved: Saved) => T): T | null {
  return saved.value === null ? null : read(saved);
}
