/** Numbers by pairs of numbers, in flat memory: what a search looks up at every step. */
import { mixed } from './state-table.ts';

/** Pairs at first, and the share of slots that may be taken. */
const FIRST = 64;
const MOST_TAKEN = 0.6;

/** Pairs of integers from 0 to 2^31 - 1, and a number from 0 on for each. Grows. */
export interface PairTable {
  /** Three words a slot: the pair, and the number + 1; 0: free. */
  slots: Int32Array;
  count: number;
}

export const newPairTable = (): PairTable => ({ slots: new Int32Array(FIRST * 3), count: 0 });

/** Where a pair is, or would be. */
function slotOf(slots: Int32Array, a: number, b: number): number {
  const places = slots.length / 3;
  const mask = places - 1;
  let place = mixed(Math.imul(a, 0x9e3779b1) + b) & mask;
  for (;;) {
    const at = place * 3;
    if (slots[at + 2] === 0 || (slots[at] === a && slots[at + 1] === b)) return at;
    place = (place + 1) & mask;
  }
}

/** The number of a pair; -1: it has none. */
export const getPair = ({ slots }: PairTable, a: number, b: number): number =>
  slots[slotOf(slots, a, b) + 2]! - 1;

/** Gives a pair a number. */
export function setPair(table: PairTable, a: number, b: number, value: number): void {
  let at = slotOf(table.slots, a, b);
  if (table.slots[at + 2] === 0) {
    table.count++;
    if (table.count * 3 > table.slots.length * MOST_TAKEN) {
      grow(table);
      at = slotOf(table.slots, a, b);
    }
  }
  table.slots[at] = a;
  table.slots[at + 1] = b;
  table.slots[at + 2] = value + 1;
}

function grow(table: PairTable): void {
  const old = table.slots;
  const slots = new Int32Array(old.length * 2);
  for (let i = 0; i < old.length; i += 3) {
    if (old[i + 2] === 0) continue;
    slots.set(old.subarray(i, i + 3), slotOf(slots, old[i]!, old[i + 1]!));
  }
  table.slots = slots;
}

/** The number of a pair, counted from 1 on in order of first use: equal for equal pairs, different for different ones. */
export function pairId(table: PairTable, a: number, b: number): number {
  const known = getPair(table, a, b);
  if (known >= 0) return known;
  const id = table.count + 1;
  setPair(table, a, b, id);
  return id;
}
