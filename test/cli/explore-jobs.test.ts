/** Explorations shared out: whoever does which piece, whoever dies, wherever it is cut, the report is the same. */
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { MessagePort } from 'node:worker_threads';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Hand, HandLost, ownHand } from '../../src/cli/explore-hand.ts';
import { type Job, newBench } from '../../src/cli/explore-job.ts';
import type { ExploreChoice } from '../../src/cli/explore-options.ts';
import {
  newPlan,
  nextJob,
  type Plan,
  resultsOf,
  takeResult,
  usefulThreads,
} from '../../src/cli/explore-plan.ts';
import { work } from '../../src/cli/explore-pool.ts';
import { readTarget, type Target } from '../../src/cli/explore-target.ts';
import type { Exploration, ExploreReport } from '../../src/explorer/explore-record.ts';
import { mergeExplorations } from '../../src/explorer/merge-explorations.ts';
import { type BuiltCli, buildCli } from './built-cli.ts';

const CREATES = `
name: two small guests
host: { memory: 256M, dom0: 64M }
xlconf: { claim_mode: 0, autoballoon: "off" }
guests:
  a: { type: pv, memory: 110 }
  b: { type: pv, memory: 110 }
steps:
  - parallel: [xl create a, xl create b]
`;

/** The same, and sums are not enough to say what is there for whom. */
const TIGHT = CREATES.replaceAll('memory: 110', 'memory: 150');

/** More orders than anybody walks, frame by frame. */
const ENDLESS = CREATES.replace('memory: 256M, dom0: 64M', 'memory: 64G, dom0: 4G').replaceAll(
  'memory: 110',
  'memory: 24576',
);

/** Few orders. */
const PAGES = `
host: { memory: 256M, dom0: 184M }
steps:
  - { hypercall: XEN_DOMCTL_createdomain, args: { name: a, type: pv } }
  - { hypercall: XEN_DOMCTL_createdomain, args: { name: b, type: pv } }
  - { hypercall: XEN_DOMCTL_max_mem, args: { domid: a, max_memkb: 1048576 } }
  - { hypercall: XEN_DOMCTL_max_mem, args: { domid: b, max_memkb: 1048576 } }
  - parallel:
      - repeat: 4
        steps: [{ hypercall: XENMEM_populate_physmap, args: { domid: a, nr_extents: 3, extent_order: 9 } }]
      - repeat: 4
        steps: [{ hypercall: XENMEM_populate_physmap, args: { domid: b, nr_extents: 4, extent_order: 9 } }]
`;

const choice: ExploreChoice = {
  strategy: 'random',
  order: 'bfs',
  grain: 'hypercall',
  ownership: 'auto',
  reduction: false,
  samples: 60,
  depth: 3,
  seed: 1,
  block: 0,
  twin: null,
  remedies: [null],
  compare: false,
  forbidRefusal: false,
  sampleSteps: Number.POSITIVE_INFINITY,
  timeBudget: 600_000,
  maxMemory: 2 ** 30,
  maxStates: 1e7,
  jobs: 1,
  shard: { index: 1, of: 1 },
  selfCheck: false,
};

function targetOf(name: string, text: string): Target {
  writeFileSync(join(dir, name), text);
  const read = readTarget(dir, name, choice, false);
  if (typeof read === 'string') throw new Error(read);
  return read;
}

const dir = mkdtempSync(join(tmpdir(), 'xlsim-jobs-'));
let target: Target;
let tight: Target;
let cli: BuiltCli;

beforeAll(async () => {
  target = targetOf('two.xlsim.yaml', CREATES);
  tight = targetOf('tight.xlsim.yaml', TIGHT);
  cli = await buildCli();
  cli.file('two.xlsim.yaml', CREATES);
  cli.file('pages.xlsim.yaml', PAGES);
});
afterAll(() => {
  rmSync(dir, { recursive: true });
  cli.remove();
});

const planOf = (change: ExploreChoice, threads: number): Plan =>
  newPlan({
    remedies: change.remedies.length,
    samples: newBench(target, change).samples,
    isSampled: change.strategy === 'random' || change.strategy === 'pct',
    isShared: threads > 1,
    helpAfter: 0,
    hireFor: 0,
    threads,
    memory: change.maxMemory,
    sampleSteps: change.sampleSteps,
    sampleTime: change.timeBudget,
  });

