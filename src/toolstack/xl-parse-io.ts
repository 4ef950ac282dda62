/** Port, interrupt and memory ranges given to the guest. Models parse_config_data(), tools/xl/xl_parse.c. */

import type { Uint64 } from './libxl-idl.ts';
import { ALTP2M_MODES } from './libxl-types-domain.ts';
import { asInt32, asUint32, strtoul } from './strtol.ts';
import { entriesOf } from './xl-parse-lists.ts';
import {
  die,
  enumFromString,
  type ParseState,
  readList,
  readLong,
  readString,
  say,
} from './xl-parse-state.ts';

const UINT32_MAX = 0xffffffffn;

function parseAltp2m(state: ParseState): void {
  const { bInfo } = state.config;
  const number = readLong(state, 'altp2m', 'quiet');
  if (number !== null) {
    const mode = number < 0n || number > 3n ? undefined : ALTP2M_MODES[Number(number)];
    if (mode === undefined) die(state, `ERROR: invalid value ${number} for "altp2m"`);
    bInfo.altp2m = mode;
    return;
  }
  const text = readString(state, 'altp2m');
  if (text === null) return;
  const mode = enumFromString(ALTP2M_MODES, text);
  if (mode === undefined) die(state, `ERROR: invalid value "${text}" for "altp2m"`);
  bInfo.altp2m = mode;
}

function parseIoports(state: ParseState): void {
  const list = readList(state, 'ioports');
  for (const [i, text] of (list === null ? [] : entriesOf(state, list)).entries()) {
    if (typeof text !== 'string') die(state, `xl: Unable to get element #${i} in ioport list`);
    const bad = `xl: Invalid argument parsing ioport: ${text}`;
    const start = strtoul(text, 16);
    if (start.end === 0) die(state, bad);
    if (start.value >= UINT32_MAX) die(state, `xl: ioport ${start.value.toString(16)} too big`);
    let end = start.value;
    if (text[start.end] === '-') {
      const stop = strtoul(text, 16, start.end + 1);
      if (stop.end !== text.length) die(state, bad);
      if (stop.value >= UINT32_MAX) die(state, `xl: ioport ${stop.value.toString(16)} too big`);
      end = stop.value;
    } else if (start.end !== text.length) {
      say(state, `${bad}\n`);
    }
    // A reversed range wraps.
    state.config.bInfo.ioports.push({ first: Number(start.value), number: asUint32(end - start.value + 1n) });
  }
}

function parseIrqs(state: ParseState): void {
  const list = readList(state, 'irqs');
  for (const [i, text] of (list === null ? [] : entriesOf(state, list)).entries()) {
    if (typeof text !== 'string') die(state, `xl: Unable to get element ${i} in irq list`);
    const irq = strtoul(text, 10);
    if (irq.end !== text.length || irq.end === 0) die(state, `xl: Invalid argument parsing irq: ${text}`);
    if (irq.value >= UINT32_MAX) die(state, `xl: irq ${irq.value.toString(16)} too big`);
    state.config.bInfo.irqs.push(Number(irq.value));
  }
}

const uint64 = (value: bigint): Uint64 => (value <= 2n ** 53n - 1n ? Number(value) : value.toString());

function parseIomem(state: ParseState): void {
  const list = readList(state, 'iomem');
  for (const [i, text] of (list === null ? [] : entriesOf(state, list)).entries()) {
    if (typeof text !== 'string') die(state, `xl: Unable to get element ${i} in iomem list`);
    const bad = `xl: Invalid argument parsing iomem: ${text}`;
    const start = strtoul(text, 16);
    if (start.end === 0 || text[start.end] !== ',') die(state, bad);
    const number = strtoul(text, 16, start.end + 1);
    if (number.end === 0) die(state, bad);
    let gfn = 2n ** 64n - 1n;
    let end = number.end;
    if (text[end] === '@') {
      const at = strtoul(text, 16, end + 1);
      if (at.end === 0) die(state, bad);
      gfn = at.value;
      end = at.end;
    }
    if (end !== text.length) die(state, bad);
    state.config.bInfo.iomem.push({
      start: uint64(start.value),
      number: uint64(number.value),
      gfn: uint64(gfn),
    });
  }
}

/** Reads altp2m, vmtrace_buf_kb, ioports, irqs and iomem. */
export function parseIo(state: ParseState): void {
  parseAltp2m(state);
  const trace = readLong(state, 'vmtrace_buf_kb', 'quiet');
  if (trace !== null) state.config.bInfo.vmtraceBufKb = asInt32(trace);
  parseIoports(state);
  parseIrqs(state);
  parseIomem(state);
}
