/**
 * CPU sets and the affinity of vcpus. Models parse_cpurange(), update_cpumap_range(), cpurange_parse() and
 * parse_vcpu_affinity(), tools/xl/xl_parse.c.
 */
import { strtoul } from './strtol.ts';
import { checkMaps } from './xl-parse-limits.ts';
import { stringList } from './xl-parse-lists.ts';
import { die, type ParseState, readList, readString, say, XlExit } from './xl-parse-state.ts';

/** A bitmap's width: its bits come in whole bytes. */
const width = (bits: number): number => Math.ceil(bits / 8) * 8;

/** Adds `first`…`last` to the set, or takes them away; what lies beyond `limit` is ignored. */
function update(set: Set<number>, first: number, last: number, limit: number, remove: boolean): void {
  for (let cpu = first; cpu <= Math.min(last, limit - 1); cpu++) {
    if (remove) set.delete(cpu);
    else set.add(cpu);
  }
}

const ULONG_MAX = 2n ** 64n - 1n;

/**
 * `N` or `N-M`, decimal, to the end of `text`. `ok` is false when it is bad or reversed; `first` and `last` are what
 * was read all the same. Models parse_range().
 */
export function parseRange(text: string): {
  readonly first: number;
  readonly last: number;
  readonly ok: boolean;
} {
  const plain = /^([0-9]{1,15})(?:-([0-9]{1,15}))?$/.exec(text);
  if (plain !== null) {
    const first = Number(plain[1]);
    const last = plain[2] === undefined ? first : Number(plain[2]);
    return { first, last, ok: last >= first };
  }
  const start = strtoul(text, 10);
  const first = Number(start.value);
  if (start.end === 0 || start.value === ULONG_MAX) return { first, last: first, ok: false };
  if (text[start.end] !== '-') return { first, last: first, ok: start.end === text.length };
  const stop = strtoul(text, 10, start.end + 1);
  const ok = stop.end === text.length && stop.value !== ULONG_MAX && stop.value >= start.value;
  return { first, last: Number(stop.value), ok };
}

/** What a node holds, by node id: cpu ids. Only cpus below the node map's width are ever seen. */
type NodeCpus = readonly (readonly number[])[];

/** A CPU set's outcome: the set built so far, and the text of what is wrong with it. */
export interface ParsedCpus {
  readonly cpus: Set<number>;
  readonly error: string | null;
}

/**
 * Reads a CPU set. `nodeCpus` resolves `node:`; as real xl does, it looks at a map no wider than the number of nodes,
 * so that only the first few cpus can come from it.
 */
export function cpurangeParse(
  text: string,
  host: { readonly maxCpus: number; readonly nodeCpus: NodeCpus },
): ParsedCpus {
  const cpus = new Set<number>();
  const limit = width(host.maxCpus);
  for (let at = 0, end = 0; at < text.length; at = end + 1) {
    const comma = text.indexOf(',', at);
    end = comma < 0 ? text.length : comma;
    let rest = text.slice(at, end);
    if (rest === '') continue;
    const remove = rest.startsWith('^');
    if (remove) rest = rest.slice(1);
    const nodes = /^nodes?:/.exec(rest);
    if (nodes !== null) rest = rest.slice(nodes[0].length);
    if (rest === 'all') {
      if (remove) return { cpus, error: `Can't combine "^" and "all".\n` };
      update(cpus, 0, limit - 1, limit, false);
      continue;
    }
    const range = parseRange(rest);
    if (!range.ok) return { cpus, error: `Invalid pcpu range: ${rest}.\n` };
    if (nodes === null) {
      update(cpus, range.first, range.last, limit, remove);
      continue;
    }
    const seen = width(host.nodeCpus.length);
    for (let node = range.first; node <= Math.min(range.last, host.nodeCpus.length - 1); node++) {
      for (const cpu of host.nodeCpus[node] ?? []) {
        if (cpu < seen) update(cpus, cpu, cpu, limit, remove);
      }
    }
  }
  return { cpus, error: null };
}

const sorted = (cpus: ReadonlySet<number>): number[] => [...cpus].sort((a, b) => a - b);

function cpuSet(state: ParseState, text: string): number[] {
  const { cpus, error } = cpurangeParse(text, state.host);
  if (error !== null) {
    say(state, error);
    throw new XlExit(1);
  }
  return sorted(cpus);
}

/** One map per vcpu from the key, null when it is not there. */
function affinity(
  state: ParseState,
  key: string,
): { readonly maps: number[][]; readonly list: boolean } | null {
  const { maxVcpus } = state.config.bInfo;
  const list = readList(state, key, 'quiet');
  if (list !== null) {
    const maps = stringList(state, list).slice(0, Math.max(maxVcpus, 0));
    return { maps: maps.map((text) => cpuSet(state, text)), list: true };
  }
  const text = readString(state, key);
  if (text === null) return null;
  checkMaps(state, maxVcpus);
  const map = cpuSet(state, text);
  return { maps: Array.from({ length: Math.max(maxVcpus, 0) }, () => map), list: false };
}

/** Reads cpus and cpus_soft. */
export function parseAffinity(state: ParseState): void {
  const { bInfo } = state.config;
  const hard = affinity(state, 'cpus');
  if (hard !== null) bInfo.vcpuHardAffinity = hard.maps;
  if (hard?.list === true) bInfo.numaPlacement = false;
  const soft = affinity(state, 'cpus_soft');
  if (soft === null) return;
  bInfo.vcpuSoftAffinity = soft.maps;
  bInfo.numaPlacement = false;
}

/** The mask of a setting of xl.conf; a bad text prints its error and leaves what was read before it. */
function globalMask(state: ParseState, text: string | null): ReadonlySet<number> | null {
  if (text === null) return null;
  return cpurangeParse(text, state.host).cpus;
}

/**
 * Limits every vcpu's hard affinity by xl.conf's masks for all guests and for this type of guest; without a hard
 * affinity a mask that is not full makes one. Models apply_global_affinity_masks().
 */
export function applyGlobalAffinityMasks(state: ParseState): void {
  const { bInfo, cInfo } = state.config;
  const { xlconf, host } = state;
  const masks = [
    globalMask(state, xlconf.vmCpumask),
    globalMask(state, cInfo.type === 'pv' ? xlconf.vmPvCpumask : xlconf.vmHvmCpumask),
  ].filter((mask) => mask !== null);
  const full = width(host.maxCpus);
  const partial = masks.filter((mask) => mask.size < full);
  if (partial.length === 0) {
    if (bInfo.vcpuHardAffinity.some((map) => map.length === 0)) {
      die(state, 'vcpu hard affinity map is empty');
    }
    return;
  }
  if (bInfo.vcpuHardAffinity.length === 0) {
    checkMaps(state, bInfo.maxVcpus);
    const all = Array.from({ length: full }, (_, i) => i);
    bInfo.vcpuHardAffinity = Array.from({ length: Math.max(bInfo.maxVcpus, 0) }, () => all);
  }
  bInfo.vcpuHardAffinity = bInfo.vcpuHardAffinity.map((map) => {
    const kept = map.filter((cpu) => partial.every((mask) => mask.has(cpu)));
    if (kept.length === 0) die(state, 'vcpu hard affinity map is empty');
    return kept;
  });
}
