/**
 * C's printf as far as xl's columns need it: `%s %c %d %u %lu %x %f %%` with flags `-` and `0`, a width and a precision.
 *
 * Text is one character per byte, so a width counts bytes as C does; a long name pushes the rest of its row.
 */
import { ASSERT } from '../hypervisor/bug.ts';

const CONVERSION = /%([-0]*)(\d*)(?:\.(\d+))?(?:l{0,2}|z)([scduxf%])/g;

/** A null string prints as `(null)`, as glibc does. */
export type PrintfArg = string | number | bigint | null;

/** Formats as C's sprintf(3). Throws XenBug where format and arguments do not fit each other. */
export function sprintf(format: string, ...args: readonly PrintfArg[]): string {
  let used = 0;
  const text = format.replace(CONVERSION, (_all, flags: string, width: string, precision, type: string) => {
    if (type === '%') return '%';
    ASSERT(used < args.length, `sprintf: too few arguments for ${format}`);
    const body = convert(type, args[used++] as PrintfArg, precision as string | undefined);
    return pad(body, Number(width), flags, type);
  });
  ASSERT(used === args.length, `sprintf: too many arguments for ${format}`);
  return text;
}

function convert(type: string, arg: PrintfArg, precision: string | undefined): string {
  if (type === 's')
    return precision === undefined ? `${arg ?? '(null)'}` : `${arg ?? '(null)'}`.slice(0, Number(precision));
  if (type === 'c') return String(arg);
  ASSERT(typeof arg === 'number' || typeof arg === 'bigint', `sprintf: %${type} of ${arg}`);
  if (type === 'x') return arg.toString(16);
  if (type === 'f') return fixed(Number(arg), precision === undefined ? 6 : Number(precision));
  return arg.toString();
}

function pad(body: string, width: number, flags: string, type: string): string {
  if (flags.includes('-')) return body.padEnd(width);
  if (!flags.includes('0') || type === 's' || type === 'c') return body.padStart(width);
  const sign = body.startsWith('-') ? '-' : '';
  return sign + body.slice(sign.length).padStart(width - sign.length, '0');
}

/**
 * `x` with `digits` decimals, rounded as C does: to nearest, an exact tie to the even digit.
 * JavaScript's toFixed rounds the exact value too but sends a tie upwards.
 */
function fixed(x: number, digits: number): string {
  const halves = Math.abs(x) * 2 ** (digits + 1);
  // The value lies exactly between two decimals only when it is an odd multiple of 1 / 2^(digits + 1).
  if (!Number.isSafeInteger(halves) || halves % 2 === 0) return x.toFixed(digits);
  const doubled = BigInt(halves) * 5n ** BigInt(digits);
  const down = (doubled - 1n) / 2n;
  const even = (down % 2n === 0n ? down : down + 1n).toString().padStart(digits + 1, '0');
  const sign = x < 0 ? '-' : '';
  if (digits === 0) return sign + even;
  return `${sign}${even.slice(0, -digits)}.${even.slice(-digits)}`;
}
