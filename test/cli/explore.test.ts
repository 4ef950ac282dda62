/** `xlsim explore` and `xlsim replay --schedule` as users meet them. */
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Ajv } from 'ajv';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { exploreJsonSchema } from '../../src/cli/explore-json-schema.ts';
import { circle, givesBack, populates, smallRace } from '../explorer/explore-fixture.ts';
import { type BuiltCli, buildCli } from './built-cli.ts';

let cli: BuiltCli;
let safe: string;
let short: string;
beforeAll(async () => {
  cli = await buildCli();
  safe = cli.file('safe.xlsim.yaml', populates(12));
  short = cli.file('short.xlsim.yaml', populates(11));
  symlinkSync('one', join(cli.dir, 'link-to-one'));
});
afterAll(() => cli.remove());

const explore = (...args: string[]) => cli.call(['explore', ...args]);
/** The same as a process of its own, as users start it. */
const exploreApart = (...args: string[]) => cli.run(['explore', ...args]);
const read = (name: string): string => readFileSync(join(cli.dir, name), 'utf8');

describe('xlsim explore', () => {
  it('exits with 0 where nobody fails, 1 where a failure is found, 4 where nothing is known', async () => {
    expect(await exploreApart(safe)).toMatchObject({ exit: 0, stdout: expect.stringMatching(/^safe: /) });
    const refused = cli.file('refused.xlsim.yaml', populates(3, 3, 1));
    expect(await exploreApart(refused)).toMatchObject({
      exit: 0,
      stdout: expect.stringMatching(/^early refusal: /),
    });
    expect((await exploreApart(refused, '--forbid', 'early-refusal')).exit).toBe(1);
    expect(await exploreApart(short)).toMatchObject({
      exit: 1,
      stdout: expect.stringMatching(/^late failure: /),
    });
    expect((await exploreApart(safe, '--strategy', 'random', '--samples', '5')).exit).toBe(4);
  });

  it('prints the same twice, as text and as JSON that meets its schema', async () => {
    const [one, two] = [await explore(short), await exploreApart(short)];
    expect(one.stdout).toBe(two.stdout);
    const json = JSON.parse((await cli.run(['--json', 'explore', short])).stdout);
    const validate = new Ajv({ strict: false }).compile(exploreJsonSchema());
    expect([validate(json), validate.errors]).toEqual([true, null]);
    expect(JSON.parse((await cli.call(['schema', 'explore'])).stdout)).toEqual(
      JSON.parse(JSON.stringify(exploreJsonSchema())),
    );
  });

  it('compares remedies in one table, as Markdown and as a picture, too', async () => {
    const run = await explore(
      short,
      '--compare',
      '--remedies',
      'nothing,claim',
      '--markdown',
      'c.md',
      '--svg',
      'c.svg',
    );
    expect(run.exit).toBe(0);
    expect(run.stdout).toMatch(/^nothing .*\n.*a claim /m);
    expect(read('c.md')).toMatch(/^\| nothing .*\n\| a claim /m);
    expect(read('c.svg')).toMatch(/^<svg /);
  });

  it.each([
    ['[]', 'holds no step', 'nothing\n', '1 states'],
    ['[xl create a]', 'holds one step, with nothing beside it', 'xl create a\n', '38 states'],
    [
      '[{ run: xl create a, times: 1 }]',
      'holds one step, with nothing beside it',
      '1 x xl create a side by side\n',
      '38 states',
    ],
  ])('says of a block of %s that there is one order', async (block, note, tasks, states) => {
    const guests = 'guests: { a: { type: pv, memory: 100, vcpus: 1 } }';
    const file = cli.file('lone.xlsim.yaml', `${guests}\nsteps: [{ parallel: ${block} }]`);
    const run = await explore(file);
    expect(run.stderr).toContain(`"step 1 (parallel)" ${note}: there is one order, but for what guests`);
    expect(run.stdout).toContain(`"step 1 (parallel)": ${tasks}`);
    expect(run.stdout).toContain(`walked    the one order there is, depth first: ${states}`);
    expect((await explore(file, '--strategy', 'random', '--samples', '2')).stderr).toBe(run.stderr);
    const two = cli.file('two.xlsim.yaml', `${guests}\nsteps: [{ parallel: [xl list, xl list] }]`);
    expect(await explore(two)).toMatchObject({
      stderr: '',
      stdout: expect.stringContaining('all orders, d'),
    });
  });

  it('walks a scenario as finely as it says itself, unless told otherwise', async () => {
    const steps = `steps: [{ parallel: [xl list, xl list] }]`;
    const file = cli.file('fine.xlsim.yaml', `grain: steps\n${steps}`);
    const grain = async (...options: readonly string[]): Promise<string | undefined> =>
      /^grain +(.*)$/m.exec((await explore(file, ...options)).stdout)?.[1];
    expect(await grain()).toBe('one section under a lock');
    expect(await grain('--grain', 'hypercall')).toBe('one hypercall');
    cli.file('fine.xlsim.yaml', steps);
    expect(await grain()).toBe('one hypercall');
  });

  it('plays a scenario without anything parallel once', async () => {
    const file = cli.file('serial.xlsim.yaml', 'steps: [{ run: xl list, expect: { exit: 1 } }]');
    const run = await explore(file);
    expect(run.exit).toBe(1);
    expect(run.stderr).toContain('nothing in serial.xlsim.yaml runs in parallel');
    const asked = await explore(file, '--save', 'serial.json', '--svg', 'serial.svg');
    expect(asked.stderr).toContain('it is played once; not written: serial.svg, serial.json\n');
    expect(run.stdout).toContain('FAIL');
    const { stdout } = await cli.call(['--json', 'explore', file]);
    expect(JSON.parse(stdout)).toMatchObject({ schema: 'xlsim/replay/1', exit: 1 });
    expect((await cli.call(['--json', 'replay', file])).stdout).toBe(stdout);
  });

  it('says where the steps before the block did otherwise than they were to', async () => {
    const story = `host: { memory: 256M, dom0: 64M }
guests: { a: { type: pv, memory: 900 } }
steps:
  - xl create a
  - { run: xl list, expect: { running: [a] } }
  - { parallel: [xl list, xl list] }
`;
    const run = await explore(cli.file('before.xlsim.yaml', story));
    expect([run.exit, run.stdout.split(':')[0]]).toEqual([0, 'safe']);
    const [created, listed] = run.stderr.split('\n');
    expect(created).toMatch(
      /^xlsim: before\.xlsim\.yaml:4:5: before the block "xl create a" did otherwise than expected: exit is 3: .*, not 0, /,
    );
    expect(listed).toMatch(/^xlsim: before\.xlsim\.yaml:5:\d+: before the block "xl list" .*: running is /);
    const cured = cli.file('cured.xlsim.yaml', story.replace('900', '20'));
    expect((await explore(cured)).stderr).toBe('');
  });

  it.each([
    [
      ['--strategy', 'rnadom'],
      '--strategy is auto, exhaustive, random, pct, not rnadom: did you mean random?',
    ],
    [['--grain', 'extents:0'], '--grain is hypercall, extents:N, sections or request'],
    [['--time-budget', '0'], '--time-budget 0 leaves no time'],
    [['--max-memory', '0'], '--max-memory is'],
    [['--samples', '0'], '--samples is a whole number from 1 on'],
    [['--remedy', 'clam'], 'did you mean claim?'],
    [['--remedies', 'claim,,nothing'], 'claim, not an empty name\n'],
    [['--compare', '--save', 'x'], '--save is of one remedy'],
    [['--compare', '--save-test', 'x.xlsim.yaml'], '--save-test is of one remedy'],
    [['--save-test', 'x.xlsim.t'], 'would be read as a transcript'],
    [['--save-test', 'short.xlsim.yaml'], 'would write over the scenario'],
    [['--remedy', 'max-pages', '--save-test', 'x.xlsim.yaml'], 'the remedy max-pages comes between'],
    [['--shard', '3/2'], '--shard reads INDEX/COUNT'],
    [['--forbid', 'late-failure'], '--forbid knows early-refusal'],
    [['--block', '1'], 'parallel block 1 cannot be explored: it has 1'],
    [['--twin', 'x'], 'has no twin "x"'],
    [['--strategy', 'exhaustive', '--depth', '3'], '--depth is of --strategy pct; exhaustive has no use'],
    [['--depth', '3'], '--depth is of --strategy pct; without it there is no use for it'],
    [['--strategy', 'random', '--reduction', 'off'], '--reduction is of --strategy exhaustive; random has'],
    [['--strategy', 'pct', '--max-states', '7'], '--max-states is of --strategy exhaustive; pct has no use'],
    [['--strategy', 'exhaustive', '--seed', '1'], '--seed is of --strategy random and pct; exhaustive has'],
    [['--reduction', 'on', '--order', 'bfs'], '--order is of a walk of all orders; --reduction on has'],
    [['--svg', 'no/such/x.svg'], 'no/such/x.svg: cannot be written: ENOENT'],
    [['--save', '.'], '.: cannot be written: it is a folder'],
    [['--save-test', 'no/such/x.xlsim.yaml'], 'no/such/x.xlsim.yaml: cannot be written: ENOENT'],
    [['--save-test', '.'], '.: cannot be written: it is a folder'],
    [['--save', ''], '--save: an empty name is no file'],
    [['--save', 'short.xlsim.yaml'], '--save short.xlsim.yaml would write over the scenario'],
    [['--svg', 'safe.xlsim.yaml'], 'safe.xlsim.yaml: cannot be written: it is a scenario'],
    [['--markdown', 'one', '--svg', './one'], '--svg ./one: --markdown writes to that file already'],
    [
      ['--markdown', 'one', '--svg', 'link-to-one'],
      '--svg link-to-one: --markdown writes to that file already',
    ],
    [['--save', 'one', '--save-test', 'one'], '--save-test one: --save writes to that file already'],
    [['--strategy', 'replay'], 'xlsim replay SCENARIO --schedule FILE'],
    [['--grain', 'steps'], 'not steps: did you mean sections?'],
    [['--seed', '9007199254740992'], '--seed is a whole number from 0 to 9007199254740991'],
  ])('refuses %s by name', async (args, told) => {
    const run = await explore(short, ...args);
    expect(run.exit).toBe(2);
    expect(run.stderr).toContain(told);
    expect(run.stdout).toBe('');
  });

  it('tells how to do it again with every option that was given and is not the default', async () => {
    const options = [
      '--grain extents:2 --ownership exact --reduction on --forbid early-refusal --max-states 5000 --allow-outside',
      '--strategy pct --samples 7 --depth 2 --seed 9 --remedy claim --forbid early-refusal --max-memory 1G',
    ];
    for (const said of options) {
      const given = said.split(' ');
      const run = await explore(short, ...given, '--block', '0', '--jobs', '1', '--svg', 'x.svg');
      const line = /^replay it {2}xlsim explore short\.xlsim\.yaml (.*) --save (.*)$/m.exec(run.stdout)!;
      expect(line[1]!.split(' --').sort()).toEqual(said.split(' --').sort());
      const shell = line[0].replace('replay it  ', '').split(' && ');
      expect(shell).toHaveLength(2);
      await cli.call(shell[0]!.split(' ').slice(1));
      const replayed = await cli.call(shell[1]!.split(' ').slice(1));
      expect([replayed.exit, replayed.stderr]).toEqual([0, '']);
    }
    const widest = await explore(short, '--max-states', '1', '--samples', '20', '--time-budget', '1m');
    const again = /^again +xlsim explore (.*)$/m.exec(widest.stdout)![1]!.split(' ');
    const told = (text: string): string[] => text.split('\n').filter((row) => !row.startsWith('replay it'));
    expect(told((await explore(...again)).stdout)).toEqual(told(widest.stdout));
  });

  it('says how far it got in a space that does not end, and what helps', async () => {
    const run = await explore(short, '--strategy', 'exhaustive', '--max-states', '5');
    expect(run.stdout).toMatch(
      /not all orders \(the limit of states was reached\), depth first: 5 states, [\s\S]*larger --max-states/,
    );
    // A whole hypercall is as coarse as it gets.
    expect(run.stdout).not.toContain('coarser --grain');
    const fine = await explore(short, '--strategy', 'exhaustive', '--max-states', '5', '--grain', 'sections');
    expect(fine.stdout).toContain('a coarser --grain, --reduction on, --strategy random, or a larger');
    const json = JSON.parse((await cli.call(['--json', 'explore', short])).stdout);
    const { states } = json.results[0].walk;
    const most = async (n: number) =>
      (await explore(short, '--strategy', 'exhaustive', '--max-states', String(n))).stdout;
    // As many as there are is enough, one less is not.
    expect(await most(states)).toContain(`all orders, depth first: ${states} states`);
    expect(await most(states - 1)).toContain(`(the limit of states was reached), depth first: ${states - 1}`);
  });

  it('says what states tell of memory, and walks by class what is too much frame by frame', async () => {
    const file = cli.file('back.xlsim.yaml', givesBack());
    const strict = (...args: string[]) => explore(file, '--forbid', 'early-refusal', ...args);
    const [auto, exact, byClass] = [
      await strict(),
      await strict('--ownership', 'exact'),
      await strict('--ownership', 'class'),
    ];
    // Nobody has to ask for what is found out anyway.
    const asked = '--ownership exact --forbid early-refusal --save';
    expect(exact.stdout).toContain(asked);
    expect(auto.stdout).toBe(exact.stdout.replace(asked, '--forbid early-refusal --save'));
    expect(auto).toMatchObject({ exit: 1, stdout: expect.stringMatching(/^early refusal: /) });
    expect(auto.stdout).toContain('memory frame by frame\n');
    // The proof that would be none.
    expect(byClass).toMatchObject({
      exit: 4,
      stdout: expect.stringMatching(
        /^undecided: no order that was walked fails, but by class, which proves nothing here\n/,
      ),
    });
    expect(byClass.stdout).toMatch(/^further +--ownership auto, /m);
    const few = ['--max-states', '25', '--jobs'];
    const [one, three] = [await strict(...few, '1'), await strict(...few, '3')];
    expect(three).toEqual(one);
    expect(one.stdout).toContain('by class, though who owns which frame may matter here');
    expect(one.stdout).toContain(
      'frame by frame not finished after 25 states (the limit of states was reached)',
    );
    const json = JSON.parse((await cli.call(['--json', 'explore', file, ...few, '1'])).stdout);
    expect(json.results[0].walk).toMatchObject({
      ownership: 'class',
      ownership_matters: true,
      abstract: true,
      exactly: { states: 25, stopped: 'states' },
      finished: true,
    });
    const table = (await explore(file, '--compare', '--remedies', 'nothing', ...few, '1')).stdout;
    expect(table).toMatch(/nothing +undecided .* \d+\* /);
    expect(table).toContain('Marked *: memory by class');
    expect(table).toContain('not finished after 25 states');
  });
});

