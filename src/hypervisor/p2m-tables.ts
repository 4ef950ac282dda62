/**
 * The page tables that hold a guest's p2m, counted but not filled in. Models p2m_alloc_ptp(), xen/arch/x86/mm/p2m.c.
 *
 * Simplified: a table stays until the domain dies. Real Xen frees the lower tables when a superpage replaces them.
 */
import { cover, type Intervals } from './intervals.ts';
import { mappedOrder } from './p2m-run.ts';
import type { GfnRun } from './privcmd.ts';
import { sizeOfOrder } from './units.ts';

/** Which regions have a table: by GiB/512 (level 3), GiB (level 2), 2 MiB (level 1). The root is always there. */
export interface P2mTables {
  readonly l3: Intervals;
  readonly l2: Intervals;
  readonly l1: Intervals;
}

/** Pages that one table of a level maps. */
const L3_PAGES = 2 ** 27;
const L2_PAGES = 2 ** 18;
const L1_PAGES = 2 ** 9;

export const NO_TABLES: P2mTables = { l3: [], l2: [], l1: [] };

/** The tables once frames [gfn, gfn + n) are mapped as extents of `order`, and how many of them are new. */
export function tablesFor(
  tables: P2mTables,
  gfn: number,
  n: number,
  order: number,
): { readonly tables: P2mTables; readonly added: number } {
  const size = mappedOrder(gfn, order);
  const l3 = coverRegion(tables.l3, gfn, n, L3_PAGES);
  const l2 = size >= 18 ? { set: tables.l2, added: 0 } : coverRegion(tables.l2, gfn, n, L2_PAGES);
  const l1 = size >= 9 ? { set: tables.l1, added: 0 } : coverRegion(tables.l1, gfn, n, L1_PAGES);
  const added = l3.added + l2.added + l1.added;
  return added === 0 ? { tables, added } : { tables: { l3: l3.set, l2: l2.set, l1: l1.set }, added };
}

/** So many tables are enough for extents of `order`, whatever is mapped: one for every region of each level that they meet. */
export function tablesAtMost(extents: readonly GfnRun[], order: number): number {
  let most = 0;
  for (const { count, stride } of extents) {
    const span = (count - 1) * Math.abs(stride) + sizeOfOrder(order);
    most += Math.ceil(span / L1_PAGES) + Math.ceil(span / L2_PAGES) + Math.ceil(span / L3_PAGES) + 3;
  }
  return most;
}

function coverRegion(set: Intervals, gfn: number, n: number, pages: number): ReturnType<typeof cover> {
  return cover(set, Math.floor(gfn / pages), Math.floor((gfn + n - 1) / pages) + 1);
}
