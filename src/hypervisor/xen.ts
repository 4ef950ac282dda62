/**
 * A running Xen as data: the heap, the domains, the host's shape and what the console printed.
 *
 * Domain records are values: a change puts a new record in place of the old one. The heap keeps a write log of its
 * own. Together they make markXen() and rollbackXen() cheap, so that a search needs no deep copies.
 */
import { ASSERT } from './bug.ts';
import type { Cpupool, Domain } from './domain-state.ts';
import { findHeapDomain } from './heap-domain.ts';
import type { Heap, HeapDomain } from './heap-state.ts';
import type { HostLayout } from './host-config.ts';
import type { GetDomainInfo } from './privcmd.ts';
import type { XenProfile } from './profile.ts';

/** A running Xen. Change it only through the hypervisor's functions. */
export interface Xen {
  heap: Heap;
  readonly layout: HostLayout;
  readonly profile: XenProfile;
  readonly commandLine: string;
  readonly domains: Map<number, Domain>;
  /** Their ids, ascending. Xen: domain_list. */
  readonly domainList: number[];
  /** By domid: what was told of it last, for as long as it is as it was. */
  readonly toldInfos: Map<number, ToldInfo>;
  /** The last domid given without being asked for. Xen: rover. */
  lastDomid: number;
  cpupools: readonly Cpupool[];
  /** What XEN_SYSCTL_readconsole returns. */
  consoleRing: string;
  /** What to put back, newest last; null while nobody asked for undo. */
  undo: XenUndo[] | null;
}

/** What was told of a domain, and what that was made of besides what it says. */
interface ToldInfo {
  readonly info: GetDomainInfo;
  readonly domain: Domain;
  readonly creationFinished: boolean;
}

interface XenUndo {
  readonly domid: number;
  readonly before: Domain | undefined;
}

/** Xen's special domain ids (xen/include/public/xen.h). */
export const DOMID_FIRST_RESERVED = 0x7ff0;
export const DOMID_SELF = 0x7ff0;

/** Creates, replaces or (with null) removes a domain's record, noting how to undo it. */
export function putDomain(xen: Xen, domid: number, record: Domain | null): void {
  const before = xen.domains.get(domid);
  xen.undo?.push({ domid, before });
  setRecord(xen, domid, record ?? undefined);
}

/** Replaces some fields of a live domain's record and returns the new one. */
export function updateDomain(xen: Xen, domid: number, change: Partial<Domain>): Domain {
  const next = withFields(domainOf(xen, domid), change);
  putDomain(xen, domid, next);
  return next;
}

/** The record with some fields replaced. */
export function withFields(d: Domain, change: Partial<Domain>): Domain {
  const next = copyOf(d);
  for (const field in change) set(next, change, field as keyof Domain);
  return next;
}

type Writable<T> = { -readonly [K in keyof T]: T[K] };

/** Field by field: a spread takes ten times as long, and this happens with every extent that is mapped. */
const copyOf = (d: Domain): Writable<Domain> => ({
  domid: d.domid,
  type: d.type,
  hap: d.hap,
  handle: d.handle,
  maxVcpus: d.maxVcpus,
  vcpus: d.vcpus,
  cpupool: d.cpupool,
  autoNodeAffinity: d.autoNodeAffinity,
  controllerPauseCount: d.controllerPauseCount,
  shutdownCode: d.shutdownCode,
  isShutDown: d.isShutDown,
  p2m: d.p2m,
  maxMappedPfn: d.maxMappedPfn,
  tables: d.tables,
  paging: d.paging,
  pod: d.pod,
  vnodes: d.vnodes,
  structures: d.structures,
});

function set<K extends keyof Domain>(d: Writable<Domain>, change: Partial<Domain>, field: K): void {
  d[field] = change[field] as Domain[K];
}

/** The record of a domain that is known to live. */
export function domainOf(xen: Xen, domid: number): Domain {
  const d = xen.domains.get(domid);
  // The text is made only where it is needed.
  if (d === undefined) ASSERT(false, `domain ${domid} lives`);
  return d;
}

/** The heap's record of a domain that is known to live. */
export function heapDomainOf(xen: Xen, domid: number): HeapDomain {
  const d = findHeapDomain(xen.heap, domid);
  if (d === undefined) ASSERT(false, `the heap knows domain ${domid}`);
  return d;
}

/** The living domain ids, ascending. Models for_each_domain(). */
export const domids = (xen: Xen): readonly number[] => xen.domainList;

/** The place of the first living domain id that is not below `domid`, in domids(). */
export function domidPlace({ domainList }: Xen, domid: number): number {
  let low = 0;
  let high = domainList.length;
  while (low < high) {
    const middle = Math.floor((low + high) / 2);
    if (domainList[middle]! < domid) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Sets or removes a record without noting it. */
export function setRecord(xen: Xen, domid: number, record: Domain | undefined): void {
  const { domains, domainList } = xen;
  if (record === undefined) {
    if (domains.delete(domid)) domainList.splice(domidPlace(xen, domid), 1);
    xen.toldInfos.delete(domid);
    return;
  }
  if (!domains.has(domid)) domainList.splice(domidPlace(xen, domid), 0, domid);
  domains.set(domid, record);
}
