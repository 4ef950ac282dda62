/** Daemons that look after their domains in turns: in one go, beside one by one. */
import { describe, expect, it } from 'vitest';
import { reportHost } from '../../src/cli/host-report.ts';
import { play } from '../../src/explorer/replay.ts';
import { parseScenario } from '../../src/explorer/scenario-file.ts';
import type { TraceEvent } from '../../src/explorer/trace-event.ts';
import type { World } from '../../src/explorer/world.ts';
import { saveWorld } from '../../src/explorer/world-save.ts';

/** `guests` daemons on `cpus` CPUs, while guests go, come, shut down and change. */
const scenario = (cpus: number, guests: number, more: string): string => `
host: { memory: 8G, dom0: 1G, cpus: ${cpus} }
guests: { vm: { type: pvh, memory: 32 } }
steps:
  - { repeat: ${guests}, steps: ['xl create vm ''name="vm{i}"'''] }
  - parallel:
      - { repeat: ${Math.floor(guests / 2)}, steps: ["xl destroy vm{i}"] }
      ${more}
  - { repeat: 3, steps: ['xl create vm ''name="again{i}"''', "xl destroy again{i}"] }
`;

const MORE = {
  'nobody else acts': '',
  'another one creates': `- { at: 300us, repeat: 4, steps: ['xl create vm ''name="new{i}"'''] }`,
  'a guest shuts down meanwhile':
    '- { at: 1ms, run: xl shutdown vm30 }\n      - { at: 40us, run: xl pause vm31 }',
  'two destroy at a time': '- { at: 1us, repeat: 4, steps: ["xl destroy vm3{i}"] }',
} as const;

/** Everything the world is made of, by key. */
const cellsText = (world: World): Map<string, string> =>
  new Map([...saveWorld(world)].map(([key, { plain }]) => [key, JSON.stringify(plain())]));

/** The keys under which two worlds differ. */
const differing = (a: Map<string, string>, b: Map<string, string>): string[] =>
  [...new Set([...a.keys(), ...b.keys()])].filter((key) => a.get(key) !== b.get(key));

function played(text: string, batches: boolean) {
  const parsed = parseScenario(text, 'test');
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.problems));
  const events: TraceEvent[] = [];
  const around = {
    readFile: () => -2,
    observe: reportHost,
    tables: () => '',
    readOutput: () => null,
    batches,
    trace: (event: TraceEvent) => events.push(event),
  };
  const { world, machine, run, failures } = play(parsed.value.stage, parsed.value.limits, around, false);
  const { trace: _trace, batches: _batches, costs: _costs, ...clocks } = machine;
  return { cells: cellsText(world), clocks, steps: run.steps, failures, events };
}

describe('lookTogether', () => {
  for (const [what, more] of Object.entries(MORE)) {
    for (const cpus of [2, 3, 4, 7]) {
      it(`leads where looks one by one lead while ${what}, on ${cpus} CPUs`, () => {
        const text = scenario(cpus, 40, more);
        const { cells, ...together } = played(text, true);
        const { cells: single, ...oneByOne } = played(text, false);
        expect(differing(cells, single)).toEqual([]);
        expect(together).toEqual(oneByOne);
        expect(together.failures).toEqual([]);
      });
    }
  }
});
