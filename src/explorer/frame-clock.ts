/** What a frame holds against the clock: its flow says which of its variables are moments (Flow.clock). */
import type { Frame } from '../toolstack/task.ts';
import { ALL_FLOWS } from './task-flows.ts';

/** The frame with its moments told from `now` on. */
export function frameFromNow(frame: Frame, now: number): Frame {
  const moments = ALL_FLOWS[frame.flow]?.clock ?? [];
  if (moments.length === 0) return frame;
  const vars = { ...frame.vars };
  for (const name of moments) {
    const at = vars[name];
    if (typeof at === 'number') vars[name] = at - now;
  }
  return { ...frame, vars };
}
