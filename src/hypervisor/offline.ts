/** Taking pages out of use and back. Models offline_page(), online_page() and mark_page_offline(), page_alloc.c. */
import { EINVAL } from './errno.ts';
import { freeHeapPages } from './free-heap-pages.ts';
import { buddyAround, newBuddy } from './free-list.ts';
import { BROKEN, type Heap, KIND_POD, KIND_XEN, OFFLINED, OFFLINING, spanOf } from './heap-state.ts';
import { noteSpecial } from './heap-undo.ts';
import { kindAt } from './owned-pages.ts';
import { metaOwner, relieve, slotOf } from './page-region.ts';
import { runAt } from './page-run.ts';
import { breakUp } from './reserve-offlined.ts';

/** The public PG_OFFLINE_* and PG_ONLINE_* values, xen/include/public/sysctl.h. */
const PG_OFFLINE_OFFLINED = 0x2;
const PG_OFFLINE_PENDING = 0x4;
const PG_OFFLINE_FAILED = 0x8;
const PG_OFFLINE_AGAIN = 0x10;
const PG_OFFLINE_XENPAGE = 0x100;
const PG_OFFLINE_ANONYMOUS = 0x400;
const PG_OFFLINE_NOT_CONV_RAM = 0x800;
const PG_OFFLINE_OWNED = 0x1000;
const PG_OFFLINE_BROKEN = 0x2000;
const PG_OFFLINE_OWNER_SHIFT = 2 ** 16;
const PG_ONLINE_ONLINED = 0x2;
const PG_ONLINE_BROKEN = 0x2008;
const DOMID_XEN = 0x7ff2;
const DOMID_INVALID = 0x7ff4;
/** Xen tells frames without memory apart by groups of this many. Xen: PDX_GROUP_COUNT. */
const PDX_GROUP = 65536;

/** rc 0 or -EINVAL; status null: not written. */
export interface OfflineAnswer {
  readonly rc: number;
  readonly status: number | null;
}

/** The frame lies in the memory map, though maybe in a hole. Models mfn_valid(). */
function mfnValid(h: Heap, mfn: number): boolean {
  if (mfn < 0 || mfn >= h.maxPage) return false;
  const group = Math.floor(mfn / PDX_GROUP);
  for (const n of h.boot.nodes)
    for (const [start, end] of n.ranges)
      if (end > start && Math.floor(start / PDX_GROUP) <= group && group <= Math.floor((end - 1) / PDX_GROUP))
        return true;
  return false;
}

/** domid of the owner of a frame in use, or -1. */
export function ownerDomid(h: Heap, mfn: number): number {
  const kind = kindAt(h, mfn);
  if (kind < 2 || kind > KIND_POD) return -1;
  const slot = slotOf(h, mfn);
  return slot >= 0 ? metaOwner(h.pgMeta[slot]!) : h.runVal[runAt(h, mfn)]!;
}

/** Asks for a page to leave service, at once if it is free, else when it is freed. Models offline_page(), xen/common/page_alloc.c. */
export function offlinePage(h: Heap, mfn: number, broken: boolean): OfflineAnswer {
  if (!mfnValid(h, mfn)) return { rc: -EINVAL, status: null };
  if (spanOf(h, mfn) < 0) return { rc: -EINVAL, status: PG_OFFLINE_NOT_CONV_RAM | PG_OFFLINE_FAILED };
  noteSpecial(h);
  const flags = h.special.get(mfn) ?? 0;
  const owner = ownerDomid(h, mfn);
  if (flags & BROKEN && owner >= 0) return { rc: 0, status: PG_OFFLINE_AGAIN };
  const extra = broken ? PG_OFFLINE_BROKEN : 0;
  const mark = broken ? flags | BROKEN : flags;
  if (flags & OFFLINED) {
    h.special.set(mfn, mark);
    return { rc: 0, status: PG_OFFLINE_OFFLINED | extra };
  }
  if (buddyAround(h, mfn, newBuddy())) {
    h.special.set(mfn, mark | OFFLINED);
    breakUp(h, mfn);
    relieve(h);
    return { rc: 0, status: PG_OFFLINE_OFFLINED | extra };
  }
  if (!(flags & OFFLINING)) h.offliningPages++;
  h.special.set(mfn, mark | OFFLINING);
  if (owner >= 0)
    return {
      rc: 0,
      status: (PG_OFFLINE_OWNED | PG_OFFLINE_PENDING | extra) + owner * PG_OFFLINE_OWNER_SHIFT,
    };
  if (kindAt(h, mfn) === KIND_XEN)
    return {
      rc: 0,
      status: (PG_OFFLINE_XENPAGE | PG_OFFLINE_PENDING | extra) + DOMID_XEN * PG_OFFLINE_OWNER_SHIFT,
    };
  return {
    rc: 0,
    status: (PG_OFFLINE_ANONYMOUS | PG_OFFLINE_FAILED | extra) + DOMID_INVALID * PG_OFFLINE_OWNER_SHIFT,
  };
}

/** Brings a page back. Models online_page(), xen/common/page_alloc.c. */
export function onlinePage(h: Heap, mfn: number): OfflineAnswer {
  if (!mfnValid(h, mfn)) return { rc: -EINVAL, status: null };
  const flags = h.special.get(mfn) ?? 0;
  if (flags & BROKEN) return { rc: -EINVAL, status: PG_ONLINE_BROKEN };
  noteSpecial(h);
  if (flags & OFFLINED) {
    h.special.delete(mfn);
    freeHeapPages(h, mfn, 0, false);
    relieve(h);
    return { rc: 0, status: PG_ONLINE_ONLINED };
  }
  if (!(flags & OFFLINING)) return { rc: 0, status: 0 };
  h.special.delete(mfn);
  h.offliningPages--;
  return { rc: 0, status: PG_ONLINE_ONLINED };
}
