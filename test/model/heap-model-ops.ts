/** The slow model's operations, as recordings name them. Shares no code with src. */
import {
  add,
  assign,
  breakUp,
  type Dom,
  domAlloc,
  freeBlock,
  keyOf,
  type Model,
  NONE,
  type Op,
  queue,
  setThreshold,
  size,
  type Taken,
  totOf,
  unlink,
  wrap,
} from './heap-model.ts';

/** Performs one operation and returns the fields a recording would hold; extents as `mfns`, in order. */
export function applyModel(m: Model, op: Op): Op {
  const d = op.id !== undefined ? (m.doms.get(op.id) ?? null) : null;
  switch (op.op) {
    case 'domain':
      m.doms.set(op.id, {
        id: op.id,
        max: Math.min(op.maxPages, 2 ** 32 - 2),
        tot: 0,
        extra: 0,
        out: 0,
        last: 0,
        mask: op.affinity,
        unpaused: false,
        pageList: [],
        extraList: [],
        stash: null,
        dying: false,
      });
      return {};
    case 'affinity':
      d!.mask = op.nodes;
      return {};
    case 'maxmem':
      d!.max = Math.min(op.maxPages, 2 ** 32 - 2);
      return {};
    case 'unpause':
      d!.unpaused = true;
      return {};
    case 'claim':
      return { rc: claim(m, d!, op.pages) };
    case 'alloc':
      return allocOp(m, d!, op);
    case 'populate':
      return populate(m, d!, op);
    case 'xalloc':
      return xalloc(m, op);
    case 'xfree':
      for (let i = 0; i < op.count; i++) freeBlock(m, op.mfn + i * op.stride, op.order, true);
      return {};
    case 'free':
      return freeOp(m, d, op);
    case 'kill':
      kill(m, d!);
      return {};
    case 'relinquish':
      return { pages: relinquish(m, d!, op.pages) };
    case 'destroy':
      destroy(m, d!);
      return {};
    case 'offline':
      return offline(m, op.mfn, op.broken);
    case 'online':
      return online(m, op.mfn);
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
      throw new Error(`unknown op ${op.op}`);
  }
}
function claim(m: Model, d: Dom, want: number): number {
  if (want === 0) {
    m.claims -= BigInt(d.out);
    d.out = 0;
    return 0;
  }
  if (m.rules.refuseDying && d.dying) return -22;
  const tot = totOf(d);
  if (d.out > 0 || want <= tot || want > d.max) return -22;
  if (BigInt(want - tot) > wrap(BigInt(m.total) - m.claims)) return -12;
  d.out = want - tot;
  m.claims += BigInt(d.out);
  return 0;
}
function allocOp(m: Model, d: Dom, op: Op): Op {
  const mfns: number[] = [];
  const f = { ...op, noRefcount: Boolean(op.noRefcount || op.noOwner) };
  for (let i = 0; i < op.count; i++) {
    const got = domAlloc(m, op.order, f, d);
    if (got === null) break;
    if (!op.noOwner && !assign(m, d, got.mfn, op.order, f.noRefcount)) {
      freeBlock(m, got.mfn, op.order, Boolean(op.noScrub));
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
  const bits = op.bits !== undefined && op.bits < full ? op.bits : undefined;
  const f = {
    node: op.node,
    exact: Boolean(op.exact && op.node !== null),
    noRefcount: false,
    noScrub: !d.unpaused,
    ...(bits === undefined ? {} : { bits }),
  };
  let asked = 0;
  let cleaned = 0;
  const yields = (): boolean => op.preempt !== undefined && ++asked === op.preempt;
  for (let i = 0; i < op.count; i++) {
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
  for (let i = 0; i < op.count; i++) {
    const got = domAlloc(
      m,
      op.order,
      { node: op.node, exact: op.exact, noScrub: true, noRefcount: false },
      null,
    );
    if (got === null) break;
    for (let k = 0; k < size(op.order); k++) m.page.get(got.mfn + k)!.owner = 'xen';
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
  if (m.rules.freeReplenishes && d.out > 0) {
    d.out++;
    m.claims++;
  }
}
function freeOp(m: Model, d: Dom | null, op: Op): Op {
  const dirty = Boolean(m.header.scrubDomheap);
  for (let i = 0; i < op.count; i++) {
    const base = op.mfn + i * op.stride;
    if (op.anon) {
      freeBlock(m, base, op.order, true);
      continue;
    }
    for (let k = 0; k < size(op.order); k++) {
      leave(m, d!, base + k);
      if (!op.whole) freeBlock(m, base + k, 0, dirty);
    }
    if (op.whole) freeBlock(m, base, op.order, dirty);
  }
  return {};
}
/** What precedes the first page. */
function kill(m: Model, d: Dom): void {
  claim(m, d, 0);
  d.dying = true;
  if (d.stash) freeBlock(m, d.stash.mfn, d.stash.order, true);
  d.stash = null;
}
/** The first pages of the lists; returns how many there were. */
function relinquish(m: Model, d: Dom, pages: number): number {
  let n = 0;
  while (n < pages && d.pageList.length + d.extraList.length > 0) {
    const mfn = (d.pageList.length > 0 ? d.pageList : d.extraList)[0]!;
    leave(m, d, mfn);
    freeBlock(m, mfn, 0, true);
    n++;
  }
  return n;
}
function destroy(m: Model, d: Dom): void {
  kill(m, d);
  for (const p of d.pageList) freeBlock(m, p, 0, true);
  for (const p of d.extraList) freeBlock(m, p, 0, true);
  m.doms.delete(d.id);
}
function groupHasRam(m: Model, mfn: number): boolean {
  const group = Math.floor(mfn / 65536);
  for (const n of m.header.nodes)
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
    const spec = m.header.nodes.find((x: Op) => x.node === n);
    if (n === node || spec.cpus !== false || (m.scrub.get(n) ?? 0) === 0) continue;
    const dist = m.header.distances?.[node]?.[n] ?? 20;
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
  for (let i = 0; i < op.calls; i++) scrubOnce(m, op.node, op.pending);
  const bare = m.header.nodes.some((n: Op) => n.cpus === false && (m.scrub.get(n.node) ?? 0) > 0);
  return { more: (m.scrub.get(op.node) ?? 0) > 0 || bare };
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
