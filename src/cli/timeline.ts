/** Events as a picture. */
import type { TraceEvent } from '../explorer/trace-event.ts';
export const timelineSvg = (events: readonly TraceEvent[]): string => String(events.length);
