/**
 * What an exploration found, as plain data: what reports print, --json writes and shards exchange.
 *
 * The schema is the one source of the types and of the published JSON Schema. Times are virtual ns, memory pages.
 */
import * as v from 'valibot';
import { VERDICTS } from './verdict.ts';

const said = <T extends v.GenericSchema>(schema: T, text: string) => v.pipe(schema, v.description(text));
const whole = v.pipe(v.number(), v.integer(), v.minValue(0));
const ns = said(whole, 'virtual nanoseconds');
const share = said(v.pipe(v.number(), v.minValue(0), v.maxValue(1)), 'a part of 1');
const verdict = v.picklist(VERDICTS);

const laneSchema = v.strictObject({
  step: said(v.string(), 'the step of the parallel block'),
  ends: said(
    v.array(
      v.strictObject({
        kind: v.picklist(['started', 'refused', 'late', 'stuck', 'under way', 'done', 'failed', 'short']),
        count: said(whole, 'how many copies of the step'),
        why: said(v.array(v.string()), 'reasons given, in the words of who refused'),
      }),
    ),
    'how its copies ended',
  ),
});

const outcomeSchema = v.strictObject({
  verdict,
  lanes: v.array(laneSchema),
  broken: said(v.nullable(v.string()), 'the invariant that does not hold'),
  states: said(v.nullable(whole), 'end states; null where orders were sampled'),
  samples: said(v.nullable(whole), 'samples that ended so; null where all orders were walked'),
  share: said(
    v.nullable(share),
    'of all orders, if at every point each task that can go on is picked with equal chance; null: not known',
  ),
  interval: said(
    v.nullable(v.tuple([share, share])),
    "the share's 95 % interval (Wilson); null where it is exact",
  ),
});

const walkSchema = v.strictObject({
  strategy: v.picklist(['exhaustive', 'random', 'pct']),
  grain: v.string(),
  ownership: said(v.picklist(['class', 'exact']), 'whether states tell which frame belongs to whom'),
  ownership_matters: said(
    v.boolean(),
    'by class only: where memory came back, somebody asked for what may depend on where it lies',
  ),
  abstract: said(
    v.boolean(),
    'a state may stand for several hosts, and how many states there are depends on the order of the search',
  ),
  by_sums: said(
    v.boolean(),
    'by class only: where that is not enough, no more than sums of memory, since every request is served whatever lies where',
  ),
  exactly: said(
    v.nullable(v.strictObject({ states: whole, stopped: v.string() })),
    'by class, because a walk frame by frame was stopped: after how many states, and why',
  ),
  order: v.nullable(v.picklist(['dfs', 'bfs'])),
  reduction: v.boolean(),
  finished: said(v.boolean(), 'all orders were walked, or all samples taken'),
  stopped: said(v.nullable(v.string()), 'what ended the walk before it was finished'),
  states: v.nullable(whole),
  transitions: whole,
  depth: said(v.nullable(whole), 'steps of the longest order'),
  samples: v.nullable(whole),
  seed: v.nullable(whole),
  pct_depth: v.nullable(whole),
  pct_tasks: said(v.nullable(whole), 'the most tasks that took part in one sample'),
  pct_steps: said(v.nullable(whole), 'what change points were spread over'),
  guarantee: said(v.nullable(v.string()), 'what pct promises'),
});

const counterexampleSchema = v.strictObject({
  verdict,
  replays_as: said(
    v.nullable(verdict),
    'how the same order ends on the clock; null: there was no time to play it',
  ),
  switches: said(whole, 'context switches'),
  steps: whole,
  choices: v.array(v.strictObject({ task: v.string(), name: v.string(), times: whole })),
  story: said(
    v.array(v.string()),
    'what happens, line by line; empty: there was no time for it, or it is too long',
  ),
  moments: said(
    v.array(v.strictObject({ title: v.string(), at: ns, tables: v.string() })),
    'the host at the decisive moments',
  ),
});

const clockSchema = v.strictObject({
  order: said(v.picklist(['clock', 'counterexample']), 'the order that was timed'),
  first_failure: said(v.nullable(ns), 'from the beginning of the block until the first builder has failed'),
  last_start: said(v.nullable(ns), 'until the last of those that start has started; null: none does'),
  longest_heap_lock: said(ns, 'the longest that the heap lock was held'),
  lock_wait: said(ns, 'time spent waiting for locks, by all'),
  started: whole,
  failed: whole,
});

const explorationSchema = v.strictObject({
  remedy: said(v.nullable(v.string()), 'null: the scenario as it is'),
  title: v.string(),
  verdict,
  exit: whole,
  walk: walkSchema,
  outcomes: v.array(outcomeSchema),
  counterexample: said(
    v.nullable(counterexampleSchema),
    'the smallest order that was found; null: nothing fails, or there was no time for one',
  ),
  not_confirmed: said(
    v.nullable(v.string()),
    'why the counterexample is none: its order does not end so; the verdict is undecided then',
  ),
  clock: v.nullable(clockSchema),
});

/** What `xlsim explore --json` prints. */
export const exploreSchema = v.strictObject({
  schema: v.literal('xlsim/explore/1'),
  version: v.string(),
  scenario: v.strictObject({ file: v.string(), name: v.string(), sha256: v.string() }),
  twin: v.nullable(v.string()),
  block: v.strictObject({ index: whole, name: v.string(), tasks: v.array(v.string()) }),
  options: said(
    v.record(v.string(), v.union([v.string(), v.literal(true)])),
    'of the command line, those that are not the defaults and do more than say where results go',
  ),
  compared: said(v.boolean(), 'remedies side by side'),
  samples: said(whole, 'asked for, where orders are sampled; of all shards together'),
  forbid_refusal: said(v.boolean(), 'a refusal counts as a violation'),
  shard: v.strictObject({ index: whole, of: whole }),
  results: v.array(explorationSchema),
  exit: whole,
});

export type ExploreReport = v.InferOutput<typeof exploreSchema>;
export type Exploration = v.InferOutput<typeof explorationSchema>;
export type Walk = v.InferOutput<typeof walkSchema>;
export type Outcome = v.InferOutput<typeof outcomeSchema>;
export type OutcomeLane = v.InferOutput<typeof laneSchema>;
export type Counterexample = v.InferOutput<typeof counterexampleSchema>;
export type ClockTimes = v.InferOutput<typeof clockSchema>;
