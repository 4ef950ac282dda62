/** One run of a guest's physical memory: consecutive extents of one order, and how runs are cut and joined. */
import { type ExtentGroup, extentMfn, joinedLanes, sliceLanes } from './extent-group.ts';
import { sizeOfOrder } from './units.ts';

/** Extents at consecutive guest frames from `gfn` on. Without lanes it is populate-on-demand: no page behind it yet. */
export interface P2mRun extends ExtentGroup {
  readonly gfn: number;
}

/** 1 GiB and 2 MiB as orders. Xen: PAGE_ORDER_1G, PAGE_ORDER_2M. */
export const PAGE_ORDER_1G = 18;
export const PAGE_ORDER_2M = 9;
const GIB_PAGES = 2 ** PAGE_ORDER_1G;
/** Pages in 2 MiB. Xen: SUPERPAGE_PAGES. */
export const SUPERPAGE_PAGES = 512;

/** Pages in a run. */
export const p2mPages = (run: P2mRun): number => run.count * sizeOfOrder(run.order);
/** The guest frame behind a run's last. */
export const p2mEnd = (run: P2mRun): number => run.gfn + p2mPages(run);
/** A run without pages behind it. Xen: p2m_populate_on_demand. */
export const isPod = (run: P2mRun): boolean => run.lanes.length === 0;

/** `gfn` modulo a power of two. The low bits of a whole number are exact; `%` of frame numbers takes many times as long. */
const gfnWithin = (gfn: number, size: number): number => gfn & (size - 1);

/** The page size, as an order, that p2m_set_entry() maps an extent of `order` with at `gfn`. */
export function mappedOrder(gfn: number, order: number): number {
  if (order >= PAGE_ORDER_1G && gfnWithin(gfn, GIB_PAGES) === 0) return PAGE_ORDER_1G;
  if (order >= PAGE_ORDER_2M && gfnWithin(gfn, SUPERPAGE_PAGES) === 0) return PAGE_ORDER_2M;
  return 0;
}

/** The page size a run is mapped with, as an order. */
export const p2mMappedOrder = (run: P2mRun): number => mappedOrder(run.gfn, run.order);

/** The machine frame of guest frame `gfn`, which lies in `run`; null for populate-on-demand. */
export function p2mMfn(run: P2mRun, gfn: number): number | null {
  if (isPod(run)) return null;
  const size = sizeOfOrder(run.order);
  return extentMfn(run, Math.floor((gfn - run.gfn) / size)) + gfnWithin(gfn - run.gfn, size);
}

/** Extents [from, to) of a run. */
function sliceP2mRun(run: P2mRun, from: number, to: number): P2mRun {
  const gfn = run.gfn + from * sizeOfOrder(run.order);
  return { gfn, order: run.order, count: to - from, lanes: sliceLanes(run, from, to) };
}

/** The parts of `run` below and from `gfn` on. An extent that spans it is broken, as a superpage mapping is. */
export function splitP2mRun(run: P2mRun, gfn: number): readonly [P2mRun[], P2mRun[]] {
  const size = sizeOfOrder(run.order);
  const at = Math.floor((gfn - run.gfn) / size);
  const inside = gfnWithin(gfn - run.gfn, size);
  const lower = at > 0 ? [sliceP2mRun(run, 0, at)] : [];
  if (inside === 0) return [lower, [sliceP2mRun(run, at, run.count)]];
  const upper = at + 1 < run.count ? [sliceP2mRun(run, at + 1, run.count)] : [];
  const [left, right] = breakExtent(sliceP2mRun(run, at, at + 1), inside);
  return [
    [...lower, ...left],
    [...right, ...upper],
  ];
}

/** Breaks one extent before its page `inside`: into 2 MiB pages where they stay whole, 4 KiB pages elsewhere. */
function breakExtent(extent: P2mRun, inside: number): readonly [P2mRun[], P2mRun[]] {
  const n = sizeOfOrder(extent.order);
  if (p2mMappedOrder(extent) === 0 || n === SUPERPAGE_PAGES) {
    return [[contiguous(extent, 0, inside, 0)], [contiguous(extent, inside, n, 0)]];
  }
  const down = Math.floor(inside / SUPERPAGE_PAGES) * SUPERPAGE_PAGES;
  const up = Math.ceil(inside / SUPERPAGE_PAGES) * SUPERPAGE_PAGES;
  const left: P2mRun[] = [];
  const right: P2mRun[] = [];
  if (down > 0) left.push(contiguous(extent, 0, down, PAGE_ORDER_2M));
  if (down < inside) left.push(contiguous(extent, down, inside, 0));
  if (inside < up) right.push(contiguous(extent, inside, up, 0));
  if (up < n) right.push(contiguous(extent, up, n, PAGE_ORDER_2M));
  // The 2 MiB page that spans the cut leaves 4 KiB pages on both sides of it.
  return [left, right];
}

/** Pages [from, to) of one extent as extents of `order`. */
function contiguous(extent: P2mRun, from: number, to: number, order: number): P2mRun {
  const lane = extent.lanes[0];
  return {
    gfn: extent.gfn + from,
    order,
    count: (to - from) / sizeOfOrder(order),
    lanes: lane === undefined ? [] : [{ mfn: lane.mfn + from, stride: sizeOfOrder(order) }],
  };
}

/** One run for `a` and `b` if `b` goes on where `a` ends, in guest frames and in the pattern of machine frames. */
export function tryJoinP2mRuns(a: P2mRun, b: P2mRun): P2mRun | null {
  if (p2mEnd(a) !== b.gfn || a.order !== b.order) return null;
  const lanes = joinedLanes(a, b);
  return lanes === null ? null : { gfn: a.gfn, order: a.order, count: a.count + b.count, lanes };
}
