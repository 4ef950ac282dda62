/** Every program that a task of a host may run. */
import { flows } from '../toolstack/flows.ts';
import type { Flow } from '../toolstack/task.ts';
import { requestFlows } from './request-flow.ts';

/** The toolstack's programs, and those of scenarios. */
export const ALL_FLOWS: Readonly<Record<string, Flow>> = { ...flows, ...requestFlows };
