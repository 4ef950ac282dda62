/**
 * The domain builder: loads the kernel, builds memory and image, and starts the first vcpu's state.
 *
 * Models libxl__build_dom(), libxl__build_pv() and libxl__build_hvm(), tools/libs/light/libxl_dom.c, on
 * tools/libs/guest/xg_dom_{core,boot,x86}.c. Simplified: kernels are not opened. Each stands for a one-page ELF image
 * at 1 MiB; hvmloader and its firmware have the sizes of 4.17's. Only which frames are mapped depends on it.
 */
import { EFAULT, EINVAL, strerror } from '../hypervisor/errno.ts';
import { domId, gfn, kib, kibToPagesFloor, nodeId, order, PAGE_SIZE } from '../hypervisor/units.ts';
import { setParam, traced } from './libxl-dom.ts';
import { ERROR_FAIL } from './libxl-errno.ts';
import type { SettledConfig } from './libxl-setdefault.ts';
import type { Memo } from './memo.ts';
import { ask, call, done, type Flow, flow, goto, hypercall, type Next, type Request } from './task.ts';
import * as chatter from './xg-dom-chatter.ts';
import type { PfnFrames } from './xg-dom-x86.ts';
import { layoutAgain } from './xg-layout.ts';
import { domprintf, libxlError, xcLog, xcPanic } from './xl-log.ts';

const HVMLOADER = '/usr/lib/xen-4.17/boot/hvmloader';
/** Special pages of an HVM guest below gfn 0xff000, and the ioreq server's below them. Xen: special_pfn(). */
const SPECIAL_FIRST = 0xfeff8;
const NR_SPECIAL_PAGES = 8;
const IOREQ_FIRST = 0xfeff0;
const NR_IOREQ_SERVER_PAGES = 8;
const XENSTORE_PFN = 0xfeffc;
const CONSOLE_PFN = 0xfefff;
const IDENT_PT_PFN = 0xfeffe;
/** Simplified: PVH's ACPI tables take seven pages whatever the number of vcpus. */
const ACPI_TABLE_PAGES = 7;
const HVM_PARAM_STORE_EVTCHN = 2;
const HVM_PARAM_CONSOLE_EVTCHN = 18;
const HVM_PARAM_IDENT_PT = 12;
const HVM_PARAM_IOREQ_SERVER_PFN = 32;
const HVM_PARAM_NR_IOREQ_SERVER_PAGES = 33;

interface BuildVars {
  readonly settled: SettledConfig;
  readonly domid: number;
  readonly kernel?: string | null;
  readonly frames?: readonly PfnFrames[];
  /** Pages to populate one by one, in order, each an exact request of its own, then where to go on. */
  readonly pagesLeft?: readonly number[];
  readonly image?: chatter.PvImage;
  readonly storeMfn?: number;
  readonly consoleMfn?: number;
}

const map = (domid: number, count: number, first: number): Request =>
  hypercall('foreign_map', { domid: domId(domid), first: gfn(first), pages: count });

const populateExact = (domid: number, first: number, count: number): Request =>
  hypercall('XENMEM_populate_physmap', {
    domid: domId(domid),
    extentOrder: order(0),
    nrExtents: count,
    extentStart: [{ first: gfn(first), count, stride: 1 }],
    memFlags: {},
  });

/** The machine frame behind a PV guest's pfn, where the answerer told them; else the pfn itself. */
function mfnOf(v: BuildVars, pfn: number): number {
  let left = pfn;
  for (const { first, count, stride, size } of v.frames ?? []) {
    if (left < count * size) return first + Math.floor(left / size) * stride + (left % size);
    left -= count * size;
  }
  return pfn;
}

/** Ends the build with libxl's error after the builder has let go. */
function fail(v: BuildVars, requests: readonly Request[]): Next<BuildVars> {
  return ask([...requests, domprintf('xc_dom_release: called')], 'failed', v);
}

/** A step of libxl__build_dom() that failed. */
const buildDomFailed = (
  v: BuildVars,
  line: number,
  what: string,
  errno: number,
  before: readonly Request[] = [],
) => fail(v, [...before, libxlError(`libxl_dom.c:${line}:libxl__build_dom`, null, `${what} failed`, errno)]);

