/**
 * Runs every golden set and prints a line for each: passed, failed, skipped, and what differs first in the first
 * failures.
 *
 * Without `--dir` it reads the recordings next to the project, and the project's own copy of the hand-written cases
 * where they are absent; with it, any folder of the same layout: configs/, commands/, build/, each with a manifest.
 */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { runBuildSet } from './build-set.ts';
import { type KnownDifferences, readStored, runCommandSet } from './command-set.ts';
import { runConfigSet, runGrammarSet } from './config-set.ts';

interface Result {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
  readonly failures: readonly { readonly id: string; readonly text?: string; readonly diff?: string }[];
}

interface GoldenSet {
  readonly name: string;
  readonly folder: string;
  readonly run: (dir: string) => Result;
}

const OWN = 'test/golden/data';

/** What the recording shim invented, by set and case: each entry says why. */
const knownDifferences = JSON.parse(readFileSync('test/golden/known-differences.json', 'utf8')) as {
  readonly commands: KnownDifferences;
};

const SETS: readonly GoldenSet[] = [
  { name: 'configs', folder: 'configs', run: runConfigSet },
  { name: 'grammar', folder: 'configs', run: runGrammarSet },
  {
    name: 'commands',
    folder: 'commands',
    run: (dir) =>
      runCommandSet(dir, {
        stored: readStored(existsSync(join(dir, 'stored')) ? join(dir, 'stored') : join(OWN, 'stored')),
        known: knownDifferences.commands,
      }),
  },
  { name: 'build', folder: 'build', run: runBuildSet },
];

/** Failures shown in full; the rest are counted. */
const SHOWN = 5;
/** Lines of a failure's text that are shown. */
const SHOWN_LINES = 12;

function report(where: string, name: string, result: Result, ms: number): void {
  const counts = `${result.passed} passed, ${result.failed} failed, ${result.skipped} skipped`;
  console.log(`${where} ${name}: ${counts} (${(ms / 1000).toFixed(2)} s)`);
  for (const failure of result.failures.slice(0, SHOWN)) {
    const lines = (failure.text ?? failure.diff ?? '').trimEnd().split('\n').slice(0, SHOWN_LINES);
    console.log(`  ${failure.id}\n    ${lines.map((line) => line.slice(0, 2000)).join('\n    ')}`);
  }
  const more = result.failures.length - SHOWN;
  if (more > 0)
    console.log(
      `  … and ${more} more: ${result.failures
        .slice(SHOWN)
        .map((f) => f.id)
        .join(' ')}`,
    );
}

/** The folders to run, best first. */
function folders(argv: readonly string[]): readonly string[] | null {
  const at = argv.indexOf('--dir');
  if (at >= 0) {
    const dir = argv[at + 1];
    return dir === undefined ? null : [dir];
  }
  const collected = '../shared/golden/xl';
  if (existsSync(collected)) return [collected, OWN];
  console.log(
    `${collected} is not here: the collected recordings are skipped, the project's own copy is run`,
  );
  return [OWN];
}

/** Runs a set; a text says why it cannot be read: its manifest is broken, or a file that it names is not there. */
function runSet(set: GoldenSet, folder: string): Result | string {
  try {
    const manifest: unknown = JSON.parse(readFileSync(join(folder, 'manifest.json'), 'utf8'));
    if (typeof manifest !== 'object' || manifest === null) return 'manifest.json holds no list of cases';
  } catch (error) {
    return `manifest.json cannot be read: ${error instanceof Error ? error.message : error}`;
  }
  try {
    return set.run(folder);
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    if ('code' in error && error.code === 'ENOENT') return `${set.name}: ${error.message}`;
    if (error instanceof TypeError) return `${set.name}: manifest.json does not fit: ${error.message}`;
    throw error;
  }
}

/** Runs all sets; the exit status: 0, 1 when a case failed, 2 for misuse. */
export function main(argv: readonly string[]): number {
  const dirs = folders(argv);
  const unknown = argv.length > 0 && (argv[0] !== '--dir' || argv.length > 2);
  if (dirs === null || unknown) {
    console.error('usage: npm run test:golden [-- --dir DIR]');
    return 2;
  }
  const missing = dirs.find((dir) => !existsSync(dir));
  if (missing !== undefined) {
    console.error(`${missing}: there is no such folder`);
    return 2;
  }
  let failed = 0;
  let ran = 0;
  for (const dir of dirs) {
    for (const set of SETS) {
      const folder = join(dir, set.folder);
      if (!existsSync(join(folder, 'manifest.json'))) continue;
      const start = performance.now();
      const result = runSet(set, folder);
      if (typeof result === 'string') {
        console.error(`${folder}: ${result}`);
        return 2;
      }
      report(dir, set.name, result, performance.now() - start);
      failed += result.failed;
      ran++;
    }
  }
  if (ran === 0) {
    console.error(`no manifest.json under ${dirs.join(', ')}: expected configs/, commands/ or build/`);
    return 2;
  }
  const known = Object.values(knownDifferences).reduce((n, set) => n + Object.keys(set).length, 0);
  console.log(`known differences: ${known} (test/golden/known-differences.json)`);
  return failed === 0 ? 0 : 1;
}
