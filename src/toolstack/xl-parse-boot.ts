/**
 * What the guest boots and the keys around it: passthrough, time, kernel, bootloader. Models the third part of
 * parse_config_data(), tools/xl/xl_parse.c.
 */
import { PASSTHROUGHS, TIMER_MODES, TSC_MODES } from './libxl-types-domain.ts';
import { asInt32, asUint32 } from './strtol.ts';
import { deviceEntries, piecesOf, stringList } from './xl-parse-lists.ts';
import {
  die,
  enumFromString,
  type ParseState,
  readDefbool,
  readList,
  readLong,
  readMemkb,
  readString,
  say,
} from './xl-parse-state.ts';

/** Where Debian's firmware images lie. Xen: libxl_xenfirmwaredir_path(). */
const XEN_FIRMWARE_DIR = '/usr/lib/xen-4.17/boot';

/** xl's words for a mode given as a number; the name is missing when the number has none. */
const deprecatedInteger = (key: string, name: string | undefined): string =>
  `WARNING: specifying "${key}" as an integer is deprecated. Please use the named parameter variant. ${
    name === undefined ? '' : `e.g. ${key}="${name}"`
  }\n`;

function parseTscMode(state: ParseState): void {
  const { bInfo } = state.config;
  const mode = readLong(state, 'tsc_mode', 'quiet');
  if (mode !== null) {
    say(state, deprecatedInteger('tsc_mode', TSC_MODES[asInt32(mode)]));
    const named = mode < 0n || mode > 3n ? undefined : TSC_MODES[Number(mode)];
    if (named === undefined) die(state, `ERROR: invalid value ${mode} for "tsc_mode"`);
    bInfo.tscMode = named;
    return;
  }
  const text = readString(state, 'tsc_mode');
  if (text === null) return;
  say(state, `got a tsc mode string: "${text}"\n`);
  const named = enumFromString(TSC_MODES, text);
  if (named === undefined) die(state, `ERROR: invalid value "${text}" for "tsc_mode"`);
  bInfo.tscMode = named;
}

function refuseTimerModeOnPv(state: ParseState): void {
  if (state.config.cInfo.type !== 'pv') return;
  die(state, 'ERROR: "timer_mode" option is not supported for PV guests.', 3);
}

function parseTimerMode(state: ParseState): void {
  const { bInfo } = state.config;
  const mode = readLong(state, 'timer_mode', 'quiet');
  if (mode !== null) {
    refuseTimerModeOnPv(state);
    // The IDL's first name, unknown, is -1.
    say(state, deprecatedInteger('timer_mode', TIMER_MODES[asInt32(mode) + 1]));
    const named = mode < 0n || mode > 3n ? undefined : TIMER_MODES[Number(mode) + 1];
    if (named === undefined) die(state, `ERROR: invalid value ${mode} for "timer_mode"`);
    bInfo.timerMode = named;
    return;
  }
  const text = readString(state, 'timer_mode');
  if (text === null) return;
  refuseTimerModeOnPv(state);
  const named = enumFromString(TIMER_MODES, text);
  if (named === undefined) die(state, `ERROR: invalid value "${text}" for "timer_mode"`);
  bInfo.timerMode = named;
}

/** The kernel's command line. Models parse_cmdline(). */
function parseCmdline(state: ParseState): string | null {
  const cmdline = readString(state, 'cmdline');
  const root = readString(state, 'root');
  const extra = readString(state, 'extra');
  if (cmdline !== null) {
    if (root !== null || extra !== null) {
      say(state, 'Warning: ignoring root= and extra= in favour of cmdline=\n');
    }
    return cmdline;
  }
  if (root === null) return extra;
  return extra === null ? `root=${root}` : `root=${root} ${extra}`;
}

function parseBootloader(state: ParseState): void {
  const { bInfo } = state.config;
  bInfo.bootloader = readString(state, 'bootloader');
  const list = readList(state, 'bootloader_args', 'quiet');
  if (list !== null) {
    bInfo.bootloaderArgs = stringList(state, list);
    return;
  }
  const text = readString(state, 'bootloader_args');
  if (text === null) return;
  const warning =
    'WARNING: Specifying "bootloader_args" as a string is deprecated. Please use a list of arguments.';
  const words = piecesOf(state, text, ' \t\n');
  // Without any word xl reads a null pointer.
  if (words.length === 0) die(state, warning, 139);
  say(state, `${warning}\n`);
  bInfo.bootloaderArgs = words;
}

/** Reads dtdev and passthrough. */
export function parsePassthrough(state: ParseState): void {
  const { config } = state;
  config.dtdevs = deviceEntries(state, 'dtdev').map((path) => ({ path }));
  const passthrough = readString(state, 'passthrough');
  if (passthrough === null) return;
  const type = enumFromString(PASSTHROUGHS, passthrough);
  if (type === undefined || type === 'unknown') {
    die(state, `ERROR: unknown passthrough option '${passthrough}'`);
  }
  config.cInfo.passthrough = type;
}

/** Reads what all types of guest have: memory overheads, time, kernel, bootloader. */
export function parseBoot(state: ParseState): void {
  const { cInfo, bInfo } = state.config;
  bInfo.shadowMemkb = readMemkb(state, 'shadow_memory');
  bInfo.disableMigrate = readDefbool(state, 'nomigrate');
  parseTscMode(state);
  const offset = readLong(state, 'rtc_timeoffset');
  if (offset !== null) bInfo.rtcTimeoffset = asUint32(offset);
  if (readLong(state, 'vncviewer') !== null) {
    say(
      state,
      'WARNING: ignoring "vncviewer" option. Use "-V" option of "xl create" to automatically spawn vncviewer.\n',
    );
  }
  bInfo.localtime = readDefbool(state, 'localtime');
  bInfo.videoMemkb = readMemkb(state, 'videoram');
  const channels = readLong(state, 'max_event_channels');
  if (channels !== null) bInfo.eventChannels = asUint32(channels);
  bInfo.kernel = readString(state, 'kernel');
  bInfo.ramdisk = readString(state, 'ramdisk');
  bInfo.deviceTree = readString(state, 'device_tree');
  bInfo.cmdline = parseCmdline(state);
  cInfo.driverDomain = readDefbool(state, 'driver_domain');
  bInfo.acpi = readDefbool(state, 'acpi');
  parseBootloader(state);
  parseTimerMode(state);
  bInfo.nestedHvm = readDefbool(state, 'nestedhvm');
}

/** What a PV or PVH guest boots: a kernel, a bootloader, or grub as firmware. */
export function parsePvBoot(state: ParseState): void {
  const { bInfo } = state.config;
  const firmware = readString(state, 'firmware');
  if (firmware !== null) {
    if (bInfo.kernel !== null) die(state, 'ERROR: both kernel and firmware specified');
    if (!'pvgrub32'.startsWith(firmware) && !'pvgrub64'.startsWith(firmware)) {
      die(state, 'ERROR: only pvgrub{32|64} supported as firmware options');
    }
    bInfo.kernel = `${XEN_FIRMWARE_DIR}/${firmware}.bin`;
  }
  if (bInfo.bootloader === null && bInfo.kernel === null) {
    die(state, 'Neither kernel nor bootloader specified');
  }
}
