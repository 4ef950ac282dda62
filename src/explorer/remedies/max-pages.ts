/**
 * max_pages set everywhere: a domain's maximum is what it has, and the sum of all maxima never exceeds the host.
 *
 * Proposed in 2012 in the place of claims (Lagar-Cavilla). When the block begins, every domain's max_pages becomes its
 * tot_pages, dom0's too, so that nobody balloons up; a builder's XEN_DOMCTL_max_mem is refused when the sum would go
 * beyond what domains own and what is free. Nothing is set aside for what Xen itself takes around a new domain.
 */
import { ENOMEM } from '../../hypervisor/errno.ts';
import { hypercall } from '../../hypervisor/hypercall.ts';
import { domId, kib } from '../../hypervisor/units.ts';
import type { Interceptor } from '../intercept.ts';
import type { Remedy } from '../remedy.ts';
import type { World } from '../world.ts';
import { withXlConf } from './xl-conf-of.ts';

const KIB_PER_PAGE = 4;

function prepare({ xen }: World): void {
  for (const [domid, { totPages }] of xen.heap.domains) {
    if (!xen.domains.has(domid)) continue;
    const args = { domid: domId(domid), maxMemkb: kib(totPages * KIB_PER_PAGE) };
    hypercall(xen, { caller: 0, node: 0 }, { name: 'XEN_DOMCTL_max_mem', args });
  }
}

const intercept: Interceptor = (world, _task, _domid, request) => {
  if (request.kind !== 'hypercall' || request.name !== 'XEN_DOMCTL_max_mem') return null;
  const { xen } = world;
  const { domid, maxMemkb } = request.args;
  const asked = Math.floor(maxMemkb / KIB_PER_PAGE);
  let others = 0;
  let owned = 0;
  let own = 0;
  for (const d of xen.heap.domains.values()) {
    owned += d.totPages;
    if (d.domid === domid) own = d.maxPages;
    else others += d.maxPages;
  }
  const host = owned + xen.heap.totalAvailPages;
  return asked > own && others + asked > host ? { reply: { rc: -ENOMEM } } : null;
};

export const maxPages: Remedy = {
  name: 'max-pages',
  title: 'max_pages set',
  source: 'xen-devel 2012, Andres Lagar-Cavilla on the same thread',
  simplified: 'the host refuses the maximum; in the proposal a toolstack would.',
  stage: (stage) => withXlConf(stage, { claim_mode: 0, autoballoon: 'off' }),
  prepare,
  intercept,
};
