/**
 * The state directory: where it is, which hosts it holds, and how whole hosts come, go and are set back.
 *
 *     DIR/lock                      the writers' lock
 *     DIR/hosts/NAME/state          the image of a host
 *     DIR/hosts/NAME/journal-N      what happened since the image
 *     DIR/hosts/NAME/history-1      the command lines
 *     DIR/hosts/NAME/snapshots/S/   a host as it was
 */
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import { StateError, stateErrorOf } from './state-error.ts';
import { readHistory, readHost, type StoredHost, writeImage, writeNewHost } from './state-store.ts';
import { type StoreFs, syncDirectory, systemErrorCode } from './store-fs.ts';

/** What a directory is called while another takes its place. */
const OLD = '.old-';

type Environment = Readonly<Record<string, string | undefined>>;

/** The state directory: `--state`, `$XLSIM_STATE`, or `xlsim/default` below XDG's state directory. */
export function stateDirectory(option: string | null, env: Environment): string {
  if (option !== null) return resolve(option);
  if (env.XLSIM_STATE !== undefined && env.XLSIM_STATE !== '') return resolve(env.XLSIM_STATE);
  const xdg = env.XDG_STATE_HOME;
  // XDG has relative paths ignored.
  const base = xdg?.startsWith('/') ? xdg : join(env.HOME ?? homedir(), '.local', 'state');
  return join(base, 'xlsim', 'default');
}

/** Throws StateError for a name that cannot be a directory's. `what` is `host` or `snapshot`. */
export function checkName(what: string, name: string): void {
  if (/^[A-Za-z0-9_][A-Za-z0-9._-]{0,63}$/.test(name)) return;
  const shown = JSON.stringify(name.length > 70 ? `${name.slice(0, 70)}…` : name);
  throw new StateError(
    shown,
    `is not a name for a ${what}`,
    'use up to 64 letters, digits, dots, dashes and underscores, beginning with none of . and -',
    2,
  );
}

const hostsDir = (state: string): string => join(state, 'hosts');

/** Where `name` lies: in its place, or beside it if replacing it was interrupted. */
function placeOf(fs: StoreFs, parent: string, name: string): string {
  const dir = join(parent, name);
  const old = join(parent, `${OLD}${name}`);
  return !fs.existsSync(dir) && fs.existsSync(old) ? old : dir;
}

/** Puts the finished directory `making` in the place of `name`; whatever happens, one of the two is there. */
function putInPlace(fs: StoreFs, parent: string, making: string, name: string): void {
  const dir = join(parent, name);
  const old = join(parent, `${OLD}${name}`);
  if (placeOf(fs, parent, name) === old) fs.renameSync(old, dir);
  fs.rmSync(old, { recursive: true, force: true });
  if (fs.existsSync(dir)) fs.renameSync(dir, old);
  fs.renameSync(making, dir);
  syncDirectory(fs, parent);
  fs.rmSync(old, { recursive: true, force: true });
}

/** Makes the state directory itself if need be. */
export function ensureState(fs: StoreFs, state: string): void {
  if (fs.existsSync(hostsDir(state))) return;
  try {
    fs.mkdirSync(hostsDir(state), { recursive: true });
    syncDirectory(fs, state);
  } catch (error) {
    throw stateErrorOf(error, state, 'make the state directory');
  }
}

/** The hosts of a state, in order of name. */
export function listHosts(fs: StoreFs, state: string): string[] {
  return entries(fs, hostsDir(state));
}

function entries(fs: StoreFs, dir: string): string[] {
  try {
    const names = fs.readdirSync(dir).map((name) => (name.startsWith(OLD) ? name.slice(OLD.length) : name));
    return [...new Set(names)].filter((name) => !name.startsWith('.')).sort();
  } catch (error) {
    if (systemErrorCode(error) === 'ENOENT') return [];
    throw stateErrorOf(error, dir, 'read the state directory');
  }
}

export const hostExists = (fs: StoreFs, state: string, name: string): boolean =>
  fs.existsSync(placeOf(fs, hostsDir(state), name));

