/** Replays as users meet them: runs without end, guests that are gone, files that change. */
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  closeSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { findScenarios } from '../../src/cli/scenario-files.ts';
import { type BuiltCli, buildCli } from './built-cli.ts';

let cli: BuiltCli;
beforeAll(async () => {
  cli = await buildCli();
});
afterAll(() => cli.remove());

const STAGE = `host: { memory: 4G, dom0: 1G }
guests: { a: { type: pvh, memory: 128, on_crash: preserve } }
`;
const replay = (name: string, text: string, ...options: string[]) =>
  cli.run(['replay', cli.file(name, STAGE + text), ...options]);

describe('two who destroy one guest at once', () => {
  it('help each other: the one who comes later finds it gone', async () => {
    const run = await replay(
      'both.xlsim.yaml',
      `steps:
  - run: xl create a "on_crash='destroy'"
  - parallel: [{ guest: a crash }, { run: xl destroy a, expect: { exit: ">= 0" } }]
    expect: { domains: { a: absent }, invariants: ok }
`,
    );
    expect([run.exit, run.stderr]).toEqual([0, '']);
  });
});

describe('a path that is no scenario', () => {
  it('is told for what it is', async () => {
    for (const command of ['replay', 'explore']) {
      const run = await cli.run([command, '']);
      expect([run.exit, run.stderr]).toEqual([
        2,
        expect.stringContaining('an empty name is no file: name a scenario'),
      ]);
    }
  });

  it.each([
    ['nowhere', 'nowhere: ENOENT: no such file or folder'],
    ['n'.repeat(5000), `/${'n'.repeat(5000)}: cannot be read: ENAMETOOLONG`],
  ])('is told by the reason for which there is nothing in it', (path, told) => {
    expect(findScenarios('/', [path])).toEqual({ ok: false, message: told });
  });

  it('is refused where it would be waited for, or never end', async () => {
    const pipe = join(cli.dir, 'pipe');
    execFileSync('sh', ['-c', 'mkfifo "$0"', pipe]);
    for (const path of ['pipe', '/dev/zero']) {
      for (const command of ['replay', 'explore']) {
        const { exit, stdout, stderr } = await cli.run([command, path]);
        expect([exit, stdout + stderr]).toEqual([2, expect.stringContaining('is no regular file')]);
      }
    }
    const config = await replay('config.xlsim.yaml', 'steps: [xl create pipe]');
    expect([config.exit, config.stdout]).toEqual([1, expect.stringContaining('Invalid argument')]);
    const output = 'steps: [{ run: xl list, output: pipe }]';
    expect((await replay('output.xlsim.yaml', output)).exit).toBe(1);
  });
});

describe('a run without end', () => {
  it.each([
    [
      'a command that waits for ever',
      'steps: [xl create -F a]',
      ['nothing more can happen', 'xl create -F a', '@releaseDomain'],
    ],
    [
      'a budget that is used up',
      'limits: { requests: 20 }\nsteps: [xl create a]',
      ['20 requests were served'],
    ],
    [
      'virtual time that is used up',
      'limits: { time: 1ms }\nsteps: [xl create a]',
      ['the limit of virtual time is reached', 'xl create a'],
    ],
    [
      'rounds without end',
      'steps: [{ name: outer, repeat: 1000000, steps: [{ parallel: [{ repeat: 9, steps: [xl list] }] }] }]',
      [
        '400100 requests',
        'of 1000000 of "outer" (line 3)',
        'of 9 of "9 x xl list" (line 3)',
        '"xl list" (line 3)',
      ],
    ],
    [
      'rounds in which nothing is asked',
      'steps: [{ repeat: 1000000, steps: [{ repeat: 1000000, steps: [{ expect: { invariants: ok } }] }] }]',
      ['400000 requests', 'round 1 of 1000000 of "1000000 x (1000000 x step 1)"'],
    ],
  ])('%s: exit 4, and where it hung', async (_what, text, told) => {
    const run = await replay('endless.xlsim.yaml', text);
    expect(run.exit).toBe(4);
    for (const words of told) expect(run.stdout).toContain(words);
  });

  it('is a failed expectation where one failed before, and still says where it hung', async () => {
    const steps = 'steps: [{ run: xl list, expect: { stdout: nothing } }, xl create -F a]';
    for (const reporter of ['default', 'dot', 'tap', 'junit', 'github']) {
      const run = await replay('first.xlsim.yaml', steps, '--reporter', reporter);
      expect(run.exit).toBe(1);
      expect(run.stdout).toContain('xl list');
      expect(run.stdout).toContain('nothing more can happen');
    }
    const { stdout } = await replay('first.xlsim.yaml', steps);
    expect(stdout).toContain('first.xlsim.yaml:3:43: xl list: stdout');
  });
});

