/** Keys only HVM guests have: firmware, display, input. Models both HVM blocks of parse_config_data(), tools/xl/xl_parse.c. */
import {
  BIOS_TYPES,
  GFX_PASSTHRU_KINDS,
  HDTYPES,
  type VENDOR_DEVICES,
  type VGA_INTERFACE_TYPES,
} from './libxl-types-domain.ts';
import { asInt32 } from './strtol.ts';
import { entriesOf, stringList } from './xl-parse-lists.ts';
import {
  die,
  enumFromString,
  hvmDraft,
  type ParseState,
  readDefbool,
  readList,
  readLong,
  readMemkb,
  readString,
  say,
  XlExit,
} from './xl-parse-state.ts';
import { hasSetting } from './xlu-cfg.ts';
import { isList, type XluValue } from './xlu-cfg-value.ts';

type Hvm = NonNullable<ReturnType<typeof hvmDraft>>;

/** The bits of viridian enlightenments, by name. Xen: libxl_viridian_enlightenment. */
const VIRIDIAN_ENLIGHTENMENTS = [
  'base',
  'freq',
  'time_ref_count',
  'reference_tsc',
  'hcall_remote_tlb_flush',
  'apic_assist',
  'crash_ctl',
  'synic',
  'stimer',
  'hcall_ipi',
  'ex_processor_masks',
  'no_vp_limit',
  'cpu_hotplug',
] as const;

/** Models parse_viridian_enlightenments' list form. */
function parseViridianList(state: ParseState, hvm: Hvm, words: readonly XluValue[]): void {
  const enable = new Set<number>();
  const disable = new Set<number>();
  for (const word of words) {
    // xl compares a list with a word through a null pointer.
    if (isList(word)) throw new XlExit(139);
    const negated = word.startsWith('!');
    const name = negated ? word.slice(1) : word;
    if (!negated && name === 'all') {
      for (let bit = 0; bit < 64; bit++) enable.add(bit);
      continue;
    }
    if (!negated && name === 'defaults') {
      hvm.viridian = true;
      continue;
    }
    const found = enumFromString(VIRIDIAN_ENLIGHTENMENTS, name);
    if (found === undefined) die(state, `xl: unknown viridian enlightenment '${name}'`, 3);
    const bit = VIRIDIAN_ENLIGHTENMENTS.indexOf(found);
    (negated ? disable : enable).add(bit);
    (negated ? enable : disable).delete(bit);
  }
  const ascending = (bits: ReadonlySet<number>): number[] => [...bits].sort((a, b) => a - b);
  hvm.viridianEnable = ascending(enable);
  hvm.viridianDisable = ascending(disable);
}

function parseViridian(state: ParseState, hvm: Hvm): void {
  const list = readList(state, 'viridian', 'quiet');
  if (list === null) hvm.viridian = readDefbool(state, 'viridian', 'quiet');
  else parseViridianList(state, hvm, entriesOf(state, list));
}

/** The smallest and largest hole below 4 GiB, in bytes. Xen: HVM_BELOW_4G_MMIO_LENGTH and its upper bound. */
const MMIO_HOLE_MIN = 0x10000000n;
const MMIO_HOLE_MAX = 0xf0000000n;

function parseMmioHole(state: ParseState, hvm: Hvm): void {
  const hole = readLong(state, 'mmio_hole');
  if (hole === null) return;
  const bytes = BigInt.asUintN(64, hole * 1024n * 1024n);
  if (bytes < MMIO_HOLE_MIN || bytes > MMIO_HOLE_MAX) {
    die(state, `ERROR: invalid value ${hole} for "mmio_hole"`);
  }
  hvm.mmioHoleMemkb = readMemkb(state, 'mmio_hole');
}

function parseGenid(state: ParseState, hvm: Hvm): void {
  const genid = readString(state, 'ms_vm_genid');
  if (genid === null || genid === 'none') return;
  if (genid !== 'generate') die(state, 'ERROR: "ms_vm_genid" option must be "generate" or "none"');
  hvm.msVmGenid = [...state.genid];
}

