/** Repeats whose rounds repeat themselves: moved on in one go they end as they do round by round. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Play } from '../../src/explorer/play.ts';
import { type Played, playedRounds, seenOf } from './rounds-fixture.ts';

type Step = string | Readonly<Record<string, unknown>>;

const GUESTS = {
  vm: { cfg: 'vm.cfg' },
  hv: { type: 'hvm', memory: 33 },
  pv: { type: 'pv', memory: 33, kernel: '/k' },
  old: { type: 'pvh', memory: 64, maxmem: 128 },
  podded: { type: 'pvh', memory: 16, maxmem: 48 },
};

const HOST = { memory: '400M', dom0: '128M', cpus: 2 };
const LIMITS = { requests: 10_000_000, time: '100h' };

/** A scenario that ends with a failure, so that everything that a failure shows is there to compare. */
const repeated = (count: number, steps: readonly Step[], more: object = {}): Record<string, unknown> => ({
  host: HOST,
  limits: LIMITS,
  guests: GUESTS,
  steps: [{ repeat: count, steps }, { expect: { host: { domains: 999 } } }],
  ...more,
});

/** Plays it both ways, and holds all that is to be seen against each other. */
function compared(
  scenario: object | string,
  prepare?: (play: Play) => void,
): Played & { readonly each: Played } {
  const each = playedRounds(scenario, { isSeen: true, prepare });
  const some = playedRounds(scenario, { isSeen: false, prepare });
  expect(seenOf(some.play)).toEqual(seenOf(each.play));
  return { ...some, each };
}

const PAIR = ['xl create vm', 'xl destroy vm'];

const PAIRS: readonly (readonly [what: string, steps: readonly Step[]])[] = [
  ['a guest created and destroyed', ['xl create vm', 'xl destroy vm']],
  ['an HVM guest', ['xl create vm', 'xl destroy vm', 'xl create hv', 'xl destroy hv']],
  ['a PV guest', ['xl create vm', 'xl create pv', 'xl destroy vm', 'xl destroy pv']],
  ['one that shuts itself down', ['xl create vm', { guest: 'vm shutdown' }, { wait: '2s' }]],
  [
    'one that gives memory on demand',
    ['xl create vm', 'xl create podded', 'xl destroy podded', 'xl destroy vm'],
  ],
  [
    'two at once, waiting for a lock',
    [
      { parallel: ['xl create vm \'name="a"\'', 'xl create vm \'name="b"\''] },
      { parallel: ['xl destroy a', 'xl destroy b'] },
    ],
  ],
  [
    'a block with numbers of its own',
    [
      { repeat: 3, steps: ['xl create vm \'name="g{i}"\''] },
      { repeat: 3, steps: ['xl destroy g{i}'] },
    ],
  ],
  [
    'memory held for a while',
    ['xl create vm', { set: { hold: { size: '40M', as: 'h' } } }, 'xl destroy vm', { set: { release: 'h' } }],
  ],
];

