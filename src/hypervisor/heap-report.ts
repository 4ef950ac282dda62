/** Reading the heap: what physinfo, numainfo, debug keys, maps and recordings show. */
import { buddyAround, newBuddy } from './free-list.ts';
import {
  CLEAN,
  type Heap,
  type HeapDomain,
  KIND_XEN,
  NIL,
  NR_ORDERS,
  NR_ZONES,
  OFFLINED,
  ON_BROKEN_LIST,
  RUN_BASE,
  spanOf,
} from './heap-state.ts';
import { ownerDomid } from './offline.ts';
import { kindAt } from './owned-pages.ts';
import { nextOf } from './page-list.ts';
import { metaFd, slotMfn } from './page-region.ts';

/** Xen: node_avail_pages[node]; 0 for a node that is not online. */
export const nodeAvailPages = (h: Heap, node: number): number => h.nodeAvail[h.nodeIndex[node] ?? -1] ?? 0;

/** Xen: avail[node][zone]. */
export const zoneAvailPages = (h: Heap, node: number, zone: number): number => {
  const idx = h.nodeIndex[node] ?? -1;
  return idx < 0 ? 0 : (h.zoneAvail[idx * NR_ZONES + zone] ?? 0);
};

/** Xen: node_need_scrub[node]. */
export const nodeNeedScrub = (h: Heap, node: number): number => h.needScrub[h.nodeIndex[node] ?? -1] ?? 0;

/** Calls `visit` with the free buddies in list order, as runs: `count` buddies at `stride`. */
export function forEachFreeRun(
  h: Heap,
  visit: (
    node: number,
    zone: number,
    order: number,
    first: number,
    count: number,
    stride: number,
    fd: number,
  ) => void,
): void {
  for (let i = 0; i < h.nodeIds.length; i++)
    for (let zone = 0; zone < NR_ZONES; zone++) {
      if (h.orderMask[i * NR_ZONES + zone] === 0) continue;
      for (let order = 0; order < NR_ORDERS; order++) {
        const list = (i * NR_ZONES + zone) * NR_ORDERS + order;
        for (let node = h.listHead[list]!; node !== NIL; node = nextOf(h, node)) {
          const id = RUN_BASE - node;
          if (node >= 0)
            visit(h.nodeIds[i]!, zone, order, slotMfn(h, node), 1, CLEAN, metaFd(h.pgMeta[node]!));
          else
            visit(
              h.nodeIds[i]!,
              zone,
              order,
              h.runFirst[id]!,
              h.runCount[id]!,
              h.runStride[id]!,
              h.runVal[id]!,
            );
        }
      }
    }
}

/** Pages of a list. */
function listPages(h: Heap, list: number): number {
  let sum = 0;
  for (let node = h.listHead[list]!; node !== NIL; node = nextOf(h, node))
    sum += node >= 0 ? 1 : h.runCount[RUN_BASE - node]! * Math.abs(h.runSize[RUN_BASE - node]!);
  return sum;
}

/** Pages the domain has on each node, its page list and its extra pages, by ascending node id. */
export const domainNodePages = (h: Heap, d: HeapDomain): readonly (readonly [number, number])[] =>
  h.nodeIds.map((id, i) => [id, listPages(h, d.pageList[i]!) + listPages(h, d.extraList[i]!)] as const);

/** Who has a frame: a domid, or what else it is. 'anon': in use without an owner; 'none': no RAM. */
export function ownerOf(h: Heap, mfn: number): number | 'free' | 'xen' | 'anon' | 'offlined' | 'none' {
  if (spanOf(h, mfn) < 0) return 'none';
  if ((h.special.get(mfn) ?? 0) & OFFLINED) return 'offlined';
  if (buddyAround(h, mfn, newBuddy())) return 'free';
  const owner = ownerDomid(h, mfn);
  if (owner >= 0) return owner;
  return kindAt(h, mfn) === KIND_XEN ? 'xen' : 'anon';
}

/** Lengths of the offlined and the broken list. */
export function offlinedPages(h: Heap): { readonly offlined: number; readonly broken: number } {
  let offlined = 0;
  let broken = 0;
  for (const flags of h.special.values()) {
    if (!(flags & OFFLINED)) continue;
    if (flags & ON_BROKEN_LIST) broken++;
    else offlined++;
  }
  return { offlined, broken };
}
