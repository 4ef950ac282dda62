/** How a lane of a parallel block ended: which of them started, which failed when, and why. */
import type { Reply, Request } from '../toolstack/task.ts';
import { errnoName } from './errno-name.ts';

/** What is remembered of a lane while it goes on: no more than its end depends on. */
export interface LaneFacts {
  /** Exit status of its first step that failed; 0: none has. */
  readonly rc: number;
  /** That step had populated memory before it failed. */
  readonly late: boolean;
  /** What Xen refused last, in its words; empty: nothing that mattered. */
  readonly reason: string;
  /** The step under way has populated memory. */
  readonly tried: boolean;
  /** Its last hypercall did less than it was asked for. */
  readonly short: boolean;
}

/** How a lane ended. `stuck`: it never will; `under way`: it had not yet when an invariant broke. */
export interface LaneEnd {
  readonly label: string;
  /** `done`, `failed` and `short` (it failed after it had taken some memory) are for lanes that create nothing. */
  readonly kind: 'started' | 'refused' | 'late' | 'stuck' | 'under way' | 'done' | 'failed' | 'short';
  readonly rc: number;
  readonly reason: string;
}

export const newFacts = (): LaneFacts => ({ rc: 0, late: false, reason: '', tried: false, short: false });

/** Hypercalls that give memory out, extent by extent. */
const GIVES = ['XENMEM_populate_physmap', 'XENMEM_increase_reservation'];

/** Others that fail for want of memory: what they say is the reason, whatever fails in the clearing up after them. */
const TAKES = ['XENMEM_claim_pages', 'XENMEM_set_pod_target', 'XEN_DOMCTL_set_paging_mempool_size'];

/** The facts after one more hypercall of the step under way. Once a step has failed they stay. */
export function factsAfter(facts: LaneFacts, request: Request, reply: Reply): LaneFacts {
  if (request.kind !== 'hypercall' || facts.rc !== 0) return facts;
  const { rc } = reply;
  if (GIVES.includes(request.name)) {
    const { nrExtents, extentOrder } = request.args as { nrExtents: number; extentOrder: number };
    const short = rc < nrExtents;
    const tried = facts.tried || rc > 0;
    const reason = short ? `${request.name}: no memory for an extent of order ${extentOrder}` : facts.reason;
    if (tried === facts.tried && short === facts.short && reason === facts.reason) return facts;
    return { ...facts, tried, short, reason };
  }
  if (request.name === 'XENMEM_set_pod_target' && rc === 0) return { ...facts, tried: true };
  const isErrno = rc < 0 && rc > -4096;
  return isErrno && (facts.reason === '' || TAKES.includes(request.name))
    ? { ...facts, reason: `${request.name}: ${errnoName(-rc)}` }
    : facts;
}

/** The end of a lane whose facts are these. `stands`: whether it is over and, if not, why there is no more of it. */
export function endOfLane(
  { label, creates }: { readonly label: string; readonly creates: boolean },
  { rc, late, reason }: LaneFacts,
  stands: 'over' | 'stuck' | 'under way',
): LaneEnd {
  if (stands !== 'over') return { label, kind: stands, rc, reason };
  if (!creates) return { label, kind: rc === 0 ? 'done' : late ? 'short' : 'failed', rc, reason };
  return { label, kind: rc === 0 ? 'started' : late ? 'late' : 'refused', rc, reason };
}
