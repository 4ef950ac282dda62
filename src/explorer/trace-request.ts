/** Events out of what tasks ask: in Xen's words, with the host as it is right after. */
import type { Reply, Request } from '../toolstack/task.ts';
import type { Machine } from './machine.ts';
import type { SectionServed } from './sections.ts';
import type { TraceEvent } from './trace-event.ts';
import type { Section, World } from './world.ts';

/** As much of a task as an event names. */
interface Named {
  readonly id: number;
  readonly task: { readonly name: string };
}

const hostAt = (world: World): { free: number; claimed: number } => ({
  free: world.xen.heap.totalAvailPages,
  claimed: world.xen.heap.outstandingClaims,
});

/** A task begins or ends, or a lock of the toolstack changes hands. */
export function noteTask(
  machine: Machine,
  world: World,
  task: Named,
  kind: 'start' | 'end' | 'lock' | 'unlock' | 'lock-wait',
  rc: number,
  what: string = kind,
): void {
  const at = kind === 'lock-wait' ? (machine.waiting.get(task.id) ?? world.now) : world.now;
  const event = { at, until: world.now, task: task.id, name: task.task.name, kind, what, ...hostAt(world) };
  machine.trace(kind === 'end' ? { ...event, rc } : event);
}

/** A part of a populate, and the refusal that ended it. */
export function noteSection(
  machine: Machine,
  world: World,
  task: Named,
  section: Section,
  served: SectionServed,
): void {
  const { request } = section;
  if (request.name !== 'XENMEM_populate_physmap') {
    // One of these for every part of domains that die side by side: made in one go, not of parts.
    machine.trace({
      at: world.now,
      until: world.now + served.took,
      task: task.id,
      name: task.task.name,
      kind: 'free',
      free: world.xen.heap.totalAvailPages,
      claimed: world.xen.heap.outstandingClaims,
      what: request.name,
      domid: Number(request.args.domid),
      rc: served.reply?.rc ?? served.extents,
    });
    return;
  }
  const { args } = request;
  // One of these for every extent of builders that take turns: made in one go, not of parts.
  const note = (
    kind: 'populate' | 'refused' | 'in-flight',
    rc: number,
    extents: number,
    what = 'XENMEM_populate_physmap',
  ): void =>
    machine.trace({
      at: world.now,
      until: world.now + served.took,
      task: task.id,
      name: task.task.name,
      kind,
      what,
      domid: Number(args.domid),
      rc,
      order: Number(args.extentOrder),
      extents,
      free: world.xen.heap.totalAvailPages,
      claimed: world.xen.heap.outstandingClaims,
    });
  if (served.extents > 0) note('populate', served.extents, served.extents);
  if (served.reply !== null && served.reply.rc < args.nrExtents) {
    note('refused', served.reply.rc, args.nrExtents - served.reply.rc);
  }
  const at = served.section?.task?.at;
  if (at === 'map') note('in-flight', 0, 1, 'assign_pages');
  else if (at === 'scrub' || at === 'assign') note('in-flight', 0, 1, 'alloc_heap_pages');
}

/** A request that was served whole. Looking things up is no event. */
export function noteRequest(
  machine: Machine,
  world: World,
  task: Named,
  request: Request,
  reply: Reply,
  cost: number,
): void {
  if (request.kind !== 'hypercall') return;
  const kind = kindOf(request.name);
  if (kind === null) return;
  const args = request.args as { readonly [key: string]: unknown };
  const domid = args.domid ?? (reply as { domid?: unknown }).domid;
  const { extentOrder, nrExtents } = args;
  // Field by field in the order in which it is printed: a spread of what may be there or not is slow.
  const event: Pick<Draft, 'at' | 'until' | 'task' | 'name' | 'kind' | 'what'> & Partial<Draft> = {
    at: world.now,
    until: world.now + cost,
    task: task.id,
    name: task.task.name,
    kind: reply.rc < 0 && kind === 'hypercall' ? 'refused' : kind,
    what: request.name,
    rc: reply.rc,
  };
  if (typeof domid === 'number') event.domid = domid;
  if (typeof extentOrder === 'number') event.order = extentOrder;
  if (typeof nrExtents === 'number') event.extents = nrExtents;
  event.free = world.xen.heap.totalAvailPages;
  event.claimed = world.xen.heap.outstandingClaims;
  machine.trace(event as TraceEvent);
}

/** An event while it is put together. */
type Draft = { -readonly [K in keyof TraceEvent]: TraceEvent[K] };

const KINDS: Readonly<Record<string, TraceEvent['kind']>> = {
  XENMEM_claim_pages: 'claim',
  XENMEM_populate_physmap: 'populate',
  XENMEM_increase_reservation: 'populate',
  XENMEM_decrease_reservation: 'free',
  XEN_DOMCTL_destroydomain: 'free',
};
/** Changes of who holds what that are not one of the above. */
const CHANGES = [
  'XEN_DOMCTL_createdomain',
  'XEN_DOMCTL_max_mem',
  'XEN_DOMCTL_set_paging_mempool_size',
  'XENMEM_set_pod_target',
  'XEN_DOMCTL_unpausedomain',
  'SCHEDOP_shutdown',
];

const kindOf = (name: string): TraceEvent['kind'] | null =>
  KINDS[name] ?? (CHANGES.includes(name) ? 'hypercall' : null);
