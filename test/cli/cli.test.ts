import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { Ajv } from 'ajv';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { outputSchema } from '../../src/cli/json-output.ts';
import { type BuiltCli, buildCli, guestConfig } from './built-cli.ts';

let cli: BuiltCli;
beforeAll(async () => {
  cli = await buildCli();
  cli.file('g1.cfg', guestConfig('g1', 256));
  cli.file('big.cfg', guestConfig('big', 4096));
});
afterAll(() => cli.remove());
beforeEach(() => rmSync(cli.state, { recursive: true, force: true }));

const smallHost = () => cli.run(['host', 'init', '--memory', '2G', '--dom0', '512M', '--tables=never']);

/** Every byte of the state but the lock's note. */
function stateBytes(): string {
  const home = join(cli.state, 'hosts', 'default');
  return readdirSync(home)
    .sort()
    .map((name) => `${name}:${readFileSync(join(home, name), 'latin1')}`)
    .join('\n');
}

describe('a host', () => {
  it('is made by the first command, which says so on stderr', async () => {
    const first = await cli.run(['list']);
    expect(first.stderr).toBe(
      `xlsim: made host default (64 GiB, 1 node, 16 cpus, dom0 4 GiB, Xen 4.22) in ${cli.state}\n`,
    );
    expect(first.stdout.split('\n')[1]).toMatch(/^Domain-0 +0 +4096 +16 /);
    expect((await cli.run(['list'])).stderr).toBe('');
  });

  it('is not made by asking for help', async () => {
    const run = await cli.run(['help', 'create']);
    expect(run.stdout).toMatch(/^Usage: xl \[-vtTfN\] create /);
    expect(run.stderr).toBe('');
    expect(existsSync(cli.state)).toBe(false);
    expect((await cli.run(['help', 'frobnicate'])).stdout).toBe('command "frobnicate" not implemented\n');
  });

  it('persists between commands, and history says how it came about', async () => {
    await smallHost();
    expect((await cli.run(['create', 'g1.cfg'])).exit).toBe(0);
    expect((await cli.run(['list'])).stdout).toMatch(/\ng1 +1 +256 +1 /);
    expect((await cli.run(['destroy', 'g1'])).exit).toBe(0);
    expect((await cli.run(['list'])).stdout).not.toContain('g1');
    expect((await cli.run(['history'])).stdout).toBe('xl create g1.cfg\nxl destroy g1\n');
  });

  it('goes back to a snapshot, history included', async () => {
    await smallHost();
    await cli.run(['create', 'g1.cfg']);
    const before = await cli.run(['--json', 'list']);
    expect((await cli.run(['host', 'snapshot', 'one'])).exit).toBe(0);
    await cli.run(['destroy', 'g1']);
    expect((await cli.run(['host', 'restore', 'one', '--tables=never'])).exit).toBe(0);
    expect((await cli.run(['--json', 'list'])).stdout).toBe(before.stdout);
    expect((await cli.run(['history'])).stdout).toBe('xl create g1.cfg\n');
  });

  it('is one of several that a state holds', async () => {
    await smallHost();
    expect((await cli.run(['host', 'init', 'b', '--memory', '1G', '--dom0', '256M'])).exit).toBe(0);
    expect((await cli.run(['--host', 'b', 'list'])).stdout).toMatch(/Domain-0 +0 +256/);
    expect((await cli.run(['host', 'list'])).stdout.split('\n').map((line) => line.split(':')[0])).toEqual([
      'b',
      'default',
      '',
    ]);
    expect((await cli.run(['host', 'remove', 'b'])).exit).toBe(0);
    const gone = await cli.run(['list', '--host', 'b']);
    expect(gone.exit).toBe(2);
    expect(gone.stderr).toContain('no host named b');
  });
});

describe('tables', () => {
  it('follow a command that changes the host, in a pipe without colour, and not one that only looks', async () => {
    await smallHost();
    const { stdout } = await cli.run(['create', 'g1.cfg']);
    expect(stdout).toContain('Memory/MiB');
    expect(stdout).toContain('Claims/MiB');
    expect(stdout).not.toContain('\u001b');
    expect((await cli.run(['list'])).stdout).not.toContain('Memory/MiB');
    expect((await cli.run(['--tables=never', 'destroy', 'g1'])).stdout).toBe('');
    expect((await cli.run(['create', 'g1.cfg'], { env: { XLSIM_TABLES: 'never' } })).stdout).toBe('');
  });

  it('are coloured when that is forced', async () => {
    await smallHost();
    const forced = await cli.run(['create', 'g1.cfg'], { env: { FORCE_COLOR: '1' } });
    expect(forced.stdout).toContain('\u001b[1mMemory/MiB');
  });

  it('line up under names that are wide or would move the cursor', async () => {
    await smallHost();
    cli.file('odd.cfg', guestConfig('日本\u001b[31m語', 64));
    const { stdout } = await cli.run(['create', 'odd.cfg']);
    const lines = stdout.split('\n').slice(0, 3);
    expect(lines[2]).toContain('日本\\x1b[31m語');
    // Each of the three wide characters takes two columns, so the text is three shorter than it looks.
    const column = (lines[0] ?? '').indexOf('State');
    expect((lines[2] ?? '').indexOf('-b----') + 3).toBe(column);
  });

  it('come after a failure too, and stderr says who holds the memory', async () => {
    await smallHost();
    const run = await cli.run(['create', 'big.cfg']);
    expect(run.exit).toBe(3);
    expect(run.stdout).toContain('Claims/MiB');
    expect(run.stderr).toMatch(/xlsim: not enough memory: .* free, .* claimed, .* unclaimed\n/);
    expect(run.stderr).toContain('xlsim: owned by Domain-0 (0): 512 MiB');
  });
});

