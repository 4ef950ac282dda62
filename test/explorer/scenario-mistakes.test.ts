/** Everything that is wrong with a scenario file is told in one run, and nothing that only follows from it. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseScenario } from '../../src/explorer/scenario-file.ts';
import { parseTranscript } from '../../src/explorer/transcript.ts';

const told = (text: string, refusal?: (file: { path: string }) => string | null): string[] => {
  const read = parseScenario(text, 'test.xlsim.yaml', refusal);
  return read.ok ? [] : read.problems.map((p) => `${p.line}:${p.column}: ${p.message}`);
};

/** Lines of a scenario without mistakes, and what each may become: of shape and of value. */
const LINES: readonly (readonly [string, ...string[]])[] = [
  [
    'host: { memory: 8G, dom0: 1G }',
    'host: { memory: lots, dom0: 1G }',
    'host: { memory: 8G, dom0: 1G, ram: 2 }',
  ],
  ['hosts: { b: { memory: 4G, dom0: 1G } }', 'hosts: { b: { memory: 4G, dom0: 9G } }', 'hosts: [b]'],
  ['costs: { claim: 3us }', 'costs: { clam: 3us, clain: 1 }', 'costs: { claim: x }'],
  ['guests:'],
  ['  a: { type: pv, memory: 64 }', '  a: { type: pv, memory: 64M, maxmem: 1G }', '  a: 7'],
  ['  b: { type: pv, memory: 64 }', '  b: { cfg: [] }', '  b: { "b-c": 1 }'],
  ['steps:'],
  [
    '  - xl create a',
    '  - create a',
    '  - 7',
    '  - { run: xl create a, times: 3, att: 5 }',
    '  - { rum: xl create a }',
  ],
  [
    '  - { guest: a shutdown }',
    '  - { guest: a sing }',
    '  - { guest: [a] }',
    '  - { guest: a shutdown, wait: 3s }',
  ],
  [
    '  - { hypercall: XENMEM_claim_pages, args: { domid: a, nr_extents: 3 } }',
    '  - { hypercall: XENMEM_claim_pages, args: { domid: [], nr_extent: 3 } }',
    '  - { hypercall: XENMEM_claim_pages, args: 3 }',
    '  - { hypercall: XENMEM_claim_pages }',
  ],
  ['  - parallel:'],
  [
    '      - { run: xl list, at: 1s }',
    '      - { run: xl list, at: 1 }',
    '      - { run: list, expect: { ext: 1 } }',
  ],
  ['      - { run: xl list, host: b }', '      - { run: xl list, host: c }', '      - [xl list]'],
  [
    '    expect: { running: [a] }',
    '    expect: { running: [q] }',
    '    expect: { runing: [a] }',
    '    expect: 5',
  ],
  [
    '  - set: { hold: { as: h, size: 1G } }',
    '  - set: { hold: { as: h } }',
    '  - set: { fragment: { order: 3 } }',
    '  - set: {}',
  ],
  [
    '  - { repeat: 2, steps: [xl list] }',
    '  - { repeat: 2, steps: [list, xl list | wc] }',
    '  - { repeat: { n: 2 }, steps: [xl list] }',
  ],
  [
    '  - { run: xl list, expect: { stdout: { matches: a } } }',
    '  - { run: xl list, expect: { stdout: { matches: "(" } } }',
    '  - { run: xl list, expect: { rc: -ENOMEN, free: 3, mem: 4 } }',
  ],
  ['twins:'],
  [
    '  - { name: t, xlconf: { claim_mode: 0 }, fails: [xl create a] }',
    '  - { xlconf: { claim_mode: 0 }, fails: [] }',
    '  - { name: t, costs: { extent_4k: x }, fails: [xl create a] }',
  ],
];

