/**
 * Long sequences as texts, named by pieces: one that differs from another in one place shares all pieces but that one.
 *
 * Where a piece ends is said by what stands there alone, so it is the same whatever came before, and in every thread.
 */

/** Sequences up to this length are named as a whole. */
const SHORT = 32;
/** Ends of pieces among so many, and of groups of pieces among so many ends. */
const PIECE = 16;
const GROUP = 16;

/** Whether a sequence of so many is named by pieces. */
export const isLong = (length: number): boolean => length > SHORT;

/**
 * The names of the groups of pieces that a sequence of `length` consists of. `markAt`: a number that is the same for what is the
 * same; `textOf`: the text of what stands from one place up to another; `named` gives a text its name.
 */
export function namesOfPieces(
  length: number,
  markAt: (i: number) => number,
  textOf: (from: number, to: number) => string,
  named: (text: string) => string,
): string {
  const groups: string[] = [];
  let group: string[] = [];
  let from = 0;
  for (let i = 0; i < length; i++) {
    const mark = Math.imul(markAt(i), 0x9e3779b1) >>> 16;
    const isEnd = i === length - 1;
    if (mark % PIECE !== 0 && !isEnd) continue;
    group.push(named(textOf(from, i + 1)));
    from = i + 1;
    if (mark % (PIECE * GROUP) !== 0 && !isEnd) continue;
    groups.push(named(group.join()));
    group = [];
  }
  return groups.join();
}