/** Explores with so many hands, all of this thread; the n-th is what `hire` makes of it. */
async function explored(
  change: Partial<ExploreChoice>,
  hands: number,
  hire: (hand: Hand, n: number) => Hand = (hand) => hand,
  of = target,
): Promise<{ readonly results: Exploration[]; readonly lost: string[] }> {
  const all = { ...choice, ...change };
  const plan = planOf(all, hands);
  const stop = new Int32Array(1);
  const lost: string[] = [];
  await work({
    plan,
    hireAfter: 0,
    own: ownHand(newBench(of, all), stop),
    hire: (n) => hire(ownHand(newBench(of, all), stop), n),
    onLost: (_hand, why) => lost.push(why),
    onProgress: () => {},
    halt: () => {},
  });
  return { results: resultsOf(plan), lost };
}

/** The first call's result for every later one. */
function once<T>(make: () => T): () => T {
  let made: { readonly result: T } | undefined;
  return () => {
    made ??= { result: make() };
    return made.result;
  };
}

describe('pieces', () => {
  const fiveHundred = once(() => explored({ samples: 500 }, 1));

  it('come to the same whoever does them', async () => {
    const alone = await fiveHundred();
    const shared = await explored({ samples: 500 }, 3);
    expect(JSON.stringify(shared.results)).toBe(JSON.stringify(alone.results));
    expect(alone.results[0]!.walk.samples).toBe(500);
  });

  it('are left to one thread as long as the walks that nobody has begun are not worth another', () => {
    const how = { remedies: 5, samples: { from: 0, to: 0 }, isSampled: false, isShared: false };
    const limits = { threads: 2, memory: 1, sampleSteps: 1, sampleTime: 1, helpAfter: 0 };
    const plan = newPlan({ ...how, ...limits, hireFor: 1000 });
    const first = nextJob(plan, 0)!;
    expect([100, 249, 250].map((now) => usefulThreads(plan, now))).toEqual([1, 1, 2]);
    takeResult(plan, first, { did: 'walk', result: {} as Exploration, isShort: false }, 200);
    nextJob(plan, 200);
    // Three are left; one took 200 ms, and the one under way may be longer.
    expect([300, 666, 667].map((now) => usefulThreads(plan, now))).toEqual([1, 1, 2]);
    expect(usefulThreads(newPlan({ ...how, ...limits, hireFor: 0 }), 0)).toBe(2);
  });

  it('of somebody who dies are done again', async () => {
    const dying = (hand: Hand, n: number): Hand =>
      n === 1 ? { ...hand, run: () => Promise.reject(new HandLost('it fell')) } : hand;
    const alone = await fiveHundred();
    const shared = await explored({ samples: 500 }, 3, dying);
    expect(shared.lost).toEqual(['it fell']);
    expect(JSON.stringify(shared.results)).toBe(JSON.stringify(alone.results));
  });

  it('after a gap are left out when time is up, so that the samples told are the first', async () => {
    const { results } = await explored({ samples: 1_000_000, timeBudget: 700 }, 3);
    const { walk } = results[0]!;
    expect(walk).toMatchObject({ finished: false, stopped: 'time' });
    const again = await explored({ samples: walk.samples! }, 1);
    expect(again.results[0]!.outcomes).toEqual(results[0]!.outcomes);
    expect(again.results[0]!.walk.transitions).toBe(walk.transitions);
    expect(again.results[0]!.counterexample).toEqual(results[0]!.counterexample);
  });

  it('keep within a memory that is far too small', async () => {
    const { results } = await explored({ strategy: 'exhaustive', maxMemory: 4096 }, 1);
    expect(results[0]!.walk).toMatchObject({ finished: false, stopped: 'memory' });
    const sampled = await explored({ maxMemory: 4096 }, 1);
    expect(sampled.results[0]!.walk).toMatchObject({ finished: true, samples: 60 });
  });

  it('that need to know how long orders are find that out once, however little memory there is', async () => {
    const { results } = await explored({ strategy: 'pct', maxMemory: 4096 }, 1);
    expect(results).toEqual((await explored({ strategy: 'pct' }, 1)).results);
    expect(results[0]!.walk).toMatchObject({ finished: true, samples: 60 });
  });
});

