/**
 * The heap lock held for a builder's whole memory request: one hypercall that allocates everything or nothing.
 *
 * Xen never had it. libxc marks where its request begins and ends, and how large it is, by its claim; here these two
 * places take and release heap_lock instead, and no claim is staked. Under the lock Xen looks whether the whole
 * request fits and refuses it at once. Everybody else who needs the heap meanwhile waits: that is its price.
 */
import { ENOMEM } from '../../hypervisor/errno.ts';
import type { Interceptor } from '../intercept.ts';
import type { Remedy } from '../remedy.ts';
import { HEAP_LOCK } from '../trace-event.ts';
import { withXlConf } from './xl-conf-of.ts';

/** Hypercalls of which a builder's request consists. */
const OF_A_REQUEST: readonly string[] = ['XENMEM_populate_physmap', 'XENMEM_set_pod_target'];
/** Hypercalls that take pages from the heap or give some back. */
const TAKES_HEAP_LOCK: readonly string[] = [
  'XENMEM_populate_physmap',
  'XENMEM_increase_reservation',
  'XENMEM_decrease_reservation',
  'XENMEM_exchange',
  'XENMEM_set_pod_target',
  'XENMEM_claim_pages',
  'XEN_DOMCTL_createdomain',
  'XEN_DOMCTL_destroydomain',
  'XEN_DOMCTL_max_vcpus',
  'XEN_DOMCTL_set_paging_mempool_size',
];

const intercept: Interceptor = (world, task, domid, request) => {
  if (request.kind !== 'hypercall') return null;
  const holder = world.locks.get(HEAP_LOCK)?.[0];
  const isMine = holder === task;
  if (request.name === 'XENMEM_claim_pages' && domid === null && request.args.nrExtents > 0) {
    if (!isMine) return { lock: HEAP_LOCK };
    const { totalAvailPages, outstandingClaims } = world.xen.heap;
    return { reply: { rc: request.args.nrExtents > totalAvailPages - outstandingClaims ? -ENOMEM : 0 } };
  }
  if (isMine) {
    // A builder goes on; whoever only waited for the lock lets it go and is served.
    const goesOn = domid === null && OF_A_REQUEST.includes(request.name);
    return goesOn ? null : { unlock: HEAP_LOCK };
  }
  return holder !== undefined && TAKES_HEAP_LOCK.includes(request.name) ? { lock: HEAP_LOCK } : null;
};

export const heapLock: Remedy = {
  name: 'heap-lock',
  title: 'heap lock held',
  source: 'xen-devel 2012: "hold the heap lock for the whole request"',
  simplified: "libxc's populates stay many; what is held between them is the lock.",
  stage: (stage) => withXlConf(stage, { claim_mode: 1, autoballoon: 'off' }),
  intercept,
};
