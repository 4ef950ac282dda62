/** What samples came to: counts that can be added up in any order, and how far they can be trusted. */

/** Plain data: crosses threads and files. */
export interface Tally {
  readonly samples: number;
  /** Of all samples together. */
  readonly steps: number;
  readonly longest: number;
  /** pct: the most tasks that took part in one sample; 0 for others. */
  readonly tasks: number;
  /** Samples that were given up. */
  readonly unfinished: number;
  /** By outcome, ascending: how many samples ended so, and the least index of those. */
  readonly outcomes: readonly {
    readonly outcome: number;
    readonly samples: number;
    readonly first: number;
  }[];
}

export const EMPTY_TALLY: Tally = { samples: 0, steps: 0, longest: 0, tasks: 0, unfinished: 0, outcomes: [] };

/** The tally of both. The order does not matter. */
export function mergeTallies(a: Tally, b: Tally): Tally {
  const outcomes = new Map(a.outcomes.map((row) => [row.outcome, row]));
  for (const row of b.outcomes) {
    const known = outcomes.get(row.outcome);
    const { outcome } = row;
    if (known === undefined) outcomes.set(outcome, row);
    else {
      const samples = known.samples + row.samples;
      outcomes.set(outcome, { outcome, samples, first: Math.min(known.first, row.first) });
    }
  }
  return {
    samples: a.samples + b.samples,
    steps: a.steps + b.steps,
    longest: Math.max(a.longest, b.longest),
    tasks: Math.max(a.tasks, b.tasks),
    unfinished: a.unfinished + b.unfinished,
    outcomes: [...outcomes.values()].sort((x, y) => x.outcome - y.outcome),
  };
}

/** Of the standard normal distribution, 97.5 % lie below. */
const Z_95 = 1.959963984540054;

/**
 * Wilson's score interval: the frequencies from which `hits` of `samples` is not further away than chance takes it in 95
 * of 100 cases. It does not leave 0 to 1, and none of 1,000 does not make it 0: at most 0.38 % then. Of no samples: all.
 */
export function wilsonInterval(hits: number, samples: number): readonly [low: number, high: number] {
  if (samples === 0) return [0, 1];
  const share = hits / samples;
  const z2 = Z_95 ** 2;
  const centre = share + z2 / (2 * samples);
  const spread = Z_95 * Math.sqrt((share * (1 - share)) / samples + z2 / (4 * samples ** 2));
  const low = hits === 0 ? 0 : (centre - spread) / (1 + z2 / samples);
  const high = hits === samples ? 1 : (centre + spread) / (1 + z2 / samples);
  return [low, high];
}
