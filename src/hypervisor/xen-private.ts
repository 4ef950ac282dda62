/**
 * What Xen takes for itself, in one table.
 *
 * Simplified: on a real host these depend on build options, CPU features and the xmalloc pool. The amounts here move
 * the exact moment at which a host is full by a few pages a domain; everything after an allocation is exact.
 */
import { type ExtentGroup, groupBlocks, weave } from './extent-group.ts';
import type { Heap } from './heap-state.ts';
import { allocXenheapPages, freeXenheapPages } from './page-alloc.ts';
import type { DomainType } from './privcmd.ts';

/** Bytes of frame table per page of the host. Xen: sizeof(struct page_info). */
export const FRAME_TABLE_BYTES_PER_PAGE = 32;
/** Xen's image, heap bootstrap, per-CPU areas and page tables at boot. */
export const XEN_BOOT_PAGES = 16384;
/** The first HAP pool. Models hap_enable(), xen/arch/x86/mm/hap/hap.c. */
export const HAP_INITIAL_PAGES = 256;
/** The first shadow pool, 4 MiB. Models shadow_enable(), xen/arch/x86/mm/shadow/common.c. */
export const SHADOW_INITIAL_PAGES = 1024;
/** The least shadow pages a vcpu needs. Xen: shadow_min_acceptable_pages(). */
export const SHADOW_PAGES_PER_VCPU = 128;

/** Pages taken one by one from the Xen heap when a domain is created, in this order. */
const DOMAIN_PAGES: readonly { readonly what: string; readonly pages: number }[] = [
  { what: 'struct domain', pages: 1 },
  { what: 'event channel buckets', pages: 1 },
  { what: 'grant table: first shared frame, active entries, maptrack', pages: 3 },
  { what: 'shared info', pages: 1 },
];

/** Pages taken when a vcpu is created. An HVM or PVH vcpu also has a VMCS or VMCB and a local APIC page. */
const VCPU_PAGES: readonly { readonly what: string; readonly pages: number; readonly hvmOnly: boolean }[] = [
  { what: 'struct vcpu', pages: 1, hvmOnly: false },
  { what: 'extended register state', pages: 1, hvmOnly: false },
  { what: 'VMCS or VMCB', pages: 1, hvmOnly: true },
  { what: 'local APIC page', pages: 1, hvmOnly: true },
];

/** Pages that a new domain costs Xen before its first vcpu and its pool. */
export const domainStructurePages = (): number => DOMAIN_PAGES.reduce((sum, { pages }) => sum + pages, 0);

/** Pages that one vcpu costs Xen. */
export const vcpuStructurePages = (type: DomainType): number =>
  VCPU_PAGES.reduce((sum, { pages, hvmOnly }) => (hvmOnly && type === 'pv' ? sum : sum + pages), 0);

/**
 * Takes `count` pages one by one for Xen itself from the CPU's node on, or none: null when the heap refuses one.
 * They belong to nobody, so every claim stands against them. Models alloc_xenheap_page(), xen/common/page_alloc.c.
 */
export function takeXenPages(heap: Heap, count: number, node: number): readonly ExtentGroup[] | null {
  const got = allocXenheapPages(heap, { order: 0, count, node, exact: false });
  const list = weave(got.runs, 0);
  if (got.done === count) return list;
  giveXenPages(heap, list);
  return null;
}

/** Gives pages of Xen's own back, the last one first. Models free_xenheap_page(). */
export function giveXenPages(heap: Heap, list: readonly ExtentGroup[]): void {
  for (let i = list.length - 1; i >= 0; i--) {
    for (const { mfn, order, count, stride } of groupBlocks(list[i]!)) {
      freeXenheapPages(heap, { mfn: mfn + (count - 1) * stride, order, count, stride: -stride });
    }
  }
}
