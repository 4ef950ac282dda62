/**
 * Populating a guest: the claim, then every extent of its memory, largest first.
 *
 * Models meminit_pv() and meminit_hvm(), tools/libs/guest/xg_dom_x86.c, and the populate helpers of
 * tools/libs/ctrl/xc_domain.c.
 */
import { EBUSY, ENOENT, ENOMEM } from '../hypervisor/errno.ts';
import type { MemFlags, MfnRun } from '../hypervisor/privcmd.ts';
import { type DomId, gfn, mfn, nodeId, order, PAGE_SIZE, pages } from '../hypervisor/units.ts';
import { ask, done, type Flow, flow, goto, hypercall, type Next, type Reply, type Request } from './task.ts';
import { pvImageOf, sizeText } from './xg-dom-chatter.ts';
import type { BuildLayout } from './xg-layout.ts';
import { domprintf, xcLog, xcPanic } from './xl-log.ts';

const SUPERPAGE_2MB_SHIFT = 9;
const SUPERPAGE_1GB_SHIFT = 18;
const SUPERPAGE_2MB = 2 ** SUPERPAGE_2MB_SHIFT;
const SUPERPAGE_1GB = 2 ** SUPERPAGE_1GB_SHIFT;
/** Extents of one populate call for a PV guest: superpages, single pages. Xen: SUPERPAGE_BATCH_SIZE, and 1 Mi pages. */
const PV_SUPERPAGE_BATCH = 512;
const PV_BATCH = 1024 * 1024;
/** Pages of one step of the HVM loop, 8 MiB. */
const HVM_STEP = 2048;
/** Pages left out for the VGA hole, at gfn 0xa0. Xen: VGA_HOLE_SIZE. */
const VGA_HOLE_SIZE = 0x20;
const FOUR_GIB_PAGES = 0x10_0000;

/** Machine frames of a PV guest's pages in order of pfn: runs of extents of `size` pages. */
export interface PfnFrames extends MfnRun {
  readonly size: number;
}

interface MeminitVars {
  readonly domid: DomId;
  readonly claim: boolean;
  readonly layout: BuildLayout;
  /** HVM, with the VGA hole; PVH has none. */
  readonly vga: boolean;
  readonly pod?: boolean;
  /** Where the loop stands: which range, the next gfn, pages left of this step, superpages left (PV). */
  readonly range?: number;
  readonly cur?: number;
  readonly count?: number;
  readonly superpages?: number;
  readonly asked?: number;
  readonly stat?: readonly [small: number, mid: number, big: number];
  readonly errno?: number;
  readonly frames?: readonly PfnFrames[];
}

function populate(v: MeminitVars, at: number, count: number, o: number): Request {
  const pnode = v.layout.ranges[v.range ?? 0]?.pnode ?? null;
  const memFlags: MemFlags = {
    ...(v.pod === true ? { populateOnDemand: true } : {}),
    ...(pnode === null || (at < 0xa0 && v.vga) ? {} : { node: nodeId(pnode), exactNode: true }),
  };
  return hypercall('XENMEM_populate_physmap', {
    domid: v.domid,
    extentOrder: order(o),
    nrExtents: count,
    extentStart: [{ first: gfn(at), count, stride: 2 ** o }],
    memFlags,
  });
}

const claimPages = (v: MeminitVars, nr: number): Request =>
  hypercall('XENMEM_claim_pages', { domid: v.domid, nrExtents: pages(nr) });

/** The detail line of a populate that had to be exact and was not. Models xc_domain_populate_physmap_exact(). */
const fellShort = (v: MeminitVars, count: number, o: number): Request =>
  xcLog('detail', `Failed allocation for dom ${v.domid}: ${count} extents of order ${o}`);

/** errno after an exact populate: the true reason is lost when some extents were done. */
const exactErrno = (reply: Reply): number => (reply.rc < 0 ? -reply.rc : EBUSY);

