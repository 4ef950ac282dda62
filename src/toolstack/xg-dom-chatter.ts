/**
 * The domain builder's detail lines, seen with -v, and the layout of a PV guest's initial pages they tell of.
 *
 * Models the DOMPRINTFs of tools/libs/guest/xg_dom_*.c for the images the builder stands for (see xg-dom-boot.ts).
 */
import { PAGE_SIZE } from '../hypervisor/units.ts';
import type { SettledConfig } from './libxl-setdefault.ts';
import type { Request } from './task.ts';
import type { BuildLayout } from './xg-layout.ts';
import { domprintf, xcLog } from './xl-log.ts';

const hex = (n: number): string => `0x${n.toString(16)}`;
const xc = (text: string): Request => xcLog('detail', text);

/** A size as the builder's memory report shows it. Models print_mem(). */
export const sizeText = (n: number): string =>
  n > 32 * 1024 * 1024
    ? `${Math.floor(n / (1024 * 1024))} MB`
    : n > 32 * 1024
      ? `${Math.floor(n / 1024)} kB`
      : `${n} bytes`;

/** Where a PV kernel is linked to: the usual base, as a suffix to hex text. */
const VIRT_BASE = 0xffffffff80000000n;
const virt = (pfn: number): string => `0x${(VIRT_BASE + BigInt(pfn) * 4096n).toString(16)}`;

/** The first pages of a PV guest, by pfn. */
export interface PvImage {
  readonly totalPages: number;
  readonly p2m: number;
  readonly p2mPages: number;
  readonly startInfo: number;
  readonly xenstore: number;
  readonly console: number;
  readonly pgtables: number;
  readonly pgtablePages: number;
  readonly l1Tables: number;
}

/** Pages the page tables leave room for behind the image: 512 KiB. */
const IMAGE_PADDING = 128;

/** Lays out the initial pages, or says which does not fit. Models xc_dom_build_image() and xc_dom_chk_alloc_pages(). */
export function pvImageOf(totalPages: number): PvImage | { readonly refusal: string } {
  const p2mPages = Math.ceil((totalPages * 8) / PAGE_SIZE);
  const segments: readonly (readonly [string, number])[] = [
    ['padding', 0x100],
    ['kernel', 1],
    ['phys2mach', p2mPages],
    ['start info', 1],
    ['xenstore', 1],
    ['console', 1],
  ];
  let at = 0;
  for (const [name, count] of segments) {
    if (count > totalPages - at) {
      const refusal = `xc_dom_chk_alloc_pages: segment ${name} too large (${hex(count)} > ${hex(totalPages)} - ${hex(at)} pages)`;
      return { refusal };
    }
    at += count;
  }
  let l1Tables = 2;
  let pgtablePages = 5;
  for (;;) {
    // One more level 1 table is needed for every 2 MiB; the mapped end is rounded up to 4 MiB.
    const needed = Math.ceil((at + pgtablePages + 1 + IMAGE_PADDING) / 1024) * 2;
    const tables = 2 + Math.ceil(needed / 512) + needed;
    if (needed === l1Tables && tables === pgtablePages) break;
    l1Tables = needed;
    pgtablePages = tables;
  }
  if (pgtablePages > totalPages - at) {
    const refusal = `xc_dom_chk_alloc_pages: segment page tables too large (${hex(pgtablePages)} > ${hex(totalPages)} - ${hex(at)} pages)`;
    return { refusal };
  }
  const startInfo = 0x101 + p2mPages;
  return {
    totalPages,
    p2m: 0x101,
    p2mPages,
    startInfo,
    xenstore: startInfo + 1,
    console: startInfo + 2,
    pgtables: startInfo + 3,
    pgtablePages,
    l1Tables,
  };
}

const CAPS = ['xen-3.0-x86_64', 'hvm-3.0-x86_32', 'hvm-3.0-x86_32p', 'hvm-3.0-x86_64'];

const compat = (matches: string): Request[] =>
  CAPS.map((cap) =>
    domprintf(`xc_dom_compat_check: supported guest type: ${cap}${cap === matches ? ' <= matches' : ''}`),
  );

const probe = (loader: string, ok = false): Request[] => [
  domprintf(`xc_dom_find_loader: trying ${loader} loader ... `),
  ...(loader === 'Linux bzImage' ? [domprintf('xc_dom_probe_bzimage_kernel: kernel is not a bzImage')] : []),
  domprintf(ok ? 'loader probe OK' : 'loader probe failed'),
];

const XEN_INIT = domprintf(`xc_dom_boot_xen_init: ver 4.17, caps ${CAPS.join(' ')} `);

const ELF_ONE_PAGE = [xc('ELF: phdr: paddr=0x100000 memsz=0x1000'), xc('ELF: memory: 0x100000 -> 0x101000')];
const ELF_PROBES = [
  ...probe('multiboot-binary'),
  ...probe('HVM-generic'),
  ...probe('Linux bzImage'),
  ...probe('ELF-generic', true),
];

