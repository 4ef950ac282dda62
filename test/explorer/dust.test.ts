/** Walks by sums are a proof where they say so: no more dust than said, and the ends of hosts with every frame in its place. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { HypercallRequest } from '../../src/explorer/call-memo.ts';
import { setConditions } from '../../src/explorer/conditions.ts';
import { boundAfter, isBelow, lastAfter, type Move, moveOf } from '../../src/explorer/dust.ts';
import { continueSearch, type SearchOrder, startSearch } from '../../src/explorer/exhaustive.ts';
import { isTake, takesClean } from '../../src/explorer/ownership-seen.ts';
import { makeHypercall } from '../../src/explorer/scenario-hypercall.ts';
import { selfCheck } from '../../src/explorer/self-check.ts';
import { isServed } from '../../src/explorer/served.ts';
import { atOnce } from '../../src/explorer/sliced.ts';
import { censusOf } from '../../src/explorer/state-graph.ts';
import { newWorldSpace } from '../../src/explorer/world-space.ts';
import { forEachFreeRun } from '../../src/hypervisor/heap-report.ts';
import { type Heap, NR_ORDERS } from '../../src/hypervisor/heap-state.ts';
import { hypercall } from '../../src/hypervisor/hypercall.ts';
import { scrubPages } from '../../src/hypervisor/scrub-pages.ts';
import type { Xen } from '../../src/hypervisor/xen.ts';
import { HOW, subjectOf } from './explore-fixture.ts';
import { slowQuotient } from './slow-quotient.ts';
import { blockOf } from './space-fixture.ts';

/** By order: free pages in smaller blocks. */
function dustIn(h: Heap): number[] {
  const dust = new Array<number>(NR_ORDERS).fill(0);
  forEachFreeRun(h, (_node, _zone, order, _first, count) => {
    for (let k = order + 1; k < NR_ORDERS; k++) dust[k]! += count * 2 ** order;
  });
  return dust;
}

/** What one of three domains, of which the last is a PVH guest, goes through; or what idle CPUs do. */
type Deed =
  | { readonly do: 'take' | 'increase'; readonly d: number; readonly order: number; readonly n: number }
  | {
      readonly do: 'back';
      readonly d: number;
      readonly order: number;
      readonly n: number;
      readonly at: number;
    }
  | { readonly do: 'destroy' | 'vcpus' | 'run'; readonly d: number }
  | { readonly do: 'pool' | 'scrub'; readonly n: number };

const who = fc.integer({ min: 0, max: 2 });
const small = fc.integer({ min: 1, max: 6 });
const deed: fc.Arbitrary<Deed> = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({
      do: fc.constantFrom('take', 'take', 'increase'),
      d: who,
      order: fc.constantFrom(0, 0, 1, 1, 2, 3, 4, 5),
      n: small,
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant('back'),
      d: who,
      order: fc.constantFrom(0, 0, 1, 2),
      n: small,
      at: fc.nat(400),
    }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constantFrom('destroy', 'vcpus', 'run'), d: who }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constantFrom('pool', 'scrub'), n: fc.nat(200) }) },
) as fc.Arbitrary<Deed>;

interface Past {
  readonly bootscrub: 'off' | 'idle';
  readonly left: number;
  readonly before: readonly Deed[];
  readonly after: readonly Deed[];
}

const pasts: fc.Arbitrary<Past> = fc.record({
  bootscrub: fc.constantFrom('off', 'idle'),
  left: fc.integer({ min: 20, max: 900 }),
  before: fc.array(deed, { minLength: 5, maxLength: 60 }),
  after: fc.array(deed, { minLength: 20, maxLength: 80 }),
});

