/** `xlsim merge-reports`: blobs of all shards in, one report out. */
import { readdirSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { exitCodeOf, type ReplayReport } from '../explorer/result-record.ts';
import { type Cli, complain } from './cli-state.ts';
import { holdsExploration, mergeExploreCommand } from './merge-explore.ts';
import { blobOf, mergeReports } from './merge-reports.ts';
import { planOutputs, writeOutputs } from './replay-output.ts';
import { readReport } from './report-text.ts';
import { version } from './version.ts';

const MISUSE = 2;

/** Merges the blobs, or the reports of explorations, that `paths` name or hold (*.json). Fails when a shard is missing or was of something else. */
export function mergeCommand(
  cli: Cli,
  paths: readonly string[],
  options: { readonly reporter: readonly string[]; readonly outputFile: readonly string[] },
  json: boolean,
): number {
  const names = paths.flatMap((path) => blobsOf(cli.cwd, path));
  if (holdsExploration(cli, names)) return mergeExploreCommand(cli, names, json);
  const outputs = planOutputs(cli.cwd, options.reporter, options.outputFile);
  if (typeof outputs === 'string') {
    complain(cli, outputs);
    return MISUSE;
  }
  const blobs: { name: string; report: ReplayReport }[] = [];
  for (const name of names) {
    const read = readReport(cli.cwd, name);
    if (!read.ok) {
      complain(cli, read.message);
      return MISUSE;
    }
    const report = blobOf(read.data);
    if (report === null) {
      complain(cli, `${name}: is no blob: write one with xlsim replay --reporter blob --output-file FILE`);
      return MISUSE;
    }
    blobs.push({ name, report });
  }
  const merged = mergeReports(blobs, version);
  if (!merged.ok) {
    for (const problem of merged.problems) complain(cli, problem);
    return MISUSE;
  }
  return writeOutputs(cli, merged.report, outputs) ? exitCodeOf(merged.report.files) : MISUSE;
}

function blobsOf(cwd: string, path: string): string[] {
  try {
    if (!statSync(resolve(cwd, path)).isDirectory()) return [path];
    const names = readdirSync(resolve(cwd, path)).filter((name) => name.endsWith('.json'));
    return names.sort().map((name) => join(path, name));
  } catch {
    return [path];
  }
}
