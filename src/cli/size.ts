/** Sizes as users write them: 4G, 512M, 300k, 4096 (MiB), exact and within what a host can have. */
import { type Pages, pages } from '../hypervisor/units.ts';

const UNITS: Readonly<Record<string, number>> = { t: 2 ** 40, g: 2 ** 30, m: 2 ** 20, k: 2 ** 10, b: 1 };
/** The address space: no size is larger. */
const LIMIT = 2 ** 53;

export type SizeResult =
  | { readonly ok: true; readonly pages: Pages }
  | { readonly ok: false; readonly message: string };

/** Reads a size in whole pages. A number without a unit is in MiB, as for mem-set. */
export function parseSize(text: string): SizeResult {
  const shown = JSON.stringify(text.length > 60 ? `${text.slice(0, 60)}…` : text);
  const match = /^(-?)(\d+(?:\.\d+)?)\s*([tgmkb])?(?:i?b)?$/i.exec(text);
  if (match === null) {
    return { ok: false, message: `${shown} is not a size: write a number and a unit, such as 512M or 4G` };
  }
  const [, sign, digits = '', unit = 'm'] = match;
  if (sign === '-') return { ok: false, message: `${shown} is negative: a size is 0 or more` };
  const bytes = Number(digits) * (UNITS[unit.toLowerCase()] ?? 0);
  if (!(bytes < LIMIT))
    return { ok: false, message: `${shown} is out of range: no host has that much memory` };
  if (bytes % 4096 !== 0) return { ok: false, message: `${shown} is not a whole number of 4 KiB pages` };
  return { ok: true, pages: pages(bytes / 4096) };
}

/** Pages in MiB, with decimals only where it is not a whole number of them. */
export function mibText(count: number): string {
  return count % 256 === 0 ? String(count / 256) : (count / 256).toFixed(2);
}

/** Pages in the unit that suits them: 4 GiB, 1536 MiB, 7039.47 MiB, 12 KiB. */
export function sizeText(count: number): string {
  if (count !== 0 && count % 262144 === 0) return `${count / 262144} GiB`;
  return count % 256 === 0 || count > 256 ? `${mibText(count)} MiB` : `${count * 4} KiB`;
}
