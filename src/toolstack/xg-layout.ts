/**
 * How much memory a guest's builder lays out, and where: sizes, the hole below 4 GiB, the ranges to populate.
 *
 * Models libxl__build_hvm(), tools/libs/light/libxl_dom.c; libxl__vnuma_build_vmemrange_hvm(), libxl_vnuma.c; and
 * xc_dom_mem_init(), tools/libs/guest/xg_dom_core.c.
 */
import type { SettledConfig } from './libxl-setdefault.ts';
import type { Memo } from './memo.ts';
import { u64, u64Number } from './u64.ts';

/** A stretch of guest frames with memory, `end` excluded; `pnode` is the machine node a virtual node asks for. */
export interface VmemRange {
  readonly start: number;
  readonly end: number;
  readonly pnode: number | null;
}

/** What the domain builder is told. All counts are pages. */
export interface BuildLayout {
  /** MiB, 32 bits, as the builder is called. */
  readonly memMb: number;
  /** 32 bits: MiB times 256, cut as C cuts it. */
  readonly totalPages: number;
  /** What the guest shall have at the start; less than the total means populate on demand. */
  readonly targetPages: number;
  readonly ranges: readonly VmemRange[];
  /** First frame of the MMIO hole below 4 GiB. */
  readonly mmioStart: number;
}

const FOUR_GIB = 1n << 32n;
/** Where the hole begins when nothing is asked: 256 MiB for HVM, 64 MiB for PVH. Xen: HVM_BELOW_4G_MMIO_LENGTH, LAPIC. */
const HVM_BELOW_4G_MMIO_LENGTH = 0x1000_0000n;
const PVH_BELOW_4G_MMIO_LENGTH = 0x0400_0000n;
const HVM_BELOW_4G_MMIO_START = 0xf000_0000n;

/** The size of the hole below 4 GiB in bytes: as asked when that makes it larger than the default. */
function mmioSize(s: SettledConfig): bigint {
  const b = s.config.bInfo;
  const asked = b.type !== null && b.type.tag === 'hvm' ? b.type.info.mmioHoleMemkb : null;
  if (asked !== null) {
    const size = u64(BigInt(asked) * 1024n);
    if (size < FOUR_GIB && FOUR_GIB - size < HVM_BELOW_4G_MMIO_START) return size;
  }
  return s.type === 'hvm' ? HVM_BELOW_4G_MMIO_LENGTH : PVH_BELOW_4G_MMIO_LENGTH;
}

const pagesOf = (bytesCount: bigint): number => u64Number(bytesCount / 4096n);

/** The ranges without virtual nodes: below the hole, and from 4 GiB on what did not fit. */
function plainRanges(memSize: bigint, mmioStart: bigint): VmemRange[] {
  const low = memSize > mmioStart ? mmioStart : memSize;
  const ranges: VmemRange[] = [{ start: 0, end: pagesOf(low), pnode: null }];
  const highEnd = memSize > mmioStart ? u64(FOUR_GIB + memSize - mmioStart) : 0n;
  if (highEnd > FOUR_GIB) ranges.push({ start: pagesOf(FOUR_GIB), end: pagesOf(highEnd), pnode: null });
  return ranges;
}

/** The ranges of virtual nodes: one after another, around the hole; the first gives up the video memory. */
function vnumaRanges(s: SettledConfig, mmioStart: bigint): VmemRange[] {
  const ranges: VmemRange[] = [];
  const hole = pagesOf(mmioStart);
  const afterHole = pagesOf(FOUR_GIB);
  let next = 0;
  s.config.bInfo.vnumaNodes.forEach((vnode, i) => {
    const memkb = Number(vnode.memkb ?? 0) - (i === 0 ? s.videoMemkb : 0);
    let left = Math.floor(memkb / 4);
    while (left > 0) {
      const room = next < hole ? hole - next : Number.POSITIVE_INFINITY;
      const count = Math.min(left, room);
      ranges.push({ start: next, end: next + count, pnode: vnode.pnode });
      next += count;
      left -= count;
      if (next === hole) next = afterHole;
    }
  });
  return ranges;
}

/** Lays out a guest's memory from its settled config. */
export function buildLayout(s: SettledConfig): BuildLayout {
  const pv = s.type === 'pv';
  const mmioStart = FOUR_GIB - mmioSize(s);
  const memKb = pv ? u64(s.targetMemkb) : u64(BigInt(s.maxMemkb) - BigInt(s.videoMemkb));
  const memMb = BigInt.asUintN(32, memKb / 1024n);
  const targetPages = pv ? 0n : u64(BigInt(s.targetMemkb) - BigInt(s.videoMemkb)) / 4n;
  const memSize = u64(memKb * 1024n);
  const ranges = pv
    ? [{ start: 0, end: Number(BigInt.asUintN(32, memMb * 256n)), pnode: null }]
    : s.config.bInfo.vnumaNodes.length > 0
      ? vnumaRanges(s, mmioStart)
      : plainRanges(memSize, mmioStart);
  return {
    memMb: Number(memMb),
    totalPages: Number(BigInt.asUintN(32, memMb * 256n)),
    targetPages: u64Number(targetPages),
    ranges,
    mmioStart: pagesOf(mmioStart),
  };
}

/** The same, and once for guests that are built alike: all that it depends on is in the type and in `bInfo`. */
export const layoutAgain = (memo: Memo, s: SettledConfig): BuildLayout =>
  memo(LAYOUTS[s.type], s.config.bInfo, () => buildLayout(s));

const LAYOUTS = { pv: 'layout of pv', pvh: 'layout of pvh', hvm: 'layout of hvm' } as const;
