/**
 * What a search walks: states as vectors of words, and who can make the next step in each.
 *
 * Strategies (exhaustive.ts, walks.ts) know nothing else. A toy of three counters and a whole host with running creates
 * are walked through the same door, so what is proved about a strategy on the one holds on the other.
 *
 * A state is `width` 32-bit words at some place of an array. Equal words are equal states: whatever a space leaves out
 * of them, or rewrites to one representative, it vouches for in docs/exploration.md.
 */

/** See the file's header. Functions do not change the state they read; they may keep what they found out. */
export interface Space {
  /** Words of a state. May grow while steps are made; words beyond those a state was made with are 0. */
  readonly width: number;
  /** A state's only word is its number, from 0 on; most numbers have a state. So states are found without a hash. */
  readonly isNumbered?: boolean;
  /** Tasks are numbers below this. May grow while steps are made. */
  readonly tasks: number;
  /** Writes the state before the first step. */
  readonly start: (into: Int32Array, intoAt: number) => void;
  /** Writes the tasks that can make a step, ascending; returns how many. None: an end state. */
  readonly enabled: (state: Int32Array, at: number, tasks: Int32Array) => number;
  /**
   * Writes the state after a step of `task`, which is enabled: `width` words. The two places do not overlap (but see `inPlace`). If `width`
   * grew meanwhile, what was written is thrown away and the step asked for again, with room for the new width.
   */
  readonly step: (state: Int32Array, at: number, task: number, into: Int32Array, intoAt: number) => void;
  /** A step may be written over the state that it is made from, and the space does not grow. */
  readonly inPlace?: boolean;
  /** How an end state ended: a number that the space can tell more about. */
  readonly outcome: (state: Int32Array, at: number) => number;
  /**
   * Whether a step of `a` and one of `b`, both enabled, lead to the same state in either order, neither keeping the
   * other from its step. Absent: nothing is known to commute.
   */
  readonly commute?: (state: Int32Array, at: number, a: number, b: number) => boolean;
  /**
   * Rewrites a state to the one that stands for all that differ in the names of equal guests only. `renamed` takes for
   * each task that was its new name (one who cannot tell leaves it alone: then nothing sleeps on).
   */
  readonly representative?: (state: Int32Array, at: number, renamed: Int32Array) => void;
}

/** A place in a search where somebody was chosen: the task's number. A schedule is a list of them, in order. */
export type Choice = number;
