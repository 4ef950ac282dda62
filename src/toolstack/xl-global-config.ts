/** Reads xl.conf. Models parse_global_config(), tools/xl/xl.c: its order, its messages and its silent refusals. */
import type { XlConf } from './xl-conf.ts';
import { xlConfDefaults } from './xl-conf.ts';
import { type Got, getBoundedLong, getLong, getString, hasSetting, type XluConfig } from './xlu-cfg.ts';
import { xluCfgReaddata } from './xlu-cfg-parse.ts';

/** Where xl looks for its global settings. Xen: XL_GLOBAL_CONFIG. */
export const XL_GLOBAL_CONFIG = '/etc/xen/xl.conf';

/**
 * The settings, what was said on stderr before and after the affinity masks were made, and the exit status where xl
 * gives up.
 */
export interface GlobalConfig {
  readonly xlconf: XlConf;
  readonly stderr: string;
  readonly stderrAfterMasks: string;
  readonly exit: number | null;
}

/** The keys of xl.conf; xl lets every other one pass without a word. Models parse_global_config(). */
export const XL_CONF_KEYS: readonly string[] = [
  'autoballoon',
  'blkdev_start',
  'claim_mode',
  'colo.default.proxyscript',
  'defaultbridge',
  'domid_policy',
  'lockfile',
  'max_grant_frames',
  'max_grant_version',
  'max_maptrack_frames',
  'output_format',
  'remus.default.netbufscript',
  'run_hotplug_scripts',
  'vif.default.backend',
  'vif.default.bridge',
  'vif.default.gatewaydev',
  'vif.default.script',
  'vifscript',
  'vm.cpumask',
  'vm.hvm.cpumask',
  'vm.pv.cpumask',
];

const INT_MAX = 2n ** 31n - 1n;

/** Reads settings one after another and keeps what is said about them. */
interface Reader {
  readonly cfg: XluConfig;
  readonly said: string[];
}

function take<T>(reader: Reader, got: Got<T>): T | null {
  if (!('warning' in got)) return got.value;
  reader.said.push(got.warning);
  return null;
}

const string = (reader: Reader, name: string): string | null => take(reader, getString(reader.cfg, name));
const long = (reader: Reader, name: string): bigint | null => take(reader, getLong(reader.cfg, name));

/** The setting under its own name, else under the deprecated one. */
function renamed(reader: Reader, old: string, name: string): string | null {
  const before = string(reader, old);
  if (before !== null) {
    reader.said.push(`the global config option ${old} is deprecated, please switch to ${name}\n`);
  }
  return string(reader, name) ?? before;
}

/** One of `allowed`; anything else is complained of and not set. */
function oneOf<const T extends string>(
  reader: Reader,
  name: string,
  allowed: readonly T[],
  complaint: (value: string) => string,
): T | null {
  const value = string(reader, name);
  const found = allowed.find((a) => a === value);
  if (value !== null && found === undefined) reader.said.push(complaint(value));
  return found ?? null;
}

/** Parses the text of xl.conf (one character per byte). A text that is no config ends xl with 1, a NUL in a string with SIGABRT. */
export function parseGlobalConfig(text: string): GlobalConfig {
  const read = xluCfgReaddata({ source: XL_GLOBAL_CONFIG, text });
  if (!read.ok && read.aborted) {
    return { xlconf: xlConfDefaults, stderr: read.stderr, stderrAfterMasks: '', exit: 134 };
  }
  if (!read.ok) {
    const stderr = `${read.stderr}Failed to parse config file: Invalid argument\n`;
    return { xlconf: xlConfDefaults, stderr, stderrAfterMasks: '', exit: 1 };
  }
  const reader: Reader = { cfg: read.cfg, said: [] };
  const xlconf = readSettings(reader);
  const stderr = reader.said.splice(0).join('');
  if (xlconf === null) return { xlconf: xlConfDefaults, stderr, stderrAfterMasks: '', exit: 1 };
  const badPolicy = (): string => 'invalid domid_policy option';
  const domidPolicy = oneOf(reader, 'domid_policy', ['xen', 'random'], badPolicy) ?? xlconf.domidPolicy;
  return { xlconf: { ...xlconf, domidPolicy }, stderr, stderrAfterMasks: reader.said.join(''), exit: null };
}

/** Every setting but the last in xl's order of reading; null where a grant limit ends xl. */
function readSettings(reader: Reader): XlConf | null {
  const d = xlConfDefaults;
  const ballooning = oneOf(
    reader,
    'autoballoon',
    ['on', '1', 'off', '0', 'auto'],
    () => 'invalid autoballoon option',
  );
  const hotplug = long(reader, 'run_hotplug_scripts');
  const lockfile = string(reader, 'lockfile');
  const defaultVifscript = renamed(reader, 'vifscript', 'vif.default.script');
  const defaultBridge = renamed(reader, 'defaultbridge', 'vif.default.bridge');
  const defaultGatewaydev = string(reader, 'vif.default.gatewaydev');
  const defaultVifbackend = string(reader, 'vif.default.backend');
  const badFormat = (value: string): string => `invalid default output format "${value}"\n`;
  const format = oneOf(reader, 'output_format', ['json', 'sxp'], badFormat);
  const blkdevStart = string(reader, 'blkdev_start');
  const claimMode = long(reader, 'claim_mode');
  string(reader, 'remus.default.netbufscript');
  string(reader, 'colo.default.proxyscript');
  const limits = grantLimits(reader.cfg);
  if (limits === null) return null;
  const vmCpumask = string(reader, 'vm.cpumask');
  const vmHvmCpumask = string(reader, 'vm.hvm.cpumask');
  const vmPvCpumask = string(reader, 'vm.pv.cpumask');
  return {
    claimMode: claimMode === null ? d.claimMode : claimMode !== 0n,
    autoballoon: ballooning === null ? d.autoballoon : AUTOBALLOON[ballooning],
    lockfile: lockfile ?? d.lockfile,
    runHotplugScripts: hotplug === null ? d.runHotplugScripts : hotplug !== 0n,
    ...limits,
    domidPolicy: d.domidPolicy,
    outputFormat: format ?? d.outputFormat,
    blkdevStart,
    vmCpumask,
    vmPvCpumask,
    vmHvmCpumask,
    defaultVifscript,
    defaultBridge,
    defaultGatewaydev,
    defaultVifbackend,
  };
}

const AUTOBALLOON = { on: 'on', 1: 'on', off: 'off', 0: 'off', auto: 'auto' } as const;

type GrantLimits = Pick<XlConf, 'maxGrantFrames' | 'maxMaptrackFrames' | 'maxGrantVersion'>;

/** The three limits; null where one is no number from 0 to INT_MAX, which ends xl without a word. */
function grantLimits(cfg: XluConfig): GrantLimits | null {
  const limits: (number | null)[] = [];
  for (const name of ['max_grant_frames', 'max_maptrack_frames', 'max_grant_version']) {
    if (!hasSetting(cfg, name)) {
      limits.push(null);
      continue;
    }
    const got = getBoundedLong(cfg, name, { min: 0n, max: INT_MAX });
    if (got.value === undefined) return null;
    limits.push(Number(got.value));
  }
  const [maxGrantFrames = null, maxMaptrackFrames = null, maxGrantVersion = null] = limits;
  return { maxGrantFrames, maxMaptrackFrames, maxGrantVersion };
}
