/** Hosts in the hands of a command: made, locked, opened to read or to change, saved. */
import { initDom0 } from '../explorer/init-dom0.ts';
import { settleWorld } from '../explorer/run.ts';
import { newRun } from '../explorer/run-state.ts';
import { newWorld, type World } from '../explorer/world.ts';
import { ENOENT } from '../hypervisor/errno.ts';
import { bootHost } from '../hypervisor/host-boot.ts';
import type { HostConfig } from '../hypervisor/host-config.ts';
import { hypercall } from '../hypervisor/hypercall.ts';
import { domId } from '../hypervisor/units.ts';
import { type Cli, complain, release, stateOf } from './cli-state.ts';
import type { GlobalOptions } from './global-options.ts';
import { commitSession, openSession, type Session, worldCells } from './session.ts';
import { checkName, createHost, ensureState, hostExists, openHost } from './state-dir.ts';
import { takeLock } from './state-lock.ts';

/** What the first command makes when there is no host yet. */
const DEFAULT_HOST: HostConfig = {
  memoryPages: 64 * 262144,
  nodes: 1,
  cpus: 16,
  dom0Pages: 4 * 262144,
  xen: '4.22',
  bootscrub: 'idle',
};

/** A freshly booted host. `config` must be one that hostConfigErrors() finds nothing wrong with. */
export function bootWorld(
  config: HostConfig,
  seed: number,
  xlConf: string,
  missingFiles: readonly string[],
): World {
  const xen = bootHost(config);
  const world = newWorld(xen, { seed, xlConf, missingFiles });
  const args = { domid: domId(0) };
  initDom0(world, hypercall(xen, { caller: 0, node: 0 }, { name: 'XENMEM_current_reservation', args }).rc);
  // dom0's own programs come to rest before anybody gives a command.
  const nothing = { readFile: () => -ENOENT, absolute: (path: string) => path };
  settleWorld(newRun(world, nothing, null), 'idle');
  return world;
}

/** Takes the state's lock unless this process holds it. */
export function lockState(cli: Cli, options: GlobalOptions): string {
  const state = stateOf(cli, options);
  if (cli.lock?.state === state) return state;
  release(cli);
  ensureState(cli.fs, state);
  cli.lock = { held: takeLock(cli.fs, state, options.lockTimeout), state };
  return state;
}

/** The host for a command that changes it: locked, and as the last command left it. */
export function sessionToChange(cli: Cli, options: GlobalOptions): Session {
  checkName('host', options.host);
  const state = stateOf(cli, options);
  const known = cli.session;
  if (cli.lock !== null && known?.state === state && known.host === options.host) return known.session;
  save(cli);
  lockState(cli, options);
  makeDefaultHost(cli, options, state);
  const session = openSession(openHost(cli.fs, state, options.host));
  cli.session = { session, state, host: options.host };
  return session;
}

/** The host for a command that only looks: no lock, no waiting. What the command does to it is forgotten. */
export function sessionToRead(cli: Cli, options: GlobalOptions): Session {
  checkName('host', options.host);
  const state = stateOf(cli, options);
  const known = cli.session;
  // What this process has not saved yet is not on disk; its output waits for the same sync.
  if (cli.unsaved.length > 0 && known?.state === state && known.host === options.host) {
    return openSession({ ...known.session.stored, cells: worldCells(known.session.world) });
  }
  if (!hostExists(cli.fs, state, options.host) && options.host === 'default') {
    const alone = cli.lock === null;
    lockState(cli, options);
    makeDefaultHost(cli, options, state);
    if (alone && cli.script === null) release(cli);
  }
  return openSession(openHost(cli.fs, state, options.host));
}

function makeDefaultHost(cli: Cli, options: GlobalOptions, state: string): void {
  if (options.host !== 'default' || hostExists(cli.fs, state, 'default')) return;
  createHost(cli.fs, state, 'default', worldCells(bootWorld(DEFAULT_HOST, 1, '', [])), false);
  complain(cli, `made host default (64 GiB, 1 node, 16 cpus, dom0 4 GiB, Xen 4.22) in ${state}`);
}

/** Another host of the state whose lock this process holds, or null when there is none of that name. */
export function farSession(cli: Cli, host: string): Session | null {
  const near = cli.session;
  if (near === null || near.host === host || !/^[\w.-]+$/.test(host)) return null;
  const known = cli.far.get(host);
  if (known !== undefined) return known;
  if (!hostExists(cli.fs, near.state, host)) return null;
  const session = openSession(openHost(cli.fs, near.state, host));
  cli.far.set(host, session);
  return session;
}

/** Notes that the command line `line` changed the host, and saves unless more changes are to go along. */
export function changed(cli: Cli, line: string): void {
  cli.unsaved.push(line);
  if (cli.unsaved.length >= (cli.script?.group ?? 1)) save(cli);
}

/** Brings unsaved changes to disk. When that fails, they are gone from memory too. */
export function save(cli: Cli): void {
  const { session, unsaved } = cli;
  cli.unsaved = [];
  if (session === null || unsaved.length === 0) return;
  try {
    // Far ends first: were the power lost in between, a guest would be on both hosts rather than on none.
    for (const far of cli.far.values()) commitSession(cli.fs, far, []);
    cli.far = new Map();
    commitSession(cli.fs, session.session, unsaved);
  } catch (error) {
    cli.session = null;
    cli.far = new Map();
    cli.held = [];
    throw error;
  }
}
