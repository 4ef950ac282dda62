/**
 * Every field of every record of a play, and what becomes of it where rounds repeat themselves.
 *
 * Most must be as they were. Those that go on by themselves have their reasons beside them: why nothing but they themselves
 * depends on how far they have come.
 */
import type { Heap, HeapDomain } from '../hypervisor/heap-state.ts';
import type { Xen } from '../hypervisor/xen.ts';
import type { Machine } from './machine.ts';
import type { Play } from './play.ts';
import type { Run } from './run-state.ts';
import type { TraceLog } from './trace-event.ts';
import type { World } from './world.ts';
import type { XsState } from './xenstored.ts';

/** A repeat under way: the part of its block that goes on with its rounds. */
export interface Rounds {
  readonly step: unknown;
  readonly since: number;
  readonly lanes: readonly unknown[];
  /** The round that is the last one begun. */
  round: number;
  readonly rounds: number;
  succeeded: number;
  failed: number;
  readonly search: unknown;
}

/** What becomes of a field from one lap of rounds to the next. */
type Rule =
  /** Set once and for all: the very same thing. */
  | 'fixed'
  /** A value: replaced, never changed in place. It must say the same. */
  | 'same'
  /** A map or a list that is changed in place, of values: they must say the same in the same order. */
  | 'list'
  /** It must be empty, null or absent: with it no round is compared with another. */
  | 'none'
  /** A collection of which only the size counts. */
  | 'size'
  /** A number that goes on by as much in every lap. */
  | 'count'
  /** It has a place of its own in Standing. */
  | 'told'
  /** It follows from the others, or is scratch that nobody reads before writing it. */
  | 'follows';

type Rules<T> = Readonly<Record<keyof T, Rule>>;

const PLAY: Rules<Required<Play>> = {
  stage: 'fixed',
  host: 'fixed',
  hosts: 'none',
  limits: 'fixed',
  around: 'fixed',
  world: 'fixed',
  machine: 'fixed',
  log: 'fixed',
  run: 'fixed',
  virqsBefore: 'fixed',
  failures: 'size',
  read: 'size',
  // What they have read is part of a lap.
  readers: 'follows',
  // Steps begun: told when all is over.
  steps: 'count',
  hung: 'none',
  plan: 'none',
};

const ROUNDS: Rules<Rounds> = {
  step: 'fixed',
  since: 'fixed',
  lanes: 'follows',
  round: 'told',
  rounds: 'fixed',
  // What the block's expectations are about: they look when it is over.
  succeeded: 'count',
  failed: 'count',
  search: 'follows',
};

const RUN: Rules<Required<Run>> = {
  world: 'fixed',
  outside: 'fixed',
  machine: 'fixed',
  observers: 'none',
  ended: 'none',
  // Requests served: compared with the budget only, which no lap that is left out comes near.
  steps: 'count',
  budget: 'fixed',
  wakeAt: 'follows',
  others: 'follows',
  intercept: 'none',
  asked: 'none',
  told: 'none',
  newId: 'none',
  remote: 'none',
  forgetFrames: 'none',
};

const WORLD: Rules<Required<World>> = {
  xen: 'fixed',
  store: 'told',
  now: 'told',
  tasks: 'told',
  // Ids tell tasks apart and say which is older; a later one is higher, however much.
  nextTask: 'count',
  index: 'follows',
  locks: 'same',
  userdata: 'same',
  recentDomids: 'told',
  seed: 'fixed',
  // UUIDs are compared with each other only, and all of them are of one length.
  uuids: 'count',
  xlConf: 'same',
  missingFiles: 'same',
  files: 'same',
};

const STORE: Rules<XsState> = {
  root: 'same',
  // Generations and numbers of transactions tell nothing while none is open.
  generation: 'count',
  nextTx: 'count',
  transactions: 'none',
  introduced: 'same',
};

const XEN: Rules<Xen> = {
  heap: 'told',
  layout: 'fixed',
  profile: 'fixed',
  commandLine: 'fixed',
  domains: 'told',
  domainList: 'follows',
  toldInfos: 'follows',
  // The next domids: that they are free, and mean nobody in particular, is seen to where laps are left out.
  lastDomid: 'count',
  cpupools: 'same',
  consoleRing: 'same',
  undo: 'none',
};

/** What saveHeap() writes, or what follows from it. */
const SAVED = 'follows';

