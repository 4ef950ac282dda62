/** Orders: every one of them beside Spin, by chance beside fast-check's scheduler. The toy is the race of counts. */
import { spawnSync } from 'node:child_process';
import { AT, type Counts, countsEnds, countsSpace } from '../explorer/counts-space.ts';
import { continueSearch, searchBytes, startSearch } from '../explorer/exhaustive.ts';
import { continueReduced, reducedEndings, startReduced } from '../explorer/reduced.ts';
import { censusOf } from '../explorer/state-graph.ts';
import { sampleRange, type WalkStrategy } from '../explorer/walks.ts';
import { ASSERT } from '../hypervisor/bug.ts';
import { cell, missed, ms } from './bench-measure.ts';
import { runSpin, type SpinModel, spinMissing } from './bench-spin.ts';

/** The section's words, for runs in processes of their own. */
const SECTION = 'orders of builders';
const FLAG = '--race=';
const PAIRS = 3;
const SLICE = 100_000;

const RACES: readonly (readonly [string, SpinModel])[] = [
  ['2 builders of 600, all claim, room for both', { builders: 2, units: 600, free: 1200, claim: true }],
  ['2 builders of 600, no claims, room for 1.5', { builders: 2, units: 600, free: 900, claim: false }],
  ['3 builders of 60, no claims, room for two', { builders: 3, units: 60, free: 120, claim: false }],
];

const countsOf = ({ builders, units, free, claim }: SpinModel): Counts => ({
  free,
  units,
  claims: Array.from({ length: builders }, () => claim),
});

const now = (): number => Number(process.hrtime.bigint()) / 1e6;

/** What one process found out: from its start to the verdict. */
interface Found {
  readonly states: number;
  readonly transitions: number;
  readonly ends: readonly string[];
  readonly searchMs: number;
  readonly bytes: number;
}

/** How outcomes are called in Spin's model: 1 started, 2 late, 3 refused. */
const endWords = (counts: Counts, outcomes: readonly number[]): string[] =>
  outcomes
    .map((outcome) =>
      countsEnds(counts, outcome)
        .map((at) => at - AT.started + 1)
        .join(' '),
    )
    .sort();

function findAll(model: SpinModel): Found {
  const counts = countsOf(model);
  const start = now();
  const search = startSearch(countsSpace(counts), 'bfs');
  while (!continueSearch(search, SLICE));
  const searchMs = now() - start;
  const { states, transitions, endings } = censusOf(search);
  const ends = endWords(
    counts,
    endings.flatMap(({ outcome, states }) => new Array<number>(states).fill(outcome)),
  );
  return { states, transitions, ends, searchMs, bytes: searchBytes(search) };
}

