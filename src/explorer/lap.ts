/** A lap: rounds of a repeat after which a play stands as it stood before, but for counts and the clock. */
import type { NamedNumbers } from './named-numbers.ts';
import { isSameValue } from './same-value.ts';
import type { Standing } from './standing.ts';
import type { World } from './world.ts';

/** The search for a lap, which may be several rounds. Changed in place. */
export interface RoundSearch {
  /** What is expected in the rounds depends on counts that go on. */
  readonly looksAtCounts: boolean;
  /** The moment that later ones are compared with, and the rounds over by then; null: the next is to be kept. */
  kept: { readonly at: Standing; readonly round: number } | null;
  /** Rounds after which another moment is kept: each time twice as many, so that a lap of any length is found. */
  patience: number;
  /** A lap that was played: one like it may be left out. */
  lap: Lap | null;
  /** There is nothing to look for before one of these is reached. */
  stops: Stops | null;
  /** Null: not looked for yet. */
  named: NamedNumbers | null;
  /** What has been printed since the moment that is kept, where that is looked at. */
  readonly printed: string[];
  /** Requests served when the repeat began, and those of laps that were left out. */
  unplayed: number;
  /** What looking at the heap has cost, in requests that could have been served instead. */
  spent: number;
}

/** What lies ahead that no lap before it has met. */
export interface Stops {
  /** A domid that is not like all others, and the one before which there is none. */
  readonly domid: number;
  readonly after: number;
  /** When somebody wakes who slept all the time, in ns. */
  readonly at: number;
}

/** What one lap does. */
export interface Lap {
  readonly rounds: number;
  /** Where it began and ended. */
  readonly from: Standing;
  readonly to: Standing;
  /** By how much the clock and each count go on. */
  readonly ns: number;
  readonly counts: Readonly<Record<string, number>>;
  /** Events noted. */
  readonly events: number;
  /** The domids that libxl has noted as given back, from the last one before the lap and its beginning on. */
  readonly marks: World['recentDomids'];
  /** What its steps printed, as far as that is looked at. */
  readonly printed: readonly string[];
}

/** The last domid that Xen gave by itself. */
export const lastDomidAt = ({ counts }: Standing): number => counts['xen.lastDomid']!;

/** The lap between two moments, `rounds` apart, at which the play stands the same. */
export function lapBetween(
  from: Standing,
  to: Standing,
  rounds: number,
  printed: readonly string[] = [],
): Lap {
  const counts: Record<string, number> = {};
  for (const [name, count] of Object.entries(to.counts)) counts[name] = count - from.counts[name]!;
  // The list grows at its end and is forgotten from its beginning on.
  const last = from.recentDomids.at(-1);
  const known = last === undefined ? -1 : to.recentDomids.lastIndexOf(last);
  const first = lastDomidAt(from);
  const marks = to.recentDomids
    .slice(known + 1)
    .map(({ domid, at }) => ({ domid: domid - first, at: at - from.now }));
  const [ns, events] = [to.now - from.now, to.events - from.events];
  return { rounds, from, to, ns, counts, events, marks, printed };
}

/** Whether two laps do the same. */
export const isSameLap = (a: Lap, b: Lap): boolean =>
  a.rounds === b.rounds &&
  a.ns === b.ns &&
  a.events === b.events &&
  isSameValue(a.counts, b.counts) &&
  isSameValue(a.marks, b.marks) &&
  isSameValue(a.printed, b.printed);
