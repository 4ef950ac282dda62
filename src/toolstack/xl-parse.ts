/**
 * From the text of a guest's config to what libxl is asked to build. Models parse_config_data() and the config part of
 * create_domain(), tools/xl/xl_parse.c and xl_vmcontrol.c.
 *
 * Text in and out holds one byte per character ("latin1"), so that bytes come out as they went in.
 */
import { type DomainConfig, domainConfigInit } from './domain-config.ts';
import { type Memo, newMemo } from './memo.ts';
import type { XlConf } from './xl-conf.ts';
import { parseBoot, parsePassthrough, parsePvBoot } from './xl-parse-boot.ts';
import { applyGlobalAffinityMasks } from './xl-parse-cpus.ts';
import { parseDevices } from './xl-parse-devices.ts';
import { parseDeviceModel } from './xl-parse-dm.ts';
import { parseHvmDisplay, parseHvmFirmware } from './xl-parse-hvm.ts';
import { parseIdentity } from './xl-parse-identity.ts';
import { parseIo } from './xl-parse-io.ts';
import { parseLast } from './xl-parse-last.ts';
import { parsePci } from './xl-parse-pci.ts';
import { type ConfigHost, type ParseState, XlExit } from './xl-parse-state.ts';
import { parseVcpusAndMemory } from './xl-parse-vcpus.ts';
import { xluCfgReaddata } from './xlu-cfg-parse.ts';

/** What a config is read with. */
export interface ParseConfigInput {
  /** The config's text, overrides of the command line included; see withOverrides(). */
  readonly text: string;
  /** The name messages print: the path as the user gave it. */
  readonly source: string;
  readonly xlconf: XlConf;
  readonly host: ConfigHost;
  /** The uuid of a guest whose config names none. */
  readonly uuid: string;
  /** Sixteen bytes for `ms_vm_genid="generate"`. */
  readonly genid: readonly number[];
  /** `xl create -i`. Xen: ignore_global_affinity_masks. */
  readonly ignoreGlobalAffinityMasks?: boolean;
}

/**
 * What came of it. `config` is null when xl gave up, and `exit` then is the process's status (134 and 139 are the
 * shell's for SIGABRT and SIGSEGV); otherwise `exit` is 0 and `stderr` holds warnings. `stderr` is text as printed, in
 * order, without the line "Parsing config from …".
 */
export interface ParsedConfig {
  readonly config: DomainConfig | null;
  readonly stderr: string;
  readonly exit: number;
}

/** The config's text with the command line's `key=value` words after it. Models string_realloc_append() in xl create. */
export const withOverrides = (text: string, words: readonly string[]): string =>
  words.length === 0 ? text : `${text}\n${words.join('\n')}\n\n`;

function parseKeys(state: ParseState, input: ParseConfigInput): void {
  parseIdentity(state, input.uuid);
  state.config.bInfo.blkdevStart = input.xlconf.blkdevStart;
  parseVcpusAndMemory(state);
  parsePci(state);
  parsePassthrough(state);
  parseBoot(state);
  if (state.config.cInfo.type === 'hvm') parseHvmFirmware(state);
  else parsePvBoot(state);
  parseIo(state);
  parseDevices(state);
  parseDeviceModel(state);
  parseHvmDisplay(state);
  parseLast(state);
  if (input.ignoreGlobalAffinityMasks !== true) applyGlobalAffinityMasks(state);
}

/** Reads a guest's config. */
export function parseConfig(input: ParseConfigInput): ParsedConfig {
  const read = xluCfgReaddata(input);
  if (!read.ok) {
    if (read.aborted) return { config: null, stderr: read.stderr, exit: 134 };
    const stderr = `${read.stderr}Failed to parse config: Invalid argument\n`;
    return { config: null, stderr, exit: 1 };
  }
  const state: ParseState = {
    cfg: read.cfg,
    host: input.host,
    xlconf: input.xlconf,
    stderr: [],
    saidChars: 0,
    config: domainConfigInit(),
    genid: input.genid,
  };
  try {
    parseKeys(state, input);
  } catch (left) {
    if (!(left instanceof XlExit)) throw left;
    return { config: null, stderr: state.stderr.join(''), exit: left.status };
  }
  return { config: state.config, stderr: state.stderr.join(''), exit: 0 };
}

/** Stands for a generation id: real ones have sixteen bytes, and a config that asks for none has none. */
const OPEN_GENID: readonly number[] = [0];

/**
 * The same, and cheaper for a config that has been read before. What a guest is given of its own, uuid and generation
 * id, is left open in what is remembered.
 */
export function parseConfigAgain(memo: Memo, input: ParseConfigInput): ParsedConfig {
  const { xlconf, host, ignoreGlobalAffinityMasks = false } = input;
  // One memory for each xl.conf and each shape of the host.
  const ofConf = memo('guests by xl.conf', xlconf, newMemo);
  const ofHost = ofConf('guests by host', host.nodeCpus, newMemo);
  const key = `${host.maxCpus} ${ignoreGlobalAffinityMasks} ${input.source.length} ${input.source}${input.text}`;
  const open = ofHost('guest', key, () => parseConfig({ ...input, uuid: '', genid: OPEN_GENID }));
  const { config } = open;
  if (config === null) return open;
  const { cInfo } = config;
  const { type } = config.bInfo;
  if (type?.tag === 'hvm' && type.info.msVmGenid.length === OPEN_GENID.length) return parseConfig(input);
  return cInfo.uuid === '' ? { ...open, config: { ...config, cInfo: { ...cInfo, uuid: input.uuid } } } : open;
}
