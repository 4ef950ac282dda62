/** The debug keys that show memory. Models pagealloc_info() and dump_heap(), xen/common/page_alloc.c. */

import { printk } from './console-ring.ts';
import { nodeAvailPages, nodeNeedScrub, zoneAvailPages } from './heap-report.ts';
import { pages, pagesToKib } from './units.ts';
import type { Xen } from './xen.ts';

/** Xen: NR_ZONES on x86-64. */
const NR_ZONES = 41;
const PAGE_SHIFT = 12;

/** Prints what `key` shows; other keys show nothing that is modelled, and say so. `now` in ns. */
export function keyhandler(xen: Xen, key: string, now: number): void {
  xen.consoleRing = printk(xen.consoleRing, keyText(xen, key, now));
}

function keyText(xen: Xen, key: string, now: number): string {
  switch (key) {
    case 'm':
      return memoryInfo(xen);
    case 'H':
      return heapInfo(xen, now);
    default:
      return `debug key '${key}' is not modelled`;
  }
}

function memoryInfo(xen: Xen): string {
  const lines = ['Physical memory information:', '    Xen heap: 0kB free'];
  let total = 0;
  for (let zone = 1; zone < NR_ZONES; zone++) {
    if (zone + PAGE_SHIFT === xen.heap.dmaBits) {
      lines.push(`    DMA heap: ${pagesToKib(pages(total))}kB free`);
      total = 0;
    }
    const n = zonePages(xen, zone);
    if (n === 0) continue;
    total += n;
    lines.push(`    heap[${String(zone).padStart(2, '0')}]: ${pagesToKib(pages(n))}kB free`);
  }
  lines.push(`    Dom heap: ${pagesToKib(pages(total))}kB free`);
  return lines.join('\n');
}

const zonePages = (xen: Xen, zone: number): number =>
  xen.layout.nodes.reduce((sum, { node }) => sum + zoneAvailPages(xen.heap, node, zone), 0);

function heapInfo(xen: Xen, now: number): string {
  const lines = [`'H' pressed -> dumping heap info (now = ${now})`];
  for (const { node } of xen.layout.nodes) {
    for (let zone = 0; zone < NR_ZONES; zone++) {
      lines.push(`heap[node=${node}][zone=${zone}] -> ${zoneAvailPages(xen.heap, node, zone)} pages`);
    }
  }
  for (const { node } of xen.layout.nodes) {
    const dirty = nodeNeedScrub(xen.heap, node);
    if (nodeAvailPages(xen.heap, node) > 0 && dirty > 0)
      lines.push(`Node ${node} has ${dirty} unscrubbed pages`);
  }
  return lines.join('\n');
}