describe('shards', () => {
  const reportOf = (results: readonly Exploration[], index: number, of: number): ExploreReport => ({
    schema: 'xlsim/explore/1',
    version: '1',
    scenario: { file: 'two.xlsim.yaml', name: 'two', sha256: target.hash },
    twin: null,
    block: { index: 0, name: 'both', tasks: [] },
    options: {},
    compared: false,
    samples: choice.samples,
    forbid_refusal: false,
    shard: { index, of },
    results: [...results],
    exit: results[0]!.exit,
  });
  const shards = async (change: Partial<ExploreChoice>): Promise<{ name: string; report: ExploreReport }[]> =>
    Promise.all(
      [3, 1, 2].map(async (index) => {
        const { results } = await explored({ ...change, shard: { index, of: 3 } }, 1);
        return { name: `${index}.json`, report: reportOf(results, index, 3) };
      }),
    );

  it.each(['random', 'pct'] as const)('of %s samples come to the whole', async (strategy) => {
    const whole = await explored({ strategy }, 1);
    const merged = mergeExplorations(await shards({ strategy }), '1');
    expect(merged).toEqual({ ok: true, report: reportOf(whole.results, 1, 1) });
    expect(JSON.stringify(merged.ok && merged.report)).toBe(JSON.stringify(reportOf(whole.results, 1, 1)));
  });

  it('are refused when one is missing, there twice, cut short or of another run', async () => {
    const all = await shards({});
    const [three, one, two] = all as [(typeof all)[0], (typeof all)[0], (typeof all)[0]];
    const problems = (reports: typeof all, version = '1'): readonly string[] => {
      const merged = mergeExplorations(reports, version);
      return merged.ok ? [] : merged.problems;
    };
    const changed = (change: Partial<ExploreReport>): typeof all => [
      one,
      three,
      { name: 'x.json', report: { ...two.report, ...change } },
    ];
    const walked = (walk: Partial<Exploration['walk']>): typeof all =>
      changed({ results: two.report.results.map((r) => ({ ...r, walk: { ...r.walk, ...walk } })) });
    expect(problems(all)).toEqual([]);
    expect(problems([one, three])).toEqual(['shard 2 of 3 is missing']);
    expect(problems([one, one, two, three])).toEqual(['1.json and 1.json are both shard 1']);
    expect(problems(all, '2')).toHaveLength(3);
    expect(problems(changed({ scenario: { ...two.report.scenario, sha256: 'b' } }))).toEqual([
      'two.xlsim.yaml was not the same file for x.json and 1.json',
    ]);
    expect(problems(changed({ twin: 't' }))).toEqual(['twin: t in x.json, none in 1.json']);
    expect(problems(changed({ samples: 7 }))).toEqual(['--samples: 7 in x.json, 60 in 1.json']);
    expect(problems(walked({ seed: 9 }))).toEqual(['seed: 9 in x.json, 1 in 1.json']);
    expect(problems(walked({ grain: 'request' }))).toEqual(['grain: request in x.json, hypercall in 1.json']);
    expect(problems(walked({ finished: false, stopped: 'time', samples: 3 }))).toEqual([
      'x.json was cut short (time) after 3 samples: run that shard again',
    ]);
    expect(problems(walked({ samples: 3 }))).toEqual([
      'x.json tells of 20 samples and says 3: it was changed, run that shard again',
    ]);
    const more = two.report.results.map((r) => ({
      ...r,
      outcomes: r.outcomes.map((row) => ({ ...row, samples: 1e6 })),
    }));
    expect(problems(changed({ results: more }))).toEqual([
      expect.stringMatching(/^x\.json tells of \d+000000 samples and says 20: /),
    ]);
  });
});

