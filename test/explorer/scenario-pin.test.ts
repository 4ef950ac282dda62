/** Counterexamples as scenarios: they pass as long as the order still ends so, and say where it does not. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { ExploreHow } from '../../src/explorer/explore-how.ts';
import { remedyNamed } from '../../src/explorer/remedy-table.ts';
import { playOnce } from '../../src/explorer/replay.ts';
import { parseScenario } from '../../src/explorer/scenario-file.ts';
import { type Pinned, pinScenario } from '../../src/explorer/scenario-pin.ts';
import { explored, populates, smallRace, subjectOf } from './explore-fixture.ts';

/** The worst order of a scenario, pinned. */
function pinned(text: string, how: Partial<ExploreHow> = {}, remedyName: string | null = null): Pinned {
  const subject = subjectOf(text, remedyName);
  const found = explored(subject, { forbidRefusal: true, ...how });
  const { verdict, story, choices } = found.counterexample!;
  const order = { version: '1.2.3', grain: found.walk.grain, choices };
  const remedy = remedyName === null ? null : remedyNamed(remedyName)!;
  const pin = { twin: null, block: 0, remedy, order, verdict, story, cfgPath: (cfg: string) => cfg };
  return pinScenario(text, 'race.xlsim.yaml', pin, subject.around);
}

function textOf(pin: Pinned): string {
  if (!pin.ok) throw new Error(pin.message);
  return pin.text;
}

/** What fails in a scenario, each with its place. */
function failuresOf(text: string): string[] {
  const read = parseScenario(text, 'test.xlsim.yaml');
  if (!read.ok) return read.problems.map(({ line, message }) => `${line}: ${message}`);
  const { failures, hung } = playOnce(read.value, subjectOf(text).around);
  return [...(hung ?? []), ...failures.map((f) => `${f.line}: ${f.step}: ${f.what}: ${f.got}`)];
}

const RACE = textOf(pinned(smallRace()));
const RACE_2012 = readFileSync('scenarios/race-2012.xlsim.yaml', 'utf8');
const SAMPLED: Partial<ExploreHow> = { strategy: 'random', samples: { from: 0, to: 30 } };
/** Three guests of one step, of which two fit. */
const copies = smallRace().replace(
  /steps:[\s\S]*/,
  `steps:
  - xl list
  - name: all
    parallel:
      - { times: 3, name: "g{i}", run: "xl create a 'name=\\"g{i}\\"' memory=60" }
    expect: { succeeded: 3 }
  - { run: xl list, output: later.txt }
`,
);