describe('a command of which nothing is expected', () => {
  it('must succeed', async () => {
    const run = await replay('fails.xlsim.yaml', 'steps: [xl destroy a]');
    expect(run.exit).toBe(1);
    expect(run.stdout).toContain('expected 0, as nothing else is expected');
  });

  it('says why it failed, also where its exit code is told', async () => {
    const run = await replay('why.xlsim.yaml', 'steps: [{ run: xl destroy a, expect: { exit: 0 } }]');
    expect(run.stdout).toMatch(/expected 0\n +got +1: a is an invalid domain identifier/);
    const claim = await replay('claim.xlsim.yaml', 'steps: [xl create a, xlsim claim a 128M]');
    expect(claim.stdout).toContain('got      1: xlsim: claim refused: EINVAL');
  });

  it('may fail where its exit code is told, or a block counts', async () => {
    const steps = `steps:
  - { run: xl destroy a, expect: { exit: failure } }
  - { run: xl destroy a, expect: { exit: ">= 0" } }
  - { repeat: 2, steps: [xl destroy a], expect: { failed: 2 } }
  - { parallel: [{ repeat: 1, steps: [xl destroy a] }], expect: { succeeded: 0 } }
`;
    expect((await replay('may-fail.xlsim.yaml', steps)).exit).toBe(0);
  });

  it('must succeed in a block that counts nothing', async () => {
    const run = await replay('block.xlsim.yaml', 'steps: [{ repeat: 2, steps: ["xl destroy a{i}"] }]');
    expect(run.exit).toBe(1);
    expect(run.stdout).toContain('xl destroy a2: exit');
  });
});

describe('a config that cannot be read', () => {
  it.each([
    ['nowhere.cfg', 'nowhere.cfg: no such file'],
    ['.', '.: is a folder, not a config'],
  ])('is told by its path and place: %s', async (cfg, told) => {
    const name = cli.file('config.xlsim.yaml', `guests: { w: { cfg: ${cfg} } }\nsteps: [xl create w]\n`);
    const { exit, stdout } = await cli.run(['replay', name]);
    expect([exit, stdout.split('\n')[0]]).toEqual([2, `config.xlsim.yaml:1:14: ${told}`]);
  });
});

describe('a claim for nobody', () => {
  it('is a command that fails, which a step may expect', async () => {
    const claim = (expected: string): string =>
      `steps: [{ parallel: [{ run: xlsim claim nobody 1G, expect: ${expected} }] }]`;
    const told = '{ exit: 1, stderr: { contains: "nobody is an invalid domain identifier" } }';
    expect((await replay('nobody.xlsim.yaml', claim(told))).exit).toBe(0);
    const run = await replay('somebody.xlsim.yaml', claim('{ exit: 0 }'));
    expect([run.exit, run.stdout]).toEqual([1, expect.stringMatching(/exit .*\n +expected 0\n +got +1/)]);
  });
});