describe('a repeat whose rounds repeat themselves', () => {
  it.each(PAIRS)('ends as round by round: %s', (_what, steps) => {
    const { reads, each } = compared(repeated(100, steps));
    expect(reads).toBeLessThan(each.reads * 0.7);
  });

  it('finds laps of several rounds', () => {
    // A guest is called a after one round and b after the next.
    const swap = ['xl rename a t', 'xl rename b a', 'xl rename t b'];
    const counted = { repeat: 140, steps: [...swap, ...PAIR], expect: { succeeded: 140 * 2 + 70 * 3 } };
    const { steps, ...rest } = repeated(1, []);
    const [, last] = steps as Step[];
    const { reads, each, play } = compared({ ...rest, steps: ['xl create vm \'name="a"\'', counted, last!] });
    expect(play.failures.map(({ what }) => what)).toEqual(['host.domains']);
    expect(reads).toBeLessThan(each.reads * 0.7);
  });

  it.each([20, 21])('takes as long where nothing but time passes, %i times', (count) => {
    const { play } = compared(repeated(count, [{ wait: '700us' }, { expect: { invariants: 'ok' } }]));
    expect(play.world.now).toBe(count * 700_000);
  });

  it('looks beyond the repeat: what comes after it is the same, too', () => {
    const after = [
      'xl create vm',
      'xl create hv',
      'xl mem-set hv 20',
      { wait: '1s' },
      'xl list',
      'xl destroy vm',
    ];
    const { steps, ...rest } = repeated(120, PAIRS[0]![1]);
    const { reads, each } = compared({
      ...rest,
      steps: [(steps as Step[])[0], ...after, ...(steps as Step[])],
    });
    expect(reads).toBeLessThan(each.reads / 2);
  });

  it('ends as round by round where what each prints is compared, and is the same', () => {
    const said = 'Parsing config from vm\n';
    const quiet: Step = { run: 'xl create vm', expect: { stdout: '', stderr: said } };
    const { reads, each, play } = compared(repeated(100, [quiet, 'xl destroy vm']));
    expect(play.failures.map(({ what }) => what)).toEqual(['host.domains']);
    expect(reads).toBeLessThan(each.reads * 0.7);
  });

  it('needs no word: steps may be written out again and again', () => {
    const scenario = repeated(1, []);
    const [, last] = scenario.steps as Step[];
    const often = (count: number, steps: readonly Step[]): Step[] =>
      Array.from({ length: count }, () => steps).flat();
    const steps = ['xl create old', ...often(60, PAIR), 'xl list', ...often(50, PAIRS[4]![1]), last!];
    const { reads, each } = compared({ ...scenario, steps });
    expect(reads).toBeLessThan(each.reads * 0.7);
  });

  it('is found in what was pasted from a terminal', () => {
    const round = '  $ xl create vm\n  Parsing config from vm\n  $ xl destroy vm\n';
    const head = `# host: ${JSON.stringify(HOST)}\n# guests: ${JSON.stringify({ vm: GUESTS.vm })}\n`;
    const { reads, each, play } = compared(`${head}${round.repeat(80)}  $ xl destroy vm\n  [1]\n`);
    expect(play.failures).toHaveLength(1);
    expect(reads).toBeLessThan(each.reads * 0.7);
  });

  it('plays a round that leaks a little each time one by one', () => {
    const leak: Step = { hypercall: 'XEN_DOMCTL_createdomain', args: { name: 'x', type: 'pv' } };
    const { reads, each } = compared(repeated(60, ['xl create vm', leak, 'xl destroy vm']));
    expect(reads).toBe(each.reads);
  });

  it('ends as round by round, whatever the rounds hold', () => {
    let left = 0;
    const property = fc.property(bodies, (scenario) => {
      const { reads, each } = compared(scenario);
      if (reads < each.reads) left++;
    });
    fc.assert(property, { seed: 7, numRuns: 8, endOnFailure: true });
    expect(left).toBeGreaterThan(2);
  }, 120_000);
});

const pair = fc.constantFrom<readonly Step[]>(
  ...PAIRS.map(([, steps]) => steps),
  ['xl mem-set old 64', { wait: '300ms' }, 'xl mem-set old 90'],
  ['xl pause old', 'xl unpause old'],
  ['xlsim claim raw 20M', 'xl create vm', 'xlsim claim raw 0', 'xl destroy vm'],
  [{ guest: 'old balloon-to 70M' }, { guest: 'old balloon-to 90M' }],
);
const single = fc.constantFrom<Step>(
  { guest: 'old touch 20M from 4M' },
  { wait: '700us' },
  { expect: { invariants: 'ok', free_list: { dirty_pages: '>= 0' } } },
  { expect: { events: { enomem: '>= 0' } } },
  'xl reboot vm',
  'xl create vm',
  { guest: 'old shutdown' },
  { set: { fragment: { largest: '2M', of: '100M' } } },
);
const mayFail = (step: Exclude<Step, string>): Step =>
  'run' in step ? { ...step, expect: { exit: '>= 0' } } : step;