/** A kernel or ramdisk that cannot be read. Models xc_dom_malloc_filemap(), and the words around it. */
function fileFailed(v: BuildVars, path: string | null, errno: number, what: string): Next<BuildVars> {
  const shown = path ?? '(null)';
  const site =
    v.settled.type === 'pv'
      ? (`libxl_dom.c:${what === 'ramdisk' ? 660 : 646}:libxl__build_pv` as const)
      : ('libxl_dom.c:982:libxl__domain_firmware' as const);
  const text =
    v.settled.type === 'pv' ? `xc_dom_${what}_file failed` : 'xc_dom_{kernel_file/ramdisk_file} failed';
  const after =
    v.settled.type === 'pv'
      ? []
      : [libxlError('libxl_dom.c:1107:libxl__build_hvm', v.domid, 'initializing domain firmware failed')];
  return fail(v, [
    xcPanic('xg_dom_core.c:205', `failed to open file '${shown}': ${strerror(errno)}`, 'Internal error'),
    domprintf(`xc_dom_malloc_filemap: failed (on file \`${shown}')`),
    libxlError(site, null, text, errno),
    ...after,
  ]);
}

const hasHighmem = (v: BuildVars, memo: Memo): boolean =>
  layoutAgain(memo, v.settled).ranges.some((r) => r.start >= 0x10_0000);
const isHvm = (v: BuildVars): boolean => v.settled.type === 'hvm';

/** Populates the next of `pagesLeft` (each an exact request of one page), else goes on. */
const nextPage = (v: BuildVars, on: string): Next<BuildVars> => {
  const page = v.pagesLeft?.[0];
  return page === undefined ? goto(on, v) : ask(populateExact(v.domid, page, 1), 'acpiPage', v);
};

/** Special pages' parameters: xenstore, buffered ioreq, ioreq, console, paging, monitor and sharing rings. */
const specialParams = (domid: number): Request[] => [
  map(domid, NR_SPECIAL_PAGES, SPECIAL_FIRST),
  setParam(domid, 1, XENSTORE_PFN),
  setParam(domid, 6, 0xfeffb),
  setParam(domid, 5, 0xfeffd),
  setParam(domid, 17, CONSOLE_PFN),
  setParam(domid, 27, SPECIAL_FIRST),
  setParam(domid, 28, SPECIAL_FIRST + 1),
  setParam(domid, 29, SPECIAL_FIRST + 2),
];

/** The end of an HVM or PVH build: start info, page tables, rings cleared, event channels, vcpu state, grants. */
function hvmBoot(v: BuildVars): Request[] {
  const { domid } = v;
  const startInfo = isHvm(v) ? 0x174 : 0x101;
  const hvmloaderPage = isHvm(v) ? [map(domid, 1, 0x9f)] : [];
  // Without a device model the builder sets the local APIC of every vcpu itself.
  const contexts = isHvm(v) ? 1 : 1 + v.settled.maxVcpus;
  return [
    map(domid, 1, startInfo),
    map(domid, 1, IDENT_PT_PFN),
    setParam(domid, HVM_PARAM_IDENT_PT, IDENT_PT_PFN * PAGE_SIZE),
    map(domid, 1, CONSOLE_PFN),
    map(domid, 1, XENSTORE_PFN),
    map(domid, 1, startInfo),
    ...hvmloaderPage,
    setParam(domid, HVM_PARAM_CONSOLE_EVTCHN, 2),
    setParam(domid, HVM_PARAM_STORE_EVTCHN, 1),
    ...chatter.hvmBooting(isHvm(v), domid),
    ...Array.from({ length: contexts }, () => traced(`domctl cmd=34 dom=${domid} ok`)),
    traced(`map_resource dom=${domid} type=1 id=0 frames=1`),
    ...hvmloaderPage,
    domprintf('xc_dom_release: called'),
  ];
}

/** The image and boot state of a PV guest. */
function pvBoot(v: BuildVars, image: chatter.PvImage): Request[] {
  const { domid } = v;
  const at = (pfn: number): number => mfnOf(v, pfn);
  return [
    ...chatter.pvImage(image, v.settled),
    map(domid, 1, at(0x100)),
    map(domid, image.p2mPages, at(image.p2m)),
    map(domid, 1, at(image.xenstore)),
    map(domid, 1, at(image.console)),
    map(domid, image.pgtablePages, at(image.pgtables)),
    map(domid, 1, at(image.startInfo)),
    traced('mmuext_op'),
    map(domid, 1, 0),
    traced(`domctl cmd=12 dom=${domid} ok`),
    traced(`map_resource dom=${domid} type=1 id=0 frames=1`),
    ...chatter.pvBooting(image, domid, at),
    domprintf('xc_dom_release: called'),
  ];
}

