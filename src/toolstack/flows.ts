/** Every flow by its name: what step() looks labels up in. */
import type { Flow } from './task.ts';
import { xlFlows } from './xl-flows.ts';

/** The registry. Each file of flows adds its own table here. */
export const flows: Readonly<Record<string, Flow>> = { ...xlFlows };
