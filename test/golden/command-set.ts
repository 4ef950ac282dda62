/**
 * Runs a folder of recorded commands (manifest.json, scenes/, xlconf/, cfg/, out/, err/, trace/) through xl's main on
 * the scene answerer, and compares stdout, stderr, exit status and trace with what the real xl did.
 */
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { ENOENT, strerror } from '../../src/hypervisor/errno.ts';
import { flows } from '../../src/toolstack/flows.ts';
import { newTask, type Task } from '../../src/toolstack/task.ts';
import { defaultXlEnv, type XlEnv } from '../../src/toolstack/xl-env.ts';
import { runOnScene } from './scene.ts';
import { parseScene } from './scene-file.ts';
import { openScene } from './scene-state.ts';

/** One case of a manifest. */
interface CommandCase {
  readonly id: string;
  readonly command: readonly string[];
  readonly scene: string | null;
  readonly xlconf: string;
  readonly exit: number;
  readonly stdout: string;
  readonly stderr: string;
  readonly trace?: string;
}

/** How a set went. A failure's text is a diff for people. */
export interface SetResult {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
  readonly failures: readonly { readonly id: string; readonly text: string }[];
}

/** Differences that are the recording shim's inventions: by case, with what is not compared and why. */
export type KnownDifferences = Readonly<
  Record<string, { readonly parts: readonly Part[]; readonly reason: string }>
>;
type Part = 'stdout' | 'stderr' | 'exit' | 'trace';

/** The stored configs the recordings' dom0 had on disk, which their folder does not hold: domid to text. */
type StoredConfigs = Readonly<Record<string, string>>;

/** What uname(2) said where the recordings were made. */
const RECORDED_ENV: XlEnv = {
  ...defaultXlEnv,
  profile: '4.17',
  uname: {
    nodename: 'fakehost',
    release: '6.1.0-fake-amd64',
    version: '#1 SMP PREEMPT_DYNAMIC Fake 6.1.0-1',
    machine: 'x86_64',
  },
};

/** The recordings name a variant's settings only; the file they were appended to had this many lines of comment. */
const COMMENT_LINES: Readonly<Record<string, number>> = { badconf: 48 };

const EISDIR = 21;
const text = (path: string): string => readFileSync(path, 'latin1');

/** The text of a recorded xl.conf variant, or a negative errno. */
function xlconfText(dir: string, variant: string): string | number {
  if (variant === 'noconf') return -ENOENT;
  const path = join(dir, 'xlconf', `${variant}.conf`);
  // A variant without a file sets nothing.
  if (!existsSync(path)) return '';
  return '\n'.repeat(COMMENT_LINES[variant] ?? 0) + text(path);
}

function readFile(dir: string, variant: string, path: string): string | number {
  if (path === '/etc/xen/xl.conf') return xlconfText(dir, variant);
  if (path === '/dev/null') return '';
  const full = join(dir, path);
  if (path.startsWith('/') || !existsSync(full)) return -ENOENT;
  return statSync(full).isDirectory() ? -EISDIR : text(full);
}

/** What one command did. */
interface CommandRun {
  readonly stdout: string;
  readonly stderr: string;
  readonly exit: number;
  readonly trace: readonly string[];
}

/** Runs one case; null where it was recorded without any Xen. `between` may replace the task before each request. */
function runCase(
  dir: string,
  c: CommandCase,
  stored: StoredConfigs,
  between?: (task: Task) => Task,
): CommandRun | null {
  if (c.scene === null) return null;
  const userdata = Object.fromEntries(
    Object.entries(stored).map(([domid, json]) => [`${domid}/libxl-json`, json]),
  );
  const state = openScene(parseScene(text(join(dir, c.scene))), {
    readFile: (path) => readFile(dir, c.xlconf, path),
    // No device model ran where the recordings were made.
    statFile: (path) => (path.startsWith('/var/run/xen/qmp-') ? -ENOENT : 0),
    userdata,
  });
  const argv = c.command.slice(1);
  return runOnScene(flows, newTask('xl', 'main', { argv, env: RECORDED_ENV }), state, between);
}

/** What strerror(3) says. */
const STRERROR = Array.from({ length: 134 }, (_, errno) => strerror(errno)).filter(
  (t) => !t.startsWith('Unknown'),
);

/**
 * libxl's errors may end in an errno that nothing had set; it says nothing and is not compared where ours has none.
 * A text nobody's system call could have left here is taken off on both sides.
 */
function sameStderr(expected: string, got: string): boolean {
  const left = expected.split('\n');
  const right = got.split('\n');
  return (
    left.length === right.length &&
    left.every((line, i) => {
      const other = right[i] ?? '';
      if (line === other || withoutLeftOver(line) === withoutLeftOver(other)) return true;
      return line.startsWith('libxl: ') && STRERROR.some((tail) => line === `${other}: ${tail}`);
    })
  );
}

const withoutLeftOver = (line: string): string =>
  line.replace(/: (Function not implemented|Inappropriate ioctl for device)$/, '');

function differences(dir: string, c: CommandCase, run: CommandRun, ignored: readonly Part[]): string[] {
  const found: string[] = [];
  const compare = (part: Part, expected: string, got: string) => {
    if (expected !== got && !ignored.includes(part)) {
      found.push(`${part} expected ${JSON.stringify(expected)}\n${part} got      ${JSON.stringify(got)}`);
    }
  };
  compare('exit', String(c.exit), String(run.exit));
  compare('stdout', text(join(dir, c.stdout)), run.stdout);
  const stderr = text(join(dir, c.stderr));
  if (!sameStderr(stderr, run.stderr)) compare('stderr', stderr, run.stderr);
  if (c.trace !== undefined) {
    compare('trace', text(join(dir, c.trace)), run.trace.map((line) => `${line}\n`).join(''));
  }
  return found;
}

/** Reads stored configs from a folder of DOMID.json files. */
export function readStored(dir: string): StoredConfigs {
  if (!existsSync(dir)) return {};
  return Object.fromEntries(readdirSync(dir).map((f) => [f.replace(/\.json$/, ''), text(join(dir, f))]));
}

/** Runs every case of the folder. */
export function runCommandSet(
  dir: string,
  options: {
    readonly stored?: StoredConfigs;
    readonly known?: KnownDifferences;
    readonly between?: (task: Task) => Task;
  } = {},
): SetResult {
  const cases = JSON.parse(text(join(dir, 'manifest.json'))) as readonly CommandCase[];
  const failures: { id: string; text: string }[] = [];
  let passed = 0;
  let skipped = 0;
  for (const c of cases) {
    const known = options.known?.[c.id];
    let found: string[];
    try {
      const run = runCase(dir, c, options.stored ?? {}, options.between);
      if (run === null) {
        skipped++;
        continue;
      }
      found = differences(dir, c, run, known?.parts ?? []);
    } catch (error) {
      found = [`threw ${error instanceof Error ? error.message : String(error)}`];
    }
    if (found.length === 0) passed++;
    else failures.push({ id: c.id, text: `${c.command.join(' ')}\n${found.join('\n')}` });
  }
  return { passed, failed: failures.length, skipped, failures };
}
