/** Populate on demand from `xl create` to the booted guest: who promises, who touches, who drops the debt. */
import { describe, expect, it } from 'vitest';
import { p2mLookup } from '../../src/hypervisor/p2m.ts';
import { p2mMfn } from '../../src/hypervisor/p2m-run.ts';
import { domainOf } from '../../src/hypervisor/xen.ts';
import { type ModelHost, modelHost } from './model-host.ts';

const HVM_POD = 'name="g"\ntype="hvm"\nmemory=512\nmaxmem=1024\nvcpus=1\n';

const pod = (host: ModelHost) => {
  const { entryCount, count } = domainOf(host.world.xen, 1).pod;
  return { entries: entryCount, cache: count, tot: host.info(1).totPages };
};

describe('p2m_pod_demand_populate', () => {
  it('gives the builder the pages it touches out of the cache', () => {
    const host = modelHost();
    expect(host.xl(['create', '-p', 'cfg'], HVM_POD).rc).toBe(0);
    // hvmloader 52, firmware 64, start info 1, hvmloader's page 1: 118 of the 260064 promised and 128992 cached pages.
    // On page_list beside them: 16 special pages, 2048 of video memory, 16 of the VGA ROM.
    expect(pod(host)).toEqual({ entries: 260064 - 118, cache: 128992 - 118, tot: 128992 + 16 + 2064 });
  });

  it('gives a PVH guest its kernel and start info', () => {
    const host = modelHost();
    const cfg = 'name="g"\ntype="pvh"\nkernel="k"\nmemory=512\nmaxmem=1024\nvcpus=1\n';
    expect(host.xl(['create', '-p', 'cfg'], cfg).rc).toBe(0);
    const { entries, cache, tot } = pod(host);
    // 262144 pages promised as 2 MiB entries, 131072 cached: the touch of gfn 0x100 gives one 2 MiB page, and with it
    // 0xff and 0x101. The RSDP's page at 0xff replaces one that stays owned; ACPI and special pages are 17 in all.
    expect({ entries, cache, tot }).toEqual({ entries: 262144 - 512, cache: 131072 - 512, tot: 131072 + 17 });
  });
});

describe('p2m_pod_decrease_reservation', () => {
  it('lets the booting guest drop the debt: what it owns is its target to the page', () => {
    const host = modelHost();
    host.xl(['create', 'cfg'], HVM_POD);
    // memory/target is 515072 KiB, 128768 pages; static_max less what the guest found, 2080 pages, is no memory of its
    // own: 260064 - (128768 - 2080) = 133376 promises dropped, and the cache cut to the 126570 that are left.
    expect(host.store('/local/domain/1/memory/target')).toBe('515072');
    expect(pod(host)).toEqual({ entries: 126570, cache: 126570, tot: 128768 });
  });

  it('never owes more than it has cached after any target the guest has reached', () => {
    const host = modelHost();
    host.xl(['create', 'cfg'], HVM_POD);
    for (const target of ['300m', '800m', '1024m', '64m', '512m']) {
      expect(host.xl(['mem-set', 'g', target]).rc).toBe(0);
      const { entries, cache, tot } = pod(host);
      expect(entries).toBeLessThanOrEqual(cache);
      expect(tot * 4).toBe(Number(host.store('/local/domain/1/memory/target')));
    }
    host.xl(['destroy', 'g']);
    expect(host.phys().freePages).toBe(modelHost().phys().freePages);
  });
});

describe('meminit_pv', () => {
  it('tells xenstore the machine frames of a PV guest’s rings', () => {
    const host = modelHost();
    expect(host.xl(['create', 'cfg'], 'name="g"\ntype="pv"\nkernel="k"\nmemory=1000\n').rc).toBe(0);
    const ring = Number(host.store('/local/domain/1/store/ring-ref'));
    const run = p2mLookup(domainOf(host.world.xen, 1).p2m, 0x2f6)!;
    // pfn 0x2f6: 0x100 of padding, the kernel, 500 pages of p2m, the start info.
    expect(ring).toBe(p2mMfn(run, 0x2f6));
  });
});
