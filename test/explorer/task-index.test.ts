/** What a run finds out about the world's tasks without looking at all of them, beside looking at all of them. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { reportHost } from '../../src/cli/host-report.ts';
import { playSteps } from '../../src/explorer/lanes.ts';
import { raise } from '../../src/explorer/play.ts';
import { parseScenario } from '../../src/explorer/scenario-file.ts';
import {
  canRun,
  insertTask,
  nextTask,
  ownTasks,
  releaseTasks,
  removeTask,
  replaceTask,
  standAll,
  taskOf,
  tasksInside,
  tasksOf,
  timeOfOthers,
  wakeDomain,
  watchersOf,
} from '../../src/explorer/task-index.ts';
import { watchHit } from '../../src/explorer/watches.ts';
import type { RunningTask, TaskIndex, World } from '../../src/explorer/world.ts';

const DOMAINS = [1, 2, 3];
const PATHS = ['', '/', '/a', '/a/b', '/a/b/c', '/a/bc', '/d', 'a', '//', '/a/', '@releaseDomain'];

/** As much of a world as an index looks at. */
function smallWorld(): World {
  const domains = new Map(DOMAINS.map((domid) => [domid, { controllerPauseCount: 0, isShutDown: false }]));
  return { tasks: [], xen: { domains, heap: { domains: new Map() } } } as unknown as World;
}

const record = (id: number, change: Partial<RunningTask>): RunningTask => ({
  id,
  task: { name: 't', frames: [] },
  domid: null,
  at: 0,
  reply: { rc: 0 },
  watches: [],
  pending: null,
  waiting: false,
  section: null,
  ...change,
});

/** Everything the index tells, by looking at all tasks. */
function slowly(world: World) {
  const able = world.tasks.filter((task) => task.at !== null && canRun(world, task));
  const inTurn = able.sort((a, b) => a.at! - b.at! || a.id - b.id);
  const [first, second] = inTurn;
  return {
    next: first === undefined ? null : [first.id, second?.at ?? Number.POSITIVE_INFINITY],
    watchers: PATHS.map((path) =>
      world.tasks.filter((task) => watchHit(task.watches, [path]) !== null).map(({ id }) => id),
    ),
    inside: DOMAINS.map((domid) => world.tasks.filter((task) => task.domid === domid).map(({ id }) => id)),
  };
}

function byIndex(world: World, index: TaskIndex): ReturnType<typeof slowly> {
  const next = nextTask(world, index);
  return {
    next: next === null ? null : [next.task.id, next.others],
    watchers: PATHS.map((path) => watchersOf(world, [path]).map(({ id }) => id)),
    inside: DOMAINS.map((domid) => [...tasksInside(world, domid)]),
  };
}

/** When the first goes on that is none of `but`, by looking at all tasks. */
function slowlyOthers(world: World, but: ReadonlySet<number>): number {
  const others = world.tasks.filter((task) => !but.has(task.id) && task.at !== null && canRun(world, task));
  return Math.min(Number.POSITIVE_INFINITY, ...others.map((task) => task.at!));
}

type Change = (world: World) => void;

const id = fc.nat(12);
const at = fc.oneof(fc.constant(null), fc.nat(6));
const watches = fc.uniqueArray(fc.constantFrom(...PATHS), { maxLength: 3 });
const domid = fc.constantFrom(null, ...DOMAINS);

const change: fc.Arbitrary<Change> = fc.oneof(
  fc.record({ id, at, watches, domid }).map(
    (made): Change =>
      (world) => {
        if (taskOf(world, made.id) === undefined) insertTask(world, record(made.id, made));
      },
  ),
  fc.record({ at, watches }).chain((next) =>
    id.map(
      (which): Change =>
        (world) => {
          const before = taskOf(world, which);
          if (before !== undefined) replaceTask(world, { ...before, ...next });
        },
    ),
  ),
  id.map(
    (which): Change =>
      (world) =>
        removeTask(world, which),
  ),
  fc.uniqueArray(id).map(
    (which): Change =>
      (world) => {
        const there = which.filter((one) => taskOf(world, one) !== undefined);
        expect(tasksOf(world, there).map((task) => task.id)).toEqual(there);
        standAll(world, tasksOf(world, there), { reply: { rc: 7 }, waiting: true });
        for (const one of there)
          expect(taskOf(world, one)).toMatchObject({
            at: null,
            reply: { rc: 7 },
            pending: null,
            waiting: true,
          });
      },
  ),
  fc.constantFrom(...DOMAINS).map(
    (which): Change =>
      (world) => {
        const d = world.xen.domains.get(which) as { controllerPauseCount: number };
        d.controllerPauseCount = 1 - d.controllerPauseCount;
        wakeDomain(world, which);
      },
  ),
  // Somebody else puts a list of their own into the world, or keeps the one that is there and puts it back.
  fc.constant<Change>((world) => {
    world.tasks = world.tasks.map((task) => ({ ...task, at: 3 }));
    ownTasks(world);
  }),
  fc.constant<Change>((world) => {
    releaseTasks(world.index!);
    const kept = world.tasks;
    removeTask(world, kept[0]?.id ?? 0);
    world.tasks = kept;
    ownTasks(world);
  }),
);

