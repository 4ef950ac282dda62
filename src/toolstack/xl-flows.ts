/** The flows of xl's own commands that only look, by name. */
import { libxlListFlows } from './libxl-list.ts';
import type { Flow } from './task.ts';
import { xlExitFlows } from './xl-exit.ts';
import { xlInfoFlows } from './xl-info.ts';
import { xlListFlows } from './xl-list.ts';
import { xlMainFlows } from './xl-main.ts';
import { xlMiscFlows } from './xl-misc.ts';
import { xlNamesFlows } from './xl-names.ts';
import { xlRefusedFlows } from './xl-refused.ts';
import { xlUptimeFlows } from './xl-uptime.ts';
import { xlVcpuFlows } from './xl-vcpu.ts';

export const xlFlows: Readonly<Record<string, Flow>> = {
  ...xlMainFlows,
  ...xlExitFlows,
  ...xlRefusedFlows,
  ...libxlListFlows,
  ...xlListFlows,
  ...xlInfoFlows,
  ...xlNamesFlows,
  ...xlUptimeFlows,
  ...xlVcpuFlows,
  ...xlMiscFlows,
};
