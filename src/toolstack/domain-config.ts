/**
 * A guest's configuration as typed data, equal in content to what xl hands to libxl.
 *
 * Models libxl_domain_config, tools/libs/light/libxl_types.idl. Plain data: it may live in a task's variables.
 * Strings hold one byte per character. The JSON libxl prints of it is made by libxl-json.ts.
 */
import { array, type DeepReadonly, enumeration, init, struct, type Value } from './libxl-idl.ts';
import {
  channelType,
  diskType,
  dtdevType,
  nicType,
  p9Type,
  pciType,
  pvcallsifType,
  usbctrlType,
  usbdevType,
  vdisplType,
  vfbType,
  vkbType,
  vsndType,
  vtpmType,
} from './libxl-types-device.ts';
import { buildInfo, createInfo, type hvmInfo } from './libxl-types-domain.ts';

/** What xl's daemon does when the guest stops, by JSON name. Xen: libxl_action_on_shutdown. */
export const ACTIONS_ON_SHUTDOWN = [
  'destroy',
  'restart',
  'restart_rename',
  'preserve',
  'coredump_destroy',
  'coredump_restart',
  'soft_reset',
] as const;

const action = enumeration(ACTIONS_ON_SHUTDOWN, 'destroy');

export const domainConfigType = struct({
  cInfo: createInfo,
  bInfo: buildInfo,
  disks: array(diskType),
  nics: array(nicType),
  pcidevs: array(pciType),
  dtdevs: array(dtdevType),
  vfbs: array(vfbType),
  vkbs: array(vkbType),
  vtpms: array(vtpmType),
  p9s: array(p9Type),
  pvcallsifs: array(pvcallsifType),
  vdispls: array(vdisplType),
  vsnds: array(vsndType),
  channels: array(channelType),
  usbctrls: array(usbctrlType),
  usbdevs: array(usbdevType),
  onPoweroff: action,
  onReboot: action,
  onWatchdog: action,
  onCrash: action,
  onSoftReset: action,
});

/** A configuration under construction. */
export type DomainConfigDraft = Value<typeof domainConfigType>;
/** A guest's configuration. Xen: libxl_domain_config. */
export type DomainConfig = DeepReadonly<DomainConfigDraft>;
export type BuildInfo = DomainConfig['bInfo'];
export type HvmInfo = DeepReadonly<Value<typeof hvmInfo>>;

/** Every field at libxl's initial value. Models libxl_domain_config_init(). */
export const domainConfigInit = (): DomainConfigDraft => init(domainConfigType);
