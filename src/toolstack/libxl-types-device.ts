/**
 * Devices as libxl knows them. Models tools/libs/light/libxl_types.idl: libxl_device_*.
 */
import {
  array,
  bool,
  defbool,
  enumeration,
  type Idl,
  integer,
  keyedUnion,
  string,
  struct,
  uint64,
} from './libxl-idl.ts';
import { RDM_RESERVE_POLICIES, sdlInfo, vncInfo } from './libxl-types-domain.ts';

export const DISK_FORMATS = ['unknown', 'qcow', 'qcow2', 'vhd', 'raw', 'empty', 'qed'] as const;
export const DISK_BACKENDS = ['unknown', 'phy', 'tap', 'qdisk', 'standalone'] as const;
export const DISK_SPECIFICATIONS = ['unknown', 'xen', 'virtio'] as const;
const NIC_TYPES = ['unknown', 'vif_ioemu', 'vif'] as const;
export const VKB_BACKENDS = ['unknown', 'qemu', 'linux'] as const;
export const USBCTRL_TYPES = ['auto', 'pv', 'devicemodel', 'qusb'] as const;
export const VSND_STREAM_TYPES = ['', 'p', 'c'] as const;
export const VSND_PCM_FORMATS = [
  's8',
  'u8',
  's16_le',
  's16_be',
  'u16_le',
  'u16_be',
  's24_le',
  's24_be',
  'u24_le',
  'u24_be',
  's32_le',
  's32_be',
  'u32_le',
  'u32_be',
  'f32_le',
  'f32_be',
  'f64_le',
  'f64_be',
  'iec958_subframe_le',
  'iec958_subframe_be',
  'mu_law',
  'a_law',
  'ima_adpcm',
  'mpeg',
  'gsm',
] as const;

/** The backend's domain: its id, or its name until libxl has resolved it. */
const backend = { backendDomid: integer(), backendDomname: string };
/** -1 until libxl has chosen one. Xen: libxl_devid. */
const devid = integer(-1);

export const diskType = struct({
  ...backend,
  pdevPath: string,
  vdev: string,
  backend: enumeration(DISK_BACKENDS, 'unknown'),
  format: enumeration(DISK_FORMATS, 'unknown'),
  script: string,
  removable: integer(),
  readwrite: integer(),
  isCdrom: integer(),
  directIoSafe: bool,
  discardEnable: defbool,
  specification: enumeration(DISK_SPECIFICATIONS, 'unknown'),
  coloEnable: defbool,
  coloRestoreEnable: defbool,
  coloHost: string,
  coloPort: integer(),
  coloExport: string,
  activeDisk: string,
  hiddenDisk: string,
});

/** The network-buffering names of COLO, in the IDL's order. All but the two checkpoint fields are strings. */
export const COLO_NIC_NAMES = [
  'coloSockMirrorId',
  'coloSockMirrorIp',
  'coloSockMirrorPort',
  'coloSockComparePriInId',
  'coloSockComparePriInIp',
  'coloSockComparePriInPort',
  'coloSockCompareSecInId',
  'coloSockCompareSecInIp',
  'coloSockCompareSecInPort',
  'coloSockCompareNotifyId',
  'coloSockCompareNotifyIp',
  'coloSockCompareNotifyPort',
  'coloSockRedirector0Id',
  'coloSockRedirector0Ip',
  'coloSockRedirector0Port',
  'coloSockRedirector1Id',
  'coloSockRedirector1Ip',
  'coloSockRedirector1Port',
  'coloSockRedirector2Id',
  'coloSockRedirector2Ip',
  'coloSockRedirector2Port',
  'coloFilterMirrorQueue',
  'coloFilterMirrorOutdev',
  'coloFilterRedirector0Queue',
  'coloFilterRedirector0Indev',
  'coloFilterRedirector0Outdev',
  'coloFilterRedirector1Queue',
  'coloFilterRedirector1Indev',
  'coloFilterRedirector1Outdev',
  'coloComparePriIn',
  'coloCompareSecIn',
  'coloCompareOut',
  'coloCompareNotifyDev',
  'coloSockSecRedirector0Id',
  'coloSockSecRedirector0Ip',
  'coloSockSecRedirector0Port',
  'coloSockSecRedirector1Id',
  'coloSockSecRedirector1Ip',
  'coloSockSecRedirector1Port',
  'coloFilterSecRedirector0Queue',
  'coloFilterSecRedirector0Indev',
  'coloFilterSecRedirector0Outdev',
  'coloFilterSecRedirector1Queue',
  'coloFilterSecRedirector1Indev',
  'coloFilterSecRedirector1Outdev',
  'coloFilterSecRewriter0Queue',
  'coloCheckpointHost',
  'coloCheckpointPort',
] as const;

