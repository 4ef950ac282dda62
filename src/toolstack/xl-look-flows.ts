/** The flows of the commands that look at domains and the host without options: few enough to be loaded at once. */
import { libxlCpupoolFlows } from './libxl-cpupool.ts';
import { libxlListFlows } from './libxl-list.ts';
import type { Flow } from './task.ts';
import { xlExitFlows } from './xl-exit.ts';
import { xlInfoFlows } from './xl-info.ts';
import { xlListFlows } from './xl-list.ts';
import { xlMainFlows } from './xl-main.ts';
import { xlNamesFlows } from './xl-names.ts';
import { xlUptimeFlows } from './xl-uptime.ts';
import { xlVcpuFlows } from './xl-vcpu.ts';

/** Commands that need no other flow, as long as their words hold no option. */
export const LOOK_COMMANDS: readonly string[] = [
  'list',
  'vm-list',
  'info',
  'sharing',
  'domid',
  'domname',
  'uptime',
  'claims',
];

export const xlLookFlows: Readonly<Record<string, Flow>> = {
  ...xlMainFlows,
  ...xlExitFlows,
  ...libxlListFlows,
  ...xlListFlows,
  ...xlInfoFlows,
  ...xlNamesFlows,
  ...xlUptimeFlows,
  ...xlVcpuFlows,
  ...libxlCpupoolFlows,
};
