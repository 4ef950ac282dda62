/** The life of a domain. Models xen/common/domain.c and domid.c. */

import { printk } from './console-ring.ts';
import { domainCrash } from './domain-crash.ts';
import type { Domain } from './domain-state.ts';
import { EBUSY, EEXIST, EINVAL, ENOMEM } from './errno.ts';
import { addTail, groupBlocks } from './extent-group.ts';
import { finishOwnExtents } from './extents-in-flight.ts';
import { createHeapDomain, hasStash, removeHeapDomain, setCreationFinished } from './heap-domain.ts';
import { updateNodeAffinity } from './node-affinity.ts';
import { NO_TABLES } from './p2m-tables.ts';
import { freeDomheapPages } from './page-alloc.ts';
import { allocP2mPages, EMPTY_POOL, pagingTeardown, setAllocation } from './paging-pool.ts';
import { NO_POD, podEmptyCache } from './pod-cache.ts';
import type { HypercallArgs } from './privcmd.ts';
import { beginDestroy, relinquishPages } from './relinquish.ts';
import { DOMID_FIRST_RESERVED, domainOf, heapDomainOf, putDomain, updateDomain, type Xen } from './xen.ts';
import {
  domainStructurePages,
  giveXenPages,
  HAP_INITIAL_PAGES,
  SHADOW_INITIAL_PAGES,
  takeXenPages,
  vcpuStructurePages,
} from './xen-private.ts';

type CreateArgs = HypercallArgs<'XEN_DOMCTL_createdomain'>;

/** How many vcpus a domain may have. Xen: MAX_VIRT_CPUS and HVM_MAX_VCPUS. */
const MAX_VCPUS = { pv: 8192, hvm: 128, pvh: 128 } as const;
/** Xen's default limits. Xen: opt_max_grant_frames, opt_max_maptrack_frames. */
const MAX_GRANT_FRAMES = 64;
const MAX_MAPTRACK_FRAMES = 1024;
/** Limits how often a toolstack may pause a domain. Xen: the literal in _domain_pause_by_systemcontroller(). */
const MAX_CONTROLLER_PAUSES = 255;

/**
 * XEN_DOMCTL_createdomain: the new domid (≥ 0), or -EEXIST, -EINVAL, -ENOMEM. The id is the next free one after the
 * last given, also after a failure. Models do_domctl() and domain_create().
 */
export function createDomain(xen: Xen, args: CreateArgs, node: number): number {
  const asked = args.domid ?? 0;
  const explicit = asked > 0 && asked < DOMID_FIRST_RESERVED;
  const domid = explicit ? asked : nextDomid(xen);
  if (explicit && xen.domains.has(domid)) return -EEXIST;
  if (domid < 0) return -ENOMEM;
  if (!explicit) xen.lastDomid = domid;
  const rc = saneConfig(xen, args);
  return rc !== 0 ? rc : domainCreate(xen, domid, args, node);
}

/** The next free id after the last one given, wrapping to 1; -1: none is free. Models domid_alloc(). */
function nextDomid(xen: Xen): number {
  for (let step = 1; step < DOMID_FIRST_RESERVED; step++) {
    const domid = ((xen.lastDomid + step - 1) % (DOMID_FIRST_RESERVED - 1)) + 1;
    if (!xen.domains.has(domid)) return domid;
  }
  return -1;
}

/** Models sanitise_domain_config() and the limits of grant_table_init(). */
function saneConfig(xen: Xen, args: CreateArgs): number {
  if (args.hap && args.type === 'pv') return -EINVAL;
  if (args.maxVcpus < 1 || args.maxVcpus > MAX_VCPUS[args.type]) return -EINVAL;
  if (args.maxGrantFrames === 0 || args.maxGrantFrames > MAX_GRANT_FRAMES) return -EINVAL;
  if (args.maxMaptrackFrames > MAX_MAPTRACK_FRAMES) return -EINVAL;
  const pool = args.cpupoolId ?? 0;
  return xen.cpupools.some(({ id }) => id === pool) ? 0 : -EINVAL;
}

/**
 * Builds the domain's own structures; every page is anonymous, so other domains' claims stand against it. On -ENOMEM
 * nothing is left. Models domain_create(), xen/common/domain.c, and hap_enable().
 */
export function domainCreate(xen: Xen, domid: number, args: CreateArgs, node: number): number {
  const structures = takeXenPages(xen.heap, domainStructurePages(), node);
  if (structures === null) return -ENOMEM;
  createHeapDomain(xen.heap, { domid, maxPages: 0, nodeAffinity: null });
  const record: Domain = {
    domid,
    type: args.type,
    hap: args.hap,
    handle: args.handle,
    maxVcpus: args.maxVcpus,
    vcpus: [],
    cpupool: args.cpupoolId ?? 0,
    autoNodeAffinity: true,
    controllerPauseCount: 1,
    shutdownCode: null,
    isShutDown: false,
    p2m: null,
    maxMappedPfn: 0,
    tables: NO_TABLES,
    paging: EMPTY_POOL,
    pod: NO_POD,
    vnodes: null,
    structures,
  };
  putDomain(xen, domid, record);
  if (args.type !== 'pv') {
    const rc = setAllocation(xen, domid, args.hap ? HAP_INITIAL_PAGES : SHADOW_INITIAL_PAGES);
    if (rc !== 0) {
      destroyDomain(xen, domid);
      return rc;
    }
    allocP2mPages(xen, domid, 1, NO_TABLES);
  }
  return domid;
}

