/** What a host is made of, what may be wrong with it, and the memory map that follows from it. */
import { type XenProfile, xenProfile } from './profile.ts';
import { MAX_NUMNODES, type NodeId, nodeId, PAGE_SIZE } from './units.ts';
import { FRAME_TABLE_BYTES_PER_PAGE, XEN_BOOT_PAGES } from './xen-private.ts';

/** A host as its owner describes it. Sizes in pages of 4 KiB. */
export interface HostConfig {
  readonly memoryPages: number;
  readonly nodes: number;
  /** The memory of each node instead of equal shares; adds up to memoryPages. */
  readonly nodeMemoryPages?: readonly number[];
  readonly cpus: number;
  /** Row by row; absent: 10 to itself, 20 to others. */
  readonly distances?: readonly (readonly number[])[];
  /** dom0_mem=: dom0's pages; absent: Xen's own choice. 0: a host without memory for dom0. */
  readonly dom0Pages?: number;
  /** A release of Xen, e.g. "4.22". */
  readonly xen: string;
  readonly bootscrub: 'idle' | 'off';
}

/** A node's frames. */
interface NodeLayout {
  readonly node: number;
  /** RAM as [first, end), ascending. */
  readonly ranges: readonly (readonly [number, number])[];
  /** What of it the heap gets at boot. */
  readonly heapRanges: readonly (readonly [number, number])[];
  /** Spanned frames, holes and Xen's share included. */
  readonly span: readonly [number, number];
  readonly cpus: readonly number[];
}

/** The host's unchanging shape. */
export interface HostLayout {
  readonly config: HostConfig;
  readonly nodes: readonly NodeLayout[];
  readonly distances: readonly (readonly number[])[];
  /** Pages of RAM. Xen: total_pages. */
  readonly totalPages: number;
  /** The highest frame of RAM + 1. Xen: max_page. */
  readonly maxPage: number;
  /** By number. Xen: XEN_SYSCTL_cputopoinfo. */
  readonly cpuTopology: readonly CpuTopology[];
  readonly threadsPerCore: number;
  readonly coresPerSocket: number;
}

interface CpuTopology {
  readonly core: number;
  readonly socket: number;
  readonly node: NodeId;
}

const PAGES_PER_MIB = 256;
const PAGES_PER_GIB = 262144;
const MIN_MEMORY_PAGES = 64 * PAGES_PER_MIB;
/** Below this there is no room for a dom0. */
const MIN_MEMORY_WITH_DOM0 = 256 * PAGES_PER_MIB;
/** RAM below 4 GiB ends at 3 GiB; the PCI hole follows. */
const LOW_END = 786432;
const HIGH_START = 1048576;
/** The highest frame a host may have. */
const MAX_MFN = 2 ** 32 - 2;
const MAX_CPUS = 4096;
const MAX_DISTANCE = 254;

/** Everything that is wrong with a host's description, as sentences that say what to do. Empty: it can boot. */
export function hostConfigErrors(config: HostConfig): string[] {
  const errors: string[] = [...memoryErrors(config), ...cpuErrors(config)];
  const profile = xenProfile(config.xen);
  if (!profile.ok) errors.push(profile.message);
  if (errors.length > 0) return errors;
  return [...nodeErrors(config), ...dom0Errors(config)];
}

function memoryErrors({ memoryPages, nodes, nodeMemoryPages }: HostConfig): string[] {
  const errors: string[] = [];
  if (!Number.isSafeInteger(memoryPages) || memoryPages < MIN_MEMORY_PAGES) {
    errors.push('memory is too small: a host has 64 MiB or more');
  } else if (memoryPages > LOW_END && HIGH_START + memoryPages - LOW_END - 1 > MAX_MFN) {
    errors.push('memory is too large: with the 1 GiB hole below 4 GiB it must end below 16 TiB');
  }
  if (!Number.isInteger(nodes) || nodes < 1 || nodes > MAX_NUMNODES) {
    errors.push(`nodes must be between 1 and ${MAX_NUMNODES}`);
  }
  if (nodeMemoryPages !== undefined) {
    const sum = nodeMemoryPages.reduce((a, b) => a + b, 0);
    if (nodeMemoryPages.length !== nodes) {
      errors.push(`node memory names ${nodeMemoryPages.length} sizes for ${nodes} nodes: give one for each`);
    } else if (sum !== memoryPages) {
      errors.push('node memory does not add up to the memory: leave one of them out or make them agree');
    }
  }
  return errors;
}

function cpuErrors({ cpus, nodes, distances }: HostConfig): string[] {
  const errors: string[] = [];
  if (!Number.isInteger(cpus) || cpus < 1 || cpus > MAX_CPUS) {
    errors.push(`cpus must be between 1 and ${MAX_CPUS}`);
  }
  if (distances === undefined) return errors;
  const square = distances.length === nodes && distances.every((row) => row.length === nodes);
  if (!square) errors.push(`distances must be ${nodes} rows of ${nodes} numbers`);
  else if (!distances.flat().every((d) => Number.isInteger(d) && d >= 10 && d <= MAX_DISTANCE)) {
    errors.push(`distances must be whole numbers from 10 (the node itself) to ${MAX_DISTANCE}`);
  }
  return errors;
}

function nodeErrors(config: HostConfig): string[] {
  const sizes = nodeSizes(config);
  const small = sizes.findIndex((size, n) => size < (n === 0 ? MIN_MEMORY_PAGES : PAGES_PER_MIB));
  if (small > 0 || sizes[0]! < MIN_MEMORY_PAGES) {
    return [
      small > 0
        ? `node ${small} would have no memory: every node but the first takes whole GiB, so give more memory or fewer nodes`
        : 'node 0 is too small: it has 64 MiB or more',
    ];
  }
  const share = xenSharePages(config.memoryPages);
  if (sizes[0]! <= share) {
    const mib = Math.ceil(share / PAGES_PER_MIB);
    return [`node 0 is too small: Xen itself takes ${mib} MiB of it, so give node 0 more memory`];
  }
  return [];
}

