/** The device model. Models parse_config_data(), tools/xl/xl_parse.c. */
import { parseVncKeys } from './xl-parse-fb.ts';
import { stringList } from './xl-parse-lists.ts';
import { die, type ParseState, readDefbool, readList, readMemkb, readString, say } from './xl-parse-state.ts';
import { hasSetting } from './xlu-cfg.ts';

/** `device_model` is no longer followed; says so. */
function parseDeviceModelDirective(state: ParseState): void {
  const deviceModel = readString(state, 'device_model');
  if (deviceModel === null) return;
  say(
    state,
    'WARNING: ignoring device_model directive.\n' +
      'WARNING: Use "device_model_override" instead if you really want a non-default device_model\n',
  );
  if (!deviceModel.includes('stubdom-dm')) return;
  say(
    state,
    state.config.cInfo.type === 'hvm'
      ? 'WARNING: Or use "device_model_stubdomain_override" if you  want to enable stubdomains\n'
      : 'WARNING: ignoring "device_model_stubdomain_override" directive for pv guest\n',
  );
}

function parseVersion(state: ParseState): void {
  const { bInfo } = state.config;
  const version = readString(state, 'device_model_version');
  if (version === 'qemu-xen-traditional') bInfo.deviceModelVersion = 'qemu_xen_traditional';
  else if (version === 'qemu-xen') bInfo.deviceModelVersion = 'qemu_xen';
  else if (version !== null) die(state, `Unknown device_model_version "${version}" specified`);
  else if (bInfo.deviceModel !== null) {
    say(state, 'WARNING: device model override given without specific DM version\n');
  }
}

function readArgs(state: ParseState, key: string): string[] {
  if (!hasSetting(state.cfg, key)) return [];
  const list = readList(state, key);
  if (list === null) die(state, `xl: Unable to parse ${key}.`, 3);
  return stringList(state, list);
}

/** Reads the device model's keys, then those of its displays, then dm_restrict. */
export function parseDeviceModel(state: ParseState): void {
  const { bInfo } = state.config;
  parseDeviceModelDirective(state);
  bInfo.deviceModel = readString(state, 'device_model_override');
  parseVersion(state);
  bInfo.deviceModelStubdomain = readDefbool(state, 'device_model_stubdomain_override');
  bInfo.deviceModelSsidLabel = readString(state, 'device_model_stubdomain_seclabel');
  bInfo.deviceModelUser = readString(state, 'device_model_user');
  bInfo.stubdomainKernel = readString(state, 'stubdomain_kernel');
  bInfo.stubdomainCmdline = readString(state, 'stubdomain_cmdline');
  bInfo.stubdomainRamdisk = readString(state, 'stubdomain_ramdisk');
  bInfo.stubdomainMemkb = readMemkb(state, 'stubdomain_memory');
  bInfo.extra = readArgs(state, 'device_model_args');
  bInfo.extraPv = readArgs(state, 'device_model_args_pv');
  bInfo.extraHvm = readArgs(state, 'device_model_args_hvm');
  parseVncKeys(state);
  bInfo.dmRestrict = readDefbool(state, 'dm_restrict');
}
