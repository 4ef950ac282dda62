/**
 * What happened on the virtual clock, event by event: for --trace, for the timeline, and for "who held what, since
 * when" under a failed expectation.
 */

/** One thing a task did or waited for. Times in virtual ns. */
export interface TraceEvent {
  readonly at: number;
  /** When it was over; equal to `at` for what takes no time. */
  readonly until: number;
  /** The host it happened on, by name; absent: there is one. */
  readonly host?: string;
  readonly task: number;
  readonly name: string;
  readonly kind:
    | 'start'
    | 'end'
    | 'hypercall'
    | 'populate'
    | 'in-flight'
    | 'claim'
    | 'free'
    | 'refused'
    | 'lock'
    | 'unlock'
    | 'lock-wait'
    | 'sleep'
    | 'set'
    | 'virq';
  /** In Xen's words. */
  readonly what: string;
  readonly domid?: number;
  readonly rc?: number;
  readonly order?: number;
  readonly extents?: number;
  /** The host right after it, in pages. */
  readonly free: number;
  readonly claimed: number;
}

/** Receives events in the order of their beginnings. */
export type TraceSink = (event: TraceEvent) => void;

/** An event of the log's own, which grows while what it tells goes on. */
type GrowingEvent = { -readonly [K in keyof TraceEvent]: TraceEvent[K] };

/** Events kept in memory: the last ones, with neighbours that only go on joined into one. */
export interface TraceLog {
  readonly events: GrowingEvent[];
  readonly limit: number;
  /** By task: where its last event is, while that can still grow. */
  readonly open: Map<number, number>;
  dropped: number;
  readonly counts: TraceCounts;
  /** Since when each lock is held, and by whom. */
  readonly holders: Map<string, { readonly task: number; readonly name: string; readonly since: number }>;
  /** Since when each domain's claim stands. */
  readonly claims: Map<number, { readonly pages: number; readonly since: number; readonly name: string }>;
  /** When each domain began to get memory. */
  readonly populating: Map<number, { readonly since: number; readonly name: string }>;
}

/** What expectations ask about. */
interface TraceCounts {
  enomem: number;
  claimRefused: number;
  longestXlLock: number;
  lockWait: number;
}

export const newTraceLog = (limit: number): TraceLog => ({
  events: [],
  limit,
  open: new Map(),
  dropped: 0,
  counts: { enomem: 0, claimRefused: 0, longestXlLock: 0, lockWait: 0 },
  holders: new Map(),
  claims: new Map(),
  populating: new Map(),
});

/** Notes an event: counts it, joins it to what it continues, and forgets the oldest when there are too many. */
export function noteEvent(log: TraceLog, event: TraceEvent): void {
  count(log, event);
  // Nothing comes of libxl's own locks as long as nobody has to wait for one.
  if (isUserdataLock(event) && event.kind !== 'lock-wait') return;
  const tail = log.events[log.events.length - 1];
  // That an extent was in flight is of interest only if somebody came between.
  if (tail?.kind === 'in-flight' && tail.task === event.task) log.events.pop();
  if (event.kind === 'in-flight') {
    keepEvent(log, event);
    return;
  }
  const last = log.open.get(event.task);
  const before = last === undefined ? undefined : log.events[last - log.dropped];
  if (before !== undefined && continues(before, event)) {
    const extents = (before.extents ?? 0) + (event.extents ?? 0);
    before.until = event.until;
    before.free = event.free;
    before.claimed = event.claimed;
    before.extents = extents;
    before.rc = extents;
    return;
  }
  // What may grow must be the log's own.
  keepEvent(log, event.kind === 'populate' || event.kind === 'free' ? { ...event } : event);
  log.open.set(event.task, log.dropped + log.events.length - 1);
}

function keepEvent(log: TraceLog, event: GrowingEvent): void {
  log.events.push(event);
  if (log.events.length <= log.limit) return;
  log.events.shift();
  log.dropped++;
}

/** Whether it is of a lock that libxl takes for one change to what is known of a domain: libxl__lock_domain_userdata(). */
export const isUserdataLock = ({ what }: TraceEvent): boolean => what.includes('userdata-lock');

/** What a lock is called that a remedy holds in the place of Xen's. */
export const HEAP_LOCK = 'heap_lock';

/** Whether it is of xl's own lock, whatever xl.conf calls it: there are only libxl's beside it, and that of a remedy. */
const isXlLock = (event: TraceEvent): boolean => !isUserdataLock(event) && event.what !== HEAP_LOCK;

const continues = (a: TraceEvent, b: TraceEvent): boolean =>
  (a.kind === 'populate' || a.kind === 'free') &&
  b.kind === a.kind &&
  a.what === b.what &&
  a.domid === b.domid &&
  a.order === b.order;

function count(log: TraceLog, event: TraceEvent): void {
  const { counts } = log;
  switch (event.kind) {
    case 'refused':
      counts.enomem++;
      break;
    case 'claim':
      if (event.rc !== 0) counts.claimRefused++;
      else if (event.extents === 0) log.claims.delete(event.domid ?? -1);
      else if (event.domid !== undefined) {
        log.claims.set(event.domid, { pages: event.extents ?? 0, since: event.at, name: event.name });
      }
      break;
    case 'populate':
      if (event.domid !== undefined && !log.populating.has(event.domid)) {
        log.populating.set(event.domid, { since: event.at, name: event.name });
      }
      break;
    case 'lock':
      log.holders.set(event.what, { task: event.task, name: event.name, since: event.at });
      break;
    case 'unlock': {
      const held = event.at - (log.holders.get(event.what)?.since ?? event.at);
      if (isXlLock(event)) counts.longestXlLock = Math.max(counts.longestXlLock, held);
      log.holders.delete(event.what);
      break;
    }
    case 'lock-wait':
      if (isXlLock(event)) counts.lockWait += event.until - event.at;
      break;
    case 'free':
      if (event.domid !== undefined && event.what === 'XEN_DOMCTL_destroydomain') {
        log.claims.delete(event.domid);
        log.populating.delete(event.domid);
      }
      break;
    default:
      break;
  }
}
