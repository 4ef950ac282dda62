/**
 * Names of CPUID bits and fields a config may set. Models cpuid_flags[] and the generated names of
 * tools/libs/light/libxl_cpuid.c.
 */

export type CpuidRegister = 'eax' | 'ebx' | 'ecx' | 'edx';

/** Where a name's bits are. */
export interface CpuidField {
  readonly leaf: number;
  readonly subleaf: number | null;
  readonly register: CpuidRegister;
  readonly bit: number;
  readonly length: number;
}

/** One bit of an MSR, 0 … 63. */
export interface MsrBit {
  readonly msr: number;
  readonly bit: number;
}

type Row = readonly [leaf: number, subleaf: number | null, register: CpuidRegister, bits: string];

/** Fields that are looked up first, as `bit:name` or `bit/length:name`. */
const FIELDS: readonly Row[] = [
  [0, null, 'eax', '0/32:maxleaf'],
  [1, null, 'eax', '0/4:stepping'],
  [1, null, 'ebx', '0/8:brandid 8/8:clflush 16/8:proccount 24/8:localapicid'],
  [1, null, 'ecx', '7:est 10:cntxid 13:cmpxchg16 19:sse4_1 19:sse4.1 20:sse4_2 20:sse4.2 25:aes'],
  [1, null, 'edx', '8:cmpxchg8 11:sysenter 18:psn 19:clfsh 29:tm 30:ia64 31:pbe'],
  [6, null, 'eax', '2:arat'],
  [7, 0, 'ebx', '1:tsc_adjust 12:cmt'],
  [0x80000001, null, 'ecx', '0:lahfsahf 1:cmplegacy 4:altmovcr8 19:nodeid 23:perfctr_core 24:perfctr_nb'],
  [4, 0, 'eax', '26/6:procpkg'],
  [0x80000007, null, 'edx', '8:invtsc'],
  [0x80000008, null, 'ebx', '23:ppin 29:btc-no'],
  [0x80000008, null, 'ecx', '0/8:nc 12/4:apicidsize'],
  [
    0x8000000a,
    null,
    'edx',
    '0:svm_npt 1:svm_lbrv 3:svm_nrips 4:svm_tscrate 5:svm_vmcbclean 7:svm_decode 10:svm_pausefilt',
  ],
  [0x80000021, null, 'eax', '2:lfence+'],
  [0x40000000, null, 'eax', '0/8:maxhvleaf'],
];