/** Reads a host; StateError with exit 2 when there is none of that name. */
export function openHost(fs: StoreFs, state: string, name: string): StoredHost {
  if (!hostExists(fs, state, name)) {
    const known = listHosts(fs, state);
    const have = known.length === 0 ? 'there is none yet' : `there are: ${known.join(', ')}`;
    throw new StateError(state, `no host named ${name}`, `${have}; \`xlsim host init\` makes one`, 2);
  }
  return readHost(fs, placeOf(fs, hostsDir(state), name));
}

/** Makes a host: all its files first, then its name. `replace` throws away one of the same name. */
export function createHost(
  fs: StoreFs,
  state: string,
  name: string,
  cells: ReadonlyMap<string, string>,
  replace: boolean,
): StoredHost {
  ensureState(fs, state);
  const dir = join(hostsDir(state), name);
  if (hostExists(fs, state, name) && !replace) {
    throw new StateError(dir, `host ${name} exists already`, 'give --force to replace it, or --host NAME', 2);
  }
  const making = join(hostsDir(state), `.new-${name}`);
  try {
    fs.rmSync(making, { recursive: true, force: true });
    fs.mkdirSync(making);
    writeNewHost(fs, making, cells, [], 0);
    putInPlace(fs, hostsDir(state), making, name);
  } catch (error) {
    throw stateErrorOf(error, dir, 'make the host');
  }
  return readHost(fs, dir);
}

/** Takes a host out of the state. Its name goes first, in one step. */
export function removeHost(fs: StoreFs, state: string, name: string): void {
  const gone = join(hostsDir(state), `.gone-${name}`);
  try {
    fs.rmSync(gone, { recursive: true, force: true });
    fs.renameSync(placeOf(fs, hostsDir(state), name), gone);
    syncDirectory(fs, hostsDir(state));
    fs.rmSync(gone, { recursive: true, force: true });
  } catch (error) {
    throw stateErrorOf(error, join(hostsDir(state), name), 'remove the host');
  }
}

const snapshotsDir = (host: StoredHost): string => join(host.dir, 'snapshots');

/** The snapshots of a host, in order of name. */
export const listSnapshots = (fs: StoreFs, host: StoredHost): string[] => entries(fs, snapshotsDir(host));

/** Keeps the host as it is now under `name`. */
export function takeSnapshot(fs: StoreFs, host: StoredHost, name: string, replace: boolean): void {
  const dir = join(snapshotsDir(host), name);
  if (fs.existsSync(placeOf(fs, snapshotsDir(host), name)) && !replace) {
    throw new StateError(dir, `snapshot ${name} exists already`, 'give --force to replace it', 2);
  }
  const making = join(snapshotsDir(host), `.new-${name}`);
  try {
    fs.rmSync(making, { recursive: true, force: true });
    fs.mkdirSync(making, { recursive: true });
    writeNewHost(fs, making, host.cells, readHistory(fs, host), host.seq);
    syncDirectory(fs, host.dir);
    putInPlace(fs, snapshotsDir(host), making, name);
  } catch (error) {
    throw stateErrorOf(error, dir, 'write the snapshot');
  }
}

/** Sets the host back to snapshot `name`: its memory, its clock, its history. The snapshot stays. */
export function restoreSnapshot(fs: StoreFs, host: StoredHost, name: string): StoredHost {
  const dir = placeOf(fs, snapshotsDir(host), name);
  if (!fs.existsSync(dir)) {
    const known = listSnapshots(fs, host);
    const have = known.length === 0 ? 'this host has none' : `this host has: ${known.join(', ')}`;
    throw new StateError(
      dir,
      `no snapshot named ${name}`,
      `${have}; \`xlsim host snapshot NAME\` takes one`,
      2,
    );
  }
  const kept = readHost(fs, dir);
  // A history file is only ever appended to by images, so going back begins a new one.
  const history = `history-${host.header.epoch + 1}`;
  const recent = readHistory(fs, kept);
  let next: StoredHost;
  try {
    fs.closeSync(fs.openSync(join(host.dir, history), 'w', 0o644));
    const header = { ...host.header, history, historyBytes: 0, historyCrc: 0 };
    next = writeImage(fs, { ...kept, dir: host.dir, header, recent });
  } catch (error) {
    throw stateErrorOf(error, host.dir, 'restore the snapshot');
  }
  try {
    fs.unlinkSync(join(host.dir, host.header.history));
  } catch {
    // Nothing refers to the old history any more; that it stays behind changes nothing.
  }
  return next;
}
