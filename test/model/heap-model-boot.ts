/** Starting the slow model from a recording's header. Shares no code with src. */
import {
  freeBlock,
  heapAlloc,
  type Model,
  NONE,
  type Op,
  type Rules,
  setThreshold,
  size,
  zoneOf,
} from './heap-model.ts';

/** Xen 4.22. */
const TODAY: Rules = {
  consumeAt: 'alloc',
  freeReplenishes: false,
  refuseDying: true,
  noRefcountGatedAsAnonymous: true,
  totMinusExtra: true,
};
const trailing = (n: number): number => {
  let t = 0;
  while (t < 40 && n % 2 ** (t + 1) === 0) t++;
  return t;
};

export function makeModel(header: Op): Model {
  const m: Model = {
    header,
    rules: header.rules ?? TODAY,
    online: [],
    nodeOf: new Map(),
    page: new Map(),
    lists: new Map(),
    head: new Map(),
    started: new Set(),
    total: 0,
    claims: 0n,
    nodeAvail: new Map(),
    scrub: new Map(),
    doms: new Map(),
    offlined: new Set(),
    brokenList: new Set(),
    dmaBits: 0,
    th: 0n,
    high: NONE,
    thOrder: 0,
    orig: 0n,
    virqs: 0,
    maxPage: 0,
  };
  const regions: { s: number; e: number; node: number }[] = [];
  for (const n of header.nodes) {
    m.online.push(n.node);
    for (const [s, e] of n.ranges) {
      regions.push({ s, e, node: n.node });
      m.maxPage = Math.max(m.maxPage, e);
      for (let p = s; p < e; p++) {
        m.nodeOf.set(p, n.node);
        m.page.set(p, { state: 'inuse', dirty: false, broken: false, owner: null, extra: false });
      }
    }
  }
  m.online.sort((a, b) => a - b);
  regions.sort((a, b) => a.s - b.s);
  const firstAt = regions.findIndex((r) => r.node === m.online[0]);
  const order = firstAt < 0 ? [] : [regions[firstAt]!];
  for (let i = regions.length - 1; i >= 0; i--) if (i !== firstAt) order.push(regions[i]!);
  for (const r of order) handOver(m, r);
  if (header.dmaBitsOption !== undefined) m.dmaBits = header.dmaBitsOption;
  else if (m.online.length > 1) m.dmaBits = dmaWidth(header);
  if (header.heapInitLate !== false) setThreshold(m);
  return m;
}
function dmaWidth(header: Op): number {
  const nodes = [...header.nodes].sort((a: Op, b: Op) => a.node - b.node);
  for (const n of nodes) {
    const span =
      n.span ??
      (n.ranges.length
        ? [Math.min(...n.ranges.map((r: number[]) => r[0])), Math.max(...n.ranges.map((r: number[]) => r[1]))]
        : null);
    if (span === null || span[0] >= 2 ** 20) continue;
    return Math.min(32, zoneOf(span[0] + Math.floor((span[1] - span[0]) / 4) - 1) + 12);
  }
  return 0;
}
function handOver(m: Model, r: { s: number; e: number; node: number }): void {
  let { s, e } = r;
  if (s === 0) s = 1;
  if (s >= e) return;
  if (!m.started.has(r.node)) {
    if (m.started.size > 0) {
      if (e - s < 4) {
        const cpu = m.header.cpuNode;
        m.header = { ...m.header, cpuNode: m.online[0] };
        const got = heapAlloc(
          m,
          1,
          40,
          2,
          { noScrub: true, node: null, exact: false, noRefcount: false },
          null,
        );
        m.header = { ...m.header, cpuNode: cpu };
        if (got) for (let i = 0; i < 4; i++) m.page.get(got.mfn + i)!.owner = 'xen';
      } else if (s % 2 ** 18 === 0 && trailing(e) <= trailing(s)) e -= 4;
      else s += 4;
    }
    m.started.add(r.node);
  }
  while (s < e) {
    const o = Math.min(18, Math.floor(Math.log2(e - s)), s === 0 ? 18 : trailing(s));
    freeBlock(m, s, o, m.header.bootscrub === 'idle');
    s += size(o);
  }
}
