/** Files of text that people write: UTF-8, or told where they are not. */
import { isUtf8 } from 'node:buffer';
import type { Problem } from '../explorer/scenario-problem.ts';

export type FileText =
  | { readonly ok: true; readonly text: string }
  | { readonly ok: false; readonly problem: Problem };

const BOM = '\ufeff';
/** How files of other encodings begin. A text of ASCII in UTF-16 has a zero in every second byte. */
const OTHERS: readonly (readonly [name: string, begin: readonly (number | 'zero' | 'some')[]])[] = [
  ['UTF-32LE', [0xff, 0xfe, 0, 0]],
  ['UTF-32BE', [0, 0, 0xfe, 0xff]],
  ['UTF-16LE', [0xff, 0xfe]],
  ['UTF-16BE', [0xfe, 0xff]],
  ['UTF-16LE', ['some', 'zero', 'some', 'zero']],
  ['UTF-16BE', ['zero', 'some', 'zero', 'some']],
];

/** The text without its byte order mark, or the first place that is not UTF-8 and what to do. */
export function readUtf8(bytes: Uint8Array): FileText {
  const other = OTHERS.find(([, begin]) => beginsWith(bytes, begin))?.[0];
  if (other !== undefined) {
    const message = `is ${other}, and UTF-8 is read here: save it as UTF-8 (iconv -f ${other} -t UTF-8)`;
    return { ok: false, problem: { line: 1, column: 1, message } };
  }
  if (!isUtf8(bytes)) return { ok: false, problem: firstBreach(bytes) };
  return { ok: true, text: withoutMark(decoded(bytes)) };
}

const decoded = (bytes: Uint8Array): string => Buffer.from(bytes).toString('utf8');
const withoutMark = (text: string): string => (text.startsWith(BOM) ? text.slice(1) : text);

const beginsWith = (bytes: Uint8Array, begin: readonly (number | 'zero' | 'some')[]): boolean =>
  bytes.length >= begin.length &&
  begin.every((want, i) =>
    want === 'zero' ? bytes[i] === 0 : want === 'some' ? bytes[i] !== 0 : bytes[i] === want,
  );

/** Columns count as those of other problems do: in UTF-16 units, the mark not counted. */
function firstBreach(bytes: Uint8Array): Problem {
  let at = 0;
  for (let n = lengthAt(bytes, at); n > 0; n = lengthAt(bytes, at)) at += n;
  const before = withoutMark(decoded(bytes.subarray(0, at))).split('\n');
  const value = `0x${bytes[at]!.toString(16).toUpperCase().padStart(2, '0')}`;
  const why = at + 1 < bytes.length ? 'is no UTF-8 here' : 'ends the file inside of a character of UTF-8';
  const hint = 'save the file as UTF-8 (from Latin-1: iconv -f ISO-8859-1 -t UTF-8)';
  return {
    line: before.length,
    column: before[before.length - 1]!.length + 1,
    message: `the byte ${value} ${why}: ${hint}`,
  };
}

/** Bytes of the character that begins at `at`; 0: none does. Table 3-7 of the Unicode Standard, well-formed UTF-8. */
function lengthAt(bytes: Uint8Array, at: number): number {
  const lead = bytes[at];
  if (lead === undefined) return 0;
  if (lead < 0x80) return 1;
  const length =
    lead >= 0xc2 && lead < 0xe0 ? 2 : lead >= 0xe0 && lead < 0xf0 ? 3 : lead >= 0xf0 && lead < 0xf5 ? 4 : 0;
  for (let i = 1; i < length; i++) {
    const byte = bytes[at + i] ?? 0;
    const least = i === 1 && lead === 0xe0 ? 0xa0 : i === 1 && lead === 0xf0 ? 0x90 : 0x80;
    const most = i === 1 && lead === 0xed ? 0x9f : i === 1 && lead === 0xf4 ? 0x8f : 0xbf;
    if (byte < least || byte > most) return 0;
  }
  return length;
}
