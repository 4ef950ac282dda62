/** Which parts of a reply a program looks at is found out, and replies that agree in them count as one. */
import { describe, expect, it } from 'vitest';
import { newCanon } from '../../src/explorer/canonical.ts';
import { partsLookedAt, replyView } from '../../src/explorer/reply-reads.ts';
import type { Reply } from '../../src/toolstack/task.ts';

type Infos = Reply & { readonly infos: readonly { readonly domid: number; readonly pages: number }[] };

const reply = (...infos: readonly (readonly [number, number])[]): Reply => ({
  rc: infos.length,
  infos: infos.map(([domid, pages]) => ({ domid, pages })),
});

/** Whether two replies are one to a program that looked at the first of them. */
function areOne(a: Reply, b: Reply, look: (reply: Infos) => unknown): boolean {
  const canon = newCanon();
  const parts = partsLookedAt(canon, a, (noted) => [look(noted as Infos)]);
  return replyView(canon, a, parts) === replyView(canon, b, parts);
}

const one = reply([3, 100]);

describe('parts of a reply', () => {
  it.each([
    ['a field of a row', (r: Infos) => r.infos[0]?.domid === 3, true],
    ['a sum over rows', (r: Infos) => r.infos.reduce((sum, { pages }) => sum + pages, 0), false],
    ['that there is a first row', (r: Infos) => r.infos[0] !== undefined, true],
    ['a row that is kept', (r: Infos) => ({ kept: r.infos[0] }), false],
    ['a row that is copied', (r: Infos) => ({ ...r.infos[0] }).domid, false],
    ['a row as text', (r: Infos) => JSON.stringify(r.infos[0]), false],
    ['nothing', () => 0, true],
  ])('that differ in other parts are one: %s', (_what, look, isOne) => {
    expect(areOne(one, reply([3, 200]), look)).toBe(isOne);
  });

  it.each([
    ['that there is a first row', (r: Infos) => r.infos[0] !== undefined],
    ['how many there are', (r: Infos) => r.infos.length],
    ['a search among rows', (r: Infos) => r.infos.find(({ domid }) => domid === 4)],
    ['the last row', (r: Infos) => r.infos.at(-1)?.domid],
    ['whether a key is there', (r: Infos) => '0' in r.infos],
  ])('that are missing are told from those that are there: %s', (_what, look) => {
    expect(areOne(one, reply(), look)).toBe(false);
    expect(areOne(reply(), one, look)).toBe(false);
  });

  it('are looked at in full where a value is no plain data', () => {
    const dated = (ns: number): Reply => ({ rc: 0, map: new Map([['ns', ns]]) });
    const look = (r: Reply): unknown => (r.map as Map<string, number>).size;
    expect(areOne(dated(1), dated(2), look)).toBe(false);
  });
});