/**
 * XEN_DOMCTL_max_vcpus: -EINVAL unless `max` is what createdomain said; -ENOMEM keeps the vcpus made so far.
 * Models do_domctl() and vcpu_create().
 */
export function maxVcpus(xen: Xen, domid: number, max: number, node: number): number {
  let d = domainOf(xen, domid);
  if (max !== d.maxVcpus) return -EINVAL;
  const first = d.vcpus.length;
  for (let id = first; id < max; id++) {
    const got = takeXenPages(xen.heap, vcpuStructurePages(d.type), node);
    if (got === null) return -ENOMEM;
    let structures = d.structures;
    for (const group of got) structures = addTail(structures, group);
    // Simplified: the first vcpu is online at once; real Xen waits for the toolstack to load its registers.
    const vcpu = { online: id === 0, affinity: { hard: null, soft: null } };
    d = updateDomain(xen, domid, { vcpus: [...d.vcpus, vcpu], structures });
  }
  updateNodeAffinity(xen, domid);
  return 0;
}

/** XEN_DOMCTL_pausedomain. -EINVAL after 255 pauses. Models domain_pause_by_systemcontroller(). */
export function pauseDomain(xen: Xen, domid: number): number {
  const { controllerPauseCount } = domainOf(xen, domid);
  if (controllerPauseCount + 1 > MAX_CONTROLLER_PAUSES) return -EINVAL;
  finishOwnExtents(xen.heap, heapDomainOf(xen, domid), false);
  updateDomain(xen, domid, { controllerPauseCount: controllerPauseCount + 1 });
  return 0;
}

/**
 * XEN_DOMCTL_unpausedomain. -EINVAL if it was not paused. The first fall to 0 ends the creation; a domain with a
 * stashed page is crashed instead, -EBUSY. Models domain_unpause_by_systemcontroller().
 */
export function unpauseDomain(xen: Xen, domid: number): number {
  const d = domainOf(xen, domid);
  const heapDomain = heapDomainOf(xen, domid);
  const count = d.controllerPauseCount - 1;
  if (count < 0) return -EINVAL;
  updateDomain(xen, domid, { controllerPauseCount: count });
  if (count > 0 || heapDomain.creationFinished) return 0;
  if (hasStash(xen.heap, heapDomain)) {
    const text = `d${domid}: cannot be started with pending unscrubbed pages, destroying`;
    xen.consoleRing = printk(xen.consoleRing, text);
    domainCrash(xen, domid);
    return -EBUSY;
  }
  setCreationFinished(xen.heap, heapDomain);
  // Simplified: a starting guest brings up all its vcpus at once.
  updateDomain(xen, domid, { vcpus: d.vcpus.map((vcpu) => ({ ...vcpu, online: true })) });
  return 0;
}

/** XEN_DOMCTL_resumedomain: undoes a shutdown. Models domain_resume(). */
export function resumeDomain(xen: Xen, domid: number): void {
  updateDomain(xen, domid, { shutdownCode: null, isShutDown: false });
}

/**
 * XEN_DOMCTL_destroydomain: the claim goes first, then the stash, the pool, the PoD cache back to page_list, every
 * page, Xen's own structures. Models domain_kill() and domain_relinquish_resources(). No foreign reference is
 * modelled, so nothing ever stays behind as a zombie.
 */
export function destroyDomain(xen: Xen, domid: number): void {
  domainKill(xen, domid);
  domainTeardown(xen, domid);
  domainRelinquish(xen, domid, Number.POSITIVE_INFINITY);
  domainDestroy(xen, domid);
}

/**
 * The domain is dying from here on; its claim and its stash are gone. Models the first part of domain_kill(),
 * domain_pause() included, which is for domains that are alive: who finds one that is dying already helps with the rest.
 */
export function domainKill(xen: Xen, domid: number): void {
  const d = heapDomainOf(xen, domid);
  if (d.isDying) return;
  finishOwnExtents(xen.heap, d, true);
  beginDestroy(xen.heap, d);
}

/** The pool goes, and what PoD holds is put back on page_list. Models paging_teardown(). */
export function domainTeardown(xen: Xen, domid: number): void {
  pagingTeardown(xen, domid);
  podEmptyCache(xen, domid);
  updateDomain(xen, domid, { p2m: null, pod: NO_POD });
}

/** Frees up to `limit` pages in list order; how many. Models relinquish_memory(). */
export function domainRelinquish(xen: Xen, domid: number, limit: number): number {
  return relinquishPages(xen.heap, heapDomainOf(xen, domid), limit);
}

/**
 * The rest: what the pool was given while the domain was dying, the p2m's root, and Xen's own structures. Models
 * complete_domain_destroy() and paging_final_teardown().
 */
export function domainDestroy(xen: Xen, domid: number): void {
  if (domainOf(xen, domid).paging.totalPages > 0) pagingTeardown(xen, domid);
  const { paging, structures } = domainOf(xen, domid);
  removeHeapDomain(xen.heap, heapDomainOf(xen, domid));
  for (const group of paging.p2mPages) {
    for (const block of groupBlocks(group)) freeDomheapPages(xen.heap, null, block);
  }
  giveXenPages(xen.heap, structures);
  putDomain(xen, domid, null);
}
