/** Scenarios in a few lines as spaces to search. */
import { reportHost } from '../../src/cli/host-report.ts';
import { type AtBlock, playToBlock } from '../../src/explorer/block-prefix.ts';
import type { Surroundings } from '../../src/explorer/play.ts';
import { parseScenario } from '../../src/explorer/scenario-file.ts';
import { newWorldSpace, type WorldSpace, type WorldSpaceHow } from '../../src/explorer/world-space.ts';
import type { Walked } from './walk-all.ts';

export const around: Surroundings = {
  readFile: () => -2,
  observe: reportHost,
  tables: () => '',
  readOutput: () => null,
  batches: true,
};

/** The space of a scenario's first parallel block. */
export const spaceOf = (text: string, how: Partial<WorldSpaceHow> = {}): WorldSpace =>
  newWorldSpace(blockOf(text), { grain: 'hypercall', ownership: 'class', ...how });

/** A play that stands at a scenario's first parallel block. */
export function blockOf(text: string): AtBlock {
  const scenario = parseScenario(text, 'test');
  if (!scenario.ok) throw new Error(JSON.stringify(scenario.problems));
  const at = playToBlock(scenario.value.stage, scenario.value.limits, around, 0);
  if (at === null) throw new Error('nothing parallel');
  return at;
}

/** The kinds of the lanes' ends, as words in order, each kind of end once. */
export const kindsOf = (space: WorldSpace, walked: Walked): string[] =>
  [
    ...new Set(
      [...walked.ends.keys()].map((outcome) =>
        space
          .endOf(outcome)
          .lanes.map((lane) => lane.kind)
          .join(' '),
      ),
    ),
  ].sort();

/** Two domains of their own that each populate some single pages. */
export const twoBuilders = (extents: number): string => `
host: { memory: 256M, dom0: 64M }
steps:
  - { hypercall: XEN_DOMCTL_createdomain, args: { name: a, type: pv } }
  - { hypercall: XEN_DOMCTL_createdomain, args: { name: b, type: pv } }
  - { hypercall: XEN_DOMCTL_max_mem, args: { domid: a, max_memkb: 1048576 } }
  - { hypercall: XEN_DOMCTL_max_mem, args: { domid: b, max_memkb: 1048576 } }
  - parallel:
      - { hypercall: XENMEM_populate_physmap, args: { domid: a, nr_extents: ${extents} } }
      - { hypercall: XENMEM_populate_physmap, args: { domid: b, nr_extents: ${extents} } }
`;
