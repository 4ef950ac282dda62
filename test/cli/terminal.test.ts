import { spawn, spawnSync } from 'node:child_process';
import { closeSync, existsSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type BuiltCli, buildCli, guestConfig } from './built-cli.ts';

/** Where there is no flock(1) to be found. */
const NO_FLOCK = { PATH: '/nonexistent' };
const ESC = '\u001b';

let cli: BuiltCli;
beforeAll(async () => {
  cli = await buildCli();
  cli.file('g.cfg', guestConfig('g', 64));
  cli.file('red.cfg', guestConfig(`${ESC}[31mred`, 64));
  expect((await cli.run(['host', 'init', '--memory', '2G', '--dom0', '512M'])).exit).toBe(0);
  expect((await cli.run(['create', 'g.cfg'])).exit).toBe(0);
  expect((await cli.run(['create', 'red.cfg'])).exit).toBe(0);
});
afterAll(() => cli.remove());

const hasScript = spawnSync('script', ['--version']).status === 0;
if (!hasScript) console.warn('skipped: there is no script(1) to make a terminal with');

/** Runs `xlsim WORDS` on a terminal of its own; what is seen there. */
function onTerminal(words: string, env: Readonly<Record<string, string>> = {}): string {
  const line = `"${process.execPath}" "${cli.entry}" ${words}`;
  const { stdout } = spawnSync('script', ['-qec', line, '/dev/null'], {
    cwd: cli.dir,
    encoding: 'utf8',
    env: { ...process.env, XLSIM_STATE: cli.state, TERM: 'xterm', FORCE_COLOR: '', NO_COLOR: '', ...env },
  });
  return stdout;
}

describe.skipIf(!hasScript)('a terminal', () => {
  it('gets coloured tables, and none with NO_COLOR or TERM=dumb', () => {
    expect(onTerminal('mem-max g 128')).toContain(`${ESC}[1mMemory/MiB`);
    expect(onTerminal('mem-max g 128', { NO_COLOR: '1' })).not.toContain(ESC);
    expect(onTerminal('mem-max g 128', { TERM: 'dumb' })).not.toContain(ESC);
  });

  it('never gets an escape out of a name, in the words of xl or in ours', () => {
    const list = onTerminal('list');
    expect(list).toContain('\\x1b[31mred');
    expect(list).not.toContain(ESC);
    expect(onTerminal('mem-max g 128')).not.toContain(`${ESC}[31m`);
  });

  it('is told apart from a pipe, which gets the bytes of xl', async () => {
    expect((await cli.run(['list'])).stdout).toContain(`${ESC}[31mred`);
  });
});

const FULL = '/dev/full';

describe.skipIf(!existsSync(FULL))('a standard output that takes nothing', () => {
  it('is told of without a trace, and what was done before stays done', async () => {
    const fd = openSync(FULL, 'w');
    const { status, stderr } = spawnSync(process.execPath, [cli.entry, 'mem-max', 'g', '256'], {
      cwd: cli.dir,
      encoding: 'utf8',
      env: { ...process.env, XLSIM_STATE: cli.state },
      stdio: ['ignore', fd, 'pipe'],
    });
    closeSync(fd);
    expect([status, stderr]).toEqual([
      2,
      'xlsim: standard output: cannot be written: ENOSPC; what this command did stays done\n',
    ]);
    expect((await cli.run(['history', '--format=transcript'])).stdout).toContain('mem-max g 256');
  });
});

describe('the lock file where there is no flock(1)', () => {
  const file = (): string => join(cli.state, 'lock.pid');
  const holder = (pid: number, started: string | null): string =>
    `${JSON.stringify({ pid, host: hostname(), since: '2026-01-01T00:00:00Z', started })}\n`;

  it('is there while a command runs, and gone afterwards', async () => {
    const run = await cli.run(['mem-max', 'g', '96'], { env: NO_FLOCK });
    expect(run.stderr).toBe('');
    expect(run.exit).toBe(0);
    expect(existsSync(file())).toBe(false);
  });

  it('keeps others out, who are told whose it is', async () => {
    writeFileSync(file(), holder(process.pid, null));
    const run = await cli.run(['--lock-timeout', '0', 'mem-max', 'g', '97'], { env: NO_FLOCK });
    expect(run.exit).toBe(1);
    expect(run.stderr).toContain(`locked by process ${process.pid}`);
    const unlock = await cli.run(['host', 'unlock'], { env: NO_FLOCK });
    expect(unlock.exit).toBe(1);
    expect(unlock.stdout).toMatch(/^held by process \d+ .*; not removed\n$/);
    expect(readFileSync(file(), 'utf8')).toContain(String(process.pid));
  });

  it('is removed by host unlock once its process is gone', async () => {
    const { pid } = spawnSync(process.execPath, ['-e', '0']);
    writeFileSync(file(), holder(pid, '1'));
    const waiting = await cli.run(['--lock-timeout', '0', 'mem-max', 'g', '97'], { env: NO_FLOCK });
    expect(waiting.stderr).toContain('`xlsim host unlock` removes it');
    const unlock = await cli.run(['host', 'unlock'], { env: NO_FLOCK });
    expect(unlock.exit).toBe(0);
    expect(unlock.stdout).toMatch(/^removed the lock of process \d+ /);
    expect((await cli.run(['mem-max', 'g', '97'], { env: NO_FLOCK })).exit).toBe(0);
  });

  it('is gone, too, when its process number belongs to another process by now', async () => {
    writeFileSync(file(), holder(process.pid, '1'));
    expect((await cli.run(['host', 'unlock'], { env: NO_FLOCK })).exit).toBe(0);
    expect(existsSync(file())).toBe(false);
  });
});

describe('host unlock', () => {
  it('says that nobody holds the lock', async () => {
    const run = await cli.run(['host', 'unlock']);
    expect(run.stdout).toBe('not locked\n');
    expect(run.exit).toBe(0);
  });

  it('leaves a lock of the kernel to its holder', async () => {
    const held = spawn('flock', [join(cli.state, 'lock'), 'sh', '-c', 'echo held; cat'], {
      stdio: ['pipe', 'pipe', 'ignore'],
    });
    await new Promise((done) => held.stdout.once('data', done));
    const run = await cli.run(['host', 'unlock']);
    expect(run.exit).toBe(1);
    expect(run.stdout).toContain('the kernel releases it when that process ends');
    const waiting = await cli.run(['--lock-timeout', '0', 'mem-max', 'g', '99']);
    expect(waiting.exit).toBe(1);
    expect(waiting.stderr).toMatch(/locked by .*; waited 0 s\n/);
    // A reader does not wait for anybody.
    expect((await cli.run(['list'])).exit).toBe(0);
    held.stdin.end();
    await new Promise((done) => held.once('close', done));
    expect((await cli.run(['mem-max', 'g', '99'])).exit).toBe(0);
  });
});
