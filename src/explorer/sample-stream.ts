/**
 * Chance for samples: a stream of its own for each index of each seed.
 *
 * A sample is the same whoever draws it and whatever was drawn before, so shards and workers may share the indices out as
 * they like.
 */

import { xoroshiro128plusFromState } from 'pure-rand/generator/xoroshiro128plus';
import type { RandomGenerator } from 'pure-rand/types/RandomGenerator';
import { mixed } from './state-table.ts';

const LOW = 2 ** 32;
/** Outputs thrown away, until every bit of the state depends on all of seed and index. */
const WARM_UP = 8;

/** The generator of sample `index`. Different pairs of whole numbers below 2^53 give different states. */
export function sampleStream(seed: number, index: number): RandomGenerator {
  // Each word is a one-to-one image of a word of the pair, given the words before: no two pairs meet.
  const a = mixed((seed % LOW) ^ 0x243f6a88);
  const b = mixed((index % LOW) ^ a ^ 0x85a308d3);
  const c = mixed(Math.floor(seed / LOW) ^ b ^ 0x13198a2e);
  const d = mixed(Math.floor(index / LOW) ^ c ^ 0x03707344);
  const stream = xoroshiro128plusFromState([a, b, c, d]);
  for (let i = 0; i < WARM_UP; i++) stream.next();
  return stream;
}

/** A number below `n` (1 to 2^32), each equally likely. */
export function drawBelow(stream: RandomGenerator, n: number): number {
  // What the loop comes to for 2, without a division.
  if (n === 2) return stream.next() >>> 31;
  const width = Math.floor(LOW / n);
  for (;;) {
    const drawn = Math.floor((stream.next() >>> 0) / width);
    if (drawn < n) return drawn;
  }
}
