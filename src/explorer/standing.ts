/**
 * Where a play stands between two rounds of a repeat: all that the next round can meet, and all that any reader is told
 * afterwards, so that two moments can be compared.
 *
 * What each field of each record is to be is in the tables of standing-rules.ts. One that is in none of them makes a play
 * stand nowhere: it is compared with nothing.
 */
import { saveDomain } from '../hypervisor/domain-save.ts';
import type { Domain } from '../hypervisor/domain-state.ts';
import { type SavedHeap, saveHeap } from '../hypervisor/heap-save.ts';
import { frameFromNow } from './frame-clock.ts';
import type { Machine } from './machine.ts';
import type { Play } from './play.ts';
import { isSameValue } from './same-value.ts';
import { HEAP_DOMAIN, ownersOf, type Rounds } from './standing-rules.ts';
import type { TraceLog } from './trace-event.ts';
import type { RunningTask, World } from './world.ts';

/** A moment that a reader is shown, and what it is the beginning of. */
export interface Since {
  readonly of: unknown;
  readonly at: number;
}

/** See the file's header. Shares values with the play; what is changed in place is copied. */
export interface Standing {
  readonly now: number;
  readonly fixed: readonly unknown[];
  /** Values that must say the same; moments in them are told from now on. */
  readonly values: readonly unknown[];
  readonly tasks: readonly RunningTask[];
  readonly domains: readonly Domain[];
  /** Since when the heap lock is free, and what is held is held. */
  readonly since: readonly Since[];
  /** By record and field. */
  readonly counts: Readonly<Record<string, number>>;
  readonly recentDomids: World['recentDomids'];
  /** Events noted so far. */
  readonly events: number;
  /** Null: not looked at. */
  heap: SavedHeap | null;
}

/** Where the play stands, all but the heap; null: it has something that rounds are not compared with. */
export function standingOf(play: Play, rounds: Rounds): Standing | null {
  const { world, machine, log } = play;
  const { now } = world;
  const fixed: unknown[] = [];
  const values: unknown[] = [];
  const counts: Record<string, number> = {};
  for (const [name, of, rules] of ownersOf(play, rounds)) {
    for (const [field, value] of Object.entries(of)) {
      const rule = rules[field];
      if (rule === undefined || (rule === 'none' && !isNone(value))) return null;
      if (rule === 'fixed') fixed.push(value);
      else if (rule === 'same') values.push(value);
      else if (rule === 'list') values.push([...value]);
      else if (rule === 'size') values.push(sizeOf(value));
      else if (rule === 'count') counts[`${name}.${field}`] = value;
    }
  }
  // One stands for all: they are made in one place.
  const [domain = {}] = world.xen.heap.domains.values();
  if (Object.keys(domain).some((field) => !Object.hasOwn(HEAP_DOMAIN, field))) return null;
  const ago = ([id, at]: readonly [number, number]): readonly [number, number] => [id, at - now];
  const { onCpu, scrubs, scrubSeen, waiting } = machine;
  const scrubbed = Array.from(scrubs, (s) => s && { ...s, done: s.done - now });
  values.push([...onCpu].map(ago), [...waiting].map(ago), scrubbed, scrubSeen - now);
  // In the order in which somebody may go through them.
  values.push([...world.xen.domains.keys()], [...world.xen.heap.domains.keys()]);
  return {
    now,
    fixed,
    values,
    tasks: world.tasks.slice(),
    domains: [...world.xen.domains.values()],
    since: sinceOf(machine, log),
    counts,
    recentDomids: world.recentDomids,
    events: log.dropped + log.events.length,
    heap: null,
  };
}

const isNone = (value: unknown): boolean => value == null || value === false || sizeOf(value) === 0;

function sizeOf(value: unknown): number {
  if (Array.isArray(value)) return value.length;
  return value instanceof Map || value instanceof Set ? value.size : Number.NaN;
}

function sinceOf({ heapLockFreeAt }: Machine, { holders, claims, populating }: TraceLog): Since[] {
  const since: Since[] = [{ of: 'heap_lock', at: heapLockFreeAt }];
  for (const held of [holders, claims, populating]) {
    for (const [key, { since: at, ...of }] of held) since.push({ of: [key, of], at });
  }
  return since;
}

/** The heap as it is, every list in its order; counts apart. */
export function heapStanding({ world }: Play): SavedHeap {
  const saved = saveHeap(world.xen.heap);
  const domains = saved.domains.map((d) => (d.pod.length === 0 ? d : { ...d, pod: inOrder(d.pod) }));
  return { ...saved, counters: saved.counters.slice(0, -1), xen: inOrder(saved.xen), domains };
}

/** Blocks that are on no list, as ranges in order of their frames: how they are written has no meaning. */
function inOrder(flat: readonly number[]): number[] {
  const blocks: (readonly [from: number, to: number])[] = [];
  for (let i = 0; i < flat.length; i += 4) {
    const [first, count, stride, size] = [flat[i]!, flat[i + 1]!, flat[i + 2]!, flat[i + 3]!];
    // A negative size goes down from its frame.
    const low = size < 0 ? size + 1 : 0;
    for (let k = 0; k < count; k++) {
      const from = first + k * stride + low;
      blocks.push([from, from + Math.abs(size)]);
    }
  }
  blocks.sort((a, b) => a[0] - b[0]);
  const ranges: number[] = [];
  for (const [from, to] of blocks) {
    if (ranges.at(-1) === from) ranges[ranges.length - 1] = to;
    else ranges.push(from, to);
  }
  return ranges;
}

/** Whether two moments of a play differ by nothing but counts and the time, the heap not looked at. */
export function isSameStanding(a: Standing, b: Standing): boolean {
  if (a.fixed.length !== b.fixed.length || a.fixed.some((value, i) => value !== b.fixed[i])) return false;
  const passed = b.now - a.now;
  return (
    isSameValue(a.values, b.values) &&
    isSameList(a.tasks, b.tasks, (x, y) => isSameTask(x, y, a.now, b.now)) &&
    isSameList(a.domains, b.domains, (x, y) => x === y || isSameValue(saveDomain(x), saveDomain(y))) &&
    isSameList(
      a.since,
      b.since,
      (x, y) => isSameValue(x.of, y.of) && hasMovedOrPassed(x.at, y.at, passed, a.now),
    )
  );
}

function isSameList<T>(a: readonly T[], b: readonly T[], same: (x: T, y: T) => boolean): boolean {
  return a.length === b.length && a.every((x, i) => same(x, b[i]!));
}

/** It moves with the clock; or it was over before and has been left alone. */
const hasMovedOrPassed = (a: number, b: number, passed: number, now: number): boolean =>
  b - a === passed || (a === b && a <= now);

/** A record that is the very same did nothing meanwhile: it stands until its time comes, whenever that is. */
const isSameTask = (a: RunningTask, b: RunningTask, nowA: number, nowB: number): boolean =>
  a === b || isSameValue(fromNow(a, nowA), fromNow(b, nowB));

const fromNow = (running: RunningTask, now: number): object => ({
  ...running,
  at: running.at === null ? null : running.at - now,
  task: { ...running.task, frames: running.task.frames.map((frame) => frameFromNow(frame, now)) },
});
