/** What explorations look like: as text, as tables, as JSON; and that no name can do harm in any of them. */
import { Ajv } from 'ajv';
import { XMLValidator } from 'fast-xml-parser';
import { describe, expect, it } from 'vitest';
import { compareMarkdown, compareText } from '../../src/cli/compare-report.ts';
import { compareSvg } from '../../src/cli/compare-svg.ts';
import { exploreJsonSchema } from '../../src/cli/explore-json-schema.ts';
import { exploreText } from '../../src/cli/explore-report.ts';
import { percent } from '../../src/cli/explore-words.ts';
import { paint } from '../../src/cli/paint.ts';
import type { Exploration } from '../../src/explorer/explore-record.ts';
import { exploration, outcome, report } from './explore-fixture.ts';

const plain = paint(false);
const refusing = exploration({
  remedy: 'claim',
  title: 'a claim',
  verdict: 'early refusal',
  exit: 0,
  outcomes: [outcome('early refusal', ['started', 'refused'], 1, 2)],
  counterexample: null,
});
const compared = report([exploration({ remedy: 'nothing', title: 'nothing' }), refusing]);

describe('percent', () => {
  it.each([
    [0, '0 %'],
    [1e-9, '<0.1 %'],
    [0.022, '2.2 %'],
    [0.5, '50 %'],
    [0.99999, '>99.9 %'],
    [1, '100 %'],
  ])('shows %d as %s, so that not all never looks like all', (share, text) => {
    expect(percent(share)).toBe(text);
  });
});

describe('the report', () => {
  const text = exploreText(report([exploration()]), exploration(), 'xlsim replay a --schedule b', plain);

  it('begins with the verdict', () => {
    expect(text.split('\n')[0]).toBe(
      'none started: every builder fails, although one alone would have fitted',
    );
  });

  it.each([
    ['early refusal', 'refused', 'who does not fit is refused before anything is populated'],
    ['early refusal', 'failed', 'a step fails before it has taken any memory'],
    ['late failure', 'late', 'a builder fails after it has begun to populate'],
    ['late failure', 'short', 'a step fails after it has taken some memory'],
  ] as const)('tells of a builder where there is one: %s, %s', (verdict, kind, told) => {
    const found = exploration({ verdict, outcomes: [outcome(verdict, ['done', kind], 1)] });
    expect(exploreText(report([found]), found, null, plain).split('\n')[0]).toBe(`${verdict}: ${told}`);
    if (verdict !== 'early refusal') return;
    const open = { ...found, verdict: 'undecided' } as const;
    expect(exploreText(report([open]), open, null, plain)).toMatch(/^undecided: nothing worse than an early/);
  });

  it('says what was walked, how orders end, and shows the smallest bad one with the command for it', () => {
    expect(text).toContain('all orders, breadth first: 23,104 states, 45,900 transitions, at most 302 steps');
    expect(text).toMatch(/none started +late +late +3 +97\.8 %/);
    expect(text).toContain('the smallest order that ends so: 1 context switch, 302 steps');
    expect(text).toContain('1  xl create big1: XENMEM_populate_physmap 38 x 1 GiB');
    expect(text).toContain('replay it  xlsim replay a --schedule b');
  });

  it('takes the same part of the samples again, and forbids what was forbidden', () => {
    const { walk } = exploration();
    const part = exploration({ walk: { ...walk, strategy: 'random', order: null, samples: 100, seed: 7 } });
    const options = { forbid: 'early-refusal', 'max-states': '9', 'time-budget': '1s', samples: '300' };
    const whole = { ...report([part]), samples: 300, options };
    const again = (index: number, of: number): string =>
      exploreText({ ...whole, shard: { index, of } }, part, null, plain).match(
        /^again .*--strategy (.*)$/m,
      )![1]!;
    expect(again(2, 3)).toBe('random --samples 300 --seed 7 --shard 2/3 --forbid early-refusal');
    expect(again(1, 1)).toBe('random --samples 100 --seed 7 --forbid early-refusal');
  });

  it('has nothing to take again where no sample was drawn', () => {
    const { walk } = exploration();
    const drawn = (samples: number) =>
      exploration({ walk: { ...walk, strategy: 'random', order: null, samples, seed: 7 } });
    expect(exploreText(report([drawn(1)]), drawn(1), null, plain)).toMatch(/^again /m);
    expect(exploreText(report([drawn(0)]), drawn(0), null, plain)).not.toMatch(/^again /m);
  });

  it('says that no order was taken where no sample was drawn, and shows no table of them', () => {
    const { walk } = exploration();
    const none = exploration({
      verdict: 'undecided',
      walk: { ...walk, strategy: 'random', order: null, samples: 0, seed: 7 },
      outcomes: [],
    });
    const text = exploreText(report([none]), none, null, plain);
    expect(text).toMatch(/^undecided: no order was taken\n/);
    expect(text).not.toContain('How it ends');
  });

  it('says of samples how many, from which seed, how sure, and the command that takes them again', () => {
    const { walk } = exploration();
    const sampled = exploration({
      walk: { ...walk, strategy: 'random', order: null, states: null, depth: null, samples: 2000, seed: 7 },
      outcomes: [
        {
          ...outcome('late failure', ['started', 'late'], 0.25),
          states: null,
          samples: 500,
          interval: [0.23, 0.27],
        },
      ],
    });
    const shown = exploreText(report([sampled]), sampled, null, plain);
    expect(shown).toContain('2,000 random orders, seed 7');
    expect(shown).toContain('a sample proves nothing');
    expect(shown).toContain('25 % (23 % to 27 %)');
    expect(shown).toContain(
      'xlsim explore scenarios/race-2012.xlsim.yaml --strategy random --samples 2000 --seed 7',
    );
  });

  it('says of one order that was cut short no more than is so', () => {
    const { walk } = exploration();
    const cut = { ...walk, finished: false, stopped: 'time' };
    const one = exploration({ walk: { ...cut, strategy: 'random', samples: 1, seed: 1 } });
    const text = exploreText(report([one]), one, null, plain);
    expect(text).toContain('1 random order (the time budget ended)');
    expect(text).toContain('further   smaller guests or fewer, or a larger --time-budget\n');
    const bySums = (by: typeof walk): string => {
      const result = exploration({ walk: { ...by, by_sums: true } });
      return exploreText(report([result]), result, null, plain);
    };
    expect(bySums(walk)).toContain('by sums: every request is certain, whatever lies where\n');
    // Of ways that were not walked nobody knows.
    expect(bySums(cut)).toContain('once some came back, by sums\n');
  });
});