describe('a walk of all orders', () => {
  const all = { strategy: 'exhaustive', order: 'dfs', ownership: 'exact' } as const;
  const walkedAlone = once(() => explored(all, 1));
  /** Hands that count the walks in which they help, and what becomes of their lines. */
  const helping =
    (helped: number[], line: (port: MessagePort) => void = () => {}) =>
    (hand: Hand, n: number) => ({
      ...hand,
      run: (job: Job, note: Parameters<Hand['run']>[1]) => {
        if (job.do === 'help') helped.push(n);
        if (job.do === 'help' && job.port !== null) line(job.port);
        return hand.run(job, note);
      },
    });

  it('comes to the same with several threads on it', async () => {
    const alone = await walkedAlone();
    for (const hands of [2, 3]) {
      const helped: number[] = [];
      const { results } = await explored(all, hands, helping(helped));
      expect(helped).toHaveLength(hands - 1);
      expect(JSON.stringify(results)).toBe(JSON.stringify(alone.results));
    }
  });

  it.each([
    ['by sums', () => target, 1e7, { ownership: 'class', by_sums: true, finished: true, exactly: null }],
    ['frame by frame', () => tight, 1e7, { ownership: 'exact', finished: true, exactly: null }],
    [
      'where frame by frame it is too much',
      () => tight,
      1500,
      { ownership: 'class', exactly: { states: 1500, stopped: 'states' } },
    ],
  ] as const)('comes to the same where ownership is left open: %s', async (_how, of, maxStates, walk) => {
    const open = { ...all, ownership: 'auto', maxStates } as const;
    const alone = await explored(open, 1, undefined, of());
    expect(alone.results[0]!.walk).toMatchObject(walk);
    for (const hands of [2, 3]) {
      const helped: number[] = [];
      const { results } = await explored(open, hands, helping(helped), of());
      expect(helped).toHaveLength(hands - 1);
      expect(JSON.stringify(results)).toBe(JSON.stringify(alone.results));
    }
  });

  it('is begun again where somebody is gone who had a part in it', async () => {
    const alone = await walkedAlone();
    const dying = helping([], (port) => setTimeout(() => port.close(), 120));
    const { results } = await explored(all, 2, dying);
    expect(JSON.stringify(results)).toBe(JSON.stringify(alone.results));
  });

  it('tells what all have found when time is up', async () => {
    const endless = targetOf('endless.xlsim.yaml', ENDLESS);
    const { results } = await explored({ ...all, timeBudget: 500 }, 2, undefined, endless);
    expect(results[0]!.walk).toMatchObject({ finished: false, stopped: 'time' });
    expect(results[0]!.walk.states).toBeGreaterThan(100);
  });
});

