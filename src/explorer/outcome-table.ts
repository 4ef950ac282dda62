/**
 * End states put together to what people ask: who started, who was refused, who failed late, and how often.
 *
 * Ends that differ only in which copy of a step (`times: 50`) fared how, or in reasons, are one row.
 */
import type { Outcome, OutcomeLane } from './explore-record.ts';
import type { LaneEnd } from './lane-end.ts';
import { wilsonInterval } from './sample-tally.ts';
import { type End, endVerdict, VERDICTS } from './verdict.ts';

/** An end and how often it was seen. */
export interface SeenEnd {
  readonly end: End;
  /** End states, or samples. */
  readonly count: number;
  /** Of all orders; null: not known, or sampled. */
  readonly share: number | null;
}

/** What ends are judged by. */
export interface OutcomeFrame {
  /** By lane: the step it is a copy of. */
  readonly steps: readonly string[];
  /** Whether one of the builders starts when nobody runs beside it. */
  readonly fits: () => boolean;
}

/** Reasons told for one row. */
const MAX_REASONS = 3;

/** The rows: worst verdict first, then the likeliest. `samples`: how many there were; null: all orders were walked. */
export function outcomesOf(seen: readonly SeenEnd[], frame: OutcomeFrame, samples: number | null): Outcome[] {
  const rows = new Map<string, Outcome>();
  for (const { end, count, share } of seen) {
    const lanes = lanesOf(end, frame);
    const verdict = endVerdict(end, frame.fits);
    const key = outcomeKey(verdict, lanes, end.broken);
    const fresh: Outcome = {
      verdict,
      lanes,
      broken: end.broken,
      states: samples === null ? count : null,
      samples: samples === null ? null : count,
      share,
      interval: null,
    };
    const before = rows.get(key);
    rows.set(key, before === undefined ? fresh : joinOutcomes(before, fresh));
  }
  return sortOutcomes([...rows.values()].map((row) => withShare(row, samples)));
}

const outcomeKey = (verdict: string, lanes: readonly OutcomeLane[], broken: string | null): string =>
  JSON.stringify([
    verdict,
    broken?.replaceAll(/\d+/g, 'N'),
    lanes.map(({ ends }) => ends.map(({ kind, count }) => [kind, count])),
  ]);

/** Rows of several shards as rows of all. */
export function mergeOutcomes(all: readonly (readonly Outcome[])[], samples: number): Outcome[] {
  const rows = new Map<string, Outcome>();
  for (const outcome of all.flat()) {
    const key = outcomeKey(outcome.verdict, outcome.lanes, outcome.broken);
    const before = rows.get(key);
    rows.set(key, before === undefined ? outcome : joinOutcomes(before, outcome));
  }
  return sortOutcomes([...rows.values()].map((row) => withShare(row, samples)));
}

function withShare(row: Outcome, samples: number | null): Outcome {
  if (samples === null || row.samples === null || samples === 0) return row;
  return { ...row, share: row.samples / samples, interval: [...wilsonInterval(row.samples, samples)] };
}

const sum = (a: number | null, b: number | null): number | null => (a === null || b === null ? null : a + b);

/** Two rows of one key. */
function joinOutcomes(a: Outcome, b: Outcome): Outcome {
  const lanes = a.lanes.map((lane, i) => ({
    step: lane.step,
    ends: lane.ends.map((end, j) => {
      const other = b.lanes[i]?.ends[j] ?? end;
      return { ...end, why: reasons([...end.why, ...other.why]) };
    }),
  }));
  const share = a.share === null || b.share === null ? null : Math.min(1, a.share + b.share);
  return { ...a, lanes, states: sum(a.states, b.states), samples: sum(a.samples, b.samples), share };
}

const reasons = (all: readonly string[]): string[] =>
  [...new Set(all.filter((why) => why !== ''))].sort().slice(0, MAX_REASONS);

const KINDS: readonly LaneEnd['kind'][] = [
  'started',
  'done',
  'refused',
  'failed',
  'late',
  'short',
  'under way',
  'stuck',
];

function lanesOf(end: End, { steps }: OutcomeFrame): OutcomeLane[] {
  return [...new Set(steps)].map((step) => {
    const own = end.lanes.filter((_, i) => steps[i] === step);
    const ends = KINDS.flatMap((kind) => {
      const ofKind = own.filter((lane) => lane.kind === kind);
      if (ofKind.length === 0) return [];
      return [{ kind, count: ofKind.length, why: reasons(ofKind.map(({ reason }) => reason)) }];
    });
    return { step, ends };
  });
}

const often = ({ share, states, samples }: Outcome): number => share ?? states ?? samples ?? 0;

/** Sums of shares in another order of adding differ in their last digits; what differs by a smaller part is one share. */
const ROUNDING = 1e-9;

function sortOutcomes(rows: readonly Outcome[]): Outcome[] {
  // By how often: the greatest of all that are the same but for rounding.
  const speaks = new Map<number, number>();
  let above = Number.POSITIVE_INFINITY;
  let greatest = above;
  for (const each of rows.map(often).sort((a, b) => b - a)) {
    if (above - each > ROUNDING * above || above === Number.POSITIVE_INFINITY) greatest = each;
    speaks.set(each, greatest);
    above = each;
  }
  const ranked = rows.map((row) => ({
    row,
    verdict: VERDICTS.indexOf(row.verdict),
    often: speaks.get(often(row))!,
    key: outcomeKey(row.verdict, row.lanes, row.broken),
  }));
  ranked.sort((a, b) => a.verdict - b.verdict || b.often - a.often || (a.key < b.key ? -1 : 1));
  return ranked.map(({ row }) => row);
}