/** One-bit names, as `bit:name`. */
const BITS: readonly Row[] = [
  [
    1,
    null,
    'edx',
    '0:fpu 1:vme 2:de 3:pse 4:tsc 5:msr 6:pae 7:mce 8:cx8 9:apic 11:sep 12:mtrr 13:pge 14:mca 15:cmov ' +
      '16:pat 17:pse36 19:clflush 21:ds 22:acpi 23:mmx 24:fxsr 25:sse 26:sse2 27:ss 28:htt 29:tm1 ' +
      '31:pbe',
  ],
  [
    1,
    null,
    'ecx',
    '0:sse3 1:pclmulqdq 2:dtes64 3:monitor 4:dscpl 5:vmx 6:smx 7:eist 8:tm2 9:ssse3 12:fma 13:cx16 ' +
      '14:xtpr 15:pdcm 17:pcid 18:dca 19:sse4-1 20:sse4-2 21:x2apic 22:movbe 23:popcnt 24:tsc-deadline ' +
      '25:aesni 26:xsave 27:osxsave 28:avx 29:f16c 30:rdrand 31:hypervisor',
  ],
  [
    0x80000001,
    null,
    'edx',
    '11:syscall 20:nx 22:mmxext 25:ffxsr 26:page1gb 27:rdtscp 29:lm 30:3dnowext 31:3dnow',
  ],
  [
    0x80000001,
    null,
    'ecx',
    '0:lahf-lm 1:cmp-legacy 2:svm 3:extapic 4:cr8-legacy 5:abm 6:sse4a 7:misalignsse 8:3dnowprefetch ' +
      '9:osvw 10:ibs 11:xop 12:skinit 13:wdt 15:lwp 16:fma4 19:nodeid-msr 21:tbm 22:topoext 26:dbext ' +
      '29:monitorx',
  ],
  [0xd, 1, 'eax', '0:xsaveopt 1:xsavec 2:xgetbv1 3:xsaves'],
  [
    7,
    0,
    'ebx',
    '0:fsgsbase 1:tsc-adjust 2:sgx 3:bmi1 4:hle 5:avx2 6:fdp-excp-only 7:smep 8:bmi2 9:erms ' +
      '10:invpcid 11:rtm 12:pqm 13:no-fpu-sel 14:mpx 15:pqe 16:avx512f 17:avx512dq 18:rdseed 19:adx ' +
      '20:smap 21:avx512-ifma 23:clflushopt 24:clwb 25:proc-trace 26:avx512pf 27:avx512er 28:avx512cd ' +
      '29:sha 30:avx512bw 31:avx512vl',
  ],
  [
    7,
    0,
    'ecx',
    '0:prefetchwt1 1:avx512-vbmi 2:umip 3:pku 4:ospke 6:avx512-vbmi2 7:cet-ss 8:gfni 9:vaes ' +
      '10:vpclmulqdq 11:avx512-vnni 12:avx512-bitalg 14:avx512-vpopcntdq 22:rdpid 25:cldemote ' +
      '27:movdiri 28:movdir64b 29:enqcmd',
  ],
  [0x80000007, null, 'edx', '7:hw-pstate 8:itsc 9:cpb 10:efro'],
  [
    0x80000008,
    null,
    'ebx',
    '0:clzero 2:rstr-fp-err-ptrs 9:wbnoinvd 12:ibpb 14:ibrs 15:amd-stibp 16:ibrs-always ' +
      '17:stibp-always 18:ibrs-fast 19:ibrs-same-mode 20:no-lmsl 23:amd-ppin 24:amd-ssbd 25:virt-ssbd ' +
      '26:ssb-no 28:psfd 29:btc-no 30:ibpb-ret',
  ],
  [
    7,
    0,
    'edx',
    '2:avx512-4vnniw 3:avx512-4fmaps 4:fsrm 8:avx512-vp2intersect 9:srbds-ctrl 10:md-clear ' +
      '11:rtm-always-abort 13:tsx-force-abort 14:serialize 15:hybrid 16:tsxldtrk 20:cet-ibt ' +
      '23:avx512-fp16 26:ibrsb 27:stibp 28:l1d-flush 29:arch-caps 30:core-caps 31:ssbd',
  ],
  [7, 1, 'eax', '4:avx-vnni 5:avx512-bf16 10:fzrm 11:fsrs 12:fsrcs'],
  [
    0x80000021,
    null,
    'eax',
    '2:lfence-dispatch 5:verw-clear 6:nscb 8:auto-ibrs 27:sbpb 28:ibpb-brtype 29:srso-no ' +
      '30:srso-us-no 31:srso-msr-fix',
  ],
  [7, 1, 'ebx', '0:intel-ppin'],
  [7, 2, 'edx', '0:intel-psfd 1:ipred-ctrl 2:rrsba-ctrl 4:bhi-ctrl 5:mcdt-no'],
  [7, 1, 'edx', '18:cet-sss'],
  [0x80000021, null, 'ecx', '1:tsa-sq-no 2:tsa-l1-no'],
];

/** MSR 0x10a, MSR_ARCH_CAPABILITIES. */
const ARCH_CAPS = 0x10a;
const ARCH_CAPS_BITS =
  '0:rdcl-no 1:eibrs 2:rsba 3:skip-l1dfl 4:intel-ssb-no 5:mds-no 6:if-pschange-mc-no 7:tsx-ctrl ' +
  '8:taa-no 9:mcu-ctrl 10:misc-pkg-ctrl 11:energy-filtering 12:doitm 13:sbdr-ssdp-no 14:fbsdp-no ' +
  '15:psdp-no 17:fb-clear 18:fb-clear-ctrl 19:rrsba 20:bhi-no 21:xapic-status 23:ovrclk-status ' +
  '24:pbrsb-no 25:gds-ctrl 26:gds-no 27:rfds-no 28:rfds-clear 62:its-no';

/** Every name's place. A name of FIELDS hides the same name of BITS. */
const PLACES: ReadonlyMap<string, CpuidField> = new Map(
  [...BITS, ...FIELDS].flatMap(([leaf, subleaf, register, bits]) =>
    bits.split(' ').map((entry): [string, CpuidField] => {
      const colon = entry.indexOf(':');
      const [bit, length] = entry.slice(0, colon).split('/');
      return [
        entry.slice(colon + 1),
        { leaf, subleaf, register, bit: Number(bit), length: Number(length ?? 1) },
      ];
    }),
  ),
);

const MSR_BITS: ReadonlyMap<string, MsrBit> = new Map(
  ARCH_CAPS_BITS.split(' ').map((entry): [string, MsrBit] => {
    const colon = entry.indexOf(':');
    return [entry.slice(colon + 1), { msr: ARCH_CAPS, bit: Number(entry.slice(0, colon)) }];
  }),
);

/** The CPUID bits of a name (case matters), null when there are none. */
export const cpuidField = (name: string): CpuidField | null => PLACES.get(name) ?? null;

/** The MSR bit of a name, null when it has none. */
export const msrBit = (name: string): MsrBit | null => MSR_BITS.get(name) ?? null;
