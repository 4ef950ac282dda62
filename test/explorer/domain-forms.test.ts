/** Forms of a domain as words tell apart what its class as a text does, and populates are worked out on them as Xen does. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { newCanon } from '../../src/explorer/canonical.ts';
import {
  formGivenRun,
  formOfRecords,
  formOfText,
  infoNumber,
  infoOfForm,
  newDomainForms,
  recordsOfForm,
  seenInForm,
  seenOfRecords,
  textOfForm,
} from '../../src/explorer/domain-forms.ts';
import { domainInfo } from '../../src/hypervisor/domain-info.ts';
import type { Domain } from '../../src/hypervisor/domain-state.ts';
import { listPages } from '../../src/hypervisor/extent-group.ts';
import type { HeapDomain } from '../../src/hypervisor/heap-state.ts';
import { hypercall } from '../../src/hypervisor/hypercall.ts';
import { p2mRuns } from '../../src/hypervisor/p2m.ts';
import { isPod, p2mEnd } from '../../src/hypervisor/p2m-run.ts';
import { tablesAtMost } from '../../src/hypervisor/p2m-tables.ts';
import type { MemoryReservation } from '../../src/hypervisor/privcmd.ts';
import { bytes, domId, gfn, order } from '../../src/hypervisor/units.ts';
import type { Xen } from '../../src/hypervisor/xen.ts';
import {
  bootRandom,
  type RandomCall,
  randomCall,
  randomHost,
  twoGuests,
} from '../hypervisor/random-calls.ts';
import { TestHost } from '../hypervisor/test-host.ts';

/** A domain by class, told page by page. */
function slowClass({ p2m, paging, pod, structures, ...rest }: Domain, heap: Readonly<HeapDomain>): string {
  const frames: string[] = [];
  for (const run of p2mRuns(p2m))
    for (let gfn = run.gfn; gfn < p2mEnd(run); gfn++) frames.push(`${gfn}:${run.order}${isPod(run)}`);
  const pool = [paging.freePages, paging.totalPages, paging.p2mPagesCount];
  const pods = { ...pod, super: listPages(pod.super), single: listPages(pod.single) };
  const { totPages, extraPages, maxPages, outstandingPages, lastAllocNode, nodeAffinity } = heap;
  const { creationFinished, isDying, pendingScrub } = heap;
  const flags = [creationFinished, isDying, pendingScrub === null];
  const counters = [totPages, extraPages, maxPages, outstandingPages, lastAllocNode, nodeAffinity, flags];
  return JSON.stringify([rest, frames, pool, pods, listPages(structures), counters]);
}

const recordsOf = ({ domains, heap }: Xen, domid: number) => ({
  record: domains.get(domid)!,
  heap: heap.domains.get(domid)!,
});

/** What was populated in one run upwards, of memory that nobody promised, with page tables for sure; else null. */
function runGiven(xen: Xen, { call: { name, args } }: RandomCall) {
  if (name !== 'XENMEM_populate_physmap') return null;
  const { domid, extentOrder, extentStart, memFlags } = args as MemoryReservation;
  const domain = xen.domains.get(domid);
  const [extent] = extentStart ?? [];
  if (domain === undefined || extent === undefined || memFlags.populateOnDemand === true) return null;
  if (extent.stride < 0) return null;
  if (domain.type !== 'pv' && domain.paging.freePages < tablesAtMost([extent], extentOrder)) return null;
  return { domid, gfn: extent.first, order: extentOrder };
}

const twoPools: readonly RandomCall[] = [1, 2].map((domid) => ({
  caller: 0,
  call: { name: 'XEN_DOMCTL_set_paging_mempool_size', args: { domid: domId(domid), size: bytes(2 ** 22) } },
}));

/** Builders go upwards, mostly. */
const upwards: fc.Arbitrary<RandomCall> = fc
  .record({
    domid: fc.integer({ min: 1, max: 2 }),
    first: fc.nat(30),
    n: fc.integer({ min: 1, max: 12 }),
    size: fc.constantFrom(0, 1, 9, 9, 10),
  })
  .map(({ domid, first, n, size }) => ({
    caller: 0,
    call: {
      name: 'XENMEM_populate_physmap',
      args: {
        domid: domId(domid),
        extentOrder: order(size),
        nrExtents: n,
        extentStart: [{ first: gfn(first * 1024), count: n, stride: 2 ** size }],
        memFlags: {},
      },
    },
  }));

