/** `set`: conditions of the host that no command makes. Memory is held by domains that no toolstack looks after. */

import { uniformInt } from 'pure-rand/distribution/uniformInt';
import { xoroshiro128plus } from 'pure-rand/generator/xoroshiro128plus';
import { hypercall } from '../hypervisor/hypercall.ts';
import { offlinePage } from '../hypervisor/offline.ts';
import { allocDomheapPages, freeDomheapPages } from '../hypervisor/page-alloc.ts';
import type { Hypercall } from '../hypervisor/privcmd.ts';
import { domId, gfn, kib, order as orderOf, pages, pagesToKib } from '../hypervisor/units.ts';
import { heapDomainOf } from '../hypervisor/xen.ts';
import { parsePages } from './amount.ts';
import { largestOrder } from './free-order.ts';
import { xlConfText } from './guest-cfg.ts';
import { makeHypercall } from './scenario-hypercall.ts';
import type { ConditionsInput } from './scenario-schema.ts';
import { utf8Bytes } from './utf8.ts';
import { nextUuid, type World } from './world.ts';
import { serveXs } from './xenstored.ts';

/** Holders get the highest domids, so that guests are numbered as without them. */
const FIRST_HOLDER = 0x7fef;
const HOLDER_EXTENTS = 0x3ffffff;
const MAX_PAGES = 2 ** 32 - 2;

/** Changes the host. Returns what could not be done, in a sentence, or null. */
export function setConditions(world: World, input: ConditionsInput): string | null {
  const { fragment, offline, hold, release, xlconf } = input;
  if (xlconf !== undefined) world.xlConf = xlConfText(xlconf);
  return (
    (release === undefined ? null : releaseHolder(world, release)) ??
    (hold === undefined ? null : holdPages(world, hold)) ??
    (fragment === undefined ? null : fragmentHeap(world, fragment)) ??
    (offline === undefined ? null : offlinePages(world, offline))
  );
}

const ask = (world: World, call: object): { readonly rc: number; readonly [key: string]: unknown } =>
  hypercall(world.xen, { caller: 0, node: 0 }, call as Hypercall) as never;

const nameOf = (world: World, domid: number): string | undefined => {
  const served = serveXs(world.store, { op: 'read', path: `/local/domain/${domid}/name` });
  return served.reply.value;
};

/** The domain called `name`, the newest where there are several; null: none. */
export function domidOf(world: World, name: string): number | null {
  const bytes = utf8Bytes(name);
  const found = [...world.xen.domains.keys()].filter((domid) => nameOf(world, domid) === bytes);
  return found.length === 0 ? null : Math.max(...found);
}

/** Gives a domain its name, as libxl would; tables and look-ups go by it. */
export function nameDomain(world: World, domid: number, name: string): void {
  const write = { op: 'write', path: `/local/domain/${domid}/name`, value: utf8Bytes(name) } as const;
  world.store = serveXs(world.store, write).state;
}

function makeHolder(world: World, name: string): number | string {
  if (domidOf(world, name) !== null) return `there is a domain called "${name}" already`;
  let domid = FIRST_HOLDER;
  while (world.xen.domains.has(domid)) domid--;
  const call = makeHypercall(
    'XEN_DOMCTL_createdomain',
    { name, type: 'pv', domid },
    { domidOf: () => null, uuid: nextUuid(world) },
  );
  const { rc } = ask(world, call);
  if (rc < 0) return `Xen makes no domain to hold the memory (errno ${-rc})`;
  const maxMemkb = pagesToKib(pages(MAX_PAGES));
  ask(world, { name: 'XEN_DOMCTL_max_mem', args: { domid, maxMemkb: kib(maxMemkb) } });
  nameDomain(world, domid, name);
  return domid;
}

/** Populates a holder; returns how many extents it got. */
function populate(
  world: World,
  domid: number,
  order: number,
  count: number,
  node: number | undefined,
): number {
  let done = 0;
  while (done < count) {
    const n = Math.min(count - done, HOLDER_EXTENTS);
    const extentStart = [{ first: gfn(done * 2 ** order), count: n, stride: 2 ** order }];
    const memFlags = node === undefined ? {} : { node, exactNode: true };
    const args = { domid: domId(domid), extentOrder: orderOf(order), nrExtents: n, extentStart, memFlags };
    const { rc } = ask(world, { name: 'XENMEM_populate_physmap', args });
    done += rc;
    if (rc < n) break;
  }
  return done;
}

