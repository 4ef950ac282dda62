/** The guest's own NUMA nodes. Models parse_vnuma_config(), tools/xl/xl_parse.c. */
import { kib } from '../hypervisor/units.ts';
import type { DomainConfigDraft } from './domain-config.ts';
import { parseRange } from './xl-parse-cpus.ts';
import { checkMapBits, checkVnodes } from './xl-parse-limits.ts';
import { entriesOf, piecesOf } from './xl-parse-lists.ts';
import { splitPair } from './xl-parse-pair.ts';
import { die, INVALID_CPUS, type ParseState, parseUlong, readList, say } from './xl-parse-state.ts';
import { elementAsList } from './xlu-cfg.ts';

type Vnode = DomainConfigDraft['bInfo']['vnumaNodes'][number];

interface Totals {
  vcpus: number;
  /** In MiB. */
  size: bigint;
}

/** Reads one `key=value` of a node into `vnode`. */
function parseOption(state: ParseState, option: string, vnode: Vnode, totals: Totals, mapBits: number): void {
  const pair = splitPair(option);
  if (pair === null) die(state, `xl: failed to split "${option}" into pair`);
  const { key, value } = pair;
  if (key === 'pnode') {
    const pnode = parseUlong(state, value);
    if (pnode >= BigInt(state.host.nodeCpus.length)) die(state, `xl: invalid pnode number: ${pnode}`);
    vnode.pnode = Number(pnode);
    state.config.bInfo.numaPlacement = false;
  } else if (key === 'size') {
    const size = parseUlong(state, value);
    vnode.memkb = kib(Number(BigInt.asIntN(64, size * 1024n)));
    totals.size += size;
  } else if (key === 'vcpus') {
    const set = new Set(vnode.vcpus);
    for (const text of piecesOf(state, value, ',')) {
      // What was read of a bad range counts all the same; a reversed one is empty.
      const range = parseRange(text);
      for (let vcpu = range.first; vcpu <= Math.min(range.last, mapBits - 1); vcpu++) {
        set.add(vcpu);
      }
      totals.vcpus += Math.max(0, range.last - range.first + 1);
    }
    vnode.vcpus = [...set];
  } else if (key === 'vdistances') {
    const distances = piecesOf(state, value, ',');
    for (const [i, text] of distances.entries()) {
      const distance = Number(BigInt.asUintN(32, parseUlong(state, text)));
      if (i < vnode.distances.length) vnode.distances[i] = distance;
    }
  }
}

/**
 * Fills vnuma_nodes and what follows from them: max_vcpus, max_memkb. Anything that is not a list, and an empty list,
 * is ignored silently.
 */
export function parseVnuma(state: ParseState): void {
  const { bInfo } = state.config;
  const nodes = readList(state, 'vnuma', 'quiet');
  if (nodes === null) return;
  const entries = entriesOf(state, nodes);
  if (entries.length === 0) return;
  const { maxCpus } = state.host;
  if (bInfo.maxVcpus < 0) {
    say(state, INVALID_CPUS);
    die(state, 'libxl_node_bitmap_alloc failed.');
  }
  const mapBits = Math.ceil((bInfo.maxVcpus === 0 ? maxCpus : bInfo.maxVcpus) / 8) * 8;
  checkMapBits(state, mapBits);
  checkVnodes(state, entries.length);
  const totals: Totals = { vcpus: 0, size: 0n };
  for (const [i, entry] of entries.entries()) {
    const node = elementAsList(state.cfg, nodes, i, entry);
    if (node.value === undefined) {
      say(state, node.warning);
      die(state, 'xl: cannot get vnode config option list');
    }
    const vnode: Vnode = { memkb: null, distances: entries.map(() => 0), pnode: 0, vcpus: [] };
    for (const option of entriesOf(state, node.value)) {
      // Lists inside a node are passed over.
      if (typeof option === 'string') parseOption(state, option, vnode, totals, mapBits);
    }
    vnode.vcpus.sort((a, b) => a - b);
    bInfo.vnumaNodes.push(vnode);
  }
  settle(state, totals);
}

/** Compares the sums with maxvcpus and maxmem, which follow from them when they are not given. */
function settle(state: ParseState, totals: Totals): void {
  const { bInfo } = state.config;
  if (bInfo.maxVcpus !== 0) {
    if (bInfo.maxVcpus !== totals.vcpus) die(state, 'xl: vnuma vcpus and maxvcpus= mismatch');
  } else {
    if (totals.vcpus > state.host.maxCpus) {
      die(state, 'xl: vnuma specifies more vcpus than pcpus, use maxvcpus= to override this check.');
    }
    bInfo.maxVcpus = totals.vcpus;
  }
  const size = kib(Number(BigInt.asIntN(64, totals.size * 1024n)));
  if (bInfo.maxMemkb !== null) {
    if (bInfo.maxMemkb !== size) die(state, 'xl: maxmem and vnuma memory size mismatch');
  } else {
    bInfo.maxMemkb = size;
  }
}
