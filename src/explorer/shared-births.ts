/**
 * Ids of tasks that are the same in all threads that walk one block together.
 *
 * A block numbers tasks as it meets them, and a task's id is part of its form. Threads that meet them in different orders
 * write down births (who started it, as the how manieth) in memory that all of them see: whoever is first decides.
 */
import { ASSERT } from '../hypervisor/bug.ts';

/** Words of the memory; a birth takes one for each letter and one more. */
const WORDS = 2 ** 20;
/** The first words: who writes just now (1: somebody), and how many words and births are written. */
const LOCK = 0;
const END = 1;
const COUNT = 2;
const FIRST = 3;

/** Memory with `known` births in it, numbered from 0 in their order. */
export function newSharedBirths(known: Iterable<string>): Int32Array {
  const words = new Int32Array(new SharedArrayBuffer(WORDS * 4));
  words[END] = FIRST;
  for (const birth of known) write(words, birth);
  return words;
}

/** The number of a birth: the one that it has, or the next. */
export function sharedBirth(words: Int32Array, birth: string): number {
  while (Atomics.compareExchange(words, LOCK, 0, 1) !== 0);
  try {
    let at = FIRST;
    for (let n = 0; n < words[COUNT]!; n++) {
      if (isWritten(words, at, birth)) return n;
      at += words[at]! + 1;
    }
    return write(words, birth);
  } finally {
    Atomics.store(words, LOCK, 0);
  }
}

function isWritten(words: Int32Array, at: number, birth: string): boolean {
  if (words[at] !== birth.length) return false;
  for (let i = 0; i < birth.length; i++) if (words[at + 1 + i] !== birth.charCodeAt(i)) return false;
  return true;
}

function write(words: Int32Array, birth: string): number {
  const at = words[END]!;
  ASSERT(at + 1 + birth.length <= words.length, 'the tasks of a block that is walked together have room');
  words[at] = birth.length;
  for (let i = 0; i < birth.length; i++) words[at + 1 + i] = birth.charCodeAt(i);
  words[END] = at + 1 + birth.length;
  return words[COUNT]!++;
}
