/**
 * The slow, obvious allocator: one record a page, plain arrays, everything one step at a time.
 *
 * It shares no code with src. It exists to be read beside the recordings' description and to disagree with the fast
 * heap when that one is wrong.
 */

type Op = Record<string, any>;

interface Page {
  state: 'inuse' | 'free' | 'offlining' | 'offlined';
  dirty: boolean;
  broken: boolean;
  owner: number | 'xen' | null;
  extra: boolean;
}
interface Buddy {
  mfn: number;
  order: number;
  fd: number;
}
interface Dom {
  id: number;
  max: number;
  tot: number;
  extra: number;
  out: number;
  last: number;
  mask: number[] | null;
  unpaused: boolean;
  pageList: number[];
  extraList: number[];
  stash: { mfn: number; order: number; next: number; dirty: boolean[] } | null;
}
export interface Model {
  header: Op;
  online: number[];
  nodeOf: Map<number, number>;
  page: Map<number, Page>;
  /** Key `node,zone,order`. */
  lists: Map<string, Buddy[]>;
  head: Map<number, { buddy: Buddy; key: string }>;
  started: Set<number>;
  total: number;
  claims: bigint;
  nodeAvail: Map<number, number>;
  scrub: Map<number, number>;
  doms: Map<number, Dom>;
  offlined: Set<number>;
  /** Those of them on the broken list: broken when they left the heap. */
  brokenList: Set<number>;
  dmaBits: number;
  th: bigint;
  high: bigint;
  thOrder: number;
  orig: bigint;
  virqs: number;
  maxPage: number;
}

const NONE = 2n ** 64n - 1n;
const wrap = (x: bigint): bigint => BigInt.asUintN(64, x);
const zoneOf = (mfn: number): number => (mfn === 0 ? 0 : Math.floor(Math.log2(mfn)) + 1);
const size = (order: number): number => 2 ** order;
const trailing = (n: number): number => {
  let t = 0;
  while (t < 40 && n % 2 ** (t + 1) === 0) t++;
  return t;
};
const keyOf = (node: number, zone: number, order: number): string => `${node},${zone},${order}`;
const listOf = (m: Model, key: string): Buddy[] => {
  let list = m.lists.get(key);
  if (list === undefined) {
    list = [];
    m.lists.set(key, list);
  }
  return list;
};
const add = (map: Map<number, number>, key: number, n: number): void => {
  map.set(key, (map.get(key) ?? 0) + n);
};
const availOf = (m: Model, node: number, zone: number): number => {
  let sum = 0;
  for (let o = 0; o <= 18; o++) sum += (m.lists.get(keyOf(node, zone, o))?.length ?? 0) * size(o);
  return sum;
};

function queue(m: Model, mfn: number, order: number, fd: number): void {
  const buddy = { mfn, order, fd };
  const key = keyOf(m.nodeOf.get(mfn)!, zoneOf(mfn), order);
  if (fd === -1) listOf(m, key).unshift(buddy);
  else listOf(m, key).push(buddy);
  m.head.set(mfn, { buddy, key });
}
function unlink(m: Model, mfn: number): Buddy {
  const { buddy, key } = m.head.get(mfn)!;
  const list = listOf(m, key);
  list.splice(list.indexOf(buddy), 1);
  m.head.delete(mfn);
  return buddy;
}

function freeBlock(m: Model, mfn: number, order: number, dirty: boolean): void {
  const node = m.nodeOf.get(mfn)!;
  let tainted = false;
  for (let i = 0; i < size(order); i++) {
    const p = m.page.get(mfn + i)!;
    if (p.state === 'offlining') {
      p.state = 'offlined';
      tainted = true;
    } else p.state = 'free';
    p.dirty = dirty;
    p.owner = null;
    p.extra = false;
  }
  m.total += size(order);
  add(m.nodeAvail, node, size(order));
  if (dirty) add(m.scrub, node, size(order));
  let fd = dirty ? 0 : -1;
  let at = mfn;
  let o = order;
  while (o < 18) {
    const upper = Math.floor(at / size(o)) % 2 === 1;
    const partner = upper ? at - size(o) : at + size(o);
    const found = m.head.get(partner);
    if (found === undefined || found.buddy.order !== o || m.nodeOf.get(partner) !== node) break;
    unlink(m, partner);
    const low = upper ? found.buddy.fd : fd;
    const up = upper ? fd : found.buddy.fd;
    fd = low !== -1 ? low : up !== -1 ? size(o) + up : -1;
    at = Math.min(at, partner);
    o++;
  }
  queue(m, at, o, fd);
  if (tainted) breakUp(m, at);
}

