/**
 * What was asked of the hypervisor and of xenstore, one line each: the output of `--trace-hypercalls`.
 *
 * Only requests that change something get a line. Populate requests that are equal but for their frames, and whose
 * frames follow on, fold into one line with `repeat=N`.
 */
import { ENOMEM } from '../hypervisor/errno.ts';
import type { HypercallArgs, HypercallName, MemFlags } from '../hypervisor/privcmd.ts';
import type { Reply, Request } from './task.ts';

/** A served request, as a trace sees it. */
export interface TraceEntry {
  readonly request: Request;
  readonly reply: Reply;
}

/** The command numbers of domctl (1 …) and of memory_op (0 …) whose refusal has a line of its own. Xen: public/domctl.h, memory.h. */
const DOMCTL: Partial<Record<HypercallName, number>> = {
  XEN_DOMCTL_createdomain: 1,
  XEN_DOMCTL_destroydomain: 2,
  XEN_DOMCTL_pausedomain: 3,
  XEN_DOMCTL_unpausedomain: 4,
  XEN_DOMCTL_setvcpuaffinity: 9,
  XEN_DOMCTL_max_mem: 11,
  XEN_DOMCTL_max_vcpus: 15,
  XEN_DOMCTL_resumedomain: 27,
  XEN_DOMCTL_setnodeaffinity: 68,
  XEN_DOMCTL_setvnumainfo: 74,
  XEN_DOMCTL_set_paging_mempool_size: 86,
};
const MEMORY_OP: Partial<Record<HypercallName, number>> = {
  XENMEM_increase_reservation: 0,
  XENMEM_decrease_reservation: 1,
  XENMEM_populate_physmap: 6,
  XENMEM_set_memory_map: 13,
  XENMEM_remove_from_physmap: 15,
  XENMEM_set_pod_target: 16,
  XENMEM_claim_pages: 24,
};

/** C's `%#x`: 0 has no prefix. */
const alternateHex = (n: number): string => (n === 0 ? '0' : `0x${n.toString(16)}`);
const hex = (n: number): string => `0x${n.toString(16)}`;

/** The flags word of a memory reservation: XENMEMF_* of public/memory.h. */
function memFlagsWord(f: MemFlags): number {
  let word = f.addressBits ?? 0;
  if (f.node !== undefined) word += (((f.node + 1) & 0xff) << 8) >>> 0;
  if (f.populateOnDemand === true) word += 1 << 16;
  if (f.node !== undefined && f.exactNode === true) word += 1 << 17;
  if (f.vnode === true) word += 1 << 18;
  return word;
}

/** A bitmap of small numbers as hex text. */
function bitmap(bits: readonly number[]): string {
  let word = 0n;
  for (const bit of bits) word |= 1n << BigInt(bit);
  return word === 0n ? '0' : `0x${word.toString(16)}`;
}

interface Reservation {
  readonly head: string;
  readonly first: number;
  readonly last: number;
  /** Where the next request has to start to follow on. */
  readonly next: number;
}

const RESERVATION_OPS: Partial<Record<HypercallName, string>> = {
  XENMEM_populate_physmap: 'populate_physmap',
  XENMEM_increase_reservation: 'increase_reservation',
  XENMEM_decrease_reservation: 'decrease_reservation',
};

/** The parts of a complete reservation request's line, or null when the request is something else or fell short. */
function reservation({ request, reply }: TraceEntry): Reservation | null {
  if (request.kind !== 'hypercall') return null;
  const op = RESERVATION_OPS[request.name];
  if (op === undefined) return null;
  const args = request.args as HypercallArgs<'XENMEM_populate_physmap'>;
  if (reply.rc !== args.nrExtents || args.extentStart === null || args.extentStart.length === 0) return null;
  const firstRun = args.extentStart[0]!;
  const lastRun = args.extentStart[args.extentStart.length - 1]!;
  const last = lastRun.first + (lastRun.count - 1) * lastRun.stride;
  return { head: reservationHead(op, args), first: firstRun.first, last, next: last + 2 ** args.extentOrder };
}

