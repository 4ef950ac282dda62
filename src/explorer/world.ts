/**
 * A host with everything that runs on it: Xen, xenstore, the virtual clock, tasks, locks and files.
 *
 * Plain data but for Xen, which is changed in place and can be marked and rolled back. run.ts moves it.
 */
import type { HypercallTask } from '../hypervisor/hypercall-step.ts';
import type { MfnRun } from '../hypervisor/privcmd.ts';
import type { Xen } from '../hypervisor/xen.ts';
import type { Reply, Request, Task } from '../toolstack/task.ts';
import type { TimeQueue } from './time-queue.ts';
import { noUserdata, type Userdata } from './userdata.ts';
import type { WatchNode } from './watch-index.ts';
import { emptyXsState, type XsState } from './xenstored.ts';

/** A hypercall that is served in parts, so that others run between its heap_lock sections. */
export interface Section {
  readonly request: SectionedRequest;
  /** Extents done so far. Xen: start_extent. */
  readonly done: number;
  /** The machine frames of the first extents done, where Xen tells them. */
  readonly frames?: readonly MfnRun[];
  /** Where it stands between the steps of one extent, or of a destruction. */
  readonly task?: HypercallTask;
}

export type SectionedRequest = PopulateRequest | DecreaseRequest | DestroyRequest;

export type PopulateRequest = Extract<
  Request,
  { readonly kind: 'hypercall'; readonly name: 'XENMEM_populate_physmap' }
>;

export type DecreaseRequest = Extract<
  Request,
  { readonly kind: 'hypercall'; readonly name: 'XENMEM_decrease_reservation' }
>;

type DestroyRequest = Extract<
  Request,
  { readonly kind: 'hypercall'; readonly name: 'XEN_DOMCTL_destroydomain' }
>;

/** A task of the world and why it does not run at this moment. */
export interface RunningTask {
  readonly id: number;
  readonly task: Task;
  /** The domain whose vcpu runs it: it stands still while that is paused and dies with it. Null for dom0's programs. */
  readonly domid: number | null;
  /** When it goes on, in ns; null: when a lock is let go, or a watch fires. */
  readonly at: number | null;
  /** What it is told when it goes on at `at`. */
  readonly reply: Reply;
  /** Paths it watches, kept from its last `wait` on. */
  readonly watches: readonly string[];
  /** A watched path that changed while it was doing something else. */
  readonly pending: string | null;
  /** It is inside a `wait`. */
  readonly waiting: boolean;
  /** Where the hypercall it is in the middle of stands. */
  readonly section?: Section | null;
}

/**
 * What follows from a list of tasks, for those who ask all the time; changed in place. task-index.ts makes it and keeps
 * it in step.
 */
export interface TaskIndex {
  /** The world and the list of tasks that it follows from. */
  readonly world: World;
  of: readonly RunningTask[];
  /** Nobody else keeps that list: it is changed in place. */
  isOwn: boolean;
  /** Every task that has a time, but for those that stand still and the one taken; and entries that hold no more. */
  readonly queue: TimeQueue;
  /** The entry that was the first when it was last looked. */
  taken: { readonly id: number; readonly at: number } | null;
  /** By domain: tasks that have a time and stand still with it. */
  readonly still: Map<number, Set<number>>;
  readonly watches: WatchNode;
  /** The tasks inside domains, by domain. */
  readonly inside: Map<number, Set<number>>;
}

/** See the file's header. Replace fields; only `xen` is changed in place. */
export interface World {
  readonly xen: Xen;
  store: XsState;
  /** Virtual nanoseconds since the host booted. */
  now: number;
  /** In order of id. */
  tasks: readonly RunningTask[];
  nextTask: number;
  /** Belongs to the list of tasks it was made of, and is worth nothing beside another. */
  index?: TaskIndex;
  /** By path: the task that holds the lock, then those that wait for it. */
  locks: ReadonlyMap<string, readonly number[]>;
  /** libxl's. */
  userdata: Userdata;
  /** Domids given out lately, and when. Xen: domid-history. */
  recentDomids: readonly { readonly domid: number; readonly at: number }[];
  readonly seed: number;
  uuids: number;
  xlConf: string;
  /** Files that a config may name but that are not there. */
  missingFiles: readonly string[];
  /** Files written by commands (saved domains), by absolute path. */
  files: ReadonlyMap<string, string>;
}

/** What the host's calendar showed when it booted: 2026-01-01 00:00:00 UTC, in seconds. */
const BOOT_TIME = 1_767_225_600;

/** The host's calendar at virtual time `now` (ns), in seconds since 1970. */
export const calendarSeconds = (now: number): number => BOOT_TIME + Math.floor(now / 1e9);

/** The same with hundredths, as libxl writes it down. */
export const calendarText = (now: number): string =>
  `${calendarSeconds(now)}.${String(Math.floor((now % 1e9) / 1e7)).padStart(2, '0')}`;

/** What a host is given at its birth, beside Xen. */
export interface WorldConfig {
  readonly seed: number;
  readonly xlConf: string;
  readonly missingFiles: readonly string[];
}

/** A world around a Xen that has just booted: dom0 is introduced, nothing runs yet. */
export function newWorld(xen: Xen, config: WorldConfig): World {
  return {
    xen,
    store: emptyXsState,
    now: 0,
    tasks: [],
    nextTask: 1,
    locks: new Map(),
    userdata: noUserdata,
    recentDomids: [],
    seed: config.seed,
    uuids: 0,
    xlConf: config.xlConf,
    missingFiles: config.missingFiles,
    files: new Map(),
  };
}

/** Mixes three numbers into 32 bits. The finaliser is that of MurmurHash3. */
function mix(seed: number, count: number, lane: number): number {
  let h = Math.imul(seed ^ Math.floor(seed / 2 ** 32), 0x9e3779b1) ^ Math.imul(count + 1, 0x85ebca6b);
  h = Math.imul(h ^ Math.imul(lane + 1, 0xc2b2ae35), 0x27d4eb2f);
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}

/** The world's next UUID, random in form (version 4) and the same for the same seed and count. */
export function nextUuid(world: World): string {
  const count = world.uuids;
  world.uuids = count + 1;
  const hex = [0, 1, 2, 3].map((lane) => mix(world.seed, count, lane).toString(16).padStart(8, '0')).join('');
  const variant = '89ab'[mix(world.seed, count, 4) % 4];
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-${variant}${hex.slice(17, 20)}-${hex.slice(20)}`;
}
