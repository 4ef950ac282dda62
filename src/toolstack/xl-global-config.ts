/** Reads xl.conf. Models parse_global_config(), tools/xl/xl.c: its order, its messages and its silent refusals. */
import type { XlConf } from './xl-conf.ts';
import { xlConfDefaults } from './xl-conf.ts';
import { type Got, getBoundedLong, getLong, getString, type XluConfig } from './xlu-cfg.ts';
import { xluCfgReaddata } from './xlu-cfg-parse.ts';

/** Where xl looks for its global settings. Xen: XL_GLOBAL_CONFIG. */
export const XL_GLOBAL_CONFIG = '/etc/xen/xl.conf';

/** The settings, what was said on stderr, and the exit status where xl gives up. */
export interface GlobalConfig {
  readonly xlconf: XlConf;
  readonly stderr: string;
  readonly exit: number | null;
}

const INT_MAX = 2n ** 31n - 1n;

/** Parses the text of xl.conf (one character per byte). A text that is no config ends xl with 1. */
export function parseGlobalConfig(text: string): GlobalConfig {
  const read = xluCfgReaddata({ source: XL_GLOBAL_CONFIG, text });
  if (!read.ok) {
    const stderr = `${read.stderr}Failed to parse config file: Invalid argument\n`;
    return { xlconf: xlConfDefaults, stderr, exit: 1 };
  }
  const cfg = read.cfg;
  const said: string[] = [];
  const take = <T>(got: Got<T>): T | null => {
    if (!('warning' in got)) return got.value;
    said.push(got.warning);
    return null;
  };
  const string = (name: string): string | null => take(getString(cfg, name));
  const deprecated = (name: string, successor: string): string | null => {
    const value = string(name);
    if (value !== null) {
      said.push(`the global config option ${name} is deprecated, please switch to ${successor}\n`);
    }
    return value;
  };
  const oneOf = <const T extends string>(
    name: string,
    allowed: readonly T[],
    complaint: (v: string) => string,
  ) => {
    const value = string(name);
    const found = allowed.find((a) => a === value);
    if (value !== null && found === undefined) said.push(complaint(value));
    return found ?? null;
  };

  const ballooning = oneOf(
    'autoballoon',
    ['on', '1', 'off', '0', 'auto'],
    () => 'invalid autoballoon option',
  );
  const autoballoon = ballooning === null ? null : AUTOBALLOON[ballooning];
  const hotplug = take(getLong(cfg, 'run_hotplug_scripts'));
  const lockfile = string('lockfile');
  const oldVifscript = deprecated('vifscript', 'vif.default.script');
  const vifscript = string('vif.default.script') ?? oldVifscript;
  const oldBridge = deprecated('defaultbridge', 'vif.default.bridge');
  const bridge = string('vif.default.bridge') ?? oldBridge;
  const gatewaydev = string('vif.default.gatewaydev');
  const vifbackend = string('vif.default.backend');
  const format = oneOf('output_format', ['json', 'sxp'], (v) => `invalid default output format "${v}"\n`);
  const blkdevStart = string('blkdev_start');
  const claimMode = take(getLong(cfg, 'claim_mode'));
  string('remus.default.netbufscript');
  string('colo.default.proxyscript');
  const frames = grantLimits(cfg);
  if (frames === null) return { xlconf: xlConfDefaults, stderr: said.join(''), exit: 1 };
  const vmCpumask = string('vm.cpumask');
  const vmHvmCpumask = string('vm.hvm.cpumask');
  const vmPvCpumask = string('vm.pv.cpumask');
  const policy = oneOf('domid_policy', ['xen', 'random'], () => 'invalid domid_policy option');
  const d = xlConfDefaults;
  const xlconf: XlConf = {
    claimMode: claimMode === null ? d.claimMode : claimMode !== 0n,
    autoballoon: autoballoon ?? d.autoballoon,
    lockfile: lockfile ?? d.lockfile,
    runHotplugScripts: hotplug === null ? d.runHotplugScripts : hotplug !== 0n,
    ...frames,
    domidPolicy: policy ?? d.domidPolicy,
    outputFormat: format ?? d.outputFormat,
    blkdevStart: blkdevStart ?? d.blkdevStart,
    vmCpumask,
    vmPvCpumask,
    vmHvmCpumask,
    defaultVifscript: vifscript,
    defaultBridge: bridge,
    defaultGatewaydev: gatewaydev,
    defaultVifbackend: vifbackend,
  };
  return { xlconf, stderr: said.join(''), exit: null };
}

const AUTOBALLOON = { on: 'on', 1: 'on', off: 'off', 0: 'off', auto: 'auto' } as const;

type GrantLimits = Pick<XlConf, 'maxGrantFrames' | 'maxMaptrackFrames' | 'maxGrantVersion'>;

/** The three limits; null where one is no number from 0 to INT_MAX, which ends xl without a word. */
function grantLimits(cfg: XluConfig): GrantLimits | null {
  const limits: (number | null)[] = [];
  for (const name of ['max_grant_frames', 'max_maptrack_frames', 'max_grant_version']) {
    if (!cfg.newest.has(name)) {
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