describe('xlsim explore --save-test', () => {
  it('writes a scenario that replay passes, the same each time', async () => {
    const args = ['--forbid', 'early-refusal', '--save-test'];
    expect((await explore(short, ...args, 'one.xlsim.yaml')).exit).toBe(1);
    await exploreApart(short, ...args, 'two.xlsim.yaml');
    expect(read('one.xlsim.yaml')).toBe(read('two.xlsim.yaml'));
    expect((await cli.run(['replay', 'one.xlsim.yaml'])).exit).toBe(0);
    writeFileSync(join(cli.dir, 'roomy.xlsim.yaml'), read('one.xlsim.yaml').replace('11 pages', '12 pages'));
    const roomy = await cli.call(['replay', 'roomy.xlsim.yaml']);
    expect(roomy.exit).toBe(1);
    expect(roomy.stdout).toMatch(/roomy\.xlsim\.yaml:\d+:\d+[\s\S]*expected 2\s+got +3/);
  });

  it('is told of when another version wrote it, and passes as long as the order fits', async () => {
    await explore(short, '--forbid', 'early-refusal', '--save-test', 'old.xlsim.yaml');
    const old = read('old.xlsim.yaml').replace(/version: .*/, 'version: 0.0.7');
    writeFileSync(join(cli.dir, 'old.xlsim.yaml'), old);
    const run = await cli.call(['replay', 'old.xlsim.yaml']);
    expect(run.exit).toBe(0);
    expect(run.stderr).toMatch(
      /^xlsim: old\.xlsim\.yaml:\d+:\d+: this order was written by xlsim 0\.0\.7, this is /,
    );
    writeFileSync(join(cli.dir, 'cut.xlsim.yaml'), old.replace(/times: \d+ }\n/, 'times: 99 }\n'));
    const cut = await cli.call(['replay', 'cut.xlsim.yaml']);
    expect(cut.exit).toBe(1);
    expect(cut.stdout).toMatch(/expected the order that xlsim 0\.0\.7 wrote\s+got +it fits no longer/);
  });

  it('writes nothing where there is nothing to pin', async () => {
    const run = await explore(safe, '--save-test', 'none.xlsim.yaml', '--save', 'none.json');
    expect(run).toMatchObject({ exit: 0, stderr: expect.stringContaining('no counterexample to pin') });
    expect(run.stderr).toContain('none.json was not written: there is no counterexample to keep');
    expect(() => read('none.xlsim.yaml')).toThrow();
    expect(() => read('none.json')).toThrow();
  });

  it('names configs from where it lies, and is refused where they would lie outside', async () => {
    mkdirSync(join(cli.dir, 'sub/deep'), { recursive: true });
    const config = (name: string) =>
      `name="${name}"\ntype="pv"\nmemory=100\nvcpus=1\nkernel="/boot/vmlinuz"\n`;
    for (const name of ['a', 'b']) cli.file(`sub/deep/${name}.cfg`, config(name));
    const race = smallRace()
      .replace('{ type: pv, memory: 100, vcpus: 1 }', '{ cfg: deep/a.cfg }')
      .replace('{ type: pv, memory: 100, vcpus: 1 }', '{ cfg: deep/b.cfg }');
    const file = cli.file('sub/race.xlsim.yaml', race);
    const sampled = ['--strategy', 'random', '--samples', '10', '--save-test'];
    expect((await explore(file, ...sampled, 'up.xlsim.yaml')).exit).toBe(1);
    expect(read('up.xlsim.yaml')).toContain('cfg: sub/deep/a.cfg');
    expect((await cli.call(['replay', 'up.xlsim.yaml'])).exit).toBe(0);
    const below = await explore(file, ...sampled, 'sub/deep/x.xlsim.yaml');
    expect(below.exit).toBe(1);
    expect(read('sub/deep/x.xlsim.yaml')).toContain('cfg: a.cfg');
    mkdirSync(join(cli.dir, 'sub/other'));
    const named = cli.file(
      'sub/named.xlsim.yaml',
      smallRace()
        .replace('xl create a', 'xl create deep/a.cfg')
        .replace('xl create b', 'xl create deep/b.cfg'),
    );
    const beside = await explore(named, ...sampled, 'sub/beside.xlsim.yaml');
    expect([beside.exit, (await cli.call(['replay', 'sub/beside.xlsim.yaml'])).exit]).toEqual([1, 0]);
    const lost = await explore(named, ...sampled, 'lost.xlsim.yaml');
    expect(lost).toMatchObject({
      exit: 2,
      stderr: expect.stringContaining('looked for from its own folder'),
    });
    const outside = await explore(file, ...sampled, 'sub/other/x.xlsim.yaml');
    expect(outside).toMatchObject({
      exit: 2,
      stderr: expect.stringContaining('would lie outside of its folder'),
    });
  });
});

