/**
 * Sizes at which this parser gives up as the real one does when memory runs out.
 *
 * Simplified: real xl would go on to the limits of its machine. Xen has at most 8,192 vcpus a domain, so that no
 * config of a guest that can be built is refused.
 */
import { die, type ParseState } from './xl-parse-state.ts';

/** Bits of a map of vcpus. */
const MAX_MAP_BITS = 2 ** 22;
/** Vcpus that get a map of cpus each. */
const MAX_MAPS = 2 ** 16;
/** Virtual NUMA nodes. */
const MAX_VNODES = 2 ** 11;
/** Values of one list, and parameters of one entry. */
const MAX_ELEMENTS = 2 ** 17;
/** Devices of one kind. */
const MAX_DEVICES = 2 ** 14;
/** The size of a pointer, and about that of a device. */
const POINTER_BYTES = 8;
const DEVICE_BYTES = 512;
/** sizeof(libxl_bitmap). */
const BITMAP_BYTES = 16;

/** Refuses a map of too many bits in the words of libxl__alloc_failed(). */
export function checkMapBits(state: ParseState, bits: number): void {
  if (bits <= MAX_MAP_BITS) return;
  const size = Math.ceil(bits / 8);
  die(state, `libxl: FATAL ERROR: memory allocation failure (libxl__calloc, ${size} x 1)`, 255);
}

/** Refuses too many maps in the words of xl's xmalloc(). */
export function checkMaps(state: ParseState, maps: number): void {
  if (maps > MAX_MAPS) die(state, `xl: Unable to malloc ${maps * BITMAP_BYTES} bytes.`, 3);
}

/** Refuses too many virtual nodes, which have a distance to each other, in the words of xl's xcalloc(). */
export function checkVnodes(state: ParseState, nodes: number): void {
  if (nodes > MAX_VNODES) die(state, `xl: Unable to calloc ${nodes}*4 bytes.`, 3);
}

/** Refuses a list that is too long, in the words of xl's xrealloc(). */
export function checkElements(state: ParseState, elements: number): void {
  if (elements > MAX_ELEMENTS) die(state, `xl: Unable to realloc ${elements * POINTER_BYTES} bytes.`, 3);
}

/** Refuses too many devices of one kind, in the words of xl's xrealloc(). */
export function checkDevices(state: ParseState, devices: number): void {
  if (devices > MAX_DEVICES) die(state, `xl: Unable to realloc ${devices * DEVICE_BYTES} bytes.`, 3);
}
