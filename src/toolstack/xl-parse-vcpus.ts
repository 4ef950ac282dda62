/** Scheduling, memory, vcpus, grants, actions. Models the second part of parse_config_data(), tools/xl/xl_parse.c. */

import { ESRCH } from '../hypervisor/errno.ts';
import type { ACTIONS_ON_SHUTDOWN } from './domain-config.ts';
import { VUART_TYPES } from './libxl-types-domain.ts';
import { asInt32 } from './strtol.ts';
import { parseAffinity } from './xl-parse-cpus.ts';
import { checkMapBits } from './xl-parse-limits.ts';
import {
  die,
  enumFromString,
  INVALID_CPUS,
  type ParseState,
  readLong,
  readMemkb,
  readString,
  say,
  XlExit,
} from './xl-parse-state.ts';
import { parseVnuma } from './xl-parse-vnuma.ts';
import { getBoundedLong } from './xlu-cfg.ts';

function parseSched(state: ParseState): void {
  const { schedParams } = state.config.bInfo;
  const keys = [
    ['cpu_weight', 'weight'],
    ['cap', 'cap'],
    ['period', 'period'],
    ['slice', 'slice'],
    ['latency', 'latency'],
    ['extratime', 'extratime'],
  ] as const;
  for (const [key, field] of keys) {
    const given = readLong(state, key);
    if (given !== null) schedParams[field] = asInt32(given);
  }
}

/** A map of `count` vcpus, all set. Models libxl_cpu_bitmap_alloc() and its failures. */
function vcpuMap(state: ParseState, vcpus: bigint): number[] {
  const count = asInt32(vcpus);
  if (count < 0) {
    say(state, INVALID_CPUS);
    die(state, 'Unable to allocate cpumap');
  }
  checkMapBits(state, count);
  return Array.from({ length: count }, (_, i) => i);
}

/** Reads vcpus, maxvcpus and vnuma, and settles max_vcpus and max_memkb. */
function parseVcpus(state: ParseState): void {
  const { bInfo } = state.config;
  const vcpus = readLong(state, 'vcpus');
  if (vcpus !== null) bInfo.availVcpus = vcpuMap(state, vcpus);
  const maxVcpus = readLong(state, 'maxvcpus');
  if (maxVcpus !== null) bInfo.maxVcpus = asInt32(maxVcpus);
  const vuart = readString(state, 'vuart');
  if (vuart !== null) {
    const type = enumFromString(VUART_TYPES, vuart);
    if (type === undefined) die(state, `ERROR: invalid value "${vuart}" for "vuart"`);
    bInfo.archArm.vuart = type;
  }
  parseVnuma(state);
  if (bInfo.maxMemkb === null) bInfo.maxMemkb = bInfo.targetMemkb;
  if (bInfo.maxVcpus === 0) bInfo.maxVcpus = asInt32(vcpus ?? 0n);
  if (BigInt(bInfo.maxVcpus) < (vcpus ?? 0n)) die(state, 'xl: maxvcpus < vcpus');
}

/** A bounded number read without a word: a bad one ends xl silently. */
function grantLimit(state: ParseState, key: string, fallback: number | null): number | null {
  const got = getBoundedLong(state.cfg, key, { min: 0n, max: 2n ** 31n - 1n });
  if (got.value !== undefined) return Number(got.value);
  if (got.errno === ESRCH) return fallback;
  throw new XlExit(1);
}

function parseGrants(state: ParseState): void {
  const { bInfo } = state.config;
  const { xlconf } = state;
  const frames = grantLimit(state, 'max_grant_frames', xlconf.maxGrantFrames);
  if (frames !== null) bInfo.maxGrantFrames = frames;
  const maptrack = grantLimit(state, 'max_maptrack_frames', xlconf.maxMaptrackFrames);
  if (maptrack !== null) bInfo.maxMaptrackFrames = maptrack;
  const version = grantLimit(state, 'max_grant_version', xlconf.maxGrantVersion);
  if (version !== null) bInfo.maxGrantVersion = version;
}

type Action = (typeof ACTIONS_ON_SHUTDOWN)[number];

/** The names a config uses. Xen: action_on_shutdown_names. */
const ACTIONS: ReadonlyMap<string, Action> = new Map([
  ['destroy', 'destroy'],
  ['restart', 'restart'],
  ['rename-restart', 'restart_rename'],
  ['preserve', 'preserve'],
  ['coredump-destroy', 'coredump_destroy'],
  ['coredump-restart', 'coredump_restart'],
  ['soft-reset', 'soft_reset'],
]);

function parseAction(state: ParseState, key: string, fallback: Action): Action {
  const name = readString(state, key);
  if (name === null) return fallback;
  return ACTIONS.get(name) ?? die(state, `Unknown ${key} action "${name}" specified`);
}

/** Fills scheduling parameters, memory sizes, vcpu maps and limits, and what happens when the guest stops. */
export function parseVcpusAndMemory(state: ParseState): void {
  const { config } = state;
  parseSched(state);
  config.bInfo.targetMemkb = readMemkb(state, 'memory');
  config.bInfo.maxMemkb = readMemkb(state, 'maxmem');
  parseVcpus(state);
  parseAffinity(state);
  parseGrants(state);
  config.bInfo.claimMode = state.xlconf.claimMode;
  config.onPoweroff = parseAction(state, 'on_poweroff', 'destroy');
  config.onReboot = parseAction(state, 'on_reboot', 'restart');
  config.onWatchdog = parseAction(state, 'on_watchdog', 'destroy');
  config.onCrash = parseAction(state, 'on_crash', 'destroy');
  config.onSoftReset = parseAction(state, 'on_soft_reset', 'soft_reset');
}
