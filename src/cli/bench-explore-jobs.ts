/** One thread against two: whole processes, in turns, so that both meet the same neighbours. */
import { spawnSync } from 'node:child_process';
import { loadavg } from 'node:os';
import { fileURLToPath } from 'node:url';
import { cell } from './bench-measure.ts';

const PAIRS = 3;
const TARGET = 1.7;

/** What is explored, by what it is called here. */
const CASES: readonly (readonly [what: string, words: readonly string[]])[] = [
  [
    '2,000 samples of the 2012 race',
    [
      'scenarios/race-2012-claim.xlsim.yaml',
      '--twin',
      'nothing',
      '--strategy',
      'random',
      '--samples',
      '2000',
    ],
  ],
  ['all orders of the 2012 race, five remedies', ['scenarios/race-2012.xlsim.yaml', '--compare']],
];

interface Took {
  readonly seconds: number;
  readonly out: string;
}

function explore(words: readonly string[], jobs: number): Took {
  const program = fileURLToPath(new URL('../bin/xlsim.js', import.meta.url));
  const args = [program, '--json', 'explore', ...words, '--time-budget', '1h', '--jobs', String(jobs)];
  const since = process.hrtime.bigint();
  const { stdout, stderr, status } = spawnSync(process.execPath, args, { encoding: 'utf8' });
  if (status !== 0 && status !== 1 && status !== 4) throw new Error(`it ended with ${status}: ${stderr}`);
  return { seconds: Number(process.hrtime.bigint() - since) / 1e9, out: stdout };
}

const least = (all: readonly Took[]): number => Math.min(...all.map(({ seconds }) => seconds));

/** From start to end of the process; the least of several, and whether the reports are the same. */
export function benchExploreJobs(print: (line: string) => void): void {
  print(`  load ${loadavg()[0]!.toFixed(1)}; the target is ${TARGET} times on two idle processors`);
  print(`  ${''.padEnd(44)}${cell('1 thread', 11)}${cell('2 threads', 11)}${cell('times', 7)}`);
  for (const [what, words] of CASES) {
    const one: Took[] = [];
    const two: Took[] = [];
    for (let i = 0; i < PAIRS; i++) {
      one.push(explore(words, 1));
      two.push(explore(words, 2));
    }
    const isSame = [...one, ...two].every(({ out }) => out === one[0]!.out);
    const [a, b] = [least(one), least(two)];
    print(
      `  ${what.padEnd(44)}${cell(`${a.toFixed(1)} s`, 11)}${cell(`${b.toFixed(1)} s`, 11)}${cell((a / b).toFixed(2), 7)}  ${isSame ? 'the same report' : 'REPORTS DIFFER'}`,
    );
  }
}
