/** An order that was found held against a fresh host that really makes every step: whether it ends there as was found. */
import { XenBug } from '../hypervisor/bug.ts';
import { type ExploreHow, forwardSpaceOf, type Subject } from './explore-how.ts';
import type { Counterexample } from './explore-record.ts';
import { enabledIn, startState, stepFrom } from './schedule-replay.ts';
import type { Sliced } from './sliced.ts';
import type { TurnOrder } from './turn-order.ts';
import { type EndVerdict, endVerdict } from './verdict.ts';
import type { WorldSpace } from './world-space.ts';

const NO_TIME = 'it was found by class, and there was no time to take its order on a host';

/** Steps after an order that is to end nowhere. */
const MOST_LAPS = 10_000;

/**
 * Why the order of a failure confirms nothing, in a sentence; null: it is a run that ends so, on the clock or where
 * nothing costs time. A state by class stands for several hosts, of which none needs to be this one; one with exact
 * ownership is the host, and if that ends otherwise the search is wrong: a bug, told with its order.
 */
export function* cannotConfirm(
  subject: Subject,
  how: ExploreHow,
  found: Counterexample,
  by: { readonly ownership: 'class' | 'exact'; readonly fits: () => boolean },
): Sliced<string | null> {
  const { verdict, replays_as, choices } = found;
  if (replays_as === verdict) return null;
  const end = yield* endOnHost(forwardSpaceOf(subject, how), found, by.fits);
  if (end === verdict) return null;
  if (end === 'stopped') return by.ownership === 'exact' ? null : NO_TIME;
  const instead = end === null ? 'cannot be taken on a host' : `ends as ${end} on a host`;
  if (by.ownership === 'exact') {
    const order = JSON.stringify({
      grain: how.grain,
      block: subject.block,
      remedy: subject.remedy?.name ?? null,
      choices,
    });
    throw new XenBug(
      `an order found as ${verdict} with exact ownership ${instead}\nthe order, as in a schedule: ${order}`,
    );
  }
  const onTheClock = replays_as === null ? '' : `, and as ${replays_as} on the clock`;
  return `${verdict} was found by class, but its order ${instead}${onTheClock}`;
}

/** What the order ends in on a host of its own where nothing costs time; null: it does not fit. */
function* endOnHost(
  host: WorldSpace,
  { verdict, choices }: Counterexample,
  fits: () => boolean,
): Sliced<EndVerdict | null | 'stopped'> {
  let state = yield* takeOrder(host, choices);
  if (state === null || state === 'stopped') return state;
  // Who is stuck may go round in a circle; a host that has not come out of it after so many steps agrees.
  for (let lap = 0; lap < MOST_LAPS; lap++) {
    const [next] = enabledIn(host, state);
    if (next === undefined) break;
    if (verdict !== 'stuck') return null;
    state = stepFrom(host, state, next);
    if (yield 1) return 'stopped';
  }
  return endVerdict(host.endOf(host.outcome(state, 0)), fits);
}

/** Makes the steps of an order. `each`: called before each run of one task. Null: it does not fit. */
function* takeOrder(
  host: WorldSpace,
  choices: TurnOrder['choices'],
  each?: (path: string, task: number) => void,
): Sliced<Int32Array | null | 'stopped'> {
  let state = startState(host);
  for (const { task, times } of choices) {
    for (let i = 0; i < times; i++) {
      const next = enabledIn(host, state).find((t) => host.taskPath(t) === task);
      if (next === undefined) return null;
      each?.(task, next);
      state = stepFrom(host, state, next);
      if (yield 1) return 'stopped';
    }
  }
  return state;
}

/**
 * The choices with the names that tasks have in that order: in another one they may have others, and a search has met many. As they
 * are if only steps of the block choose, or if the order does not fit.
 */
export function* namedOnHost(
  subject: Subject,
  how: ExploreHow,
  choices: TurnOrder['choices'],
): Sliced<TurnOrder['choices']> {
  if (choices.every(({ task }) => /^\d+$/.test(task))) return choices;
  const host = forwardSpaceOf(subject, how);
  const names = new Map<string, string>();
  const state = yield* takeOrder(host, choices, (path, task) => names.set(path, host.taskName(task)));
  if (state === null || state === 'stopped') return choices;
  return choices.map((choice) => ({ ...choice, name: names.get(choice.task)! }));
}
