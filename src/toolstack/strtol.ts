/** The C library's number reading, exact to 64 bits. */

const LONG_MAX = 2n ** 63n - 1n;
const LONG_MIN = -(2n ** 63n);
const ULONG_MAX = 2n ** 64n - 1n;

interface Scanned {
  readonly negative: boolean;
  readonly magnitude: bigint;
  /** Offset of the first character not read; 0 when there is no number. */
  readonly end: number;
}

const DIGITS: Readonly<Record<number, string>> = { 8: '[0-7]+', 10: '[0-9]+', 16: '[0-9a-fA-F]+' };
const PREFIX: Readonly<Record<number, string>> = { 8: '0o', 10: '', 16: '0x' };

function scan(text: string, base: 0 | 10 | 16, from: number): Scanned {
  const head = /[ \t\n\v\f\r]*([+-]?)/y;
  head.lastIndex = from;
  const negative = head.exec(text)?.[1] === '-';
  let at = head.lastIndex;
  let radix: number = base;
  if (base !== 10 && /0[xX][0-9a-fA-F]/y.test(text.slice(at, at + 3))) {
    at += 2;
    radix = 16;
  } else if (base === 0) {
    radix = text[at] === '0' ? 8 : 10;
  }
  const digits = new RegExp(DIGITS[radix]!, 'y');
  digits.lastIndex = at;
  const found = digits.exec(text);
  if (found === null) return { negative, magnitude: 0n, end: 0 };
  // Beyond 40 digits every base has overflowed: the length of the text must not cost more than itself.
  const significant = found[0].replace(/^0+(?=.)/, '');
  const magnitude = significant.length > 40 ? ULONG_MAX + 1n : BigInt(`${PREFIX[radix]}${significant}`);
  return { negative, magnitude, end: digits.lastIndex };
}

/** Reads a signed 64-bit number. `end` is 0 when there is none. Models strtol(3); base 0 follows the prefix. */
export function strtol(
  text: string,
  base: 0 | 10 | 16,
  from = 0,
): { readonly value: bigint; readonly end: number; readonly overflow: boolean } {
  const { negative, magnitude, end } = scan(text, base, from);
  const value = negative ? -magnitude : magnitude;
  if (value > LONG_MAX) return { value: LONG_MAX, end, overflow: true };
  if (value < LONG_MIN) return { value: LONG_MIN, end, overflow: true };
  return { value, end, overflow: false };
}

/** Reads an unsigned 64-bit number; a minus sign negates it modulo 2^64. Models strtoul(3). */
export function strtoul(
  text: string,
  base: 0 | 10 | 16,
  from = 0,
): { readonly value: bigint; readonly end: number; readonly overflow: boolean } {
  const { negative, magnitude, end } = scan(text, base, from);
  if (magnitude > ULONG_MAX) return { value: ULONG_MAX, end, overflow: true };
  return { value: BigInt.asUintN(64, negative ? -magnitude : magnitude), end, overflow: false };
}

/** The low 32 bits as a signed number: a long stored into an int. */
export const asInt32 = (value: bigint): number => Number(BigInt.asIntN(32, value));
/** The low 32 bits as an unsigned number. */
export const asUint32 = (value: bigint): number => Number(BigInt.asUintN(32, value));

/** Models atoi(3): leading decimal digits as an int, 0 if there are none. */
export const atoi = (text: string): number => asInt32(strtol(text, 10).value);
