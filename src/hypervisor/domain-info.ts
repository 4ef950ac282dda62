/** What a toolstack sees of a domain. Models getdomaininfo(), xen/common/domctl.c. */

import { domainTotPages } from './claims.ts';
import type { GetDomainInfo } from './privcmd.ts';
import { domId, ns, pages } from './units.ts';
import { domainOf, heapDomainOf, type Xen } from './xen.ts';

/**
 * A domain's state and memory; costs the same for every size. Models getdomaininfo(), xen/common/domctl.c.
 *
 * Simplified: no vcpu ever uses time. Dom0's first vcpu runs, every guest's vcpus wait (state b) unless it is paused.
 */
export function getDomainInfo(xen: Xen, domid: number): GetDomainInfo {
  const d = domainOf(xen, domid);
  const heapDomain = heapDomainOf(xen, domid);
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
    totPages: pages(domainTotPages(xen.heap, heapDomain)),
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