describe('an order that is pinned', () => {
  const races: readonly [string, string, Partial<ExploreHow>, readonly string[]][] = [
    ['the 2012 race', RACE_2012, SAMPLED, ['exit: 3', 'failed: 2', 'running: []', 'invariants: ok']],
    ['two guests of which one fits', smallRace(), {}, ['exit: 0', 'exit: 3', 'failed: 1']],
    ['bare populates, again and again', populates(11), {}, ['rc: 2', 'rc: 3', 'repeat: 1']],
    ['copies of a step', copies, SAMPLED, ['name: g3', 'exit: 0', 'exit: 3', 'failed: 1']],
  ];
  it.each(races)('passes as it is written: %s', (_name, text, how, expected) => {
    const test = textOf(pinned(text, how));
    for (const words of expected) expect(test).toContain(words);
    expect(failuresOf(test)).toEqual([]);
    expect(test).not.toContain('later.txt');
  });

  it.each([
    ['a guest action', '{ guest: c balloon-to 60M }', 'refused: there is no guest "c" on the host'],
    ['conditions', '{ set: { release: c } }', 'release: nobody called "c" holds anything'],
    ['a hypercall', '{ hypercall: XENMEM_claim_pages, args: { domid: c, nr_extents: 1 } }', 'no domain "c"'],
    ['copies', '{ times: 2, guest: "{i}b crash" }', 'refused: there is no guest "1b" on'],
    ['rounds', '{ repeat: 2, steps: [{ guest: "{i}b crash" }] }', 'repeat: 1'],
  ])('passes where %s could not begin in it', (_what, step, expected) => {
    const text = smallRace().replace('xl create b }', `xl create b }\n      - ${step}`);
    const test = textOf(pinned(text, SAMPLED));
    expect(test.replaceAll("'", '')).toContain(expected);
    expect(failuresOf(test)).toEqual([]);
    const [what] = failuresOf(test.replace(/no (guest|domain) "|nobody called/, 'another "'));
    expect(what).toContain(': refused: ');
  });

  it('passes where a step before the block could not begin', () => {
    const text = smallRace().replace(
      'steps:',
      'steps:\n  - { name: gone, guest: x crash, expect: { exit: 0 } }',
    );
    const test = textOf(pinned(text, SAMPLED));
    expect(test).toMatch(/guest: x crash\n +expect:\n? *\{? *refused: .*no guest "x"/);
    expect(failuresOf(test)).toEqual([]);
  });

  it('fails where another order, or another host, ends otherwise', () => {
    const test = textOf(pinned(RACE_2012, SAMPLED));
    const roomier = failuresOf(test.replace('memory: 4G', 'memory: 8G'));
    expect(roomier.some((text) => /: big1: exit: 0$/.test(text))).toBe(true);
    const clock = test.replace(/ {4}order:[\s\S]*? {4}expect/, '    expect');
    // The clock lets both fail as well: only the order's own race has another winner.
    expect(failuresOf(clock)).toEqual([]);
    const other = RACE.replace(/task: "0"/, 'task: "X"')
      .replace(/task: "1"/, 'task: "0"')
      .replace('"X"', '"1"');
    expect(failuresOf(other).join('\n')).toContain('both: running: b');
  });

  it('says at its line where it stops fitting, and who wrote it', () => {
    const test = RACE;
    const long = test.replace(/(task: "0".*times: )\d+/, '$1999');
    const line = long.split('\n').findIndex((text) => text.includes('999')) + 1;
    expect(failuresOf(long)[0]).toMatch(
      new RegExp(`^${line}: both: order: .*"a" \\(0\\): it cannot go on there`),
    );
    const short = test.replace(/\n.*task: "1".*/, '');
    expect(failuresOf(short)[0]).toMatch(/both: order: .*the order ends after \d+ choices/);
    const read = parseScenario(short, 'x');
    const [failure] = read.ok ? playOnce(read.value, subjectOf(short).around).failures : [];
    expect(failure?.expected).toBe('the order that xlsim 1.2.3 wrote');
  });

  it('keeps its meaning under a remedy that is a matter of xl.conf', () => {
    const test = textOf(pinned(smallRace('claim_mode: 1, autoballoon: "off"'), {}, 'nothing'));
    expect(test).toContain('claim_mode=0');
    expect(failuresOf(test)).toEqual([]);
  });

  it.each(['heap-lock', 'max-pages'])('is refused under %s, which no key says', (name) => {
    const text = smallRace();
    const pin = {
      twin: null,
      block: 0,
      remedy: remedyNamed(name)!,
      order: { version: '1', grain: 'hypercall', choices: [] },
      verdict: '',
      story: [],
      cfgPath: (cfg: string) => cfg,
    };
    const answer = pinScenario(text, 'x', pin, subjectOf(text).around);
    expect(answer).toMatchObject({
      ok: false,
      message: expect.stringContaining(`the remedy ${name} comes between`),
    });
  });

  it('is refused where it never ends', () => {
    const stuck = `host: { memory: 256M, dom0: 64M }
guests: { a: { type: pv, memory: 100, vcpus: 1, on_poweroff: preserve } }
steps: [{ parallel: [xl create -F a, xl list] }]`;
    expect(pinned(stuck)).toMatchObject({ ok: false, message: expect.stringContaining('never ends') });
  });

  it('shows hostile names for what they are', () => {
    const evil = 'e\u001b[2J\u202e\u009b: - "x"\n  y';
    const text = smallRace().replace('name: a, run', `name: ${JSON.stringify(evil)}, run`);
    const test = textOf(pinned(text, SAMPLED));
    expect(test.replaceAll('\n', '')).not.toMatch(/[\p{Cc}\p{Cf}]/u);
    expect(failuresOf(test)).toEqual([]);
    const read = parseScenario(test, 'x');
    const [step] = read.ok ? read.value.stage.steps : [];
    expect(step?.action.do === 'parallel' ? step.action.steps[0]?.label : '').toBe(evil);
  });
});

const NESTED = `





steps:
  - repeat: 1
    steps:
      - parallel: [xl list]
        order: { version: "1", grain: request, choices: [] }
`;

describe('an order in a file', () => {
  const test = RACE;
  it.each([
    [test.replace('grain:', 'grian:'), 'unknown key "grian": did you mean "grain"?'],
    [test.replace('choices:', 'choises:'), 'unknown key "choises": did you mean "choices"?'],
    [
      test.replace('grain: hypercall', 'grain: extents:0'),
      'must be hypercall, extents:N, sections or request',
    ],
    [
      test.replace('task: "1"', 'task: "2"'),
      '"2" is of a step that the block does not have: its steps are "0" to "1"',
    ],
    [test.replace('task: "1"', 'task: 1'), 'must be a task in quotes'],
    [test.replace('task: "1"', 'task: one'), 'must be a task: "0" for the first step'],
    [test.replace(/times: \d+/, 'times: 0'), 'must be 1 or more'],
    [test.replace(/times: \d+/, 'times: 99999999'), '10000000 choices at most'],
    [test.replace('    parallel:', '    repeat: 1\n    steps:'), '"order" goes with "parallel"'],
    [NESTED, '"order" is for blocks among the scenario\'s own steps'],
  ])('is refused at its place by what is wrong with it (%#)', (wrong, told) => {
    const read = parseScenario(wrong, 'x');
    const problem = read.ok ? undefined : read.problems.find(({ message }) => message.includes(told));
    expect(read.ok ? [] : read.problems.map((p) => p.message).join('\n')).toContain(told);
    expect(problem!.line).toBeGreaterThan(8);
  });
});

describe('a step that is expected to be refused', () => {
  const stepsOf = (...steps: string[]): string[] =>
    failuresOf(
      `host: { memory: 1G, dom0: 512M }\nguests: { a: { memory: 64 } }\nsteps:\n${steps.map((step) => `  - ${step}\n`).join('')}`,
    );

  it('passes where it is, and what else is expected is looked at, in any order of a block', () => {
    const gone = '{ guest: a crash, expect: { refused: { contains: no guest }, host: { domains: 1 } } }';
    const block = `{ parallel: [${gone}], expect: { failed: 1, succeeded: 0 } }`;
    expect(stepsOf(gone, block, `{ repeat: 300, steps: [${gone}] }`)).toEqual([]);
    expect(stepsOf(gone.replace('domains: 1', 'domains: 2'))).toEqual(['4: a crash: host.domains: 1']);
  });

  it('fails where it can be done, or is refused for something else', () => {
    const claim = '{ run: xlsim claim 0 lots, expect: { refused: { contains: a size } } }';
    expect(stepsOf(claim)).toEqual([]);
    expect(stepsOf(claim.replace('lots', '1M'))).toContain('4: xlsim claim 0 1M: refused: it could be done');
    expect(stepsOf(claim.replace('a size', 'a domain'))).toEqual([
      expect.stringContaining('4: xlsim claim 0 lots: refused: claim takes a size'),
    ]);
    expect(stepsOf('{ guest: a crash, expect: { exit: ">= 0" } }')).toEqual([
      '4: a crash: guest: there is no guest "a" on the host',
    ]);
  });
});
