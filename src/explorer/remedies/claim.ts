/** A claim: the builder stakes all it is going to allocate, and Xen refuses others what is claimed. */
import type { Remedy } from '../remedy.ts';
import { withXlConf } from './xl-conf-of.ts';

export const claim: Remedy = {
  name: 'claim',
  title: 'a claim',
  source: 'XENMEM_claim_pages, Xen 65c9792df6',
  stage: (stage) => withXlConf(stage, { claim_mode: 1, autoballoon: 'off' }),
};
