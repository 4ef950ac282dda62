/** Bench: guest configs of 10 MB in awkward shapes, each read by a program of its own, with its time and memory. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { cell } from './bench-measure.ts';

const BYTES = 10_000_000;
const HEAD = 'name="x"\nkernel="k"\nmemory=64\n';

/** `unit` over and over, with what stands before and after it. */
const filled = (unit: string, before = '', after = ''): string =>
  HEAD + before + unit.repeat(Math.floor((BYTES - HEAD.length) / unit.length)) + after;

function distinctKeys(): string {
  const lines: string[] = [];
  for (let i = 0, length = 0; length < BYTES; i++, length += 9)
    lines.push(`k${i.toString(36).padStart(5, '0')}=1\n`);
  return HEAD + lines.join('');
}

/** Shapes that cost a parser most, by what they hold. */
const SHAPES: readonly (readonly [name: string, text: () => string])[] = [
  ['one string', () => filled('a', 'extra="', '"\n')],
  ['one string of escapes', () => filled('\\n', 'extra="', '"\n')],
  ['one string of control characters', () => filled('\x01', 'extra="', '"\n')],
  ['settings of one name', () => filled('a=1\n')],
  ['settings of their own names', distinctKeys],
  ['a list of numbers', () => filled('1,', 'a=[', '1]\n')],
  ['a list of lists', () => filled('[],', 'a=[', '1]\n')],
  ['lists made longer with +=', () => filled('a+=[1]\n')],
  ['newlines', () => filled('\n')],
  ['lexical errors', () => filled('A\n')],
  ['one disk', () => filled('a', "disk=['", "']\n")],
  ['a disk of prefixes', () => filled('raw:', "disk=['", "']\n")],
  ['interfaces without end', () => filled('"",', 'vif=[', '""]\n')],
  ['cpus', () => filled('1,', 'vcpus=4\ncpus="', '1"\n')],
];

/** Writes the process's largest resident size, in KiB, where the bench reads it. */
const REPORT = `data:text/javascript,import{writeSync}from'node:fs';process.on('exit',()=>writeSync(3,String(process.resourceUsage().maxRSS)))`;

interface Cost {
  readonly seconds: number;
  readonly mib: number;
  readonly exit: number;
}

/** Runs `xlsim WORDS` with its output thrown away. */
function cost(words: readonly string[], state: string): Cost {
  const program = fileURLToPath(new URL('../bin/xlsim.js', import.meta.url));
  const start = process.hrtime.bigint();
  const run = spawnSync(process.execPath, ['--import', REPORT, program, ...words], {
    stdio: ['ignore', 'ignore', 'ignore', 'pipe'],
    env: { ...process.env, XLSIM_STATE: state },
  });
  const seconds = Number(process.hrtime.bigint() - start) / 1e9;
  return { seconds, mib: Number(String(run.output[3])) / 1024, exit: run.status ?? -1 };
}

/** Reads each shape with cfg-parse and with a dry run. */
export function benchConfig(print: (line: string) => void): void {
  const folder = mkdtempSync(join(tmpdir(), 'xlsim-bench-'));
  try {
    const state = join(folder, 'state');
    const file = join(folder, 'guest.cfg');
    cost(['host', 'init', '--memory', '8G'], state);
    print('10 MB of'.padEnd(34) + cell('cfg-parse', 22) + cell('create -n', 22));
    for (const [name, text] of SHAPES) {
      writeFileSync(file, text(), 'latin1');
      const columns = [
        ['cfg-parse', file],
        ['create', '-n', file],
      ].map((words) => {
        const { seconds, mib, exit } = cost(words, state);
        return cell(`${seconds.toFixed(2)} s ${mib.toFixed(0)} MiB (${exit})`, 22);
      });
      print(name.padEnd(34) + columns.join(''));
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
}
