/**
 * One writer at a time: an exclusive lock on a file of the state directory, which the kernel lets go when its holder dies.
 *
 * flock(1) locks the descriptor it inherits; the lock belongs to the open file, so it stays with this process after
 * flock has ended. Where there is no flock(1), a file made with O_EXCL that names process and start time takes its place.
 */
import { hostname } from 'node:os';
import { join } from 'node:path';
import { StateError, stateErrorOf } from './state-error.ts';
import { nodeStoreFs, type StoreFs, systemErrorCode, writeAll } from './store-fs.ts';

/** A held lock. `release` lets go; dying does too, where the kernel keeps the lock. */
export interface StateLock {
  readonly release: () => void;
}

/** Who holds a lock, as written into its file. `started` is the process's start time in clock ticks since boot. */
export interface LockHolder {
  readonly pid: number;
  readonly host: string;
  readonly since: string;
  readonly started: string | null;
}

type ChildProcess = typeof import('node:child_process');

const LOCK = 'lock';
const FALLBACK = 'lock.pid';

/** flock(1) on an open file. node:child_process is loaded here because commands that only read never need it. */
function flock(fd: number, words: readonly string[]): ReturnType<ChildProcess['spawnSync']> {
  const { spawnSync } = process.getBuiltinModule('node:child_process');
  return spawnSync('flock', [...words, '3'], { stdio: ['ignore', 'ignore', 'ignore', fd] });
}

/** Takes the lock of the state in `dir`, waiting up to `seconds`. Throws StateError when somebody else keeps it. */
export function takeLock(fs: StoreFs, dir: string, seconds: number): StateLock {
  const file = join(dir, LOCK);
  let fd: number;
  try {
    fd = fs.openSync(file, 'a+', 0o644);
  } catch (error) {
    throw stateErrorOf(error, file, 'open the lock');
  }
  const result = flock(fd, ['-x', '-w', String(seconds)]);
  if (result.error === undefined && result.status === 0) {
    noteHolder(fs, fd);
    return { release: () => fs.closeSync(fd) };
  }
  fs.closeSync(fd);
  if (result.error !== undefined && systemErrorCode(result.error) === 'ENOENT') {
    return takeFallback(fs, dir, seconds);
  }
  throw lockedError(fs, dir, file, seconds);
}

function lockedError(fs: StoreFs, dir: string, file: string, seconds: number): StateError {
  const holder = readHolder(fs, file);
  const who = holder === null ? 'another process' : describeHolder(holder);
  return new StateError(
    dir,
    `locked by ${who}; waited ${seconds} s`,
    'wait for it to end, or give more time with --lock-timeout SECONDS',
  );
}

const describeHolder = (holder: LockHolder): string =>
  `process ${holder.pid} on ${holder.host} since ${holder.since}`;

/** The file says who holds the lock; it is for people, the lock itself is the kernel's. */
function noteHolder(fs: StoreFs, fd: number): void {
  try {
    fs.ftruncateSync(fd, 0);
    writeAll(fs, fd, Buffer.from(holderText()), 0);
  } catch {
    // A full disk must not keep anybody from reading what holds the lock: the commit itself will say so.
  }
}

const holderText = (): string =>
  `${JSON.stringify({
    pid: process.pid,
    host: hostname(),
    since: new Date().toISOString(),
    started: startTime(process.pid),
  })}\n`;

/** Who wrote the lock file last, or null when it does not say. */
function readHolder(fs: StoreFs, file: string): LockHolder | null {
  try {
    const found: Record<string, unknown> = JSON.parse(fs.readFileSync(file, 'utf8'));
    const { pid, host, since, started } = found;
    if (typeof pid !== 'number' || typeof host !== 'string' || typeof since !== 'string') return null;
    return { pid, host, since, started: typeof started === 'string' ? started : null };
  } catch {
    return null;
  }
}

/** When a process started, as /proc tells it; null where there is no such process or no /proc. */
function startTime(pid: number): string | null {
  try {
    const stat = nodeStoreFs.readFileSync(`/proc/${pid}/stat`, 'latin1');
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? null;
  } catch {
    return null;
  }
}

/** Whether the process that made a fallback lock is certainly gone. A lock made on another machine never is. */
function isGone(holder: LockHolder): boolean {
  if (holder.host !== hostname()) return false;
  try {
    process.kill(holder.pid, 0);
  } catch (error) {
    return systemErrorCode(error) === 'ESRCH';
  }
  return holder.started !== null && startTime(holder.pid) !== holder.started;
}

function takeFallback(fs: StoreFs, dir: string, seconds: number): StateLock {
  const file = join(dir, FALLBACK);
  const waiter = new Int32Array(new SharedArrayBuffer(4));
  for (let waited = 0; ; waited += 20) {
    try {
      const fd = fs.openSync(file, 'wx', 0o644);
      writeAll(fs, fd, Buffer.from(holderText()), 0);
      fs.closeSync(fd);
      return { release: () => fs.unlinkSync(file) };
    } catch (error) {
      if (systemErrorCode(error) !== 'EEXIST') throw stateErrorOf(error, file, 'make the lock');
    }
    if (waited >= seconds * 1000) {
      const holder = readHolder(fs, file);
      const hint =
        holder !== null && isGone(holder) ? '`xlsim host unlock` removes it' : 'wait for it to end';
      const who = holder === null ? 'another process' : describeHolder(holder);
      throw new StateError(file, `locked by ${who}; waited ${seconds} s`, hint);
    }
    Atomics.wait(waiter, 0, 0, 20);
  }
}

/** What `host unlock` found, and whether it removed anything. */
export interface UnlockReport {
  readonly text: string;
  readonly exit: number;
}

/** Says who holds the lock. Removes only a fallback lock whose process is gone; a kernel's lock needs no removing. */
export function unlock(fs: StoreFs, dir: string): UnlockReport {
  const fallback = join(dir, FALLBACK);
  if (fs.existsSync(fallback)) {
    const holder = readHolder(fs, fallback);
    if (holder === null) return { text: `${fallback}: does not say who made it; not removed\n`, exit: 1 };
    if (!isGone(holder)) return { text: `held by ${describeHolder(holder)}; not removed\n`, exit: 1 };
    fs.unlinkSync(fallback);
    return { text: `removed the lock of ${describeHolder(holder)}: that process is gone\n`, exit: 0 };
  }
  const file = join(dir, LOCK);
  if (!fs.existsSync(file)) return { text: 'not locked\n', exit: 0 };
  const fd = fs.openSync(file, 'r');
  try {
    const tried = flock(fd, ['-x', '-n']);
    if (tried.status === 0 || tried.error !== undefined) return { text: 'not locked\n', exit: 0 };
    const holder = readHolder(fs, file);
    const who = holder === null ? 'a process that has not said who it is' : describeHolder(holder);
    return { text: `held by ${who}; the kernel releases it when that process ends\n`, exit: 1 };
  } finally {
    fs.closeSync(fd);
  }
}
