/** The sizes of mem-set and mem-max. Models parse_mem_size_kb(), tools/xl/xl_parse.c. */

/** strtoll(3) in base 10: leading blanks and a sign, then digits; 64 bits, stopping at their ends. */
function strtoll(text: string): { readonly value: bigint; readonly rest: string } {
  const found = /^[ \t\n\v\f\r]*([-+]?[0-9]+)/.exec(text);
  if (found === null) return { value: 0n, rest: text };
  const value = BigInt(found[1]!.replace('+', ''));
  const [low, high] = [-(2n ** 63n), 2n ** 63n - 1n];
  const clamped = value < low ? low : value > high ? high : value;
  return { value: clamped, rest: text.slice(found[0].length) };
}

/**
 * A size in KiB as a signed 64-bit value, or null when it is none: a number with at most one suffix, MiB without.
 * A result of exactly -1 is the mark of an error, as in xl. Overflow wraps.
 */
export function parseMemSizeKb(text: string): bigint | null {
  const { value, rest } = strtoll(text);
  if (rest.length > 1) return null;
  let kb: bigint;
  switch (rest.toLowerCase()) {
    case 't':
      kb = value << 30n;
      break;
    case 'g':
      kb = value << 20n;
      break;
    case '':
    case 'm':
      kb = value << 10n;
      break;
    case 'k':
      kb = value;
      break;
    case 'b':
      kb = value >> 10n;
      break;
    default:
      return null;
  }
  const wrapped = BigInt.asIntN(64, kb);
  return wrapped === -1n ? null : wrapped;
}
