/** All orders with those left out that can be shown to end alike: every end is met, not every state. */
import { ASSERT } from '../hypervisor/bug.ts';
import { joinOrder } from './actor-order.ts';
import { type ExploreHow, type Subject, spaceOf } from './explore-how.ts';
import type { Walk } from './explore-record.ts';
import type { SeenEnd } from './outcome-table.ts';
import { continueReduced, type ReducedSearch, reducedEndings, startReduced, witnessOf } from './reduced.ts';
import { shortenSchedule } from './schedule-shorten.ts';
import type { Sliced } from './sliced.ts';
import type { TurnOrder } from './turn-order.ts';
import { type EndVerdict, endVerdict } from './verdict.ts';
import type { WorldSpace } from './world-space.ts';

/** Orders tried to make a bad one smaller, and the longest of them. */
const SHORTEN_ATTEMPTS = 300;
const MAX_STEPS = 1_000_000;

/** A reduced walk under way. */
export interface Reducing {
  readonly space: WorldSpace;
  readonly search: ReducedSearch;
  isFinished: boolean;
}

export function startReducing(subject: Subject, how: ExploreHow, ownership: 'class' | 'exact'): Reducing {
  const space = spaceOf(subject, how, ownership);
  const search = startReduced(space, { sleep: true, symmetry: true });
  search.most = how.maxStates;
  return { space, search, isFinished: false };
}

/** Goes on for about `budget` steps. True: every end was met. */
export function continueReducing(r: Reducing, budget: number): boolean {
  r.isFinished = continueReduced(r.search, budget);
  return r.isFinished;
}

/** The ends that were met. How often orders end so is not known. */
export const reducedEnds = ({ space, search }: Reducing): SeenEnd[] =>
  reducedEndings(search).map(({ outcome, states }) => ({
    end: space.endOf(outcome),
    count: states,
    share: null,
  }));

/** An order that ends with `verdict`, made as small as can be done without walking the space. */
export function* reducedWorst(
  { space, search }: Reducing,
  verdict: EndVerdict,
  fits: () => boolean,
): Sliced<TurnOrder['choices']> {
  const wanted = (outcome: number): boolean => endVerdict(space.endOf(outcome), fits) === verdict;
  const choices = witnessOf(search, wanted);
  ASSERT(choices !== null, `an order ended with ${verdict}`);
  const how = { wanted, attempts: SHORTEN_ATTEMPTS, maxSteps: MAX_STEPS };
  const shortened = yield* shortenSchedule(space, choices, how);
  return joinOrder(shortened.choices, space);
}

/** What was walked. */
export function reducedWalk(r: Reducing, how: ExploreHow, stopped: string | null): Walk {
  const { space, search } = r;
  return {
    strategy: 'exhaustive',
    grain: how.grain,
    ownership: space.how.ownership,
    ownership_matters: space.ownershipMatters,
    abstract: space.isAbstract,
    by_sums: false,
    exactly: null,
    order: null,
    reduction: true,
    finished: r.isFinished,
    stopped,
    states: search.table.count,
    transitions: search.transitions,
    depth: null,
    samples: null,
    seed: null,
    pct_depth: null,
    pct_tasks: null,
    pct_steps: null,
    guarantee: null,
  };
}