const addresses = (base: string, start: string, end: string, p2m: string): Request[] => [
  xc('ELF: addresses:'),
  xc(`    virt_base        = ${base}`),
  xc('    elf_paddr_offset = 0x0'),
  xc(`    virt_offset      = ${base}`),
  xc(`    virt_kstart      = ${start}`),
  xc(`    virt_kend        = ${end}`),
  xc(`    virt_entry       = ${start}`),
  xc(`    p2m_base         = ${p2m}`),
];
const NO_ADDRESS = '0xffffffffffffffff';

const PARSED_HVM: readonly Request[] = [
  domprintf('xc_dom_malloc_filemap    : 169 kB'),
  XEN_INIT,
  domprintf('xc_dom_parse_image: called'),
  ...probe('multiboot-binary'),
  ...probe('HVM-generic', true),
  xc('ELF: phdr: paddr=0x100000 memsz=0x33f40'),
  xc('ELF: memory: 0x100000 -> 0x133f40'),
  ...compat('hvm-3.0-x86_32'),
];

const PARSED_PVH: readonly Request[] = [
  XEN_INIT,
  domprintf('xc_dom_parse_image: called'),
  ...ELF_PROBES,
  ...ELF_ONE_PAGE,
  xc('ELF: note: PHYS32_ENTRY = 0x100000'),
  xc('ELF: note: GUEST_OS = "linux"'),
  xc('ELF: note: XEN_VERSION = "xen-3.0"'),
  xc('ELF: note: LOADER = "generic"'),
  xc('ELF: Found PVH image'),
  ...addresses('0x0', '0x100000', '0x101000', NO_ADDRESS),
  domprintf('xc_dom_parse_elf_kernel: hvm-3.0-x86_32: 0x100000 -> 0x101000'),
  ...compat('hvm-3.0-x86_32'),
];

const PARSED_PV: readonly Request[] = [
  XEN_INIT,
  domprintf('xc_dom_parse_image: called'),
  ...ELF_PROBES,
  ...ELF_ONE_PAGE,
  xc('ELF: note: GUEST_OS = "linux"'),
  xc('ELF: note: XEN_VERSION = "xen-3.0"'),
  xc('ELF: note: LOADER = "generic"'),
  xc(`ELF: note: ENTRY = ${virt(0x100)}`),
  xc(`ELF: note: VIRT_BASE = ${virt(0)}`),
  xc('ELF: note: PADDR_OFFSET = 0'),
  xc('ELF: note: PAE_MODE = "yes"'),
  ...addresses(virt(0), virt(0x100), virt(0x101), NO_ADDRESS),
  domprintf(`xc_dom_parse_elf_kernel: xen-3.0-x86_64: ${virt(0x100)} -> ${virt(0x101)}`),
  ...compat('xen-3.0-x86_64'),
];

/** From the opened kernel to the call that builds memory. */
export function parsed(type: SettledConfig['type'], layout: BuildLayout): Request[] {
  const signedMb = layout.memMb >= 2 ** 31 ? layout.memMb - 2 ** 32 : layout.memMb;
  return [
    ...(type === 'hvm' ? PARSED_HVM : type === 'pvh' ? PARSED_PVH : PARSED_PV),
    domprintf(`xc_dom_mem_init: mem ${signedMb} MB, pages ${hex(layout.totalPages)} pages, 4k each`),
    domprintf(`xc_dom_mem_init: ${hex(layout.totalPages)} pages`),
    domprintf('xc_dom_boot_mem_init: called'),
  ];
}

/** A pointer into the builder's own address space: there is none here. */
const PTR = '0x0';

const segment = (name: string, from: string, to: string, pfn: number, count: number): Request[] => [
  domprintf(`xc_dom_pfn_to_ptr_retcount: domU mapping: pfn ${hex(pfn)}+${hex(count)} at ${PTR}`),
  domprintf(
    `xc_dom_alloc_segment:   ${name.padEnd(12)} : ${from} -> ${to}  (pfn ${hex(pfn)} + ${hex(count)} pages)`,
  ),
];
const PHDR = xc(`ELF: phdr 0 at ${PTR} -> ${PTR}`);

export const hvmImage: readonly Request[] = [
  ...segment('kernel', '0x100000', '0x133f40', 0x100, 0x34),
  PHDR,
  ...segment('System Firmware module', '0x134000', '0x174000', 0x134, 0x40),
];
export const pvhImage: readonly Request[] = [...segment('kernel', '0x100000', '0x101000', 0x100, 1), PHDR];

