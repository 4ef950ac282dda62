/**
 * Answers a task's requests from the world: the model's side of the door that scenes hold in tests.
 *
 * Every function here ends at once. What takes time (sleep, wait, a lock that is taken) is the scheduler's business in
 * run.ts.
 */
import { EACCES, EHOSTUNREACH, ENOENT } from '../hypervisor/errno.ts';
import { hypercall } from '../hypervisor/hypercall.ts';
import type { HypercallContext } from '../hypervisor/reservation.ts';
import type { Memo } from '../toolstack/memo.ts';
import type { Frame, Reply, Request } from '../toolstack/task.ts';
import { XL_GLOBAL_CONFIG } from '../toolstack/xl-global-config.ts';
import { userdataOf, withoutDomain, withUserdata } from './userdata.ts';
import { calendarSeconds, calendarText, nextUuid, type World } from './world.ts';
import { serveXs } from './xenstored.ts';

/** What lies outside of the world and may be looked at: the user's own files. */
export interface Outside {
  /** A file's bytes as one char each, or a negative errno. */
  readonly readFile: (path: string) => string | number;
  /** The name under which the world keeps a file that was written: absolute. */
  readonly absolute: (path: string) => string;
  /** Remembers what programs made of texts; absent: nothing is remembered. */
  readonly memo?: Memo;
  /** Runs a flow on another host of the same state (see runFrame()); absent where there is none. */
  readonly remote?: (host: string, frame: Frame) => Reply;
  /** Where nothing costs time: what is written down as the date is that of the boot, always. */
  readonly isDateless?: boolean;
}

/** An answer, and the watched paths that it sets off. */
export interface Served {
  readonly reply: Reply;
  readonly fired: readonly string[];
}

/** Requests that are answered at once. */
export type InstantRequest = Exclude<
  Request,
  { readonly kind: 'sleep' | 'wait' | 'lock' | 'unlock' | 'spawn' | 'stdout' | 'stderr' | 'log' }
>;

/** How long libxl remembers a domid. Xen: CHILD_DOMID_REUSE_TIMEOUT of libxl_domid_history. */
export const DOMID_REUSE_NS = 60e9;

const instant = (reply: Reply): Served => ({ reply, fired: [] });

/** What time it is: virtual ns, seconds after the epoch, and the date as it is written down. */
export const timeReply = (now: number, isDateless = false): Reply => ({
  rc: 0,
  ns: now,
  time: calendarSeconds(now),
  date: calendarText(isDateless ? 0 : now),
});

/** Answers one request of a task: whose vcpu runs it, and on which node. */
export function serveRequest(
  world: World,
  outside: Outside,
  by: HypercallContext,
  request: InstantRequest,
): Served {
  switch (request.kind) {
    case 'hypercall':
      return serveHypercall(world, by, request);
    case 'xs': {
      const { state, reply, fired } = serveXs(world.store, request.call, world.xen.profile.xenstoreConflicts);
      world.store = state;
      return { reply: reply as unknown as Reply, fired };
    }
    case 'now':
      return instant(timeReply(world.now, outside.isDateless));
    case 'uuid':
      return instant({ rc: 0, uuid: nextUuid(world) });
    case 'userdata':
      return instant(serveUserdata(world, request));
    case 'file':
      return instant(serveFile(world, outside, request));
    case 'recent-domid':
      return instant(serveRecentDomid(world, request));
    case 'remote':
      return instant(outside.remote?.(request.host, request.frame) ?? { rc: -EHOSTUNREACH });
  }
}

function serveHypercall(
  world: World,
  by: HypercallContext,
  call: Extract<Request, { kind: 'hypercall' }>,
): Served {
  return answered(call, hypercall(world.xen, by, call) as unknown as Reply);
}

/** What comes of Xen's answer to a hypercall. */
export function answered(call: Extract<Request, { kind: 'hypercall' }>, reply: Reply): Served {
  // VIRQ_DOM_EXC: xenstored hears of a domain that died or shut down, and fires the special watch.
  const isEnd = call.name === 'XEN_DOMCTL_destroydomain' || call.name === 'SCHEDOP_shutdown';
  return { reply, fired: isEnd && reply.rc === 0 ? ['@releaseDomain'] : [] };
}

function serveUserdata(world: World, request: Extract<Request, { kind: 'userdata' }>): Reply {
  const { op, domid, name, text = '' } = request;
  if (op === 'retrieve') return { rc: 0, text: userdataOf(world.userdata, domid, name) };
  world.userdata =
    op === 'unlink-all'
      ? withoutDomain(world.userdata, domid)
      : withUserdata(world.userdata, domid, name, op === 'store' ? text : null);
  return { rc: 0 };
}

function serveFile(world: World, outside: Outside, request: Extract<Request, { kind: 'file' }>): Reply {
  if (request.path === XL_GLOBAL_CONFIG) {
    if (request.op === 'read') return { rc: 0, text: world.xlConf };
    return { rc: request.op === 'stat' ? 0 : -EACCES };
  }
  const path = outside.absolute(request.path);
  if (request.op === 'write') {
    world.files = new Map(world.files).set(path, request.text);
    return { rc: 0 };
  }
  if (world.missingFiles.includes(request.path) || world.missingFiles.includes(path)) return { rc: -ENOENT };
  // Kernels, ramdisks and disks are not opened: they are there unless the host says they are not.
  if (request.op === 'stat') return { rc: 0 };
  const found = world.files.get(path) ?? outside.readFile(path);
  return typeof found === 'number' ? { rc: found } : { rc: 0, text: found };
}

function serveRecentDomid(world: World, request: Extract<Request, { kind: 'recent-domid' }>): Reply {
  const { recentDomids: known, now } = world;
  const isFresh = (entry: (typeof known)[number]): boolean => now - entry.at < DOMID_REUSE_NS;
  if (request.op === 'check') {
    return { rc: 0, recent: known.some((entry) => entry.domid === request.domid && isFresh(entry)) };
  }
  // The list is in order of time.
  const first = known.findIndex(isFresh);
  const recent = first < 0 ? [] : known.slice(first);
  recent.push({ domid: request.domid, at: now });
  world.recentDomids = recent;
  return { rc: 0 };
}