function breakUp(m: Model, head: number): void {
  const { order, fd } = unlink(m, head);
  const end = head + size(order);
  const node = m.nodeOf.get(head)!;
  let f = fd;
  let p = head;
  const off = (x: number): boolean => m.page.get(x)!.state === 'offlined';
  while (p < end) {
    if (off(p)) {
      p++;
      if (f > 0) f--;
      continue;
    }
    let o = 0;
    while (p % size(o + 1) === 0 && p + size(o + 1) <= end) {
      let bad = false;
      for (let i = size(o); i < size(o + 1); i++) if (off(p + i)) bad = true;
      if (bad) break;
      o++;
    }
    queue(m, p, o, f >= 0 && f < size(o) ? f : -1);
    p += size(o);
    if (f !== -1) f = Math.max(f - size(o), 0);
  }
  for (let x = head; x < end; x++)
    if (off(x)) {
      m.total--;
      add(m.nodeAvail, node, -1);
      m.offlined.add(x);
      if (m.page.get(x)!.broken) m.brokenList.add(x);
    }
}

const maskOf = (m: Model, d: Dom | null): number[] =>
  d?.mask ? m.online.filter((n) => d.mask!.includes(n)) : m.online;
const after = (mask: number[], node: number): number => mask.find((n) => n > node) ?? mask[0]!;

function search(
  m: Model,
  lo: number,
  hi: number,
  order: number,
  noScrub: boolean,
  d: Dom | null,
  want: number | null,
  exact: boolean,
): Buddy | null {
  let mask = maskOf(m, d);
  let node = want ?? (d !== null ? after(mask, d.last) : m.header['cpuNode']);
  let first = node;
  let second = false;
  for (;;) {
    if (m.started.has(node))
      for (let zone = hi; zone >= lo; zone--) {
        if (availOf(m, node, zone) < size(order)) continue;
        for (let j = order; j <= 18; j++) {
          const list = m.lists.get(keyOf(node, zone, j));
          if (list === undefined || list.length === 0) continue;
          const b = list[0]!;
          if (b.fd === -1 || order === 0 || noScrub) return unlink(m, b.mfn);
          list.push(list.shift()!);
        }
      }
    if (exact && want !== null) return null;
    if (!mask.includes(node)) {
      node = mask[0]!;
      first = node;
      continue;
    }
    node = after(mask, node);
    if (node === first) {
      if (exact || second) return null;
      second = true;
      const used = mask;
      mask = m.online.filter((n) => !used.includes(n));
      if (mask.length === 0) return null;
      node = mask[0]!;
      first = node;
    }
  }
}

