/**
 * xl's own lock around the whole creation, under which it looks for memory and frees some.
 *
 * Models acquire_lock() and freemem() in create_domain(), tools/xl/xl_vmcontrol.c. xend held a lock like it.
 */
import type { Remedy } from '../remedy.ts';
import { withXlConf } from './xl-conf-of.ts';

export const xlLock: Remedy = {
  name: 'xl-lock',
  title: "xl's lock",
  source: 'tools/xl/xl_vmcontrol.c, acquire_lock() and freemem()',
  stage: (stage) => withXlConf(stage, { claim_mode: 0, autoballoon: 'on' }),
};