describe('an index of tasks', () => {
  it('tells what looking at all tasks tells, after every change', () => {
    fc.assert(
      fc.property(fc.array(change, { maxLength: 60 }), (changes) => {
        const world = smallWorld();
        ownTasks(world);
        for (const make of changes) {
          make(world);
          expect(byIndex(world, world.index!)).toEqual(slowly(world));
          const but = new Set([0, 2, 4, 6, 8, 10, 12, world.index!.taken?.id ?? 0]);
          expect(timeOfOthers(world, world.index!, but)).toBe(slowlyOthers(world, but));
          expect(world.tasks.map((task) => task.id)).toEqual(
            [...new Set(world.tasks.map((task) => task.id))].sort((a, b) => a - b),
          );
        }
      }),
      { numRuns: 300 },
    );
  });

  it('goes wrong when a task is changed behind its back, or a domain wakes and nobody says so', () => {
    const world = smallWorld();
    const index = ownTasks(world);
    insertTask(world, record(1, { at: 5 }));
    (world.tasks as RunningTask[])[0] = record(1, { at: 2, watches: ['/a'] });
    expect(byIndex(world, index)).not.toEqual(slowly(world));

    const other = smallWorld();
    const second = ownTasks(other);
    const d = other.xen.domains.get(1) as { controllerPauseCount: number };
    d.controllerPauseCount = 1;
    insertTask(other, record(1, { domid: 1 }));
    expect(byIndex(other, second)).toEqual(slowly(other));
    d.controllerPauseCount = 0;
    expect(byIndex(other, second)).not.toEqual(slowly(other));
    wakeDomain(other, 1);
    expect(byIndex(other, second)).toEqual(slowly(other));
  });

  it('leaves the list alone that somebody kept before the run or after it', () => {
    const world = smallWorld();
    insertTask(world, record(1, {}));
    const before = world.tasks;
    releaseTasks(ownTasks(world));
    removeTask(world, 1);
    expect(before.map((task) => task.id)).toEqual([1]);
    const after = world.tasks;
    insertTask(world, record(2, {}));
    expect(after).toEqual([]);
  });

  it('keeps no more entries than a few for each task, however often times change', () => {
    const world = smallWorld();
    const index = ownTasks(world);
    insertTask(world, record(1, {}));
    for (let i = 0; i < 10_000; i++) replaceTask(world, record(1, { at: 1e9 - i }));
    expect(index.queue.ats.length).toBeLessThan(100);
    expect(nextTask(world, index)?.task.at).toBe(1e9 - 9_999);
  });

  it('forgets watched paths with their last watch', () => {
    const world = smallWorld();
    const index = ownTasks(world);
    for (let i = 0; i < 100; i++) insertTask(world, record(i, { watches: [`/local/domain/${i}/memory`] }));
    for (let i = 0; i < 100; i++) removeTask(world, i);
    expect(index.watches.below.size).toBe(0);
  });

  it('is in step at every request of guests that come, pause, go on and go', () => {
    const scenario = parseScenario(STORM, 'test');
    if (!scenario.ok) throw new Error(JSON.stringify(scenario.problems));
    const { stage, limits } = scenario.value;
    const around = {
      readFile: () => -2,
      observe: reportHost,
      tables: () => '',
      readOutput: () => null,
      batches: true,
    };
    const play = raise(stage, limits, around);
    let requests = 0;
    play.run.intercept = (world) => {
      expect(byIndex(world, world.index!)).toEqual(slowly(world));
      requests++;
      return null;
    };
    playSteps(play, true);
    expect(play.failures).toEqual([]);
    expect(requests).toBeGreaterThan(1000);
  });
});

const STORM = `
host: { memory: 8G, dom0: 1G, cpus: 2 }
guests: { vm: { type: pvh, memory: 64 } }
steps:
  - parallel: [{ times: 6, run: 'xl create vm ''name="vm{i}"''' }]
  - parallel: [{ times: 3, run: "xl pause vm{i}" }]
  - parallel: [{ times: 2, run: "xl mem-set vm{i} 48" }, { run: "xl destroy vm3" }, { run: "xl destroy vm4" }]
  - parallel: [{ times: 2, run: "xl unpause vm{i}" }, { guest: vm5 shutdown }, { guest: vm6 crash }]
  - wait: idle
`;
