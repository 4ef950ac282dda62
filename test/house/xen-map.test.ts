import { readFileSync, writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { xenMapRows, xenMapText } from './xen-map.ts';

const files = (): Map<string, string> => new Map(xenMapRows().map(({ xen, file }) => [xen, file]));

describe('docs/xen-map.md', () => {
  it('says what the comments in the code say', () => {
    if (process.env.UPDATE_XEN_MAP === '1') writeFileSync('docs/xen-map.md', xenMapText());
    expect(readFileSync('docs/xen-map.md', 'utf8'), 'run: npm run docs:xen-map').toBe(xenMapText());
  });

  it('has the names a Xen developer would look up first', () => {
    const names = files();
    const wanted = [
      'alloc_heap_pages',
      'free_heap_pages',
      'get_free_buddy',
      'assign_pages',
      'domain_set_outstanding_pages',
      'populate_physmap',
      'decrease_reservation',
      'offline_page',
      'scrub_free_pages',
      'domain_kill',
      'p2m_pod_set_mem_target',
      'meminit_hvm',
      'meminit_pv',
      'freemem',
      'libxl_set_memory_target',
    ];
    expect(wanted.filter((name) => !names.has(name))).toEqual([]);
  });
});
