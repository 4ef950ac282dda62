/** What commands cost as users meet them: the start of one, and many in one process. */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { cell, ms } from './bench-measure.ts';

const PAIRS = 30;
const COMMANDS = 1000;

/** A scratch directory with a state, and xlsim run on it. */
interface Scratch {
  readonly dir: string;
  readonly run: (args: readonly string[], input?: string) => number;
  readonly remove: () => void;
}

/** Runs node and returns the wall time in ms. Throws when it fails: a broken measurement is none. */
function timedNode(args: readonly string[], input = '', state = ''): number {
  const start = process.hrtime.bigint();
  const env = { ...process.env, XLSIM_STATE: state };
  const { status, stderr } = spawnSync(process.execPath, args, { input, env, encoding: 'utf8' });
  const took = Number(process.hrtime.bigint() - start) / 1e6;
  if (status !== 0) throw new Error(`node ${args.join(' ')} ended with ${status}: ${stderr}`);
  return took;
}

function scratchIn(parent: string): Scratch {
  const dir = mkdtempSync(join(parent, 'xlsim-bench-'));
  const program = resolve('bin', 'xlsim.js');
  const guest = (name: string, memory: number): void =>
    writeFileSync(
      join(dir, `${name}.cfg`),
      `name="${name}"\ntype="pvh"\nmemory=${memory}\nvcpus=2\nkernel="/boot/vmlinuz"\n`,
    );
  guest('g', 1024);
  guest('small', 64);
  return {
    dir,
    run: (args, input) => timedNode([program, '--tables=never', ...args], input, join(dir, 'state')),
    remove: () => rmSync(dir, { recursive: true, force: true }),
  };
}

const sorted = (values: readonly number[]): number[] => [...values].sort((a, b) => a - b);
const least = (values: readonly number[]): number => sorted(values)[0] ?? 0;
const median = (values: readonly number[]): number => sorted(values)[Math.floor(values.length / 2)] ?? 0;

const repeated = (line: (i: number) => string): string =>
  Array.from({ length: COMMANDS }, (_, i) => `${line(i)}\n`).join('');

/** `xlsim list` on a 1 TiB host with 100 domains, in turns with a node that does nothing. */
function benchList(print: (line: string) => void): void {
  const scratch = scratchIn(tmpdir());
  try {
    scratch.run(['host', 'init', '--memory', '1T', '--nodes', '2', '--dom0', '4G']);
    const config = join(scratch.dir, 'g.cfg');
    const lines = Array.from({ length: 100 }, (_, i) => `create ${config} 'name="g${i}"'\n`);
    scratch.run(['script', '-'], lines.join(''));
    const node: number[] = [];
    const list: number[] = [];
    for (let i = 0; i < PAIRS; i++) {
      node.push(timedNode(['-e', '0']));
      list.push(scratch.run(['list']));
    }
    const over = list.map((took, i) => took - (node[i] ?? 0));
    print(`${''.padEnd(34)}${cell('least', 10)}${cell('median', 10)}  ms`);
    const row = (what: string, values: readonly number[]): void =>
      print(`${what.padEnd(34)}${cell(ms(least(values)), 10)}${cell(ms(median(values)), 10)}`);
    row('node alone', node);
    row('list, 1 TiB, 100 domains', list);
    row('list less the node beside it', over);
  } finally {
    scratch.remove();
  }
}

/** 1,000 changing commands in one process, each synced before the next: on a tmpfs if there is one, and on disk. */
function benchScript(print: (line: string) => void): void {
  const places = [
    ['tmpfs', '/dev/shm'],
    ['disk', tmpdir()],
  ] as const;
  for (const [what, parent] of places) {
    if (!existsSync(parent)) continue;
    const scratch = scratchIn(parent);
    try {
      const small = join(scratch.dir, 'small.cfg');
      scratch.run(['host', 'init', '--memory', '64G', '--dom0', '4G']);
      const pairs = repeated((i) => (i % 2 === 0 ? `create ${small}` : 'destroy small'));
      print(
        `500 creates and destroys, ${what}:`.padEnd(34) + cell(ms(scratch.run(['script', '-'], pairs)), 10),
      );
      scratch.run(['create', small]);
      const settings = repeated((i) => `mem-max small ${100 + i}`);
      print(`1,000 mem-max, ${what}:`.padEnd(34) + cell(ms(scratch.run(['script', '-'], settings)), 10));
    } finally {
      scratch.remove();
    }
  }
}

/** Prints its own lines; the bundle must have been built. */
export function benchCommand(print: (line: string) => void): void {
  benchList(print);
  benchScript(print);
}
