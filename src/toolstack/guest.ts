/**
 * A simple guest: it acknowledges what the toolstack asks of it and follows its memory target.
 *
 * Models Linux's drivers/xen/manage.c (control/shutdown) and drivers/xen/balloon.c, xen-balloon.c. One task per
 * domain; it runs only while its domain does.
 *
 * Simplified: batches of 512 frames go out together as one request of many, with the time of all of them, because
 * nothing can be seen in between that matters to the sums; a refusal stops at the exact frame, as single batches would.
 */
import type { DomainType } from '../hypervisor/privcmd.ts';
import { domId, gfn, order } from '../hypervisor/units.ts';
import {
  ask,
  done,
  type Flow,
  flow,
  goto,
  hypercall,
  type Next,
  newTask,
  type Request,
  spawn,
  type Task,
  xs,
  xsReply,
} from './task.ts';
import type { BuildLayout } from './xg-layout.ts';

/** A run of guest frames. */
type Run = readonly [first: number, count: number];

interface GuestVars {
  readonly domid: number;
  readonly type: DomainType;
  /** Where the guest has memory, ascending: from its builder's layout. */
  readonly ram: readonly Run[];
  /** Frames the balloon has given back, the last ones on top. */
  readonly ballooned?: readonly Run[];
  /** Pages the guest has in use now, and what the target says, in the balloon's terms. */
  readonly current?: number;
  readonly target?: number;
  /** static_max less what the guest found at boot: what an HVM guest does not see as its own. Linux: target_diff. */
  readonly targetDiff?: number;
  /** Seconds until the next try, doubling from 1 to 32. Linux: schedule_delay. */
  readonly delay?: number;
  /** Frames asked for in the request under way. */
  readonly asked?: readonly Run[];
  readonly reason?: number;
  /** Vcpus whose availability is still to be read. */
  readonly cpus?: readonly number[];
}

const node = (v: GuestVars, path: string): string => `/local/domain/${v.domid}/${path}`;
const read = (v: GuestVars, path: string): Request => xs({ op: 'read', path: node(v, path) });

/** Frames of one balloon hypercall. Linux: FRAMES_PER..., PAGE_SIZE / 8. */
const BATCH_FRAMES = 512;
/** Most frames asked for in one go: 1 GiB, so that others may run in between. */
const STEP_FRAMES = 512 * BATCH_FRAMES;
const SECOND = 1e9;
const MAX_DELAY = 32;

const total = (runs: readonly Run[]): number => runs.reduce((sum, [, count]) => sum + count, 0);

/** The last `count` frames of ascending runs, as runs with the highest first, and what is left. */
function takeHighest(runs: readonly Run[], count: number): { taken: Run[]; left: Run[] } {
  const left = [...runs];
  const taken: Run[] = [];
  let wanted = count;
  while (wanted > 0 && left.length > 0) {
    const [first, have] = left[left.length - 1]!;
    left.pop();
    const n = Math.min(have, wanted);
    taken.push([first + have - n, n]);
    if (n < have) left.push([first, have - n]);
    wanted -= n;
  }
  return { taken, left };
}

/** Adds runs behind ascending ones, joining neighbours. */
function addRuns(runs: readonly Run[], more: readonly Run[]): Run[] {
  const all = [...runs, ...more].sort((a, b) => a[0] - b[0]);
  const joined: Run[] = [];
  for (const [first, count] of all) {
    const last = joined[joined.length - 1];
    if (last !== undefined && last[0] + last[1] === first)
      joined[joined.length - 1] = [last[0], last[1] + count];
    else joined.push([first, count]);
  }
  return joined;
}

const reservation = (v: GuestVars, runs: readonly Run[]) => ({
  domid: domId(v.domid),
  extentOrder: order(0),
  nrExtents: total(runs),
  extentStart: runs.map(([first, count]) => ({ first: gfn(first), count, stride: 1 })),
  memFlags: {},
});

