/** Taking offlined pages out of a free buddy. Models reserve_offlined_page(), xen/common/page_alloc.c. */
import { buddyAround, newBuddy, queueBuddy, unlinkBuddy } from './free-list.ts';
import {
  BROKEN,
  CLEAN,
  type Heap,
  NR_ZONES,
  OFFLINED,
  ON_BROKEN_LIST,
  spanOf,
  zoneOf,
} from './heap-state.ts';
import { noteNode, noteSpecial, noteZone } from './heap-undo.ts';

/**
 * Breaks up the free buddy around `page`: the rest is queued, its offlined pages leave the counters.
 * Models reserve_offlined_page(), xen/common/page_alloc.c.
 */
export function breakUp(h: Heap, page: number): void {
  const buddy = newBuddy();
  if (!buddyAround(h, page, buddy)) return;
  unlinkBuddy(h, buddy.mfn, buddy.order, buddy);
  const end = buddy.mfn + 2 ** buddy.order;
  const bad: number[] = [];
  for (const [mfn, flags] of h.special) if (mfn >= buddy.mfn && mfn < end && flags & OFFLINED) bad.push(mfn);
  noteSpecial(h);
  // Which list a page goes to is decided here; a flag set later does not move it.
  for (const mfn of bad) {
    const flags = h.special.get(mfn)!;
    if (flags & BROKEN) h.special.set(mfn, flags | ON_BROKEN_LIST);
  }
  bad.sort((a, b) => a - b);
  let fd = buddy.fd;
  let at = buddy.mfn;
  let next = 0;
  while (at < end) {
    if (at === bad[next]) {
      next++;
      at++;
      if (fd > 0) fd--;
      continue;
    }
    const stop = bad[next] ?? end;
    let order = 0;
    let size = 1;
    while (at % (2 * size) === 0 && at + 2 * size <= stop) {
      size *= 2;
      order++;
    }
    const part = fd >= 0 && fd < size ? fd : -1;
    queueBuddy(h, at, order, part, part === -1 ? CLEAN : buddy.dirty);
    at += size;
    if (fd !== -1) fd = Math.max(fd - size, 0);
  }
  const node = h.spanNode[spanOf(h, page)]!;
  const zone = node * NR_ZONES + zoneOf(page);
  noteNode(h, node);
  noteZone(h, zone);
  h.totalAvailPages -= bad.length;
  h.nodeAvail[node] = h.nodeAvail[node]! - bad.length;
  h.zoneAvail[zone] = h.zoneAvail[zone]! - bad.length;
}