/** Does all of it on a host, and tells of every step what it did to the heap. */
function live(past: Past, sees: (xen: Xen, move: Move | null, isAfter: boolean) => void): void {
  const { play } = blockOf(`
host: { memory: 64M, dom0: 0, bootscrub: "${past.bootscrub}" }
steps:
  - parallel: [{ hypercall: XENMEM_claim_pages, args: { domid: 0, nr_extents: 0 } }]
`);
  const { xen } = play.world;
  const h = xen.heap;
  setConditions(play.world, { hold: { leave: `${past.left} pages`, as: 'others' } } as never);
  const domids: (number | null)[] = [null, null, null];
  const next = [0, 0, 0];
  let isAfter = false;
  const ask = (name: string, args: object): number => {
    const freeBefore = h.totalAvailPages;
    const call = makeHypercall(name, args as never, { domidOf: () => null, uuid: '0' });
    const request = { kind: 'hypercall', ...call } as unknown as HypercallRequest;
    const reply = hypercall(xen, { caller: 0, node: 0 }, call as never) as { readonly rc: number };
    const isClean = isTake(request) && takesClean(h, request);
    const step = { freeBefore, freeAfter: h.totalAvailPages, calls: [request], isClean, isByHand: false };
    sees(xen, moveOf(step), isAfter);
    return reply.rc;
  };
  const born = (d: number): number => {
    const known = domids[d] ?? null;
    if (known !== null) return known;
    const domid = ask('XEN_DOMCTL_createdomain', { name: 'x', type: d === 2 ? 'pvh' : 'pv' });
    if (domid < 0) return domid;
    domids[d] = domid;
    next[d] = 0;
    ask('XEN_DOMCTL_max_mem', { domid, max_memkb: 1_000_000 });
    return domid;
  };
  const take = (d: number, domid: number, order: number, n: number): void => {
    const first = Math.ceil(next[d]! / 2 ** order) * 2 ** order;
    next[d] = first + n * 2 ** order;
    ask('XENMEM_populate_physmap', { domid, nr_extents: n, extent_order: order, extent_start: first });
  };
  const act = (one: Deed): void => {
    if (one.do === 'scrub') {
      scrubPages(h, 0, null, one.n);
      sees(xen, { grows: 0, order: 0, isClean: false }, isAfter);
      return;
    }
    const d = 'd' in one ? one.d : 2;
    const domid = born(d);
    if (domid < 0) return;
    if (one.do === 'pool') ask('XEN_DOMCTL_set_paging_mempool_size', { domid, size: one.n * 4096 });
    else if (one.do === 'take') take(d, domid, one.order, one.n);
    else if (one.do === 'increase')
      ask('XENMEM_increase_reservation', { domid, nr_extents: one.n, extent_order: one.order });
    else if (one.do === 'back') {
      const at = Math.floor((one.at % Math.max(1, next[d]!)) / 2 ** one.order) * 2 ** one.order;
      const extents = { nr_extents: one.n, extent_order: one.order, extent_start: at };
      ask('XENMEM_decrease_reservation', { domid, ...extents });
    } else if (one.do === 'vcpus') ask('XEN_DOMCTL_max_vcpus', { domid, max: 1 });
    else if (one.do === 'run') ask('XEN_DOMCTL_unpausedomain', { domid });
    else {
      ask('XEN_DOMCTL_destroydomain', { domid });
      domids[d] = null;
    }
  };
  for (const one of past.before) act(one);
  isAfter = true;
  for (const one of past.after) act(one);
}

interface Rules {
  readonly boundAfter: typeof boundAfter;
  readonly isBelow: typeof isBelow;
}

/** The first order of which there is more dust than said, on a host of that past; null: there is none. */
function tooLow(past: Past, rules: Rules): number | null {
  let bounds: number[] | null = null;
  const last = new Array<number>(NR_ORDERS).fill(0);
  let wrong: number | null = null;
  live(past, ({ heap }, move, isAfter) => {
    const dust = dustIn(heap);
    if (bounds === null || !isAfter) {
      bounds = dust;
      return;
    }
    for (let k = 1; k < NR_ORDERS; k++) {
      if (move !== null) {
        bounds[k] = rules.boundAfter(k, last[k]!, bounds[k]!, move);
        last[k] = lastAfter(k, move);
      }
      // It is said to be less than what it is.
      if (rules.isBelow(k, bounds[k]!, dust[k]!)) wrong ??= k;
    }
  });
  return wrong;
}

const RULES: Rules = { boundAfter, isBelow };
const TOO_FEW: Readonly<Record<string, Rules>> = {
  'what comes back': {
    ...RULES,
    boundAfter: (k, last, bound, move) => boundAfter(k, last, bound, { ...move, grows: 0 }),
  },
  'what is broken for extents': { ...RULES, boundAfter: (_k, _last, bound, move) => bound + move.grows },
  'what single pages break': { ...RULES, isBelow: (_order, bound, below) => bound < below },
};

