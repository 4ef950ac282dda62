import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { censusOf } from '../../src/explorer/state-graph.ts';
import type { WholeGraph } from '../../src/explorer/whole-graph.ts';
import { HOW, populates, smallRace, subjectOf } from './explore-fixture.ts';
import { walkedAlone, walkedTogether } from './together.ts';

const told = ({ search, space }: WholeGraph) => {
  const { endings, ...census } = censusOf(search);
  return {
    ...census,
    ends: endings.map((e) => [JSON.stringify(space.endOf(e.outcome)), e.states, e.share]),
    matters: space.ownershipMatters,
  };
};
const library = (file: string) => subjectOf(readFileSync(`scenarios/${file}.xlsim.yaml`, 'utf8'));

describe('threads that walk together', () => {
  it.each([
    ['populates', subjectOf(populates(9))],
    ['race', subjectOf(smallRace())],
    ['xl-lock', library('race-2012-xl-lock')],
    ['2012', library('race-2012')],
    ['neither', library('neither-starts')],
  ] as const)(
    '%s',
    (_name, subject) => {
      const t0 = performance.now();
      const own = walkedAlone(subject, HOW, 'class', 'bfs').space.ownershipMatters ? 'exact' : 'class';
      const t9 = performance.now();
      const alone = told(walkedAlone(subject, HOW, own, 'dfs'));
      console.log(own, performance.now() - t9);
      const t1 = performance.now();
      for (const n of [1, 2, 3]) {
        const t2 = performance.now();
        const { whole, parts, letters } = walkedTogether(subject, HOW, own, n, 1);
        console.log(
          _name,
          n,
          alone.states,
          parts.map((p) => p.first.filter((f) => f !== -1).length).join(),
          'letters',
          letters.length,
          letters.map((l) => (l.word.say === 'states' ? l.word.ids.length : 0)).reduce((a, b) => a + b, 0),
          'ways',
          letters.filter((l) => l.word.say === 'ways').length,
          'hungry',
          letters.filter((l) => l.word.say === 'hungry').length,
          (t1 - t0).toFixed(0),
          (performance.now() - t2).toFixed(0),
        );
        expect(told(whole)).toEqual(alone);
      }
    },
    100000,
  );
});
