/** `xlsim merge-reports` of what `xlsim explore --shard --json` printed. */
import { is } from 'valibot';
import { exploreSchema } from '../explorer/explore-record.ts';
import { type ExploreShard, mergeExplorations } from '../explorer/merge-explorations.ts';
import { type Cli, complain } from './cli-state.ts';
import { writeExploration } from './explore-output.ts';
import { readReport } from './report-text.ts';
import { version } from './version.ts';

const MISUSE = 2;

const isExploration = (data: unknown): data is { readonly schema: string; readonly version: unknown } =>
  typeof data === 'object' &&
  data !== null &&
  'schema' in data &&
  typeof data.schema === 'string' &&
  data.schema.startsWith('xlsim/explore/');

/** Whether one of the files is the report of an exploration, or what is left of one. */
export const holdsExploration = (cli: Cli, names: readonly string[]): boolean =>
  names.some((name) => {
    const read = readReport(cli.cwd, name);
    return read.ok ? isExploration(read.data) : read.isExploration;
  });

/** Merges them and prints the report of the whole; its exit code. */
export function mergeExploreCommand(cli: Cli, names: readonly string[], json: boolean): number {
  const shards: ExploreShard[] = [];
  const problems: string[] = [];
  for (const name of names) {
    const read = readReport(cli.cwd, name);
    if (!read.ok) {
      problems.push(read.message);
      continue;
    }
    const { data } = read;
    if (is(exploreSchema, data)) shards.push({ name, report: data });
    else if (isExploration(data) && data.version !== version)
      problems.push(
        `${name} is of version ${String(data.version)}, this is ${version}: run all shards with one version`,
      );
    else
      problems.push(`${name}: is no report of an exploration: write one with xlsim --json explore --shard`);
  }
  const merged = problems.length > 0 ? null : mergeExplorations(shards, version);
  if (merged === null || !merged.ok) {
    for (const problem of merged === null ? problems : merged.problems) complain(cli, problem);
    return MISUSE;
  }
  const { report } = merged;
  return writeExploration(cli, report, {}, json) ? report.exit : MISUSE;
}
