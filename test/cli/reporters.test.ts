/** Reporters: what CI systems read. */

import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { XMLParser, XMLValidator } from 'fast-xml-parser';
import { describe, expect, it } from 'vitest';
import { parse as parseYaml } from 'yaml';
import { blobOf, mergeReports } from '../../src/cli/merge-reports.ts';
import { paint } from '../../src/cli/paint.ts';
import { planOutputs } from '../../src/cli/replay-output.ts';
import { REPORTERS } from '../../src/cli/reporters/all.ts';
import { shellLine } from '../../src/cli/shell-words.ts';
import {
  exitCodeOf,
  type Failure,
  type ReplayReport,
  type ScenarioResult,
} from '../../src/explorer/result-record.ts';

const failure: Failure = {
  step: 'second',
  what: 'exit',
  line: 12,
  column: 5,
  expected: '3',
  got: '0 <&"\u0001',
  at: 3_000_000,
  tables: 'Memory/MiB\n',
  held: ['d1 claims 4 GiB'],
  events: ['+1 ms  big1: starts'],
};
const result = (name: string, change: Partial<ScenarioResult> = {}): ScenarioResult => ({
  name,
  kind: 'scenario',
  verdict: 'passed',
  failures: [],
  mustFail: [],
  failedAsStated: [],
  hung: [],
  steps: 2,
  ns: 1_500_000_000,
  seed: 1,
  ...change,
});
const report: ReplayReport = {
  schema: 'xlsim/replay/1',
  version: '0.1.0',
  seed: 1,
  shard: { index: 1, of: 1 },
  options: {},
  planned: ['a', 'b', 'c'].map((n) => ({ file: `${n}.xlsim.yaml`, hash: n })),
  files: [
    {
      file: 'a.xlsim.yaml',
      hash: 'a',
      problems: [],
      results: [result('good'), result('not now', { verdict: 'skipped' })],
    },
    {
      file: 'b.xlsim.yaml',
      hash: 'b',
      problems: [],
      results: [
        result('bad # 1', { verdict: 'failed', failures: [failure] }),
        result('endless', { verdict: 'hung', hung: ['nothing more can happen', 'task 7 waits'] }),
      ],
    },
    {
      file: 'c.xlsim.yaml',
      hash: 'c',
      problems: [{ line: 2, column: 3, message: 'unknown key "x"' }],
      results: [],
    },
  ],
  updated: [],
};
const context = {
  paint: paint(false),
  again: (file: string) => shellLine(['xlsim', 'replay', file, '--seed', '1']),
  inWorkspace: (file: string) => file,
};
const text = (name: string, of = report): string => REPORTERS[name]!(of, context);

describe('the default reporter', () => {
  const shown = (results: readonly ScenarioResult[]): string =>
    REPORTERS.default!(
      { ...report, files: [{ file: 'a.xlsim.yaml', hash: 'a', problems: [], results }] },
      { ...context, again: (file) => file },
    );

  it('says of a twin that it fails elsewhere, too', () => {
    const twin = result('bad / twin', { kind: 'twin', verdict: 'failed', failedAsStated: [failure] });
    const missing = { ...failure, what: 'twin' };
    const named = 'fails as stated at 1 expectation';
    expect(shown([{ ...twin, failures: [failure, missing] }])).toContain(
      `${named}, and at 1 that its "fails" does not name\n`,
    );
    expect(shown([{ ...twin, failures: [missing] }])).toContain(`${named}\n`);
  });

  it('shows the tables of one moment once, whichever steps end then', () => {
    const failures = [failure, { ...failure, step: 'block' }, { ...failure, step: 'late', at: 4_000_000 }];
    const text = shown([result('bad', { verdict: 'failed', failures })]);
    expect(text.split('Memory/MiB').length - 1).toBe(2);
  });
});

describe('junit', () => {
  it('is well-formed XML whatever is in the texts', () => {
    expect(XMLValidator.validate(text('junit'))).toBe(true);
  });

  it('counts as its suites do, with a seed and a time of the virtual clock', () => {
    const parser = new XMLParser({
      ignoreAttributes: false,
      isArray: (name) => ['testsuite', 'testcase'].includes(name),
    });
    const { testsuites } = parser.parse(text('junit'));
    expect(testsuites).toMatchObject({
      '@_tests': '5',
      '@_failures': '1',
      '@_errors': '2',
    });
    const cases = testsuites.testsuite.flatMap((s: { testcase: unknown[] }) => s.testcase);
    expect(cases).toHaveLength(5);
    expect(cases[0]).toMatchObject({ '@_name': 'good', '@_classname': 'a.xlsim.yaml', '@_time': '1.500000' });
    expect(cases[2].failure['@_message']).toContain('second: exit: expected 3, got 0');
    expect(testsuites.testsuite[0].properties.property[0]).toEqual({ '@_name': 'seed', '@_value': '1' });
  });
});

