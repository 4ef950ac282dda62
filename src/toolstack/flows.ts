/** Every flow by its name: what step() looks labels up in. */
import { guestFlows } from './guest.ts';
import { libxlControlFlows } from './libxl-control.ts';
import { libxlCreateFlows } from './libxl-create.ts';
import { libxlDmFlows } from './libxl-dm.ts';
import { libxlDomFlows } from './libxl-dom.ts';
import { libxlDomainFlows } from './libxl-domain.ts';
import { libxlMakeFlows } from './libxl-make.ts';
import { libxlMemFlows } from './libxl-mem.ts';
import { libxlNumaFlows } from './libxl-numa.ts';
import { libxlStreamFlows } from './libxl-stream.ts';
import type { Flow } from './task.ts';
import { xgDomBootFlows } from './xg-dom-boot.ts';
import { xgDomX86Flows } from './xg-dom-x86.ts';
import { xlFlows } from './xl-flows.ts';
import { xlFreememFlows } from './xl-freemem.ts';
import { xlLifecycleFlows } from './xl-lifecycle.ts';
import { xlMemFlows } from './xl-mem.ts';
import { xlMigrateFlows } from './xl-migrate.ts';
import { xlMonitorFlows } from './xl-monitor.ts';
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
  ...libxlMemFlows,
  ...libxlControlFlows,
  ...xlMemFlows,
  ...xlFreememFlows,
  ...xlLifecycleFlows,
  ...xlMonitorFlows,
  ...guestFlows,
  ...libxlStreamFlows,
  ...xlMigrateFlows,
};