describe('forms of a domain', () => {
  it('are as many as its classes, and say all that is asked of it', () => {
    let given = 0;
    const run = (host: Parameters<typeof bootRandom>[0], calls: readonly RandomCall[]): void => {
      const xen = bootRandom(host);
      const forms = newDomainForms(newCanon());
      const byForm = new Map<string, string>();
      const byText = new Map<string, string>();
      const infos = new Map<number, unknown>();
      for (const made of [...twoGuests, ...twoPools, ...calls]) {
        const asked = runGiven(xen, made);
        const before = asked === null ? 0 : formOfRecords(forms, recordsOf(xen, asked.domid));
        const had = asked === null ? 0 : recordsOf(xen, asked.domid).heap.totPages;
        hypercall(xen, { caller: made.caller }, made.call);
        for (const domid of xen.domains.keys()) {
          const records = recordsOf(xen, domid);
          const form = formOfRecords(forms, records);
          const name = `${domid} ${form}`;
          const text = slowClass(records.record, records.heap);
          expect(byForm.get(name) ?? text).toBe(text);
          expect(byText.get(text) ?? name).toBe(name);
          byForm.set(name, text);
          byText.set(text, name);
          expect(seenInForm(forms, domid, form)).toEqual(seenOfRecords(records));
          const again = recordsOfForm(forms, domid, form);
          expect(slowClass(again.record, again.heap)).toBe(text);
          expect(formOfRecords(newDomainForms(newCanon()), again)).toBe(1);
          const info = infoOfForm(forms, domid, form);
          expect(info).toEqual(domainInfo(records.record, records.heap));
          const number = infoNumber(forms, domid, form);
          expect(infos.get(number) ?? info).toEqual(info);
          infos.set(number, info);
          expect(formOfText(forms, domid, textOfForm(forms, domid, form))).toBe(form);
        }
        if (asked === null || made.caller !== 0) continue;
        const { domid, ...at } = asked;
        const after = recordsOf(xen, domid);
        const count = (after.heap.totPages - had) / 2 ** at.order;
        if (count === 0) continue;
        const whole = { ...at, count, lanes: [{ mfn: 0, stride: 2 ** at.order }] };
        const node = after.heap.lastAllocNode;
        expect(formGivenRun(forms, domid, before, whole, node)).toBe(formOfRecords(forms, after));
        given++;
      }
    };
    const calls = fc.array(fc.oneof(randomCall, upwards), { maxLength: 30 });
    fc.assert(fc.property(randomHost, calls, run), { numRuns: 20, seed: 5 });
    expect(given).toBeGreaterThan(20);
  });

  it('tell frames beyond 2^32 apart', () => {
    const host = new TestHost();
    const forms = newDomainForms(newCanon());
    const formWith = (gfn: number): number => {
      const domid = host.create('pv', 100, 1);
      const form = formOfRecords(forms, recordsOf(host.xen, domid));
      return formGivenRun(forms, domid, form, { gfn, order: 0, count: 1, lanes: [{ mfn: 1, stride: 1 }] }, 0);
    };
    const parts = [5, 5 + 2 ** 32].map((gfn, i) => {
      const form = formWith(gfn);
      return recordsOfForm(forms, i + 1, form).record;
    });
    expect(parts.map(({ p2m, maxMappedPfn }) => [p2mRuns(p2m)[0]!.gfn, maxMappedPfn])).toEqual([
      [5, 5],
      [5 + 2 ** 32, 5 + 2 ** 32],
    ]);
  });

  it('are not taken for others that were never there', () => {
    const host = new TestHost();
    const domid = host.create('pv');
    const forms = newDomainForms(newCanon());
    const form = formOfRecords(forms, recordsOf(host.xen, domid));
    const text = textOfForm(forms, domid, form);
    expect(formOfText(forms, domid, text)).toBe(form);
    expect(formOfText(forms, domid, `${text} 0 7 8`)).toBeUndefined();
    expect(
      formOfText(
        forms,
        domid,
        text.replace(/ (\d+)/, (_, n: string) => ` ${Number(n) + 1}`),
      ),
    ).toBeUndefined();
  });
});