function parseMcaCaps(state: ParseState, hvm: Hvm): void {
  if (!hasSetting(state.cfg, 'mca_caps')) return;
  const list = readList(state, 'mca_caps', 'quiet');
  if (list === null) die(state, 'ERROR: unable to parse mca_caps.', 3);
  for (const word of entriesOf(state, list)) {
    if (isList(word)) throw new XlExit(139);
    if (word !== 'lmce') die(state, `ERROR: unrecognized MCA capability '${word}'.`, 3);
    hvm.mcaCaps = 1;
  }
}

function parseBios(state: ParseState, hvm: Hvm): void {
  hvm.firmware = readString(state, 'firmware_override');
  hvm.systemFirmware = readString(state, 'bios_path_override');
  const bios = readString(state, 'bios');
  if (bios !== null) {
    const type = enumFromString(BIOS_TYPES, bios);
    if (type === undefined) die(state, `ERROR: invalid value "${bios}" for "bios"`);
    hvm.bios = type;
  } else if (hvm.systemFirmware !== null) {
    say(state, 'WARNING: bios_path_override given without specific bios name\n');
  }
}

/** `firmware` overrides `bios`: a bios by name, the words uefi and bios, or a path. */
function parseFirmware(state: ParseState, hvm: Hvm): void {
  const firmware = readString(state, 'firmware');
  if (firmware === null) return;
  if ('uefi'.startsWith(firmware)) hvm.bios = 'ovmf';
  else if ('bios'.startsWith(firmware)) return;
  else {
    const type = enumFromString(BIOS_TYPES, firmware);
    if (type === undefined) hvm.firmware = firmware;
    else hvm.bios = type;
  }
}

/** Reads the firmware and platform keys of an HVM guest. */
export function parseHvmFirmware(state: ParseState): void {
  const hvm = hvmDraft(state);
  if (hvm === null) return;
  const { bInfo } = state.config;
  if (bInfo.kernel !== null && bInfo.kernel.slice(bInfo.kernel.lastIndexOf('/') + 1) === 'hvmloader') {
    say(
      state,
      'WARNING: you seem to be using "kernel" directive to override HVM guest firmware. Ignore that. ' +
        'Use "firmware_override" instead if you really want a non-default firmware\n',
    );
    bInfo.kernel = null;
  }
  parseBios(state, hvm);
  hvm.pae = readDefbool(state, 'pae');
  bInfo.apic = readDefbool(state, 'apic');
  hvm.acpiS3 = readDefbool(state, 'acpi_s3');
  hvm.acpiS4 = readDefbool(state, 'acpi_s4');
  hvm.acpiLaptopSlate = readDefbool(state, 'acpi_laptop_slate');
  hvm.nx = readDefbool(state, 'nx');
  hvm.hpet = readDefbool(state, 'hpet');
  hvm.vptAlign = readDefbool(state, 'vpt_align');
  parseViridian(state, hvm);
  parseMmioHole(state, hvm);
  hvm.altp2m = readDefbool(state, 'altp2mhvm');
  if (hvm.altp2m !== null) {
    say(state, 'WARNING: Specifying "altp2mhvm" is deprecated. Please use "altp2m" instead.\n');
  }
  hvm.smbiosFirmware = readString(state, 'smbios_firmware');
  hvm.acpiFirmware = readString(state, 'acpi_firmware');
  parseGenid(state, hvm);
  hvm.rdmMemBoundaryMemkb = readMemkb(state, 'rdm_mem_boundary');
  parseMcaCaps(state, hvm);
  parseFirmware(state, hvm);
}

/** The names a config uses for a graphics card. */
const VGA_NAMES: ReadonlyMap<string, (typeof VGA_INTERFACE_TYPES)[number]> = new Map([
  ['stdvga', 'std'],
  ['cirrus', 'cirrus'],
  ['none', 'none'],
  ['qxl', 'qxl'],
]);

function parseVga(state: ParseState, hvm: Hvm): void {
  const vga = readString(state, 'vga');
  if (vga !== null) {
    const kind = VGA_NAMES.get(vga);
    if (kind === undefined) die(state, `Unknown vga "${vga}" specified`);
    hvm.vga.kind = kind;
    return;
  }
  const stdvga = readLong(state, 'stdvga');
  if (stdvga !== null) hvm.vga.kind = stdvga === 0n ? 'cirrus' : 'std';
}