/** C's `%016lx` after 0x. */
const hex16 = (n: number): string => `0x${n.toString(16).padStart(16, '0')}`;

function addStat(v: MeminitVars, kind: 0 | 1 | 2, n: number): [number, number, number] {
  const [small, mid, big] = v.stat ?? [0, 0, 0];
  return [small + (kind === 0 ? n : 0), mid + (kind === 1 ? n : 0), big + (kind === 2 ? n : 0)];
}

/** The line about the table of machine frames, 8 bytes a page; small ones go unmentioned. Models xc_dom_malloc(). */
function p2mLines(v: MeminitVars): Request[] {
  const size = v.layout.totalPages * 8;
  return size > 100 * 1024 ? [domprintf(`xc_dom_malloc            : ${sizeText(size)}`)] : [];
}

/** What is known of the machine frames, `did` extents more; no further than the initial pages reach. */
function toldFrames(v: MeminitVars, reply: Reply, did: number, size: number): readonly PfnFrames[] {
  const known = v.frames ?? [];
  const image = pvImageOf(v.layout.totalPages);
  const wanted = 'refusal' in image ? 0 : image.pgtables + image.pgtablePages;
  if ((v.cur ?? 0) >= wanted || did === 0) return known;
  // Where the answerer does not tell, a page's own number stands for its frame.
  const silent = [{ first: mfn(v.cur ?? 0), count: did, stride: size }];
  const told = (reply.frames as readonly MfnRun[] | undefined) ?? silent;
  return [...known, ...told.map((run) => ({ ...run, size }))];
}

/** Goes on populating a PV guest from its cursor: superpages while any are left, then single pages. */
function pvNext(v: MeminitVars): Next<MeminitVars> {
  const cur = v.cur ?? 0;
  const left = v.superpages ?? 0;
  if (left > 0) {
    const count = Math.min(left, PV_SUPERPAGE_BATCH);
    return ask(populate(v, cur, count, SUPERPAGE_2MB_SHIFT), 'superpages', {
      ...v,
      superpages: left - count,
    });
  }
  const end = v.layout.ranges[0]?.end ?? 0;
  if (cur >= end) return goto('unclaim', v);
  const count = Math.min(end - cur, PV_BATCH);
  return ask(populate(v, cur, count, 0), 'singles', { ...v, asked: count });
}

/**
 * Populates a PV guest. Done value { rc, errno, frames }: rc 0 or -1; `frames` are the machine frames of the
 * initial pages, where the answerer tells them. A failure leaves the claim to the domain's destruction, as upstream does.
 */
const meminitPv = flow<MeminitVars>({
  name: 'meminit_pv',
  steps: {
    start: (v) => {
      const superpages = Math.floor(v.layout.totalPages / SUPERPAGE_2MB);
      const next = { ...v, range: 0, cur: 0, superpages };
      return v.claim
        ? ask(claimPages(v, v.layout.totalPages), 'claimed', next)
        : ask(p2mLines(v), 'begin', next);
    },
    claimed: (v, reply) => (reply.rc < 0 ? done({ rc: -1, errno: -reply.rc }) : ask(p2mLines(v), 'begin', v)),
    begin: (v) => pvNext(v),
    superpages: (v, reply) => {
      if (reply.rc < 0) return done({ rc: -1, errno: -reply.rc });
      const frames = toldFrames(v, reply, reply.rc, SUPERPAGE_2MB);
      // A short batch is not repeated: what it left out is populated in single pages.
      return pvNext({ ...v, frames, cur: (v.cur ?? 0) + reply.rc * SUPERPAGE_2MB });
    },
    singles: (v, reply) => {
      const asked = v.asked ?? 0;
      if (reply.rc !== asked) {
        const text = `meminit_pv: failed to allocate 0x${v.layout.totalPages.toString(16)} pages`;
        return ask([fellShort(v, asked, 0), xcPanic('xg_dom_x86.c:1319', text, 'Internal error')], 'failed', {
          ...v,
          errno: exactErrno(reply),
        });
      }
      const frames = toldFrames(v, reply, asked, 1);
      return pvNext({ ...v, frames, cur: (v.cur ?? 0) + asked });
    },
    unclaim: (v) => ask(claimPages(v, 0), 'done', v),
    done: (v) => done({ rc: 0, frames: v.frames ?? [] }),
    failed: (v) => done({ rc: -1, errno: v.errno ?? ENOMEM }),
  },
});