/** One step of the balloon towards its target, or a wait for something new. Models balloon_thread(). */
function balloon(v: GuestVars): Next<GuestVars> {
  const credit = (v.target ?? 0) - (v.current ?? 0);
  if (credit < 0) {
    const { taken, left } = takeHighest(v.ram, Math.min(-credit, STEP_FRAMES));
    if (taken.length === 0) return idle(v);
    return ask(hypercall('XENMEM_decrease_reservation', reservation(v, taken)), 'decreased', {
      ...v,
      ram: left,
      asked: taken,
    });
  }
  if (credit > 0) {
    const { taken } = takeHighest(v.ballooned ?? [], Math.min(credit, STEP_FRAMES));
    // Nothing left in the balloon: the driver takes what it has for its target.
    if (taken.length === 0) return idle(v);
    const ascending = [...taken].sort((a, b) => a[0] - b[0]);
    return ask(hypercall('XENMEM_populate_physmap', reservation(v, ascending)), 'increased', {
      ...v,
      asked: ascending,
    });
  }
  return idle({ ...v, delay: 1 });
}

/** What a guest's drivers watch. */
const watched = (v: GuestVars): string[] => [
  node(v, 'control/shutdown'),
  node(v, 'memory/target'),
  node(v, 'cpu'),
];

/** Waits for a word or a new target; while credit is left, no longer than the delay. */
function idle(v: GuestVars): Next<GuestVars> {
  const paths = watched(v);
  return ask({ kind: 'wait', paths }, 'woken', v);
}

/** Waits and tries again, twice as long each time. */
function backOff(v: GuestVars): Next<GuestVars> {
  const delay = v.delay ?? 1;
  const paths = watched(v);
  const wait: Request = { kind: 'wait', paths, ns: delay * SECOND };
  return ask(wait, 'woken', { ...v, delay: Math.min(delay * 2, MAX_DELAY) });
}

/** The first `count` frames of runs, and the rest. */
function split(runs: readonly Run[], count: number): { head: Run[]; tail: Run[] } {
  const head: Run[] = [];
  const tail: Run[] = [];
  let left = count;
  for (const [first, n] of runs) {
    const h = Math.min(n, left);
    if (h > 0) head.push([first, h]);
    if (h < n) tail.push([first + h, n - h]);
    left -= h;
  }
  return { head, tail };
}

/** A xenstore size in KiB as pages; null where there is none. */
const pagesOf = (text: string | undefined): number | null =>
  text !== undefined && /^[0-9]+$/.test(text) ? Math.floor(Number(text) / 4) : null;

/** The reason code of a word in control/shutdown; null for words that stop nothing. Xen: SHUTDOWN_*. */
const REASONS: Readonly<Record<string, number>> = { poweroff: 0, halt: 0, reboot: 1, suspend: 2 };

