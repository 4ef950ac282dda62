/**
 * What samples of a block came to, in words that mean the same in every process: ends are told, not numbered.
 *
 * A space numbers outcomes as it meets them; here each stands for itself. Tallies of ranges that do not overlap add up to
 * the same tally in whatever order they are added.
 */
import type { Tally } from './sample-tally.ts';
import type { End } from './verdict.ts';

/** Plain data: crosses threads and files. */
export interface EndTally extends Omit<Tally, 'outcomes'> {
  /** How samples ended, in the order of the first that ended so. */
  readonly ends: readonly SampledEnd[];
}

interface SampledEnd {
  readonly end: End;
  readonly samples: number;
  /** The least index of a sample that ended so. */
  readonly first: number;
}

export const NO_SAMPLES: EndTally = {
  samples: 0,
  steps: 0,
  longest: 0,
  tasks: 0,
  unfinished: 0,
  ends: [],
};

/** A tally of a space, whose outcomes `endOf` tells. */
export function endTallyOf({ outcomes, ...counts }: Tally, endOf: (outcome: number) => End): EndTally {
  const ends = outcomes.map(({ outcome, samples, first }) => ({ end: endOf(outcome), samples, first }));
  return { ...counts, ends: joinEnds(ends) };
}

/** The tally of both. The order does not matter. */
export const mergeEndTallies = (a: EndTally, b: EndTally): EndTally => ({
  samples: a.samples + b.samples,
  steps: a.steps + b.steps,
  longest: Math.max(a.longest, b.longest),
  tasks: Math.max(a.tasks, b.tasks),
  unfinished: a.unfinished + b.unfinished,
  ends: joinEnds([...a.ends, ...b.ends]),
});

function joinEnds(ends: readonly SampledEnd[]): SampledEnd[] {
  const rows = new Map<string, SampledEnd>();
  for (const row of ends) {
    const { lanes, broken } = row.end;
    const key = JSON.stringify([
      broken,
      lanes.map(({ label, kind, rc, reason }) => [label, kind, rc, reason]),
    ]);
    const known = rows.get(key);
    if (known === undefined) rows.set(key, row);
    else {
      const samples = known.samples + row.samples;
      rows.set(key, { end: known.end, samples, first: Math.min(known.first, row.first) });
    }
  }
  return [...rows.values()].sort((a, b) => a.first - b.first);
}
