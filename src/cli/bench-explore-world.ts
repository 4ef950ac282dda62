/** Orders of real creates: transitions a second on a real host, every order and orders by chance, and the memory of it. */
import { playToBlock } from '../explorer/block-prefix.ts';
import { continueSearch, startSearch } from '../explorer/exhaustive.ts';
import type { Surroundings } from '../explorer/play.ts';
import { parseScenario } from '../explorer/scenario-file.ts';
import { sampleRange } from '../explorer/walks.ts';
import { newWorldSpace, type WorldSpace } from '../explorer/world-space.ts';
import { cell, ms, residentMib } from './bench-measure.ts';
import { reportHost } from './host-report.ts';

const around: Surroundings = {
  readFile: () => -2,
  observe: reportHost,
  tables: () => '',
  readOutput: () => null,
  batches: true,
};

const TRANSITIONS = 1_000_000;
const SLICE = 50_000;
const WALKS = 1000;
const TARGET = 300;

/** Room for either of two guests, not for both. */
const RACE = (claimMode: number): string => `
host: { memory: 64G, dom0: 4G }
xlconf: { claim_mode: ${claimMode}, autoballoon: "off" }
guests:
  big1: { type: pvh, memory: 40960, vcpus: 4 }
  big2: { type: pvh, memory: 40960, vcpus: 4 }
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

export function benchExploreWorld(print: (line: string) => void): void {
  print(`${''.padEnd(44)}${cell('k/s', 8)}${cell('ms', 10)}${cell('looked up', 11)}${cell('MiB', 8)}`);
  const row = (what: string, steps: number, took: number, space: WorldSpace): void => {
    const rate = steps / took;
    const share = `${(100 * (1 - space.made / steps)).toFixed(1)} %`;
    print(
      `${what.padEnd(44)}${cell(rate.toFixed(0), 8)}${cell(ms(took), 10)}${cell(share, 11)}${cell(residentMib().toFixed(0), 8)}`,
    );
    if (rate < TARGET) print(`    target missed: ${rate.toFixed(0)} k/s, where ${TARGET} k/s are asked for`);
  };
  for (const claimMode of [1, 0]) {
    const words = claimMode === 1 ? 'with claims' : 'without claims';
    const space = spaceOf(RACE(claimMode));
    const start = now();
    const search = startSearch(space, 'dfs');
    while (search.transitions < TRANSITIONS && !continueSearch(search, SLICE));
    row(`2 creates of 40 GiB ${words}, every order`, search.transitions, now() - start, space);
  }
  const space = spaceOf(RACE(1));
  const start = now();
  const { steps } = sampleRange(space, { strategy: { kind: 'random' }, seed: 1, maxSteps: 10_000 }, 0, WALKS);
  row('2 creates of 40 GiB with claims, by chance', steps, now() - start, space);
}
