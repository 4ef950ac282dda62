/** Who the guest is: type, name, uuid, pool. Models the first part of parse_config_data(), tools/xl/xl_parse.c. */
import { init } from './libxl-idl.ts';
import { type DOMAIN_TYPES, hvmInfo } from './libxl-types-domain.ts';
import { die, type ParseState, readDefbool, readString } from './xl-parse-state.ts';

type DomainTypeName = (typeof DOMAIN_TYPES)[number];

/** The type keys match by prefix: "" and "h" mean hvm. */
const isPrefixOf = (text: string, word: string): boolean => word.startsWith(text);

function namedType(state: ParseState, text: string): DomainTypeName {
  if (isPrefixOf(text, 'hvm')) return 'hvm';
  if (isPrefixOf(text, 'pv')) return 'pv';
  if (isPrefixOf(text, 'pvh')) return 'pvh';
  return die(state, `Invalid domain type ${text}.`);
}

function builderType(state: ParseState, text: string): DomainTypeName {
  if (isPrefixOf(text, 'hvm')) return 'hvm';
  if (isPrefixOf(text, 'generic')) return 'pv';
  return die(state, `Invalid domain type ${text}.`);
}

function domainType(state: ParseState): DomainTypeName {
  const type = readString(state, 'type');
  const byType = type === null ? null : namedType(state, type);
  const builder = readString(state, 'builder');
  if (builder === null) return byType ?? 'pv';
  const byBuilder = builderType(state, builder);
  if (byType !== null && byType !== byBuilder) {
    die(state, 'Contradicting "builder" and "type" options specified.');
  }
  return byBuilder;
}

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;
const NIL_UUID = '00000000-0000-0000-0000-000000000000';

/** A uuid in its usual lower-case text; null for the all-zero one, undefined for no uuid. Models libxl_uuid_from_string(). */
export function uuidFromString(text: string): string | null | undefined {
  if (!UUID.test(text)) return undefined;
  const uuid = text.toLowerCase();
  return uuid === NIL_UUID ? null : uuid;
}

function parseSeclabels(state: ParseState): void {
  const { cInfo, bInfo } = state.config;
  const initSeclabel = readString(state, 'init_seclabel');
  if (initSeclabel !== null) cInfo.ssidLabel = initSeclabel;
  const seclabel = readString(state, 'seclabel');
  if (seclabel === null) return;
  if (initSeclabel === null) cInfo.ssidLabel = seclabel;
  else bInfo.execSsidLabel = seclabel;
}

/** Sets the variant of the keyed union that belongs to the type. Models libxl_domain_build_info_init_type(). */
function initType(state: ParseState, type: DomainTypeName): void {
  const { bInfo } = state.config;
  if (type === 'hvm') bInfo.type = { tag: 'hvm', info: init(hvmInfo) };
  else if (type === 'pv')
    bInfo.type = { tag: 'pv', info: { slackMemkb: null, features: null, e820Host: null } };
  else {
    const info = { pvshim: null, pvshimPath: null, pvshimCmdline: null, pvshimExtra: null };
    bInfo.type = { tag: 'pvh', info };
  }
}

function parsePvshim(state: ParseState): void {
  const { type } = state.config.bInfo;
  if (type?.tag !== 'pvh') return;
  type.info.pvshim = readDefbool(state, 'pvshim');
  type.info.pvshimPath = readString(state, 'pvshim_path');
  type.info.pvshimCmdline = readString(state, 'pvshim_cmdline');
  type.info.pvshimExtra = readString(state, 'pvshim_extra');
}

/** Fills create_info. `uuid` is what a config without one gets. */
export function parseIdentity(state: ParseState, uuid: string): void {
  const { cInfo } = state.config;
  parseSeclabels(state);
  cInfo.runHotplugScripts = state.xlconf.runHotplugScripts;
  const type = domainType(state);
  cInfo.type = type;
  cInfo.hap = readDefbool(state, 'hap');
  const name = readString(state, 'name');
  if (name === null) die(state, 'Domain name must be specified.');
  cInfo.name = name;
  const given = readString(state, 'uuid');
  const parsed = given === null ? uuid : uuidFromString(given);
  if (parsed === undefined) die(state, `Failed to parse UUID: ${given}`);
  cInfo.uuid = parsed;
  cInfo.oos = readDefbool(state, 'oos');
  cInfo.poolName = readString(state, 'pool');
  initType(state, type);
  parsePvshim(state);
}