describe('xlsim replay --schedule', () => {
  it('takes the order that was saved, to the same bytes each time', async () => {
    expect((await explore(short, '--forbid', 'early-refusal', '--save', 's.json')).stdout).toContain(
      'xlsim replay short.xlsim.yaml --schedule s.json',
    );
    const runs = [];
    for (const [name, run] of [
      ['t1', cli.run],
      ['t2', cli.call],
    ] as const) {
      runs.push(
        await run(['replay', short, '--schedule', 's.json', '--trace', name, '--timeline', `${name}.svg`]),
      );
    }
    expect(runs[0]!.stdout).toBe(runs[1]!.stdout);
    expect(read('t1')).toBe(read('t2'));
    expect(read('t1')).toContain('"kind":"refused"');
    expect(read('t1.svg')).toBe(read('t2.svg'));
  });

  it('stops where the order ends in a circle that nobody leaves', async () => {
    const file = cli.file('circle.xlsim.yaml', circle('xl shutdown -w -w b'));
    expect((await explore(file, '--save', 'c.json')).stdout).toMatch(/^stuck: /);
    const run = await cli.call(['replay', file, '--schedule', 'c.json']);
    expect([run.exit, run.stderr]).toEqual([4, '']);
    expect(run.stdout).toMatch(
      /HUNG [\s\S]*stuck, as the order says: it goes round in a circle\n[\s\S]*"stop"/,
    );
    // Where somebody leaves it the order does not fit.
    const left = cli.file('left.xlsim.yaml', circle('xl shutdown -w b'));
    const choices = JSON.parse(read('c.json')).choices.slice(0, 1);
    const short = { ...JSON.parse(read('c.json')), choices };
    writeFileSync(join(cli.dir, 'd.json'), JSON.stringify(short));
    const forced = await cli.call(['replay', left, '--schedule', 'd.json', '--force-schedule']);
    expect(forced.exit).toBe(0);
    expect(forced.stderr).toContain('it is to end stuck, and everything in the block is over');
  });

  it('judges what the steps expect in that order', async () => {
    const text = populates(11).replaceAll('extent_order: 0 } }', 'extent_order: 0 }, expect: { rc: 3 } }');
    const file = cli.file('judged.xlsim.yaml', text);
    await explore(file, '--forbid', 'early-refusal', '--save', 'j.json');
    const run = await cli.call(['replay', file, '--schedule', 'j.json']);
    expect(run.exit).toBe(1);
    expect(run.stdout).toMatch(/XENMEM_populate_physmap: rc[\s\S]*expected 3\s+got +2/);
  });

  it('refuses the order of another scenario or version, and follows it as far as it fits when forced', async () => {
    await explore(short, '--forbid', 'early-refusal', '--save', 's.json');
    const other = await cli.call(['replay', safe, '--schedule', 's.json']);
    expect(other.exit).toBe(2);
    expect(other.stderr).toContain('it belongs to short.xlsim.yaml');
    writeFileSync(
      join(cli.dir, 'v.json'),
      read('s.json').replace(/"version": "[^"]*"/, '"version": "9.9.9"'),
    );
    const version = await cli.call(['replay', short, '--schedule', 'v.json']);
    expect(version.stderr).toContain('it was written by xlsim 9.9.9');
    const broken = cli.file('b.json', read('s.json').replace('"task":"0"', '"task":"7"'));
    const misfit = await cli.call(['replay', short, '--schedule', broken]);
    expect([misfit.exit, misfit.stdout]).toEqual([2, '']);
    expect(misfit.stderr).toMatch(/b.json does not fit: choice .* \(7\): it cannot go on there/);
    expect((await cli.call(['replay', short, '--force-schedule'])).exit).toBe(2);
    const edited = cli.file('edited.xlsim.yaml', populates(12, 3, 1));
    const forced = await cli.call(['replay', edited, '--schedule', 's.json', '--force-schedule']);
    expect(forced.stderr).toMatch(/stopped fitting: choice 2 .* is "A" \(0\): it cannot go on there/);
  });
});