describe('xlsim explore', () => {
  const explore = (...words: string[]) => cli.run(['--json', 'explore', 'two.xlsim.yaml', ...words]);

  it('prints the same with any number of threads', async () => {
    const words = ['--compare', '--strategy', 'random', '--samples', '40', '--time-budget', '10m'];
    const one = await explore(...words, '--jobs', '1');
    const three = await explore(...words, '--jobs', '3');
    expect(three).toEqual(one);
    expect(one.stderr).toBe('');
  });

  it('prints the same of all orders under every remedy with any number of threads', async () => {
    const words = ['--json', 'explore', 'pages.xlsim.yaml', '--compare', '--time-budget', '10m', '--jobs'];
    const one = await cli.run([...words, '1']);
    expect(await cli.run([...words, '2'])).toEqual(one);
    expect(one.exit).toBe(0);
  });

  it('prints the same of one walk with any number of threads', async () => {
    const words = ['--strategy', 'exhaustive', '--ownership', 'exact', '--time-budget', '10m', '--jobs'];
    const one = await explore(...words, '1');
    expect(await explore(...words, '3')).toEqual(one);
  });

  it('stops at the same state, and draws as many samples as there are steps for, with any number of threads', async () => {
    const states = ['--strategy', 'exhaustive', '--max-states', '700', '--jobs'];
    const [one, three] = [await explore(...states, '1'), await explore(...states, '3')];
    expect(three).toEqual(one);
    expect(JSON.parse(one.stdout).results[0].walk).toMatchObject({ finished: false, stopped: 'states' });
    const most = { samples: 10_000, sampleSteps: 8_000 };
    const drawn = await Promise.all([1, 3].map((threads) => explored(most, threads)));
    expect(drawn[1]!.results).toEqual(drawn[0]!.results);
    const [result] = drawn[0]!.results;
    expect(result!.walk.finished).toBe(true);
    expect(result!.walk.samples).toBeLessThan(10_000);
    expect(result!.walk.transitions).toBeGreaterThan(4_000);
    expect(result!.walk.transitions).toBeLessThan(16_000);
  });

  it('merges what shards printed', async () => {
    const words = ['--strategy', 'random', '--samples', '50'];
    for (const shard of [1, 2]) {
      const { stdout } = await explore(...words, '--shard', `${shard}/2`);
      cli.file(`${shard}.json`, stdout);
    }
    const merged = await cli.run(['--json', 'merge-reports', '2.json', '1.json']);
    expect(merged).toEqual(await explore(...words));
    expect((await cli.run(['merge-reports', '1.json'])).stderr).toContain('shard 2 of 2 is missing');
    expect((await explore('--shard', '1/2')).stderr).toContain('a walk of all orders has no parts');

    const whole = readFileSync(join(cli.dir, '2.json'), 'utf8');
    const lines = JSON.stringify(JSON.parse(whole), null, 1).split('\n');
    const cut = [...lines.slice(0, 4), lines[4]!.slice(0, 3)].join('\n');
    cli.file('cut.json', cut);
    expect(await cli.run(['merge-reports', 'cut.json'])).toMatchObject({
      exit: 2,
      stderr:
        'xlsim: cut.json: is no whole report of an exploration: it ends at 5:3, in the middle: ' +
        'write it again with xlsim --json explore --shard I/N, and let that come to its end\n',
    });
    expect((await cli.run(['merge-reports', '1.json', 'cut.json'])).stderr).toContain('it ends at 5:3,');
    cli.file('damaged.json', whole.replace('"version":', '"version"'));
    expect((await cli.run(['merge-reports', 'damaged.json'])).stderr).toContain(
      'damaged.json: is a damaged report of an exploration, no JSON any more: ',
    );
    cli.file('empty.json', '');
    expect((await cli.run(['merge-reports', '1.json', 'empty.json'])).stderr).toContain(
      'empty.json: is empty: ',
    );
    cli.file('other.json', 'x');
    expect((await cli.run(['merge-reports', 'other.json'])).stderr).toContain('other.json: is no blob: ');
  });

  it.each([
    ['auto', '1'],
    ['pct', '2'],
  ])('is interrupted in a lane longer than anybody waits for: %s', async (strategy, jobs) => {
    const lane = '{ repeat: 100000, steps: [xl create a, xl destroy a] }';
    cli.file('long.xlsim.yaml', CREATES.replace('[xl create a, xl create b]', `[${lane}, xl list]`));
    const words = ['--json', 'explore', 'long.xlsim.yaml', '--strategy', strategy, '--jobs', jobs];
    const child = spawn(process.execPath, [cli.entry, ...words], { cwd: cli.dir });
    let out = '';
    child.stdout.on('data', (data) => {
      out += data;
    });
    const over = new Promise<number | null>((done) => child.on('exit', done));
    await new Promise((done) => setTimeout(done, 4000));
    child.kill('SIGINT');
    expect(await over).toBe(4);
    const { walk, clock } = (JSON.parse(out) as ExploreReport).results[0]!;
    expect(walk).toMatchObject({ finished: false, stopped: 'interrupted' });
    expect(clock).toBeNull();
  });

  it('tells what it has when it is interrupted', async () => {
    const words = ['--json', 'explore', 'two.xlsim.yaml', '--strategy', 'random', '--samples', '100000000'];
    const child = spawn(process.execPath, [cli.entry, ...words, '--jobs', '2'], { cwd: cli.dir });
    let out = '';
    child.stdout.on('data', (data) => {
      out += data;
    });
    const over = new Promise<number | null>((done) => child.on('exit', done));
    await new Promise((done) => setTimeout(done, 4000));
    child.kill('SIGINT');
    expect([1, 4]).toContain(await over);
    const { walk } = (JSON.parse(out) as ExploreReport).results[0]!;
    expect(walk).toMatchObject({ finished: false, stopped: 'interrupted' });
    expect(walk.samples).toBeGreaterThan(0);
  });
});
