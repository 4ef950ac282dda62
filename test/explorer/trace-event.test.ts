/** The log of events that is kept for "the last events leading to it". */
import { describe, expect, it } from 'vitest';
import { newTraceLog, noteEvent, type TraceEvent } from '../../src/explorer/trace-event.ts';

const event = (kind: TraceEvent['kind'], task: number, at: number): TraceEvent => ({
  at,
  until: at,
  task,
  name: `task ${task}`,
  kind,
  what: kind,
  free: 0,
  claimed: 0,
});

describe('the log of events', () => {
  it('keeps as many as it is to, whether extents were in flight or not', () => {
    const log = newTraceLog(5);
    // Somebody always comes between, so that none of the extents in flight is forgotten for what came of it.
    for (let at = 0; at < 40; at++)
      noteEvent(log, event(at % 2 === 0 ? 'in-flight' : 'hypercall', at % 2, at));
    expect(log.events.map(({ at }) => at)).toEqual([35, 36, 37, 38, 39]);
    expect(log.dropped).toBe(35);
  });

  it('forgets an extent in flight where nobody came between', () => {
    const log = newTraceLog(5);
    for (let at = 0; at < 40; at++) noteEvent(log, event(at % 2 === 0 ? 'in-flight' : 'hypercall', 0, at));
    expect(log.events.map(({ at }) => at)).toEqual([31, 33, 35, 37, 39]);
  });
});