const foundTooLow = (rules: Rules, numRuns: number): boolean =>
  fc.check(
    fc.property(pasts, (past) => tooLow(past, rules) === null),
    { numRuns, seed: 11, endOnFailure: true },
  ).failed;

describe('dust', () => {
  it('is never more than is said, of any order, on heaps of any past', () => {
    expect(foundTooLow(RULES, 150)).toBe(false);
  });

  it.each(Object.keys(TOO_FEW))('is more than would be said without %s', (rule) => {
    expect(foundTooLow(TOO_FEW[rule]!, 2000)).toBe(true);
  });

  it('of two blocks that are broken for clean extents, a clean one and a dirty one, is counted twice', () => {
    const move = { grows: 0, order: 1, isClean: true };
    expect(boundAfter(3, 0, 10, move)).toBe(10 + 2 * 6);
    expect(boundAfter(3, lastAfter(3, move), 22, move)).toBe(22);
    expect(boundAfter(3, lastAfter(3, move), 22, { ...move, isClean: false })).toBe(22 + 6);
    expect(boundAfter(1, 0, 10, move)).toBe(10);
  });
});

const lineOf = ([name, args]: readonly [string, object]): string =>
  `{ hypercall: ${name}, args: ${JSON.stringify(args)} }`;

type Line = readonly [string, object];
interface Shape {
  readonly scrubbed: boolean;
  readonly left: number;
  readonly before: readonly Line[];
  readonly gone: readonly Line[];
  readonly lanes: readonly (readonly Line[])[];
}

const scenario = ({ scrubbed, left, before, gone, lanes }: Shape): string => `
host: { memory: 64M, dom0: 0, bootscrub: "${scrubbed ? 'off' : 'idle'}" }
steps:
  - { hypercall: XEN_DOMCTL_createdomain, args: { name: a, type: pv } }
  - { hypercall: XEN_DOMCTL_createdomain, args: { name: b, type: pv } }
  - { hypercall: XEN_DOMCTL_max_mem, args: { domid: a, max_memkb: 1048576 } }
  - { hypercall: XEN_DOMCTL_max_mem, args: { domid: b, max_memkb: 1048576 } }
${before.map((line) => `  - ${lineOf(line)}\n`).join('')}  - set: { hold: { leave: ${left} pages, as: others } }
${gone.map((line) => `  - ${lineOf(line)}\n`).join('')}  - parallel:
${lanes.map((lines) => `      - repeat: 1\n        steps: [${lines.map(lineOf).join(', ')}]\n`).join('')}`;

const place = fc.nat(7).map((at) => at * 32);
const take = (domid: string, name = 'XENMEM_populate_physmap'): fc.Arbitrary<Line> =>
  fc
    .tuple(fc.constantFrom(1, 1, 2, 3, 9), fc.constantFrom(0, 0, 1, 1, 2, 3), place)
    .map(([nr_extents, extent_order, extent_start]) => [
      name,
      { domid, nr_extents, extent_order, extent_start },
    ]);
const back = (domid: string): fc.Arbitrary<Line> =>
  fc
    .tuple(fc.constantFrom(1, 1, 2, 4), fc.constantFrom(0, 0, 1, 2), place)
    .map(([nr_extents, extent_order, extent_start]) => [
      'XENMEM_decrease_reservation',
      { domid, nr_extents, extent_order, extent_start },
    ]);
const linesOf = (domid: string): fc.Arbitrary<readonly Line[]> =>
  fc.array(
    fc.oneof(
      { weight: 4, arbitrary: take(domid) },
      { weight: 1, arbitrary: take(domid, 'XENMEM_increase_reservation') },
      { weight: 3, arbitrary: back(domid) },
      {
        weight: 1,
        arbitrary: fc.nat(60).map((nr_extents): Line => ['XENMEM_claim_pages', { domid, nr_extents }]),
      },
      { weight: 1, arbitrary: fc.constant<Line>(['XEN_DOMCTL_destroydomain', { domid }]) },
      { weight: 1, arbitrary: fc.constant<Line>(['XEN_DOMCTL_unpausedomain', { domid }]) },
    ),
    { minLength: 1, maxLength: 5 },
  );
