/** The invariants see what they are there to see: each of these corruptions is found, and a sound heap passes. */
import { describe, expect, it } from 'vitest';
import { bootHeap } from '../../src/hypervisor/boot-heap.ts';
import { domainSetOutstandingPages } from '../../src/hypervisor/claims.ts';
import { createHeapDomain } from '../../src/hypervisor/heap-domain.ts';
import { loadHeap } from '../../src/hypervisor/heap-load.ts';
import { type HeapMark, mark, rollback } from '../../src/hypervisor/heap-mark.ts';
import { saveHeap } from '../../src/hypervisor/heap-save.ts';
import { type Heap, KIND_FREE, KIND_OWNED, NIL, RUN_BASE } from '../../src/hypervisor/heap-state.ts';
import { checkInvariants } from '../../src/hypervisor/invariants.ts';
import { freeDomheapPages } from '../../src/hypervisor/page-alloc.ts';
import { populateExtents } from '../../src/hypervisor/populate-extents.ts';
import { beginDestroy, relinquishPages } from '../../src/hypervisor/relinquish.ts';
import { differsAfter, hostOf, opOf } from '../model/heap-commands.ts';
import { heapState, startHeap } from '../model/heap-drive.ts';
import { makeModel } from '../model/heap-model-boot.ts';
import { applyModel } from '../model/heap-model-ops.ts';
import { firstDifference, heapCells } from './xen-cells.ts';

/** A host with a claim, a comb of free pages, and a region kept page by page. */
function host(): Heap {
  const h = bootHeap({ nodes: [{ node: 0, ranges: [[256, 65536]] }], cpuNode: 0, bootscrub: 'off' });
  const d = createHeapDomain(h, { domid: 1, maxPages: 50_000, nodeAffinity: null });
  domainSetOutstandingPages(h, d, 30_000);
  populateExtents(h, d, { order: 0, count: 20_000, node: null, exact: false });
  freeDomheapPages(h, d, { mfn: 60_000, order: 0, count: 1000, stride: -2 });
  for (let i = 0; i < 300; i++)
    freeDomheapPages(h, d, { mfn: 49_152 + 7 * i + (i % 3), order: 0, count: 1, stride: 0 });
  return h;
}
const runOf = (h: Heap, kind: number): number => h.runKind.findIndex((k) => (k & 7) === kind);

const CORRUPTIONS: readonly (readonly [string, (h: Heap) => void, RegExp])[] = [
  [
    'a counter off by one',
    (h) => {
      h.totalAvailPages++;
    },
    /total_avail_pages/,
  ],
  [
    'pages of a node lost',
    (h) => {
      h.nodeAvail[0] = h.nodeAvail[0]! - 1;
    },
    /node_avail_pages/,
  ],
  [
    'a claim nobody holds',
    (h) => {
      h.outstandingClaims++;
    },
    /outstanding_claims/,
  ],
  [
    'a page too many in tot_pages',
    (h) => {
      h.domains.get(1)!.totPages++;
    },
    /tot_pages/,
  ],
  [
    'a broken back link',
    (h) => {
      h.runPrev[RUN_BASE - h.listTail[h.domains.get(1)!.pageList[0]!]!] = 12345;
    },
    /linked back/,
  ],
  [
    'a list whose tail is stale',
    (h) => {
      h.listTail[h.domains.get(1)!.pageList[0]!] = h.listHead[h.domains.get(1)!.pageList[0]!]!;
    },
    /tail/,
  ],
  [
    'a buddy out of alignment',
    (h) => {
      const id = h.runSize.findIndex((s, i) => s > 1 && (h.runKind[i]! & 7) === KIND_FREE);
      h.runFirst[id] = h.runFirst[id]! + 1;
    },
    /not aligned/,
  ],
  [
    'a page in two places',
    (h) => {
      const id = runOf(h, KIND_OWNED);
      h.runFirst[id] = h.runFirst[runOf(h, KIND_FREE)]!;
    },
    /two places/,
  ],
  [
    'a dirty buddy that says clean',
    (h) => {
      const id = runOf(h, KIND_FREE);
      h.runVal[id] = 0;
    },
    /dirty flags/,
  ],
  [
    'a clean buddy behind a dirty one',
    (h) => {
      const list = h.listHead.findIndex((head, i) => head !== NIL && h.listTail[i] !== head);
      const head = h.listHead[list]!;
      if (head >= 0) h.pgMeta[head] = h.pgMeta[head]! + (1 << 8) + (1 << 21);
      else {
        h.runVal[RUN_BASE - head] = 0;
        h.runKind[RUN_BASE - head] = KIND_FREE | 8;
      }
    },
    /behind a dirty/,
  ],
  [
    'a mask that forgets an order',
    (h) => {
      h.orderMask.fill(0);
    },
    /mask/,
  ],
  [
    'a region given up with a page in it',
    (h) => {
      h.regionSpare.push(h.regionMfn.findIndex((mfn) => mfn >= 0));
    },
    /given up/,
  ],
  [
    'fewer pages to scrub than are dirty',
    (h) => {
      const id = runOf(h, KIND_FREE);
      h.runVal[id] = 0;
      h.runKind[id] = KIND_FREE | 8;
      h.needScrub[0] = 0;
    },
    /too low/,
  ],
];

