/**
 * What every part of xl's config parser shares: the settings, the config under construction, stderr, and the ways to
 * read a key. Models the locals of parse_config_data(), tools/xl/xl_parse.c.
 */
import { type KiB, kib } from '../hypervisor/units.ts';
import type { DomainConfigDraft } from './domain-config.ts';
import type { Value } from './libxl-idl.ts';
import type { hvmInfo } from './libxl-types-domain.ts';
import { strtoul } from './strtol.ts';
import type { XlConf } from './xl-conf.ts';
import { type Got, getDefbool, getList, getLong, getString, type XluConfig } from './xlu-cfg.ts';
import type { XluList } from './xlu-cfg-value.ts';

/** What parsing needs to know of the host. */
export interface ConfigHost {
  /** Highest cpu id + 1. Models libxl_get_max_cpus(). */
  readonly maxCpus: number;
  /** The cpus of each node, by node id. Models libxl_node_to_cpumap(). */
  readonly nodeCpus: readonly (readonly number[])[];
}

export interface ParseState {
  readonly cfg: XluConfig;
  readonly host: ConfigHost;
  readonly xlconf: XlConf;
  /** Complete pieces of text, in order. */
  readonly stderr: string[];
  /** How much text that is. */
  saidChars: number;
  readonly config: DomainConfigDraft;
  /** Sixteen bytes for `ms_vm_genid="generate"`. */
  readonly genid: readonly number[];
}

/** xl leaves the process from deep inside the parser: exit(3), or a signal by its shell status. */
export class XlExit extends Error {
  override readonly name = 'XlExit';
  readonly status: number;
  constructor(status: number) {
    super(`exit ${status}`);
    this.status = status;
  }
}

/** Simplified: real xl warns without end; this reader says that there is more and leaves. */
const MAX_SAID = 100_000;
const MAX_SAID_CHARS = 2 ** 25;

/** Prints `text` as it is. */
export function say(state: ParseState, text: string): void {
  const { stderr } = state;
  stderr.push(text);
  state.saidChars += text.length;
  if (stderr.length <= MAX_SAID && state.saidChars <= MAX_SAID_CHARS) return;
  stderr.push('xl: too many warnings\n');
  throw new XlExit(1);
}

/** Prints a line and leaves with `status`. */
export function die(state: ParseState, line: string, status = 1): never {
  say(state, `${line}\n`);
  throw new XlExit(status);
}

/** Whether a getter's warning is printed. Xen: dont_warn. */
export type Warn = 'warn' | 'quiet';

function value<T>(state: ParseState, got: Got<T>, warn: Warn): T | null {
  if (!('errno' in got)) return got.value;
  if (warn === 'warn' && got.warning !== '') say(state, got.warning);
  return null;
}

/** The text of a key, null when absent or not a string. Models xlu_cfg_get_string(). */
export const readString = (state: ParseState, key: string, warn: Warn = 'warn'): string | null =>
  value(state, getString(state.cfg, key), warn);

/** A number, null when absent or not one. Models xlu_cfg_get_long(). */
export const readLong = (state: ParseState, key: string, warn: Warn = 'warn'): bigint | null =>
  value(state, getLong(state.cfg, key), warn);

/** Models xlu_cfg_get_defbool(). */
export const readDefbool = (state: ParseState, key: string, warn: Warn = 'warn'): boolean | null =>
  value(state, getDefbool(state.cfg, key), warn);

/** Models xlu_cfg_get_list(). */
export const readList = (state: ParseState, key: string, warn: Warn = 'warn'): XluList | null =>
  value(state, getList(state.cfg, key), warn);

/** A number of MiB as KiB, modulo 2^64; see memkb for values beyond 2^63. */
const mibToMemkb = (mib: bigint): KiB => kib(Number(BigInt.asIntN(64, mib * 1024n)));

/** A size key in MiB, null when absent or not a number. */
export function readMemkb(state: ParseState, key: string): KiB | null {
  const mib = readLong(state, key);
  return mib === null ? null : mibToMemkb(mib);
}

/** The name of `names` that equals `text` in any case, undefined when none does. Models libxl__enum_from_string(). */
export function enumFromString<const N extends string>(names: readonly N[], text: string): N | undefined {
  const lower = text.toLowerCase();
  return names.find((name) => name !== '' && name.toLowerCase() === lower);
}

/** The HVM part of the config under construction, null for other guests. */
export function hvmDraft(state: ParseState): Value<typeof hvmInfo> | null {
  const { type } = state.config.bInfo;
  return type?.tag === 'hvm' ? type.info : null;
}

/** `key=value` of a token, split at the first `=`; null without one. */
export function keyValue(token: string): { readonly key: string; readonly value: string } | null {
  const at = token.indexOf('=');
  return at < 0 ? null : { key: token.slice(0, at), value: token.slice(at + 1) };
}

/** libxl's word against a map of a negative number of cpus. Models libxl_cpu_bitmap_alloc(). */
export const INVALID_CPUS =
  'libxl: error: libxl_utils.c:809:libxl_cpu_bitmap_alloc: invalid number of cpus provided\n';

const ULONG_MAX = 2n ** 64n - 1n;

/** Decimal digits, whatever follows them; none of them ends xl. Models parse_ulong(). */
export function parseUlong(state: ParseState, text: string): bigint {
  const { value, end } = strtoul(text, 10);
  if (end === 0 || value === ULONG_MAX) die(state, `xl: failed to convert "${text}" to number`);
  return value;
}
