/**
 * Shards of one exploration as the report of the whole, the same to the last byte as of a run that was not cut.
 *
 * Samples are numbered, and a shard takes a range of numbers: counts add up, and the order that is shown is that of the
 * first sample that ended as badly as any. Only shards of one and the same run are put together, and all of them.
 */
import type { Exploration, ExploreReport, Walk } from './explore-record.ts';
import { guaranteeText } from './explore-sample.ts';
import { mergeOutcomes } from './outcome-table.ts';
import { type EndVerdict, explorationsExit, verdictExit, walkVerdict } from './verdict.ts';

/** A report and where it is from. */
export interface ExploreShard {
  readonly name: string;
  readonly report: ExploreReport;
}

export type MergedExploration =
  | { readonly ok: true; readonly report: ExploreReport }
  | { readonly ok: false; readonly problems: readonly string[] };

/** Puts shards together. `version` is that of this program. */
export function mergeExplorations(shards: readonly ExploreShard[], version: string): MergedExploration {
  const problems = problemsOf(shards, version);
  if (problems.length > 0) return { ok: false, problems };
  const inOrder = shards.map(({ report }) => report).sort((a, b) => a.shard.index - b.shard.index);
  const first = inOrder[0]!;
  const results = first.results.map((_, i) =>
    mergeResults(
      inOrder.map((report) => report.results[i]!),
      first.forbid_refusal,
    ),
  );
  const exit = explorationsExit(results, first.compared);
  return { ok: true, report: { ...first, shard: { index: 1, of: 1 }, results, exit } };
}

/** What must be the same in all of them, in words. */
const SAME: readonly (readonly [what: string, of: (report: ExploreReport) => unknown])[] = [
  ['scenario', ({ scenario }) => scenario.file],
  ['twin', ({ twin }) => twin ?? 'none'],
  ['block', ({ block }) => block.index],
  ['remedies', ({ results }) => results.map(({ remedy }) => remedy ?? 'none').join()],
  ['--compare', ({ compared }) => compared],
  ['--forbid', ({ forbid_refusal }) => forbid_refusal],
  ['--samples', ({ samples }) => samples],
  ['strategy', ({ results }) => results[0]?.walk.strategy],
  ['grain', ({ results }) => results[0]?.walk.grain],
  ['--ownership', ({ results }) => results[0]?.walk.ownership],
  ['seed', ({ results }) => results[0]?.walk.seed],
  ['depth', ({ results }) => results[0]?.walk.pct_depth],
];

function problemsOf(shards: readonly ExploreShard[], version: string): string[] {
  const [first, ...others] = shards;
  if (first === undefined) return ['there is no report to merge'];
  const problems: string[] = [];
  for (const { name, report } of shards) {
    if (report.version === version) continue;
    problems.push(
      `${name} is of version ${report.version}, this is ${version}: run all shards with one version`,
    );
  }
  for (const { name, report } of others) {
    if (report.scenario.sha256 !== first.report.scenario.sha256)
      problems.push(`${report.scenario.file} was not the same file for ${name} and ${first.name}`);
    for (const [what, of] of SAME) {
      const [mine, theirs] = [of(report), of(first.report)];
      if (mine !== theirs)
        problems.push(`${what}: ${String(mine)} in ${name}, ${String(theirs)} in ${first.name}`);
    }
  }
  problems.push(...partsMissing(shards), ...shards.flatMap(unfinished));
  return problems.length > 0 ? problems : shards.flatMap(miscounted);
}

function partsMissing(shards: readonly ExploreShard[]): string[] {
  const problems: string[] = [];
  const { of } = shards[0]!.report.shard;
  const seen = new Map<number, string>();
  for (const { name, report } of shards) {
    const { shard } = report;
    if (shard.of !== of)
      problems.push(`${name} is one of ${shard.of} shards, ${shards[0]!.name} one of ${of}`);
    const twice = seen.get(shard.index);
    if (twice !== undefined) problems.push(`${name} and ${twice} are both shard ${shard.index}`);
    seen.set(shard.index, name);
  }
  for (let i = 1; i <= of; i++) if (!seen.has(i)) problems.push(`shard ${i} of ${of} is missing`);
  return problems;
}

function unfinished({ name, report }: ExploreShard): string[] {
  if (report.results.some(({ walk }) => walk.strategy === 'exhaustive'))
    return [`${name} is of a walk of all orders, which has no shards`];
  return report.results.flatMap(({ walk }) =>
    walk.finished
      ? []
      : [
          `${name} was cut short (${walk.stopped ?? 'stopped'}) after ${walk.samples} samples: run that shard again`,
        ],
  );
}

/** Numbers that no run prints: the file was changed. */
function miscounted({ name, report: { shard, samples, results } }: ExploreShard): string[] {
  const { index, of } = shard;
  const drawn = Math.floor((index * samples) / of) - Math.floor(((index - 1) * samples) / of);
  return results.flatMap(({ walk, outcomes }) => {
    if (walk.strategy === 'exhaustive' || !walk.finished) return [];
    const told = total(outcomes.map((row) => row.samples ?? 0));
    // A run that is no shard may have had fewer: as many as there were steps for.
    const isAll = of === 1 ? (walk.samples ?? 0) <= drawn : walk.samples === drawn;
    return told === walk.samples && isAll
      ? []
      : [`${name} tells of ${told} samples and says ${walk.samples}: it was changed, run that shard again`];
  });
}

const total = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0);

function mergeResults(parts: readonly Exploration[], forbidRefusal: boolean): Exploration {
  const first = parts[0]!;
  const walk = mergeWalks(parts.map((part) => part.walk));
  const outcomes = mergeOutcomes(
    parts.map((part) => part.outcomes),
    walk.samples ?? 0,
  );
  const seen = outcomes.map(({ verdict }) => verdict as EndVerdict);
  const verdict = walkVerdict(seen, forbidRefusal && seen.includes('early refusal'));
  const shown = parts.find((part) => part.counterexample?.verdict === verdict) ?? first;
  const exit = verdictExit(verdict, forbidRefusal);
  const counterexample = exit === 1 ? shown.counterexample : null;
  return { ...first, verdict, exit, walk, outcomes, counterexample, clock: shown.clock };
}

function mergeWalks(walks: readonly Walk[]): Walk {
  const first = walks[0]!;
  const tasks = Math.max(...walks.map(({ pct_tasks }) => pct_tasks ?? 0));
  const { pct_steps, pct_depth } = first;
  const isPct = pct_steps !== null && pct_depth !== null;
  return {
    ...first,
    transitions: total(walks.map(({ transitions }) => transitions)),
    depth: Math.max(...walks.map(({ depth }) => depth ?? 0)),
    samples: total(walks.map(({ samples }) => samples ?? 0)),
    pct_tasks: isPct ? tasks : null,
    guarantee: isPct ? guaranteeText(tasks, pct_steps, pct_depth) : null,
  };
}
