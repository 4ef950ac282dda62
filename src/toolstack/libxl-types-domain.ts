/**
 * A domain's create_info and build_info as libxl knows them.
 *
 * Models tools/libs/light/libxl_types.idl: libxl_domain_create_info, libxl_domain_build_info.
 */
import {
  array,
  bitmap,
  cpuidPolicyList,
  defbool,
  enumeration,
  integer,
  keyedUnion,
  memkb,
  string,
  stringList,
  struct,
  uint64,
} from './libxl-idl.ts';

/** Xen: libxl_domain_type, as far as a config can name it. */
export const DOMAIN_TYPES = ['hvm', 'pv', 'pvh'] as const;
export const TSC_MODES = ['default', 'always_emulate', 'native', 'native_paravirt'] as const;
/** `unknown` is the initial value. Xen: libxl_timer_mode. */
export const TIMER_MODES = [
  'unknown',
  'delay_for_missed_ticks',
  'no_delay_for_missed_ticks',
  'no_missed_ticks_pending',
  'one_missed_tick_pending',
] as const;
export const BIOS_TYPES = ['unknown', 'rombios', 'seabios', 'ovmf'] as const;
export const VGA_INTERFACE_TYPES = ['unknown', 'cirrus', 'std', 'none', 'qxl'] as const;
export const VENDOR_DEVICES = ['none', 'xenserver'] as const;
export const HDTYPES = ['ide', 'ahci'] as const;
export const GFX_PASSTHRU_KINDS = ['default', 'igd'] as const;
export const PASSTHROUGHS = ['default', 'disabled', 'enabled', 'sync_pt', 'share_pt', 'unknown'] as const;
export const ALTP2M_MODES = ['disabled', 'mixed', 'external', 'limited'] as const;
export const GIC_VERSIONS = ['default', 'v2', 'v3'] as const;
export const TEE_TYPES = ['none', 'optee'] as const;
export const VUART_TYPES = ['unknown', 'sbsa_uart'] as const;
/** '' stands for a policy the IDL has no name for. Xen: libxl_rdm_reserve_policy. */
export const RDM_RESERVE_POLICIES = ['invalid', 'strict', 'relaxed', ''] as const;
const SCHEDULERS = ['unknown', 'sedf', 'credit', 'credit2', 'arinc653', 'rtds', 'null'] as const;

/** All ones as a signed 32-bit value: "not set". */
const UINT32_MAX = 4294967295;

export const createInfo = struct({
  /** `invalid` until the config says. */
  type: enumeration(['invalid', ...DOMAIN_TYPES], 'invalid'),
  hap: defbool,
  oos: defbool,
  ssidref: integer(),
  ssidLabel: string,
  name: string,
  domid: integer(),
  uuid: string,
  poolid: integer(),
  poolName: string,
  runHotplugScripts: defbool,
  driverDomain: defbool,
  passthrough: enumeration(PASSTHROUGHS, 'default'),
  xendSuspendEvtchnCompat: defbool,
});

const schedParams = struct({
  sched: enumeration(SCHEDULERS, 'unknown'),
  weight: integer(-1),
  cap: integer(-1),
  period: integer(-1),
  budget: integer(-1),
  extratime: integer(-1),
  slice: integer(-1),
  latency: integer(-1),
});

const vnodeInfo = struct({
  memkb,
  distances: array(integer()),
  pnode: integer(),
  vcpus: bitmap,
});

export const vncInfo = struct({
  enable: defbool,
  listen: string,
  passwd: string,
  display: integer(),
  findunused: defbool,
});

export const sdlInfo = struct({ enable: defbool, opengl: defbool, display: string, xauthority: string });

const spiceInfo = struct({
  enable: defbool,
  port: integer(),
  tlsPort: integer(),
  host: string,
  disableTicketing: defbool,
  passwd: string,
  agentMouse: defbool,
  vdagent: defbool,
  clipboardSharing: defbool,
  usbredirection: integer(),
  imageCompression: string,
  streamingVideo: string,
});

const rdmReserve = struct({
  /** '' as in the policy. */
  strategy: enumeration(['ignore', 'host', ''], 'ignore'),
  policy: enumeration(RDM_RESERVE_POLICIES, 'invalid'),
});

