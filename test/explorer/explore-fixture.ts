/** Small scenarios to explore, and a run of an exploration to its end. */
import { reportHost } from '../../src/cli/host-report.ts';
import { paint } from '../../src/cli/paint.ts';
import { renderTables } from '../../src/cli/tables.ts';
import { continueExploring, startExploring } from '../../src/explorer/explore.ts';
import type { ExploreHow, Subject } from '../../src/explorer/explore-how.ts';
import type { Exploration } from '../../src/explorer/explore-record.ts';
import { tellExploration } from '../../src/explorer/explore-result.ts';
import type { Exploring } from '../../src/explorer/exploring.ts';
import { remedyNamed } from '../../src/explorer/remedy-table.ts';
import { parseScenario } from '../../src/explorer/scenario-file.ts';
import { atOnce } from '../../src/explorer/sliced.ts';

const plain = paint(false);

/** The scenario's first parallel block under a remedy. */
export function subjectOf(text: string, remedyName: string | null = null): Subject {
  const parsed = parseScenario(text, 'test.xlsim.yaml');
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.problems));
  const remedy = remedyName === null ? null : remedyNamed(remedyName)!;
  const { stage, limits } = parsed.value;
  return {
    stage: remedy?.stage?.(stage) ?? stage,
    limits,
    around: {
      readFile: () => -2,
      observe: reportHost,
      tables: (world) => renderTables(reportHost(world), plain),
      readOutput: () => null,
      batches: true,
    },
    block: 0,
    remedy,
  };
}

export const HOW: ExploreHow = {
  strategy: 'exhaustive',
  order: 'dfs',
  grain: 'hypercall',
  ownership: 'class',
  reduction: false,
  forbidRefusal: false,
  maxStates: Number.POSITIVE_INFINITY,
  samples: { from: 0, to: 10 },
  seed: 1,
  depth: 3,
};

/** An exploration before its first step. */
export const exploring = (subject: Subject, how: Partial<ExploreHow> = {}): Exploring =>
  startExploring(subject, { ...HOW, ...how });

/** The record of one that is over, with its times. */
export function explorationOf(e: Exploring): Exploration {
  return atOnce(tellExploration(e));
}

/** Explores to the end. */
export function explored(subject: Subject, how: Partial<ExploreHow> = {}): Exploration {
  const e = exploring(subject, how);
  while (!continueExploring(e, 1000));
  return explorationOf(e);
}

/** Two domains that are given pages by bare hypercalls; `left` pages are free. */
export const populates = (left: number, each = 3, rounds = 2): string => `
host: { memory: 256M, dom0: 64M }
steps:
  - { hypercall: XEN_DOMCTL_createdomain, args: { name: d1, type: pv } }
  - { hypercall: XEN_DOMCTL_createdomain, args: { name: d2, type: pv } }
  - { hypercall: XEN_DOMCTL_max_mem, args: { domid: d1, max_memkb: 131072 } }
  - { hypercall: XEN_DOMCTL_max_mem, args: { domid: d2, max_memkb: 131072 } }
  - set: { hold: { leave: ${left} pages, as: others } }
  - name: both
    parallel:
      - name: A
        repeat: ${rounds}
        steps: [{ hypercall: XENMEM_populate_physmap, args: { domid: d1, nr_extents: ${each}, extent_order: 0 } }]
      - name: B
        repeat: ${rounds}
        steps: [{ hypercall: XENMEM_populate_physmap, args: { domid: d2, nr_extents: ${each}, extent_order: 0 } }]
`;

/** The race in small: two guests of which either fits. */
export const smallRace = (conf = 'claim_mode: 0, autoballoon: "off"'): string => `
host: { memory: 256M, dom0: 64M }
xlconf: { ${conf} }
guests:
  a: { type: pv, memory: 100, vcpus: 1 }
  b: { type: pv, memory: 100, vcpus: 1 }
steps:
  - name: both
    parallel:
      - { name: a, run: xl create a }
      - { name: b, run: xl create b }
`;

/**
 * Of 5 free pages a takes two, gives them back and asks for two that lie together, beside b, which takes two: whether there
 * are any depends on who took which.
 */
export const givesBack = (): string => `
host: { memory: 64M, dom0: 0, bootscrub: "off" }
steps:
  - { hypercall: XEN_DOMCTL_createdomain, args: { name: a, type: pv } }
  - { hypercall: XEN_DOMCTL_createdomain, args: { name: b, type: pv } }
  - { hypercall: XEN_DOMCTL_max_mem, args: { domid: a, max_memkb: 1048576 } }
  - { hypercall: XEN_DOMCTL_max_mem, args: { domid: b, max_memkb: 1048576 } }
  - set: { hold: { leave: 5 pages, as: others } }
  - parallel:
      - repeat: 1
        steps:
          - { hypercall: XENMEM_populate_physmap, args: { domid: a, nr_extents: 1, extent_start: 0 } }
          - { hypercall: XENMEM_populate_physmap, args: { domid: a, nr_extents: 1, extent_start: 1 } }
          - { hypercall: XENMEM_decrease_reservation, args: { domid: a, nr_extents: 2, extent_start: 0 } }
          - { hypercall: XENMEM_populate_physmap, args: { domid: a, nr_extents: 1, extent_order: 1, extent_start: 8 } }
      - repeat: 1
        steps:
          - { hypercall: XENMEM_populate_physmap, args: { domid: b, nr_extents: 1, extent_start: 0 } }
          - { hypercall: XENMEM_populate_physmap, args: { domid: b, nr_extents: 1, extent_start: 1 } }
`;

/** A balloon that tries again for ever, beside a command that may wait for a guest that never goes. */
export const circle = (run: string): string => `
host: { memory: 256M, dom0: 64M }
xlconf: { claim_mode: 0, autoballoon: "off" }
guests:
  a: { type: pv, memory: 64, vcpus: 1 }
  b: { type: pv, memory: 16, vcpus: 1, on_poweroff: preserve }
steps:
  - run: xl create a
  - run: xl create b
  - guest: a balloon-to 32M
  - set: { hold: { leave: 8M, as: others } }
  - parallel:
      - { name: grow, guest: a balloon-to 64M }
      - { name: stop, run: ${run} }
`;
