/** What a repeat's body says of its rounds: whether each of them is told apart, and what is looked at in each. */

import type { ExpectationInput } from './expectation-schema.ts';
import type { Step } from './scenario.ts';

/** How closely somebody looks at each round. */
export interface BodyLooks {
  /** The number of the round is in a step's text. */
  readonly numbers: boolean;
  /** What is printed, or what the clock shows: no two rounds have the same. */
  readonly moving: boolean;
  /** Counts that go on from round to round. */
  readonly counts: boolean;
}

const NONE: BodyLooks = { numbers: false, moving: false, counts: false };

/** What is looked at in the rounds of these steps. */
export function looksOf(steps: readonly Step[]): BodyLooks {
  let looks = NONE;
  for (const step of steps) {
    const own = looksOfStep(step);
    looks = {
      numbers: looks.numbers || own.numbers,
      moving: looks.moving || own.moving,
      counts: looks.counts || own.counts,
    };
  }
  return looks;
}

function looksOfStep(step: Step): BodyLooks {
  const { action, expect, output, transcript } = step;
  const isBlock = action.do === 'parallel' || action.do === 'repeat';
  const inner = isBlock ? looksOf(action.steps) : NONE;
  // A repeat inside, and what is started more than once, have numbers of their own.
  const isInner = action.do === 'parallel' && inner.numbers;
  const text = JSON.stringify(isBlock ? { ...step, action: action.do } : step);
  return {
    numbers: step.times === null && (isInner || text.includes('{i}')),
    moving: inner.moving || output !== null || transcript !== null || (expect !== null && isMoving(expect)),
    counts: inner.counts || expect?.events !== undefined,
  };
}

/** What a step prints holds domids and times. */
const isMoving = ({ stdout, stderr, time }: ExpectationInput): boolean =>
  stdout !== undefined || stderr !== undefined || time?.now !== undefined;