const shapes: fc.Arbitrary<Shape> = fc.record({
  scrubbed: fc.boolean(),
  left: fc.integer({ min: 10, max: 70 }),
  before: fc.array(fc.oneof(take('a'), take('b')), { maxLength: 4 }),
  gone: fc.array(fc.oneof(back('a'), back('b')), { maxLength: 2 }),
  lanes: fc.tuple(linesOf('a'), linesOf('b')),
});

function walkedBySums(text: string, order: SearchOrder) {
  const space = newWorldSpace(blockOf(text), { grain: 'hypercall', ownership: 'class', bySums: true });
  const search = startSearch(space, order);
  while (!continueSearch(search, 10_000));
  const { states, transitions, longest, endings } = censusOf(search);
  const ends = endings.map(({ outcome, states: count, share }) => {
    const { lanes } = space.endOf(outcome);
    return { end: JSON.stringify(lanes), count, share: share!.toFixed(9) };
  });
  const sorted = ends.sort((a, b) => (a.end < b.end ? -1 : 1));
  const isLarge = (space.walk.dust?.questions.size ?? 0) > 0;
  return {
    states,
    transitions,
    longest,
    ends: sorted,
    bySums: space.bySums,
    isServed: isServed(space, search),
    isLarge,
  };
}

/** What is said to be a proof is one. Returns what was said. */
function check(text: string): 'class' | 'sums' | 'large extents' | 'not enough' {
  const dfs = walkedBySums(text, 'dfs');
  const bfs = walkedBySums(text, 'bfs');
  expect(bfs.isServed, text).toBe(dfs.isServed);
  if (!dfs.isServed) return 'not enough';
  expect(bfs, text).toEqual(dfs);
  const slow = slowQuotient(text);
  const shares = [...slow.shares].map(([end, share]) => [end, share.toFixed(9)]);
  const told = dfs.ends.map(({ end, share }) => [end, share]);
  expect([told.sort(), dfs.longest], text).toEqual([shares.sort(), slow.longest]);
  atOnce(selfCheck(subjectOf(text), HOW, dfs.bySums ? 'sums' : 'class', null));
  return dfs.bySums ? (dfs.isLarge ? 'large extents' : 'sums') : 'class';
}

describe('a walk by sums', () => {
  it('has the ends, shares and depth of exact ones, whatever the order of the search, where it is one', () => {
    const said = new Set<string>();
    fc.assert(
      fc.property(shapes, (shape) => void said.add(check(scenario(shape)))),
      { numRuns: 30, seed: 5 },
    );
    expect([...said].sort()).toEqual(['class', 'large extents', 'not enough', 'sums']);
  });

  const taken = (domid: string, gfn: number, extent_order = 0): Line => [
    'XENMEM_populate_physmap',
    { domid, nr_extents: 1, extent_order, extent_start: gfn },
  ];
  const given: Line = ['XENMEM_decrease_reservation', { domid: 'a', nr_extents: 2, extent_start: 0 }];
  const lanes = [
    [taken('a', 0), taken('a', 1), given, taken('a', 8, 1)],
    [taken('b', 0), taken('b', 1)],
  ];
  const shape = { scrubbed: true, before: [], gone: [], lanes } as const;

  it('is none where two pages that came back need not lie together', () => {
    const text = scenario({ ...shape, left: 5 });
    expect(check(text)).toBe('not enough');
    // The proof that would be none.
    expect(slowQuotient(text).shares.size).toBe(2);
  });

  it('is one where more is free than can lie in pieces', () => {
    expect(check(scenario({ ...shape, left: 30 }))).toBe('large extents');
  });

  it('is none where a condition of the host is set once memory came back', () => {
    const text = scenario({ ...shape, left: 30 });
    const held = text.replace(/- repeat: 1\n +steps: \[(.*)\]\n(?![\s\S]*repeat)/, (lane) =>
      lane.replace(']\n', ', { set: { hold: { leave: 8 pages, as: more } } }]\n'),
    );
    expect(held).not.toBe(text);
    expect(walkedBySums(held, 'dfs').isServed).toBe(false);
  });
});
