/**
 * Frame buffers and keyboards. Models the vfb, vnc and vkb parts of parse_config_data(), parse_top_level_vnc_options(),
 * parse_top_level_sdl_options() and parse_vkb_config(), tools/xl/xl_parse.c.
 */
import type { DomainConfigDraft } from './domain-config.ts';
import { init } from './libxl-idl.ts';
import { VKB_BACKENDS, vfbType, vkbType } from './libxl-types-device.ts';
import { asInt32, asUint32, atoi, strtoul } from './strtol.ts';
import { commaTokens, deviceEntries } from './xl-parse-lists.ts';
import {
  die,
  enumFromString,
  hvmDraft,
  keyValue,
  type ParseState,
  readDefbool,
  readLong,
  readString,
} from './xl-parse-state.ts';

type Vfb = DomainConfigDraft['vfbs'][number];
type Vkb = DomainConfigDraft['vkbs'][number];

/** Adds a frame buffer and the keyboard that goes with it. */
function addVfb(state: ParseState): Vfb {
  const { vfbs, vkbs } = state.config;
  const vfb = { ...init(vfbType), devid: vfbs.length };
  vfbs.push(vfb);
  vkbs.push({ ...init(vkbType), devid: vkbs.length });
  return vfb;
}

/** Sets one option of a vfb entry; unknown ones are passed over. */
function setVfbOption(vfb: Vfb, key: string, value: string): void {
  const yes = atoi(value) !== 0;
  if (key === 'vnc') vfb.vnc.enable = yes;
  else if (key === 'vnclisten') vfb.vnc.listen = value;
  else if (key === 'vncpasswd') vfb.vnc.passwd = value;
  else if (key === 'vncdisplay') vfb.vnc.display = atoi(value);
  else if (key === 'vncunused') vfb.vnc.findunused = yes;
  else if (key === 'keymap') vfb.keymap = value;
  else if (key === 'sdl') vfb.sdl.enable = yes;
  else if (key === 'opengl') vfb.sdl.opengl = yes;
  else if (key === 'display') vfb.sdl.display = value;
  else if (key === 'xauthority') vfb.sdl.xauthority = value;
}

/** Reads the vfb list. */
export function parseVfb(state: ParseState): void {
  for (const entry of deviceEntries(state, 'vfb')) {
    const vfb = addVfb(state);
    for (const token of commaTokens(state, entry)) {
      const option = keyValue(token);
      if (option === null) break;
      setVfbOption(vfb, option.key, option.value);
    }
  }
}

function readVnc(state: ParseState): Vfb['vnc'] {
  return {
    enable: readDefbool(state, 'vnc'),
    listen: readString(state, 'vnclisten'),
    passwd: readString(state, 'vncpasswd'),
    display: asInt32(readLong(state, 'vncdisplay') ?? 0n),
    findunused: readDefbool(state, 'vncunused'),
  };
}

function readSdl(state: ParseState): Vfb['sdl'] {
  return {
    enable: readDefbool(state, 'sdl'),
    opengl: readDefbool(state, 'opengl'),
    display: readString(state, 'display'),
    xauthority: readString(state, 'xauthority'),
  };
}

/**
 * Reads vnc, sdl and their like. A PV guest without a vfb gets one from them if vnc is on; in an HVM guest they are its
 * own; elsewhere they are read and lead to nothing.
 */
export function parseVncKeys(state: ParseState): void {
  const { config } = state;
  if (config.cInfo.type === 'pv' && config.vfbs.length === 0) {
    if ((readLong(state, 'vnc') ?? 0n) === 0n) return;
    const vfb = addVfb(state);
    vfb.vnc = readVnc(state);
    vfb.sdl = readSdl(state);
    vfb.keymap = readString(state, 'keymap');
    return;
  }
  const vnc = readVnc(state);
  const sdl = readSdl(state);
  const hvm = hvmDraft(state);
  if (hvm === null) return;
  hvm.vnc = vnc;
  hvm.sdl = sdl;
}

const unsigned = (text: string): number => asUint32(strtoul(text, 0).value);

function setVkbOption(state: ParseState, vkb: Vkb, token: string): void {
  const option = keyValue(token);
  const value = option?.value ?? '';
  const yes = strtoul(value, 0).value !== 0n;
  switch (option?.key) {
    case 'backend':
      vkb.backendDomname = value;
      break;
    case 'backend-type': {
      const type = enumFromString(VKB_BACKENDS, value);
      if (type === undefined) die(state, `Unknown backend_type "${value}" in vkb spec`);
      vkb.backendType = type;
      break;
    }
    case 'unique-id':
      vkb.uniqueId = value;
      break;
    case 'feature-disable-keyboard':
      vkb.featureDisableKeyboard = yes;
      break;
    case 'feature-disable-pointer':
      vkb.featureDisablePointer = yes;
      break;
    case 'feature-abs-pointer':
      vkb.featureAbsPointer = yes;
      break;
    case 'feature-raw-pointer':
      vkb.featureRawPointer = yes;
      break;
    case 'feature-multi-touch':
      vkb.featureMultiTouch = yes;
      break;
    case 'multi-touch-width':
      vkb.multiTouchWidth = unsigned(value);
      break;
    case 'multi-touch-height':
      vkb.multiTouchHeight = unsigned(value);
      break;
    case 'multi-touch-num-contacts':
      vkb.multiTouchNumContacts = unsigned(value);
      break;
    case 'width':
      vkb.width = unsigned(value);
      break;
    case 'height':
      vkb.height = unsigned(value);
      break;
    default:
      die(state, `Unknown string "${token}" in vkb spec`);
  }
}

/** Reads the vkb list; its keyboards follow those of the frame buffers. */
export function parseVkb(state: ParseState): void {
  const { vkbs } = state.config;
  for (const entry of deviceEntries(state, 'vkb')) {
    const vkb = { ...init(vkbType), devid: vkbs.length };
    for (const token of commaTokens(state, entry)) setVkbOption(state, vkb, token);
    if (vkb.backendType === 'unknown') die(state, 'backend-type should be set in vkb spec');
    const touch = vkb.multiTouchWidth + vkb.multiTouchHeight + vkb.multiTouchNumContacts > 0;
    if (touch) vkb.featureMultiTouch = true;
    if (vkb.featureMultiTouch && !touch) {
      die(
        state,
        'multi-touch-width, multi-touch-height, multi-touch-num-contacts should be set for multi touch in vkb spec',
      );
    }
    vkbs.push(vkb);
  }
}