function dom0Errors({ memoryPages, dom0Pages }: HostConfig): string[] {
  if (memoryPages < MIN_MEMORY_WITH_DOM0 && dom0Pages !== 0) {
    return ['below 256 MiB of memory there is no room for a dom0: use --dom0 0'];
  }
  if (dom0Pages !== undefined && (!Number.isSafeInteger(dom0Pages) || dom0Pages < 0)) {
    return ['dom0 must be a size of 0 or more'];
  }
  const room = memoryPages - xenSharePages(memoryPages);
  if (dom0Pages !== undefined && dom0Pages > room) {
    const mib = Math.floor(room / PAGES_PER_MIB);
    return [`dom0 is larger than the memory Xen leaves: use less than ${mib} MiB`];
  }
  return [];
}

/**
 * Pages that are Xen's own from the start: the frame table and its boot memory.
 * Below 256 MiB of memory a quarter of it stands in for the boot memory.
 */
function xenSharePages(memoryPages: number): number {
  const frameTable = Math.ceil((memoryPages * FRAME_TABLE_BYTES_PER_PAGE) / PAGE_SIZE);
  return frameTable + Math.min(XEN_BOOT_PAGES, Math.floor(memoryPages / 4));
}

/** Pages of RAM address space per node: equal GiB-aligned shares, the first node takes the rest. */
function nodeSizes({ memoryPages, nodes, nodeMemoryPages }: HostConfig): readonly number[] {
  if (nodeMemoryPages !== undefined) return nodeMemoryPages;
  const share = Math.floor(memoryPages / nodes / PAGES_PER_GIB) * PAGES_PER_GIB;
  return Array.from({ length: nodes }, (_, n) => (n === 0 ? memoryPages - (nodes - 1) * share : share));
}

/** The memory map and topology of a host without errors. */
export function hostLayout(config: HostConfig): HostLayout {
  const nodes: NodeLayout[] = [];
  let at = 0;
  for (const [node, size] of nodeSizes(config).entries()) {
    const ranges = ramRanges(at, at + size);
    at += size;
    const share = node === 0 ? xenSharePages(config.memoryPages) : 0;
    const cpus = nodeCpus(config, node);
    const start = node === 0 ? 0 : ranges[0]![0];
    nodes.push({ node, ranges, heapRanges: withoutTop(ranges, share), span: [start, lastEnd(ranges)], cpus });
  }
  const all = nodes.flatMap((n) => n.ranges);
  return {
    config,
    nodes,
    distances: config.distances ?? defaultDistances(config.nodes),
    totalPages: all.reduce((sum, [start, end]) => sum + end - start, 0),
    maxPage: lastEnd(all),
    ...cpuShape(nodes),
  };
}

/** CPUs of one node come in pairs of threads; one socket a node. */
function cpuShape(
  nodes: readonly NodeLayout[],
): Pick<HostLayout, 'cpuTopology' | 'threadsPerCore' | 'coresPerSocket'> {
  const perNode = Math.max(...nodes.map(({ cpus }) => cpus.length));
  const threadsPerCore = perNode % 2 === 0 ? 2 : 1;
  const cpuTopology: CpuTopology[] = [];
  for (const { node, cpus } of nodes) {
    for (const [i, cpu] of cpus.entries()) {
      cpuTopology[cpu] = { core: Math.floor(i / threadsPerCore), socket: node, node: nodeId(node) };
    }
  }
  return { cpuTopology, threadsPerCore, coresPerSocket: Math.max(1, perNode / threadsPerCore) };
}

const lastEnd = (ranges: readonly (readonly [number, number])[]): number => ranges[ranges.length - 1]![1];

const defaultDistances = (n: number): number[][] =>
  Array.from({ length: n }, (_, a) => Array.from({ length: n }, (_, b) => (a === b ? 10 : 20)));

/** CPUs are dealt to the nodes in equal blocks; with fewer CPUs than nodes the last nodes have memory only. */
function nodeCpus({ cpus, nodes }: HostConfig, node: number): number[] {
  const each = Math.max(1, Math.floor(cpus / nodes));
  const first = Math.min(cpus, node * each);
  const end = node === nodes - 1 ? cpus : Math.min(cpus, first + each);
  return Array.from({ length: end - first }, (_, i) => first + i);
}

/** The frames of RAM for the addresses [from, to) of a host without holes. */
function ramRanges(from: number, to: number): (readonly [number, number])[] {
  const ranges: (readonly [number, number])[] = [];
  const add = (start: number, end: number): void => {
    if (start < end) ranges.push([start, end]);
  };
  add(Math.max(from, 1), Math.min(to, 159));
  add(Math.max(from, 256), Math.min(to, LOW_END));
  add(Math.max(from, LOW_END) + HIGH_START - LOW_END, to + HIGH_START - LOW_END);
  return ranges;
}

/** `ranges` without their last `n` frames. */
function withoutTop(
  ranges: readonly (readonly [number, number])[],
  n: number,
): (readonly [number, number])[] {
  const out = [...ranges];
  let left = n;
  while (left > 0) {
    const [start, end] = out.pop()!;
    if (end - start > left) out.push([start, end - left]);
    left = Math.max(0, left - (end - start));
  }
  return out;
}

/** The profile of a host without errors. */
export function hostProfile(config: HostConfig): XenProfile | null {
  const result = xenProfile(config.xen);
  return result.ok ? result.profile : null;
}
