/**
 * C's uint64_t arithmetic on sizes, where libxl's results depend on it: sizes of a config may be negative and wrap.
 *
 * Inside a computation a value is a bigint; in a task's variables it is decimal text, so that it stays plain data.
 */

/** A number of any sign, or decimal text, as the 64 bits C would hold. */
export const u64 = (n: number | string | bigint): bigint => BigInt.asUintN(64, BigInt(n));

/** The same 64 bits as a JavaScript number, rounded above 2^53. */
export const u64Number = (n: bigint): number => Number(BigInt.asUintN(64, n));

/** Decimal text of the 64 bits: what a variable holds and what printf("%" PRIu64) prints. */
export const u64Text = (n: bigint | number): string => u64(n).toString();

/** LIBXL_MEMKB_DEFAULT: all ones. */
export const MEMKB_DEFAULT = u64(-1);
