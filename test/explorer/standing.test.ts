/** Where a play stands between two rounds: every field of every record is looked at, and every count is moved on. */
import { describe, expect, it } from 'vitest';
import { lapBetween } from '../../src/explorer/lap.ts';
import { moveLaps } from '../../src/explorer/move-laps.ts';
import { namedNumbers } from '../../src/explorer/named-numbers.ts';
import type { Play } from '../../src/explorer/play.ts';
import { isSameValue } from '../../src/explorer/same-value.ts';
import { heapStanding, isSameStanding, type Standing, standingOf } from '../../src/explorer/standing.ts';
import { HEAP_DOMAIN, ownersOf, type Rounds } from '../../src/explorer/standing-rules.ts';
import { hypercall } from '../../src/hypervisor/hypercall.ts';
import { domId } from '../../src/hypervisor/units.ts';
import { playedRounds, seenOf } from './rounds-fixture.ts';

const rounds = (): Rounds => ({
  step: null,
  since: 0,
  lanes: [],
  round: 5,
  rounds: 1000,
  succeeded: 10,
  failed: 3,
  search: null,
});

/** A host with a guest that sleeps, one whose memory is being scrubbed, a claim, locks that were held. */
function somePlay(): Play {
  const { play } = playedRounds(
    {
      host: { memory: '400M', dom0: '128M' },
      guests: { vm: { cfg: 'vm.cfg' }, old: { type: 'pvh', memory: 64, maxmem: 128 } },
      steps: [
        'xl create old',
        'xl create vm',
        'xl destroy vm',
        { run: 'xlsim claim old 100M', settle: 'none' },
        { run: 'xl mem-set old 60', settle: 'none' },
      ],
    },
    { isSeen: false },
  );
  play.run.ended.clear();
  play.log.open.clear();
  return play;
}

type Record_ = Record<string, unknown>;

/** Another value of the same kind. */
function other(value: unknown): unknown {
  if (typeof value === 'number') return value + 1;
  if (typeof value === 'string') return `${value}x`;
  if (typeof value === 'boolean') return !value;
  if (value === null || value === undefined) return [1];
  if (value instanceof Map) return new Map([...value, ['x', { since: 1 }]]);
  if (value instanceof Set) return new Set([...value, 'x']);
  if (Array.isArray(value)) return [...(value as unknown[]), {}];
  if (ArrayBuffer.isView(value)) return (value as Int32Array).slice();
  return typeof value === 'function' ? () => {} : { ...value, x: 1 };
}

const stand = (play: Play, of: Rounds): Standing => {
  const found = standingOf(play, of);
  if (found === null) throw new Error('it stands nowhere');
  return found;
};

/** Fields that a lap tells, not a standing. */
const OF_LAPS = ['log.events', 'log.dropped', 'rounds.round', 'world.recentDomids'];
/** Fields of which other tests say how they are looked at. */
const ELSEWHERE = ['world.store', 'xen.heap', 'heap.domains'];

