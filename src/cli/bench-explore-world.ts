/** Orders of real creates: transitions a second on a real host, every order and orders by chance, and the memory of it. */
import { playToBlock } from '../explorer/block-prefix.ts';
import { continueSearch, startSearch } from '../explorer/exhaustive.ts';
import { parseScenario } from '../explorer/scenario-file.ts';
import { sampleRange } from '../explorer/walks.ts';
import { newWorldSpace, type WorldSpace } from '../explorer/world-space.ts';
import { cell, ms, residentMib } from './bench-measure.ts';
import { around } from './bench-surroundings.ts';

/** A walk ends here if it does not end before; times of it in one process. */
const TRANSITIONS = 1_000_000;
const TIMES = 5;
const SLICE = 50_000;
const WALKS = 1000;
const TARGET = 300;

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

function spaceOf(text: string): WorldSpace {
  const scenario = parseScenario(text, 'bench');
  const at = scenario.ok ? playToBlock(scenario.value.stage, scenario.value.limits, around, 0) : null;
  if (at === null) throw new Error('the race cannot be read');
  return newWorldSpace(at, { grain: 'hypercall', ownership: 'class' });
}

const now = (): number => Number(process.hrtime.bigint()) / 1e6;

/** One walk: transitions, time, steps and hypercalls made for real. */
interface Walked {
  readonly steps: number;
  readonly took: number;
  readonly made: number;
  readonly isFinished: boolean;
}

function walkAll(text: string): Walked {
  const space = spaceOf(text);
  const start = now();
  const search = startSearch(space, 'dfs');
  let isFinished = false;
  while (!isFinished && search.transitions < TRANSITIONS) isFinished = continueSearch(search, SLICE);
  return { steps: search.transitions, took: now() - start, made: space.made, isFinished };
}

function walkSome(text: string): Walked {
  const space = spaceOf(text);
  const start = now();
  const { steps } = sampleRange(space, { strategy: { kind: 'random' }, seed: 1, maxSteps: 10_000 }, 0, WALKS);
  return { steps, took: now() - start, made: space.made, isFinished: true };
}

export function benchExploreWorld(print: (line: string) => void): void {
  print(
    `${''.padEnd(46)}${cell('k/s', 8)}${cell('first', 8)}${cell('ms', 10)}${cell('k steps', 9)}${cell('looked up', 11)}${cell('MiB', 8)}`,
  );
  const row = (what: string, times: number, walk: () => Walked): void => {
    const walks = Array.from({ length: times }, walk);
    const [first] = walks;
    const { steps, made, took, isFinished } = walks.toSorted((a, b) => a.took - b.took)[times >> 1]!;
    const rate = steps / took;
    const share = `${(100 * (1 - made / steps)).toFixed(1)} %`;
    print(
      `${what.padEnd(46)}${cell(rate.toFixed(0), 8)}${cell((first!.steps / first!.took).toFixed(0), 8)}${cell(ms(took), 10)}${cell((steps / 1000).toFixed(0), 9)}${cell(share, 11)}${cell(residentMib().toFixed(0), 8)}${isFinished ? '' : '  not finished'}`,
    );
    if (rate < TARGET) print(`    target missed: ${rate.toFixed(0)} k/s, where ${TARGET} k/s are asked for`);
  };
  row('2 × 24 GiB, both fit, claims: every order', TIMES, () => walkAll(RACE(24576, 1)));
  row('2 × 40 GiB, one fits, claims: every order', TIMES, () => walkAll(RACE(40960, 1)));
  row('2 × 40 GiB, one fits, no claims: every order', 1, () => walkAll(RACE(40960, 0)));
  row('2 × 40 GiB, claims: orders by chance', TIMES, () => walkSome(RACE(40960, 1)));
}