describe('a guest action', () => {
  it.each([
    ['on a guest that crashed', '{ guest: a crash }, { guest: a touch 4M }', 'guest "a" has shut down'],
    ['on a paused guest', 'xl pause a, { guest: a balloon-to 64M }', 'guest "a" is paused'],
    ['on a guest that is gone', 'xl destroy a, { guest: a shutdown }', 'there is no guest "a" on the host'],
    ['on nobody', '{ guest: b shutdown }', 'there is no guest "b" on the host'],
  ])('%s is a failure that says so', async (_what, steps, told) => {
    const run = await replay('dead.xlsim.yaml', `steps: [xl create a, ${steps}]`);
    expect(run.exit).toBe(1);
    expect(run.stdout).toContain('expected something that can be done');
    expect(run.stdout).toContain(told);
  });
});

describe('set: offline', () => {
  it('takes free pages out of use, and the rest goes on', async () => {
    const steps = `steps:
  - { expect: { host: { free_pages: 761720 } } }
  - { set: { offline: { pages: 10, seed: 3 } }, expect: { host: { free_pages: 761710 }, invariants: ok } }
  - { set: { offline: { pages: 5, broken: true } }, expect: { host: { free_pages: 761705 }, invariants: ok } }
  - { run: xl create a, expect: { exit: 0, invariants: ok } }
`;
    const run = await replay('offline.xlsim.yaml', steps);
    expect(run.stdout).toContain('1 passed');
  });

  it('says how many were found when there are not enough', async () => {
    const steps =
      'steps: [{ set: { hold: { leave: 100 pages, as: b } } }, { set: { offline: { pages: 200 } } }]';
    const run = await replay('too-many.xlsim.yaml', steps);
    expect(run.exit).toBe(1);
    expect(run.stdout).toMatch(/offline: only \d+ of 200 free pages were found/);
  });
});

describe('recorded outputs', () => {
  it('are written by --update, compared without it, and never outside of the folder', async () => {
    const inner = (path: string) => `steps: [{ parallel: [{ run: xl domid Domain-0, output: ${path} }] }]`;
    expect((await replay('records.xlsim.yaml', inner('out.txt'), '--update')).exit).toBe(0);
    expect(readFileSync(join(cli.dir, 'out.txt'), 'utf8')).toBe('0\n');
    expect((await replay('records.xlsim.yaml', inner('out.txt'))).exit).toBe(0);
    writeFileSync(join(cli.dir, 'out.txt'), '1\n');
    expect((await replay('records.xlsim.yaml', inner('out.txt'))).exit).toBe(1);
    const outside = await replay('records.xlsim.yaml', inner('../out.txt'), '--update');
    expect(outside.exit).toBe(2);
    expect(outside.stdout).toContain("../out.txt lies outside of the scenario's folder");
  });
});

