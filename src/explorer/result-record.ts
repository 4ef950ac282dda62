/** What a replay found, as plain data: what reporters print and blobs carry. */
import type { Problem } from './scenario-problem.ts';

/** An expectation that did not hold. */
export interface Failure {
  /** The step's label. */
  readonly step: string;
  /** The expectation's path, e.g. `domains.big1.mem`. */
  readonly what: string;
  readonly line: number;
  readonly column: number;
  readonly expected: string;
  readonly got: string;
  /** Virtual ns since the scenario began. */
  readonly at: number;
  /** The tables at that moment. */
  readonly tables: string;
  /** Who held what, since when; then the last events. */
  readonly held: readonly string[];
  readonly events: readonly string[];
}

/** How a scenario or a twin ended. `hung`: the budget ended, or a task waits for what never comes. */
export type Verdict = 'passed' | 'failed' | 'hung' | 'skipped';

export interface ScenarioResult {
  readonly name: string;
  readonly kind: 'scenario' | 'twin';
  readonly verdict: Verdict;
  readonly failures: readonly Failure[];
  /** A twin: what it was to fail at; failures elsewhere, or none at all, make it fail. */
  readonly mustFail: readonly string[];
  /** Of a twin that failed as it must: where, for people to read. */
  readonly failedAsStated: readonly Failure[];
  /** Where it hung. */
  readonly hung: readonly string[];
  readonly steps: number;
  /** Virtual ns. */
  readonly ns: number;
  readonly seed: number;
}

export interface FileResult {
  /** As it was named, relative, with forward slashes. */
  readonly file: string;
  /** SHA-256 of its text. */
  readonly hash: string;
  readonly problems: readonly Problem[];
  readonly results: readonly ScenarioResult[];
}

/** One run of the replayer, or a part of one. */
export interface ReplayReport {
  readonly schema: 'xlsim/replay/1';
  readonly version: string;
  readonly seed: number;
  readonly shard: { readonly index: number; readonly of: number };
  /** Of the command line, by long names, what does more than say where reports go; true: an option without a value. */
  readonly options: Readonly<Record<string, string | true>>;
  /** Every file of the whole run, also those of other shards. */
  readonly planned: readonly { readonly file: string; readonly hash: string }[];
  readonly files: readonly FileResult[];
  /** Recorded outputs that --update rewrote. */
  readonly updated: readonly string[];
}

export interface Totals {
  readonly passed: number;
  readonly failed: number;
  readonly hung: number;
  readonly skipped: number;
  readonly invalid: number;
}

export function totalsOf(files: readonly FileResult[]): Totals {
  const totals = { passed: 0, failed: 0, hung: 0, skipped: 0, invalid: 0 };
  for (const file of files) {
    if (file.problems.length > 0) totals.invalid++;
    for (const result of file.results) totals[result.verdict]++;
  }
  return totals;
}

/** Files of the report's own share that were not played, for a failure ended the run. */
export function unplayed({ planned, shard, files }: ReplayReport): number {
  const own = planned.filter((_, i) => i % shard.of === shard.index - 1);
  return Math.max(0, own.length - files.length);
}

/** 0 all is well, 1 an expectation is violated, 2 a file is invalid, 4 a budget ended first. */
export function exitCodeOf(files: readonly FileResult[]): number {
  const totals = totalsOf(files);
  if (totals.invalid > 0) return 2;
  if (totals.failed > 0) return 1;
  return totals.hung > 0 ? 4 : 0;
}
