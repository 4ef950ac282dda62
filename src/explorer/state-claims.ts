/**
 * Which thread makes the steps of which state, where several walk a space together: memory that all of them see.
 *
 * A state goes by a hash of what it is. Two states with the same hash have the same thread, which does no harm: the hash
 * says who walks on, never that two states are one.
 */

/** States that can be told apart; what finds no room belongs to thread 0. */
const SLOTS = 2 ** 22;
const MOST_PROBES = 64;
/** Of a slot: the thread + 1 in the lowest bits, above them a part of the hash. */
const THREADS = 512;
const TAGS = 2 ** 22;

/** Nobody has it. */
export const NOBODY = -1;

/** Two words. */
export type StateHash = readonly [where: number, tag: number];

export const newStateClaims = (): Int32Array => new Int32Array(new SharedArrayBuffer(SLOTS * 4));

/** The thread that has the state; NOBODY: it is free. */
export function ownerOf(claims: Int32Array, [where, tag]: StateHash): number {
  const own = (tag >>> 0) % TAGS;
  for (let i = 0; i < MOST_PROBES; i++) {
    const word = Atomics.load(claims, ((where >>> 0) + i) % SLOTS);
    if (word === 0) return NOBODY;
    if (Math.floor(word / THREADS) === own) return (word % THREADS) - 1;
  }
  return 0;
}

/** Claims the state for a thread (0 to 510); who has it now, that thread or one that was faster. */
export function claimState(claims: Int32Array, [where, tag]: StateHash, thread: number): number {
  const own = (tag >>> 0) % TAGS;
  for (let i = 0; i < MOST_PROBES; i++) {
    const at = ((where >>> 0) + i) % SLOTS;
    const there = Atomics.compareExchange(claims, at, 0, own * THREADS + thread + 1);
    if (there === 0) return thread;
    if (Math.floor(there / THREADS) === own) return (there % THREADS) - 1;
  }
  return 0;
}
