/** What is told of a domain after anything that may have changed it. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { getDomainInfo } from '../../src/hypervisor/domain-info.ts';
import { hypercall } from '../../src/hypervisor/hypercall.ts';
import { domids } from '../../src/hypervisor/xen.ts';
import { markXen, rollbackXen } from '../../src/hypervisor/xen-mark.ts';
import { bootRandom, randomCall, randomHost, twoGuests } from './random-calls.ts';

describe('getdomaininfo', () => {
  it('tells the same whether or not it has told of the domain before', () => {
    let changes = 0;
    fc.assert(
      fc.property(
        randomHost,
        fc.array(randomCall, { minLength: 5, maxLength: 40 }),
        fc.nat(40),
        (host, calls, back) => {
          const xen = bootRandom(host);
          for (const { caller, call } of twoGuests) hypercall(xen, { caller }, call);
          const told = (): unknown => domids(xen).map((domid) => getDomainInfo(xen, domid));
          let before = told();
          const mark = markXen(xen);
          const check = (): void => {
            const known = told();
            xen.toldInfos.clear();
            expect(known).toEqual(told());
            if (JSON.stringify(known) !== JSON.stringify(before)) changes++;
            before = known;
          };
          calls.forEach(({ caller, call }, i) => {
            hypercall(xen, { caller }, call);
            check();
            if (i !== back) return;
            rollbackXen(xen, mark);
            check();
          });
        },
      ),
      { seed: 7, numRuns: 60 },
    );
    expect(changes).toBeGreaterThan(100);
  });
});
