/** Devices in the order xl reads them. Models the device part of parse_config_data(), tools/xl/xl_parse.c. */
import { parseCpuidList, parseCpuidString } from './libxl-cpuid.ts';
import { parseVfb } from './xl-parse-fb.ts';
import { deviceEntries, stringList } from './xl-parse-lists.ts';
import {
  parseChannels,
  parseP9,
  parsePvcalls,
  parseUsbctrl,
  parseUsbdev,
  parseVdispl,
  parseVtpm,
} from './xl-parse-pvdev.ts';
import { type ParseState, readList, readString, say, XlExit } from './xl-parse-state.ts';
import { parseVif } from './xl-parse-vif.ts';
import { parseVsnd } from './xl-parse-vsnd.ts';
import { xluDiskParse } from './xlu-disk.ts';

function parseDisks(state: ParseState): void {
  for (const spec of deviceEntries(state, 'disk')) {
    const { disk, errors } = xluDiskParse(state.cfg.source, spec);
    for (const error of errors) say(state, error);
    if (errors.length > 0) throw new XlExit(1);
    state.config.disks.push(disk);
  }
}

/** A list is xend's syntax, a string libxl's own. */
function parseCpuid(state: ParseState): void {
  const { cpuid } = state.config.bInfo;
  const list = readList(state, 'cpuid', 'quiet');
  if (list !== null) {
    parseCpuidList(cpuid, stringList(state, list), (text) => say(state, text));
    return;
  }
  const text = readString(state, 'cpuid');
  if (text !== null) parseCpuidString(cpuid, text, (said) => say(state, said));
}

/** Reads every device list, then cpuid. */
export function parseDevices(state: ParseState): void {
  parseDisks(state);
  parseP9(state);
  parseVtpm(state);
  parseVdispl(state);
  parsePvcalls(state);
  parseVsnd(state);
  parseChannels(state);
  parseVif(state);
  parseVfb(state);
  parseUsbctrl(state);
  parseUsbdev(state);
  parseCpuid(state);
}
