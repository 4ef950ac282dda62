/**
 * The golden configs: `xl create -n` and the bare grammar on guest configs, compared byte for byte with what the real
 * xl did.
 *
 * Works on any folder of this layout: manifest.json, cfg/, json/, err/, grammar/.
 */
import { existsSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { cfgParse } from '../../src/cli/cfg-parse.ts';
import { ENOENT } from '../../src/hypervisor/errno.ts';
import { flows } from '../../src/toolstack/flows.ts';
import { newTask } from '../../src/toolstack/task.ts';
import { defaultXlEnv, type XlEnv } from '../../src/toolstack/xl-env.ts';
import type { SetResult } from './command-set.ts';
import { runOnScene } from './scene.ts';
import { parseScene } from './scene-file.ts';
import { openScene } from './scene-state.ts';

/** One case of the manifest. */
interface ConfigCase {
  readonly file: string;
  readonly source: string;
  readonly command: readonly string[];
  readonly exit: number;
  readonly stdout: string;
  readonly stderr: string;
  readonly grammar?: string;
  readonly grammar_stderr?: string;
  readonly grammar_exit?: number;
}

/** What a run printed and how it ended. */
interface Outcome {
  readonly stdout: string;
  readonly stderr: string;
  readonly exit: number;
}

/** The pretended host of the recordings, as far as a dry run asks: 16 cpus on 2 nodes. */
const HOST = `host nr_cpus=16
host nr_nodes=2
host threads_per_core=2
host cores_per_socket=4
host total_pages=8386981
host free_pages=5012345
xs domid 0
xs /local/domain/0/name Domain-0
`;

const ENV: XlEnv = { ...defaultXlEnv, profile: '4.17' };

const latin1 = (path: string): string => readFileSync(path, 'latin1');

/** Runs one case through xl's main, as its command says. */
function dryRun(dir: string, c: ConfigCase): Outcome {
  const state = openScene(parseScene(HOST), {
    readFile: (path) => {
      if (path === '/etc/xen/xl.conf' || path === '/dev/null') return '';
      const full = join(dir, path);
      if (!existsSync(full)) return -ENOENT;
      return statSync(full).isDirectory() ? -21 : latin1(full);
    },
    statFile: () => 0,
  });
  return runOnScene(flows, newTask('xl', 'main', { argv: c.command.slice(1), env: ENV }), state);
}

/** Runs the bare parser on a case's file. */
function grammar(dir: string, c: ConfigCase): Outcome {
  const text = { stdout: '', stderr: '' };
  const exit = cfgParse(c.file, latin1(join(dir, c.file)), (stream, piece) => {
    text[stream] += piece;
  });
  return { ...text, exit: exit === 0 ? 0 : 1 };
}

/** The first line that differs, with what was expected and what came; empty when there is none. */
function firstDifference(what: string, expected: string, got: string): string {
  if (expected === got) return '';
  const want = expected.split('\n');
  const have = got.split('\n');
  let i = 0;
  while (want[i] === have[i]) i++;
  const shown = (line: string | undefined): string => (line === undefined ? '(end)' : JSON.stringify(line));
  return `${what} line ${i + 1}:\n  expected ${shown(want[i])}\n  got      ${shown(have[i])}\n`;
}

function differences(expected: Outcome, got: Outcome): string {
  const exit = expected.exit === got.exit ? '' : `exit: expected ${expected.exit}, got ${got.exit}\n`;
  return (
    exit +
    firstDifference('stderr', expected.stderr, got.stderr) +
    firstDifference('stdout', expected.stdout, got.stdout)
  );
}

/** Runs `one` on each case that `recorded` finds an outcome for. */
function runSet(
  dir: string,
  run: (dir: string, c: ConfigCase) => Outcome,
  recorded: (c: ConfigCase) => Outcome | null,
): SetResult {
  const failures: { id: string; text: string }[] = [];
  let passed = 0;
  let skipped = 0;
  for (const c of readManifest(dir)) {
    const expected = recorded(c);
    if (expected === null) {
      skipped++;
      continue;
    }
    let text: string;
    try {
      text = differences(expected, run(dir, c));
    } catch (error) {
      text = `threw ${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`;
    }
    if (text === '') passed++;
    else failures.push({ id: c.file, text });
  }
  return { passed, failed: failures.length, skipped, failures };
}

/** The cases of a folder. */
const readManifest = (dir: string): readonly ConfigCase[] =>
  JSON.parse(readFileSync(join(dir, 'manifest.json'), 'utf8')) as readonly ConfigCase[];

/** Every dry run of a folder: stdout, stderr and exit status. */
export function runConfigSet(dir: string): SetResult {
  return runSet(dir, dryRun, (c) => ({
    stdout: latin1(join(dir, c.stdout)),
    stderr: latin1(join(dir, c.stderr)),
    exit: c.exit,
  }));
}

/** Every run of the bare parser of a folder: settings, lookups, reports. */
export function runGrammarSet(dir: string): SetResult {
  return runSet(dir, grammar, (c) => {
    if (c.grammar === undefined || c.grammar_stderr === undefined) return null;
    return {
      stdout: latin1(join(dir, c.grammar)),
      stderr: latin1(join(dir, c.grammar_stderr)),
      exit: c.grammar_exit ?? 0,
    };
  });
}