/** Bodies of pairs that undo each other, with now and then a step among them that does not. */
const bodies = fc
  .record({
    host: fc.record({
      memory: fc.constantFrom('320M', '400M', '1G'),
      cpus: fc.constantFrom(1, 2, 16),
      bootscrub: fc.constantFrom('idle', 'off'),
      xen: fc.constantFrom('4.22', '4.17', '4.7'),
    }),
    pairs: fc.array(pair, { minLength: 1, maxLength: 2 }),
    odd: fc.option(fc.tuple(single, fc.nat(4)), { freq: 2 }),
    settle: fc.constantFrom('idle', 'none', '5ms'),
    count: fc.integer({ min: 60, max: 160 }),
    requests: fc.option(fc.integer({ min: 5000, max: 60_000 }), { nil: 10_000_000, freq: 3 }),
    time: fc.constantFrom('100h', '100h', '2s'),
    isFlat: fc.boolean(),
    after: fc.array(single, { maxLength: 2 }),
  })
  .map(({ host, pairs, odd, settle, count, requests, time, isFlat, after }) => {
    const body: Step[] = ['xl create vm \'name="n"\'', 'xl destroy n', ...pairs.flat()];
    if (odd !== null) body.splice(odd[1], 0, odd[0]);
    const settled = body.map((step) => (typeof step === 'string' ? { run: step, settle } : step));
    return {
      host: { ...host, dom0: '128M' },
      limits: { requests, time },
      guests: GUESTS,
      steps: [
        'xl create old',
        { hypercall: 'XEN_DOMCTL_createdomain', args: { name: 'raw', type: 'pv' } },
        { hypercall: 'XEN_DOMCTL_max_mem', args: { domid: 'raw', max_memkb: 1_048_576 } },
        // What is counted may fail.
        ...(isFlat
          ? Array.from({ length: count }, () => settled.map(mayFail)).flat()
          : [{ repeat: count, steps: settled, expect: { succeeded: '>= 0' } }]),
        ...after,
        { expect: { host: { domains: 999 } } },
      ],
    };
  });

/** Of `steps` before the repeat, and a body of one guest. */
const around = (count: number, before: readonly Step[], body: readonly Step[], limits: object = LIMITS) => ({
  ...repeated(count, body),
  limits,
  steps: [...before, { repeat: count, steps: body }, { expect: { host: { domains: 999 } } }],
});

const hungOf = ({ hung }: Play): string => (hung ?? []).join('\n');