/** The lines that show the ranges. */
const rangeLines = (layout: BuildLayout): Request[] =>
  layout.ranges.map((r) =>
    domprintf(
      `range: start=0x${(r.start * PAGE_SIZE).toString(16)} end=0x${(r.end * PAGE_SIZE).toString(16)}`,
    ),
  );

/** Begins the next step of at most 1 GiB; tries that size at once where it fits. */
function hvmStep(v: MeminitVars): Next<MeminitVars> {
  const range = v.layout.ranges[v.range ?? 0];
  if (range === undefined) return goto('built', v);
  const cur = v.cur ?? 0;
  if (cur >= range.end) {
    const next = (v.range ?? 0) + 1;
    return hvmStep({ ...v, range: next, cur: v.layout.ranges[next]?.start ?? 0 });
  }
  let count = Math.min(range.end - cur, SUPERPAGE_1GB);
  const offset = cur % SUPERPAGE_1GB;
  if (offset !== 0) count = Math.min(count, SUPERPAGE_1GB - offset);
  const touchesHole = cur + SUPERPAGE_1GB > v.layout.mmioStart && cur < FOUR_GIB_PAGES;
  if (offset === 0 && count === SUPERPAGE_1GB && !touchesHole) {
    return ask(populate(v, cur, 1, SUPERPAGE_1GB_SHIFT), 'big', { ...v, count });
  }
  return hvmMid({ ...v, count });
}

/** 2 MiB pages for at most 8 MiB of the step, where cursor and count allow. */
function hvmMid(v: MeminitVars): Next<MeminitVars> {
  const cur = v.cur ?? 0;
  let count = Math.min(v.count ?? 0, HVM_STEP);
  const offset = cur % SUPERPAGE_2MB;
  if (offset !== 0 && count > SUPERPAGE_2MB - offset) count = SUPERPAGE_2MB - offset;
  else if (count % SUPERPAGE_2MB !== 0 && count > SUPERPAGE_2MB) count -= count % SUPERPAGE_2MB;
  if (offset === 0 && count % SUPERPAGE_2MB === 0) {
    return ask(populate(v, cur, count / SUPERPAGE_2MB, SUPERPAGE_2MB_SHIFT), 'mid', { ...v, count });
  }
  return hvmSmall({ ...v, count });
}

/** Single pages for what is left of the step. */
function hvmSmall(v: MeminitVars): Next<MeminitVars> {
  const count = v.count ?? 0;
  return count === 0 ? hvmStep(v) : ask(populate(v, v.cur ?? 0, count, 0), 'small', v);
}

/** What is populated after the claim: the PoD cache, the pages below the VGA hole, then every range. */
function hvmBegin(v: MeminitVars): Next<MeminitVars> {
  if (!v.vga) return hvmStep({ ...v, range: 0, cur: v.layout.ranges[0]?.start ?? 0 });
  return ask(populate({ ...v, range: 0 }, 0, 0xa0, 0), 'low', { ...v, range: 0, cur: 0xc0 });
}

/**
 * Populates an HVM or PVH guest. Done value { rc, errno }: rc 0 or -1. The claim is given up at the end in either
 * case, even when none was staked.
 */
