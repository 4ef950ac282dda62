/** `xl create` on the model: numbers worked out by hand, what a failure leaves behind, vcpus and pools. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { domainOf } from '../../src/hypervisor/xen.ts';
import { type ModelHost, modelHost } from './model-host.ts';

const GIB = 262144;

const lines = (trace: readonly string[], what: RegExp): string[] =>
  trace.filter((line) => what.test(line)).map((line) => line.replace(/ dom=\d+/, ''));

const populates = (trace: readonly string[]): string[] =>
  lines(trace, /populate_physmap/).map((line) =>
    line.replace(/.*nr_extents=(\d+) order=(\d+).*repeat=(\d+)/, '$3 x $1 o$2'),
  );

describe('xl create', () => {
  it('builds HVM of 1024 MiB with a claim of 260064, a limit of 262400 and a pool of 1280 pages', () => {
    const host = modelHost();
    const { rc, trace } = host.xl(['create', '-p', 'cfg'], 'name="g"\ntype="hvm"\nmemory=1024\nvcpus=1\n');
    expect(rc).toBe(0);
    expect(lines(trace, /max_mem|mempool|claim/)).toEqual([
      'domctl max_mem max_memkb=1049600',
      'domctl set_paging_mempool_size size=5242880',
      'memory_op claim_pages nr_extents=260064 order=0 flags=0',
      'memory_op claim_pages nr_extents=0 order=0 flags=0',
    ]);
    // 8 + 8 special pages; QEMU's 2048 pages of video memory and, ours, 16 of a VGA ROM.
    expect(populates(trace)).toEqual([
      '1 x 160 o0',
      '1 x 320 o0',
      '126 x 4 o9',
      '1 x 3 o9',
      '1 x 8 o0',
      '1 x 8 o0',
      '1 x 2064 o0',
    ]);
    expect(host.info(1)).toMatchObject({ totPages: 262128 + 16, maxPages: 262400, outstandingPages: 0 });
    const { paging } = domainOf(host.world.xen, 1);
    expect(paging.totalPages + paging.p2mPagesCount).toBe(1280);
    expect(host.store('/local/domain/1/memory/target')).toBe('1040384');
    expect(host.store('/local/domain/1/memory/static-max')).toBe('1048576');
    expect(host.store('/local/domain/1/memory/videoram')).toBe('8192');
  });

  it('promises HVM of 512 MiB with maxmem 1024 out of a cache of 251 superpages and 480 pages', () => {
    const host = modelHost();
    const { trace } = host.xl(
      ['create', '-p', 'cfg'],
      'name="g"\ntype="hvm"\nmemory=512\nmaxmem=1024\nvcpus=1\n',
    );
    expect(lines(trace, /claim|pod_target/)).toEqual([
      'memory_op claim_pages nr_extents=128992 order=0 flags=0',
      'memory_op set_pod_target target_pages=128992',
      'memory_op claim_pages nr_extents=0 order=0 flags=0',
    ]);
    expect(host.info(1).maxPages).toBe(131328);
    expect(host.store('/local/domain/1/memory/target')).toBe('515072');
  });

  it('builds PV of 1000 MiB with 500 superpages in one batch', () => {
    const host = modelHost();
    const { trace } = host.xl(['create', '-p', 'cfg'], 'name="g"\ntype="pv"\nkernel="k"\nmemory=1000\n');
    expect(populates(trace)).toEqual(['1 x 500 o9']);
    expect(lines(trace, /claim/)[0]).toBe('memory_op claim_pages nr_extents=256000 order=0 flags=0');
    expect(host.info(1)).toMatchObject({ totPages: 256000, maxPages: 256256 });
  });

  it('builds PVH of 2048 MiB with two 1 GiB extents and a pool of 2560 pages', () => {
    const host = modelHost();
    const cfg = 'name="g"\ntype="pvh"\nkernel="k"\nmemory=2048\nvcpus=2\n';
    const { trace } = host.xl(['create', '-p', 'cfg'], cfg);
    expect(populates(trace).slice(0, 1)).toEqual(['2 x 1 o18']);
    expect(lines(trace, /claim/)[0]).toBe('memory_op claim_pages nr_extents=524288 order=0 flags=0');
    expect(host.info(1).totPages).toBe(524288 + 17);
    const { paging } = domainOf(host.world.xen, 1);
    expect(paging.totalPages + paging.p2mPagesCount).toBe(2560);
  });

  it('populates HVM of 8 GiB and PVH of 4 GiB in the calls the loop makes', () => {
    const host = modelHost();
    const hvm = host.xl(['create', '-p', 'cfg'], 'name="a"\ntype="hvm"\nmemory=8192\nvcpus=1\n');
    // The 1 GiB extents at 1 and 2 GiB, and from 4 GiB on; the GiB that touches the hole goes in 8 MiB steps.
    expect(populates(hvm.trace).slice(0, 6)).toEqual([
      '1 x 160 o0',
      '1 x 320 o0',
      '127 x 4 o9',
      '1 x 3 o9',
      '2 x 1 o18',
      '96 x 4 o9',
    ]);
    expect(host.info(1).totPages).toBe(2095072 + 16 + 2064);
    const pvh = host.xl(['create', '-p', 'cfg'], 'name="b"\ntype="pvh"\nkernel="k"\nmemory=4096\nvcpus=1\n');
    expect(populates(pvh.trace).slice(0, 3)).toEqual(['3 x 1 o18', '120 x 4 o9', '8 x 4 o9']);
  });

  it('makes room for what libxl_domain_need_memory says, rounded up to 2 MiB', () => {
    // No dom0_mem: autoballoon is on. HVM 1024 MiB needs 1056768 KiB, PV 1000 MiB 1030144 KiB.
    const cases = [
      ['name="g"\ntype="hvm"\nmemory=1024\nvcpus=1\n', 1056768],
      ['name="g"\ntype="pv"\nkernel="k"\nmemory=1000\nvcpus=1\n', 1030144],
    ] as const;
    for (const [cfg, need] of cases) {
      const host = modelHost({ host: { memoryPages: 8 * GIB }, greedyDom0: true });
      const before = host.info(0).totPages;
      const free = host.phys().freePages;
      expect(host.xl(['create', '-p', 'cfg'], cfg).rc).toBe(0);
      expect((before - host.info(0).totPages) * 4).toBe(need - free * 4);
    }
  });
});

const CONFIGS = {
  hvm: 'type="hvm"\nmemory=256\nvcpus=2\n',
  pvh: 'type="pvh"\nkernel="k"\nmemory=256\nvcpus=2\n',
  pv: 'type="pv"\nkernel="k"\nmemory=256\nvcpus=2\n',
  pod: 'type="hvm"\nmemory=128\nmaxmem=256\nvcpus=2\n',
  vnuma:
    'type="hvm"\nmemory=256\nvcpus=2\nvnuma=[["pnode=0","size=128","vcpus=0","vdistances=10,20"],["pnode=1","size=128","vcpus=1","vdistances=20,10"]]\n',
} as const;

const counters = (host: ModelHost): object => {
  const { heap } = host.world.xen;
  return {
    total: heap.totalAvailPages,
    claims: heap.outstandingClaims,
    nodes: [...heap.nodeAvail],
    zones: [...heap.zoneAvail],
    domids: [...host.world.xen.domains.keys()],
    dom0: host.info(0).totPages,
  };
};

describe('a creation that fails', () => {
  it('leaves every counter as it was, no claim, the name free and the domid unused', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...(Object.keys(CONFIGS) as (keyof typeof CONFIGS)[])),
        fc.constantFrom(0, 1),
        fc.constantFrom(0, 0, 64, 256),
        fc.integer({ min: 0, max: 70_000 }),
        (kind, claimMode, shadow, left) => {
          const nodes = kind === 'vnuma' ? 2 : 1;
          const host = modelHost({
            host: { memoryPages: 2 * GIB, nodes, dom0Pages: GIB / 4 },
            xlConf: `claim_mode=${claimMode}\nautoballoon="off"\n`,
          });
          // Another guest takes all but about `left` pages, its own structures besides.
          const mib = Math.floor((host.phys().freePages - left) / 256) - 20;
          expect(host.xl(['create', 'cfg'], `name="other"\ntype="pv"\nkernel="k"\nmemory=${mib}\n`).rc).toBe(
            0,
          );
          const before = counters(host);
          const cfg = `name="g"\n${CONFIGS[kind]}${shadow > 0 && kind !== 'pv' ? `shadow_memory=${shadow}\n` : ''}`;
          const { rc, stderr } = host.xl(['create', 'cfg'], cfg);
          if (rc === 0) return;
          expect(rc, stderr).toBe(3);
          expect(counters(host)).toEqual(before);
          expect(host.xl(['domid', 'g']).rc).toBe(1);
          // A smaller one of the same name may come at once, under another id.
          host.xl(['destroy', 'other']);
          const retried = host.xl(['create', 'cfg'], cfg, 'none');
          expect(retried.rc, retried.stderr).toBe(0);
          expect(Math.max(...host.world.xen.domains.keys())).toBeGreaterThan(2);
        },
      ),
      { seed: 2013, numRuns: 60 },
    );
  }, 60_000);

  it('happens at every stage when memory runs out ever later', () => {
    const ends = new Set<string>();
    for (let left = 0; left <= 80_000; left += 1_000) {
      for (const claimMode of [0, 1]) {
        const host = modelHost({
          host: { memoryPages: 2 * GIB, dom0Pages: GIB / 4 },
          xlConf: `claim_mode=${claimMode}\nautoballoon="off"\n`,
        });
        const mib = Math.floor((host.phys().freePages - left) / 256) - 1;
        host.xl(['create', 'cfg'], `name="other"\ntype="pv"\nkernel="k"\nmemory=${mib}\n`);
        const before = counters(host);
        const { rc, stderr } = host.xl(['create', 'cfg'], `name="g"\n${CONFIGS.hvm}`);
        if (rc === 0) continue;
        expect(counters(host)).toEqual(before);
        ends.add(
          /domain creation fail|max vcpu|mempool|Cannot allocate memory|busy|qemu|special/i.exec(
            stderr,
          )?.[0] ?? stderr,
        );
      }
    }
    expect(ends.size).toBeGreaterThanOrEqual(3);
  }, 60_000);
});

describe('vcpu_hotplug', () => {
  it('takes the vcpus off line that xl vcpu-set leaves out, and brings them back', () => {
    const host = modelHost();
    host.xl(['create', 'cfg'], 'name="g"\ntype="pvh"\nkernel="k"\nmemory=64\nvcpus=4\n');
    const states = (): string[] =>
      host
        .xl(['vcpu-list', 'g'])
        .stdout.split('\n')
        .slice(1, 5)
        .map((line) =>
          line
            .slice(44, 55)
            .trim()
            .replace(/^\d+ +/, ''),
        );
    expect(host.info(1).nrOnlineVcpus).toBe(4);
    expect(host.xl(['vcpu-set', 'g', '2']).rc).toBe(0);
    expect(host.info(1).nrOnlineVcpus).toBe(2);
    expect(
      states()
        .slice(2)
        .every((state) => state.includes('--p')),
    ).toBe(true);
    expect(host.xl(['vcpu-set', 'g', '4']).rc).toBe(0);
    expect(host.info(1).nrOnlineVcpus).toBe(4);
  });

  it('works for dom0, and for xl cpupool-numa-split, which leaves dom0 the cpus of its first node', () => {
    const host = modelHost({ host: { nodes: 2, cpus: 8 } });
    expect(host.xl(['vcpu-set', '0', '3']).rc).toBe(0);
    expect(host.info(0).nrOnlineVcpus).toBe(3);
    expect(host.xl(['vcpu-set', '0', '8']).rc).toBe(0);
    expect(host.info(0).nrOnlineVcpus).toBe(8);
    const split = host.xl(['cpupool-numa-split']);
    expect(split.rc, split.stderr).toBe(0);
    expect(host.info(0).nrOnlineVcpus).toBe(4);
    expect(host.xl(['cpupool-list']).stdout).toMatch(/Pool-node0 +4 .*\nPool-node1 +4 /);
  });
});
