/**
 * Builders that are nothing but counts: what the heap says about free and claimed pages, and where each builder stands.
 *
 * It is the race of 2012 with everything else left out: small enough for every order to be walked, and for the same
 * model to be written in Promela (test/bench/spin). A unit of memory is taken in Xen's two sections: alloc_heap_pages()
 * takes it out of the heap, assign_pages() gives it to the domain. A builder that is refused a unit gives back what it
 * has, all of it in one step.
 *
 * Words: free, claims (outstanding, all builders together); then of each builder: units it got, where it stands.
 */
import type { Space } from './space.ts';

/** Where a builder stands. From `started` on it is over. */
export const AT = {
  claim: 0,
  alloc: 1,
  assign: 2,
  release: 3,
  started: 4,
  late: 5,
  refused: 6,
} as const;

const FREE = 0;
const CLAIMS = 1;
const FIRST = 2;

/** Sizes in units; one builder for each entry of `claims`, which says whether it claims its memory first. */
export interface Counts {
  readonly free: number;
  readonly units: number;
  readonly claims: readonly boolean[];
}

/** How many end states a digit of an outcome can tell apart. */
const KINDS = 3;

/** An outcome's number taken apart: for each builder where it ended, as AT says. */
export function countsEnds(counts: Counts, outcome: number): number[] {
  return counts.claims.map((_, i) => AT.started + (Math.floor(outcome / KINDS ** i) % KINDS));
}

/** The race as a space: task i is builder i. */
export function countsSpace(counts: Counts): Space {
  const { units } = counts;
  const claims = [...counts.claims];
  const builders = claims.length;
  const width = FIRST + 2 * builders;
  return {
    width,
    tasks: builders,
    inPlace: true,
    start: (into, intoAt) => {
      into.fill(0, intoAt, intoAt + width);
      into[intoAt + FREE] = counts.free;
      for (let i = 0; i < builders; i++)
        into[intoAt + FIRST + 2 * i + 1] = claims[i] === true ? AT.claim : AT.alloc;
    },
    enabled: (state, at, tasks) => {
      let n = 0;
      for (let i = 0; i < builders; i++) if (state[at + FIRST + 2 * i + 1]! < AT.started) tasks[n++] = i;
      return n;
    },
    step: (state, at, task, into, intoAt) => {
      if (into !== state || intoAt !== at) for (let i = 0; i < width; i++) into[intoAt + i] = state[at + i]!;
      stepBuilder(into, intoAt, intoAt + FIRST + 2 * task, units, claims[task] === true);
    },
    outcome: (state, at) => {
      let outcome = 0;
      for (let i = builders - 1; i >= 0; i--)
        outcome = outcome * KINDS + state[at + FIRST + 2 * i + 1]! - AT.started;
      return outcome;
    },
    commute: (state, at, a, b) => commute(counts, state, at, a, b),
    representative: (state, at, renamed) => sortEqual(claims, state, at, renamed),
  };
}

/** One step of the builder whose words are at `me`. */
function stepBuilder(s: Int32Array, host: number, me: number, units: number, claims: boolean): void {
  const unclaimed = s[host + FREE]! - s[host + CLAIMS]!;
  switch (s[me + 1]) {
    case AT.claim:
      if (units <= unclaimed) {
        s[host + CLAIMS]! += units;
        s[me + 1] = AT.alloc;
      } else s[me + 1] = AT.refused;
      return;
    case AT.alloc:
      if (claims) s[host + CLAIMS]!--;
      else if (unclaimed < 1) {
        s[me + 1] = AT.release;
        return;
      }
      s[host + FREE]!--;
      s[me + 1] = AT.assign;
      return;
    case AT.assign:
      s[me]!++;
      s[me + 1] = s[me] === units ? AT.started : AT.alloc;
      return;
    case AT.release:
      s[host + FREE]! += s[me]!;
      s[me] = 0;
      s[me + 1] = AT.late;
      return;
  }
}

/** Steps differ by what they ask of the unclaimed memory and what they give back; all else is the builder's own. */
function commute(counts: Counts, s: Int32Array, at: number, a: number, b: number): boolean {
  const unclaimed = s[at + FREE]! - s[at + CLAIMS]!;
  const askedA = asks(counts, s, at, a);
  const askedB = asks(counts, s, at, b);
  // Two that ask get in each other's way only if either could be served, but not both.
  if (askedA > 0 && askedB > 0)
    return askedA + askedB <= unclaimed || askedA > unclaimed || askedB > unclaimed;
  if (askedA > 0) return unmoved(askedA, gives(s, at, b), unclaimed);
  if (askedB > 0) return unmoved(askedB, gives(s, at, a), unclaimed);
  return true;
}

/** What is asked is had already, or not even after the other gave back. */
const unmoved = (asked: number, given: number, unclaimed: number): boolean =>
  asked <= unclaimed || asked > unclaimed + given;

/** Unclaimed units that the next step of `task` needs; 0 where it looks at none. */
function asks(counts: Counts, s: Int32Array, at: number, task: number): number {
  const where = s[at + FIRST + 2 * task + 1];
  if (where === AT.claim) return counts.units;
  return where === AT.alloc && counts.claims[task] !== true ? 1 : 0;
}

/** Units that the next step of `task` gives back. */
function gives(s: Int32Array, at: number, task: number): number {
  const me = at + FIRST + 2 * task;
  return s[me + 1] === AT.release ? s[me]! : 0;
}

/** Builders that claim alike differ in their names only: the one further on comes first. */
function sortEqual(claims: readonly boolean[], s: Int32Array, at: number, renamed: Int32Array): void {
  for (let i = 0; i < claims.length; i++) renamed[i] = i;
  for (let i = 0; i < claims.length; i++) {
    let first = i;
    for (let j = i + 1; j < claims.length; j++)
      if (claims[j] === claims[i] && isFurther(s, at + FIRST + 2 * j, at + FIRST + 2 * first)) first = j;
    if (first !== i) swapBuilders(s, at, i, first, renamed);
  }
}

const isFurther = (s: Int32Array, a: number, b: number): boolean =>
  s[a]! > s[b]! || (s[a] === s[b] && s[a + 1]! > s[b + 1]!);

function swapBuilders(s: Int32Array, at: number, a: number, b: number, renamed: Int32Array): void {
  for (let word = 0; word < 2; word++) {
    const x = at + FIRST + 2 * a + word;
    const y = at + FIRST + 2 * b + word;
    const kept = s[x]!;
    s[x] = s[y]!;
    s[y] = kept;
  }
  for (let i = 0; i < renamed.length; i++) {
    if (renamed[i] === a) renamed[i] = b;
    else if (renamed[i] === b) renamed[i] = a;
  }
}
