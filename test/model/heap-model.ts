/**
 * The slow, obvious allocator: one record a page, plain arrays, one step at a time. It shares no code with src. It exists to be read beside the recordings' description and to disagree with the fast heap when that one is wrong.
 */

// biome-ignore lint/suspicious/noExplicitAny: operations come from JSON and are taken as they are
export type Op = Record<string, any>;

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
export interface Dom {
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
  dying: boolean;
}
/** How releases of Xen treat claims. */
export interface Rules {
  consumeAt: 'alloc' | 'assign';
  freeReplenishes: boolean;
  refuseDying: boolean;
  noRefcountGatedAsAnonymous: boolean;
  totMinusExtra: boolean;
}
export interface Model {
  header: Op;
  rules: Rules;
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

export const NONE = 2n ** 64n - 1n;
export const wrap = (x: bigint): bigint => BigInt.asUintN(64, x);
export const zoneOf = (mfn: number): number => (mfn === 0 ? 0 : Math.floor(Math.log2(mfn)) + 1);
export const size = (order: number): number => 2 ** order;
export const keyOf = (node: number, zone: number, order: number): string => `${node},${zone},${order}`;
const listOf = (m: Model, key: string): Buddy[] => {
  let list = m.lists.get(key);
  if (list === undefined) {
    list = [];
    m.lists.set(key, list);
  }
  return list;
};
export const add = (map: Map<number, number>, key: number, n: number): void => {
  map.set(key, (map.get(key) ?? 0) + n);
};
const availOf = (m: Model, node: number, zone: number): number => {
  let sum = 0;
  for (let o = 0; o <= 18; o++) sum += (m.lists.get(keyOf(node, zone, o))?.length ?? 0) * size(o);
  return sum;
};

export function queue(m: Model, mfn: number, order: number, fd: number): void {
  const buddy = { mfn, order, fd };
  const key = keyOf(m.nodeOf.get(mfn)!, zoneOf(mfn), order);
  if (fd === -1) listOf(m, key).unshift(buddy);
  else listOf(m, key).push(buddy);
  m.head.set(mfn, { buddy, key });
}
export function unlink(m: Model, mfn: number): Buddy {
  const { buddy, key } = m.head.get(mfn)!;
  const list = listOf(m, key);
  list.splice(list.indexOf(buddy), 1);
  m.head.delete(mfn);
  return buddy;
}

export function freeBlock(m: Model, mfn: number, order: number, dirty: boolean): void {
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

export function breakUp(m: Model, head: number): void {
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
  let node = want ?? (d !== null ? after(mask, d.last) : m.header.cpuNode);
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

export interface Taken {
  mfn: number;
  dirty: boolean[];
}
export function heapAlloc(
  m: Model,
  lo: number,
  hi: number,
  order: number,
  f: Op,
  d: Dom | null,
): Taken | null {
  if (order > 18) return null;
  const need = BigInt(size(order));
  const anonymous = d === null || (f.noRefcount && m.rules.noRefcountGatedAsAnonymous);
  if (m.claims + need > BigInt(m.total) && (anonymous || d!.out < size(order))) return null;
  let b = search(m, lo, hi, order, f.noScrub, d, f.node, f.exact);
  if (b === null && !f.noScrub) b = search(m, lo, hi, order, true, d, f.node, f.exact);
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
  if (d !== null && !f.noRefcount && m.rules.consumeAt === 'alloc') consume(m, d, size(order));
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
export function domAlloc(m: Model, order: number, f: Op, d: Dom | null): Taken | null {
  let hi = 40;
  if (f.bits !== undefined) hi = f.bits < 13 ? 1 : Math.min(40, f.bits - 12);
  const dmaZone = m.dmaBits - 12;
  if (m.dmaBits !== 0 && dmaZone < hi) {
    const got = heapAlloc(m, dmaZone + 1, hi, order, f, d);
    if (got !== null) return got;
  }
  return heapAlloc(m, 1, hi, order, f, d);
}
function consume(m: Model, d: Dom, n: number): void {
  const used = Math.min(d.out, n);
  d.out -= used;
  m.claims -= BigInt(used);
}
/** tot_pages as limits and claims see it: extra pages are left out, or were never counted. */
export const totOf = (d: Dom): number => d.tot - d.extra;
export function assign(m: Model, d: Dom, mfn: number, order: number, extra: boolean): boolean {
  const n = size(order);
  if (!extra && (totOf(d) > d.max || n > d.max - totOf(d))) return false;
  d.tot += n;
  if (m.rules.consumeAt === 'assign' && (!extra || m.rules.totMinusExtra)) consume(m, d, n);
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
export function setThreshold(m: Model): void {
  const limit = m.header.lowMemVirqLimit;
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
