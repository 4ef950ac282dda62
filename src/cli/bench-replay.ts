/** Replays: many creations one after the other, builders that take turns, and the whole library. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { replayScenario } from '../explorer/replay.ts';
import { parseScenario } from '../explorer/scenario-file.ts';
import { cell, medianMs, missed, ms } from './bench-measure.ts';
import { around } from './bench-surroundings.ts';

const MANY = `
host: { memory: 8G, dom0: 1G }
guests: { vm: { type: pvh, memory: 64 } }
steps: [{ repeat: 1000, steps: [xl create vm, xl destroy vm] }]
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
    print(`  ${what.padEnd(52)} ${cell(ms(value), 9)} ms`);
    missed(print, value, target, 'ms');
  };
  line(
    '1,000 guests of 64 MiB created and destroyed',
    medianMs(1, () => playText(MANY)),
    400,
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
    medianMs(1, () => texts.forEach(playText)),
    3000,
  );
}

function playText(text: string): void {
  const scenario = parseScenario(text, 'bench');
  if (!scenario.ok) throw new Error(scenario.problems.map((p) => p.message).join('; '));
  const results = replayScenario(scenario.value, around, { bail: false, wanted: () => true, seed: null });
  const wrong = results.find(({ verdict }) => verdict !== 'passed');
  if (wrong !== undefined) throw new Error(`${wrong.name} ended as ${wrong.verdict}`);
}
