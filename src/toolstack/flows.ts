/** Every flow by its name: what step() looks labels up in. */
import { libxlCreateFlows } from './libxl-create.ts';
import { libxlDmFlows } from './libxl-dm.ts';
import { libxlDomFlows } from './libxl-dom.ts';
import { libxlDomainFlows } from './libxl-domain.ts';
import { libxlMakeFlows } from './libxl-make.ts';
import { libxlNumaFlows } from './libxl-numa.ts';
import type { Flow } from './task.ts';
import { xgDomBootFlows } from './xg-dom-boot.ts';
import { xgDomX86Flows } from './xg-dom-x86.ts';
import { xlFlows } from './xl-flows.ts';
import { xlVmcontrolFlows } from './xl-vmcontrol.ts';

/** The registry. Each file of flows adds its own table here. */
export const flows: Readonly<Record<string, Flow>> = {
  ...xlFlows,
  ...xlVmcontrolFlows,
  ...libxlCreateFlows,
  ...libxlMakeFlows,
  ...libxlDomFlows,
  ...libxlDomainFlows,
  ...libxlNumaFlows,
  ...libxlDmFlows,
  ...xgDomBootFlows,
  ...xgDomX86Flows,
};