/** Runs until its domain ends. */
const guest = flow<GuestVars>({
  name: 'guest',
  steps: {
    start: (v) => {
      const features = v.domid === 0 ? [] : ['poweroff', 'reboot', 'suspend'];
      const say = features.map((f) => xs({ op: 'write', path: node(v, `control/feature-${f}`), value: '1' }));
      const next = { ...v, current: total(v.ram), ballooned: v.ballooned ?? [] };
      return ask([...say, read(v, 'memory/static-max')], 'staticMax', next);
    },
    staticMax: (v, reply) => {
      const staticMax = pagesOf(xsReply(reply).value);
      const targetDiff =
        v.type === 'pv' || staticMax === null ? 0 : staticMax - total(v.ram) - total(v.ballooned ?? []);
      return goto('look', { ...v, targetDiff });
    },
    woken: (v, reply) => {
      const cpu = String(reply.fired ?? '').startsWith(node(v, 'cpu'));
      return cpu ? ask(xs({ op: 'directory', path: node(v, 'cpu') }), 'cpus', v) : goto('look', v);
    },
    // Linux: drivers/xen/cpu_hotplug.c, vcpu_hotplug().
    cpus: (v, reply) => goto('cpu', { ...v, cpus: (xsReply(reply).entries ?? []).map(Number) }),
    cpu: (v) => {
      const vcpu = v.cpus?.[0];
      return vcpu === undefined
        ? goto('look', v)
        : ask(read(v, `cpu/${vcpu}/availability`), 'availability', v);
    },
    availability: (v, reply) => {
      const [vcpu, ...cpus] = v.cpus ?? [];
      const value = xsReply(reply).value;
      const next = { ...v, cpus };
      if (value !== 'online' && value !== 'offline') return goto('cpu', next);
      const name = value === 'online' ? 'VCPUOP_up' : 'VCPUOP_down';
      return ask(hypercall(name, { domid: domId(v.domid), vcpu: vcpu! }), 'cpu', next);
    },
    look: (v) => ask(read(v, 'control/shutdown'), 'word', v),
    word: (v, reply) => {
      const word = xsReply(reply).value ?? '';
      if (word === '') return ask(read(v, 'memory/target'), 'target', v);
      const reason = REASONS[word];
      const clear = xs({ op: 'write', path: node(v, 'control/shutdown'), value: '' });
      if (reason === undefined) return ask(clear, 'look', v);
      const stop = hypercall('SCHEDOP_shutdown', { domid: domId(v.domid), reason });
      // A suspended guest runs on from here when it is resumed; a stopped one never does.
      return ask([clear, stop], reason === 2 ? 'look' : 'stopped', { ...v, reason });
    },
    stopped: () => done({ rc: 0 }),
    target: (v, reply) => {
      const target = pagesOf(xsReply(reply).value);
      return target === null ? idle(v) : balloon({ ...v, target: target - (v.targetDiff ?? 0) });
    },
    decreased: (v, reply) => {
      const asked = v.asked ?? [];
      const { head, tail } = split(asked, Math.max(0, reply.rc));
      const next = {
        ...v,
        ram: addRuns(v.ram, tail),
        ballooned: addRuns(v.ballooned ?? [], head),
        current: (v.current ?? 0) - total(head),
        asked: [],
      };
      return tail.length > 0 ? backOff(next) : paced(next);
    },
    increased: (v, reply) => {
      const asked = v.asked ?? [];
      const { head, tail } = split(asked, Math.max(0, reply.rc));
      const kept = takeHighest(v.ballooned ?? [], total(asked)).left;
      const next = {
        ...v,
        ram: addRuns(v.ram, head),
        ballooned: addRuns(kept, tail),
        current: (v.current ?? 0) + total(head),
        asked: [],
      };
      return tail.length > 0 ? backOff(next) : paced({ ...next, delay: 1 });
    },
  },
});

/** Between two steps: what has been written meanwhile counts first. */
const paced = (v: GuestVars): Next<GuestVars> => goto('look', v);

/** Where a guest finds memory when it boots. The VGA hole of an HVM guest is no memory of its own. */
const guestRam = (type: DomainType, layout: BuildLayout): Run[] =>
  layout.ranges.flatMap((r): Run[] =>
    type === 'hvm' && r.start === 0 && r.end > 0xc0
      ? [
          [0, 0xa0],
          [0xc0, r.end - 0xc0],
        ]
      : [[r.start, r.end - r.start]],
  );

/**
 * The request that boots a guest: its task begins to run when its domain is unpaused for the first time. `present` is
 * how many pages it has when it comes from a saved state; the highest frames are in its balloon then.
 */
export function bootGuest(
  domid: number,
  type: DomainType,
  layout: BuildLayout,
  present: number | null,
): Request {
  const { head, tail } = split(guestRam(type, layout), present ?? Number.POSITIVE_INFINITY);
  return spawn(`guest-${domid}`, 'guest', { domid, type, ram: head, ballooned: tail }, domid);
}

/** dom0's own balloon driver, for a dom0 of `pages` pages from frame 0 on. The host starts it when it boots. */
export const dom0Balloon = (pages: number): Task =>
  newTask('dom0-balloon', 'guest', { domid: 0, type: 'pv', ram: [[0, pages]] });

export const guestFlows: Readonly<Record<string, Flow>> = { guest };