/** What people put into names, and what a guest prints: escapes, ends of sections, directives, half a surrogate. */
const HOSTILE = ']]>\u001b[31m\u0000"<&\'\r\n::error::%0A # TODO\u202e\ud800\uffff';
const hostile: ReplayReport = {
  ...report,
  planned: [],
  updated: [HOSTILE],
  files: [
    {
      file: `${HOSTILE}.xlsim.yaml`,
      hash: 'h',
      problems: [],
      results: [
        result(HOSTILE),
        result(HOSTILE, { verdict: 'skipped' }),
        result(HOSTILE, { verdict: 'hung', hung: [HOSTILE, HOSTILE] }),
        result(HOSTILE, {
          verdict: 'failed',
          failures: [
            {
              ...failure,
              step: HOSTILE,
              what: HOSTILE,
              expected: HOSTILE,
              got: HOSTILE,
              tables: HOSTILE,
              held: [HOSTILE],
              events: [HOSTILE],
            },
          ],
        }),
        result(HOSTILE, {
          kind: 'twin',
          mustFail: [HOSTILE],
          failedAsStated: [{ ...failure, step: HOSTILE }],
        }),
      ],
    },
    { file: HOSTILE, hash: 'i', problems: [{ line: 1, column: 1, message: HOSTILE }], results: [] },
  ],
};