interface Taken {
  mfn: number;
  dirty: boolean[];
}
function heapAlloc(m: Model, lo: number, hi: number, order: number, f: Op, d: Dom | null): Taken | null {
  if (order > 18) return null;
  const need = BigInt(size(order));
  if (m.claims + need > BigInt(m.total) && (f['noRefcount'] || d === null || d.out < size(order)))
    return null;
  let b = search(m, lo, hi, order, f['noScrub'], d, f['node'], f['exact']);
  if (b === null && !f['noScrub']) b = search(m, lo, hi, order, true, d, f['node'], f['exact']);
  if (b === null) return null;
  let { mfn, fd } = b;
  for (let o = b.order; o > order; o--) {
    const half = size(o - 1);
    queue(m, mfn, o - 1, fd < half ? fd : -1);
    mfn += half;
    if (fd !== -1) fd = fd >= half ? fd - half : 0;
  }
  const node = m.nodeOf.get(mfn)!;
  m.total -= size(order);
  add(m.nodeAvail, node, -size(order));
  if (d !== null && !f['noRefcount']) {
    const used = Math.min(d.out, size(order));
    d.out -= used;
    m.claims -= BigInt(used);
  }
  virq(m);
  if (d !== null) d.last = node;
  const dirty: boolean[] = [];
  for (let i = 0; i < size(order); i++) {
    const p = m.page.get(mfn + i)!;
    dirty.push(p.dirty);
    if (p.dirty) add(m.scrub, node, -1);
    p.dirty = false;
    p.state = 'inuse';
  }
  return { mfn, dirty };
}
function domAlloc(m: Model, order: number, f: Op, d: Dom | null): Taken | null {
  let hi = 40;
  if (f['bits'] !== undefined) hi = f['bits'] < 13 ? 1 : Math.min(40, f['bits'] - 12);
  const dmaZone = m.dmaBits - 12;
  if (m.dmaBits !== 0 && dmaZone < hi) {
    const got = heapAlloc(m, dmaZone + 1, hi, order, f, d);
    if (got !== null) return got;
  }
  return heapAlloc(m, 1, hi, order, f, d);
}
function assign(m: Model, d: Dom, mfn: number, order: number, extra: boolean): boolean {
  const n = size(order);
  if (!extra && (d.tot - d.extra > d.max || n > d.max - (d.tot - d.extra))) return false;
  d.tot += n;
  if (extra) d.extra += n;
  for (let i = 0; i < n; i++) {
    (extra ? d.extraList : d.pageList).push(mfn + i);
    const p = m.page.get(mfn + i)!;
    p.owner = d.id;
    p.extra = extra;
  }
  return true;
}
function virq(m: Model): void {
  const a = wrap(BigInt(m.total) - m.claims);
  if (a <= m.th) {
    m.virqs++;
    m.high = 2n ** BigInt(m.thOrder + 1);
    m.thOrder = Math.max(m.thOrder - 1, 0);
    m.th = 2n ** BigInt(m.thOrder);
  } else if (a >= m.high) {
    m.thOrder++;
    m.th = 2n ** BigInt(m.thOrder);
    m.high = m.th === m.orig ? NONE : 2n ** BigInt(m.thOrder + 2);
  }
}
function setThreshold(m: Model): void {
  const limit = m.header['lowMemVirqLimit'];
  if (limit === 0) {
    m.th = NONE;
    m.thOrder = 0;
    m.orig = 0n;
    return;
  }
  const all = m.total * 4096;
  let bytes = Math.min(limit ?? 64 * 2 ** 20, all, 2 ** 30);
  if (limit === undefined && bytes === all) bytes = Math.floor(bytes / 2);
  bytes = Math.max(bytes, 4096);
  m.thOrder = Math.floor(Math.log2(Math.floor(bytes / 4096)));
  m.th = 2n ** BigInt(m.thOrder);
  m.orig = m.th;
  m.high = NONE;
}