const reservationHead = (op: string, a: HypercallArgs<'XENMEM_populate_physmap'>): string =>
  `memory_op ${op} dom=${a.domid} nr_extents=${a.nrExtents} order=${a.extentOrder} flags=${alternateHex(memFlagsWord(a.memFlags))}`;

/** The line of a hypercall that succeeded, or fell short; null for one that changes nothing. */
function hypercallLine(call: Extract<Request, { kind: 'hypercall' }>, reply: Reply): string | null {
  switch (call.name) {
    case 'XEN_DOMCTL_createdomain': {
      const a = call.args;
      return `domctl createdomain -> dom=${String(reply.domid)} flags=${alternateHex(a.flags)} iommu=${alternateHex(a.iommuOpts)} max_vcpus=${a.maxVcpus} evtchn=${a.maxEvtchnPort} grant_frames=${a.maxGrantFrames} maptrack=${a.maxMaptrackFrames} grant_opts=${alternateHex(a.grantOpts)} emu=${alternateHex(a.emulationFlags)} misc=${alternateHex(a.miscFlags)}`;
    }
    case 'XEN_DOMCTL_max_vcpus':
      return `domctl max_vcpus dom=${call.args.domid} max=${call.args.max}`;
    case 'XEN_DOMCTL_max_mem':
      return `domctl max_mem dom=${call.args.domid} max_memkb=${call.args.exactMaxMemkb ?? call.args.maxMemkb}`;
    case 'XEN_DOMCTL_setnodeaffinity':
      return `domctl setnodeaffinity dom=${call.args.domid} nodes=${bitmap(call.args.nodes)}`;
    case 'XEN_DOMCTL_setvcpuaffinity':
      return `domctl setvcpuaffinity dom=${call.args.domid} vcpu=${call.args.vcpu} flags=${call.args.flags}`;
    case 'XEN_DOMCTL_set_paging_mempool_size':
      return `domctl set_paging_mempool_size dom=${call.args.domid} size=${call.args.size}`;
    case 'XEN_DOMCTL_setvnumainfo':
      return `domctl setvnumainfo dom=${call.args.domid} vnodes=${call.args.vnodes.length}`;
    case 'XEN_DOMCTL_pausedomain':
    case 'XEN_DOMCTL_unpausedomain':
    case 'XEN_DOMCTL_resumedomain':
    case 'XEN_DOMCTL_destroydomain':
      return `domctl ${call.name.slice('XEN_DOMCTL_'.length)} dom=${call.args.domid}`;
    case 'XENMEM_claim_pages':
      return `memory_op claim_pages dom=${call.args.domid} nr_extents=${call.args.nrExtents} order=${call.args.extentOrder ?? 0} flags=${alternateHex(memFlagsWord(call.args.memFlags ?? {}))}${reply.rc === -ENOMEM ? '\n  -> ENOMEM' : ''}`;
    case 'XENMEM_populate_physmap':
    case 'XENMEM_increase_reservation':
    case 'XENMEM_decrease_reservation':
      return `${reservationHead(RESERVATION_OPS[call.name] ?? '', call.args)} -> only ${reply.rc} done`;
    case 'XENMEM_set_pod_target':
      return `memory_op set_pod_target dom=${call.args.domid} target_pages=${call.args.targetPages}`;
    case 'XENMEM_set_memory_map':
      return `memory_op set_memory_map dom=${call.args.domid} entries=${call.args.entries}`;
    case 'XENMEM_remove_from_physmap':
      return `memory_op remove_from_physmap dom=${call.args.domid} gpfn=${hex(call.args.gpfn)}`;
    case 'SCHEDOP_shutdown':
      return `sched_op shutdown dom=${call.args.domid} reason=${call.args.reason}`;
    case 'XEN_SYSCTL_debug_keys':
      return `sysctl debug_keys keys=${call.args.keys}`;
    case 'XEN_SYSCTL_cpupool_op':
      return call.args.sub === 'info' || call.args.sub === 'freeinfo'
        ? null
        : `sysctl cpupool_op ${call.args.sub}`;
    case 'foreign_map':
      return `foreign_map dom=${call.args.domid} pages=${call.args.pages} first=${alternateHex(call.args.first)}`;
    case 'traced':
      return call.args.line;
    default:
      return null;
  }
}

