/** The flows of xl itself and of its commands that only look or set small things, by name. */

import { libxlCpupoolFlows } from './libxl-cpupool.ts';
import { libxlListFlows } from './libxl-list.ts';
import { libxlRetrieveFlows } from './libxl-retrieve.ts';
import { libxlVcpuOnlineFlows } from './libxl-vcpu-online.ts';
import type { Flow } from './task.ts';
import { xentopFlows } from './xentop.ts';
import { xlConfigUpdateFlows } from './xl-config-update.ts';
import { xlCpupoolFlows } from './xl-cpupool.ts';
import { xlDeviceListFlows } from './xl-device-list.ts';
import { xlExitFlows } from './xl-exit.ts';
import { xlInfoFlows } from './xl-info.ts';
import { xlListFlows } from './xl-list.ts';
import { xlListDetailsFlows } from './xl-list-details.ts';
import { xlMainFlows } from './xl-main.ts';
import { xlMiscFlows } from './xl-misc.ts';
import { xlNamesFlows } from './xl-names.ts';
import { xlNumaSplitFlows } from './xl-numa-split.ts';
import { xlRefusedFlows } from './xl-refused.ts';
import { xlSchedFlows } from './xl-sched.ts';
import { xlUptimeFlows } from './xl-uptime.ts';
import { xlVcpuFlows } from './xl-vcpu.ts';
import { xlVcpuPinFlows } from './xl-vcpu-pin.ts';

export const xlFlows: Readonly<Record<string, Flow>> = {
  ...xlMainFlows,
  ...xlExitFlows,
  ...xlRefusedFlows,
  ...libxlListFlows,
  ...xlListFlows,
  ...xlInfoFlows,
  ...xlNamesFlows,
  ...xlNumaSplitFlows,
  ...xlUptimeFlows,
  ...xlVcpuFlows,
  ...xlMiscFlows,
  ...libxlCpupoolFlows,
  ...libxlRetrieveFlows,
  ...libxlVcpuOnlineFlows,
  ...xentopFlows,
  ...xlConfigUpdateFlows,
  ...xlCpupoolFlows,
  ...xlDeviceListFlows,
  ...xlListDetailsFlows,
  ...xlSchedFlows,
  ...xlVcpuPinFlows,
};
