/**
 * Paravirtual devices of little syntax: 9pfs, vtpm, pvcalls, channels, displays, USB. Models parse_config_data() and its
 * helpers, tools/xl/xl_parse.c.
 */
import { init } from './libxl-idl.ts';
import {
  channelType,
  p9Type,
  pvcallsifType,
  USBCTRL_TYPES,
  usbctrlType,
  usbdevType,
  vdisplType,
  vtpmType,
} from './libxl-types-device.ts';
import { asUint32, atoi, strtoul } from './strtol.ts';
import { uuidFromString } from './xl-parse-identity.ts';
import { commaTokens, deviceEntries, piecesOf } from './xl-parse-lists.ts';
import { splitAt, splitPair } from './xl-parse-pair.ts';
import { die, enumFromString, keyValue, type ParseState, say, XlExit } from './xl-parse-state.ts';

/** The `key=value` tokens of an entry up to the first without `=`, which ends it. */
function options(state: ParseState, entry: string): { readonly key: string; readonly value: string }[] {
  const found: { readonly key: string; readonly value: string }[] = [];
  for (const token of commaTokens(state, entry)) {
    const option = keyValue(token);
    if (option === null) break;
    found.push(option);
  }
  return found;
}

/** Reads p9. What an entry does not say it has from those before it. */
export function parseP9(state: ParseState): void {
  let p9 = init(p9Type);
  for (const entry of deviceEntries(state, 'p9')) {
    p9 = { ...p9 };
    for (const { key, value } of options(state, entry)) {
      if (key === 'security_model') p9.securityModel = value;
      else if (key === 'path') p9.path = value;
      else if (key === 'tag') p9.tag = value;
      else if (key === 'backend') p9.backendDomname = value;
      else die(state, `Unknown string \`${key}' in 9pfs spec`);
    }
    if (p9.path === null || p9.securityModel === null || p9.tag === null) {
      die(state, '9pfs spec missing required field!');
    }
    state.config.p9s.push(p9);
  }
}

export function parseVtpm(state: ParseState): void {
  const { vtpms } = state.config;
  for (const entry of deviceEntries(state, 'vtpm')) {
    const vtpm = { ...init(vtpmType), devid: vtpms.length };
    let gotBackend = false;
    for (const { key, value } of options(state, entry)) {
      if (key === 'backend') {
        vtpm.backendDomname = value;
        gotBackend = true;
      } else if (key === 'uuid') {
        const uuid = uuidFromString(value);
        if (uuid === undefined) die(state, `Failed to parse vtpm UUID: ${value}`);
        vtpm.uuid = uuid;
      } else {
        die(state, `Unknown string \`${key}' in vtpm spec`);
      }
    }
    if (!gotBackend) die(state, 'vtpm spec missing required backend field!');
    vtpms.push(vtpm);
  }
}

export function parsePvcalls(state: ParseState): void {
  const { pvcallsifs } = state.config;
  for (const entry of deviceEntries(state, 'pvcalls')) {
    const pvcallsif = { ...init(pvcallsifType), devid: pvcallsifs.length };
    for (const { key, value } of options(state, entry)) {
      if (key !== 'backend') die(state, `Unknown string \`${key}' in pvcalls spec`);
      pvcallsif.backendDomname = value;
    }
    pvcallsifs.push(pvcallsif);
  }
}

export function parseChannels(state: ParseState): void {
  const { channels } = state.config;
  for (const entry of deviceEntries(state, 'channel')) {
    const channel = { ...init(channelType), devid: channels.length };
    const pairs = piecesOf(state, entry, ',');
    // xl reads a list of no pairs through a null pointer.
    if (pairs.length === 0) throw new XlExit(139);
    let connection: string | null = null;
    let path: string | null = null;
    for (const text of pairs) {
      const pair = splitPair(text);
      if (pair === null) {
        say(state, `failed to parse channel configuration: ${text}`);
        throw new XlExit(1);
      }
      const { key, value } = pair;
      if (key === 'backend') channel.backendDomname = value;
      else if (key === 'name') channel.name = value;
      else if (key === 'path') path = value;
      else if (key !== 'connection') say(state, `unknown channel parameter '${key}', ignoring\n`);
      else if (value === 'pty' || value === 'socket') connection = value;
      else die(state, `unknown channel connection '${value}'`);
    }
    if (connection === null) die(state, "channel has unknown 'connection'");
    if (connection === 'socket' && path === null) {
      die(state, "channel connection 'socket' requires path=..");
    }
    channel.connection = connection === 'pty' ? { tag: 'pty', info: {} } : { tag: 'socket', info: { path } };
    channels.push(channel);
  }
}