describe('every reporter', () => {
  it.each(Object.keys(REPORTERS))('%s lets nothing through that could move a cursor', (name) => {
    const unsafe = /[\p{Cc}\u202e\p{Surrogate}]/gu;
    const found = [...text(name, hostile).matchAll(unsafe)].filter(([c]) => c !== '\n' && c !== '\t');
    expect(found.map(([c]) => JSON.stringify(c))).toEqual([]);
  });

  it('keeps a name from starting lines, points or commands of its own', () => {
    const points = text('tap', hostile)
      .split('\n')
      .filter((line) => /^(not )?ok /.test(line));
    expect(points).toHaveLength(6);
    expect(points.filter((line) => / # TODO/.test(line))).toEqual([]);
    const commands = text('github', hostile).trimEnd().split('\n');
    expect(commands.every((line) => line.startsWith('::error file='))).toBe(true);
    expect(text('dot', hostile).split('\n')[0]).toBe('.-HF.E');
  });

  it('writes XML that holds', () => {
    const xml = text('junit', hostile);
    expect(XMLValidator.validate(xml)).toBe(true);
    expect(xml).not.toContain(']]>');
    expect(formErrors(parse(xml), ['testsuites'])).toEqual([]);
  });
});

/** The form that Jenkins' xUnit plugin demands (junit-10.xsd), as far as elements of ours go. */
const JUNIT_FORM: Readonly<
  Record<string, { readonly needs: string[]; readonly may: string[]; readonly inside: string[] }>
> = {
  testsuites: { needs: [], may: ['name', 'time', 'tests', 'failures', 'errors'], inside: ['testsuite'] },
  testsuite: {
    needs: ['name', 'tests', 'failures', 'errors'],
    may: ['time', 'skipped', 'timestamp', 'hostname', 'id', 'package', 'file', 'log', 'url', 'group'],
    inside: ['testsuite', 'properties', 'testcase', 'system-out', 'system-err'],
  },
  properties: { needs: [], may: [], inside: ['property'] },
  property: { needs: ['name', 'value'], may: [], inside: [] },
  testcase: {
    needs: ['name'],
    may: ['time', 'classname', 'group'],
    inside: ['skipped', 'error', 'failure', 'system-out', 'system-err'],
  },
  skipped: { needs: [], may: ['type', 'message'], inside: ['#text'] },
  error: { needs: [], may: ['type', 'message'], inside: ['#text'] },
  failure: { needs: [], may: ['type', 'message'], inside: ['#text'] },
};
const SUREFIRE_TIME = /^(([0-9]{0,3},)*[0-9]{3}|[0-9]{0,3})*(\.[0-9]*)?$/;

interface XmlNode {
  readonly ':@'?: Readonly<Record<string, string>>;
  readonly [tag: string]: unknown;
}

/** Everything in `nodes` that the form does not allow. */
function formErrors(nodes: readonly XmlNode[], allowed: readonly string[]): string[] {
  return nodes.flatMap((node) => {
    const tag = Object.keys(node).find((key) => key !== ':@') ?? '';
    if (!allowed.includes(tag)) return [`${tag} is not allowed here`];
    const form = JUNIT_FORM[tag];
    if (form === undefined) return [];
    const attributes = Object.entries(node[':@'] ?? {}).map(([key, value]) => [key.slice(2), value] as const);
    const names = attributes.map(([name]) => name);
    return [
      ...form.needs.filter((name) => !names.includes(name)).map((name) => `${tag} lacks ${name}`),
      ...names
        .filter((name) => ![...form.needs, ...form.may].includes(name))
        .map((name) => `${tag} has ${name}`),
      ...attributes
        .filter(([name, value]) => name === 'time' && !SUREFIRE_TIME.test(value))
        .map(([, value]) => `${value} is no time`),
      ...formErrors(node[tag] as readonly XmlNode[], form.inside),
    ];
  });
}

const parse = (xml: string): XmlNode[] =>
  new XMLParser({ preserveOrder: true, ignoreAttributes: false, ignoreDeclaration: true }).parse(xml);

describe('junit and the schema of its readers', () => {
  it('agree on every element and attribute', () => {
    expect(formErrors(parse(text('junit')), ['testsuites'])).toEqual([]);
  });

  it.each([
    [
      'an element out of place',
      '<testsuites><testcase name="t"/></testsuites>',
      'testcase is not allowed here',
    ],
    [
      'a missing attribute',
      '<testsuites><testsuite name="a" tests="1" failures="0"/></testsuites>',
      'lacks errors',
    ],
    ['an unknown attribute', '<testsuites skipped="1"/>', 'testsuites has skipped'],
    ['a strange time', '<testsuites time="1.2.3"/>', '1.2.3 is no time'],
  ])('would not agree on %s', (_what, xml, message) => {
    expect(formErrors(parse(xml), ['testsuites']).join()).toContain(message);
  });
});

describe('tap', () => {
  it('has a plan, a line for each, and keeps # out of names', () => {
    const lines = text('tap').split('\n');
    expect(lines.slice(0, 5)).toEqual([
      'TAP version 14',
      '1..5',
      '# seed 1',
      'ok 1 - a.xlsim.yaml: good',
      'ok 2 - a.xlsim.yaml: not now # SKIP not selected',
    ]);
    expect(lines).toContain('not ok 3 - b.xlsim.yaml: bad \\# 1');
  });
});

describe('tap diagnostics', () => {
  /** The YAML blocks, as a harness takes them: from one mark to the other. */
  const blocks = (tap: string): unknown[] =>
    [...tap.matchAll(/^ {2}---\n((?:.*\n)*?) {2}\.\.\.\n/gm)].map(([, yaml]) => parseYaml(yaml!));

  it('are YAML that says what failed, whatever is in the texts', () => {
    const nasty = { ...failure, expected: 'a\n...\n  ...\n---\nb', got: '\u001b[31m %\r#', step: '- x: "y"' };
    const results = [result('bad', { verdict: 'failed', failures: [nasty] })];
    const [invalid, failed] = blocks(
      text('tap', { ...report, files: [report.files[2]!, { ...report.files[0]!, results }] }),
    );
    expect(invalid).toEqual({ problems: ['c.xlsim.yaml:2:3: unknown key "x"'] });
    const { step, what, expected, got, held, events } = nasty;
    const at = 'a.xlsim.yaml:12:5';
    const said = { at, step, what, expected, got, virtual_ns: nasty.at, held, events };
    expect(failed).toEqual({ verdict: 'failed', seed: 1, hung: [], failures: [said] });
  });
});

describe('a run that --bail ended', () => {
  const bailed = { ...report, files: report.files.slice(0, 1) };

  it('says how many files it did not play, to people and to programs', () => {
    const left = '2 files were not played after the first failure (--bail)';
    for (const name of ['default', 'dot']) expect(text(name, bailed)).toContain(`\n${left}\n`);
    expect(text('tap', bailed)).toMatch(/\nBail out! 2 files were not played [^\n]*\n$/);
    expect(text('github', bailed)).toContain(`::warning title=xlsim replay::${left}\n`);
    expect(text('default', { ...bailed, shard: { index: 1, of: 3 } })).not.toContain('not played');
    for (const name of ['default', 'dot', 'tap', 'github']) expect(text(name)).not.toContain('not played');
  });
});

describe('--output-file', () => {
  const plan = (reporters: string[], files: string[]) => planOutputs(tmpdir(), reporters, files);
  const here = (name: string): string => join(tmpdir(), name);

  it('is for the last reporter, or for the one it names', () => {
    expect(plan(['default', 'junit'], ['a'])).toEqual([
      { reporter: 'default', path: null },
      { reporter: 'junit', path: here('a') },
    ]);
    expect(plan(['json', 'junit'], ['json=a', 'b=c'])).toEqual([
      { reporter: 'json', path: here('a') },
      { reporter: 'junit', path: here('b=c') },
    ]);
  });

  it.each([
    [
      'two reporters to one file',
      ['json', 'junit'],
      ['json=a', 'junit=./a'],
      'json writes to that file already',
    ],
    ['two files for one reporter', ['json', 'junit'], ['a', 'b'], 'junit has a file already'],
    ['a slip in the name', ['junit'], ['junti=a'], 'did you mean junit=a?'],

    ['a reporter that is not asked for', ['junit'], ['tap=a'], 'there is no --reporter tap'],
    ['a folder', ['junit'], ['.'], 'it is a folder'],
    ['a scenario', ['junit'], ['race.xlsim.yaml'], 'race.xlsim.yaml: cannot be written: it is a scenario'],
    ['a transcript', ['junit'], ['junit=session.xlsim.t'], 'it is a scenario'],
    ['two texts for programs in one', ['tap', 'default'], [], 'give tap a file, --output-file tap=FILE'],
  ] as const)('is refused before anything is played: %s', (_what, reporters, files, why) => {
    expect(plan([...reporters], [...files])).toContain(why);
  });

  it('is fine for two texts for people', () => {
    expect(plan(['default', 'github'], [])).toHaveLength(2);
  });
});

describe('github', () => {
  it('names files as the checkout does', () => {
    const from = { ...context, inWorkspace: (file: string) => `sub/${file}` };
    expect(REPORTERS.github!(report, from)).toContain('::error file=sub/b.xlsim.yaml,line=12');
  });

  it('names file, line and column, and escapes what would end a command', () => {
    expect(text('github')).toContain(
      '::error file=b.xlsim.yaml,line=12,col=5,title=bad # 1%3A second%3A exit%3A expected 3%2C got 0 <&"\\x01::',
    );
    expect(text('github').split('\n')[0]).toContain('invalid scenario::unknown key "x"');
  });

  it('shows nine of the worst and says how many were left out', () => {
    const many = Array.from({ length: 25 }, (_, i) =>
      result(`s${i}`, { verdict: 'failed', failures: [failure] }),
    );
    const files = [{ file: 'm', hash: 'm', problems: [], results: many }];
    const lines = text('github', { ...report, planned: [], files })
      .trimEnd()
      .split('\n');
    expect(lines).toHaveLength(10);
    expect(lines[9]).toContain('16 more failures are not shown');
  });
});

describe('default and dot', () => {
  it('show the tables, who held what, the events, and the command to see it again', () => {
    for (const name of ['default', 'dot']) {
      expect(text(name)).toContain('d1 claims 4 GiB');
      expect(text(name)).toContain('+1 ms  big1: starts');
      expect(text(name)).toContain('again: xlsim replay b.xlsim.yaml --seed 1');
    }
    expect(text('dot').split('\n')[0]).toBe('.-FHE');
  });
});

describe('exit codes', () => {
  it('are 2 for an invalid file, 1 for an expectation, 4 for a run without end, 0 else', () => {
    expect(exitCodeOf(report.files)).toBe(2);
    expect(exitCodeOf(report.files.slice(0, 2))).toBe(1);
    expect(exitCodeOf([{ ...report.files[1]!, results: [report.files[1]!.results[1]!] }])).toBe(4);
    expect(exitCodeOf(report.files.slice(0, 1))).toBe(0);
  });
});

describe('merge-reports', () => {
  const shard = (index: number): ReplayReport => ({
    ...report,
    shard: { index, of: 3 },
    files: report.files.slice(index - 1, index),
  });
  const blob = (r: ReplayReport): ReplayReport => blobOf(JSON.parse(text('blob', r)))!;
  const named = (...reports: ReplayReport[]) =>
    reports.map((r, i) => ({ name: `${i}.json`, report: blob(r) }));

  it('puts shards together as if they had been one run', () => {
    const merged = mergeReports(named(shard(3), shard(1), shard(2)), '0.1.0');
    expect(merged).toEqual({ ok: true, report });
  });

  it.each([
    ['a missing shard', named(shard(1), shard(3)), 'shard 2 of 3 is missing'],
    ['a shard twice', named(shard(1), shard(1), shard(2), shard(3)), 'are both shard 1'],
    ['another version', named(shard(1), shard(2), { ...shard(3), version: '0.0.9' }), 'is of version 0.0.9'],
    [
      'another file',
      named(shard(1), shard(2), { ...shard(3), planned: report.planned.map((f) => ({ ...f, hash: 'z' })) }),
      'was not the same file',
    ],
  ])('refuses %s', (_what, blobs, message) => {
    const merged = mergeReports(blobs, '0.1.0');
    expect(merged.ok ? '' : merged.problems.join('\n')).toContain(message);
  });

  it('takes nothing else for a blob', () => {
    expect([blobOf({}), blobOf('x'), blobOf(null)]).toEqual([null, null, null]);
  });
});
