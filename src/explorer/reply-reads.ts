/**
 * Which parts of a reply a program looks at.
 *
 * A flow is pure, so it can be run once more on a reply that takes notes. What it leaves alone cannot make a difference
 * to it: two hosts that answer alike in the rest lead it to the same place.
 */
import type { Reply } from '../toolstack/task.ts';
import { type Canon, canonId, canonText } from './canonical.ts';

/** A way into a reply, key by key. The empty one: all of it. */
type Path = readonly string[];

/** A part of a reply; of an object (`isWhole` false) it may matter only that it is there. */
interface Part {
  readonly path: Path;
  readonly isWhole: boolean;
}

/** Parts of replies, by a text that is theirs alone. */
export type ReplyParts = ReadonlyMap<string, Part>;

type Note = (path: Path, isWhole: boolean) => void;

const isPlain = (value: object): boolean => {
  const proto = Object.getPrototypeOf(value) as unknown;
  return Array.isArray(value) || proto === Object.prototype || proto === null;
};

/** The parts of `reply` that `look` looks at, or hands on in what it returns. */
export function partsLookedAt(
  canon: Canon,
  reply: Reply,
  look: (reply: Reply) => readonly unknown[],
): ReplyParts {
  const parts = new Map<string, Part>();
  const note: Note = (path, isWhole) => {
    parts.set(JSON.stringify([path, isWhole]), { path, isWhole });
  };
  for (const left of look(noting(reply, [], note) as Reply)) touch(canon, left, new Set());
  return parts;
}

/** `value` with every look at a part of it that is no object noted, and every look at which parts it has. */
function noting(value: object, path: Path, note: Note): object {
  const all = (): void => note(path, true);
  if (!isPlain(value)) {
    all();
    return value;
  }
  return new Proxy(value, {
    get: (target, key) => {
      const part: unknown = Reflect.get(target, key);
      if (typeof key === 'symbol' || typeof part === 'function') return part;
      const own = [...path, key];
      const isObject = typeof part === 'object' && part !== null;
      note(own, !isObject);
      return isObject ? noting(part, own, note) : part;
    },
    has: (target, key) => {
      // An array's own methods ask so which of its places are taken.
      if (Array.isArray(target)) note([...path, 'length'], true);
      else all();
      return Reflect.has(target, key);
    },
    ownKeys: (target) => {
      all();
      return Reflect.ownKeys(target);
    },
    getOwnPropertyDescriptor: (target, key) => {
      all();
      return Reflect.getOwnPropertyDescriptor(target, key);
    },
  });
}

/** Looks at all of some data but for what has been named before, which cannot hold parts of a new reply. */
function touch(canon: Canon, value: unknown, seen: Set<object>): void {
  if (typeof value !== 'object' || value === null || seen.has(value) || canon.known.has(value)) return;
  seen.add(value);
  for (const part of value instanceof Map ? value.values() : Object.values(value)) touch(canon, part, seen);
}

/** The number of what a reply says in those parts. */
export function replyView(canon: Canon, reply: Reply, parts: ReplyParts): number {
  let text = 'reply ';
  for (const [name, { path, isWhole }] of parts) {
    let value: unknown = reply;
    for (const key of path) {
      if (typeof value !== 'object' || value === null) value = undefined;
      else value = (value as Readonly<Record<string, unknown>>)[key];
    }
    text += `${name}=${isWhole ? canonText(canon, value) : kindOf(canon, value)},`;
  }
  return canonId(canon, text);
}

const kindOf = (canon: Canon, value: unknown): string =>
  typeof value !== 'object' || value === null ? canonText(canon, value) : Array.isArray(value) ? '[' : '{';
