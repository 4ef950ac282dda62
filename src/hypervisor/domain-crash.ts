/** How a domain stops. Models domain_shutdown() and domain_crash(), xen/common/domain.c. */
import { printk } from './console-ring.ts';
import { domainOf, updateDomain, type Xen } from './xen.ts';

/** Xen: SHUTDOWN_crash. */
const SHUTDOWN_CRASH = 3;

/** SCHEDOP_shutdown and SCHEDOP_remote_shutdown; the first reason stays. */
export function domainShutdown(xen: Xen, domid: number, reason: number): void {
  const { shutdownCode } = domainOf(xen, domid);
  updateDomain(xen, domid, { shutdownCode: shutdownCode ?? reason, isShutDown: true });
}

/** Stops a domain after what it cannot survive. */
export function domainCrash(xen: Xen, domid: number): void {
  xen.consoleRing = printk(xen.consoleRing, `domain_crash called on d${domid}`);
  domainShutdown(xen, domid, SHUTDOWN_CRASH);
}