function holdPages(world: World, hold: NonNullable<ConditionsInput['hold']>): string | null {
  const order = hold.order ?? 0;
  const domid = makeHolder(world, hold.as);
  if (typeof domid === 'string') return `hold: ${domid}`;
  const spare = world.xen.heap.totalAvailPages - world.xen.heap.outstandingClaims;
  const wanted = hold.size === undefined ? spare - parsePages(hold.leave!)! : parsePages(hold.size)!;
  if (wanted < 0) return `hold: less than ${hold.leave} is left already`;
  const count = hold.size === undefined ? Math.floor(wanted / 2 ** order) : Math.ceil(wanted / 2 ** order);
  const got = populate(world, domid, order, count, hold.node);
  return got === count ? null : `hold: only ${got} of ${count} blocks of order ${order} are to be had`;
}

function releaseHolder(world: World, name: string): string | null {
  const domid = domidOf(world, name);
  if (domid === null) return `release: nobody called "${name}" holds anything`;
  ask(world, { name: 'XEN_DOMCTL_destroydomain', args: { domid } });
  world.store = serveXs(world.store, { op: 'rm', path: `/local/domain/${domid}` }).state;
  return null;
}

const SHARES = { half: 1, quarter: 2, eighth: 3 } as const;

/**
 * Leaves no free block above `largest`: of every aligned block twice that size one piece is held. Which piece follows
 * from the seed; that and the order of the free lists is what later allocations see.
 */
function fragmentHeap(world: World, input: NonNullable<ConditionsInput['fragment']>): string | null {
  const largest = largestOrder(input.largest)!;
  const share = SHARES[input.hold ?? 'half'];
  const piece = largest + 1 - share;
  if (piece < 0)
    return `fragment: a${share === 3 ? 'n' : ''} ${input.hold} of blocks of order ${largest + 1} is less than a page`;
  const block = largest + 1;
  const pieces = 2 ** share;
  const kept = (input.seed ?? 1) % pieces;
  const domid = makeHolder(world, freshName(world, 'fragments'));
  if (typeof domid === 'string') return `fragment: ${domid}`;
  const { heap } = world.xen;
  const d = heapDomainOf(world.xen, domid);
  const limit =
    input.of === undefined ? Number.POSITIVE_INFINITY : Math.floor(parsePages(input.of)! / 2 ** block);
  const count = Math.min(limit, Math.floor(heap.totalAvailPages / 2 ** block));
  // As increase_reservation has it: owned and mapped nowhere, so that a comb costs the heap a run and the map nothing.
  const { runs } = allocDomheapPages(heap, d, { order: block, count, node: null, exact: false });
  for (const run of runs) {
    for (let p = 0; p < pieces; p++) {
      const { count: n, stride } = run;
      if (p !== kept)
        freeDomheapPages(heap, d, { mfn: run.first + p * 2 ** piece, order: piece, count: n, stride });
    }
  }
  return null;
}

function freshName(world: World, name: string): string {
  let fresh = name;
  for (let i = 2; domidOf(world, fresh) !== null; i++) fresh = `${name}-${i}`;
  return fresh;
}

function offlinePages(world: World, input: NonNullable<ConditionsInput['offline']>): string | null {
  const rng = xoroshiro128plus(input.seed ?? 1);
  const ranges = world.xen.layout.nodes.flatMap((node) => node.heapRanges);
  const total = ranges.reduce((sum, [first, end]) => sum + end - first, 0);
  let left = input.pages;
  for (let tries = 0; left > 0 && tries < 64 * input.pages + 1024; tries++) {
    let at = uniformInt(rng, 0, total - 1);
    const range = ranges.find(([first, end]) => {
      if (at < end - first) return true;
      at -= end - first;
      return false;
    });
    if (range === undefined) break;
    const free = world.xen.heap.totalAvailPages;
    const { rc } = offlinePage(world.xen.heap, range[0] + at, input.broken === true);
    if (rc === 0 && world.xen.heap.totalAvailPages < free) left--;
  }
  return left === 0 ? null : `offline: only ${input.pages - left} of ${input.pages} free pages were found`;
}