export function makeModel(header: Op): Model {
  const m: Model = {
    header,
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
  for (const n of header['nodes']) {
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
  if (header['dmaBitsOption'] !== undefined) m.dmaBits = header['dmaBitsOption'];
  else if (m.online.length > 1) m.dmaBits = dmaWidth(header);
  if (header['heapInitLate'] !== false) setThreshold(m);
  return m;
}
function dmaWidth(header: Op): number {
  const nodes = [...header['nodes']].sort((a: Op, b: Op) => a['node'] - b['node']);
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
        const cpu = m.header['cpuNode'];
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
    freeBlock(m, s, o, m.header['bootscrub'] === 'idle');
    s += size(o);
  }
}

/** Performs one operation and returns the fields a recording would hold; extents as `mfns`, in order. */
export function applyModel(m: Model, op: Op): Op {
  const d = op['id'] !== undefined ? (m.doms.get(op['id']) ?? null) : null;
  switch (op['op']) {
    case 'domain':
      m.doms.set(op['id'], {
        id: op['id'],
        max: Math.min(op['maxPages'], 2 ** 32 - 2),
        tot: 0,
        extra: 0,
        out: 0,
        last: 0,
        mask: op['affinity'],
        unpaused: false,
        pageList: [],
        extraList: [],
        stash: null,
      });
      return {};
    case 'affinity':
      d!.mask = op['nodes'];
      return {};
    case 'maxmem':
      d!.max = Math.min(op['maxPages'], 2 ** 32 - 2);
      return {};
    case 'unpause':
      d!.unpaused = true;
      return {};
    case 'claim':
      return { rc: claim(m, d!, op['pages']) };
    case 'alloc':
      return allocOp(m, d!, op);
    case 'populate':
      return populate(m, d!, op);
    case 'xalloc':
      return xalloc(m, op);
    case 'xfree':
      for (let i = 0; i < op['count']; i++) freeBlock(m, op['mfn'] + i * op['stride'], op['order'], true);
      return {};
    case 'free':
      return freeOp(m, d, op);
    case 'destroy':
      destroy(m, d!);
      return {};
    case 'offline':
      return offline(m, op['mfn'], op['broken']);
    case 'online':
      return online(m, op['mfn']);
    case 'scrub':
      return scrubOp(m, op);
    case 'heapinitlate':
      setThreshold(m);
      return { virqTh: m.th === NONE ? -1 : Number(m.th) };
    case 'check':
      return check(m);
    case 'dump':
      return { lists: dumpModel(m) };
    default:
      throw new Error(`unknown op ${op['op']}`);
  }
}
function claim(m: Model, d: Dom, want: number): number {
  if (want === 0) {
    m.claims -= BigInt(d.out);
    d.out = 0;
    return 0;
  }
  const tot = d.tot - d.extra;
  if (d.out > 0 || want <= tot || want > d.max) return -22;
  if (BigInt(want - tot) > wrap(BigInt(m.total) - m.claims)) return -12;
  d.out = want - tot;
  m.claims += BigInt(d.out);
  return 0;
}
function allocOp(m: Model, d: Dom, op: Op): Op {
  const mfns: number[] = [];
  const f = { ...op, noRefcount: Boolean(op['noRefcount'] || op['noOwner']) };
  for (let i = 0; i < op['count']; i++) {
    const got = domAlloc(m, op['order'], f, d);
    if (got === null) break;
    if (!op['noOwner'] && !assign(m, d, got.mfn, op['order'], f.noRefcount)) {
      freeBlock(m, got.mfn, op['order'], Boolean(op['noScrub']));
      break;
    }
    mfns.push(got.mfn);
  }
  return { done: mfns.length, mfns };
}
function populate(m: Model, d: Dom, op: Op): Op {
  const { order } = op as { order: number };
  const mfns: number[] = [];
  const full = 12 + Math.ceil(Math.log2(m.maxPage));
  const bits = op['bits'] !== undefined && op['bits'] < full ? op['bits'] : undefined;
  const f = {
    node: op['node'],
    exact: Boolean(op['exact'] && op['node'] !== null),
    noRefcount: false,
    noScrub: !d.unpaused,
    ...(bits === undefined ? {} : { bits }),
  };
  let asked = 0;
  let cleaned = 0;
  const yields = (): boolean => op['preempt'] !== undefined && ++asked === op['preempt'];
  for (let i = 0; i < op['count']; i++) {
    if (i > 0 && yields()) return { done: mfns.length, mfns, preempted: true };
    let got: Taken | null = null;
    let at = 0;
    if (d.stash !== null && !d.unpaused) {
      const s = d.stash;
      d.stash = null;
      if (s.order === order && (!f.exact || m.nodeOf.get(s.mfn) === f.node)) {
        got = s;
        at = s.next;
      } else freeBlock(m, s.mfn, s.order, true);
    }
    got ??= domAlloc(m, order, f, d);
    if (got === null) break;
    if (!d.unpaused)
      for (; at < size(order); at++) {
        if (!got.dirty[at]) continue;
        got.dirty[at] = false;
        cleaned++;
        if (cleaned % 256 === 0 && at !== size(order) - 1 && yields()) {
          if (d.stash) freeBlock(m, got.mfn, order, true);
          else d.stash = { mfn: got.mfn, order, next: at + 1, dirty: got.dirty };
          return { done: mfns.length, mfns, preempted: true };
        }
      }
    if (!assign(m, d, got.mfn, order, false)) {
      freeBlock(m, got.mfn, order, !d.unpaused);
      break;
    }
    mfns.push(got.mfn);
  }
  return { done: mfns.length, mfns, preempted: false };
}
function xalloc(m: Model, op: Op): Op {
  const mfns: number[] = [];
  for (let i = 0; i < op['count']; i++) {
    const got = domAlloc(
      m,
      op['order'],
      { node: op['node'], exact: op['exact'], noScrub: true, noRefcount: false },
      null,
    );
    if (got === null) break;
    for (let k = 0; k < size(op['order']); k++) m.page.get(got.mfn + k)!.owner = 'xen';
    mfns.push(got.mfn);
  }
  return { done: mfns.length, mfns };
}
function leave(m: Model, d: Dom, mfn: number): void {
  const p = m.page.get(mfn)!;
  const list = p.extra ? d.extraList : d.pageList;
  const at = list.indexOf(mfn);
  if (at < 0 || p.owner !== d.id) throw new Error(`page ${mfn} is not of domain ${d.id}`);
  list.splice(at, 1);
  d.tot--;
  if (p.extra) d.extra--;
}
function freeOp(m: Model, d: Dom | null, op: Op): Op {
  const dirty = Boolean(m.header['scrubDomheap']);
  for (let i = 0; i < op['count']; i++) {
    const base = op['mfn'] + i * op['stride'];
    if (op['anon']) {
      freeBlock(m, base, op['order'], true);
      continue;
    }
    for (let k = 0; k < size(op['order']); k++) {
      leave(m, d!, base + k);
      if (!op['whole']) freeBlock(m, base + k, 0, dirty);
    }
    if (op['whole']) freeBlock(m, base, op['order'], dirty);
  }
  return {};
}
function destroy(m: Model, d: Dom): void {
  claim(m, d, 0);
  if (d.stash) freeBlock(m, d.stash.mfn, d.stash.order, true);
  for (const p of d.pageList) freeBlock(m, p, 0, true);
  for (const p of d.extraList) freeBlock(m, p, 0, true);
  m.doms.delete(d.id);
}
function groupHasRam(m: Model, mfn: number): boolean {
  const group = Math.floor(mfn / 65536);
  for (const n of m.header['nodes'])
    for (const [s, e] of n.ranges)
      if (e > s && Math.floor(s / 65536) <= group && group <= Math.floor((e - 1) / 65536)) return true;
  return false;
}
function offline(m: Model, mfn: number, broken: boolean): Op {
  if (mfn >= m.maxPage || !groupHasRam(m, mfn)) return { rc: -22, status: null };
  const p = m.page.get(mfn);
  if (p === undefined) return { rc: -22, status: 0x808 };
  if (p.broken && typeof p.owner === 'number') return { rc: 0, status: 0x10 };
  const wasFree = p.state === 'free';
  if (p.state === 'free') p.state = 'offlined';
  else if (p.state === 'inuse') p.state = 'offlining';
  if (broken) p.broken = true;
  const flag = broken ? 0x2000 : 0;
  if (p.state === 'offlined') {
    if (wasFree) {
      const node = m.nodeOf.get(mfn)!;
      for (const [head, { buddy }] of m.head)
        if (head <= mfn && mfn < head + size(buddy.order) && m.nodeOf.get(head) === node) {
          breakUp(m, head);
          break;
        }
    }
    return { rc: 0, status: 0x2 + flag };
  }
  if (typeof p.owner === 'number') return { rc: 0, status: 0x1004 + p.owner * 65536 + flag };
  if (p.owner === 'xen') return { rc: 0, status: 0x104 + 0x7ff2 * 65536 + flag };
  return { rc: 0, status: 0x408 + 0x7ff4 * 65536 + flag };
}
function online(m: Model, mfn: number): Op {
  if (mfn >= m.maxPage || !groupHasRam(m, mfn)) return { rc: -22, status: null };
  const p = m.page.get(mfn);
  if (p === undefined) return { rc: 0, status: 0 };
  if (p.broken) return { rc: -22, status: 0x2008 };
  if (p.state === 'offlined') {
    m.offlined.delete(mfn);
    p.state = 'inuse';
    p.dirty = false;
    freeBlock(m, mfn, 0, false);
    return { rc: 0, status: 2 };
  }
  if (p.state === 'offlining') {
    p.state = 'inuse';
    return { rc: 0, status: 2 };
  }
  return { rc: 0, status: 0 };
}
function scrubNode(m: Model, node: number): number | null {
  if ((m.scrub.get(node) ?? 0) > 0) return node;
  const start = m.online.findIndex((n) => n > node);
  const cyclic = start < 0 ? m.online : [...m.online.slice(start), ...m.online.slice(0, start)];
  let best: number | null = null;
  let bestD = Number.POSITIVE_INFINITY;
  for (const n of cyclic) {
    const spec = m.header['nodes'].find((x: Op) => x['node'] === n);
    if (n === node || spec.cpus !== false || (m.scrub.get(n) ?? 0) === 0) continue;
    const dist = m.header['distances']?.[node]?.[n] ?? 20;
    if (dist < bestD) {
      best = n;
      bestD = dist;
    }
  }
  return best;
}
function scrubOnce(m: Model, cpu: number, pending: boolean): void {
  const node = scrubNode(m, cpu);
  if (node === null) return;
  let cnt = 0;
  for (let zone = 0; zone <= 40; zone++)
    for (let o = 18; o >= 0; o--) {
      const list = m.lists.get(keyOf(node, zone, o)) ?? [];
      while (list.length > 0) {
        const b = list[list.length - 1]!;
        if (b.fd === -1) break;
        let i = b.fd;
        let stop = false;
        for (; i < size(o); i++) {
          const p = m.page.get(b.mfn + i)!;
          if (p.dirty) {
            p.dirty = false;
            add(m.scrub, node, -1);
            cnt += 100;
          } else cnt++;
          if (pending && cnt > 800) {
            stop = true;
            break;
          }
        }
        if (i >= size(o) - 1) {
          unlink(m, b.mfn);
          queue(m, b.mfn, o, -1);
        } else b.fd = i + 1;
        if (stop || m.scrub.get(node) === 0) return;
      }
    }
}
function scrubOp(m: Model, op: Op): Op {
  for (let i = 0; i < op['calls']; i++) scrubOnce(m, op['node'], op['pending']);
  const bare = m.header['nodes'].some((n: Op) => n['cpus'] === false && (m.scrub.get(n['node']) ?? 0) > 0);
  return { more: (m.scrub.get(op['node']) ?? 0) > 0 || bare };
}
export function dumpModel(m: Model): number[][] {
  const rows: number[][] = [];
  for (const node of m.online)
    for (let zone = 0; zone <= 40; zone++)
      for (let o = 0; o <= 18; o++)
        for (const b of m.lists.get(keyOf(node, zone, o)) ?? []) rows.push([node, zone, o, b.mfn, b.fd]);
  return rows;
}
function check(m: Model): Op {
  const broken = m.brokenList.size;
  const show = (x: bigint): number => (x === NONE ? -1 : Number(x));
  return {
    totalAvail: m.total,
    outstandingClaims: Number(m.claims),
    nodeAvail: m.online.map((n) => m.nodeAvail.get(n) ?? 0),
    nodeNeedScrub: m.online.map((n) => m.scrub.get(n) ?? 0),
    domains: [...m.doms.values()]
      .sort((a, b) => a.id - b.id)
      .map((d) => ({ id: d.id, totPages: d.tot - d.extra, outstanding: d.out, extraPages: d.extra })),
    virqEnomem: m.virqs,
    virqTh: show(m.th),
    virqHigh: show(m.high),
    offlined: m.offlined.size - broken,
    broken,
  };
}