describe('a file that is not UTF-8', () => {
  const latin1 = (name: string, text: string): void =>
    writeFileSync(join(cli.dir, name), Buffer.from(text, 'latin1'));

  it('is refused where it is a scenario, a transcript or a recorded output: the byte, its place, and what to do', async () => {
    latin1('latin.xlsim.yaml', `${STAGE}story: caf\xe9\nsteps: [xl list]\n`);
    latin1('latin.xlsim.t', '$ xl list\n\xe9\n');
    latin1('latin.txt', 'a\nb\xe9\n');
    cli.file('record.xlsim.yaml', `${STAGE}steps: [{ run: xl list, output: latin.txt }, list]\n`);
    const run = await cli.run(['replay', 'latin.xlsim.yaml', 'latin.xlsim.t', 'record.xlsim.yaml']);
    expect(run.exit).toBe(2);
    expect(run.stdout).toContain(
      'latin.xlsim.yaml:3:11: the byte 0xE9 is no UTF-8 here: save the file as UTF-8',
    );
    expect(run.stdout).toContain('latin.xlsim.t:2:1: the byte 0xE9');
    expect(run.stdout).toMatch(
      /record\.xlsim\.yaml:3:\d+: latin\.txt:2:2: the byte 0xE9 .* or let --update write it anew/,
    );
    // Beside what else is wrong with it.
    expect(run.stdout).toContain('did you mean "xl list"?');
  });

  it('is written anew by --update where it is a recorded output', async () => {
    latin1('anew.txt', '\xe9\n');
    const text = 'steps: [{ run: xl domid Domain-0, output: anew.txt }]';
    expect((await replay('anew.xlsim.yaml', text, '--update')).exit).toBe(0);
    expect(readFileSync(join(cli.dir, 'anew.txt'), 'utf8')).toBe('0\n');
  });

  it('is what xl makes of it where it is the config of a guest', async () => {
    latin1('guest.cfg', 'name = "caf\xe9"\ntype = "pvh"\nkernel = "k"\nmemory = 64\n');
    const text =
      'guests: { g: { cfg: guest.cfg } }\nsteps: [xl create g, { run: xl list, expect: { stdout: { contains: caf } } }]';
    const file = cli.file('bytes.xlsim.yaml', `host: { memory: 1G, dom0: 256M }\n${text}`);
    expect((await cli.run(['replay', file])).exit).toBe(0);
  });

  it('may begin with a mark, in UTF-16 it is told by name', async () => {
    writeFileSync(join(cli.dir, 'mark.xlsim.yaml'), `\ufeff${STAGE}steps: [xl list]\n`);
    expect((await cli.run(['replay', 'mark.xlsim.yaml'])).exit).toBe(0);
    writeFileSync(join(cli.dir, 'wide.xlsim.yaml'), Buffer.from('\ufeffsteps: [xl list]\n', 'utf16le'));
    const wide = await cli.run(['replay', 'wide.xlsim.yaml']);
    expect([wide.exit, wide.stdout]).toEqual([
      2,
      expect.stringContaining('wide.xlsim.yaml:1:1: is UTF-16LE'),
    ]);
  });
});

