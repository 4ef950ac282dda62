/** A made-up exploration with everything in it, for tests of what is printed. */
import type { Exploration, ExploreReport, Outcome } from '../../src/explorer/explore-record.ts';
import type { EndVerdict } from '../../src/explorer/verdict.ts';

type Kind = Outcome['lanes'][number]['ends'][number]['kind'];

export function outcome(
  verdict: EndVerdict,
  kinds: readonly Kind[],
  share: number | null,
  states = 1,
): Outcome {
  return {
    verdict,
    lanes: kinds.map((kind, i) => ({
      step: `xl create big${i + 1}`,
      ends: [{ kind, count: 1, why: kind === 'started' ? [] : ['Cannot allocate memory'] }],
    })),
    broken: null,
    states,
    samples: null,
    share,
    interval: null,
  };
}

export const exploration = (change: Partial<Exploration> = {}): Exploration => ({
  remedy: null,
  title: 'as it is',
  verdict: 'none started',
  exit: 1,
  walk: {
    strategy: 'exhaustive',
    grain: 'hypercall',
    ownership: 'class',
    ownership_matters: false,
    abstract: false,
    by_sums: false,
    exactly: null,
    order: 'bfs',
    reduction: false,
    finished: true,
    stopped: null,
    states: 23104,
    transitions: 45900,
    depth: 302,
    samples: null,
    seed: null,
    pct_depth: null,
    pct_tasks: null,
    pct_steps: null,
    guarantee: null,
  },
  outcomes: [
    outcome('none started', ['late', 'late'], 0.978, 3),
    outcome('late failure', ['started', 'late'], 0.022, 1),
  ],
  counterexample: {
    verdict: 'none started',
    replays_as: 'none started',
    switches: 1,
    steps: 302,
    choices: [
      { task: '0', name: 'xl create big1', times: 100 },
      { task: '1', name: 'xl create big2', times: 202 },
    ],
    story: [
      'xl create big1: XENMEM_populate_physmap 38 x 1 GiB (22 GiB free)',
      'xl create big2: ends with 3 (60 GiB free)',
    ],
    moments: [{ title: 'when xl create big2 is refused', at: 1000, tables: 'Memory/MiB\n' }],
  },
  not_confirmed: null,
  clock: {
    order: 'clock',
    first_failure: 1_400_000_000,
    last_start: null,
    longest_heap_lock: 1_000_000,
    lock_wait: 0,
    started: 0,
    failed: 2,
  },
  ...change,
});

export const report = (
  results: readonly Exploration[],
  change: Partial<ExploreReport> = {},
): ExploreReport => ({
  schema: 'xlsim/explore/1',
  version: '0.1.0',
  scenario: { file: 'scenarios/race-2012.xlsim.yaml', name: 'the 2012 race', sha256: 'a'.repeat(64) },
  twin: null,
  block: { index: 0, name: 'both', tasks: ['xl create big1', 'xl create big2'] },
  options: {},
  compared: results.length > 1,
  samples: 10_000,
  forbid_refusal: false,
  shard: { index: 1, of: 1 },
  results: [...results],
  exit: 1,
  ...change,
});
