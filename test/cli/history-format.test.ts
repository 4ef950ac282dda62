/** What history writes as a scenario replays on a host that comes out the same. */
import { cpSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type BuiltCli, buildCli, guestConfig } from './built-cli.ts';

let cli: BuiltCli;
const kept = (): string => join(cli.dir, 'kept');
const writeConfigs = (): void => {
  cli.file('g1.cfg', guestConfig('g1', 256));
  cli.file("it's one.cfg", guestConfig('größer', 128));
  cli.file('big.cfg', guestConfig('big', 4096));
  cli.file('xl.conf', 'claim_mode=0\nautoballoon="off"\n');
};
beforeAll(async () => {
  cli = await buildCli();
  writeConfigs();
  const host = ['--memory', '2G', '--nodes', '2', '--dom0', '512M', '--xen', '4.17', '--seed', '9'];
  await cli.run(['host', 'init', ...host, '--xl-conf', 'xl.conf', '--tables=never']);
  for (const line of [
    ['create', 'g1.cfg'],
    ['create', '-p', "it's one.cfg", 'vcpus=2'],
    ['mem-max', 'größer', '200'],
    ['create', 'big.cfg'],
    ['mem-set', 'g1', '128'],
    ['--settle=none', 'shutdown', 'g1'],
    ['claim', 'größer', '150M'],
  ]) {
    await cli.run([...line, '--tables=never']);
  }
  cpSync(cli.state, kept(), { recursive: true });
});
afterAll(() => cli.remove());
beforeEach(() => {
  rmSync(cli.state, { recursive: true, force: true });
  cpSync(kept(), cli.state, { recursive: true });
  writeConfigs();
});

const replay = (name: string, text: string) => {
  cli.file(name, text);
  return cli.run(['replay', name]);
};

describe('history', () => {
  it('shows how a command ended and how far the host ran on where that is not as usual', async () => {
    expect((await cli.run(['history'])).stdout).toBe(
      [
        'xl create g1.cfg',
        "xl create -p 'it'\\''s one.cfg' vcpus=2",
        "xl mem-max 'größer' 200",
        'xl create big.cfg # exit 3',
        'xl mem-set g1 128',
        'xl --settle=none shutdown g1',
        "xlsim claim 'größer' 150M",
        '',
      ].join('\n'),
    );
  });

  it.each([
    ['yaml', 'again.xlsim.yaml'],
    ['transcript', 'again.xlsim.t'],
  ])('writes a %s that replays green, without the configs beside it', async (format, name) => {
    const written = await cli.run(['history', '--format', format]);
    expect([written.stderr, written.exit]).toEqual(['', 0]);
    for (const config of ['g1.cfg', "it's one.cfg", 'big.cfg']) rmSync(join(cli.dir, config));
    const run = await replay(name, written.stdout);
    expect([run.exit, run.stderr]).toEqual([0, '']);
    expect(run.stdout).toContain('1 passed');
  });

  it('writes a scenario that sees when the host would come out otherwise', async () => {
    const { stdout } = await cli.run(['history', '--format=yaml']);
    expect(stdout).toContain('exit: 3');
    expect((await replay('other.xlsim.yaml', stdout.replace('memory=256', 'memory=260'))).exit).toBe(1);
  });

  it('says so when a config is no longer what it was', async () => {
    cli.file('g1.cfg', guestConfig('g1', 300));
    const written = await cli.run(['history', '--format=yaml']);
    expect(written.exit).toBe(1);
    expect(written.stderr).toContain('played again it comes out otherwise: the host as it was left');
  });

  it('refuses other formats and a host on which nothing was run', async () => {
    expect((await cli.run(['history', '--format=xml'])).exit).toBe(2);
    await cli.run(['host', 'init', 'empty', '--tables=never']);
    expect((await cli.run(['--host=empty', 'history', '--format=yaml'])).exit).toBe(1);
  });
});
