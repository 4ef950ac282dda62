/**
 * PCI devices and reserved memory. Models the pci part of parse_config_data(), tools/xl/xl_parse.c, and
 * tools/libs/util/libxlu_pci.c.
 */
import type { DomainConfigDraft } from './domain-config.ts';
import { RDM_RESERVE_POLICIES } from './libxl-types-domain.ts';
import { atoi } from './strtol.ts';
import { deviceEntries } from './xl-parse-lists.ts';
import {
  die,
  enumFromString,
  hvmDraft,
  type ParseState,
  readDefbool,
  readLong,
  readString,
  say,
} from './xl-parse-state.ts';

type Pci = DomainConfigDraft['pcidevs'][number];

/** `[domain:]bus:dev.func` at the start of a text, func 0-7 or `*`. */
const BDF = /^(?:([0-9a-fA-F]+):)?([0-9a-fA-F]+):([0-9a-fA-F]+)\.([0-7*])/;

/** Reads a device's address into `pci`; its length, or null when there is none. Models parse_bdf(), libxlu_pci.c. */
function parseBdf(pci: Pci, text: string): number | null {
  const match = BDF.exec(text);
  if (match === null) return null;
  const domain = Number.parseInt(match[1] ?? '0', 16);
  const bus = Number.parseInt(match[2]!, 16);
  const dev = Number.parseInt(match[3]!, 16);
  if (domain > 0xffff || bus > 0xff || dev > 0x1f) return null;
  pci.domain = domain;
  pci.bus = bus;
  pci.dev = dev;
  pci.func = match[4] === '*' ? 0 : Number(match[4]);
  pci.vfuncMask = match[4] === '*' ? 0xffffffff : 1;
  return match[0].length;
}

/** Reads a slot; its length, or null when there is none. Models parse_vslot(). */
function parseVslot(pci: Pci, text: string): number | null {
  const match = /^[0-9a-fA-F]+/.exec(text);
  if (match === null) return null;
  const slot = Number.parseInt(match[0], 16);
  if (slot > 0x1f) return null;
  pci.vdevfn = slot * 8;
  return match[0].length;
}

/** Reads one `key=value`; false when the device is refused. */
function parseOption(
  state: ParseState,
  pci: Pci,
  seen: { bdf: boolean },
  key: string,
  value: string,
): boolean {
  switch (key) {
    case 'bdf':
      if (parseBdf(pci, value) === null) return false;
      seen.bdf = true;
      return true;
    case 'vslot':
      return parseVslot(pci, value) !== null;
    case 'permissive':
    case 'msitranslate':
    case 'seize':
      pci[key] = atoi(value) !== 0;
      return true;
    case 'power_mgmt':
      pci.powerMgmt = atoi(value) !== 0;
      return true;
    case 'rdm_policy': {
      const policy = enumFromString(RDM_RESERVE_POLICIES, value);
      if (policy === undefined) {
        say(state, `Unknown RDM policy: ${value}`);
        return false;
      }
      pci.rdmPolicy = policy;
      return true;
    }
    case 'name':
      pci.name = value;
      return true;
    default:
      say(state, `Unknown PCI_SPEC_STRING option: ${key}`);
      return false;
  }
}

/** Reads the address a spec may start with; the offset to go on from, or null when the device is refused. */
function parsePositional(pci: Pci, spec: string, seen: { bdf: boolean }): number | null {
  const bdf = parseBdf(pci, spec);
  if (bdf === null) return 0;
  seen.bdf = true;
  let at = bdf;
  if (spec[at] === '@') {
    const slot = parseVslot(pci, spec.slice(at + 1));
    if (slot === null) return null;
    at += 1 + slot;
  }
  if (at === spec.length) return at;
  return spec[at] === ',' ? at + 1 : null;
}

/** Reads a whole spec: an address, then `key=value` pairs. Models xlu_pci_parse_spec_string(). */
function parseSpec(state: ParseState, pci: Pci, spec: string): boolean {
  const seen = { bdf: false };
  const start = parsePositional(pci, spec, seen);
  if (start === null) return false;
  let rest = spec.slice(start);
  while (rest !== '') {
    // A key reaches up to its `=`, commas and all.
    const match = /^([^=]*)=([^,]*)(?:,|$)/.exec(rest);
    if (match === null) return false;
    if (!parseOption(state, pci, seen, match[1]!, match[2]!)) return false;
    rest = rest.slice(match[0].length);
  }
  return seen.bdf !== (pci.name !== null);
}

/** Reads the pci list and its defaults for every device. */
export function parsePci(state: ParseState): void {
  const { config } = state;
  const { type } = config.bInfo;
  if (type?.tag === 'pv') type.info.e820Host = readDefbool(state, 'e820_host');
  const fallback = (key: string): boolean => (readLong(state, key) ?? 0n) !== 0n;
  const msitranslate = fallback('pci_msitranslate');
  const powerMgmt = fallback('pci_power_mgmt');
  const permissive = fallback('pci_permissive');
  const seize = fallback('pci_seize');
  parseRdm(state);
  // The default is the HVM guest's rdm policy; for other types that memory reads as zero, which is "strict".
  const hvm = hvmDraft(state);
  for (const spec of deviceEntries(state, 'pci')) {
    const pci: Pci = {
      func: 0,
      dev: 0,
      bus: 0,
      domain: 0,
      vdevfn: 0,
      vfuncMask: 0,
      msitranslate,
      powerMgmt,
      permissive,
      seize,
      rdmPolicy: hvm === null ? 'strict' : hvm.rdm.policy,
      name: null,
    };
    const before = state.stderr.length;
    if (!parseSpec(state, pci, spec)) {
      const policyRefused = state.stderr[before]?.startsWith('Unknown RDM policy') ?? false;
      die(state, `unable to parse PCI_SPEC_STRING \`${spec}' for passthrough`, policyRefused ? 3 : 6);
    }
    config.pcidevs.push(pci);
  }
  if (config.pcidevs.length > 0 && type?.tag === 'pv') type.info.e820Host = true;
}

/**
 * Reads the rdm key: `strategy=host` and `policy=…`. A valid policy makes the whole setting be ignored, as in real xl;
 * what no item has set is stored as it happens to be. Models xlu_rdm_parse().
 */
function parseRdm(state: ParseState): void {
  const text = readString(state, 'rdm');
  if (text === null) return;
  let strategy: 'host' | '' = '';
  let rest = text;
  for (;;) {
    const match = /^([^=]*)=([^,]*)(,?)/.exec(rest);
    // What does not end in a value is refused without a word.
    if (match === null) return;
    const [item, key, value, comma] = match;
    if (key === 'strategy') {
      if (value !== 'host') {
        say(state, `Unknown RDM strategy option: ${value}`);
        return;
      }
      strategy = 'host';
    } else if (key === 'policy') {
      if (enumFromString(RDM_RESERVE_POLICIES, value ?? '') !== undefined) return;
      say(state, `Unknown RDM policy: ${value}`);
    } else {
      say(state, `Unknown RDM state option: ${key}`);
      return;
    }
    if (comma === '') break;
    rest = rest.slice(item.length);
  }
  const hvm = hvmDraft(state);
  if (hvm === null) return;
  hvm.rdm.strategy = strategy;
  hvm.rdm.policy = '';
}
