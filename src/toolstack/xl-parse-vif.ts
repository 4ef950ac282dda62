/**
 * Network interfaces. Models parse_nic_config(), tools/xl/xl_parse.c, and tools/libs/util/libxlu_vif.c.
 */
import type { DomainConfigDraft } from './domain-config.ts';
import { init } from './libxl-idl.ts';
import { COLO_NIC_NAMES, nicType } from './libxl-types-device.ts';
import { asInt32, asUint32, strtoul } from './strtol.ts';
import { deviceEntries } from './xl-parse-lists.ts';
import { die, keyValue, type ParseState, parseUlong, readList, say } from './xl-parse-state.ts';

type Nic = DomainConfigDraft['nics'][number];
type ColoName = (typeof COLO_NIC_NAMES)[number];

/** Options that are kept as they are, by their name in a spec. */
const TEXT_OPTIONS: ReadonlyMap<
  string,
  | ColoName
  | 'model'
  | 'bridge'
  | 'ip'
  | 'script'
  | 'gatewaydev'
  | 'ifname'
  | 'backendDomname'
  | 'coloftForwarddev'
> = new Map([
  ['model', 'model'],
  ['bridge', 'bridge'],
  ['ip', 'ip'],
  ['script', 'script'],
  ['gatewaydev', 'gatewaydev'],
  ['netdev', 'gatewaydev'],
  ['vifname', 'ifname'],
  ['backend', 'backendDomname'],
  ['forwarddev', 'coloftForwarddev'],
  ...COLO_NIC_NAMES.map((name) => [name.replace(/[A-Z]/g, (c) => `_${c.toLowerCase()}`), name] as const),
]);

/**
 * Six hex bytes with any one character between them. Reading goes on beyond the token's comma into the text that
 * follows. A bad byte keeps those before it.
 */
function parseMac(state: ParseState, nic: Nic, entry: string, from: number): void {
  const mac = [0, 0, 0, 0, 0, 0];
  let at = from;
  for (let i = 0; i < 6; i++) {
    const byte = strtoul(entry, 16, at);
    // C keeps the low 32 bits of what it read.
    const value = asUint32(byte.value);
    if (byte.end === 0 || value > 255) {
      say(state, "Invalid parameter `mac'.\n");
      break;
    }
    mac[i] = value;
    at = byte.end + 1;
    if (at > entry.length + 1) at = entry.length;
  }
  const set = mac.some((byte) => byte !== 0);
  nic.mac = set ? mac.map((byte) => byte.toString(16).padStart(2, '0')).join(':') : null;
}

const UINT32_MAX = 0xffffffffn;

/** Models vif_parse_rate_bytes_per_sec(). */
function rateBytesPerSec(text: string): bigint | string {
  if (!/^[0-9]+[GMK]?[bB]\/s$/.test(text)) return 'invalid rate';
  const { value, end } = strtoul(text, 0);
  if (value === 0n || value > UINT32_MAX) return 'rate overflow';
  // A leading 0 makes it octal; reading then stops at an 8 or 9, which stands where the unit is looked for.
  const unit = text[end] ?? '';
  const scale = { G: 1_000_000_000n, M: 1_000_000n, K: 1000n }[unit];
  const bits = unit === 'b' || text[end + 1] === 'b';
  const bytes = value * (scale ?? 1n);
  return bits ? bytes / 8n : bytes;
}

/** Models vif_parse_rate_interval_usecs(). */
function rateIntervalUsecs(text: string): bigint | string {
  if (!/^[0-9]+[mu]?s?$/.test(text)) return 'invalid replenishment interval';
  const { value, end } = strtoul(text, 0);
  const overflow = 'replenishment interval overflow';
  if (value === 0n || value > UINT32_MAX) return overflow;
  const unit = text[end];
  const usecs = value * (unit === undefined || unit === 's' ? 1_000_000n : unit === 'm' ? 1000n : 1n);
  return usecs > UINT32_MAX ? overflow : usecs;
}

/** Reads `RATE[@INTERVAL]`; a bad one ends xl. Models xlu_vif_parse_rate(). */
function parseRate(state: ParseState, nic: Nic, text: string): void {
  const bad = (message: string, near: string): string =>
    `${state.cfg.source}: config parsing error in vif: ${message} in \`${near}'`;
  const at = text.indexOf('@');
  const rate = at < 0 ? text : text.slice(0, at);
  const interval = at < 0 ? null : text.slice(at + 1);
  if (rate === '') die(state, bad('no rate specified', text));
  const bytesPerSec = rateBytesPerSec(rate);
  if (typeof bytesPerSec === 'string') die(state, bad(bytesPerSec, rate));
  const usecs = interval === null ? 50_000n : rateIntervalUsecs(interval);
  if (typeof usecs === 'string') die(state, bad(usecs, interval ?? ''));
  const product = bytesPerSec * usecs;
  if (product > 2n ** 64n - 1n) die(state, bad('rate overflow', text));
  const bytes = product / 1_000_000n;
  nic.rateBytesPerInterval = bytes <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(bytes) : bytes.toString();
  nic.rateIntervalUsecs = Number(usecs);
}

/** Reads one token, which starts at `at` of `entry`. A token it cannot use only gets a warning. */
function parseNicOption(state: ParseState, nic: Nic, entry: string, at: number, token: string): void {
  const option = keyValue(token);
  const key = option?.key ?? '';
  const value = option?.value ?? '';
  const textField = option === null ? undefined : TEXT_OPTIONS.get(key);
  if (textField !== undefined) {
    if (key === 'netdev') {
      say(state, 'the netdev parameter is deprecated, please use gatewaydev instead\n');
    }
    nic[textField] = value;
  } else if (key === 'type') {
    if (value === 'vif') nic.nictype = 'vif';
    else if (value === 'ioemu') nic.nictype = 'vif_ioemu';
    else say(state, "Invalid parameter `type'.\n");
  } else if (key === 'mac') {
    parseMac(state, nic, entry, at + 'mac='.length);
  } else if (key === 'rate') {
    parseRate(state, nic, value);
  } else if (key === 'accel') {
    say(state, 'the accel parameter for vifs is currently not supported\n');
  } else if (key === 'devid') {
    nic.devid = asInt32(parseUlong(state, value));
  } else if (key === 'mtu') {
    nic.mtu = asInt32(parseUlong(state, value));
  } else if (token === 'trusted') {
    nic.trusted = true;
  } else if (token === 'untrusted') {
    nic.trusted = false;
  } else {
    say(state, `unrecognized argument \`${token}'\n`);
  }
}

/** Reads the vif list, and warns about vif2. */
export function parseVif(state: ParseState): void {
  const { config, xlconf } = state;
  for (const entry of deviceEntries(state, 'vif')) {
    const nic: Nic = {
      ...init(nicType),
      devid: config.nics.length,
      script: xlconf.defaultVifscript,
      bridge: xlconf.defaultBridge,
      gatewaydev: xlconf.defaultGatewaydev,
      backendDomname: xlconf.defaultVifbackend,
    };
    for (const match of entry.matchAll(/[^,]+/g)) {
      const token = match[0].replace(/^ +/, '');
      parseNicOption(state, nic, entry, match.index + match[0].length - token.length, token);
    }
    config.nics.push(nic);
  }
  if (readList(state, 'vif2') !== null) {
    say(state, 'WARNING: vif2: netchannel2 is deprecated and not supported by xl\n');
  }
}
