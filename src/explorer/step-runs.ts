/** Steps written out again and again: a repeat without the word. */
import type { Step } from './scenario.ts';
import { stepText } from './step-text.ts';

/** Steps `from` to `to` (not included) of a list are the first `period` of them, again and again. */
export interface StepRun {
  readonly from: number;
  readonly to: number;
  readonly period: number;
}

/** Steps in one round at most, and rounds at least. */
const LONGEST = 16;
const FEWEST = 16;

/** The runs in a list of steps, in order; none meets another. */
export function stepRuns(steps: readonly Step[]): StepRun[] {
  if (steps.length < FEWEST) return [];
  const ids = new Map<string, number>();
  const kinds = steps.map((step) => {
    const text = stepText(step);
    const id = ids.get(text) ?? ids.size;
    ids.set(text, id);
    return id;
  });
  const runs: StepRun[] = [];
  for (let from = 0; from < kinds.length; ) {
    const run = runAt(kinds, from);
    if (run !== null) runs.push(run);
    from = run?.to ?? from + 1;
  }
  return runs;
}

/** The run that begins at a place, of the fewest steps that make one. */
function runAt(kinds: readonly number[], from: number): StepRun | null {
  for (let period = 1; period <= LONGEST; period++) {
    let same = 0;
    while (from + same + period < kinds.length && kinds[from + same] === kinds[from + same + period]) same++;
    const rounds = Math.floor(same / period) + 1;
    if (rounds >= FEWEST) return { from, to: from + rounds * period, period };
  }
  return null;
}