/** Builds the guest's memory and image. Done value { rc, storeMfn, consoleMfn }. Models libxl__build(). */
const build = flow<BuildVars>({
  name: 'libxl__build',
  steps: {
    start: (v) => {
      const b = v.settled.config.bInfo;
      // A bootloader is not run: the kernel it would find is taken as present when the bootloader is.
      const kernel = isHvm(v) ? (b.kernel ?? HVMLOADER) : (b.kernel ?? b.bootloader);
      const next = { ...v, kernel };
      const lines = [
        domprintf(`xc_dom_allocate: cmdline="${isHvm(v) ? '' : (b.cmdline ?? '')}", features=""`),
        domprintf(`xc_dom_kernel_file: filename="${kernel ?? '(null)'}"`),
      ];
      return ask(lines, kernel === null ? 'noKernel' : 'stat', next);
    },
    noKernel: (v) => fileFailed(v, null, EFAULT, 'kernel'),
    stat: (v) => ask({ kind: 'file', op: 'stat', path: v.kernel ?? '' }, 'kernel', v),
    kernel: (v, reply) => {
      if (reply.rc < 0) return fileFailed(v, v.kernel ?? null, -reply.rc, 'kernel');
      const ramdisk = v.settled.config.bInfo.ramdisk;
      if (ramdisk === null || isHvm(v)) return goto('parse', v);
      return ask(
        [domprintf(`xc_dom_module_file: filename="${ramdisk}"`), { kind: 'file', op: 'stat', path: ramdisk }],
        'ramdisk',
        v,
      );
    },
    ramdisk: (v, reply) =>
      reply.rc < 0 ? fileFailed(v, v.settled.config.bInfo.ramdisk, -reply.rc, 'ramdisk') : goto('parse', v),
    parse: (v, _reply, memo) => {
      const layout = layoutAgain(memo, v.settled);
      const compat =
        v.settled.type === 'pv'
          ? [
              domprintf('x86_compat: guest xen-3.0-x86_64, address size 64'),
              traced(`domctl cmd=35 dom=${v.domid} ok`),
            ]
          : [];
      return ask([...chatter.parsed(v.settled.type, layout), ...compat], 'vnuma', v);
    },
    vnuma: (v) => {
      const { vnumaNodes } = v.settled.config.bInfo;
      if (vnumaNodes.length === 0) return goto('meminit', v);
      const vnodes = vnumaNodes.map((vnode) => ({
        pnode: nodeId(vnode.pnode),
        memsize: kibToPagesFloor(vnode.memkb ?? kib(0)),
      }));
      return ask(hypercall('XEN_DOMCTL_setvnumainfo', { domid: domId(v.domid), vnodes }), 'vnumaSet', v);
    },
    vnumaSet: (v, reply) => {
      if (reply.rc >= 0) return goto('meminit', v);
      const site = 'libxl_dom.c:510:set_vnuma_info';
      return fail(v, [libxlError(site, v.domid, 'xc_domain_setvnuma failed', -reply.rc)]);
    },
    meminit: (v, _reply, memo) => {
      const layout = layoutAgain(memo, v.settled);
      const args = { domid: v.domid, claim: v.settled.claimMode, layout, vga: isHvm(v) };
      return call(v.settled.type === 'pv' ? 'meminit_pv' : 'meminit_hvm', args, 'memory', v);
    },
    memory: (v, reply) => {
      if (reply.rc !== 0) {
        const panic = xcPanic(
          'xg_dom_boot.c:119',
          "xc_dom_boot_mem_init: can't allocate low memory for domain",
          'Out of memory',
        );
        return buildDomFailed(v, 586, 'xc_dom_boot_mem_init', Number(reply.errno ?? EINVAL), [panic]);
      }
      if (v.settled.type !== 'pv') return goto('hvmImage', v);
      return goto('pvImage', { ...v, frames: (reply.frames as readonly PfnFrames[] | undefined) ?? [] });
    },
    pvImage: (v, _reply, memo) => {
      const total = layoutAgain(memo, v.settled).totalPages;
      const image = chatter.pvImageOf(total);
      const called = domprintf('xc_dom_build_image: called');
      if ('refusal' in image) {
        const panic = xcPanic('xg_dom_core.c:536', image.refusal, 'Out of memory');
        return buildDomFailed(v, 594, 'xc_dom_build_image', 2, [called, panic]);
      }
      const next = { ...v, storeMfn: mfnOf(v, image.xenstore), consoleMfn: mfnOf(v, image.console) };
      return ask([called, ...pvBoot(v, image)], 'built', next);
    },
    hvmImage: (v, _reply, memo) => {
      const { domid } = v;
      const entries = (isHvm(v) ? 1 : 5) + (hasHighmem(v, memo) ? 1 : 0);
      const memmap = hypercall('XENMEM_set_memory_map', { domid: domId(domid), entries });
      const called = domprintf('xc_dom_build_image: called');
      if (isHvm(v)) {
        const maps = [map(domid, 52, 0x100), map(domid, 52, 0x100), map(domid, 64, 0x134)];
        return ask([memmap, called, ...chatter.hvmImage, ...maps], 'special', v);
      }
      const pagesLeft = [0xff, 0xfc000, ...Array.from({ length: ACPI_TABLE_PAGES }, (_, i) => 0xfc001 + i)];
      return ask([memmap, called, ...chatter.pvhImage, map(domid, 1, 0x100)], 'acpi', { ...v, pagesLeft });
    },
    acpi: (v) => nextPage(v, 'special'),
    acpiPage: (v, reply) => {
      const [page, ...pagesLeft] = v.pagesLeft ?? [];
      if (reply.rc !== 1) {
        return buildDomFailed(v, 594, 'xc_dom_build_image', reply.rc < 0 ? -reply.rc : 16, [
          xcLog('detail', `Failed allocation for dom ${v.domid}: 1 extents of order 0`),
          domprintf('xc_dom_load_acpi: xc_domain_populate_physmap_exact failed'),
        ]);
      }
      const next = { ...v, pagesLeft };
      if (page === 0xff) {
        return ask(
          [map(v.domid, 1, 0xff), domprintf('xc_dom_load_acpi: 64 bytes at address fffc0')],
          'acpi',
          next,
        );
      }
      if (page === 0xfc000) {
        return ask(
          [map(v.domid, 1, 0xfc000), domprintf('xc_dom_load_acpi: 4096 bytes at address fc000000')],
          'acpi',
          next,
        );
      }
      if (pagesLeft.length > 0) return nextPage(next, 'special');
      const bytes = ACPI_TABLE_PAGES * PAGE_SIZE;
      return ask(
        [
          map(v.domid, ACPI_TABLE_PAGES, 0xfc001),
          domprintf(`xc_dom_load_acpi: ${bytes} bytes at address fc001000`),
        ],
        'special',
        next,
      );
    },
    special: (v) => ask(populateExact(v.domid, SPECIAL_FIRST, NR_SPECIAL_PAGES), 'specialDone', v),
    specialDone: (v, reply) => {
      if (reply.rc !== NR_SPECIAL_PAGES) return goto('specialFailed', { ...v, pagesLeft: [reply.rc] });
      return isHvm(v)
        ? ask(
            [...specialParams(v.domid), populateExact(v.domid, IOREQ_FIRST, NR_IOREQ_SERVER_PAGES)],
            'ioreq',
            v,
          )
        : ask(specialParams(v.domid), 'boot', v);
    },
    ioreq: (v, reply) => {
      if (reply.rc !== NR_IOREQ_SERVER_PAGES) return goto('specialFailed', { ...v, pagesLeft: [reply.rc] });
      return ask(
        [
          map(v.domid, NR_IOREQ_SERVER_PAGES, IOREQ_FIRST),
          setParam(v.domid, HVM_PARAM_IOREQ_SERVER_PFN, IOREQ_FIRST),
          setParam(v.domid, HVM_PARAM_NR_IOREQ_SERVER_PAGES, NR_IOREQ_SERVER_PAGES),
        ],
        'boot',
        v,
      );
    },
    specialFailed: (v) => {
      const rc = v.pagesLeft?.[0] ?? 0;
      return buildDomFailed(v, 594, 'xc_dom_build_image', rc < 0 ? -rc : 16, [
        xcLog('detail', `Failed allocation for dom ${v.domid}: 8 extents of order 0`),
        domprintf('Could not allocate special pages.'),
      ]);
    },
    boot: (v, _reply, memo) =>
      ask([...chatter.hvmImaged(isHvm(v), hasHighmem(v, memo)), ...hvmBoot(v)], 'built', {
        ...v,
        storeMfn: XENSTORE_PFN,
        consoleMfn: CONSOLE_PFN,
      }),
    built: (v) => done({ rc: 0, storeMfn: v.storeMfn, consoleMfn: v.consoleMfn }),
    failed: () => done({ rc: ERROR_FAIL }),
  },
});

export const xgDomBootFlows: Readonly<Record<string, Flow>> = { libxl__build: build };
