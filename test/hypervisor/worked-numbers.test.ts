/** Creation as real toolstacks do it, in hypercalls, against numbers worked out by hand. */
import { describe, expect, it } from 'vitest';
import { p2mMix } from '../../src/hypervisor/p2m.ts';
import { domainOf } from '../../src/hypervisor/xen.ts';
import { TestHost } from './test-host.ts';

const GIB = 262144;

describe('building an HVM guest of 1024 MiB', () => {
  // video 8192 KiB: total = target = (1048576 - 8192) / 4 = 260096; the claim leaves the 32 frames of the VGA hole out.
  const host = new TestHost({ memoryPages: 8 * GIB });
  const a = host.create('hvm', (1048576 + 1024) / 4);

  it('has a limit of 262400 pages and a pool of 1280', () => {
    expect(host.info(a).maxPages).toBe(262400);
    expect(host.pool(a, 1280)).toBe(0);
    const { paging } = domainOf(host.xen, a);
    expect(paging.totalPages + paging.p2mPagesCount).toBe(1280);
  });

  it('claims 260064 pages', () => {
    expect(host.claim(a, 260064)).toBe(0);
    expect(host.info(a)).toMatchObject({ totPages: 0, outstandingPages: 260064 });
  });

  it('populates 160 and 320 pages, then 126 calls of four 2 MiB extents and one of three', () => {
    expect(host.populate(a, 0, 160, 0)).toBe(160);
    expect(host.populate(a, 0xc0, 320, 0)).toBe(320);
    for (let i = 0; i < 126; i++) expect(host.populate(a, 0x200 + i * 2048, 4, 9)).toBe(4);
    expect(host.populate(a, 0x3f200, 3, 9)).toBe(3);
    expect(host.info(a)).toMatchObject({ totPages: 260064, outstandingPages: 0 });
    expect(p2mMix(domainOf(host.xen, a).p2m)).toEqual({
      pages1G: 0,
      pages2M: 507 * 512,
      pages4K: 480,
      pod: 0,
    });
    expect(host.claim(a, 0)).toBe(0);
  });

  it('has room for 16 special pages and 2048 pages of video memory', () => {
    expect(host.populate(a, 0xfeff8, 8, 0)).toBe(8);
    expect(host.populate(a, 0xfeff0, 8, 0)).toBe(8);
    expect(Math.floor((host.info(a).totPages * 4) / 1024)).toBe(1015);
    expect(host.populate(a, 0xf0000, 2048, 0)).toBe(2048);
    expect(host.info(a).totPages).toBe(262128);
    expect(host.populate(a, 0x100000, 273, 0)).toBe(272);
  });
});

describe('building a PV guest of 1000 MiB', () => {
  it('takes 500 superpages in one batch out of a claim of 256000', () => {
    const host = new TestHost({ memoryPages: 8 * GIB });
    const a = host.create('pv', 256256);
    expect(host.claim(a, 256000)).toBe(0);
    expect(host.populate(a, 0, 500, 9)).toBe(500);
    expect(host.info(a)).toMatchObject({ totPages: 256000, outstandingPages: 0 });
  });
});

describe('building a PVH guest of 2048 MiB with 2 vcpus', () => {
  it('takes two 1 GiB extents, 8 special pages and a pool of 2560', () => {
    const host = new TestHost({ memoryPages: 8 * GIB });
    const a = host.create('pvh', (2048 + 1) * 256, 2);
    expect(host.pool(a, 2560)).toBe(0);
    expect(host.claim(a, 524288)).toBe(0);
    expect(host.populate(a, 0, 1, 18)).toBe(1);
    expect(host.populate(a, 2 ** 18, 1, 18)).toBe(1);
    expect(host.populate(a, 0xfeff8, 8, 0)).toBe(8);
    expect(host.info(a)).toMatchObject({ totPages: 524296, outstandingPages: 0 });
  });

  it('gets no partial credit: a claim of less than 1 GiB does not cover a 1 GiB extent', () => {
    const host = new TestHost({ memoryPages: 4 * GIB });
    const a = host.create('pvh', 2 ** 20);
    const b = host.create('pvh', 2 ** 20);
    expect(host.populate(a, 0, 256, 9)).toBe(256);
    expect(host.claim(a, 2 ** 17 + 2 ** 18 - 1)).toBe(0);
    expect(host.claim(b, host.free() - host.outstanding())).toBe(0);
    expect(host.populate(a, 2 ** 18, 1, 18)).toBe(0);
    expect(host.populate(a, 2 ** 18, 511, 9)).toBe(511);
  });
});
