import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Play } from '../../src/explorer/play.ts';
import { play } from '../../src/explorer/replay.ts';
import { parseScenario } from '../../src/explorer/scenario-file.ts';
import { playOn } from '../../src/explorer/several-hosts.ts';
import type { TraceEvent } from '../../src/explorer/trace-event.ts';
import { heapState } from '../model/heap-drive.ts';
import { around } from './space-fixture.ts';

interface Played {
  readonly on: Play;
  readonly events: readonly TraceEvent[];
  readonly wrong: readonly string[];
}

function played(text: string): Played {
  const read = parseScenario(text, 'test');
  if (!read.ok) throw new Error(JSON.stringify(read.problems));
  const events: TraceEvent[] = [];
  const trace = (event: TraceEvent): void => void events.push(event);
  const on = play(read.value.stage, read.value.limits, { ...around, trace }, false);
  const wrong = [...(on.hung ?? []), ...on.failures.map((f) => `${f.step}: ${f.what}: ${f.got}`)];
  return { on, events, wrong };
}

const HOSTS = `
host: { memory: 4G, dom0: 512M }
hosts:
  b: { memory: 2G, dom0: 512M, xen: "4.17" }
xlconf: { autoballoon: "off" }
guests:
  web: { type: pvh, memory: 512 }
  big: { type: pvh, memory: 2048 }
`;

describe('xl migrate between hosts of a scenario', () => {
  it('moves a guest, and its memory is held on both while it is on its way', () => {
    const { wrong } = played(`${HOSTS}
steps:
  - xl create web
  - parallel:
      - { run: xl migrate web b, expect: { exit: 0, stderr: { contains: Migration successful. } } }
      - { name: here, at: 300ms, expect: { domains: { web: { mem: 512 } } } }
      - { name: there, host: b, at: 300ms, expect: { domains: { web--incoming: { state: paused, mem: 512 } } } }
  - expect: { running: [], host: { domains: 1 }, time: { now: "> 400ms" } }
  - { host: b, expect: { running: [web], invariants: ok, time: { now: "> 400ms" } } }
`);
    expect(wrong).toEqual([]);
  });

  it('leaves the guest where it is when the far host has no room', () => {
    const { wrong } = played(`${HOSTS}
steps:
  - xl create big
  - run: xl migrate big b
    expect: { exit: 1, stderr: { contains: ["Target reported failure", "resuming at sender"] }, running: [big] }
  - { host: b, expect: { running: [], host: { domains: 1, free: "> 1400M" }, events: { enomem: ">= 1" } } }
`);
    expect(wrong).toEqual([]);
  });

  it('goes back, to the host itself, and not to a host that is not there', () => {
    const { wrong } = played(`${HOSTS}
steps:
  - { run: xl create web, host: b }
  - { run: xl migrate web a, host: b, expect: { running: [] } }
  - { run: xl migrate web localhost, expect: { running: [web] } }
  - { run: xl migrate web c, expect: { exit: 1, running: [web] } }
`);
    expect(wrong).toEqual([]);
  });

  it("goes by the far host's xl.conf, and by its release of Xen", () => {
    const text = (
      conf: string,
    ): string => `${HOSTS.replace('xen: "4.17"', `xlconf: { autoballoon: "${conf}" }`)}
steps:
  - xl create big
  - { run: xl migrate big b, expect: { exit: 1 } }
`;
    // freemem() gives up before anything is populated.
    const refusals = (conf: string): number =>
      played(text(conf)).events.filter((e) => e.host === 'b' && e.kind === 'refused').length;
    expect(refusals('on')).toBe(0);
    expect(refusals('off')).toBeGreaterThan(0);
  });

  it('keeps two streams apart that arrive at once', () => {
    const { wrong } = played(`${HOSTS.replace('memory: 2G', 'memory: 4G')}  small: { type: pvh, memory: 64 }
steps:
  - xl create web
  - xl create small
  - parallel: [xl migrate web b, xl migrate small b]
  - { host: b, expect: { domains: { web: { mem: 512 }, small: { mem: "64..65" } } } }
`);
    expect(wrong).toEqual([]);
  });
});

/** What is seen of a host: its heap, and its events but for those of hypercalls that are cut where others act. */
function seen(play: Play, events: readonly TraceEvent[]): object {
  const told = events.filter(({ kind }) => kind !== 'populate' && kind !== 'refused' && kind !== 'free');
  return { told: told.map(({ host: _host, ...rest }) => rest), heap: heapState(play.world.xen.heap) };
}

describe('hosts that do not ask each other', () => {
  it('do each as they would alone', () => {
    const at = fc.integer({ min: 0, max: 60 });
    fc.assert(
      fc.property(at, at, at, fc.integer({ min: 1, max: 3 }), (first, second, third, cpus) => {
        const machine = (memory: string): string => `{ memory: ${memory}, dom0: 512M, cpus: ${cpus} }`;
        const guests = 'guests: { web: { type: pvh, memory: 512 }, db: { type: pv, memory: 600 } }';
        const lane = (run: string, ms: number, host: string): string =>
          `{ run: ${run}, at: ${ms}ms, expect: { exit: ">= 0" }${host} }`;
        const own = (host: string): string =>
          [lane('xl create web', first, host), lane('xl create db', second, host)].join(', ');
        const other = (host: string): string => lane('xl create db', third, host);
        const both = played(
          `host: ${machine('2G')}\nhosts: { b: ${machine('1G')} }\n${guests}\nsteps: [{ parallel: [${own('')}, ${other(', host: b')}] }]`,
        );
        const a = played(`host: ${machine('2G')}\n${guests}\nsteps: [{ parallel: [${own('')}] }]`);
        const b = played(`host: ${machine('1G')}\n${guests}\nsteps: [{ parallel: [${other('')}] }]`);
        const of = (host: string): TraceEvent[] => both.events.filter((e) => e.host === host);
        expect(seen(both.on, of('a'))).toEqual(seen(a.on, a.events));
        expect(seen(playOn(both.on, { host: 'b' }), of('b'))).toEqual(seen(b.on, b.events));
      }),
      { numRuns: 60, seed: 11 },
    );
  });
});

describe('hosts in a file', () => {
  it.each([
    [
      'a step on a host that is not there',
      'steps: [{ run: xl list, host: c }]',
      'there is no host "c": there are a, b',
    ],
    [
      'a host of the same name',
      'host: { name: b }\nsteps: [xl list]',
      '"b" is what the first host is called',
    ],
    [
      'an order',
      'steps: [{ parallel: [xl list], order: { version: "0.1.0", grain: hypercall, choices: [] } }]',
      'an order is of one host',
    ],
    ['a node that the host lacks', 'steps: [{ run: xl list, host: b, node: 1 }]', 'no node 1'],
  ])('%s is refused', (_what, text, told) => {
    const read = parseScenario(`hosts: { b: { memory: 4G } }\n${text}`, 'test');
    expect(read.ok ? '' : read.problems.map(({ message }) => message).join()).toContain(told);
  });
});
