/** Outputs that are not as expected, shown as one text. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { lineDifference } from '../../src/cli/reporters/line-difference.ts';

describe('the difference of two texts', () => {
  it('has lines of both once, and says of the others whose they are', () => {
    expect(lineDifference('a\nb\nc', 'a\nx\nc\nd')).toBe('  a\n- b\n+ x\n  c\n+ d');
  });

  it('is none where they share nothing, or where they are long', () => {
    expect(lineDifference('a', 'b\nc')).toBeNull();
    const long = 'a\n'.repeat(500);
    expect(lineDifference(long, `${long}b`)).toBeNull();
  });

  it('shows what was printed where a pattern stands for it', () => {
    expect(lineDifference('Name * (glob)\nb', 'Name  ID\nc')).toBe('  Name  ID\n- b\n+ c');
  });

  it('shows blanks where nothing else differs', () => {
    expect(lineDifference('x\nweb   1 2', 'x\nweb\t1 2')).toBe('  x\n- web···1 2\n+ web\\t1 2');
    expect(lineDifference('x\nweb   1 2', 'x\nweb\t1 3')).toBe('  x\n- web   1 2\n+ web\t1 3');
  });

  it('leads from one to the other, and shares as many lines as can be', () => {
    const text = fc.array(fc.constantFrom('a', 'b', 'c'), { minLength: 1, maxLength: 7 });
    const common = (a: readonly string[], b: readonly string[]): number => {
      if (a.length === 0 || b.length === 0) return 0;
      if (a[0] === b[0]) return 1 + common(a.slice(1), b.slice(1));
      return Math.max(common(a.slice(1), b), common(a, b.slice(1)));
    };
    fc.assert(
      fc.property(text, text, (a, b) => {
        const rows = lineDifference(a.join('\n'), b.join('\n'))?.split('\n') ?? [
          ...a.map((line) => `- ${line}`),
          ...b.map((line) => `+ ${line}`),
        ];
        const without = (mark: string): string[] =>
          rows.filter((row) => !row.startsWith(mark)).map((row) => row.slice(2));
        expect([without('+'), without('-')]).toEqual([a, b]);
        expect(rows.filter((row) => row.startsWith(' '))).toHaveLength(common(a, b));
      }),
    );
  });
});
