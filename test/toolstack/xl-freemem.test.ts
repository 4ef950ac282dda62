/** Autoballoon: when it is on, what it asks of dom0, and how the releases differ. */
import { describe, expect, it } from 'vitest';
import { autoAutoballoon } from '../../src/toolstack/xl-autoballoon.ts';
import { freememPolicy } from '../../src/toolstack/xl-freemem.ts';
import { CONFIGS, type XlRun, xl } from '../golden/scene-run.ts';

const files = { 'g.cfg': CONFIGS.pvh, '/etc/xen/xl.conf': 'autoballoon="on"\n' };
const targets = (run: XlRun): string[] => run.trace.filter((line) => line.includes('/0/memory/target'));

describe('auto_autoballoon', () => {
  it('is off exactly where dom0_mem has a size Xen understands', () => {
    const off = ['dom0_mem=4G', 'x dom0_mem=min:1G,max:4096M y', 'dom0_mem=10%', 'dom0_mem=max:1G+5%'];
    const on = ['', 'loglvl=all', 'xdom0_mem=4G', 'dom0_mem=', 'dom0_mem=lots'];
    expect(off.map(autoAutoballoon)).toEqual([false, false, false, false]);
    expect(on.map(autoAutoballoon)).toEqual([true, true, true, true, true]);
  });
});

describe('freemem', () => {
  // A PVH guest of 1030 MiB: target 1054720, pool 4120, extra 2048, rounded up to 2 MiB.
  const need = 1062912;

  it('asks nothing of dom0 while enough is free; claims do not count', () => {
    const run = xl(['create', 'g.cfg', '-p'], files, {
      host: { free_pages: String(need / 4), outstanding_pages: '0' },
    });
    expect(run.exit).toBe(0);
    expect(targets(run)).toEqual([]);
  });

  it('takes from dom0 what is missing, and fails when dom0 does not shrink', () => {
    const run = xl(['create', 'g.cfg', '-p'], files, {
      host: { free_pages: String(need / 4 - 256), scrub_pages: '0' },
    });
    expect(targets(run)).toEqual([`xs write /local/domain/0/memory/target = ${4194304 - 1024}`]);
    expect(run.stderr).toContain('failed to free memory for the domain\n');
    expect(run.exit).toBe(3);
  });

  it('waits ten seconds for a dom0 that stands still', () => {
    const run = xl(['create', 'g.cfg', '-p'], files, { host: { free_pages: '1000' } });
    const slept = run.entries.filter(({ request }) => request.kind === 'sleep').length;
    // Two seconds a look; the first look has nothing to compare with.
    expect(slept).toBe(6);
  });

  it('fails before it asks dom0 when the config itself is refused', () => {
    const config = 'name="g"\ntype="hvm"\nmemory=64\nvideoram=4\n';
    const run = xl(['create', 'g.cfg'], { ...files, 'g.cfg': config });
    expect(run.exit).toBe(3);
    expect(run.stderr).toContain('videoram must be at least');
  });

  it('has slack and three tries before 4.6, three tries before 4.17, and 30 seconds since', () => {
    expect(
      ['4.3', '4.6', '4.16.2', '4.17', '4.22'].map((p) => [freememPolicy(p).retries, freememPolicy(p).slack]),
    ).toEqual([
      [3, true],
      [3, false],
      [3, false],
      [null, false],
      [null, false],
    ]);
  });
});