const BOOT = domprintf('xc_dom_boot_image: called');
const footprint = (sizes: readonly [malloc: string, file: string, domU: string]): Request[] => [
  domprintf('domain builder memory footprint'),
  domprintf('   allocated'),
  domprintf(`      malloc             : ${sizes[0]}`),
  domprintf('      anon mmap          : 0 bytes'),
  domprintf('   mapped'),
  domprintf(`      file mmap          : ${sizes[1]}`),
  domprintf(`      domU mmap          : ${sizes[2]}`),
];

/** The start info grows by one memory map entry when there is memory above 4 GiB. */
const startInfoEnd = (hvm: boolean, high: boolean): string =>
  hex((hvm ? 0x174890 : 0x1018f0) + (high ? MEMMAP_ENTRY_BYTES : 0));
const MEMMAP_ENTRY_BYTES = 24;

/** After the special pages: the start info, and the image's end. */
export const hvmImaged = (hvm: boolean, high: boolean): Request[] => [
  ...segment(
    'HVM start info',
    hvm ? '0x174000' : '0x101000',
    startInfoEnd(hvm, high),
    hvm ? 0x174 : 0x101,
    1,
  ),
  domprintf(`xc_dom_build_image  : virt_alloc_end : ${hvm ? '0x175000' : '0x102000'}`),
  domprintf('xc_dom_build_image  : virt_pgtab_end : 0x0'),
  BOOT,
];

/** The boot of an HVM or PVH guest's first vcpu, and its grant entries. */
export const hvmBooting = (hvm: boolean, domid: number): Request[] => [
  ...footprint(hvm ? ['5904 bytes', '169 kB', '468 kB'] : ['3048 bytes', '8284 bytes', '8192 bytes']),
  domprintf('vcpu_hvm: called'),
  domprintf(`xc_dom_set_gnttab_entry: d${domid} gnt[0] -> d0 0xfefff`),
  domprintf(`xc_dom_set_gnttab_entry: d${domid} gnt[1] -> d0 0xfeffc`),
];

const page = (name: string, pfn: number): Request =>
  domprintf(`xc_dom_alloc_page   :   ${name.padEnd(12)} : ${virt(pfn)} (pfn ${hex(pfn)})`);

/** The image of a PV guest. */
export function pvImage(image: PvImage, _settled: SettledConfig): Request[] {
  const end = image.pgtables + image.pgtablePages;
  const mapped = Math.ceil((end + 1) / 1024) * 1024;
  const tables = (level: number, count: number): Request =>
    domprintf(`count_pgtables: ${virt(0)}/${level}: ${virt(0)} -> ${virt(mapped)}, ${count} table(s)`);
  return [
    ...segment('kernel', virt(0x100), virt(0x101), 0x100, 1),
    PHDR,
    ...segment('phys2mach', virt(image.p2m), virt(image.startInfo), image.p2m, image.p2mPages),
    page('start info', image.startInfo),
    page('xenstore', image.xenstore),
    page('console', image.console),
    tables(39, 1),
    tables(30, 1),
    tables(21, image.l1Tables),
    ...segment('page tables', virt(image.pgtables), virt(end), image.pgtables, image.pgtablePages),
    page('boot stack', end),
    domprintf(`xc_dom_build_image  : virt_alloc_end : ${virt(end + 1)}`),
    domprintf(`xc_dom_build_image  : virt_pgtab_end : ${virt(mapped)}`),
    BOOT,
    domprintf(`xc_dom_pfn_to_ptr_retcount: domU mapping: pfn ${hex(image.startInfo)}+0x1 at ${PTR}`),
    domprintf('start_info_x86_64: called'),
    ...footprint([
      sizeText(image.totalPages * 8 + pvMalloc(image)),
      '8356 bytes',
      sizeText((1 + image.p2mPages + image.pgtablePages + 1) * PAGE_SIZE),
    ]),
  ];
}

/** The builder's own allocations beside the p2m: some kB, and 24 bytes for each of the p2m's pages it maps. */
const pvMalloc = (image: PvImage): number => 3700 + 24 * image.p2mPages;

/** The boot of a PV guest's first vcpu, and its grant entries. */
export const pvBooting = (image: PvImage, domid: number, mfnOf: (pfn: number) => number): Request[] => [
  domprintf('bootlate_pv: shared_info: pfn 0x0, mfn 0x0'),
  domprintf('shared_info_x86_64: called'),
  domprintf('vcpu_x86_64: called'),
  domprintf(`vcpu_x86_64: cr3: pfn ${hex(image.pgtables)} mfn ${hex(mfnOf(image.pgtables))}`),
  domprintf(`xc_dom_set_gnttab_entry: d${domid} gnt[0] -> d0 ${hex(mfnOf(image.console))}`),
  domprintf(`xc_dom_set_gnttab_entry: d${domid} gnt[1] -> d0 ${hex(mfnOf(image.xenstore))}`),
];