const HEAP: Rules<Heap> = {
  boot: 'fixed',
  rules: 'fixed',
  nodeIds: 'fixed',
  nodeIndex: 'fixed',
  maxPage: 'fixed',
  spanStart: 'fixed',
  spanEnd: 'fixed',
  spanNode: 'fixed',
  chunkSpan: 'fixed',
  zoneSpan: 'fixed',
  topZone: 'fixed',
  started: SAVED,
  dmaBits: SAVED,
  totalAvailPages: SAVED,
  outstandingClaims: SAVED,
  nodeAvail: SAVED,
  needScrub: SAVED,
  zoneAvail: SAVED,
  orderMask: SAVED,
  virqTh: SAVED,
  virqHigh: SAVED,
  virqThOrder: SAVED,
  virqThOrig: SAVED,
  // Only expectations read how many there were.
  virqCount: 'count',
  // Lists and their members are written in their order, however they are held: as runs or page by page.
  listHead: SAVED,
  listTail: SAVED,
  listLimit: SAVED,
  spareLists: SAVED,
  runFirst: SAVED,
  runCount: SAVED,
  runStride: SAVED,
  runSize: SAVED,
  runVal: SAVED,
  runKind: SAVED,
  runList: SAVED,
  runNext: SAVED,
  runPrev: SAVED,
  runChunkNext: SAVED,
  runChunkPrev: SAVED,
  runLimit: SAVED,
  runSpare: SAVED,
  chunkHead: SAVED,
  chunkCount: SAVED,
  chunkCrowd: SAVED,
  chunkRegions: SAVED,
  crowded: SAVED,
  pgNext: SAVED,
  pgPrev: SAVED,
  pgMeta: SAVED,
  regionMfn: SAVED,
  regionSpare: SAVED,
  dirtyBits: SAVED,
  special: SAVED,
  offliningPages: SAVED,
  inFlight: 'same',
  domains: 'told',
  foundList: 'follows',
  rotated: 'follows',
  merged: 'follows',
  bulk: 'follows',
  undo: 'none',
};

/** Of a domain's part of the heap. */
export const HEAP_DOMAIN: Rules<HeapDomain> = {
  domid: SAVED,
  totPages: SAVED,
  extraPages: SAVED,
  maxPages: SAVED,
  outstandingPages: SAVED,
  lastAllocNode: SAVED,
  nodeAffinity: SAVED,
  nodeMask: SAVED,
  creationFinished: SAVED,
  isDying: SAVED,
  pendingScrub: SAVED,
  pageList: SAVED,
  extraList: SAVED,
  savedPages: 'follows',
  saved: 'follows',
};

const MACHINE: Rules<Machine> = {
  costs: 'fixed',
  cpus: 'fixed',
  onCpu: 'told',
  cpuQueue: 'list',
  heapLockFreeAt: 'told',
  longestHeapLock: 'same',
  heapLockWait: 'count',
  scrubs: 'told',
  scrubSeen: 'told',
  waiting: 'told',
  trace: 'fixed',
  grain: 'fixed',
  batches: 'fixed',
};

const LOG: Rules<TraceLog> = {
  // What is kept of them is filled again by the laps that are played.
  events: 'told',
  limit: 'fixed',
  open: 'none',
  dropped: 'told',
  counts: 'fixed',
  holders: 'told',
  claims: 'told',
  populating: 'told',
};

const COUNTS: Rules<TraceLog['counts']> = {
  enomem: 'count',
  claimRefused: 'count',
  longestXlLock: 'same',
  lockWait: 'count',
};

/** A record of a play, what it is called, and its table. */
export type Owner = readonly [name: string, of: object, rules: Readonly<Record<string, Rule>>];

const owner = <T extends object>(name: string, of: T, rules: Rules<Required<T>>): Owner => [name, of, rules];

/** The records that say where a play stands, all that have counts among them. */
export function ownersOf(play: Play, rounds: Rounds): readonly Owner[] {
  const { world, machine, log, run } = play;
  const { heap } = world.xen;
  return [
    owner<Play>('play', play, PLAY),
    owner<Rounds>('rounds', rounds, ROUNDS),
    owner<Run>('run', run, RUN),
    owner<World>('world', world, WORLD),
    owner('store', world.store, STORE),
    owner('xen', world.xen, XEN),
    owner('heap', heap, HEAP),
    owner('machine', machine, MACHINE),
    owner('log', log, LOG),
    owner('counts', log.counts, COUNTS),
  ];
}
