/**
 * Work that may take long, in slices: whoever drives it owns the clock and the wish to stop.
 *
 * It yields the steps it has made since it last did. It goes on with whether it is to end now: with what is known by then,
 * and after no more than a step or so.
 */

/** Such work, and what comes of it. */
export type Sliced<T> = Generator<number, T, boolean>;

/** Steps that it makes at a time where a step is cheap. */
export const SLICE = 16;

/** Work under way: made by underway(), moved on by continueSliced(), ended by endSliced(). */
export interface Underway<T> {
  readonly work: Sliced<T>;
  last: IteratorResult<number, T> | null;
}

export const underway = <T>(work: Sliced<T>): Underway<T> => ({ work, last: null });

/** Goes on for about `budget` steps. True: it is over. */
export function continueSliced<T>(way: Underway<T>, budget: number): boolean {
  for (let made = 0; made < budget && way.last?.done !== true; ) {
    way.last = way.work.next(false);
    if (way.last.done !== true) made += way.last.value;
  }
  return way.last?.done === true;
}

/** What came of it; of work that is not over, what is known by now. */
export function endSliced<T>(way: Underway<T>): T {
  for (;;) {
    if (way.last?.done === true) return way.last.value;
    way.last = way.work.next(true);
  }
}

/** The same, for whoever has the time to let it come to its end. */
export function atOnce<T>(work: Sliced<T>): T {
  const way = underway(work);
  continueSliced(way, Number.POSITIVE_INFINITY);
  return endSliced(way);
}
