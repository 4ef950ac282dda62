/** Nothing: every builder looks at free memory and allocates. Where the thread of 2012 begins. */
import type { Remedy } from '../remedy.ts';
import { withXlConf } from './xl-conf-of.ts';

export const nothing: Remedy = {
  name: 'nothing',
  title: 'nothing',
  source: 'xen-devel 2012, "Proposed XENMEM_claim_pages hypercall"',
  stage: (stage) => withXlConf(stage, { claim_mode: 0, autoballoon: 'off' }),
};
