/** Several threads on one walk find the graph that one finds; what they must tell each other, and what a loss costs. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { isFinished } from '../../src/explorer/exhaustive.ts';
import type { Subject } from '../../src/explorer/explore-how.ts';
import type { MateLetter } from '../../src/explorer/row-mate.ts';
import { censusOf } from '../../src/explorer/state-graph.ts';
import type { WholeGraph } from '../../src/explorer/whole-graph.ts';
import { HOW, populates, smallRace, subjectOf } from './explore-fixture.ts';
import { walkedAlone, walkedTogether } from './together.ts';

const library = (file: string): Subject => subjectOf(readFileSync(`scenarios/${file}.xlsim.yaml`, 'utf8'));

/** Everything that is told of a graph. */
const told = ({ search, space }: WholeGraph): object => {
  const { endings, ...census } = censusOf(search);
  const ends = endings.map(({ outcome, ...rest }) => ({ end: space.endOf(outcome), ...rest }));
  return { ...census, ends, ownershipMatters: space.ownershipMatters };
};

/** Who is first gets the next domid, and who looks sees what there is by then: one lane alone meets few of its forms. */
const THREE = `
host: { memory: 256M, dom0: 64M }
steps:
  - { hypercall: XEN_DOMCTL_createdomain, args: { name: c, type: pv } }
  - { hypercall: XEN_DOMCTL_max_mem, args: { domid: c, max_memkb: 1048576 } }
  - parallel:
      - { repeat: 2, steps: [{ hypercall: XEN_DOMCTL_createdomain, args: { name: "a{i}", type: pv } }] }
      - { repeat: 2, steps: [{ hypercall: XEN_DOMCTL_createdomain, args: { name: "b{i}", type: pv } }] }
      - repeat: 2
        steps:
          - xl list
          - { hypercall: XENMEM_populate_physmap, args: { domid: c, nr_extents: 3, extent_order: 9 } }
`;

const CASES: readonly (readonly [string, Subject, 'class' | 'exact'])[] = [
  ['two who are given pages', subjectOf(populates(9)), 'class'],
  ['the same, exactly', subjectOf(populates(9)), 'exact'],
  ['three who depend on each other', subjectOf(THREE), 'class'],
  ["creates under xl's lock", library('race-2012-xl-lock'), 'class'],
  ['creates that claim, exactly', subjectOf(smallRace('claim_mode: 1, autoballoon: "off"')), 'exact'],
];

/** What one alone finds of each case: walked once. */
const foundAlone = new Map<string, object>();
function toldAlone(what: string, subject: Subject, ownership: 'class' | 'exact'): object {
  const known = foundAlone.get(what) ?? told(walkedAlone(subject, HOW, ownership, 'dfs'));
  foundAlone.set(what, known);
  return known;
}

describe('threads that walk together', () => {
  it.each(CASES)('find what one finds: %s', (what, subject, ownership) => {
    const alone = toldAlone(what, subject, ownership);
    expect(told(walkedAlone(subject, HOW, ownership, 'bfs'))).toEqual(alone);
    for (const n of [1, 2, 3]) {
      const { whole, parts } = walkedTogether(subject, HOW, ownership, n, n);
      expect(told(whole)).toEqual(alone);
      const walked = parts.map(({ first }) => first.filter((at) => at !== -1).length);
      expect(walked.reduce((sum, states) => sum + states, 0)).toBe(whole.search.table.count);
    }
  });

  it.each([1, 40, 700, 3000])('find it, too, where one has walked alone before, for %i steps', (met) => {
    for (const [what, subject, ownership] of CASES) {
      const alone = toldAlone(what, subject, ownership);
      for (const n of [2, 3]) {
        const { whole, parts } = walkedTogether(subject, HOW, ownership, n, met + n, () => false, met);
        expect(told(whole)).toEqual(alone);
        const walked = parts.map(({ first }) => first.filter((at) => at !== -1).length);
        expect(walked.reduce((sum, states) => sum + states, 0)).toBe(whole.search.table.count);
      }
    }
  });

  it('have something to do, each of them', () => {
    const { parts } = walkedTogether(library('race-2012-xl-lock'), HOW, 'class', 3, 5);
    for (const { first } of parts) expect(first.filter((at) => at !== -1).length).toBeGreaterThan(200);
  });

  it('do not, if one does not tell the others what is theirs', () => {
    const isTold = ({ word }: MateLetter): boolean => word.say === 'states';
    const { whole } = walkedTogether(library('race-2012-xl-lock'), HOW, 'class', 2, 1, isTold);
    expect(isFinished(whole.search)).toBe(false);
  });

  it('go the way that was told to a state that they never met', () => {
    const subject = subjectOf(THREE);
    const alone = walkedAlone(subject, HOW, 'class', 'dfs').search.table.count;
    // Told another way, they take what is at its end for the state.
    const astray = (letter: MateLetter): boolean => {
      const { word } = letter;
      if (word.say === 'states') (word.ways.ends as number[]).fill(0);
      return false;
    };
    const { whole } = walkedTogether(subject, HOW, 'class', 2, 1, astray);
    expect(whole.search.table.count).not.toBe(alone);
  });

  it('tell few of their states', () => {
    const { whole, letters } = walkedTogether(library('race-2012-xl-lock'), HOW, 'class', 2, 1);
    const told = letters.reduce((n, { word }) => n + (word.say === 'states' ? word.ids.length : 0), 0);
    expect(told).toBeGreaterThan(0);
    expect(told).toBeLessThan(whole.search.table.count / 5);
  });
});
