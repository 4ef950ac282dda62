/** Scenario files: what is read, and what is said of what cannot be. */
import { describe, expect, it } from 'vitest';
import type { Scenario } from '../../src/explorer/scenario.ts';
import { parseScenario } from '../../src/explorer/scenario-file.ts';
import { parseTranscript } from '../../src/explorer/transcript.ts';

function problems(text: string): string[] {
  const result = parseScenario(text, 'test.xlsim.yaml');
  return result.ok ? [] : result.problems.map((p) => `${p.line}:${p.column}: ${p.message}`);
}

function read(text: string): Scenario {
  const result = parseScenario(text, 'test.xlsim.yaml');
  if (!result.ok) throw new Error(result.problems.map((p) => p.message).join('; '));
  return result.value;
}

describe('a scenario file', () => {
  it('takes its name from the file, and the default host where none is described', () => {
    const scenario = read('steps: [xl list]');
    expect(scenario.name).toBe('test');
    expect(scenario.stage.host).toMatchObject({ memoryPages: 16777216, dom0Pages: 1048576, xen: '4.22' });
  });

  it('gives a guest the text of an xl.cfg, with its name and something to boot', () => {
    const { guests } = read(
      'guests: { a: { type: pvh, memory: 64, disk: ["x,y", 7] } }\nsteps: [xl list]',
    ).stage;
    expect(guests.get('a')?.text).toBe(
      'name = "a"\nkernel = "/boot/vmlinuz"\ntype = "pvh"\nmemory = 64\ndisk = [ "x,y", "7" ]\n',
    );
  });

  it('says where every mistake is and what was meant', () => {
    const text = `host: { memory: 64G, dom: 4G }
steps:
  - run: xl create a
    expct: { exit: 0 }
  - expect: { host: { free: lots } }
`;
    expect(problems(text)).toEqual([
      '1:22: unknown key "dom": did you mean "dom0"?',
      '4:5: unknown key "expct": did you mean "expect"?',
      expect.stringMatching(/^5:\d+: steps\[2\]\.expect\.host\.free must be a size such as 64G/),
    ]);
  });

  it.each([
    ['two actions', 'steps: [{ run: xl list, wait: 2s }]', 'a step does one thing: it has run and wait'],
    ['no action', 'steps: [{ name: x }]', 'a step does one of run, hypercall'],
    ['a shell', 'steps: ["xl list | wc"]', '"|" needs a shell'],
    ['another program', 'steps: [create a]', 'did you mean "xl create a"?'],
    ['an unknown hypercall', 'steps: [{ hypercall: claim_pages }]', 'did you mean "XENMEM_claim_pages"?'],
    [
      'an unknown argument',
      'steps: [{ hypercall: XENMEM_claim_pages, args: { domid: 1, nr_extent: 2 } }]',
      'did you mean "nr_extents"?',
    ],
    ['an unknown deed', 'steps: [{ guest: a baloon-to 1G }]', 'did you mean "balloon-to"?'],
    ['a profile without quotes', 'host: { xen: 4.20 }\nsteps: [xl list]', 'must be in quotes'],
    ['an unknown profile', 'host: { xen: "4.99" }\nsteps: [xl list]', 'unknown Xen profile "4.99"'],
    ['an unknown cost', 'costs: { clam: 3 }\nsteps: [xl list]', 'did you mean "claim"?'],
    [
      'a time outside of parallel',
      'steps: [{ run: xl list, at: 2s }]',
      '"at" is for steps of a parallel block',
    ],
    [
      'one output file for two steps',
      'steps: [{ run: xl list, output: a }, { run: xl list, output: a }]',
      'a already holds the output of the step at line 1',
    ],
    [
      'one output file under two names',
      'steps: [{ run: xl list, output: a }, { run: xl list, output: ./b/..//a }]',
      './b/..//a already holds the output of the step at line 1',
    ],
    [
      'an output that is a scenario',
      'steps: [{ run: xl list, output: a.xlsim.yaml }]',
      'a.xlsim.yaml is a scenario',
    ],
    [
      'a unit in an xl.cfg',
      'guests: { a: { memory: 2G } }\nsteps: [xl list]',
      'MiB without a unit here: 2048',
    ],
    ['a wait without a unit', 'steps: [{ wait: 5 }]', 'must be a duration such as 250us, 2s or 3m, or idle'],
    [
      'a bound without quotes',
      'steps:\n  - expect:\n      host:\n        free: > 8G\n',
      '4:17: YAML: Not a YAML token: 8G (a bound stands in quotes: "> 8G")',
    ],
    [
      'one output file for every round',
      'steps: [{ repeat: 2, steps: [{ run: xl list, output: a }] }]',
      'a would hold the output of every round',
    ],
    [
      'an expectation of a domain that nothing makes',
      'guests: { big1: { memory: 64 } }\nsteps: [{ run: xl list, expect: { domains: { bgi1: absent } } }]',
      '2:46: nothing in this scenario is called "bgi1": did you mean "big1"?',
    ],
    [
      'the same among those that run',
      'guests: { big1: { memory: 64 } }\nsteps: [{ parallel: [{ run: xl list, expect: { running: [big1, bug1] } }] }]',
      '2:64: nothing in this scenario is called "bug1": did you mean "big1"?',
    ],
    [
      'a node that is not there',
      'steps: [{ run: xl list, node: 1 }]',
      'the host has no node 1: its nodes are 0 to 0',
    ],
    [
      'a node of a wait',
      'host: { nodes: 2 }\nsteps: [{ wait: 2s, node: 1 }]',
      '2:27: "node" goes with "run", "hypercall"',
    ],
    [
      'a refusal of what is never refused',
      'steps: [{ wait: 2s, expect: { refused: x } }]',
      '1:29: "refused" is of "run", "hypercall", "guest", "set": no other step can be',
    ],
    [
      'a guest that is a number',
      'guests: { a: 7 }\nsteps: [xl list]',
      'keys and values of an xl.cfg, or its text',
    ],
  ])('refuses %s', (_what, text, message) => {
    expect(problems(text).join('\n')).toContain(message);
  });
});

