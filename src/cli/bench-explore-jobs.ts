/**
 * One thread against two: whole processes, in turns, so that both meet the same neighbours. What two threads cost in
 * processor time tells what sharing costs, even where the machine has other things to do.
 */
import { spawnSync } from 'node:child_process';
import { loadavg } from 'node:os';
import { fileURLToPath } from 'node:url';
import { cell } from './bench-measure.ts';

const PAIRS = 2;
const TARGET = 1.7;

/** What is explored, by what it is called here. */
const CASES: readonly (readonly [what: string, words: readonly string[]])[] = [
  [
    '40,000 samples of two creates, one fits',
    ['scenarios/neither-starts.xlsim.yaml', '--strategy', 'random', '--samples', '40000'],
  ],
  [
    'all orders of two creates beside looks, 3.1 M states',
    [
      'test/bench/looks.xlsim.yaml',
      '--strategy',
      'exhaustive',
      '--max-states',
      '10000000',
      '--max-memory',
      '8G',
    ],
  ],
  [
    'all orders of the 2012 race, exactly',
    ['scenarios/race-2012.xlsim.yaml', '--strategy', 'exhaustive', '--ownership', 'exact'],
  ],
  ['all orders of the 2012 race, five remedies', ['scenarios/race-2012.xlsim.yaml', '--compare']],
];

interface Took {
  readonly seconds: number;
  /** Of all processors. */
  readonly busy: number;
  readonly out: string;
}

/** Tells what the whole process has used, on a pipe of its own. */
const TELL_BUSY = `data:text/javascript,${encodeURIComponent(
  `import { writeSync } from 'node:fs';
   import { isMainThread } from 'node:worker_threads';
   if (isMainThread) process.on('exit', () => {
     const { user, system } = process.cpuUsage();
     writeSync(3, String(user + system));
   });`,
)}`;

function explore(words: readonly string[], jobs: number): Took {
  const program = fileURLToPath(new URL('../bin/xlsim.js', import.meta.url));
  const limits = ['--time-budget', '1h', '--jobs', String(jobs)];
  const args = ['--import', TELL_BUSY, program, '--json', 'explore', ...words, ...limits];
  const since = process.hrtime.bigint();
  const { output, stderr, status } = spawnSync(process.execPath, args, {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe', 'pipe'],
    maxBuffer: 2 ** 30,
  });
  const seconds = Number(process.hrtime.bigint() - since) / 1e9;
  if (status !== 0 && status !== 1 && status !== 4) throw new Error(`it ended with ${status}: ${stderr}`);
  return { seconds, busy: Number(output[3]) / 1e6, out: output[1] ?? '' };
}

/** Seconds that two processes of one thread each take side by side, each for all of it: what this machine can do at most. */
function apart(words: readonly string[]): number {
  const program = fileURLToPath(new URL('../bin/xlsim.js', import.meta.url));
  const args = [program, '--json', 'explore', ...words, '--time-budget', '1h', '--jobs', '1'];
  const since = process.hrtime.bigint();
  const both = '"$0" "$@" & "$0" "$@" & wait';
  const { error } = spawnSync('sh', ['-c', both, process.execPath, ...args], { stdio: 'ignore' });
  if (error !== undefined) throw error;
  return Number(process.hrtime.bigint() - since) / 1e9;
}

const least = (all: readonly number[]): number => Math.min(...all);
const median = (all: readonly number[]): number => all.toSorted((a, b) => a - b)[Math.floor(all.length / 2)]!;

/** From start to end of the process: the least of several, the median of the pairs, what two processes that share nothing do, and whether the reports are the same. */
export function benchExploreJobs(print: (line: string) => void): void {
  print(`  load ${loadavg()[0]!.toFixed(1)}; the target is ${TARGET} times on two idle processors`);
  const head = ['1 thread', '2 threads', 'times', 'median', 'apart', 'busy 1', 'busy 2'];
  print(`  ${''.padEnd(54)}${head.map((text) => cell(text, 10)).join('')}`);
  for (const [what, words] of CASES) {
    const pairs = Array.from({ length: PAIRS }, () => [explore(words, 1), explore(words, 2)] as const);
    const isSame = pairs.flat().every(({ out }) => out === pairs[0]![0].out);
    const [one, two] = [0, 1].map((i) => least(pairs.map((pair) => pair[i]!.seconds))) as [number, number];
    const busy = [0, 1].map((i) => least(pairs.map((pair) => pair[i]!.busy)));
    const sideBySide = least(Array.from({ length: PAIRS }, () => apart(words)));
    const times = median(pairs.map(([a, b]) => a.seconds / b.seconds));
    const figures = [
      `${one.toFixed(1)} s`,
      `${two.toFixed(1)} s`,
      (one / two).toFixed(2),
      times.toFixed(2),
      ((2 * one) / sideBySide).toFixed(2),
      ...busy.map((s) => `${s.toFixed(1)} s`),
    ];
    const same = isSame ? 'the same report' : 'REPORTS DIFFER';
    print(`  ${what.padEnd(54)}${figures.map((text) => cell(text, 10)).join('')}  ${same}`);
  }
}
