/** libxl's userdata in groups of domids, beside one plain map. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  noUserdata,
  userdataCount,
  userdataEntries,
  userdataOf,
  withoutDomain,
  withUserdata,
} from '../../src/explorer/userdata.ts';

const domid = fc.oneof(fc.nat(5), fc.constantFrom(31, 32, 33, 1, 10, 100, 32751));
const name = fc.constantFrom('libxl-json', 'xl', 'a/b');
const change = fc.record({ domid, name, text: fc.constantFrom(null, 'a', ''), all: fc.nat(5) });

describe('userdata', () => {
  it('is what a plain map by domain and name would be, and what it was stays as it was', () => {
    fc.assert(
      fc.property(fc.array(change, { maxLength: 30 }), (changes) => {
        const plain = new Map<string, string>();
        let userdata = noUserdata;
        for (const { domid: d, name: n, text, all } of changes) {
          const before = userdata;
          const told = userdataEntries(before);
          if (all === 0) {
            userdata = withoutDomain(userdata, d);
            for (const key of plain.keys()) if (key.startsWith(`${d}/`)) plain.delete(key);
          } else {
            userdata = withUserdata(userdata, d, n, text);
            if (text === null) plain.delete(`${d}/${n}`);
            else plain.set(`${d}/${n}`, text);
          }
          expect(userdataEntries(before)).toEqual(told);
          expect(userdataOf(userdata, d, n)).toBe(plain.get(`${d}/${n}`) ?? null);
          expect([...userdataEntries(userdata)].sort()).toEqual([...plain].sort());
          expect(userdataCount(userdata)).toBe(plain.size);
        }
      }),
    );
  });

  it('keeps nothing of a group without entries', () => {
    expect(withoutDomain(withUserdata(noUserdata, 40, 'a', 'x'), 40)).toEqual(noUserdata);
  });
});