describe('names that are expected', () => {
  it.each([
    ['of a guest', 'domains: { a: absent }', 'xl list'],
    ['of a line', 'domains: { b7: absent }', `xl create a 'name="b7"'`],
    ['of a count', 'domains: { b12: absent }', `xl create a 'name="b{i}"'`],
    ['of a rename', 'running: [c]', 'xl rename a c'],
    ['of dom0', 'domains: { Domain-0: running, 0: present }', 'xl list'],
    ['on their way', 'domains: { a--incoming: absent }', 'xl list'],
    ['that a file may give', 'domains: { anybody: absent }', 'xl create ../guests/x.cfg'],
  ])('may be those %s', (_what, expected, line) => {
    const text = `guests: { a: { memory: 64 } }\nsteps:\n  - run: ${line}\n    expect: { ${expected} }\n`;
    expect(problems(text)).toEqual([]);
  });
});

describe('node', () => {
  it('of a block is that of its steps, but for those that say otherwise', () => {
    const { steps } = read(
      'host: { nodes: 4 }\nsteps: [{ parallel: [xl list, { run: xl info, node: 0 }, { repeat: 1, steps: [xl list] }], node: 3 }]',
    ).stage;
    const block = steps[0]!.action;
    const inner = block.do === 'parallel' ? block.steps : [];
    const again = inner[2]!.action;
    expect(inner.map((step) => step.node)).toEqual([3, 0, 3]);
    expect(again.do === 'repeat' && again.steps[0]!.node).toBe(3);
  });
});

describe('a hostile document', () => {
  const bomb = ['a: &a [1,1,1,1,1,1,1,1,1,1]'];
  for (const [from, to] of ['ab', 'bc', 'cd', 'de', 'ef'])
    bomb.push(`${to}: &${to} [${`*${from},`.repeat(9)}*${from}]`);

  it.each([
    ['a cycle of anchors', 'a: &a [*a]', '*a contains itself'],
    ['aliases that explode', bomb.join('\n'), 'once its aliases are written out'],
    ['brackets without end', `steps: ${'['.repeat(100_000)}`, 'nested too deeply'],
    ['dashes without end', '- '.repeat(100_000), 'nested too deeply'],
    ['a duplicate key', 'a: 1\na: 2', '2:1: this key was given before'],
    ['a tab', 'host:\n\tmemory: 1G', '2:1: a tab cannot indent'],
    ['five million characters', 'x'.repeat(5_000_000), 'is larger than 4 MiB'],
    ['two documents', 'a: 1\n---\nb: 2', 'a second one starts here'],
    ['nothing', '', 'is empty'],
    ['a list', '- xl list', 'a scenario is a mapping'],
  ])('answers %s', (_what, text, message) => {
    expect(problems(text).join('\n')).toContain(message);
  });
});

describe('a transcript', () => {
  it('has a step for every command, with the lines below it and the exit code at their end', () => {
    const result = parseTranscript(
      '# host: { memory: 8G, dom0: 1G }\n\n  $ xl list\n  Name\n  $ xl domid x\n  [1]\n',
      't',
    );
    expect(result.ok && result.value.stage.steps.map((s) => [s.label, s.transcript])).toEqual([
      ['xl list', { lines: ['Name'], exit: 0, from: 4, to: 5, column: 3 }],
      ['xl domid x', { lines: [], exit: 1, from: 6, to: 7, column: 3 }],
    ]);
    expect(result.ok && result.value.stage.host.memoryPages).toBe(2097152);
  });

  it.each([
    ['# hots: { memory: 8G }', 'unknown key "hots": did you mean "host"?'],
    ['# hosts: { b: { memory: 8G } }', 'unknown key "hosts": a transcript sets host, xlconf, guests'],
  ])('does not take a stage for prose: %s', (line, message) => {
    const result = parseTranscript(`${line}\n\n  $ xl list\n`, 't');
    expect(result.ok ? [] : result.problems).toEqual([{ line: 1, column: 3, message }]);
    expect(parseTranscript('# A word: a braced {word} in it\n\n  $ xl list\n', 't').ok).toBe(true);
  });

  it('is refused when nothing is run in it', () => {
    expect(parseTranscript('hello\n', 't').ok).toBe(false);
  });
});