function parseSpice(state: ParseState, hvm: Hvm): void {
  const { spice } = hvm;
  const int = (key: string): number => asInt32(readLong(state, key) ?? 0n);
  spice.enable = readDefbool(state, 'spice');
  spice.port = int('spiceport');
  spice.tlsPort = int('spicetls_port');
  spice.host = readString(state, 'spicehost');
  spice.disableTicketing = readDefbool(state, 'spicedisable_ticketing');
  spice.passwd = readString(state, 'spicepasswd');
  spice.agentMouse = readDefbool(state, 'spiceagent_mouse');
  spice.vdagent = readDefbool(state, 'spicevdagent');
  spice.clipboardSharing = readDefbool(state, 'spice_clipboard_sharing');
  spice.usbredirection = int('spiceusbredirection');
  spice.imageCompression = readString(state, 'spice_image_compression');
  spice.streamingVideo = readString(state, 'spice_streaming_video');
}

function parseGfxPassthru(state: ParseState, hvm: Hvm): void {
  const number = readLong(state, 'gfx_passthru', 'quiet');
  if (number !== null) {
    hvm.gfxPassthru = number !== 0n;
    return;
  }
  const text = readString(state, 'gfx_passthru');
  if (text === null) return;
  const kind = enumFromString(GFX_PASSTHRU_KINDS, text);
  if (kind === undefined) die(state, `ERROR: invalid value "${text}" for "gfx_passthru"`);
  hvm.gfxPassthru = true;
  hvm.gfxPassthruKind = kind;
}

/** A key that may be a list or a single value: exactly one of the two results is set. */
function listOrString(
  state: ParseState,
  key: string,
): { readonly list: string[] | null; readonly text: string | null } {
  const list = readList(state, key, 'quiet');
  if (list !== null) return { list: stringList(state, list), text: null };
  return { list: null, text: readString(state, key) };
}

const VENDORS: readonly (typeof VENDOR_DEVICES)[number][] = ['none', 'xenserver'];

/** Reads the display, input and serial keys of an HVM guest. */
export function parseHvmDisplay(state: ParseState): void {
  const hvm = hvmDraft(state);
  if (hvm === null) return;
  parseVga(state, hvm);
  const hdtype = readString(state, 'hdtype');
  if (hdtype !== null) {
    const type = enumFromString(HDTYPES, hdtype);
    if (type === undefined) die(state, `ERROR: invalid value "${hdtype}" for "hdtype"`);
    hvm.hdtype = type;
  }
  hvm.keymap = readString(state, 'keymap');
  parseSpice(state, hvm);
  hvm.nographic = readDefbool(state, 'nographic');
  parseGfxPassthru(state, hvm);
  const serial = listOrString(state, 'serial');
  if (serial.list !== null) hvm.serialList = serial.list;
  hvm.serial = serial.text;
  hvm.boot = readString(state, 'boot');
  hvm.usb = readDefbool(state, 'usb');
  hvm.usbversion = asInt32(readLong(state, 'usbversion') ?? 0n);
  const usbdevice = listOrString(state, 'usbdevice');
  if (usbdevice.list !== null) hvm.usbdeviceList = usbdevice.list;
  hvm.usbdevice = usbdevice.text;
  hvm.vkbDevice = readDefbool(state, 'vkb_device');
  hvm.soundhw = readString(state, 'soundhw');
  hvm.xenPlatformPci = readDefbool(state, 'xen_platform_pci');
  if (hvm.vnc.listen?.includes(':') === true && hvm.vnc.display !== 0) {
    die(state, 'ERROR: Display specified both in vnclisten and vncdisplay!');
  }
  const vendor = readString(state, 'vendor_device');
  if (vendor === null) return;
  const device = enumFromString(VENDORS, vendor);
  if (device === undefined) die(state, `xl: unknown vendor_device '${vendor}'`, 3);
  hvm.vendorDevice = device;
}
