/**
 * The golden builds: `xl create` run for real against pretended hosts, compared line by line.
 *
 * Works on any folder of this layout: manifest.json, cfg/, scenes/, trace/, err/, out/, stored/.
 */
import { existsSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { flows } from '../../src/toolstack/flows.ts';
import { newTask } from '../../src/toolstack/task.ts';
import { defaultXlEnv } from '../../src/toolstack/xl-env.ts';
import { runOnScene, type SceneRun } from './scene.ts';
import { parseScene } from './scene-file.ts';
import { openScene } from './scene-state.ts';

/** One recorded run of the manifest. */
export interface BuildCase {
  readonly id: string;
  readonly command: readonly string[];
  readonly scene: string;
  readonly claim_mode: boolean;
  readonly exit: number;
  readonly stdout: string;
  readonly stderr: string;
  readonly trace: string;
  readonly stored_config: string | null;
}

/** What a set came to, in the shape every golden set has. */
export interface SetResult {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
  readonly failures: readonly { readonly id: string; readonly diff: string }[];
}

const latin1 = (path: string): string => readFileSync(path, 'latin1');
const ENOENT = 2;

/** The files of the recordings' machine: the two kernels and Xen's own, no QEMU. */
function statFile(path: string): number {
  const there =
    path === '/boot/pv.elf' || path === '/boot/pvh.elf' || path.startsWith('/usr/lib/xen-4.17/boot/');
  return there ? 0 : -ENOENT;
}

/** Runs one case in its folder. */
function runBuildCase(dir: string, c: BuildCase): SceneRun & { readonly stored: string | null } {
  const state = openScene(parseScene(latin1(join(dir, c.scene))), {
    readFile: (path) => {
      if (path === '/etc/xen/xl.conf') return `claim_mode=${c.claim_mode ? 1 : 0}\n`;
      const full = join(dir, path);
      if (!existsSync(full)) return -ENOENT;
      return statSync(full).isDirectory() ? -21 : latin1(full);
    },
    statFile,
  });
  const task = newTask('xl', 'main', { argv: c.command.slice(1), env: { ...defaultXlEnv, profile: '4.17' } });
  const run = runOnScene(flows, task, state);
  const domid = [...state.doms.keys()].find((id) => state.userdata.has(`${id}/libxl-json`));
  return { ...run, stored: domid === undefined ? null : (state.userdata.get(`${domid}/libxl-json`) ?? null) };
}

const WILD = /@PTR@|@PID@|@NOW@/;
const quoted = (text: string): string => text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');

/** Whether a line equals a recorded one: @PTR@, @PID@ and @NOW@ stand for anything. */
function sameLine(expected: string, got: string): boolean {
  if (!WILD.test(expected)) return expected === got;
  const pattern = expected.split(WILD).map(quoted).join('[-0-9a-fx.]*');
  return new RegExp(`^${pattern}$`).test(got);
}

/** An errno text that is only left over, where no system call failed, is compared without it. */
const LEFT_OVER = /: (No such file or directory|Function not implemented)$/;
const isLeftOver = (expected: string, got: string): boolean =>
  LEFT_OVER.test(expected) && sameLine(expected.replace(LEFT_OVER, ''), got.replace(/: [A-Z][a-z ]+$/, ''));

/** The first lines that differ, as a readable text; empty when there are none. */
function diffLines(expected: readonly string[], got: readonly string[], what: string): string {
  for (let i = 0; i < Math.max(expected.length, got.length); i++) {
    const e = expected[i];
    const g = got[i];
    if (e !== undefined && g !== undefined && (sameLine(e, g) || isLeftOver(e, g))) continue;
    return `${what} line ${i + 1}:\n  expected ${e ?? '(end)'}\n  got      ${g ?? '(end)'}\n`;
  }
  return '';
}

const traceOf = (text: string): string[] => text.replace(/\n$/, '').split('\n');
const lines = (text: string): string[] => (text === '' ? [] : text.replace(/\n$/, '').split('\n'));

/** Compares one case; the text says what differs first in each output. */
export function compareBuildCase(dir: string, c: BuildCase): string {
  const run = runBuildCase(dir, c);
  let diff = '';
  if (run.exit !== c.exit) diff += `exit: expected ${c.exit}, got ${run.exit}\n`;
  diff += diffLines(traceOf(latin1(join(dir, c.trace))), run.trace.join('\n').split('\n'), 'trace');
  diff += diffLines(lines(latin1(join(dir, c.stderr))), lines(run.stderr), 'stderr');
  diff += diffLines(lines(latin1(join(dir, c.stdout))), lines(run.stdout), 'stdout');
  if (c.stored_config !== null) {
    const expected = latin1(join(dir, c.stored_config)).replaceAll('\0', '').trimEnd();
    diff += diffLines(lines(expected), lines((run.stored ?? '').trimEnd()), 'stored config');
  }
  return diff;
}

/** Runs every case of a folder. */
export function runBuildSet(dir: string): SetResult {
  const cases = JSON.parse(latin1(join(dir, 'manifest.json'))) as BuildCase[];
  const failures: { id: string; diff: string }[] = [];
  for (const c of cases) {
    const diff = compareBuildCase(dir, c);
    if (diff !== '') failures.push({ id: c.id, diff });
  }
  return { passed: cases.length - failures.length, failed: failures.length, skipped: 0, failures };
}
