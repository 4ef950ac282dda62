/** Folding of populate requests, and what a refusal looks like. */
import { describe, expect, it } from 'vitest';
import { domId, gfn, order } from '../../src/hypervisor/units.ts';
import { hypercall } from '../../src/toolstack/task.ts';
import {
  emptyTraceFold,
  endTrace,
  foldTrace,
  type TraceEntry,
  traceLines,
} from '../../src/toolstack/trace-line.ts';
import { renameSuffix } from '../../src/toolstack/xl-monitor.ts';

const populate = (first: number, count: number, o: number, done = count): TraceEntry => ({
  request: hypercall('XENMEM_populate_physmap', {
    domid: domId(1),
    extentOrder: order(o),
    nrExtents: count,
    extentStart: [{ first: gfn(first), count, stride: 2 ** o }],
    memFlags: {},
  }),
  reply: { rc: done },
});
const head = 'memory_op populate_physmap dom=1 nr_extents=4 order=9 flags=0';

describe('a trace', () => {
  it('folds equal requests whose frames follow on', () => {
    expect(traceLines([populate(0, 4, 9), populate(0x800, 4, 9)])).toEqual([
      `${head} first=0x0 last=0xe00 repeat=2`,
    ]);
  });

  it('does not fold over a gap, a short request or another line', () => {
    expect(traceLines([populate(0, 4, 9), populate(0x1000, 4, 9)])).toHaveLength(2);
    expect(traceLines([populate(0, 4, 9), populate(0x800, 4, 9, 3), populate(0x800, 4, 9)])).toEqual([
      `${head} first=0x0 last=0x600 repeat=1`,
      `${head} -> only 3 done`,
      `${head} first=0x800 last=0xe00 repeat=1`,
    ]);
  });

  it('shows a refusal by its command number, and a claim that finds no memory by its words', () => {
    const claim = hypercall('XENMEM_claim_pages', { domid: domId(1), nrExtents: 5 as never });
    expect(traceLines([{ request: claim, reply: { rc: -22 } }])).toEqual(['memory_op cmd=24 FAIL errno=22']);
    expect(traceLines([{ request: claim, reply: { rc: -12 } }])).toEqual([
      'memory_op claim_pages dom=1 nr_extents=5 order=0 flags=0\n  -> ENOMEM',
    ]);
  });

  it('holds back only the line that may still grow', () => {
    const { fold, lines } = foldTrace(emptyTraceFold, populate(0, 4, 9));
    expect(lines).toEqual([]);
    expect(endTrace(fold)).toHaveLength(1);
  });
});

describe('preserve_domain', () => {
  it('dates the name of a domain that is kept', () => {
    expect([0, 951782400, 1767488523].map(renameSuffix)).toEqual([
      '-19700101T0000Z',
      '-20000229T0000Z',
      '-20260104T0102Z',
    ]);
  });
});
