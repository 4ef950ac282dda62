/**
 * PCI devices and reserved memory. Models the pci part of parse_config_data(), tools/xl/xl_parse.c, and
 * tools/libs/util/libxlu_pci.c.
 */
import type { DomainConfigDraft } from './domain-config.ts';
import { RDM_RESERVE_POLICIES } from './libxl-types-domain.ts';
import { atoi } from './strtol.ts';
import {
  deviceEntries,
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

/** `[domain:]bus:dev.func`, func 0-7 or `*`. */
const BDF = /^(?:([0-9a-fA-F]+):)?([0-9a-fA-F]+):([0-9a-fA-F]+)\.([0-7*])$/;

/** Reads a device's address into `pci`; false when it is none. Models parse_bdf(), libxlu_pci.c. */
function parseBdf(pci: Pci, text: string): boolean {
  const match = BDF.exec(text);
  if (match === null) return false;
  const domain = Number.parseInt(match[1] ?? '0', 16);
  const bus = Number.parseInt(match[2]!, 16);
  const dev = Number.parseInt(match[3]!, 16);
  if (domain > 0xffff || bus > 0xff || dev > 0x1f) return false;
  pci.domain = domain;
  pci.bus = bus;
  pci.dev = dev;
  pci.func = match[4] === '*' ? 0 : Number(match[4]);
  pci.vfuncMask = match[4] === '*' ? 0xffffffff : 1;
  return true;
}

function parseVslot(pci: Pci, text: string): boolean {
  if (!/^[0-9a-fA-F]+$/.test(text)) return false;
  const slot = Number.parseInt(text, 16);
  if (slot > 0x1f) return false;
  pci.vdevfn = slot * 8;
  return true;
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
      if (!parseBdf(pci, value)) return false;
      seen.bdf = true;
      return true;
    case 'vslot':
      return parseVslot(pci, value);
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

/** Reads a whole spec. Models xlu_pci_parse_spec_string(). */
function parseSpec(state: ParseState, pci: Pci, spec: string): boolean {
  const seen = { bdf: false };
  let rest = spec;
  // A first word without `=` is the address, with its slot after `@`.
  const first = /^[^=,]*(?=,|$)/.exec(spec);
  if (first !== null) {
    const [bdf, slot, more] = first[0].split('@');
    if (bdf === undefined || more !== undefined || !parseBdf(pci, bdf)) return false;
    if (slot !== undefined && !parseVslot(pci, slot)) return false;
    seen.bdf = true;
    rest = spec.slice(first[0].length + 1);
  }
  while (rest !== '') {
    const match = /^([^=,]*)=([^,]*)(?:,|$)/.exec(rest);
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
 * Reads the rdm key. A valid policy makes the whole setting be ignored, as in real xl; `strategy=host` alone is stored
 * with a policy nobody has set. Models xlu_rdm_parse().
 */
function parseRdm(state: ParseState): void {
  const text = readString(state, 'rdm');
  if (text === null) return;
  const hvm = hvmDraft(state);
  let strategy: 'ignore' | 'host' = 'ignore';
  const store = (): void => {
    if (hvm === null) return;
    hvm.rdm.strategy = strategy;
    hvm.rdm.policy = '';
  };
  for (const item of text.split(',')) {
    const at = item.indexOf('=');
    const key = at < 0 ? item : item.slice(0, at);
    const value = at < 0 ? '' : item.slice(at + 1);
    if (key === 'strategy') {
      if (value !== 'host') {
        say(state, `Unknown RDM strategy option: ${value}`);
        return;
      }
      strategy = 'host';
    } else if (key === 'policy') {
      if (enumFromString(['strict', 'relaxed'], value) !== undefined) return;
      say(state, `Unknown RDM policy: ${value}`);
      store();
      return;
    } else {
      say(state, `Unknown RDM state option: ${item}`);
      return;
    }
  }
  store();
}
