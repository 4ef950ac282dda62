/** `xlsim host …` and `xlsim history`: whole hosts. */
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { type HostConfig, hostConfigErrors } from '../hypervisor/host-config.ts';
import { type Cli, complain, release, say, stateOf } from './cli-state.ts';
import type { GlobalOptions } from './global-options.ts';
import { type HostReport, reportHost } from './host-report.ts';
import { jsonObject } from './json-output.ts';
import { bootWorld, lockState, save, sessionToRead } from './open-host.ts';
import { paint } from './paint.ts';
import { toBytes, wantsColour } from './screen.ts';
import { openSession, worldCells } from './session.ts';
import { parseSize, sizeText } from './size.ts';
import {
  checkName,
  createHost,
  listHosts,
  listSnapshots,
  openHost,
  removeHost,
  restoreSnapshot,
  takeSnapshot,
} from './state-dir.ts';
import { StateError } from './state-error.ts';
import { unlock } from './state-lock.ts';
import { readHistory } from './state-store.ts';
import { renderTables } from './tables.ts';

const MISUSE = 2;

/** The options of `host init` as written. */
export interface InitOptions {
  readonly memory: string;
  readonly nodes: string;
  readonly nodeMemory?: string;
  readonly cpus: string;
  readonly distances?: string;
  readonly dom0?: string;
  readonly xen: string;
  readonly bootscrub: string;
  readonly seed: string;
  readonly missingFile?: readonly string[];
  readonly force?: boolean;
}

/** Collects what is wrong with options while reading them. */
class Reader {
  readonly wrong: string[] = [];

  size(option: string, text: string): number {
    const size = parseSize(text);
    if (size.ok) return size.pages;
    this.wrong.push(`${option}: ${size.message}`);
    return 0;
  }

  count(option: string, text: string): number {
    if (/^\d{1,15}$/.test(text)) return Number(text);
    this.wrong.push(`${option}: ${JSON.stringify(text)} is not a whole number`);
    return 0;
  }
}

/** The description of a host, or what is wrong with it. */
function readConfig(
  given: InitOptions,
): { readonly config: HostConfig; readonly seed: number } | readonly string[] {
  const read = new Reader();
  const { bootscrub } = given;
  if (bootscrub !== 'idle' && bootscrub !== 'off')
    read.wrong.push(`--bootscrub: idle or off, not ${JSON.stringify(bootscrub)}`);
  const config: HostConfig = {
    memoryPages: read.size('--memory', given.memory),
    nodes: read.count('--nodes', given.nodes),
    cpus: read.count('--cpus', given.cpus),
    xen: given.xen,
    bootscrub: bootscrub === 'off' ? 'off' : 'idle',
    ...(given.nodeMemory === undefined
      ? {}
      : { nodeMemoryPages: given.nodeMemory.split(',').map((text) => read.size('--node-memory', text)) }),
    ...(given.distances === undefined
      ? {}
      : {
          distances: given.distances
            .split(/[/;]/)
            .map((row) => row.split(',').map((text) => read.count('--distances', text.trim()))),
        }),
    ...(given.dom0 === undefined ? {} : { dom0Pages: read.size('--dom0', given.dom0) }),
  };
  const seed = read.count('--seed', given.seed);
  if (read.wrong.length > 0) return read.wrong;
  const errors = hostConfigErrors(config);
  return errors.length > 0 ? errors : { config, seed };
}

/** `host init`. */
export function init(cli: Cli, options: GlobalOptions, name: string | undefined, given: InitOptions): number {
  const host = name ?? options.host;
  checkName('host', host);
  const read = readConfig(given);
  if (!('config' in read)) {
    for (const sentence of read) complain(cli, sentence);
    return MISUSE;
  }
  const xlConf = options.xlConf === null ? '' : readText(cli, options.xlConf);
  save(cli);
  const state = lockState(cli, options);
  const world = bootWorld(read.config, read.seed, xlConf, (given.missingFile ?? []).map(toBytes));
  createHost(cli.fs, state, host, worldCells(world), given.force === true);
  cli.session = null;
  return tell(cli, { ...options, host }, 'host init');
}

function readText(cli: Cli, name: string): string {
  const file = resolve(cli.cwd, name);
  try {
    return readFileSync(file).toString('latin1');
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    throw new StateError(
      file,
      `cannot read xl.conf: ${error.message}`,
      'give --xl-conf a file that can be read',
      2,
    );
  }
}

