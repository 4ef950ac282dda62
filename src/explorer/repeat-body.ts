/** What a repeat's body says of its rounds: whether each of them is told apart, and what is looked at in each. */

import type { Step } from './scenario.ts';

/** How closely somebody looks at each round. */
export interface BodyLooks {
  /** The number of the round is in a step's text. */
  readonly numbers: boolean;
  /** What is printed: it may be the same in each round, or not. */
  readonly printed: boolean;
  /** What the clock shows, which is never the same, or a file's contents. */
  readonly moving: boolean;
  /** Counts that go on from round to round. */
  readonly counts: boolean;
}

const NONE: BodyLooks = { numbers: false, printed: false, moving: false, counts: false };

/** What is looked at in the rounds of these steps. */
export function looksOf(steps: readonly Step[]): BodyLooks {
  let looks = NONE;
  for (const step of steps) {
    const own = looksOfStep(step);
    looks = {
      numbers: looks.numbers || own.numbers,
      printed: looks.printed || own.printed,
      moving: looks.moving || own.moving,
      counts: looks.counts || own.counts,
    };
  }
  return looks;
}

function looksOfStep(step: Step): BodyLooks {
  const { action, expect, output } = step;
  const isBlock = action.do === 'parallel' || action.do === 'repeat';
  const inner = isBlock ? looksOf(action.steps) : NONE;
  // A repeat inside, and what is started more than once, have numbers of their own.
  const isInner = action.do === 'parallel' && inner.numbers;
  const text = JSON.stringify(isBlock ? { ...step, action: action.do } : step);
  return {
    numbers: step.times === null && (isInner || text.includes('{i}')),
    printed: inner.printed || isPrintLooked(step),
    moving: inner.moving || output !== null || expect?.time?.now !== undefined,
    counts: inner.counts || expect?.events !== undefined,
  };
}

/** Whether what a step prints, or why it was refused, is compared with something. */
export const isPrintLooked = ({ expect, transcript }: Step): boolean =>
  transcript !== null ||
  expect?.stdout !== undefined ||
  expect?.stderr !== undefined ||
  expect?.refused !== undefined;