describe('where a play stands', () => {
  it('is the same twice', () => {
    const [play, of] = [somePlay(), rounds()];
    expect(isSameStanding(stand(play, of), stand(play, of))).toBe(true);
  });

  it('is another with any field changed that does not go on by itself, or follow from others', () => {
    const [play, of] = [somePlay(), rounds()];
    const before = stand(play, of);
    const missed: string[] = [];
    for (const [name, record, rules] of ownersOf(play, of)) {
      for (const [field, rule] of Object.entries(rules)) {
        const key = `${name}.${field}`;
        if (rule === 'count' || rule === 'follows' || OF_LAPS.includes(key) || ELSEWHERE.includes(key))
          continue;
        const held = record as Record_;
        const was = held[field];
        const had = Object.hasOwn(held, field);
        held[field] = other(was);
        const after = standingOf(play, of);
        if (after !== null && isSameStanding(before, after)) missed.push(key);
        if (had) held[field] = was;
        else delete held[field];
      }
    }
    expect(missed).toEqual([]);
    expect(isSameStanding(before, stand(play, of))).toBe(true);
  });

  it('is nowhere with a field that nobody knows', () => {
    const [play, of] = [somePlay(), rounds()];
    const records = ownersOf(play, of).map(([, record]) => record);
    for (const record of [...records, play.world.xen.heap.domains.get(0)!]) {
      (record as Record_).novelty = 1;
      expect(standingOf(play, of)).toBeNull();
      delete (record as Record_).novelty;
    }
    expect(standingOf(play, of)).not.toBeNull();
  });

  it('has every field of a domain in its table', () => {
    const { domains } = somePlay().world.xen.heap;
    for (const d of domains.values()) {
      expect(Object.keys(d).sort()).toEqual(Object.keys(HEAP_DOMAIN).sort());
    }
  });

  it('tells domains by all they hold', () => {
    const [play, of] = [somePlay(), rounds()];
    const before = stand(play, of);
    const { domains } = play.world.xen;
    const old = domains.get(1)!;
    for (const field of Object.keys(old)) {
      const was = (old as unknown as Record_)[field];
      if (typeof was === 'object' && was !== null && !Array.isArray(was)) continue;
      domains.set(1, { ...old, [field]: field === 'p2m' ? null : other(was) } as typeof old);
      if (field === 'structures' || field === 'vcpus' || field === 'vnodes')
        domains.set(1, { ...old, [field]: [] });
      expect([field, isSameStanding(before, stand(play, of))]).toEqual([field, false]);
    }
    // A record of the same contents is the same.
    domains.set(1, { ...old });
    expect(isSameStanding(before, stand(play, of))).toBe(true);
  });

  it('tells xenstore by its tree', () => {
    const [play, of] = [somePlay(), rounds()];
    const before = stand(play, of);
    const { store } = play.world;
    play.world.store = { ...store, root: { ...store.root, value: 'x' } };
    expect(isSameStanding(before, stand(play, of))).toBe(false);
    play.world.store = { ...store, transactions: [[1, {} as never]] };
    expect(standingOf(play, of)).toBeNull();
    play.world.store = { ...store, generation: 9999 };
    expect(isSameStanding(before, stand(play, of))).toBe(true);
  });

  it('is the same later, as far as everything is as long from now as it was', () => {
    const [play, of] = [somePlay(), rounds()];
    const before = stand(play, of);
    const { world, machine } = play;
    world.now += 1000;
    // The scrubber has not been looked at since.
    expect(isSameStanding(before, stand(play, of))).toBe(false);
    machine.scrubSeen += 1000;
    for (const [id, at] of machine.onCpu) machine.onCpu.set(id, at + 1000);
    machine.scrubs.forEach((scrub, i) => {
      if (scrub !== undefined) machine.scrubs[i] = { ...scrub, done: scrub.done + 1000 };
    });
    expect(isSameStanding(before, stand(play, of))).toBe(true);
    // A sleeper that was woken and sleeps until the same moment sleeps shorter.
    world.tasks = world.tasks.map((task) => ({ ...task }));
    expect(world.tasks.some(({ at }) => at !== null)).toBe(true);
    expect(isSameStanding(before, stand(play, of))).toBe(false);
  });
});

describe('the heap where a play stands', () => {
  it('is another when memory has been taken', () => {
    const play = somePlay();
    const { xen } = play.world;
    const before = heapStanding(play);
    const context = { caller: 0, node: 0 };
    expect(isSameValue(before, heapStanding(play))).toBe(true);
    const extents = [{ gfn: 0x40000, stride: 1, count: 3 }];
    const args = {
      domid: domId(1),
      nrExtents: 3,
      extentOrder: 0,
      extentStart: extents,
      memFlags: {},
    } as never;
    hypercall(xen, context, { name: 'XENMEM_populate_physmap', args });
    expect(isSameValue(before, heapStanding(play))).toBe(false);
  });

  it('is the same whatever the count of virqs', () => {
    const play = somePlay();
    const before = heapStanding(play);
    play.world.xen.heap.virqCount += 7;
    expect(isSameValue(before, heapStanding(play))).toBe(true);
    play.world.xen.heap.virqTh += 7;
    expect(isSameValue(before, heapStanding(play))).toBe(false);
  });
});

