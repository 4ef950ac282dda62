/**
 * The race of counts beside the same race in Promela (test/bench/spin). The numbers are Spin 6.5.2's, so ours are held to
 * them where Spin is not installed as well; where it is, they are counted anew.
 */
import { describe, expect, it } from 'vitest';
import { runSpin, type SpinModel, spinMissing } from '../../src/cli/bench-spin.ts';
import { AT, countsEnds, countsSpace } from '../../src/explorer/counts-space.ts';
import { continueSearch, startSearch } from '../../src/explorer/exhaustive.ts';
import { censusOf } from '../../src/explorer/state-graph.ts';

interface Recorded {
  readonly model: SpinModel;
  readonly states: number;
  readonly transitions: number;
  readonly ends: readonly string[];
}

const RECORDED: readonly Recorded[] = [
  {
    model: { builders: 2, units: 60, free: 120, claim: true },
    states: 14884,
    transitions: 29526,
    ends: ['1 1'],
  },
  {
    model: { builders: 2, units: 60, free: 90, claim: true },
    states: 485,
    transitions: 727,
    ends: ['1 3', '3 1'],
  },
  {
    model: { builders: 2, units: 60, free: 90, claim: false },
    states: 13109,
    transitions: 25916,
    ends: ['1 2', '2 1', '2 2'],
  },
  {
    model: { builders: 3, units: 8, free: 16, claim: false },
    states: 5466,
    transitions: 14759,
    ends: ['1 1 2', '1 2 1', '1 2 2', '2 1 1', '2 1 2', '2 2 1', '2 2 2'],
  },
];

/** What Spin would count: it counts the first state, and a look at each end state, as transitions. */
function counted({ builders, units, free, claim }: SpinModel) {
  const counts = { free, units, claims: Array.from({ length: builders }, () => claim) };
  const search = startSearch(countsSpace(counts), 'bfs');
  while (!continueSearch(search, 1e5));
  const { states, transitions, endings } = censusOf(search);
  const ends = endings.flatMap(({ outcome, states }) => {
    const words = countsEnds(counts, outcome).map((at) => at - AT.started + 1);
    return new Array<string>(states).fill(words.join(' '));
  });
  return { states, transitions: transitions + 1 + ends.length, ends: ends.sort() };
}

const nameOf = ({ builders, units, free, claim }: SpinModel): string =>
  `${builders} builders of ${units}, ${free} free, ${claim ? 'with' : 'without'} claims`;

describe('a search without reduction', () => {
  for (const { model, ...numbers } of RECORDED)
    it(`counts what Spin counted: ${nameOf(model)}`, () => {
      expect(counted(model)).toEqual(numbers);
    });
});

const missing = spinMissing();

describe.skipIf(missing !== null)(`Spin itself${missing === null ? '' : ` (${missing})`}`, () => {
  for (const { model, ...numbers } of RECORDED)
    it(`counts as it was recorded: ${nameOf(model)}`, () => {
      const { states, transitions, ends } = runSpin(model);
      expect({ states, transitions, ends }).toEqual(numbers);
    });
});