describe('--watch', () => {
  it('plays again when the file changes, and ends with the last exit code when interrupted', async () => {
    const file = join(cli.dir, cli.file('watched.xlsim.yaml', `${STAGE}steps: [xl list]\n`));
    const child = spawn(process.execPath, [cli.entry, 'replay', '--watch', 'watched.xlsim.yaml'], {
      cwd: cli.dir,
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    let seen = '';
    const shows = async (words: string): Promise<void> => {
      while (!seen.includes(words)) {
        const [chunk] = await once(child.stdout, 'data');
        seen += String(chunk);
      }
    };
    await shows('1 passed');
    // The run is shown before the folder is watched: write until that was seen.
    const writing = setInterval(() => writeFileSync(file, `${STAGE}steps: [xl destroy a]\n`), 300);
    await shows('1 failed');
    clearInterval(writing);
    child.kill('SIGINT');
    const [exit] = await once(child, 'exit');
    expect(exit).toBe(1);
  });

  it('plays again when a config in another folder changes', async () => {
    mkdirSync(join(cli.dir, 'configs'));
    const cfg = join(cli.dir, 'configs/w.cfg');
    const memory = (mib: number): void =>
      writeFileSync(cfg, `name="w"\ntype="pvh"\nkernel="/k"\nmemory=${mib}\n`);
    memory(64);
    const steps = 'steps: [{ run: xl create w, expect: { domains: { w: { mem: 64 } } } }]\n';
    cli.file('far.xlsim.yaml', `guests: { w: { cfg: configs/w.cfg } }\n${steps}`);
    const child = spawn(process.execPath, [cli.entry, 'replay', '--watch', 'far.xlsim.yaml'], {
      cwd: cli.dir,
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    let seen = '';
    child.stdout.on('data', (chunk) => {
      seen += String(chunk);
    });
    while (!seen.includes('1 passed')) await setTimeout(50);
    const writing = setInterval(() => memory(65), 300);
    while (!seen.includes('1 failed')) await setTimeout(50);
    clearInterval(writing);
    child.kill('SIGINT');
    await once(child, 'exit');
  });

  it('plays again when a config appears that was missing, in a folder that was missing, too', async () => {
    const steps = 'steps: [{ run: xl create w, expect: { domains: { w: { mem: 64 } } } }]\n';
    cli.file('soon.xlsim.yaml', `guests: { w: { cfg: ../soon/far/w.cfg } }\n${steps}`);
    mkdirSync(join(cli.dir, 'inner'));
    renameSync(join(cli.dir, 'soon.xlsim.yaml'), join(cli.dir, 'inner/soon.xlsim.yaml'));
    const args = ['replay', '--watch', '--allow-outside', 'inner/soon.xlsim.yaml'];
    const child = spawn(process.execPath, [cli.entry, ...args], { cwd: cli.dir });
    let [seen, played] = ['', 0];
    child.stdout.on('data', (chunk) => {
      seen += String(chunk);
    });
    child.stderr.on('data', (chunk) => {
      played += String(chunk).split('playing again').length - 1;
    });
    while (!seen.includes('no such file')) await setTimeout(50);
    await setTimeout(300);
    // Nothing that was looked for.
    cli.file('unrelated', '');
    await setTimeout(400);
    expect(played).toBe(0);
    mkdirSync(join(cli.dir, 'soon'));
    while (played < 1) await setTimeout(50);
    mkdirSync(join(cli.dir, 'soon/far'));
    while (played < 2) await setTimeout(50);
    writeFileSync(join(cli.dir, 'soon/far/w.cfg'), 'name="w"\ntype="pvh"\nkernel="/k"\nmemory=64\n');
    while (!seen.includes('1 passed')) await setTimeout(50);
    child.kill('SIGINT');
    const [exit] = await once(child, 'exit');
    expect(exit).toBe(0);
  });

  it('ends at once where the command line is wrong', async () => {
    const run = await cli.run(['replay', '--watch', 'no-such.xlsim.yaml']);
    expect([run.exit, run.stderr]).toEqual([
      2,
      'xlsim: no-such.xlsim.yaml: ENOENT: no such file or folder\n',
    ]);
  });

  it('does not play again because of what it prints into the folder itself', async () => {
    cli.file('logged.xlsim.yaml', `${STAGE}steps: [xl list]\n`);
    const log = join(cli.dir, 'watch.log');
    const out = openSync(log, 'w');
    const child = spawn(process.execPath, [cli.entry, 'replay', '--watch', 'logged.xlsim.yaml'], {
      cwd: cli.dir,
      stdio: ['ignore', out, out],
    });
    const plays = (): number => readFileSync(log, 'utf8').split('1 passed').length - 1;
    while (plays() === 0) await setTimeout(50);
    await setTimeout(800);
    child.kill('SIGINT');
    await once(child, 'exit');
    closeSync(out);
    expect(plays()).toBe(1);
  });
});

describe('--trace and --timeline', () => {
  it.each(['--trace', '--timeline'])('do not write over a scenario: %s', async (option) => {
    const text = `${STAGE}steps: [xl list]\n`;
    cli.file('kept.xlsim.yaml', text);
    const run = await cli.run(['replay', 'kept.xlsim.yaml', option, 'kept.xlsim.yaml']);
    expect([run.exit, run.stderr]).toEqual([
      2,
      'xlsim: kept.xlsim.yaml: cannot be written: it is a scenario\n',
    ]);
    expect(readFileSync(join(cli.dir, 'kept.xlsim.yaml'), 'utf8')).toBe(text);
  });
});

describe('files that a replay writes', () => {
  it('are told apart by what they are, not by their names', async () => {
    cli.file('twice.xlsim.yaml', `${STAGE}steps: [xl list]\n`);
    cli.file('a.out', 'kept');
    symlinkSync('a.out', join(cli.dir, 'b.out'));
    for (const [first, second, told] of [
      ['--trace', '--timeline', '--timeline b.out: --trace writes to that file already'],
      ['--output-file', '--trace', '--trace b.out: junit writes to that file already'],
    ] as const) {
      const run = await cli.run([
        'replay',
        'twice.xlsim.yaml',
        '--reporter',
        'junit',
        first,
        'a.out',
        second,
        'b.out',
      ]);
      expect([run.exit, run.stdout, run.stderr]).toEqual([2, '', `xlsim: ${told}\n`]);
      expect(readFileSync(join(cli.dir, 'a.out'), 'utf8')).toBe('kept');
    }
  });
});

describe('--grep', () => {
  it('is misuse where nothing matches, but for a shard', async () => {
    const text = 'name: one\nsteps: [xl list]\n';
    const { exit, stderr } = await replay('one.xlsim.yaml', text, '--grep', 'none');
    expect([exit, stderr]).toEqual([2, "xlsim: --grep none: no scenario's file and name match\n"]);
    expect((await replay('one.xlsim.yaml', text, '--grep', 'none', '--shard', '1/2')).exit).toBe(0);
    expect((await replay('one.xlsim.yaml', text, '--grep', 'one$')).exit).toBe(0);
  });

  it('tells of files from which nothing was wanted in one number', async () => {
    const paths = ['two.xlsim.yaml', 'three.xlsim.yaml'];
    for (const path of paths) cli.file(path, `${STAGE}steps: [xl list]\n`);
    const { stdout } = await cli.run(['replay', ...paths, '--grep', 'two']);
    expect(stdout).toMatch(/^two.xlsim.yaml\n {2}ok .*\n1 passed, 1 skipped in 2 files \(seed 1\)\n$/);
  });
});

describe('a transcript that fails', () => {
  it.each([
    [
      'the first line that differs',
      '  $ xl domid Domain-0\n  0\n  $ xl list\n  Name * (glob)\n  nobody\n',
      [7],
    ],
    ['the last line where more is printed', '  $ xl list\n  Name * (glob)\n', [4]],
    ['the command where nothing was to be printed', '  $ xl list\n', [3]],
    ['a line too many', '  $ xl domid Domain-0\n  0\n  0\n', [5]],
    ['the exit code', "  $ xl domid x\n  Can't get domid * (glob)\n  [2]\n", [5]],
    ['both, each by itself', '  $ xl domid x\n  nothing\n\n  $ xl list\n', [4, 4, 6]],
  ])('says where: %s', async (_what, text, lines) => {
    cli.file('differs.xlsim.t', `# host: { memory: 4G, dom0: 1G }\n\n${text}`);
    const { stdout, exit } = await cli.run(['replay', 'differs.xlsim.t']);
    expect(exit).toBe(1);
    const places = [...stdout.matchAll(/^differs\.xlsim\.t:(\d+):3: /gm)].map((m) => Number(m[1]));
    expect(places).toEqual(lines);
  });

  it('is one line with the first difference to a code host', async () => {
    cli.file('differs.xlsim.t', '  $ xl list\n  Name * (glob)\n  nobody\n');
    const { stdout } = await cli.run(['replay', 'differs.xlsim.t', '--reporter', 'github']);
    expect(stdout).toContain(
      'line=3,col=3,title=differs%3A xl list%3A output%3A expected nobody …%2C got Domain-0',
    );
  });
});

describe('--update', () => {
  it('makes the folder that an output is to lie in, and says where there can be none', async () => {
    const text = (path: string): string => `steps: [{ run: xl list, output: ${path} }]\n`;
    const made = await replay('recorded.xlsim.yaml', text('seen/list.txt'), '--update');
    expect([made.exit, made.stdout]).toEqual([0, expect.stringContaining('updated seen/list.txt\n')]);
    expect(readFileSync(join(cli.dir, 'seen/list.txt'), 'utf8')).toContain('Domain-0');
    const refused = await replay('refused.xlsim.yaml', text('seen/list.txt/below.txt'), '--update');
    expect(refused.exit).toBe(2);
    expect(refused.stderr).toMatch(/seen\/list\.txt\/below\.txt: cannot be written: E(EXIST|NOTDIR)/);
  });

  it('names a transcript as it was named', async () => {
    cli.file('pasted.xlsim.t', '  $ xl list\n');
    const { stdout } = await cli.run(['replay', 'pasted.xlsim.t', '--update']);
    expect(stdout).toContain('updated pasted.xlsim.t\n');
  });
});