const meminitHvm = flow<MeminitVars>({
  name: 'meminit_hvm',
  steps: {
    start: (v) => {
      const next = { ...v, pod: v.layout.totalPages > v.layout.targetPages };
      return ask(rangeLines(v.layout), 'check', next);
    },
    check: (v) => {
      let total = 0;
      for (const r of v.layout.ranges) total += r.end - r.start;
      if (total !== v.layout.totalPages) {
        const text = `vNUMA memory pages mismatch (0x${total.toString(16)} != 0x${v.layout.totalPages.toString(16)})`;
        // Nothing failed in a system call here: the errno shown is one left over.
        return ask(domprintf(text), 'unclaimFailed', { ...v, errno: ENOENT });
      }
      if (!v.claim) return goto('podTarget', v);
      return ask(claimPages(v, v.layout.targetPages - (v.vga ? VGA_HOLE_SIZE : 0)), 'claimed', v);
    },
    claimed: (v, reply) => {
      if (reply.rc >= 0) return goto('podTarget', v);
      const text = 'Could not allocate memory for HVM guest as we cannot claim memory!';
      return ask(domprintf(text), 'unclaimFailed', { ...v, errno: -reply.rc });
    },
    podTarget: (v) => {
      if (v.pod !== true) return hvmBegin(v);
      const targetPages = pages(v.layout.targetPages - (v.vga ? VGA_HOLE_SIZE : 0));
      return ask(hypercall('XENMEM_set_pod_target', { domid: v.domid, targetPages }), 'podTargetSet', v);
    },
    podTargetSet: (v, reply) => {
      if (reply.rc >= 0) return hvmBegin(v);
      const text = 'Could not set PoD target for HVM guest.';
      return ask(domprintf(text), 'unclaimFailed', { ...v, errno: -reply.rc });
    },
    low: (v, reply) => {
      if (reply.rc === 0xa0) return hvmStep({ ...v, stat: addStat(v, 0, 0xc0) });
      return ask(
        [fellShort(v, 0xa0, 0), domprintf('Could not populate low memory (< 0xA0).')],
        'unclaimFailed',
        { ...v, errno: exactErrno(reply) },
      );
    },
    big: (v, reply) =>
      reply.rc > 0 ? hvmStep({ ...v, cur: (v.cur ?? 0) + SUPERPAGE_1GB, stat: addStat(v, 2, 1) }) : hvmMid(v),
    mid: (v, reply) => {
      const did = Math.max(0, reply.rc);
      const cur = (v.cur ?? 0) + did * SUPERPAGE_2MB;
      const count = (v.count ?? 0) - did * SUPERPAGE_2MB;
      return hvmSmall({ ...v, cur, count, stat: addStat(v, 1, did) });
    },
    small: (v, reply) => {
      const count = v.count ?? 0;
      if (reply.rc === count) {
        return hvmStep({ ...v, cur: (v.cur ?? 0) + count, count: 0, stat: addStat(v, 0, count) });
      }
      return ask(
        [fellShort(v, count, 0), domprintf('Could not allocate memory for HVM guest.')],
        'unclaimFailed',
        { ...v, errno: exactErrno(reply) },
      );
    },
    built: (v) => {
      const [small, mid, big] = v.stat ?? [0, 0, 0];
      return ask(
        [
          xcLog('detail', 'PHYSICAL MEMORY ALLOCATION:'),
          xcLog('detail', `  4KB PAGES: ${hex16(small)}`),
          xcLog('detail', `  2MB PAGES: ${hex16(mid)}`),
          xcLog('detail', `  1GB PAGES: ${hex16(big)}`),
          claimPages(v, 0),
        ],
        'done',
        v,
      );
    },
    done: () => done({ rc: 0 }),
    unclaimFailed: (v) => ask(claimPages(v, 0), 'failed', v),
    failed: (v) => done({ rc: -1, errno: v.errno ?? ENOMEM }),
  },
});

export const xgDomX86Flows: Readonly<Record<string, Flow>> = {
  meminit_pv: meminitPv,
  meminit_hvm: meminitHvm,
};
