/** What ends are called, and what a walk may claim. */
import { describe, expect, it } from 'vitest';
import type { LaneEnd } from '../../src/explorer/lane-end.ts';
import {
  type End,
  endVerdict,
  VERDICT_TEXT,
  VERDICTS,
  verdictExit,
  walkVerdict,
  worst,
} from '../../src/explorer/verdict.ts';

const lane = (kind: LaneEnd['kind']): LaneEnd => ({ label: kind, kind, rc: 0, reason: '' });
const end = (...kinds: LaneEnd['kind'][]): End => ({ lanes: kinds.map(lane), broken: null });
const both = () => true;

describe('an end', () => {
  it.each([
    ['safe', end('started', 'started')],
    ['safe', end('started', 'done')],
    ['early refusal', end('started', 'refused')],
    ['early refusal', end('done', 'failed')],
    ['late failure', end('started', 'late')],
    ['late failure', end('done', 'short')],
    ['none started', end('late', 'late')],
    ['none started', end('refused', 'late')],
    ['none started', end('refused', 'refused')],
    ['stuck', end('late', 'stuck')],
  ] as const)('is called %s', (verdict, ends) => {
    expect(endVerdict(ends, both)).toBe(verdict);
  });

  it('in which none started is no such end where none would fit alone', () => {
    expect(endVerdict(end('late', 'late'), () => false)).toBe('late failure');
    expect(endVerdict(end('refused', 'late'), () => true)).toBe('none started');
  });

  it('with one builder is called by what became of that one', () => {
    expect(endVerdict(end('late', 'done'), both)).toBe('late failure');
    expect(endVerdict(end('done', 'refused'), both)).toBe('early refusal');
  });

  it('in which an invariant is broken is called that, whatever else there is', () => {
    expect(endVerdict({ ...end('stuck', 'late'), broken: 'claims' }, both)).toBe('invariant broken');
  });
});

describe('a walk', () => {
  it('is safe only when everything was walked', () => {
    expect(walkVerdict(['safe'], true)).toBe('safe');
    expect(walkVerdict(['safe'], false)).toBe('undecided');
    expect(walkVerdict(['early refusal', 'safe'], false)).toBe('undecided');
  });

  it('that saw a failure has its verdict, finished or not', () => {
    expect(walkVerdict(['safe', 'late failure'], false)).toBe('late failure');
    expect(walkVerdict(['late failure', 'none started', 'safe'], true)).toBe('none started');
  });

  it('that saw several ends is called by the worst', () => {
    expect(worst(['early refusal', 'safe'])).toBe('early refusal');
    expect(worst([...VERDICTS])).toBe('invariant broken');
    expect(worst([])).toBe('safe');
  });
});

describe('the exit code', () => {
  it.each([
    ['safe', 0, 0],
    ['early refusal', 0, 1],
    ['undecided', 4, 4],
    ['late failure', 1, 1],
    ['none started', 1, 1],
    ['stuck', 1, 1],
    ['invariant broken', 1, 1],
  ] as const)('of %s is %i, and %i where refusals are forbidden', (verdict, exit, forbidden) => {
    expect(verdictExit(verdict, false)).toBe(exit);
    expect(verdictExit(verdict, true)).toBe(forbidden);
    expect(VERDICT_TEXT[verdict]).not.toBe('');
  });
});