describe('what is not left out', () => {
  it('hangs in the round in which the requests are used up, and says so in the same words', () => {
    const { play, reads } = compared(around(300, [], PAIR, { requests: 40_000, time: '100h' }));
    expect(hungOf(play)).toMatch(/40000 requests were served[\s\S]*round 15\d of 300/);
    expect(reads).toBeLessThan(60);
  });

  it('hangs where the limit of time is', () => {
    const { play, reads } = compared(around(300, [], PAIR, { requests: 10_000_000, time: '700ms' }));
    expect(hungOf(play)).toMatch(/the limit of virtual time is reached[\s\S]*round \d+ of 300/);
    expect(reads).toBeLessThan(80);
  });

  it('meets the domain whose id a step names', () => {
    // In the 90th round it is that guest that is destroyed before its time.
    const steps: Step[] = ['xl create vm', { run: 'xl destroy 90', settle: 'idle' }, 'xl destroy vm'];
    const counted = { expect: { failed: 150, succeeded: 300 } };
    const { reads, play } = compared({
      ...repeated(150, []),
      steps: [{ repeat: 150, steps, ...counted }],
    });
    expect(play.failures).toEqual([]);
    expect(reads).toBeLessThan(110);
  });

  it('meets the domain whose id a file names that commands read', () => {
    const steps: Step[] = ['xl create vm', 'xl create /etc/other', 'xl destroy vm'];
    const counted = { expect: { succeeded: '>= 0' } };
    const text = 'name = "o"\ntype = "pvh"\nmemory = 16\nvif = [ "backend=70" ]\n';
    const both = [true, false].map((isSeen) => {
      let reads = 0;
      const readFile = (path: string): string | number => {
        if (path === 'vm.cfg') reads++;
        return path === '/etc/other' ? text : path === 'vm.cfg' ? 'type="pvh"\nmemory=16' : -2;
      };
      const scenario = { ...repeated(150, []), steps: [{ repeat: 150, steps, ...counted }] };
      const { play } = playedRounds(scenario, { isSeen, around: { readFile } });
      return { seen: seenOf(play), reads };
    });
    expect(both[1]!.seen).toEqual(both[0]!.seen);
  });

  it('skips the ids of domains that live, as Xen does', () => {
    const early: Step = {
      hypercall: 'XEN_DOMCTL_createdomain',
      args: { domid: 77, name: 'early', type: 'pv' },
    };
    const { reads, play } = compared(around(140, [early], PAIR));
    expect(play.world.xen.lastDomid).toBe(141);
    expect(reads).toBeLessThan(110);
  });

  it('goes round where ids end, and does not take one again that was given back lately', () => {
    const { play, reads } = compared(around(120, PAIR, PAIR), ({ world }) => {
      world.xen.lastDomid = 0x7ff0 - 60;
    });
    expect(play.world.xen.lastDomid).toBeLessThan(70);
    expect(reads).toBeLessThan(110);
  });

  it('wakes who sleeps until a time of its own', () => {
    // The guest's driver waits for the next look at its balloon.
    const { reads, each } = compared(around(300, ['xl create old', 'xl mem-set old 70'], PAIR));
    expect(reads).toBeLessThan(each.reads / 2);
  });

  it.each<[string, Step]>([
    ['the number of the round', 'xl create vm \'name="x{i}"\''],
    ['what is printed', { run: 'xl list', expect: { stdout: { contains: 'Name' } } }],
    ['the time', { expect: { time: { now: '> 0ns' } } }],
    ['counts that go on', { expect: { events: { enomem: '< 40' } } }],
  ])('plays each round of which one is told %s', (_what, step) => {
    const refused: Step = {
      hypercall: 'XENMEM_populate_physmap',
      args: { domid: 'raw', nr_extents: 10_000_000 },
    };
    const raw: Step = { hypercall: 'XEN_DOMCTL_createdomain', args: { name: 'raw', type: 'pv' } };
    const clean: Step = { run: 'xl destroy x{i}', expect: { exit: '>= 0' } };
    const last = JSON.stringify(step).includes('{i}') ? [clean] : [];
    const { reads, each } = compared(around(60, [raw], [...PAIR, refused, step, ...last]));
    expect(reads).toBe(each.reads);
  });

  it('plays every round where a number is in the words of a refusal that is compared', () => {
    const refused = {
      set: { hold: { size: '1G', as: 'h' } },
      expect: { refused: { contains: 'hold: only' } },
    };
    const steps = [...PAIR, refused, { set: { release: 'h' } }];
    const { reads, each } = compared(repeated(60, steps));
    expect(reads).toBe(each.reads);
    // Words without one are the same in all rounds.
    const wordy = { guest: 'nobody crash', expect: { refused: 'there is no guest "nobody" on the host' } };
    const some = compared(repeated(60, [...PAIR, wordy]));
    expect(some.reads).toBeLessThan(some.each.reads);
  });

  it('plays every round where it is to be played one by one', () => {
    const one = playedRounds(repeated(60, PAIR), { isSeen: false, around: { batches: false } });
    expect(one.reads).toBe(60);
  });
});