describe('what is wrong with a scenario file', () => {
  it('is told all together as it is told one by one', () => {
    const choice = fc.tuple(...LINES.map((forms) => fc.nat({ max: forms.length - 1 })));
    const text = (picks: readonly number[]): string =>
      LINES.map((forms, i) => `${forms[picks[i]!]}\n`).join('');
    // Each mistake in a file that is right otherwise.
    const alone = LINES.map((forms, i) =>
      forms.map((_, pick) => told(text(LINES.map((__, j) => (i === j ? pick : 0))))),
    );
    fc.assert(
      fc.property(choice, (picks) => {
        const oneByOne = picks.flatMap((pick, i) => alone[i]![pick]!);
        const together = told(text(picks));
        for (const message of together) expect(oneByOne).toContain(message);
        // A name that one mistake takes away is missed elsewhere only while it is there.
        const hidden = oneByOne.filter((message) => !together.includes(message));
        for (const message of hidden)
          expect(message).toMatch(/there is no host|nothing in this scenario is called|no step is called/);
      }),
      { numRuns: 300 },
    );
  });

  it.each([
    ['steps:\n', '1:7: steps must be a list; it is null'],
    ['steps: { run: xl list }\n', '1:8: steps must be a list; it is {"run":"xl list"}'],
    ['steps: []\n', '1:8: steps must have a step at least; it is []'],
    ['host: { memory: 4G }\n', '1:1: "steps" is missing'],
    ['host: { dom0: {} }\nsteps: [xl list]\n', '1:15: host.dom0 must be text, a number or auto; it is {}'],
  ])('is told in one sentence: %j', (text, message) => {
    expect(told(text)).toEqual([message]);
  });

  it('comes in the order of the text, shape beside value', () => {
    const text = `host: { memory: 8G, ram: 3 }
steps:
  - list
  - { run: xl list, expct: 1 }
  - { guest: a sing }
  - expect: { host: { free: lots } }
`;
    expect(told(text).map((line) => line.replace(/:\d+: .*/, ''))).toEqual(['1', '3', '4', '5', '6']);
  });

  it('says nothing of the inside of what has the wrong shape', () => {
    expect(told('steps: [{ reapeat: 2, steps: [list, crate] }]')).toEqual([
      '1:11: unknown key "reapeat": did you mean "repeat"?',
    ]);
  });

  it('names every unknown key of a mapping', () => {
    expect(told('steps: [{ run: xl list, aa: 1, bb: 2, cc: 3 }]')).toHaveLength(3);
  });

  it('does not miss guests whose key is misspelt', () => {
    expect(told('gusts: { a: { memory: 64 } }\nsteps: [xl create a, { expect: { running: [a] } }]')).toEqual([
      '1:1: unknown key "gusts": did you mean "guests"?',
    ]);
  });

  it('goes on after a key that is given twice', () => {
    expect(told('host: { seed: 1, seed: 2 }\nsteps: [list]')).toEqual([
      '1:18: this key was given before: a mapping names each key once',
      expect.stringContaining('2:9: a command line begins with xl'),
    ]);
  });

  it('tells of files outside of the folder beside the rest, once where a twin takes them over', () => {
    const text = `guests: { a: { cfg: ../a.cfg } }
steps: [list]
twins: [{ name: t, xlconf: { claim_mode: 0 }, fails: [list] }]
`;
    expect(told(text, ({ path }) => `${path} is far away`)).toEqual([
      '1:14: ../a.cfg is far away',
      expect.stringContaining('2:9: a command line begins with xl'),
    ]);
  });

  it('takes a list for no mapping', () => {
    expect(told('host: []\nsteps: [xl list]')).toEqual([
      '1:7: host must be a mapping of keys to values; it is []',
    ]);
  });

  it('ends after a hundred', () => {
    const keys = Array.from({ length: 300 }, (_, i) => `k${i}: 1`).join(', ');
    const problems = told(`steps: [{ run: xl list, ${keys} }, list]`);
    expect(problems.length).toBeLessThanOrEqual(101);
  });

  it('stands at its place in the header of a transcript', () => {
    const read = parseTranscript('prose\n# host: { memory: 8G, ram: 3 }\n$ list\n$ xl list\n', 't.xlsim.t');
    expect(read.ok ? [] : read.problems.map((p) => `${p.line}:${p.column}: ${p.message}`)).toEqual([
      expect.stringMatching(/^2:23: unknown key "ram"/),
      '3:3: a command line begins with xl',
    ]);
  });
});

describe('what a twin says must fail', () => {
  const withFails = (fails: string, steps: string): string[] =>
    told(`steps: ${steps}\ntwins: [{ name: t, xlconf: { claim_mode: 0 }, fails: [${fails}] }]\n`);

  it('must be a step that it has', () => {
    expect(withFails('"step 1"', '[{ parallel: [xl list] }]')).toEqual([
      '2:55: no step is called "step 1": did you mean "step 1 (parallel)"?',
    ]);
    expect(withFails('"xl lst: exit"', '[xl list, { wait: 1s }]')).toEqual([
      '2:55: no step is called "xl lst: exit": its steps are xl list, step 2 (wait)',
    ]);
  });

  it('may be any copy of a step that is counted, and any of its expectations', () => {
    const steps = '[{ parallel: [{ name: "vm{i}", times: 3, run: xl list }], expect: { failed: 0 } }]';
    expect(withFails('vm2, "vm3: exit", "step 1 (parallel): failed"', steps)).toEqual([]);
  });

  it('is not judged where a step is wrong, for its name may be', () => {
    expect(withFails('frist', '[{ nane: frist, run: xl list }]')).toHaveLength(1);
  });
});