describe('--json', () => {
  it('prints one object that fits the published schema, whatever the command', async () => {
    await smallHost();
    const fits = new Ajv({ allowUnionTypes: true }).compile(outputSchema());
    const published = JSON.parse((await cli.run(['schema', 'output'])).stdout);
    expect(published).toEqual(JSON.parse(JSON.stringify(outputSchema())));
    for (const args of [
      ['create', 'g1.cfg'],
      ['create', 'big.cfg'],
      ['list'],
      ['claim', 'g1', '1M'],
      ['history'],
      ['host', 'list'],
    ]) {
      const { stdout, stderr } = await cli.run(['--json', ...args]);
      expect(stderr).toBe('');
      const object = JSON.parse(stdout);
      expect(fits(object), JSON.stringify(fits.errors)).toBe(true);
    }
  });
});

describe('claim', () => {
  it('stakes and cancels, and explains what Xen refuses', async () => {
    await smallHost();
    await cli.run(['create', 'g1.cfg']);
    await cli.run(['mem-max', 'g1', '8g']);
    expect((await cli.run(['claim', 'g1', '1G'])).stdout).toMatch(/\ng1 +1 +1024 +767\.\d+ +any\n/);
    const twice = await cli.run(['claim', 'g1', '1100M']);
    expect(twice.exit).toBe(1);
    expect(twice.stderr).toMatch(/EINVAL: g1 \(1\) has a claim of .* already/);
    expect((await cli.run(['claim', 'g1', '0'])).exit).toBe(0);
    const small = await cli.run(['claim', 'g1', '100M']);
    expect(small.stderr).toContain('it must be larger');
    const much = await cli.run(['claim', 'g1', '4G']);
    expect(much.stderr).toMatch(/ENOMEM: .*\nxlsim: not enough memory/);
  });
});

describe('bad input', () => {
  const cases: readonly (readonly [what: string, args: readonly string[], exit: number, stderr: RegExp])[] = [
    [
      'a config that is not there',
      ['create', 'none.cfg'],
      3,
      /^Failed to read config file: none.cfg: No such file or directory\n/,
    ],
    ['a directory', ['create', '.'], 3, /Failed to read config file: \.: /],
    ['an empty config', ['create', 'empty.cfg'], 1, /Domain name must be specified\.\n/],
    ['a binary config', ['create', 'binary.cfg'], 1, /config parsing error/],
    [
      'a config above 64 MiB',
      ['create', 'huge.cfg'],
      3,
      /larger than 64 MiB.*\nFailed to read config file: huge.cfg: File too large\n/,
    ],
    ['a config nested 100,000 deep', ['create', 'deep.cfg'], 1, /config parsing error/],
    ['an unknown command', ['frob'], 1, /^command not implemented\n/],
    ['a mistyped command', ['clam', '1', '2'], 1, /\nxlsim: did you mean "claim"\?\n$/],
    ['two letters swapped', ['hots', 'list'], 1, /^command not implemented\nxlsim: did you mean "host"\?\n$/],
    ['an unknown option of xlsim', ['--hots=x', 'list'], 2, /unknown option --hots=x; did you mean --host\?/],
    ['an unknown option of xl', ['list', '--nope'], 2, /option .* not supported/],
    ['an unknown domain', ['destroy', 'nobody'], 1, /^nobody is an invalid domain identifier \(rc=-6\)\n$/],
    ['a duplicate name', ['rename', 'g1', 'Domain-0'], 1, /already exists/],
    ['a size that is no number', ['mem-set', 'g1', 'lots'], 1, /^invalid memory size: lots\n$/],
    ['a claim of nonsense', ['claim', 'g1', 'lots'], 2, /"lots" is not a size/],
    ['a claim beyond all hosts', ['claim', 'g1', '99999999999T'], 2, /out of range/],
    ['a claim of a broken page', ['claim', 'g1', '4097b'], 2, /not a whole number of 4 KiB pages/],
    ['a host that is too small', ['host', 'init', 'x', '--memory', '1M'], 2, /too small/],
    [
      'a host of a Xen unknown',
      ['host', 'init', 'x', '--xen', '9.9'],
      2,
      /unknown Xen profile "9\.9"; known are/,
    ],
    ['a host name that is a path', ['--host', '../x', 'list'], 2, /is not a name for a host/],
    ['a snapshot that is not there', ['host', 'restore', 'none'], 2, /no snapshot named none/],
    ['a script that is not there', ['script', 'none'], 2, /cannot be read/],
  ];
  it('gets one clear message and the right exit code, and leaves the host unchanged', async () => {
    await smallHost();
    await cli.run(['create', 'g1.cfg']);
    cli.file('empty.cfg', '');
    cli.file(
      'binary.cfg',
      Uint8Array.from({ length: 3000 }, (_, i) => (i * 7919) % 256),
    );
    cli.file('deep.cfg', `name="x"\nx=${'['.repeat(100_000)}${']'.repeat(100_000)}\n`);
    spawnSync('truncate', ['-s', '65M', join(cli.dir, 'huge.cfg')]);
    const before = stateBytes();
    for (const [what, args, exit, stderr] of cases) {
      const run = await cli.run(args);
      expect(run.stderr, what).toMatch(stderr);
      expect(run.exit, what).toBe(exit);
      expect(stateBytes() === before, `${what}: unchanged`).toBe(true);
    }
  });

  it('of a name with 10,000 characters is taken as xl takes it and clipped in tables', async () => {
    await smallHost();
    cli.file('long.cfg', guestConfig('n'.repeat(10_000), 64));
    const { stdout } = await cli.run(['create', 'long.cfg']);
    for (const line of stdout.split('\n')) expect(line.length).toBeLessThan(160);
  });
});