/** As Spin is timed: a process from its start to its end, shares and depths included. */
function findInProcess(model: SpinModel): Found & { readonly ms: number } {
  const start = now();
  const args = ['--expose-gc', process.argv[1]!, SECTION, FLAG + JSON.stringify(model)];
  const { status, stdout, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8' });
  ASSERT(status === 0, `a search in a process of its own: ${stderr}`);
  return { ...JSON.parse(stdout.trimEnd().split('\n').at(-1)!), ms: now() - start };
}

function besideSpin(print: (line: string) => void, model: SpinModel): void {
  const missing = spinMissing();
  let best = Number.POSITIVE_INFINITY;
  let spinBest = Number.POSITIVE_INFINITY;
  let found = findInProcess(model);
  for (let pair = 0; pair < PAIRS; pair++) {
    const ours = findInProcess(model);
    best = Math.min(best, ours.ms);
    if (ours.searchMs < found.searchMs) found = ours;
    if (missing !== null) continue;
    const spin = runSpin(model);
    const took = spin.ms.generate + spin.ms.compile + spin.ms.run;
    spinBest = Math.min(spinBest, took);
    ASSERT(spin.states === found.states, `Spin has ${spin.states} states`);
    ASSERT(spin.ends.join() === found.ends.join(), `Spin ends with ${spin.ends.join(', ')}`);
  }
  print(`    states ${found.states}, transitions ${found.transitions}, end states ${found.ends.length}`);
  const rate = found.transitions / found.searchMs / 1e3;
  print(
    `    ours, start to verdict ${cell(ms(best), 9)} ms; ${rate.toFixed(1)} M transitions/s, ` +
      `${(found.bytes / found.states).toFixed(0)} bytes a state with its steps`,
  );
  if (missing !== null) {
    print(`    NOT COMPARED WITH SPIN: ${missing} (Debian packages spin and gcc)`);
    return;
  }
  print(`    Spin, source to verdict ${cell(ms(spinBest), 8)} ms; the same states and end states`);
  missed(print, best, spinBest, 'ms');
}

const atLeast = (print: (line: string) => void, times: number, target: number): void => {
  if (times < target) print(`    target missed: ${times.toFixed(1)} times, where ${target} are wanted`);
};

/** Fewer states, the same ends. */
function withReduction(print: (line: string) => void, model: SpinModel): void {
  const counts = countsOf(model);
  const all = findAll(model);
  for (const symmetry of [false, true]) {
    const start = now();
    const search = startReduced(countsSpace(counts), { sleep: true, symmetry });
    while (!continueReduced(search, SLICE));
    const took = now() - start;
    const ends = endWords(
      counts,
      reducedEndings(search).map(({ outcome }) => outcome),
    );
    const sorted = (words: readonly string[]): string =>
      [...new Set(words.map((word) => (symmetry ? [...word].sort().join('') : word)))].sort().join();
    ASSERT(sorted(ends) === sorted(all.ends), 'the same ends with reduction');
    const times = all.states / search.table.count;
    print(
      `    ${(symmetry ? 'sleep sets and equal guests' : 'sleep sets').padEnd(28)} ${cell(search.table.count, 8)} states ` +
        `(${times.toFixed(0)} times fewer) ${cell(ms(took), 8)} ms`,
    );
    atLeast(print, times, 10);
  }
}

const WALKED: Counts = { free: 45, units: 30, claims: [false, false] };
const WALKS = 200_000;
const PEER_WALKS = 500;

function walksPerSecond(strategy: WalkStrategy): number {
  const start = now();
  const tally = sampleRange(countsSpace(WALKED), { strategy, seed: 1, maxSteps: 1000 }, 0, WALKS);
  ASSERT(tally.unfinished === 0, 'walks end');
  return WALKS / ((now() - start) / 1e3);
}

/** The same builders as asynchronous functions, each step held back by fast-check's scheduler. */
async function peerWalksPerSecond(): Promise<number> {
  const { default: fc } = await import('fast-check');
  const space = countsSpace(WALKED);
  const words = new Int32Array(space.width * 2);
  const start = now();
  await fc.assert(
    fc.asyncProperty(fc.scheduler(), async (scheduler) => {
      space.start(words, 0);
      const build = async (task: number): Promise<void> => {
        while (words[2 + 2 * task + 1]! < AT.started) {
          await scheduler.schedule(Promise.resolve());
          space.step(words, 0, task, words, space.width);
          words.copyWithin(0, space.width);
        }
      };
      const both = Promise.all([build(0), build(1)]);
      await scheduler.waitFor(both);
    }),
    { numRuns: PEER_WALKS, seed: 1 },
  );
  return PEER_WALKS / ((now() - start) / 1e3);
}

async function besideFastCheck(print: (line: string) => void): Promise<void> {
  const best = { random: 0, pct: 0, peer: 0 };
  for (let pair = 0; pair < PAIRS; pair++) {
    best.random = Math.max(best.random, walksPerSecond({ kind: 'random' }));
    best.peer = Math.max(best.peer, await peerWalksPerSecond());
    best.pct = Math.max(best.pct, walksPerSecond({ kind: 'pct', depth: 3, steps: 120 }));
  }
  const row = (what: string, rate: number): void =>
    print(`    ${what.padEnd(28)} ${cell(rate.toFixed(0), 9)} walks/s`);
  row('ours, random', best.random);
  row('ours, pct of depth 3', best.pct);
  row("fast-check's scheduler", best.peer);
  print(`    ${(best.random / best.peer).toFixed(0)} times as many`);
  atLeast(print, best.random / best.peer, 100);
}

/** Prints its own lines; the bundle must have been built. */
export async function benchExplore(print: (line: string) => void): Promise<void> {
  const own = process.argv.find((arg) => arg.startsWith(FLAG));
  if (own !== undefined) {
    print(JSON.stringify(findAll(JSON.parse(own.slice(FLAG.length)))));
    return;
  }
  // First, while the process has walked nothing else: what is compiled for one space is slower for several.
  print('  2 builders of 60 steps each, by chance');
  await besideFastCheck(print);
  for (const [what, model] of RACES) {
    print(`  ${what}`);
    besideSpin(print, model);
    withReduction(print, model);
  }
}
