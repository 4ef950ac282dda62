/** Figures and words of exploration reports, the same in every form of them. */
import type { Exploration, ExploreReport, Outcome, OutcomeLane, Walk } from '../explorer/explore-record.ts';
import { isUsedBy } from './explore-options.ts';
import { type OptionValues, optionWords } from './said-options.ts';
import { shellLine } from './shell-words.ts';

/** 12,345. */
export const grouped = (n: number): string => String(n).replace(/\B(?=(\d{3})+(?!\d))/g, ',');

/** A grain in words: what one step is. */
export function grainText(grain: string): string {
  if (grain === 'sections') return 'one section under a lock';
  const [, extents] = grain.split(':');
  if (extents === undefined) return `one ${grain}`;
  return extents === '1' ? 'one extent' : `${extents} extents`;
}

/** A share in percent: what is not all and not nothing never looks like it. `isAll`: there is nothing beside it. */
export function percent(share: number, isAll = true): string {
  if (share <= 0) return '0 %';
  // Shares are sums of many small ones.
  if (share >= 1 - 1e-9) return isAll ? '100 %' : '>99.9 %';
  const shown = (share * 100).toFixed(1);
  if (shown === '0.0') return '<0.1 %';
  return shown === '100.0' ? '>99.9 %' : `${shown.replace(/\.0$/, '')} %`;
}

/** A row's share, with its interval where it was sampled; ? where nobody knows. */
export function shareText({ share, interval }: Outcome, isAll = true): string {
  if (share === null) return '?';
  if (interval === null) return percent(share, isAll);
  return `${percent(share)} (${percent(interval[0])} to ${percent(interval[1])})`;
}

/** How a step's copies ended: started, or 30 started, 20 refused. */
export function laneText({ ends }: OutcomeLane): string {
  const isOne = ends.length === 1 && ends[0]!.count === 1;
  return isOne ? ends[0]!.kind : ends.map(({ kind, count }) => `${count} ${kind}`).join(', ');
}

const ORDER_WORDS = { bfs: ', breadth first', dfs: ', depth first' } as const;

/** What ended a walk, in words. */
const STOPPED: Readonly<Record<string, string>> = {
  time: 'the time budget ended',
  memory: 'the memory limit was reached',
  states: 'the limit of states was reached',
  interrupted: 'it was interrupted',
};
export const stopText = (stopped: string | null): string => STOPPED[stopped ?? ''] ?? 'it was stopped';

/** What was walked, in a sentence. */
export function walkText(walk: Walk): string {
  const { states, transitions, depth, samples } = walk;
  if (walk.strategy === 'exhaustive') {
    // Where the longest order is all there is, nobody ever had a choice.
    const isOne = walk.finished && !walk.reduction && depth === transitions && transitions + 1 === states;
    const what = isOne
      ? 'the one order there is'
      : walk.finished
        ? 'all orders'
        : `not all orders (${stopText(walk.stopped)})`;
    const steps = depth === null ? '' : `, at most ${grouped(depth)} steps`;
    const how = `${walk.order === null ? '' : ORDER_WORDS[walk.order]}${walk.reduction ? ', those that end alike left out' : ''}`;
    return `${what}${how}: ${grouped(states ?? 0)} states, ${grouped(transitions)} transitions${steps}; ${memoryText(walk)}`;
  }
  const orders = samples === 1 ? 'order' : 'orders';
  const what = walk.strategy === 'random' ? `random ${orders}` : `${orders} by pct (depth ${walk.pct_depth})`;
  const stopped = walk.finished ? '' : ` (${stopText(walk.stopped)})`;
  return `${grouped(samples ?? 0)} ${what}${stopped}, seed ${walk.seed}: ${grouped(transitions)} transitions; a sample proves nothing`;
}

/** What states tell of memory, and whether that is enough. */
function memoryText(walk: Walk): string {
  const { ownership, ownership_matters: matters, abstract, by_sums, exactly, finished } = walk;
  if (ownership === 'exact') return 'memory frame by frame';
  if (by_sums && !matters) {
    // Whether every request is certain is known once all ways to it are.
    const certain = finished ? ': every request is certain, whatever lies where' : '';
    return `memory by class and, once some came back, by sums${certain}`;
  }
  if (!abstract) return 'memory by class';
  const why =
    exactly === null
      ? ''
      : `; frame by frame not finished after ${grouped(exactly.states)} states (${stopText(exactly.stopped)})`;
  const enough = matters
    ? 'though who owns which frame may matter here'
    : 'which is all that decides how orders end';
  return `memory by class, ${enough}, each state as the first host that was met${why}`;
}

/** The command that does it again. */
export const againLine = (report: ExploreReport, result: Exploration): string =>
  shellLine(againWords(report, result));

/**
 * Its words: every option that was given, but where orders were sampled it is said how and how many of them, whatever was
 * to be tried first.
 */
export function againWords(report: ExploreReport, { walk }: Exploration): string[] {
  const words = ['xlsim', 'explore', report.scenario.file];
  const { strategy } = walk;
  if (strategy === 'exhaustive') return [...words, ...optionWords(report.options)];
  const given = Object.entries(report.options).filter(
    ([name]) => name !== 'time-budget' && isUsedBy(strategy, name),
  );
  const { shard } = report;
  // A shard's samples are not the first ones.
  const samples = shard.of > 1 ? report.samples : (walk.samples ?? 0);
  const drawn: OptionValues = {
    strategy,
    samples: String(samples),
    seed: String(walk.seed ?? 1),
    ...(walk.pct_depth === null ? {} : { depth: String(walk.pct_depth) }),
    ...(shard.of > 1 ? { shard: `${shard.index}/${shard.of}` } : {}),
  };
  return [...words, ...optionWords({ ...drawn, ...Object.fromEntries(given), ...drawn })];
}