describe('a reader that goes away', () => {
  it('is no error', async () => {
    await smallHost();
    const run = spawnSync('sh', ['-c', `"${process.execPath}" xlsim.mjs help | head -1`], {
      cwd: cli.dir,
      env: { ...process.env, XLSIM_STATE: cli.state },
      encoding: 'utf8',
    });
    expect(run.stderr).toBe('');
    expect(run.stdout).toBe('Usage xl [-vfNtT] <subcommand> [args]\n');
  });
});

describe('script', () => {
  it('runs what history printed, to the same host', async () => {
    await smallHost();
    cli.file('odd name.cfg', guestConfig("it's", 64));
    const script =
      "xl create 'odd name.cfg'\nmem-max \"it's\" 96\n# a remark\n\nxlsim claim 'it'\\''s' 80M\n";
    expect((await cli.run(['script', '-'], { input: script })).exit).toBe(0);
    const history = (await cli.run(['history'])).stdout;
    const first = (await cli.run(['--json', 'list'])).stdout;
    await cli.run(['host', 'init', '--memory', '2G', '--dom0', '512M', '--force', '--tables=never']);
    cli.file('again', history);
    expect((await cli.run(['script', 'again', '--group', '10'])).exit).toBe(0);
    expect((await cli.run(['--json', 'list'])).stdout).toBe(first);
  });

  it('ends with the exit code of its first failure, and says where', async () => {
    await smallHost();
    const run = await cli.run(['script', '-'], { input: 'list\ndestroy nobody\nlist\n' });
    expect(run.exit).toBe(1);
    expect(run.stderr).toContain('xlsim: -:2: exit 1: destroy nobody\n');
    expect(run.stdout.split('Domain-0').length - 1).toBeGreaterThanOrEqual(2);
  });
});

describe('migrate', () => {
  it('moves a guest to another host of the state, and leaves it where it was when that has no room', async () => {
    await smallHost();
    await cli.run(['create', 'g1.cfg']);
    await cli.run(['host', 'init', 'roomy', '--memory', '2G', '--dom0', '512M']);
    await cli.run(['host', 'init', 'full', '--memory', '512M', '--dom0', '300M']);
    const refused = await cli.run(['migrate', 'g1', 'full']);
    expect(refused.exit).not.toBe(0);
    expect((await cli.run(['list'])).stdout).toContain('g1');
    expect((await cli.run(['--host', 'full', 'list'])).stdout).not.toContain('g1');
    const moved = await cli.run(['migrate', 'g1', 'roomy']);
    expect(moved.stderr).toContain('Migration successful.\n');
    expect(moved.exit).toBe(0);
    expect((await cli.run(['list'])).stdout).not.toContain('g1');
    expect((await cli.run(['--host', 'roomy', 'list'])).stdout).toMatch(/\ng1 +1 +256 /);
  });
});
