/**
 * Xen's memory without the names of frames: what is left of a state when it is not asked whose page lies where.
 *
 * Of the heap: how many free buddies each (node, zone, order) has and how many of them are dirty, and the claims. Of a
 * domain: its counters and which guest frames are mapped by extents of which order.
 */
import type { Domain } from '../hypervisor/domain-state.ts';
import { listPages } from '../hypervisor/extent-group.ts';
import { type Heap, type HeapDomain, NIL, NR_ORDERS, RUN_BASE } from '../hypervisor/heap-state.ts';
import { type P2m, p2mWalk } from '../hypervisor/p2m.ts';
import { isPod, p2mEnd } from '../hypervisor/p2m-run.ts';
import { nextOf } from '../hypervisor/page-list.ts';
import { metaFd } from '../hypervisor/page-region.ts';

/** The heap by class, as text. Equal texts: equal numbers everywhere. */
export function heapClass(h: Heap): string {
  let text = `${h.outstandingClaims};${h.dmaBits};${h.special.size};${h.offliningPages};${h.needScrub.join()};`;
  for (let place = 0; place < h.orderMask.length; place++) {
    let orders = h.orderMask[place]!;
    while (orders !== 0) {
      const order = 31 - Math.clz32(orders & -orders);
      orders &= orders - 1;
      const list = place * NR_ORDERS + order;
      let free = 0;
      let dirty = 0;
      for (let node = h.listHead[list]!; node !== NIL; node = nextOf(h, node)) {
        const id = RUN_BASE - node;
        const count = node >= 0 ? 1 : h.runCount[id]!;
        free += count;
        if ((node >= 0 ? metaFd(h.pgMeta[node]!) : h.runVal[id]!) !== -1) dirty += count;
      }
      text += dirty === 0 ? `${list}:${free},` : `${list}:${free}/${dirty},`;
    }
  }
  return text;
}

/** What the heap keeps of a domain, by class. */
export function heapDomainClass(d: HeapDomain): string {
  const flags = `${d.creationFinished ? 'f' : ''}${d.isDying ? 'd' : ''}${d.pendingScrub === null ? '' : 's'}`;
  const nodes = `${d.lastAllocNode};${d.nodeAffinity?.join() ?? ''}`;
  return `${d.totPages};${d.extraPages};${d.maxPages};${d.outstandingPages};${flags};${nodes}`;
}

/** A domain's record with every machine frame left out, as plain data. */
export function domainClass(d: Domain): object {
  const { p2m, paging, pod, structures, ...rest } = d;
  return {
    ...rest,
    p2m: p2mLayout(p2m),
    paging: [paging.freePages, paging.totalPages, paging.p2mPagesCount],
    pod: {
      ...pod,
      super: listPages(pod.super),
      single: listPages(pod.single),
    },
    structures: listPages(structures),
  };
}

/** Which guest frames are mapped, by what: `gfn:order*count`, neighbours of a kind as one. */
function p2mLayout(p2m: P2m): string {
  let text = '';
  let first = -1;
  let end = -1;
  let kind = '';
  p2mWalk(p2m, 0, (run) => {
    const own = `${run.order}${isPod(run) ? 'p' : ''}`;
    if (run.gfn !== end || own !== kind) {
      if (first >= 0) text += `${first}-${end}:${kind},`;
      first = run.gfn;
      kind = own;
    }
    end = p2mEnd(run);
    return true;
  });
  return first < 0 ? '' : `${text}${first}-${end}:${kind}`;
}
