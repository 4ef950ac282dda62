/** Shards put together again: only if all are there, of one version, and of the same files. */
import type { FileResult, ReplayReport } from '../explorer/result-record.ts';

export type Merged =
  | { readonly ok: true; readonly report: ReplayReport }
  | { readonly ok: false; readonly problems: readonly string[] };

/** A blob's report, or null for anything else. */
export function blobOf(data: unknown): ReplayReport | null {
  const report = data as Partial<ReplayReport> | null;
  const isReport =
    report?.schema === 'xlsim/replay/1' &&
    Array.isArray(report.files) &&
    Array.isArray(report.planned) &&
    typeof report.options === 'object' &&
    report.options !== null &&
    Number.isInteger(report.shard?.index) &&
    Number.isInteger(report.shard?.of);
  return isReport ? (report as ReplayReport) : null;
}

/** Puts the shards of one run together. `version` is that of this program. */
export function mergeReports(
  blobs: readonly { readonly name: string; readonly report: ReplayReport }[],
  version: string,
): Merged {
  const problems: string[] = [];
  const first = blobs[0];
  if (first === undefined) return { ok: false, problems: ['there is no blob to merge'] };
  const { of } = first.report.shard;
  const planned = new Map(first.report.planned.map((f) => [f.file, f.hash]));
  const seen = new Map<number, string>();
  for (const { name, report } of blobs) {
    if (report.version !== version) {
      problems.push(
        `${name} is of version ${report.version}, this is ${version}: run all shards with one version`,
      );
    }
    if (report.shard.of !== of)
      problems.push(`${name} is one of ${report.shard.of} shards, ${first.name} one of ${of}`);
    if (report.seed !== first.report.seed)
      problems.push(`${name} ran with seed ${report.seed}, ${first.name} with ${first.report.seed}`);
    const twice = seen.get(report.shard.index);
    if (twice !== undefined) problems.push(`${name} and ${twice} are both shard ${report.shard.index}`);
    seen.set(report.shard.index, name);
    problems.push(...otherFiles(name, report, first.name, planned));
  }
  for (let i = 1; i <= of; i++) if (!seen.has(i)) problems.push(`shard ${i} of ${of} is missing`);
  if (problems.length > 0) return { ok: false, problems };
  return { ok: true, report: joined(blobs.map(({ report }) => report)) };
}

function otherFiles(
  name: string,
  report: ReplayReport,
  first: string,
  planned: ReadonlyMap<string, string>,
): string[] {
  const found: string[] = [];
  const own = new Map(report.planned.map((f) => [f.file, f.hash]));
  for (const [file, hash] of own) {
    const other = planned.get(file);
    if (other === undefined) found.push(`${name} knows ${file}, ${first} does not`);
    else if (other !== hash) found.push(`${file} was not the same file for ${name} and ${first}`);
  }
  for (const file of planned.keys())
    if (!own.has(file)) found.push(`${first} knows ${file}, ${name} does not`);
  return found;
}

function joined(reports: readonly ReplayReport[]): ReplayReport {
  const byName = new Map<string, FileResult>();
  for (const report of reports) for (const file of report.files) byName.set(file.file, file);
  const first = reports[0]!;
  const files = first.planned.flatMap(({ file }) => byName.get(file) ?? []);
  return { ...first, shard: { index: 1, of: 1 }, files, updated: reports.flatMap((r) => r.updated) };
}
