/**
 * Verdicts: what an end state is called, which of several is the worst, and what a whole exploration may claim.
 *
 * An end is judged by its lanes alone; whether one of the builders would fit by itself has been tried beforehand.
 */
import type { LaneEnd } from './lane-end.ts';

/** An end state as people look at it. */
export interface End {
  readonly lanes: readonly LaneEnd[];
  /** The invariant that does not hold, in a sentence. */
  readonly broken: string | null;
}

/** Worst first. `undecided`: the budget ended before anything could be said. */
export const VERDICTS = [
  'invariant broken',
  'stuck',
  'none started',
  'late failure',
  'undecided',
  'early refusal',
  'safe',
] as const;
export type Verdict = (typeof VERDICTS)[number];
/** Verdicts that an end state can have by itself. */
export type EndVerdict = Exclude<Verdict, 'undecided'>;

const isBuilder = ({ kind }: LaneEnd): boolean => kind === 'started' || kind === 'refused' || kind === 'late';

/** Whether what an end is called depends on whether one of the builders starts when nobody runs beside it. */
export function asksAlone({ broken, lanes }: End): boolean {
  if (broken !== null || lanes.some(({ kind }) => kind === 'stuck')) return false;
  const builders = lanes.filter(isBuilder);
  return builders.length > 1 && builders.every(({ kind }) => kind !== 'started');
}

/**
 * What an end is called. `fits`: whether one of the builders starts when nobody runs beside it; asked only if no builder has
 * started. None started is said of two builders or more: where there is but one, that it failed says the same.
 */
export function endVerdict(end: End, fits: () => boolean): EndVerdict {
  const { lanes } = end;
  if (end.broken !== null) return 'invariant broken';
  if (lanes.some(({ kind }) => kind === 'stuck')) return 'stuck';
  if (asksAlone(end) && fits()) return 'none started';
  if (lanes.some(({ kind }) => kind === 'late' || kind === 'short')) return 'late failure';
  return lanes.some(({ kind }) => kind === 'refused' || kind === 'failed') ? 'early refusal' : 'safe';
}

/** The worst of some verdicts; safe where there are none. */
export const worst = (verdicts: readonly Verdict[]): Verdict =>
  VERDICTS.find((verdict) => verdicts.includes(verdict)) ?? 'safe';

/** What a walk may say: a failure that was seen stands; that there is none is known only when everything was walked. */
export function walkVerdict(seen: readonly EndVerdict[], walkedAll: boolean): Verdict {
  return worst(walkedAll ? seen : [...seen, 'undecided']);
}

/** A sentence for each. */
export const VERDICT_TEXT: Readonly<Record<Verdict, string>> = {
  'invariant broken': 'something holds no longer that must always hold',
  stuck: 'somebody waits for what never comes',
  'none started': 'every builder fails, although one alone would have fitted',
  'late failure': 'a builder fails after it has begun to populate',
  undecided: 'no order that was walked fails, but not every order was walked',
  'early refusal': 'who does not fit is refused before anything is populated',
  safe: 'nobody fails, whatever the order',
};

/** Of one exploration its own exit; of a comparison, which shows remedies of which some fail: 0 if all were decided. */
export function explorationsExit(
  results: readonly { readonly verdict: Verdict; readonly exit: number }[],
  isCompared: boolean,
): number {
  if (!isCompared) return results[0]?.exit ?? 0;
  return worst(results.map(({ verdict }) => verdict)) !== 'undecided' &&
    results.every(({ exit }) => exit !== 4)
    ? 0
    : 4;
}

/** 0 fulfilled, 1 violated, 4 undecided. An early refusal is what a claim buys: fulfilled, unless it is forbidden. */
export function verdictExit(verdict: Verdict, forbidRefusal: boolean): number {
  if (verdict === 'safe') return 0;
  if (verdict === 'undecided') return 4;
  return verdict === 'early refusal' && !forbidRefusal ? 0 : 1;
}