describe('moving on by laps', () => {
  const NS = 10_000;
  const LAPS = 100;

  /** A lap that led to where the play stands, in which everything moved: every count by another number. */
  function moved(): {
    readonly play: Play;
    readonly of: Rounds;
    readonly to: Standing;
    readonly after: Standing;
  } {
    const [play, of] = [somePlay(), rounds()];
    play.log.holders.set('/a/lock', { task: 1, name: 'a', since: 5 });
    play.machine.waiting.set(1, 7);
    const to = stand(play, of);
    let each = 1;
    const counts: Record<string, number> = {};
    for (const [name, count] of Object.entries(to.counts)) counts[name] = count - each++;
    const tasks = to.tasks.map((task) => ({ ...task }));
    const since = to.since.map(({ of: what, at }) => ({ of: what, at: at - NS }));
    moveLaps(play, of, lapBetween({ ...to, now: to.now - NS, counts, tasks, since }, to, 1), LAPS);
    return { play, of, to, after: stand(play, of) };
  }

  it('leads to where it stood, but for counts and the clock', () => {
    const { of, to, after } = moved();
    expect(isSameStanding(to, after)).toBe(true);
    expect([of.round, after.now - to.now]).toEqual([5 + LAPS, LAPS * NS]);
    expect(after.tasks.some(({ at }) => at !== null)).toBe(true);
  });

  it('moves every count, and what is held since then', () => {
    const { to, after } = moved();
    const each = Object.keys(to.counts).map((name) => after.counts[name]! - to.counts[name]!);
    expect(each).toEqual(each.map((_, i) => LAPS * (i + 1)));
    expect(after.since.length).toBeGreaterThan(2);
    expect(after.since.map(({ at }, i) => at - to.since[i]!.at)).toEqual(after.since.map(() => LAPS * NS));
  });

  it('leaves alone who did nothing in a lap, and what was over before', () => {
    const [play, of] = [somePlay(), rounds()];
    const to = stand(play, of);
    moveLaps(play, of, lapBetween({ ...to, now: to.now - NS }, to, 1), LAPS);
    const after = stand(play, of);
    expect(after.tasks.every((task, i) => task === to.tasks[i])).toBe(true);
    expect(after.since).toEqual(to.since);
  });

  it('moves nothing that would not be seen: every count, put back by one, is another end', () => {
    const { play, of } = moved();
    const all = (): string => JSON.stringify([seenOf(play), of, play.world.xen.heap.virqCount]);
    const end = all();
    const missed: string[] = [];
    for (const [name, record, rules] of ownersOf(play, of)) {
      for (const [field, rule] of Object.entries(rules)) {
        if (rule !== 'count') continue;
        const held = record as Record<string, number>;
        held[field]!--;
        if (all() === end) missed.push(`${name}.${field}`);
        held[field]!++;
      }
    }
    expect(missed).toEqual([]);
  });
});

describe('numbers that are named', () => {
  const named = (scenario: object): number[] => {
    const { play } = playedRounds(scenario, { isSeen: false });
    return [...namedNumbers(play, null).numbers].sort((a, b) => a - b);
  };
  const host = { memory: '400M', dom0: '128M' };

  it('are read as programs read them, wherever they stand', () => {
    const steps = [
      { run: "xl list 0x51 'a'007 9''1", expect: { exit: '>= 0', domains: { '71': 'absent' } } },
    ];
    expect(named({ host, steps })).toEqual(expect.arrayContaining([7, 71, 81, 91]));
  });

  it('are those of guests, of xl.conf and of files that commands have read', () => {
    const guests = { g: { type: 'pvh', memory: 43 }, vm: { cfg: 'vm.cfg' } };
    const found = named({ host, guests, xlconf: { claim_mode: 1 }, steps: ['xl create vm'] });
    expect(found).toEqual(expect.arrayContaining([1, 16, 43]));
    expect(named({ host, guests, steps: ['xl list'] })).not.toContain(16);
  });
});
