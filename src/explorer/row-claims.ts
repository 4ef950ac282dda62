/**
 * Which thread has which row of a space that several walk together: memory that all of them see.
 *
 * A row goes by a hash of its form. Two rows with the same hash have the same thread, which does no harm: the hash says
 * who walks a row, never that two states are one.
 */

/** Rows that can be told apart; those beyond belong to thread 0. */
const SLOTS = 2 ** 18;
const MOST_PROBES = 64;
/** Of a slot: the thread + 1 in the lowest bits, above them the hash. */
const THREADS = 512;

/** Nobody has it. */
export const NOBODY = -1;

export const newRowClaims = (): Int32Array => new Int32Array(new SharedArrayBuffer(SLOTS * 4));

const slotOf = (hash: number): number => (hash >>> 0) % SLOTS;
const tagOf = (hash: number): number => Math.floor((hash >>> 0) / SLOTS) % 2 ** 14;

/** The thread that has the row; NOBODY: it is free. */
export function rowOwner(claims: Int32Array, hash: number): number {
  const tag = tagOf(hash);
  for (let i = 0; i < MOST_PROBES; i++) {
    const word = Atomics.load(claims, (slotOf(hash) + i) % SLOTS);
    if (word === 0) return NOBODY;
    if (Math.floor(word / THREADS) === tag) return (word % THREADS) - 1;
  }
  return 0;
}

/** Claims the row for a thread (0 to 510); who has it now, that thread or one that was faster. */
export function claimRow(claims: Int32Array, hash: number, thread: number): number {
  const tag = tagOf(hash);
  const mine = tag * THREADS + thread + 1;
  for (let i = 0; i < MOST_PROBES; i++) {
    const there = Atomics.compareExchange(claims, (slotOf(hash) + i) % SLOTS, 0, mine);
    if (there === 0) return thread;
    if (Math.floor(there / THREADS) === tag) return (there % THREADS) - 1;
  }
  return 0;
}
