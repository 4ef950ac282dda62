/** Orders of real creates: transitions a second on a real host, every order and orders by chance, and the memory of it. */
import { loadavg } from 'node:os';
import { type AtBlock, playToBlock } from '../explorer/block-prefix.ts';
import { continueSearch, startSearch } from '../explorer/exhaustive.ts';
import { inPathOrder } from '../explorer/path-order.ts';
import { newSampleSpace } from '../explorer/sample-space.ts';
import { parseScenario } from '../explorer/scenario-file.ts';
import { sampleRange, type WalkStrategy } from '../explorer/walks.ts';
import { newWorldSpace, type WorldSpace } from '../explorer/world-space.ts';
import { cell, median, missed, ms, residentMib } from './bench-measure.ts';
import { around } from './bench-surroundings.ts';

/** A walk ends here if it does not end before; times of it in one process. */
const TRANSITIONS = 1_000_000;
const TIMES = 5;
const SLICE = 50_000;
const WALKS = 1000;
const TARGET = 300;
/** Samples of a report, and how many are timed at once. */
const SAMPLES = 1000;
const SAMPLES_AT_ONCE = 50;
const SAMPLE_TARGET = 1.5;

const RANDOM: WalkStrategy = { kind: 'random' };

/** Two guests of so many MiB each, on a host of 64 GiB. */
const RACE = (memory: number, claimMode: number): string => `
host: { memory: 64G, dom0: 4G }
xlconf: { claim_mode: ${claimMode}, autoballoon: "off" }
guests:
  big1: { type: pvh, memory: ${memory}, vcpus: 4 }
  big2: { type: pvh, memory: ${memory}, vcpus: 4 }
steps:
  - parallel: [xl create big1, xl create big2]
`;

function blockOf(text: string): AtBlock {
  const scenario = parseScenario(text, 'bench');
  const at = scenario.ok ? playToBlock(scenario.value.stage, scenario.value.limits, around, 0) : null;
  if (at === null) throw new Error('the race cannot be read');
  return at;
}

/** `bySums`: as `xlsim explore` walks where the class is not enough. */
const spaceOf = (text: string, bySums = false): WorldSpace =>
  newWorldSpace(blockOf(text), { grain: 'hypercall', ownership: 'class', bySums });

const now = (): number => Number(process.hrtime.bigint()) / 1e6;

/** One walk: states (null: they are not kept), transitions, time, steps and hypercalls made for real. */
interface Walked {
  readonly states: number | null;
  readonly steps: number;
  readonly took: number;
  readonly made: number;
  readonly isFinished: boolean;
}

function walkAll(text: string, bySums = false): Walked {
  const space = spaceOf(text, bySums);
  const start = now();
  const search = startSearch(space, 'dfs');
  let isFinished = false;
  while (!isFinished && search.transitions < TRANSITIONS) isFinished = continueSearch(search, SLICE);
  const { transitions: steps, table } = search;
  return { states: table.count, steps, took: now() - start, made: space.made, isFinished };
}

function walkSome(text: string): Walked {
  const space = spaceOf(text);
  const start = now();
  const { steps } = sampleRange(space, { strategy: RANDOM, seed: 1, maxSteps: 10_000 }, 0, WALKS);
  return { states: null, steps, took: now() - start, made: space.made, isFinished: true };
}

/** Samples as reports have them: on a host whose Xen goes along with every step. */
function benchSamples(print: (line: string) => void): void {
  print(
    `${''.padEnd(46)}${['ms each', 'first', 'steps', 'looked up', 'MiB'].map((head) => cell(head, 11)).join('')}`,
  );
  for (const [what, text] of [
    ['2 × 40 GiB, one fits, no claims: samples', RACE(40960, 0)],
    ['2 × 40 GiB, one fits, claims: samples', RACE(40960, 1)],
  ] as const) {
    const space = newSampleSpace(blockOf(text), { grain: 'hypercall', ownership: 'exact' });
    const ordered = inPathOrder(space);
    const times: number[] = [];
    let steps = 0;
    for (let from = 0; from < SAMPLES; from += SAMPLES_AT_ONCE) {
      const start = now();
      const to = from + SAMPLES_AT_ONCE;
      steps += sampleRange(ordered, { strategy: RANDOM, seed: 1, maxSteps: 10_000 }, from, to).steps;
      times.push((now() - start) / SAMPLES_AT_ONCE);
    }
    const each = median(times);
    const figures = [ms(each), ms(times[0]!), (steps / SAMPLES).toFixed(0)];
    figures.push(`${(100 * (1 - space.made / steps)).toFixed(1)} %`, residentMib().toFixed(0));
    print(what.padEnd(46) + figures.map((figure) => cell(figure, 11)).join(''));
    missed(print, each, SAMPLE_TARGET, 'ms a sample');
  }
}

export function benchExploreWorld(print: (line: string) => void): void {
  print(
    `load ${loadavg()[0]!.toFixed(1)}: figures are those of a machine with nothing else to do where it is well below 1`,
  );
  print(
    `xl create of two PVH guests of that size at once, 4 vCPUs each; the target is ${TARGET} k transitions/s`,
  );
  const head = ['k/s', 'first', 'ms', 'k states', 'k steps', 'looked up', 'MiB'];
  print(`${''.padEnd(46)}${head.map((text) => cell(text, 11)).join('')}`);
  const row = (what: string, times: number, walk: () => Walked): void => {
    const walks = Array.from({ length: times }, walk);
    const [first] = walks;
    const { states, steps, made, took, isFinished } = walks.toSorted((a, b) => a.took - b.took)[times >> 1]!;
    const rate = steps / took;
    const figures = [
      rate.toFixed(0),
      (first!.steps / first!.took).toFixed(0),
      ms(took),
      states === null ? '-' : (states / 1000).toFixed(0),
      (steps / 1000).toFixed(0),
      `${(100 * (1 - made / steps)).toFixed(1)} %`,
      residentMib().toFixed(0),
    ];
    const end = isFinished ? '' : `  not finished: ${TRANSITIONS / 1e6} M steps`;
    print(`${what.padEnd(46)}${figures.map((figure) => cell(figure, 11)).join('')}${end}`);
    if (rate < TARGET) print(`    target missed: ${rate.toFixed(0)} k/s, where ${TARGET} k/s are asked for`);
  };
  row('2 × 24 GiB, both fit, claims: every order', TIMES, () => walkAll(RACE(24576, 1)));
  row('2 × 40 GiB, one fits, claims: every order', TIMES, () => walkAll(RACE(40960, 1), true));
  row('the same by class alone', TIMES, () => walkAll(RACE(40960, 1)));
  row('2 × 40 GiB, one fits, no claims: every order', 1, () => walkAll(RACE(40960, 0)));
  row('2 × 40 GiB, claims: orders by chance', TIMES, () => walkSome(RACE(40960, 1)));
  benchSamples(print);
}
