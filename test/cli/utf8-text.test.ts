/** Files of text: UTF-8 with or without a mark; anything else is told where and what. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readUtf8 } from '../../src/cli/utf8-text.ts';

const read = (...bytes: readonly (number | string)[]) =>
  readUtf8(
    Buffer.concat(bytes.map((part) => (typeof part === 'string' ? Buffer.from(part) : Buffer.from([part])))),
  );

/** The standard's own decoder; null: not UTF-8. */
function strictly(bytes: Uint8Array): string | null {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    return null;
  }
}

/** Bytes among which characters of UTF-8 and nearly such are common. */
const pieces = fc.array(
  fc.oneof(
    fc.constantFrom('a', '\n', 'é', '€', '😀').map((text) => [...Buffer.from(text)]),
    fc.constantFrom(
      [0xc0, 0x80],
      [0xe0, 0x80, 0x80],
      [0xed, 0xa0, 0x80],
      [0xf0, 0x80, 0x80, 0x80],
      [0xf4, 0x90, 0x80, 0x80],
    ),
    fc.array(fc.integer({ min: 1, max: 255 }), { maxLength: 2 }),
  ),
  { maxLength: 12 },
);

describe('a text file', () => {
  it('is what the standard decoder makes of it, or has its first byte that is none named', () => {
    fc.assert(
      fc.property(pieces, (parts) => {
        // A line first, so that the bytes are no mark of another encoding.
        const bytes = Buffer.from([0x61, 0x0a, ...parts.flat()]);
        const got = readUtf8(bytes);
        const text = strictly(bytes);
        expect(got.ok).toBe(text !== null);
        if (got.ok) {
          expect(got.text).toBe(text);
          return;
        }
        // The longest beginning that is UTF-8 ends where the problem is.
        let end = bytes.length;
        while (strictly(bytes.subarray(0, end)) === null) end--;
        const lines = strictly(bytes.subarray(0, end))!.split('\n');
        expect([got.problem.line, got.problem.column]).toEqual([lines.length, lines.at(-1)!.length + 1]);
        expect(got.problem.message).toContain(`0x${bytes[end]!.toString(16).toUpperCase().padStart(2, '0')}`);
      }),
      { numRuns: 2000 },
    );
  });

  it('may begin with a mark, which is no part of it', () => {
    expect(read(0xef, 0xbb, 0xbf, 'a')).toEqual({ ok: true, text: 'a' });
    expect(read(0xef, 0xbb, 0xbf, 'ab', 0xe9, 'c')).toMatchObject({
      ok: false,
      problem: { line: 1, column: 3 },
    });
  });

  it.each([
    ['UTF-16LE', [0xff, 0xfe, 0x61, 0]],
    ['UTF-16BE', [0xfe, 0xff, 0, 0x61]],
    ['UTF-32LE', [0xff, 0xfe, 0, 0]],
    ['UTF-16LE', [0x61, 0, 0x62, 0]],
    ['UTF-16BE', [0, 0x61, 0, 0x62]],
  ])('is %s by name', (name, bytes) => {
    const got = read(...bytes);
    expect(got.ok ? '' : got.problem.message).toContain(`is ${name}`);
  });

  it('may be empty, or one byte', () => {
    expect(read()).toEqual({ ok: true, text: '' });
    expect(read('a')).toEqual({ ok: true, text: 'a' });
  });
});
