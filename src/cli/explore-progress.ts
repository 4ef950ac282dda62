/** A line for people who wait, on a terminal: what all threads have done together. */
import { formatDuration } from '../explorer/amount.ts';
import type { ExploreProgress } from '../explorer/explore.ts';
import { type Cli, flush, say } from './cli-state.ts';
import type { Plan } from './explore-plan.ts';
import { grouped } from './explore-words.ts';
import { clipped, toBytes, visibleLine } from './screen.ts';

const EVERY_MS = 250;
const COLUMNS = 79;
const CLEAR_LINE = '\r\u001b[K';

/** Takes what threads report. */
export interface ProgressLine {
  /** Null: the thread has nothing to do for now. */
  readonly note: (thread: string, progress: ExploreProgress | null) => void;
  readonly close: () => void;
}

/** Shows a line until it is closed. `title`: of what is explored; null: remedies side by side. */
export function showProgress(cli: Cli, plan: Plan, title: string | null): ProgressLine {
  const begin = performance.now();
  const busy = new Map<string, ExploreProgress>();
  const past = { steps: 0 };
  const show = (text: string): void => {
    say(cli, 'stderr', `${CLEAR_LINE}${toBytes(clipped(visibleLine(text), COLUMNS))}`, true);
    flush(cli);
  };
  const timer = setInterval(() => {
    show(progressText(plan, [...busy.values()], past.steps, performance.now() - begin, title));
  }, EVERY_MS);
  return {
    note: (thread, progress) => {
      if (progress !== null) busy.set(thread, progress);
      else {
        // Steps of samples are in the plan.
        const last = busy.get(thread);
        if (last !== undefined && last.samples === null) past.steps += last.transitions;
        busy.delete(thread);
      }
    },
    close: () => {
      clearInterval(timer);
      show('');
    },
  };
}

const sum = (values: readonly number[]): number => values.reduce((all, value) => all + value, 0);

/** The line. `steps`: of walks that are over; `ms`: since the beginning. */
function progressText(
  plan: Plan,
  busy: readonly ExploreProgress[],
  steps: number,
  ms: number,
  title: string | null,
): string {
  const { parts, how } = plan;
  const over = parts.filter(({ phase }) => phase === 'over').length;
  const what = title ?? `${over} of ${parts.length} remedies`;
  const all = steps + plan.steps + sum(busy.map(({ transitions }) => transitions));
  const rate = `${grouped(Math.round((all / Math.max(1, ms)) * 1000))} steps/s`;
  const took = formatDuration(Math.round(ms) * 1e6);
  const threads = busy.length > 1 ? `, ${busy.length} threads` : '';
  const sampled = parts.filter(({ phase, until }) => phase !== 'walk' && until !== null);
  const isSampling = busy.every(({ samples }) => samples !== null) && sampled.length > 0;
  if (!isSampling) {
    const states = grouped(sum(busy.map((p) => p.states)));
    const next = busy.every(({ phase }) => phase === 'find')
      ? 'looking for the smallest order'
      : `${grouped(sum(busy.map((p) => p.frontier)))} to go on from`;
    return `${what}: ${states} states, ${rate}, ${next}${threads}, ${took}`;
  }
  const wanted = sampled.length * (how.samples.to - how.samples.from);
  const done = plan.samples + sum(busy.map(({ samples }) => samples?.[0] ?? 0));
  const rest = formatDuration(Math.round((ms / Math.max(1, done)) * Math.max(0, wanted - done)) * 1e6);
  const left = done === 0 ? '' : `, ${rest} to go`;
  return `${what}: ${grouped(done)} of ${grouped(wanted)} samples, ${rate}${threads}, ${took}${left}`;
}
