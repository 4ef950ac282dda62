/** The scenario's own list of steps, and the runs of equal rounds in it. */
import type { RoundSearch } from './lap.ts';
import type { Play } from './play.ts';
import { endRoundSearch, leaveRound, newRoundSearch } from './rounds.ts';
import type { Step } from './scenario.ts';
import type { Rounds } from './standing-rules.ts';
import { type StepRun, stepRuns } from './step-runs.ts';

/** The runs of a list, the place of the first that is not over, and how far that one is. Changed in place. */
export interface RunsAhead {
  readonly runs: readonly StepRun[];
  first: number;
  under: { readonly rounds: Rounds; readonly search: RoundSearch | null } | null;
}

/** A list of steps and the place of the next. */
interface StepPlace {
  readonly steps: readonly Step[];
  next: number;
}

/** Null: the list is played step by step. */
export function newRunsAhead({ stage, hosts, plan }: Play): RunsAhead | null {
  if (hosts !== null || plan !== undefined) return null;
  const runs = stepRuns(stage.steps);
  return runs.length === 0 ? null : { runs, first: 0, under: null };
}

/** Between two steps: where a round of a run is over, goes on behind the rounds that are left out. */
export function passRounds(play: Play, place: StepPlace, ahead: RunsAhead): void {
  let run = ahead.runs[ahead.first];
  if (run !== undefined && place.next === run.to) {
    endRoundSearch(play, ahead.under?.search ?? null);
    ahead.under = null;
    run = ahead.runs[++ahead.first];
  }
  if (run === undefined || place.next < run.from) return;
  const { from, to, period } = run;
  if (place.next === from) {
    const search = newRoundSearch(play, place.steps.slice(from, from + period));
    const rounds = { step: run, since: play.world.now, lanes: [], round: 0, rounds: (to - from) / period };
    ahead.under = { rounds: { ...rounds, succeeded: 0, failed: 0, search: null }, search };
  } else if ((place.next - from) % period === 0 && ahead.under !== null) {
    const { rounds, search } = ahead.under;
    rounds.round = (place.next - from) / period;
    leaveRound(play, rounds, search);
    place.next = from + rounds.round * period;
  }
}
