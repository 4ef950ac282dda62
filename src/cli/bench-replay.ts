/** Replays: many creations one after the other, builders that take turns, and the whole library. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Surroundings } from '../explorer/play.ts';
import { replayScenario } from '../explorer/replay.ts';
import { parseScenario } from '../explorer/scenario-file.ts';
import { cell, medianMs, missed, ms, residentMib } from './bench-measure.ts';
import { around } from './bench-surroundings.ts';

/** One guest created and destroyed so many times. */
const many = (rounds: number): string => `
host: { memory: 8G, dom0: 1G }
limits: { requests: ${400 * rounds}, time: 100h }
guests: { vm: { type: pvh, memory: 64 } }
steps: [{ repeat: ${rounds}, steps: [xl create vm, xl destroy vm] }]
`;

/** As many guests as are named, all alive before the first is destroyed. */
const alive = (guests: number): string => `
host: { memory: ${Math.ceil(guests / 4)}G, dom0: 1G }
limits: { requests: 100000000 }
guests: { vm: { type: pvh, memory: 64 } }
steps:
  - { repeat: ${guests}, steps: ['xl create vm ''name="vm{i}"''']}
  - { repeat: ${guests}, steps: ["xl destroy vm{i}"] }
`;

/** 512 GiB of single pages each, enough for either and not for both. */
const TURNS = `
host: { memory: 768G, dom0: 4G, bootscrub: "off" }
steps:
  - { hypercall: XEN_DOMCTL_createdomain, args: { name: a, type: pv } }
  - { hypercall: XEN_DOMCTL_createdomain, args: { name: b, type: pv } }
  - { hypercall: XEN_DOMCTL_max_mem, args: { domid: a, max_memkb: 536870912 } }
  - { hypercall: XEN_DOMCTL_max_mem, args: { domid: b, max_memkb: 536870912 } }
  - parallel:
      - { repeat: 4, steps: [{ hypercall: XENMEM_populate_physmap, args: { domid: a, nr_extents: 33554432 } }] }
      - { repeat: 4, steps: [{ hypercall: XENMEM_populate_physmap, args: { domid: b, nr_extents: 33554432 } }] }
`;

const LIBRARY = 'scenarios';

export function benchReplay(print: (line: string) => void): void {
  const line = (what: string, value: number, target: number): void => {
    print(`  ${what.padEnd(52)} ${cell(ms(value), 9)} ms ${cell(residentMib().toFixed(0), 6)} MiB`);
    missed(print, value, target, 'ms');
  };
  const none = Number.POSITIVE_INFINITY;
  line(
    '1,000 guests of 64 MiB created and destroyed',
    medianMs(1, () => playText(many(1000))),
    400,
  );
  line(
    '  as many, each round played',
    medianMs(1, () => playText(many(1000), eachRound)),
    none,
  );
  line(
    '  1,000,000 of them',
    medianMs(1, () => playText(many(1_000_000))),
    none,
  );
  line(
    '1,000 guests alive together: created, destroyed',
    medianMs(1, () => playText(alive(1000))),
    3 * 400,
  );
  line(
    'two guests of 512 GiB, page by page in turns',
    medianMs(1, () => playText(TURNS)),
    2000,
  );
  const files = readdirSync(LIBRARY).filter((name) => name.endsWith('.xlsim.yaml'));
  const texts = files.map((name) => readFileSync(join(LIBRARY, name), 'utf8'));
  line(
    `the library: ${files.length} scenarios with their twins`,
    medianMs(1, () => {
      for (const text of texts) playText(text);
    }),
    3000,
  );
}

/** Somebody sees each round, and so none is left out. */
const eachRound: Surroundings = { ...around, trace: () => {} };

function playText(text: string, surroundings = around): void {
  const scenario = parseScenario(text, 'bench');
  if (!scenario.ok) throw new Error(scenario.problems.map((p) => p.message).join('; '));
  const results = replayScenario(scenario.value, surroundings, {
    bail: false,
    wanted: () => true,
    seed: null,
  });
  const wrong = results.find(({ verdict }) => verdict !== 'passed');
  if (wrong !== undefined) throw new Error(`${wrong.name} ended as ${wrong.verdict}`);
}
