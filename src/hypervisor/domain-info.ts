/** What a toolstack sees of a domain. Models getdomaininfo(), xen/common/domctl.c. */

import { domainTotPages } from './claims.ts';
import type { Domain } from './domain-state.ts';
import type { HeapDomain } from './heap-state.ts';
import type { GetDomainInfo } from './privcmd.ts';
import { domId, ns, pages } from './units.ts';
import { domainOf, heapDomainOf, type Xen } from './xen.ts';

/**
 * A domain's state and memory; costs the same for every size. Of one that is as it was the same is told again. Models getdomaininfo(), xen/common/domctl.c.
 *
 * Simplified: no vcpu ever uses time. Dom0's first vcpu runs, every guest's vcpus wait (state b) unless it is paused.
 */
export function getDomainInfo(xen: Xen, domid: number): GetDomainInfo {
  const domain = domainOf(xen, domid);
  const heapDomain = heapDomainOf(xen, domid);
  const { creationFinished } = heapDomain;
  const told = xen.toldInfos.get(domid);
  const isSame =
    told !== undefined &&
    told.domain === domain &&
    told.creationFinished === creationFinished &&
    told.info.totPages === domainTotPages(heapDomain) &&
    told.info.maxPages === heapDomain.maxPages &&
    told.info.outstandingPages === heapDomain.outstandingPages;
  if (isSame) return told.info;
  const info = domainInfo(domain, heapDomain);
  xen.toldInfos.set(domid, { info, domain, creationFinished });
  return info;
}

/** What is told of a domain whose records are these. Models getdomaininfo(), xen/common/domctl.c. */
export function domainInfo(
  d: Omit<Domain, 'p2m' | 'tables' | 'paging' | 'maxMappedPfn'>,
  heapDomain: Readonly<HeapDomain>,
): GetDomainInfo {
  const { domid } = d;
  let online = 0;
  for (const vcpu of d.vcpus) if (vcpu.online) online++;
  const started = heapDomain.creationFinished && online > 0;
  const runs = started && !d.isShutDown && d.controllerPauseCount === 0;
  return {
    domid: domId(domid),
    type: d.type,
    hap: d.hap,
    dying: false,
    shutdown: d.isShutDown,
    shutdownReason: d.shutdownCode ?? 0,
    paused: d.controllerPauseCount > 0,
    blocked: runs && domid !== 0,
    running: runs && domid === 0,
    totPages: pages(domainTotPages(heapDomain)),
    maxPages: pages(heapDomain.maxPages),
    outstandingPages: pages(heapDomain.outstandingPages),
    shrPages: pages(0),
    pagedPages: pages(0),
    cpuTime: ns(0),
    nrOnlineVcpus: online,
    maxVcpuId: d.vcpus.length - 1,
    cpupool: d.cpupool,
    handle: d.handle,
  };
}