/** `ID:WxH` joined by `;`. Models parse_connector_list(). */
function parseConnectors(
  state: ParseState,
  text: string,
): { uniqueId: string; width: number; height: number }[] {
  const connectors = piecesOf(state, text, ';');
  // Without a connector, or one without its id, xl reads through a null pointer.
  if (connectors.length === 0) throw new XlExit(139);
  return connectors.map((connector) => {
    const pair = splitAt(connector, ':');
    if (pair === null) throw new XlExit(139);
    const width = strtoul(pair.value, 10);
    const height = strtoul(pair.value, 10, width.end + 1);
    if (width.end === 0 || pair.value[width.end] !== 'x' || height.end === 0) {
      die(state, "Can't parse connector resolution");
    }
    return { uniqueId: pair.key, width: asUint32(width.value), height: asUint32(height.value) };
  });
}

export function parseVdispl(state: ParseState): void {
  const { vdispls } = state.config;
  for (const entry of deviceEntries(state, 'vdispl')) {
    const vdispl = { ...init(vdisplType), devid: vdispls.length };
    for (const token of commaTokens(state, entry)) {
      const option = keyValue(token);
      if (option?.key === 'backend') vdispl.backendDomname = option.value;
      else if (option?.key === 'be-alloc') vdispl.beAlloc = strtoul(option.value, 0).value !== 0n;
      else if (option?.key === 'connectors') vdispl.connectors = parseConnectors(state, option.value);
      else die(state, `Unknown string "${token}" in vdispl spec`);
    }
    if (vdispl.connectors.length === 0) die(state, 'At least one connector should be specified.');
    vdispls.push(vdispl);
  }
}

export function parseUsbctrl(state: ParseState): void {
  const { usbctrls } = state.config;
  for (const entry of deviceEntries(state, 'usbctrl')) {
    const usbctrl = { ...init(usbctrlType), devid: usbctrls.length };
    for (const token of commaTokens(state, entry)) {
      const option = keyValue(token);
      if (option?.key === 'type') {
        const type = enumFromString(USBCTRL_TYPES, option.value);
        if (type === undefined) die(state, `Invalid usb controller type '${option.value}'`);
        usbctrl.type = type;
      } else if (option?.key === 'version') usbctrl.version = atoi(option.value);
      else if (option?.key === 'ports') usbctrl.ports = atoi(option.value);
      else die(state, `Unknown string \`${token}' in usbctrl spec`);
    }
    usbctrls.push(usbctrl);
  }
}

const lowByte = (text: string): number => Number(BigInt.asUintN(8, strtoul(text, 0).value));

/** Reads usbdev. The address is kept only where `type=hostdev` was written. */
export function parseUsbdev(state: ParseState): void {
  for (const entry of deviceEntries(state, 'usbdev')) {
    const usbdev = init(usbdevType);
    const address = { hostbus: 0, hostaddr: 0 };
    for (const token of commaTokens(state, entry)) {
      const option = keyValue(token);
      const value = option?.value ?? '';
      switch (option?.key) {
        case 'type':
          if (enumFromString(['hostdev'], value) === undefined) {
            die(state, 'Invalid usb device type: (null)');
          }
          usbdev.type = { tag: 'hostdev', info: address };
          break;
        case 'hostbus':
          address.hostbus = lowByte(value);
          break;
        case 'hostaddr':
          address.hostaddr = lowByte(value);
          break;
        case 'controller':
          usbdev.ctrl = atoi(value);
          break;
        case 'port':
          usbdev.port = atoi(value);
          break;
        default:
          die(state, `Unknown string \`${token}' in usbdev spec`);
      }
    }
    state.config.usbdevs.push(usbdev);
  }
}
