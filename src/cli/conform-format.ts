/** The recordings' format, "xen-heap-trace" version 1, checked line by line before anything is replayed. */
import * as v from 'valibot';

const count = v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(2 ** 53 - 1));
const mfn = v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(2 ** 32 - 1));
const stride = v.pipe(v.number(), v.integer());
const order = v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(63));
const node = v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(63));
const domid = v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(0x7fff));
const flag = v.boolean();
const bits = v.optional(v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(64)));
const range = v.pipe(
  v.tuple([mfn, mfn]),
  v.check(([start, end]) => start <= end, 'a range ends before it starts'),
);

const header = v.looseObject({
  format: v.literal('xen-heap-trace'),
  version: v.literal(1),
  maxOrder: v.literal(18),
  nrZones: v.literal(41),
  nodes: v.pipe(
    v.array(
      v.object({ node, ranges: v.array(range), span: v.exactOptional(range), cpus: v.exactOptional(flag) }),
    ),
    v.minLength(1),
    v.check((nodes) => new Set(nodes.map((n) => n.node)).size === nodes.length, 'a node is listed twice'),
    v.check((nodes) => disjoint(nodes.flatMap((n) => n.ranges)), 'memory ranges overlap'),
  ),
  cpuNode: node,
  bootscrub: v.picklist(['idle', 'off']),
  lowMemVirqLimit: v.exactOptional(count),
  dmaBitsOption: v.exactOptional(v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(64))),
  scrubDomheap: v.exactOptional(flag),
  distances: v.exactOptional(v.array(v.array(v.number()))),
  heapInitLate: v.exactOptional(flag),
});

function disjoint(ranges: readonly (readonly [number, number])[]): boolean {
  const sorted = [...ranges].sort((a, b) => a[0] - b[0]);
  return sorted.every((r, i) => i === 0 || sorted[i - 1]![1] <= r[0]);
}

const extents = {
  lanes: v.optional(v.pipe(v.number(), v.integer(), v.minValue(1))),
  mfnSha256: v.optional(v.string()),
};
const op = v.variant('op', [
  v.looseObject({ op: v.literal('domain'), id: domid, maxPages: count, affinity: v.nullable(v.array(node)) }),
  v.looseObject({ op: v.literal('affinity'), id: domid, nodes: v.nullable(v.array(node)) }),
  v.looseObject({ op: v.literal('maxmem'), id: domid, maxPages: count }),
  v.looseObject({ op: v.literal('unpause'), id: domid }),
  v.looseObject({ op: v.literal('claim'), id: domid, pages: count }),
  v.looseObject({
    op: v.literal('alloc'),
    id: domid,
    order,
    count,
    node: v.nullable(node),
    exact: flag,
    noRefcount: flag,
    noScrub: flag,
    noOwner: v.exactOptional(flag),
    bits,
    ...extents,
  }),
  v.looseObject({
    op: v.literal('populate'),
    id: domid,
    order,
    count,
    node: v.nullable(node),
    exact: flag,
    bits,
    preempt: v.optional(v.pipe(v.number(), v.integer(), v.minValue(1))),
    ...extents,
  }),
  v.looseObject({ op: v.literal('xalloc'), order, count, node: v.nullable(node), exact: flag, ...extents }),
  v.looseObject({ op: v.literal('xfree'), mfn, order, count, stride }),
  v.looseObject({
    op: v.literal('free'),
    id: v.optional(domid),
    mfn,
    order,
    count,
    stride,
    whole: v.exactOptional(flag),
    anon: v.exactOptional(flag),
  }),
  v.looseObject({ op: v.literal('destroy'), id: domid }),
  v.looseObject({ op: v.literal('offline'), mfn, broken: flag }),
  v.looseObject({ op: v.literal('online'), mfn }),
  v.looseObject({ op: v.literal('scrub'), calls: count, node, pending: flag }),
  v.looseObject({ op: v.literal('heapinitlate') }),
  v.looseObject({ op: v.literal('check') }),
  v.looseObject({ op: v.literal('dump') }),
]);

export type HeaderLine = v.InferOutput<typeof header>;
export type OpLine = v.InferOutput<typeof op>;

/** The answers each operation must hold to be complete; a recording cut off inside a line fails as JSON already. */
export const EXPECTED: Readonly<Record<OpLine['op'], readonly string[]>> = {
  domain: [],
  affinity: [],
  maxmem: [],
  unpause: [],
  claim: ['rc'],
  alloc: ['done'],
  populate: ['done'],
  xalloc: ['done'],
  xfree: [],
  free: [],
  destroy: [],
  offline: ['rc', 'status'],
  online: ['rc', 'status'],
  scrub: ['more'],
  heapinitlate: ['virqTh'],
  check: ['totalAvail', 'outstandingClaims', 'nodeAvail', 'nodeNeedScrub', 'domains', 'freeListSha256'],
  dump: ['lists'],
};

/** The header, or why the line is none. */
export function parseHeader(line: unknown): HeaderLine | string {
  const got = v.safeParse(header, line);
  return got.success ? got.output : explain(got.issues);
}

/** An operation, or why the line is none. */
export function parseOp(line: unknown): OpLine | string {
  const got = v.safeParse(op, line);
  return got.success ? got.output : explain(got.issues);
}

const explain = (issues: readonly v.BaseIssue<unknown>[]): string => {
  const issue = issues[0]!;
  const path = issue.path?.map((p) => String(p.key)).join('.') ?? '';
  return path === '' ? issue.message : `${path}: ${issue.message}`;
};