/** Shows a host after something was done to it, or because it was asked for. */
function tell(cli: Cli, options: GlobalOptions, command: string): number {
  const { world } = openSession(openHost(cli.fs, stateOf(cli, options), options.host));
  const report = reportHost(world);
  const { config } = world.xen.layout;
  if (options.json) {
    say(cli, 'stdout', toBytes(jsonObject(command, 0, [], report, { name: options.host, config })));
    return 0;
  }
  if (options.tables === 'never' && command !== 'host show') return 0;
  const colour = wantsColour(cli.terminal.isTerminal('stdout'), cli.env);
  const line = `host ${options.host}: ${describe(report, config)}, seed ${world.seed}\n\n`;
  say(cli, 'stdout', toBytes(line + renderTables(report, paint(colour))), true);
  return 0;
}

function describe(report: HostReport, config: HostConfig): string {
  const nodes = `${config.nodes} ${config.nodes === 1 ? 'node' : 'nodes'}`;
  const dom0 = config.dom0Pages === undefined ? 'all it can get' : sizeText(config.dom0Pages);
  const seconds = (report.timeNs / 1e9).toFixed(3);
  return `${sizeText(config.memoryPages)}, ${nodes}, ${config.cpus} cpus, dom0 ${dom0}, Xen ${config.xen}, up ${seconds} s`;
}

const named = (options: GlobalOptions, name: string | undefined): GlobalOptions =>
  name === undefined ? options : { ...options, host: name };

/** `host show`. */
export function show(cli: Cli, options: GlobalOptions, name: string | undefined): number {
  save(cli);
  const wanted = named(options, name);
  sessionToRead(cli, wanted);
  return tell(cli, wanted, 'host show');
}

/** `host list`: a line a host. */
export function list(cli: Cli, options: GlobalOptions): number {
  save(cli);
  const state = stateOf(cli, options);
  const hosts = listHosts(cli.fs, state).map((name) => {
    const { world } = openSession(openHost(cli.fs, state, name));
    return { name, report: reportHost(world), config: world.xen.layout.config };
  });
  if (options.json) {
    const result = hosts.map(({ name, config, report }) => ({
      name,
      config,
      domains: report.domains.length,
    }));
    say(cli, 'stdout', toBytes(jsonObject('host list', 0, [], null, result)));
    return 0;
  }
  if (hosts.length === 0) complain(cli, `no hosts in ${state}; \`xlsim host init\` makes one`);
  for (const { name, config, report } of hosts) {
    say(cli, 'stdout', toBytes(`${name}: ${describe(report, config)}, ${report.domains.length} domains\n`));
  }
  return 0;
}

/** `host remove`. */
export function remove(cli: Cli, options: GlobalOptions, name: string | undefined): number {
  const host = name ?? options.host;
  checkName('host', host);
  save(cli);
  const state = lockState(cli, options);
  if (!listHosts(cli.fs, state).includes(host)) openHost(cli.fs, state, host);
  removeHost(cli.fs, state, host);
  cli.session = null;
  return 0;
}

/** `host unlock`. */
export function unlockHost(cli: Cli, options: GlobalOptions): number {
  save(cli);
  release(cli);
  const { text, exit } = unlock(cli.fs, stateOf(cli, options));
  say(cli, 'stdout', toBytes(text));
  return exit;
}

/** `host snapshot`. */
export function snapshot(cli: Cli, options: GlobalOptions, name: string | undefined, force: boolean): number {
  save(cli);
  if (name === undefined) {
    const host = openHost(cli.fs, stateOf(cli, options), options.host);
    for (const known of listSnapshots(cli.fs, host)) say(cli, 'stdout', `${known}\n`);
    return 0;
  }
  checkName('snapshot', name);
  const state = lockState(cli, options);
  takeSnapshot(cli.fs, openHost(cli.fs, state, options.host), name, force);
  return 0;
}

/** `host restore`. */
export function restore(cli: Cli, options: GlobalOptions, name: string): number {
  checkName('snapshot', name);
  save(cli);
  const state = lockState(cli, options);
  restoreSnapshot(cli.fs, openHost(cli.fs, state, options.host), name);
  cli.session = null;
  return tell(cli, options, 'host restore');
}

/** `history`; `format`: as a scenario or a transcript. */
export async function history(cli: Cli, options: GlobalOptions, format: string | undefined): Promise<number> {
  save(cli);
  const stored = openHost(cli.fs, stateOf(cli, options), options.host);
  const lines = readHistory(cli.fs, stored);
  if (format !== undefined) {
    const { formatHistory } = await import('./history-format.ts');
    return formatHistory(cli, openSession(stored).world, options.host, lines, format);
  }
  say(
    cli,
    'stdout',
    options.json
      ? toBytes(jsonObject('history', 0, [], null, lines))
      : toBytes(lines.map((line) => `${line}\n`).join('')),
  );
  return 0;
}