describe('checkInvariants', () => {
  it('finds nothing wrong with a sound heap', () => {
    const h = host();
    expect(h.regionMfn.some((mfn) => mfn >= 0)).toBe(true);
    expect(checkInvariants(h)).toEqual([]);
  });

  it.each(CORRUPTIONS)('sees %s', (_what, corrupt, message) => {
    const h = host();
    corrupt(h);
    expect(checkInvariants(h).join('\n')).toMatch(message);
  });
});

describe('saveHeap and loadHeap', () => {
  it('go on as if nothing had happened, after any operations', () => {
    for (let seed = 1; seed <= 12; seed++) {
      const header = hostOf(seed);
      const m = makeModel(header);
      let h = startHeap(header);
      for (let i = 0; i < 60; i++) {
        const op = opOf(m, seed * 1000 + i);
        if (op === null) continue;
        expect(differsAfter(m, h, op)).toBeNull();
        // Whoever has been saved before remembers what it wrote; that must not outlive a change.
        if (i % 2 === 0) saveHeap(h);
        if (i % 7 === 0) h = loadHeap(JSON.parse(JSON.stringify(saveHeap(h))));
      }
    }
  });

  // biome-ignore lint/suspicious/noExplicitAny: what is damaged has no type any more
  type Damaged = Record<string, any>;
  const DAMAGE: readonly (readonly [string, (data: Damaged) => void])[] = [
    [
      'another version',
      (x) => {
        x.version = 2;
      },
    ],
    [
      'a free page lost',
      (x) => {
        x.counters[0]++;
      },
    ],
    [
      'a claim that is not held',
      (x) => {
        x.counters[1]++;
      },
    ],
    [
      'a buddy outside memory',
      (x) => {
        x.free[0][1] = 70_000;
      },
    ],
    [
      'a list cut off',
      (x) => {
        x.free[0].pop();
      },
    ],
    [
      'a page of a domain lost',
      (x) => {
        x.domains[0].pages[0].splice(0, 4);
      },
    ],
    [
      'text for a number',
      (x) => {
        x.free[0][1] = 'x';
      },
    ],
    [
      'nothing at all',
      (x) => {
        for (const key of Object.keys(x)) delete x[key];
      },
    ],
  ];
  it.each(DAMAGE)('refuse %s', (_what, damage) => {
    const data = JSON.parse(JSON.stringify(saveHeap(host())));
    damage(data);
    expect(() => loadHeap(data)).toThrow(/heap/);
  });
});

describe('mark and rollback', () => {
  it('restore every list and counter after any operations, twice over', () => {
    for (let seed = 1; seed <= 12; seed++) {
      const header = hostOf(seed);
      const m = makeModel(header);
      const h = startHeap(header);
      const forth = (from: number): void => {
        for (let i = from; i < from + 25; i++) {
          const op = opOf(m, seed * 777 + i);
          if (op !== null) expect(differsAfter(m, h, op)).toBeNull();
        }
      };
      forth(0);
      const before = heapState(h);
      const saved = JSON.stringify(saveHeap(h));
      const point = mark(h);
      for (let again = 0; again < 2; again++) {
        for (const d of [...h.domains.values()])
          populateExtents(h, d, { order: again, count: 40, node: null, exact: false });
        rollback(h, point);
        expect(heapState(h)).toEqual(before);
        expect(JSON.stringify(saveHeap(h))).toBe(saved);
        expect(checkInvariants(h)).toEqual([]);
      }
      expect(applyModel(m, { op: 'check' }).totalAvail).toBe(h.totalAvailPages);
      forth(100);
    }
  });

  it('nest, and an older mark forgets the younger ones', () => {
    for (let seed = 1; seed <= 12; seed++) {
      const header = hostOf(seed);
      const m = makeModel(header);
      const h = startHeap(header);
      const marks: { point: HeapMark; cells: Record<string, unknown> }[] = [];
      // What the model did cannot be undone, so all its marks come first.
      for (let i = 0; i < 80; i++) {
        const op = opOf(m, seed * 991 + i);
        if (op !== null) expect(differsAfter(m, h, op)).toBeNull();
        // Single pages here and there, so that regions are kept page by page and given up.
        if (i % 5 === 4) marks.push({ point: mark(h), cells: heapCells(h) });
      }
      for (let k = 0; marks.length > 1 || k % 3 !== 0; k++) {
        const { point, cells } = marks[marks.length - 1]!;
        rollback(h, point);
        expect(firstDifference(heapCells(h), cells)).toBeNull();
        expect(checkInvariants(h)).toEqual([]);
        for (const d of [...h.domains.values()]) {
          populateExtents(h, d, { order: k % 3, count: 1 + 13 * k, node: null, exact: false });
          if (k % 4 === 0 && !d.isDying) beginDestroy(h, d);
          if (d.isDying) relinquishPages(h, d, 7 * k);
        }
        if (k % 3 === 0) marks.length -= 1;
        else if (k % 5 === 1) marks.push({ point: mark(h), cells: heapCells(h) });
      }
    }
  });
});