/** The line of a hypercall that was refused: only its command number, as a refusal may come before its arguments are read. */
function refusedLine(call: Extract<Request, { kind: 'hypercall' }>, errno: number): string | null {
  const domctl = DOMCTL[call.name];
  const domid = (call.args as { domid?: number }).domid;
  if (domctl !== undefined)
    return `domctl cmd=${domctl}${domid === undefined ? '' : ` dom=${domid}`} FAIL errno=${errno}`;
  const memory = MEMORY_OP[call.name];
  if (memory !== undefined) return `memory_op cmd=${memory} FAIL errno=${errno}`;
  return null;
}

/** The line of one served request, or null when it has none. */
function traceLine({ request, reply }: TraceEntry): string | null {
  if (request.kind === 'hypercall') {
    const claimOutOfMemory = request.name === 'XENMEM_claim_pages' && reply.rc === -ENOMEM;
    return reply.rc < 0 && !claimOutOfMemory
      ? refusedLine(request, -reply.rc)
      : hypercallLine(request, reply);
  }
  if (request.kind !== 'xs') return null;
  const call = request.call;
  switch (call.op) {
    case 'write':
      return reply.rc === 0 ? `xs write ${call.path} = ${call.value}` : null;
    case 'mkdir':
    case 'rm':
      return reply.rc === 0 ? `xs ${call.op} ${call.path}` : null;
    case 'introduce':
    case 'release':
      return `xs ${call.op} dom=${call.domid}`;
    case 'transaction_end':
      return call.abort ? 'xs transaction ABORTED (writes above are void)' : null;
    default:
      return null;
  }
}

/** A trace being written: the reservation that may still grow. Plain data. */
export interface TraceFold {
  readonly open: (Reservation & { readonly repeat: number }) | null;
}

export const emptyTraceFold: TraceFold = { open: null };

const openLine = (o: NonNullable<TraceFold['open']>): string =>
  `${o.head} first=${hex(o.first)} last=${hex(o.last)} repeat=${o.repeat}`;

/** Takes one more served request; gives the lines that are final now. */
export function foldTrace(
  fold: TraceFold,
  entry: TraceEntry,
): { readonly fold: TraceFold; readonly lines: string[] } {
  const r = reservation(entry);
  if (r !== null) {
    const open = fold.open;
    if (open !== null && open.head === r.head && open.next === r.first) {
      return { fold: { open: { ...r, first: open.first, repeat: open.repeat + 1 } }, lines: [] };
    }
    return { fold: { open: { ...r, repeat: 1 } }, lines: open === null ? [] : [openLine(open)] };
  }
  const line = traceLine(entry);
  if (line === null) return { fold, lines: [] };
  return { fold: emptyTraceFold, lines: fold.open === null ? [line] : [openLine(fold.open), line] };
}

/** The line still held back at the end of a trace, if any. */
export const endTrace = (fold: TraceFold): string[] => (fold.open === null ? [] : [openLine(fold.open)]);

/** All lines of a whole trace. */
export function traceLines(entries: Iterable<TraceEntry>): string[] {
  const lines: string[] = [];
  let fold = emptyTraceFold;
  for (const entry of entries) {
    const next = foldTrace(fold, entry);
    fold = next.fold;
    for (const line of next.lines) lines.push(line);
  }
  for (const line of endTrace(fold)) lines.push(line);
  return lines;
}
