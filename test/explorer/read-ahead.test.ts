/** Names of domains read in one go, beside reads one by one. */
import { describe, expect, it } from 'vitest';
import { reportHost } from '../../src/cli/host-report.ts';
import type { Play } from '../../src/explorer/play.ts';
import { readAhead } from '../../src/explorer/read-ahead.ts';
import { play } from '../../src/explorer/replay.ts';
import { newRun } from '../../src/explorer/run-state.ts';
import { parseScenario } from '../../src/explorer/scenario-file.ts';
import type { TraceEvent } from '../../src/explorer/trace-event.ts';
import type { RunningTask } from '../../src/explorer/world.ts';
import { serveXs } from '../../src/explorer/xenstored.ts';
import { modelHost } from '../toolstack/model-host.ts';

const STORM = `
host: { memory: 4G, dom0: 1G, cpus: 2 }
guests: { vm: { type: pvh, memory: 64 } }
steps:
  - parallel: [{ times: 9, run: 'xl create vm ''name="vm{i}"''' }]
  - parallel:
      - { times: 5, run: "xl destroy vm{i}" }
      - { at: 1ms, run: "xl rename vm7 other" }
      - { at: 2ms, run: "xl domid vm7", expect: { exit: 1 } }
      - { at: 2ms, run: 'xl create vm ''name="vm8"''', expect: { exit: 3 } }
  - run: "xl domid other"
`;

function played(batches: boolean): { readonly at: Play; readonly events: readonly TraceEvent[] } {
  const scenario = parseScenario(STORM, 'test');
  if (!scenario.ok) throw new Error(JSON.stringify(scenario.problems));
  const events: TraceEvent[] = [];
  const around = {
    readFile: () => -2,
    observe: reportHost,
    tables: () => '',
    readOutput: () => null,
    batches,
    trace: (event: TraceEvent) => events.push(event),
  };
  return { at: play(scenario.value.stage, scenario.value.limits, around, false), events };
}

/** A host with ten guests' names, of which one has none, and what a first read was told. */
function named() {
  const { world } = modelHost();
  const domids = Array.from({ length: 10 }, (_, i) => i + 1);
  for (const domid of [1, 2, 3, 10, 9, 4, 5, 6, 7]) {
    const path = `/local/domain/${domid}/name`;
    world.store = serveXs(world.store, { op: 'write', path, value: `vm${domid}` }).state;
  }
  const outside = { absolute: (path: string) => path, readFile: () => -2 };
  const run = newRun(world, outside, null);
  const call = { op: 'read', path: '/local/domain/1/name', ahead: { domids, from: 1 } } as const;
  const first = { id: 1, at: 100, reply: { rc: 0, value: 'vm1' } } as unknown as RunningTask;
  return { run, call, first };
}

describe('readAhead', () => {
  it('leads where reads one by one lead, with as many steps, while others come and go', () => {
    const [together, single] = [played(true), played(false)];
    expect(together.at.failures).toEqual([]);
    expect(together.events).toEqual(single.events);
    expect(together.at.world.store).toEqual(single.at.world.store);
    expect(together.at.world.tasks).toEqual(single.at.world.tasks);
    expect(together.at.world.now).toBe(single.at.world.now);
    expect(together.at.run.steps).toBe(single.at.run.steps);
  });

  it('tells every name in the order asked for, and nothing where there is none', () => {
    const { run, call, first } = named();
    const next = readAhead(run, first, call, Number.POSITIVE_INFINITY);
    expect(next.reply.ahead).toEqual(['vm2', 'vm3', 'vm4', 'vm5', 'vm6', 'vm7', null, 'vm9', 'vm10']);
    expect(run.steps).toBe(9);
  });

  it('tells of a name that is sought where it stands first, as the list of all would', () => {
    const { call, first } = named();
    for (const sought of ['vm2', 'vm7', 'vm9', 'vm10', 'vm1', 'nobody', '']) {
      for (const others of [Number.POSITIVE_INFINITY, 70_100, 40_100]) {
        const list = readAhead(named().run, first, call, others).reply.ahead as readonly (string | null)[];
        const ahead = { ...call.ahead, sought };
        const told = readAhead(named().run, first, { ...call, ahead }, others).reply;
        const place = list.indexOf(sought);
        expect(told.passed).toEqual({ count: list.length, place: place < 0 ? null : place });
      }
    }
  });

  it('begins no read after others do, nor beyond the budget', () => {
    const { run, call, first } = named();
    const cost = readAhead(run, first, call, 101).at! - 100;
    const fresh = named();
    const next = readAhead(fresh.run, fresh.first, fresh.call, 100 + 3 * cost);
    expect(next.reply.ahead).toEqual(['vm2', 'vm3', 'vm4']);
    expect(next.at).toBe(100 + 3 * cost);
    const poor = { ...named().run, budget: 2 };
    expect(readAhead(poor, first, call, Number.POSITIVE_INFINITY).reply.ahead).toEqual(['vm2', 'vm3']);
    expect(readAhead(named().run, first, call, 100)).toBe(first);
  });

  it('leaves every read to those who look at each', () => {
    const { run, call, first } = named();
    run.intercept = () => null;
    expect(readAhead(run, first, call, Number.POSITIVE_INFINITY)).toBe(first);
    delete run.intercept;
    run.observers.set(1, { served: () => {} });
    expect(readAhead(run, first, call, Number.POSITIVE_INFINITY)).toBe(first);
  });
});
