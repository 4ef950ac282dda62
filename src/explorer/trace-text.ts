/** Events and holdings as sentences: what is printed under a failed expectation. */
import { formatDuration, formatPages } from './amount.ts';
import { errnoName } from './errno-name.ts';
import type { TraceEvent, TraceLog } from './trace-event.ts';
import type { RunningTask, World } from './world.ts';

const EXTENT_SIZES: Readonly<Record<number, string>> = { 0: '4 KiB', 9: '2 MiB', 18: '1 GiB' };
const extentName = (order: number): string => EXTENT_SIZES[order] ?? `order ${order}`;

/** The last `n` events, oldest first. */
export function lastEvents(log: TraceLog, n: number): string[] {
  return log.events.slice(-n).map(eventText);
}

/** One event in a line. */
function eventText(event: TraceEvent): string {
  const took = event.until > event.at ? ` (${formatDuration(event.until - event.at)})` : '';
  const host = `free ${formatPages(event.free)}${event.claimed === 0 ? '' : `, claimed ${formatPages(event.claimed)}`}`;
  return `+${formatDuration(event.at)}  ${event.name}: ${deed(event)}${took}; ${host}`;
}

function deed(event: TraceEvent): string {
  const who = event.domid === undefined ? '' : ` for d${event.domid}`;
  const failed = (event.rc ?? 0) < 0 ? ` -> ${errnoName(-event.rc!)}` : '';
  switch (event.kind) {
    case 'start':
      return 'starts';
    case 'end':
      return `ends with ${event.rc}`;
    case 'populate':
      return `gets ${event.extents} x ${extentName(event.order ?? 0)}${who}`;
    case 'in-flight':
      return inFlightText(event);
    case 'refused':
      return event.order === undefined
        ? `${event.what}${who}${failed}`
        : `is refused ${extentName(event.order)}${who}, ${event.extents} extents short`;
    case 'claim':
      return event.extents === 0
        ? `drops the claim${who}`
        : `claims ${formatPages(event.extents ?? 0)}${who}${failed}`;
    case 'lock':
      return `takes ${event.what}`;
    case 'unlock':
      return `lets go of ${event.what}`;
    case 'lock-wait':
      return `waited for ${event.what}`;
    default:
      return `${event.what}${who}${failed}`;
  }
}

/** What a hypercall has done of an extent when somebody comes between, in Xen's words. */
export const inFlightText = ({ what, order, domid }: TraceEvent): string =>
  what === 'assign_pages'
    ? `assign_pages ${extentName(order ?? 0)} to d${domid}, not yet mapped`
    : `alloc_heap_pages ${extentName(order ?? 0)} for d${domid}, not yet assigned`;

/** Who holds what at this moment, and since when. */
export function holdings(log: TraceLog, world: World): string[] {
  const lines: string[] = [];
  const since = (at: number): string => `since +${formatDuration(at)}`;
  for (const [path, holder] of log.holders) {
    const waiting = (world.locks.get(path)?.length ?? 1) - 1;
    const queue = waiting > 0 ? `, ${waiting} waiting` : '';
    lines.push(`${path} is held by "${holder.name}" ${since(holder.since)}${queue}`);
  }
  for (const domain of world.xen.heap.domains.values()) {
    const { domid, totPages, outstandingPages } = domain;
    if (outstandingPages > 0) {
      const claim = log.claims.get(domid);
      const by = claim === undefined ? '' : `, staked by "${claim.name}" ${since(claim.since)}`;
      lines.push(`d${domid} claims ${formatPages(outstandingPages)}${by}`);
    }
    const populating = log.populating.get(domid);
    if (totPages > 0) {
      const by = populating === undefined ? '' : `, given by "${populating.name}" ${since(populating.since)}`;
      lines.push(`d${domid} owns ${formatPages(totPages)}${by}`);
    }
  }
  for (const task of world.tasks) {
    if (task.section == null) continue;
    const { done, request } = task.section;
    if (request.name === 'XEN_DOMCTL_destroydomain') {
      lines.push(`"${task.task.name}" is destroying d${request.args.domid}`);
      continue;
    }
    if (request.name !== 'XENMEM_populate_physmap') continue;
    const { nrExtents, extentOrder, domid } = request.args;
    lines.push(
      `"${task.task.name}" is populating d${domid}: ${done} of ${nrExtents} x ${extentName(extentOrder)} done`,
    );
  }
  return lines;
}

/** Tasks shown of a run that came to no end. */
const SHOWN_TASKS = 12;

/** Where tasks stand, for a run that came to no end: those that do something first, then those that only wait. */
export function whereabouts(world: World): string[] {
  const busy = world.tasks.filter((task) => !task.waiting);
  const resting = world.tasks.filter((task) => task.waiting);
  const shown = [...busy, ...resting].slice(0, SHOWN_TASKS);
  const left = world.tasks.length - shown.length;
  const lines = shown.map((task) => whereabout(world, task));
  return left === 0 ? lines : [...lines, `and ${left} tasks more`];
}

function whereabout(world: World, task: RunningTask): string {
  const frame = task.task.frames[task.task.frames.length - 1];
  const place = frame === undefined ? 'at its end' : `in ${frame.flow} at ${frame.at}`;
  const held = [...world.locks].filter(([, queue]) => queue[0] === task.id).map(([path]) => path);
  const wants = [...world.locks].filter(([, queue]) => queue.indexOf(task.id) > 0).map(([path]) => path);
  const waits = task.waiting ? `, waits for ${task.watches.join(', ')}` : '';
  const holds = held.length === 0 ? '' : `, holds ${held.join(', ')}`;
  const wish = wants.length === 0 ? '' : `, waits for the lock ${wants.join(', ')}`;
  return `"${task.task.name}" (task ${task.id}) ${place}${waits}${holds}${wish}`;
}