describe('a step without a name', () => {
  const labels = (steps: string): readonly string[] => {
    const read = parseScenario(`steps: ${steps}`, 'test.xlsim.yaml');
    const block = read.ok ? read.value.stage.steps[0] : undefined;
    return block?.action.do === 'parallel' ? block.action.steps.map(({ label }) => label) : [];
  };

  it('is called what it does beside others, so that they can be told apart', () => {
    const lanes = [
      '{ repeat: 3, steps: [xl create vm] }',
      '{ repeat: 2, steps: [xl create w, { wait: 1s }] }',
      '{ repeat: 2, steps: [{ repeat: 4, steps: [xl list] }] }',
      '{ parallel: [xl list, { run: xl info, times: 3 }] }',
      '{ repeat: 2, steps: ["xl mem-set a {i}00"] }',
      '{ wait: idle }',
    ];
    expect(labels(`[{ parallel: [${lanes.join(', ')}] }]`)).toEqual([
      '3 x xl create vm',
      '2 x (xl create w; wait 1 s)',
      '2 x (4 x xl list)',
      'xl list | 3 x xl info',
      '2 x xl mem-set a <i>00',
      'wait idle',
    ]);
  });
});

describe('a key that xl would let pass', () => {
  it('is told where it is nearly one that xl reads; a text is what it is', () => {
    expect(
      told('guests: { a: { type: pv, memory: 64, vcpu: 2, maxmen: 128, our_own: 1 } }\nsteps: [xl create a]'),
    ).toEqual([
      '1:38: xl reads no key "vcpu": did you mean "vcpus"?',
      '1:47: xl reads no key "maxmen": did you mean "maxmem"?',
    ]);
    expect(told('guests: { a: "vcpu = 2" }\nsteps: [xl create a]')).toEqual([]);
  });

  it('is told of xl.conf, wherever that is', () => {
    const text = `xlconf: { claim_mod: 1 }
hosts: { b: { memory: 4G, dom0: 1G, xlconf: { autobaloon: "on" } } }
steps: [{ set: { xlconf: { lock: a } } }]
`;
    expect(told(text)).toEqual([
      '1:11: xl.conf has no key "claim_mod": did you mean "claim_mode"?',
      '2:47: xl.conf has no key "autobaloon": did you mean "autoballoon"?',
      expect.stringMatching(/^3:28: xl\.conf has no key "lock": its keys are autoballoon, /),
    ]);
  });
});

describe('an expectation of a step in which nothing happens', () => {
  it('cannot be of the time it takes', () => {
    expect(told('steps: [xl list, { expect: { time: { step: "< 1s" } } }]')).toEqual([
      '1:44: nothing takes time here: expect it of the step that does, or "now"',
    ]);
  });
});

describe('an amount that is too large', () => {
  it.each([
    ['steps: [{ wait: 300000h }]', 'a duration of at most 2501h'],
    ['steps: [{ run: xl list, at: 2502h }]', 'must be a duration of at most 2501h; it is "2502h"'],
    ['steps: [{ run: xl list, settle: 300000h }]', 'a duration of at most 2501h'],
    ['steps: [{ run: xl list, expect: { time: { step: "< 300000h" } } }]', 'a duration of at most 2501h'],
    ['costs: { hypercall: 300000h }\nsteps: [xl list]', 'a duration of at most 2501h'],
    ['host: { memory: 99999999T }\nsteps: [xl list]', 'a size of at most 33554431T; it is "99999999T"'],
    ['steps: [{ run: xl list, expect: { host: { free: "1..99999999T" } } }]', 'a size of at most 33554431T'],
    ['steps: [{ guest: a balloon-to 99999999T }]', 'a size of at most 33554431T'],
    ['steps: [{ guest: a touch 1G from 99999999T }]', 'a size of at most 33554431T'],
    ['guests: { a: { memory: 999999999999999999999 } }\nsteps: [xl list]', 'memory is too large: a whole'],
    ['guests: { a: { memory: "99999999999999999999" } }\nsteps: [xl list]', 'memory is too large: a whole'],
    ['guests: { a: { memory: 99999999T } }\nsteps: [xl list]', 'memory is a size of at most 33554431T'],
  ])('is told as that, with the limit, in %s', (text, message) => {
    expect(told(text)).toEqual([expect.stringContaining(message)]);
  });

  it('is one above the limit, and no other', () => {
    expect(told('steps: [{ wait: 2501h }]')).toEqual([]);
    expect(told('steps: [{ guest: a touch 33554431T }]')).toEqual([]);
    expect(told('guests: { a: { memory: 9007199254740991 } }\nsteps: [xl list]')).toEqual([]);
    expect(told('steps: [{ wait: 5 fortnights }]')).toEqual([expect.stringContaining('such as 250us, 2s')]);
  });
});