const coloNic = Object.fromEntries(COLO_NIC_NAMES.map((name) => [name, string])) as Record<
  (typeof COLO_NIC_NAMES)[number],
  Idl<string | null>
>;

export const nicType = struct({
  ...backend,
  devid,
  mtu: integer(),
  model: string,
  mac: string,
  ip: string,
  bridge: string,
  ifname: string,
  script: string,
  nictype: enumeration(NIC_TYPES, 'unknown'),
  rateBytesPerInterval: uint64(),
  rateIntervalUsecs: integer(),
  gatewaydev: string,
  coloftForwarddev: string,
  ...coloNic,
  trusted: defbool,
});

export const pciType = struct({
  func: integer(),
  dev: integer(),
  bus: integer(),
  domain: integer(),
  vdevfn: integer(),
  vfuncMask: integer(),
  msitranslate: bool,
  powerMgmt: bool,
  permissive: bool,
  seize: bool,
  rdmPolicy: enumeration(RDM_RESERVE_POLICIES, 'invalid'),
  name: string,
});

export const dtdevType = struct({ path: string });

export const vfbType = struct({ ...backend, devid, vnc: vncInfo, sdl: sdlInfo, keymap: string });

export const vkbType = struct({
  ...backend,
  devid,
  backendType: enumeration(VKB_BACKENDS, 'unknown'),
  uniqueId: string,
  featureDisableKeyboard: bool,
  featureDisablePointer: bool,
  featureAbsPointer: bool,
  featureRawPointer: bool,
  featureMultiTouch: bool,
  width: integer(),
  height: integer(),
  multiTouchWidth: integer(),
  multiTouchHeight: integer(),
  multiTouchNumContacts: integer(),
});

export const vtpmType = struct({ ...backend, devid, uuid: string });

export const p9Type = struct({ ...backend, tag: string, path: string, securityModel: string, devid });

export const pvcallsifType = struct({ ...backend, devid });

export const vdisplType = struct({
  ...backend,
  devid,
  beAlloc: bool,
  connectors: array(struct({ uniqueId: string, width: integer(), height: integer() })),
});

const vsndParams = struct({
  sampleRates: array(integer()),
  sampleFormats: array(enumeration(VSND_PCM_FORMATS, 's8')),
  channelsMin: integer(),
  channelsMax: integer(),
  bufferSize: integer(),
});

export const vsndStreamType = struct({
  uniqueId: string,
  type: enumeration(VSND_STREAM_TYPES, ''),
  params: vsndParams,
});

export const vsndPcmType = struct({ name: string, params: vsndParams, streams: array(vsndStreamType) });

export const vsndType = struct({
  ...backend,
  devid,
  shortName: string,
  longName: string,
  params: vsndParams,
  pcms: array(vsndPcmType),
});

export const channelType = struct({
  ...backend,
  devid,
  name: string,
  connection: keyedUnion({ unknown: struct({}), pty: struct({}), socket: struct({ path: string }) }),
});

export const usbctrlType = struct({
  type: enumeration(USBCTRL_TYPES, 'auto'),
  devid,
  version: integer(),
  ports: integer(),
  ...backend,
});

export const usbdevType = struct({
  ctrl: integer(-1),
  port: integer(),
  type: keyedUnion({ hostdev: struct({ hostbus: integer(), hostaddr: integer() }) }),
});
