import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { sprintf } from '../../src/toolstack/printf.ts';

/** The exact value of a double as numerator / 2^k, then decimals by long division: slow and obvious. */
function slowFixed(x: number, digits: number): string {
  let k = 0;
  let numerator = Math.abs(x);
  while (!Number.isInteger(numerator)) {
    numerator *= 2;
    k++;
  }
  const scaled = BigInt(numerator) * 10n ** BigInt(digits);
  const unit = 2n ** BigInt(k);
  const rest = scaled % unit;
  let rounded = scaled / unit;
  if (rest * 2n > unit || (rest * 2n === unit && rounded % 2n === 1n)) rounded += 1n;
  const text = rounded.toString().padStart(digits + 1, '0');
  const sign = x < 0 ? '-' : '';
  return digits === 0 ? sign + text : `${sign}${text.slice(0, -digits)}.${text.slice(-digits)}`;
}

describe('sprintf', () => {
  it('rounds %f to nearest and a tie to the even digit, as the exact value says', () => {
    const value = fc.oneof(
      fc.double({ min: -1e9, max: 1e9, noNaN: true }).filter((x) => !Object.is(x, -0)),
      fc.integer({ min: -4_000_000, max: 4_000_000 }).map((n) => n / 8),
    );
    fc.assert(
      fc.property(value, fc.integer({ min: 0, max: 4 }), (x, digits) => {
        // toFixed drops the sign of what rounds to zero; C keeps it, and no column of xl is ever negative.
        fc.pre(x > 0 || x <= -1);
        expect(sprintf(`%.${digits}f`, x)).toBe(slowFixed(x, digits));
      }),
    );
  });

  it('sends 0.25 down and 0.75 up', () => {
    expect(sprintf('%.1f %.1f', 0.25, 0.75)).toBe('0.2 0.8');
  });

  it('pads to the width on the side the flag names, and never cuts', () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 60 }), fc.integer({ min: 1, max: 50 }), (text, width) => {
        const [left, right] = [sprintf(`%-${width}s|`, text), sprintf(`%${width}s`, text)];
        expect(left).toBe(`${text}${' '.repeat(Math.max(0, width - text.length))}|`);
        expect(right).toBe(`${' '.repeat(Math.max(0, width - text.length))}${text}`);
      }),
    );
  });

  it('fills with zeros after the sign', () => {
    expect(sprintf('%03d %05d %08x', 7, -42, 0xbeef)).toBe('007 -0042 0000beef');
  });

  it('prints a null string as glibc does', () => {
    expect(sprintf('%-8s|', null)).toBe('(null)  |');
  });

  it('prints 64-bit numbers whole', () => {
    expect(sprintf('%lu %llu', 2n ** 64n - 1n, 2 ** 53 - 1)).toBe('18446744073709551615 9007199254740991');
  });

  it('takes %% for itself and an argument for every other conversion', () => {
    expect(sprintf('%d%%', 5)).toBe('5%');
    expect(() => sprintf('%d')).toThrow('too few arguments');
    expect(() => sprintf('%d', 1, 2)).toThrow('too many arguments');
  });
});