export const hvmInfo = struct({
  firmware: string,
  bios: enumeration(BIOS_TYPES, 'unknown'),
  pae: defbool,
  acpiS3: defbool,
  acpiS4: defbool,
  acpiLaptopSlate: defbool,
  nx: defbool,
  viridian: defbool,
  viridianEnable: bitmap,
  viridianDisable: bitmap,
  timeoffset: string,
  hpet: defbool,
  vptAlign: defbool,
  mmioHoleMemkb: memkb,
  altp2m: defbool,
  systemFirmware: string,
  smbiosFirmware: string,
  acpiFirmware: string,
  hdtype: enumeration(HDTYPES, 'ide'),
  nographic: defbool,
  vga: struct({ kind: enumeration(VGA_INTERFACE_TYPES, 'unknown') }),
  vnc: vncInfo,
  keymap: string,
  sdl: sdlInfo,
  spice: spiceInfo,
  gfxPassthru: defbool,
  gfxPassthruKind: enumeration(GFX_PASSTHRU_KINDS, 'default'),
  serial: string,
  boot: string,
  usb: defbool,
  usbversion: integer(),
  usbdevice: string,
  vkbDevice: defbool,
  soundhw: string,
  xenPlatformPci: defbool,
  usbdeviceList: stringList,
  vendorDevice: enumeration(VENDOR_DEVICES, 'none'),
  msVmGenid: array(integer()),
  serialList: stringList,
  rdm: rdmReserve,
  rdmMemBoundaryMemkb: memkb,
  mcaCaps: uint64(),
});

const pvInfo = struct({ slackMemkb: memkb, features: string, e820Host: defbool });
const pvhInfo = struct({ pvshim: defbool, pvshimPath: string, pvshimCmdline: string, pvshimExtra: string });

export const buildInfo = struct({
  maxVcpus: integer(),
  availVcpus: bitmap,
  cpumap: bitmap,
  nodemap: bitmap,
  vcpuHardAffinity: array(bitmap),
  vcpuSoftAffinity: array(bitmap),
  numaPlacement: defbool,
  tscMode: enumeration(TSC_MODES, 'default'),
  maxMemkb: memkb,
  targetMemkb: memkb,
  videoMemkb: memkb,
  shadowMemkb: memkb,
  iommuMemkb: memkb,
  rtcTimeoffset: integer(),
  execSsidref: integer(),
  execSsidLabel: string,
  localtime: defbool,
  disableMigrate: defbool,
  cpuid: cpuidPolicyList,
  blkdevStart: string,
  vnumaNodes: array(vnodeInfo),
  maxGrantFrames: integer(UINT32_MAX),
  maxMaptrackFrames: integer(UINT32_MAX),
  maxGrantVersion: integer(-1),
  deviceModelVersion: enumeration(['unknown', 'none', 'qemu_xen_traditional', 'qemu_xen'], 'unknown'),
  deviceModelStubdomain: defbool,
  stubdomainMemkb: memkb,
  stubdomainKernel: string,
  stubdomainCmdline: string,
  stubdomainRamdisk: string,
  deviceModel: string,
  deviceModelSsidref: integer(),
  deviceModelSsidLabel: string,
  deviceModelUser: string,
  extra: stringList,
  extraPv: stringList,
  extraHvm: stringList,
  schedParams,
  ioports: array(struct({ first: integer(), number: integer() })),
  irqs: array(integer()),
  iomem: array(struct({ start: uint64(), number: uint64(), gfn: uint64('18446744073709551615') })),
  claimMode: defbool,
  eventChannels: integer(),
  kernel: string,
  cmdline: string,
  ramdisk: string,
  deviceTree: string,
  acpi: defbool,
  bootloader: string,
  bootloaderArgs: stringList,
  timerMode: enumeration(TIMER_MODES, 'unknown'),
  nestedHvm: defbool,
  apic: defbool,
  dmRestrict: defbool,
  tee: enumeration(TEE_TYPES, 'none'),
  /** Key variable: create_info's type. */
  type: keyedUnion({ hvm: hvmInfo, pv: pvInfo, pvh: pvhInfo }),
  archArm: struct({
    gicVersion: enumeration(GIC_VERSIONS, 'default'),
    vuart: enumeration(VUART_TYPES, 'unknown'),
  }),
  archX86: struct({ msrRelaxed: defbool }),
  altp2m: enumeration(ALTP2M_MODES, 'disabled'),
  vmtraceBufKb: integer(),
  vpmu: defbool,
});
