/**
 * Which thread walks which rows and fields (see row-walk.ts), where several walk a space together: memory that all of them see.
 *
 * They go by a hash of what they are. Two with the same hash have the same thread, which does no harm: the hash says who
 * walks on, never that two states are one.
 */

/** What can be told apart; what finds no room belongs to thread 0. */
const SLOTS = 2 ** 22;
const MOST_PROBES = 64;
/** Of a slot: the thread + 1 in the lowest bits, above them a part of the hash. */
const THREADS = 512;
const TAGS = 2 ** 22;

/** Nobody has it. */
export const NOBODY = -1;

export const newRowClaims = (): Int32Array => new Int32Array(new SharedArrayBuffer(SLOTS * 4));

/** The thread that has it; NOBODY: it is free. */
export function ownerOf(claims: Int32Array, hash: number): number {
  const tag = hash % TAGS;
  for (let i = 0; i < MOST_PROBES; i++) {
    const word = Atomics.load(claims, slotOf(hash, i));
    if (word === 0) return NOBODY;
    if (Math.floor(word / THREADS) === tag) return (word % THREADS) - 1;
  }
  return 0;
}

/** Claims it for a thread (0 to 510); who has it now, that thread or one that was faster. */
export function claim(claims: Int32Array, hash: number, thread: number): number {
  const tag = hash % TAGS;
  for (let i = 0; i < MOST_PROBES; i++) {
    const there = Atomics.compareExchange(claims, slotOf(hash, i), 0, tag * THREADS + thread + 1);
    if (there === 0) return thread;
    if (Math.floor(there / THREADS) === tag) return (there % THREADS) - 1;
  }
  return 0;
}

/** Bits of the hash that are not all in its tag. */
const slotOf = (hash: number, probe: number): number => (Math.floor(hash / 2 ** 10) + probe) % SLOTS;