describe('the comparison', () => {
  it('has a row for each remedy', () => {
    const text = compareText(compared, plain);
    expect(text).toMatch(/nothing +none started +0 % +0 % +2\.2 % +97\.8 % +23,104 +1\.4 s +1 ms +0 ns +-/);
    expect(text).toMatch(/a claim +early refusal +0 % +100 % +0 % +0 %/);
    expect(text).toContain("Times are of one run in the clock's order");
  });

  it('tells of a clock on which nobody starts only where somebody does at the grain', () => {
    const clock = { ...exploration().clock!, started: 0, failed: 2 };
    const refused = (kinds: Parameters<typeof outcome>[1]) =>
      exploration({ verdict: 'early refusal', clock, outcomes: [outcome('early refusal', kinds, 1)] });
    const told = (of: Exploration): boolean[] =>
      [compareText(report([of]), plain), exploreText(report([of]), of, null, plain)].map((text) =>
        /on the clock, where extents come between/i.test(text),
      );
    expect(told(refused(['refused', 'started']))).toEqual([true, true]);
    expect(told(refused(['refused', 'refused']))).toEqual([false, false]);
  });

  it('is a Markdown table that lines up as plain text', () => {
    const rows = compareMarkdown(compared)
      .split('\n')
      .filter((line) => line.startsWith('|'));
    expect(rows).toHaveLength(4);
    expect(new Set(rows.map((row) => row.length)).size).toBe(1);
    expect(new Set(rows.map((row) => row.split('|').length)).size).toBe(1);
  });

  it('marks times that are not those of the clock', () => {
    const slow = exploration({ clock: { ...exploration().clock!, order: 'counterexample' } });
    expect(compareText(report([slow, refusing]), plain)).toMatch(
      /1\.4 s\^[\s\S]*Marked \^: the clock's own order does not fail/,
    );
  });

  it('knows no share of a walk that was stopped, not even of ends that it has not met', () => {
    const { walk } = exploration();
    const stopped = exploration({ walk: { ...walk, finished: false, stopped: 'states' }, outcomes: [] });
    const text = compareText(report([stopped, refusing]), plain);
    expect(text.split('\n')[3]).toMatch(/ \? +\? +\? +\? /);
    expect(text).toContain('Unless marked, every order was walked');
    expect(compareText(compared, plain)).toContain('\nEvery order was walked');
  });

  it('shows ends whose share nobody knows as ?, not as none', () => {
    const cyclic = exploration({ outcomes: [outcome('late failure', ['started', 'late'], null)] });
    expect(compareText(report([cyclic, refusing]), plain)).toMatch(/0 % +0 % +\? +0 %/);
  });
});

describe('the schema that is published', () => {
  const validate = new Ajv({ strict: false }).compile(exploreJsonSchema());
  it('is met by every report', () => {
    for (const data of [compared, report([exploration()])]) {
      expect([validate(JSON.parse(JSON.stringify(data))), validate.errors]).toEqual([true, null]);
    }
  });
  it('refuses what is none', () => {
    expect(validate({ ...compared, schema: 'xlsim/explore/9' })).toBe(false);
    expect(validate({ ...compared, results: [{}] })).toBe(false);
  });
});

describe('hostile names', () => {
  const hostile = '\u001b[2J</text><script>|x|`*_&\u202e\n# h';
  const one = exploration();
  const evil = exploration({
    title: hostile,
    outcomes: one.outcomes.map((row) => ({
      ...row,
      lanes: row.lanes.map((lane) => ({
        step: hostile,
        ends: lane.ends.map((e) => ({ ...e, why: [hostile] })),
      })),
      broken: hostile,
    })),
    counterexample: {
      ...one.counterexample!,
      story: [hostile],
      moments: [{ title: hostile, at: 0, tables: `Memory\n${hostile}\n` }],
    },
  });
  const of = report([evil, evil], {
    scenario: { file: hostile, name: hostile, sha256: '' },
    twin: hostile,
    block: { index: 0, name: hostile, tasks: [hostile, hostile] },
  });
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what must not be there
  const harmful = /[\u0000-\u0008\u000b-\u001f\u202e]/;

  it('cannot move the cursor in text', () => {
    expect(exploreText(of, evil, hostile, plain)).not.toMatch(harmful);
    expect(compareText(of, plain)).not.toMatch(harmful);
  });

  it('are no markup in Markdown, and no row of their own', () => {
    const text = compareMarkdown(of);
    expect(text).not.toMatch(harmful);
    expect(text).not.toMatch(/<script>|^# h/m);
    const rows = text.split('\n').filter((line) => line.startsWith('|'));
    expect(new Set(rows.map((row) => row.replace(/\\./g, '').split('|').length)).size).toBe(1);
  });

  it('are text in the picture', () => {
    const svg = compareSvg(of);
    expect(XMLValidator.validate(svg)).toBe(true);
    expect(svg).not.toMatch(harmful);
    expect(svg).not.toContain('<script>');
  });
});
